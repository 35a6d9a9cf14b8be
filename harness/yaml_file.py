"""Reads the YAML files that describe rigs and vehicles, and says where they are wrong.

A file is YAML 1.2 and plain data: tags, anchors, aliases and directives are refused, so that a hostile file can
neither run code nor grow. All problems of a file are reported at once, each with its line and key.
"""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from reprlib import Repr
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union, cast, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError
from pydantic_core.core_schema import ErrorType
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.reader import ReaderError

from harness.errors import RigFileError

MAX_BYTES = 1_000_000
MAX_DEPTH = 32

KeyPath = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)

_NUMBERS_AND_SUCH = {f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float")}
_PYDANTICS_OWN = set(get_args(ErrorType)) - {"value_error", "assertion_error"}
_shortened = Repr()
_shortened.maxstring = 60


def read_yaml_file(path: Path, model: type[Model]) -> Model:
    """Read a file and check it against `model`.

    Raises:
        RigFileError: the file is missing, not YAML, or holds what the model does not allow; one line a problem.
    """
    file = _Text(path)
    return cast("Model", _checked(path, file.read(), model))


@lru_cache(maxsize=16)
def _checked(path: Path, text: str, model: type[BaseModel]) -> BaseModel:
    """Return what a text says. A run reads each of its files several times, and models are frozen."""
    file = _Text(path)
    data = file.parse(text)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            _describe(problem, data, model, file)
        raise file.error() from None


def refuse(problems: Mapping[KeyPath, str]) -> None:
    """Report problems that a model's validator found, each at its key, counted from that model.

    Raises:
        ValidationError: there is a problem. pydantic joins it to those of the whole file.
    """
    details = [
        InitErrorDetails(type=PydanticCustomError("refused", "{reason}", {"reason": reason}), loc=path, input=None)
        for path, reason in problems.items()
    ]
    if details:
        raise ValidationError.from_exception_data("file", details)


def error_in(path: Path, problems: Mapping[KeyPath, str]) -> RigFileError:
    """Return the error for a file that was read without one, but does not fit something else: a line a problem."""
    file = _Text(path)
    file.parse(file.read())
    for key, text in problems.items():
        file.problem(file.line(key), f"{_dotted(key)}: {text}")
    return file.error()


def json_schema(model: type[BaseModel], identifier: str) -> dict[str, Any]:
    """Return the JSON Schema of a file, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": identifier,
        **model.model_json_schema(),
    }


class _Text:
    """A file as plain data, with the line of each key and the problems found so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines: dict[KeyPath, int] = {(): 1}
        self._problems: list[tuple[int, str]] = []

    def parse(self, text: str) -> object:
        """Return what a text holds: dictionaries with text keys, lists, text, numbers, booleans, None."""
        yaml = YAML(typ="safe", pure=True)
        data: object = None
        try:
            data = _Document(yaml, self).data(yaml.parse(text))
        except MarkedYAMLError as error:
            mark, start = error.problem_mark, error.context_mark
            since = f" {error.context} from line {start.line + 1}" if start else ""
            self.problem(mark.line + 1, f"not YAML, column {mark.column + 1}: {error.problem}{since}")
        except ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            self.problem(line, f"not text: character U+{error.character:04X}")
        except _TooDeepError:
            pass
        if self._problems:
            raise self.error()
        return data

    def read(self) -> str:
        """Return the text of the file."""
        try:
            with self.path.open("rb") as stream:
                content = stream.read(MAX_BYTES + 1)
        except OSError as error:
            raise RigFileError(f"{self.path}: cannot be read: {error.strerror}") from error
        if len(content) > MAX_BYTES:
            raise RigFileError(f"{self.path}: larger than {MAX_BYTES:,} bytes: not a file of a rig or vehicle")
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            byte = content[error.start]
            raise RigFileError(f"{self.path}:{line}: not UTF-8 text: byte 0x{byte:02X}") from error

    def found(self, path: KeyPath, event: Event) -> None:
        self._lines.setdefault(path, event.start_mark.line + 1)

    def line(self, path: KeyPath) -> int:
        """Return the line of a key, or of the nearest key above that is in the file."""
        while path not in self._lines:
            path = path[:-1]
        return self._lines[path]

    def problem(self, line: int, text: str) -> None:
        self._problems.append((line, text))

    def error(self) -> RigFileError:
        """Return the error that lists all problems in the order of their lines."""
        ordered = sorted(dict.fromkeys(self._problems), key=lambda problem: problem[0])
        return RigFileError("\n".join(f"{self.path}:{line}: {text}" for line, text in ordered))


class _TooDeepError(Exception):
    """Ends the reading of a file that is nested too deeply; the problem is noted."""


class _Document:
    """Builds plain data from YAML events; depth is bounded, so that it cannot run out of stack."""

    def __init__(self, yaml: YAML, file: _Text) -> None:
        self._resolver = yaml.resolver
        self._constructor = yaml.constructor
        self._file = file

    def data(self, events: Iterator[Any]) -> object:
        documents = 0
        data: object = None
        for event in events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if event.version or event.tags:
                    self._refuse(event, "directives (%YAML, %TAG) are not allowed")
                if documents > 1:
                    self._refuse(event, "a second document begins here; a file holds one")
                data = self._node(next(events), events, ())
        if not documents:
            self._file.problem(1, "the file is empty")
        return data

    def _node(self, event: NodeEvent, events: Iterator[Any], path: KeyPath) -> object:
        self._file.found(path, event)
        if isinstance(event, AliasEvent):
            self._refuse(event, f"alias *{event.anchor} is not allowed; write the value out")
            return None
        if event.anchor is not None:
            self._refuse(event, f"anchor &{event.anchor} is not allowed; write the value out where it is used")
        if isinstance(event, ScalarEvent | CollectionStartEvent) and event.tag is not None:
            self._refuse(event, f"tag {event.tag} is not allowed")
        if isinstance(event, ScalarEvent):
            return self._scalar(event)
        if len(path) >= MAX_DEPTH:
            self._refuse(event, f"nested deeper than {MAX_DEPTH} levels")
            raise _TooDeepError
        return self._sequence(events, path) if isinstance(event, SequenceStartEvent) else self._mapping(events, path)

    def _sequence(self, events: Iterator[Any], path: KeyPath) -> list[object]:
        items: list[object] = []
        while not isinstance(event := next(events), SequenceEndEvent):
            items.append(self._node(event, events, (*path, len(items))))
        return items

    def _mapping(self, events: Iterator[Any], path: KeyPath) -> dict[str, object]:
        content: dict[str, object] = {}
        while not isinstance(event := next(events), MappingEndEvent):
            self._node(event, events, (*path, key := getattr(event, "value", "?")))
            if not isinstance(event, ScalarEvent):
                self._refuse(event, "a key must be text")
            elif key in content:
                first = self._file.line((*path, key))
                self._refuse(event, f"{_dotted((*path, key))}: duplicate key; first on line {first}")
            content[key] = self._node(next(events), events, (*path, key))
        return content

    def _scalar(self, event: ScalarEvent) -> object:
        text: str = event.value
        tag = self._resolver.resolve(ScalarNode, text, event.implicit)
        if str(tag) not in _NUMBERS_AND_SUCH:
            return text
        try:
            return self._constructor.construct_object(ScalarNode(tag, text))
        except ValueError:
            self._refuse(event, f"not a number: {_shortened.repr(text)}")
            return None

    def _refuse(self, event: Event, reason: str) -> None:
        self._file.problem(event.start_mark.line + 1, reason)


def _describe(problem: ErrorDetails, data: object, model: type[BaseModel], file: _Text) -> None:
    """Note a problem that pydantic found, at the line of its key."""
    place = _locate(problem["loc"], data, model, names_unions=problem["type"] != "refused")
    path = place.path
    match problem["type"]:
        case "extra_forbidden":
            text = _unknown_key(str(path[-1]), place.siblings)
        case "missing":
            text = "missing key"
        case "union_tag_not_found":
            path = (*path, problem["ctx"]["discriminator"].strip("'"))
            text = "missing key"
        case "union_tag_invalid":
            path = (*path, problem["ctx"]["discriminator"].strip("'"))
            text = f"must be one of {problem['ctx']['expected_tags']}, came {problem['ctx']['tag']!r}"
        case "model_type" | "dict_type" | "mapping_type" | "model_attributes_type":
            text = f"must be a mapping (key: value), came {_came(problem['input'])}"
        case kind if kind in _PYDANTICS_OWN:
            text = f"{problem['msg'].replace('Input should be', 'must be')}, came {_came(problem['input'])}"
        case "value_error" | "assertion_error":
            text = str(problem["ctx"]["error"])
        case _:
            text = problem["msg"]
    file.problem(file.line(path), f"{_dotted(path)}: {text}" if path else text)


def _unknown_key(name: str, allowed: Iterable[str]) -> str:
    names = sorted(allowed)
    close = get_close_matches(name, names, n=1)
    meant = f"; did you mean {close[0]!r}?" if close else "."
    return f"unknown key{meant} Allowed: {', '.join(names) or 'none'}"


def _came(value: object) -> str:
    return "nothing" if value is None else _shortened.repr(value)


def _dotted(path: KeyPath) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


class _Place(NamedTuple):
    path: KeyPath
    siblings: list[str]


class _Alternative(NamedTuple):
    """One of the types that a value may have, and how pydantic calls it when it reports a union."""

    kind: object
    names: frozenset[str]


def _locate(location: KeyPath, data: object, model: type[BaseModel], *, names_unions: bool) -> _Place:
    """Turn pydantic's location into keys of the file, leaving out the members of unions that it also names.

    The siblings are the keys that the model allows beside the last one.
    """
    path: KeyPath = ()
    siblings: list[str] = []
    alternatives = _alternatives(model)
    for position, part in enumerate(location):
        chosen = [alternative for alternative in alternatives if str(part) in alternative.names]
        if names_unions and len(alternatives) > 1 and chosen:
            alternatives = chosen
            continue
        inside: object = None
        match data:
            case dict() if part in data:
                inside = data[part]
            case list() if isinstance(part, int):
                inside = data[part]
            case dict() if position == len(location) - 1 and part != "[key]":  # the key is missing
                pass
            case _:
                continue
        siblings = [key for kind, _ in alternatives for key in _keys(kind)]
        path, data = (*path, part), inside
        alternatives = [found for kind, _ in alternatives for found in _alternatives(_within(kind, part))]
    return _Place(path, siblings)


def _keys(kind: object) -> dict[str, object]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return {field.alias or name: field.annotation for name, field in kind.model_fields.items()}
    return {}


def _within(kind: object, part: str | int) -> object:
    """Return the type of what lies under a key or index."""
    arguments = get_args(kind)
    if not arguments:
        return _keys(kind).get(str(part))
    return arguments[0] if isinstance(part, int) else arguments[-1]


def _alternatives(annotation: object) -> list[_Alternative]:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *metadata = get_args(annotation)
        tags = frozenset(meta.tag for meta in metadata if isinstance(meta, Tag))
        return [_Alternative(kind, tags or names) for kind, names in _alternatives(inner)]
    if origin in (Union, UnionType):
        return [found for member in get_args(annotation) for found in _alternatives(member)]
    if annotation in (None, NoneType):
        return []
    names = {getattr(annotation, "__name__", "")}
    for field in _keys(annotation).values():
        if get_origin(field) is Literal:
            names.update(map(str, get_args(field)))
    return [_Alternative(annotation, frozenset(names))]
