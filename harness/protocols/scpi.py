"""Headers and messages of SCPI: command patterns as manuals write them, compiled once into a tree.

A pattern is `[SOURce:]VOLTage[:LEVel][:IMMediate]`, `OUTPut<n>[:STATe]?` or `*IDN?`. Capitals are the short form,
brackets enclose what may be left out, `<n>` stands for a number, which is 1 if it is left out. A header is looked up
node by node, so that the cost does not grow with the number of commands.

Sources: SCPI-99 volume 1, chapters 6.1 (mnemonics), 6.2.4 (traversal of the header tree) and 6.2.5 (suffixes);
IEEE 488.2 chapter 7 (program messages) [K].
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Generic, TypeVar

from harness.protocols.scpi_faults import ScpiError, ScpiFault
from harness.protocols.scpi_parameters import forms

T = TypeVar("T")

_UNIT = re.compile(
    r"(?P<header>\*[A-Z]+|:?[A-Z]\w*(?::[A-Z]\w*)*)(?P<query>\??)(?:\s+(?P<parameters>.*))?",
    re.ASCII | re.DOTALL | re.IGNORECASE,
)
_MNEMONIC = re.compile(r"(\*?[A-Z_]+)(\d{0,6})")
_PATTERN = re.compile(r"(\*[A-Z]+|(?:\[:?[A-Z]+(?:<n>)?:?\]|:?[A-Z]+(?:<n>)?)+)(\??)", re.IGNORECASE)
_PATTERN_NODE = re.compile(r"(\[?):?(\*?[A-Z]+)(<n>)?:?\]?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Unit:
    """One command or query of a message: its header from the root in upper case, its parameters as text."""

    header: tuple[str, ...]
    is_query: bool
    parameters: tuple[str, ...]


def split_message(message: str) -> Iterator[Unit]:
    """Yield the commands and queries of a message one after the other.

    A header that follows `;` continues from the node above the header before it; a leading `:` starts at the root;
    `*` commands leave the path as it is.

    Raises:
        ScpiFault: -102 a unit that is no header with parameters. What was yielded before it stands.
    """
    path: tuple[str, ...] = ()
    units = [text.strip() for text in _split(message, ";")]
    if not units[-1]:
        units.pop()
    for text in units:
        matched = _UNIT.fullmatch(text)
        if not matched:
            raise ScpiFault(ScpiError.SYNTAX)
        header = tuple(matched["header"].upper().split(":"))
        if not header[0]:
            header = header[1:]
        elif not header[0].startswith("*"):
            header = path + header
        if not header[0].startswith("*"):
            path = header[:-1]
        rest = matched["parameters"]
        parameters = tuple(item.strip() for item in _split(rest, ",")) if rest else ()
        if not all(parameters):
            raise ScpiFault(ScpiError.SYNTAX)
        yield Unit(header, bool(matched["query"]), parameters)


def _split(text: str, separator: str) -> list[str]:
    """Split at each separator that stands neither in quotes nor in parentheses."""
    items, start, depth, quote = [], 0, 0, ""
    for position, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
        elif char == separator and depth <= 0:
            items.append(text[start:position])
            start = position + 1
    items.append(text[start:])
    return items


@dataclass(frozen=True, slots=True)
class _Leaf(Generic[T]):
    target: T
    numbered: tuple[int | None, ...]
    """Where in the header the number of each `<n>` stands; None: its node was left out."""


@dataclass(slots=True)
class _Node(Generic[T]):
    children: "dict[str, _Node[T]]" = field(default_factory=dict)
    leaves: dict[bool, _Leaf[T]] = field(default_factory=dict)


class HeaderTree(Generic[T]):
    """Finds what belongs to a header.

    Raises:
        ValueError: a text is no pattern, or two patterns accept the same header.
    """

    def __init__(self, targets: Mapping[str, T]) -> None:
        self._root: _Node[T] = _Node()
        for pattern, target in targets.items():
            self._add(pattern, target)

    def find(self, unit: Unit) -> tuple[T, tuple[int, ...]]:
        """Return what belongs to the header of this unit, and the number of each `<n>` of its pattern.

        Raises:
            ScpiFault: -113 no such command or query.
        """
        node = self._root
        numbers: dict[int, int] = {}
        for position, token in enumerate(unit.header):
            matched = _MNEMONIC.fullmatch(token)
            child = node.children.get(matched[1]) if matched else None
            if matched is None or child is None:
                raise ScpiFault(ScpiError.UNDEFINED_HEADER)
            node = child
            if matched[2]:
                numbers[position] = int(matched[2])
        leaf = node.leaves.get(unit.is_query)
        if leaf is None or not numbers.keys() <= set(leaf.numbered):
            raise ScpiFault(ScpiError.UNDEFINED_HEADER)
        return leaf.target, tuple(1 if at is None else numbers.get(at, 1) for at in leaf.numbered)

    def _add(self, pattern: str, target: T) -> None:
        matched = _PATTERN.fullmatch(pattern)
        if not matched:
            raise ValueError(f"no SCPI command pattern: {pattern!r}")
        is_query = bool(matched[2])
        nodes = _PATTERN_NODE.findall(matched[1])
        for kept in product(*((True, False) if optional else (True,) for optional, _, _ in nodes)):
            node, depth = self._root, 0
            numbered: list[int | None] = []
            for (_, mnemonic, number), is_kept in zip(nodes, kept, strict=True):
                if number:
                    numbered.append(depth if is_kept else None)
                if is_kept:
                    node = _child(node, mnemonic)
                    depth += 1
            if is_query in node.leaves:
                raise ValueError(f"SCPI pattern {pattern!r} accepts a header that another one accepts")
            node.leaves[is_query] = _Leaf(target, tuple(numbered))


def _child(node: _Node[T], mnemonic: str) -> _Node[T]:
    long, short = forms(mnemonic)
    known = node.children.get(long)
    if known is not node.children.get(short):
        raise ValueError(f"SCPI mnemonic {mnemonic!r} is hard to tell from another one at its place")
    if known is None:
        known = node.children[long] = node.children[short] = _Node()
    return known
