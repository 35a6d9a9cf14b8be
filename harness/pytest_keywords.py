"""The keywords of the library as methods, for tests in Python."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from inspect import Parameter, signature
from typing import Any

from robot import result
from robot.api import TypeInfo

from harness.errors import HarnessError, JudgementFailure, TestError, unknown_name
from harness.Hil import Hil

_NEED_ROBOT = frozenset({"ask_operator", "judgement_should_fail"})
"""Keywords that ask Robot for a variable, or let it run another keyword."""
_LOGGER = logging.getLogger("RobotFramework")
"""Where Robot's logger writes to when Robot does not run."""

Began = Callable[[result.Keyword], None]


class Keywords:
    """The keywords of a library as methods: `Signal Should Become` is `signal_should_become`.

    Args:
        library: where the keywords are.
        began: is told each call when it begins, as a result of Robot that is filled in until the call ends.
    """

    def __init__(self, library: Hil, began: Began) -> None:
        _LOGGER.setLevel(logging.INFO)
        self._methods = {
            name.replace(" ", "_").casefold(): _method(library, name, began)
            for name in library.keywords
            if name not in _NEED_ROBOT
        }

    def __getattr__(self, name: str) -> Callable[..., Any]:
        __tracebackhide__ = True
        if name in _NEED_ROBOT:
            raise AttributeError(f"{name} works in suites of Robot Framework only")
        methods: dict[str, Callable[..., Any]] = vars(self).get("_methods", {})
        if name not in methods:
            raise AttributeError(unknown_name("keyword", name, methods))
        return methods[name]

    def __dir__(self) -> list[str]:
        return sorted(self._methods)


def _method(library: Hil, name: str, began: Began) -> Callable[..., Any]:
    """Return a keyword as a function that converts its arguments as Robot does."""
    keyword: Callable[..., Any] = library.keywords[name]
    called = signature(keyword)
    shown = name if " " in name else name.replace("_", " ").title()
    types = library.get_keyword_types(name)
    # Quantities are shown to Robot by their names; the keyword reads them itself.
    converters = {key: TypeInfo.from_type_hint(kind) for key, kind in types.items() if not isinstance(kind, str)}

    @wraps(keyword)
    def call(*positional: object, **named: object) -> object:
        __tracebackhide__ = True
        arguments = [*map(str, positional), *(f"{key}={value}" for key, value in named.items())]
        with _step(shown, arguments, began):
            try:
                bound = called.bind(*positional, **named)
                for key, value in bound.arguments.items():
                    if key in converters and called.parameters[key].kind is not Parameter.VAR_POSITIONAL:
                        bound.arguments[key] = converters[key].convert(value, key)
            except (TypeError, ValueError) as error:
                raise TestError(f"{shown}: {error}") from None
            try:
                return keyword(*bound.args, **bound.kwargs)
            except (JudgementFailure, HarnessError) as error:
                error.__traceback__ = None  # where in the harness it comes from says nothing about the product
                raise

    return call


@contextmanager
def _step(name: str, arguments: list[str], began: Began) -> Iterator[None]:
    """Keep what happens in the block, and what is logged in it, as a keyword that was run."""
    __tracebackhide__ = True
    step = result.Keyword(name, owner="harness.Hil", args=arguments, start_time=now())
    log = _StepLog(step)
    began(step)
    _LOGGER.addHandler(log)
    try:
        yield
    except BaseException as error:
        step.message = said(error)
        raise
    else:
        step.status = "PASS"
    finally:
        _LOGGER.removeHandler(log)
        step.elapsed_time = now() - step.start_time


class _StepLog(logging.Handler):
    def __init__(self, step: result.Keyword) -> None:
        super().__init__()
        self._step = step

    def emit(self, record: logging.LogRecord) -> None:
        level = "INFO" if record.levelno < logging.WARNING else "WARN"
        self._step.body.create_message(record.getMessage(), level, timestamp=now())


def now() -> datetime:
    """Return the local time of day, without its zone, as results of Robot have it."""
    return datetime.now(UTC).astimezone().replace(tzinfo=None)


def said(error: BaseException) -> str:
    """Return the message of an error; with the name of its class where that is not one of ours."""
    if getattr(error, "ROBOT_SUPPRESS_NAME", False):
        return str(error)
    return f"{type(error).__name__}: {error}".removesuffix(": ")
