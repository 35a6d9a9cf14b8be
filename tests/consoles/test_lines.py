"""Lines of a console from bytes as they come: their ends, their times, and what is not text."""

from itertools import pairwise
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.consoles.lines import LONGEST, Line, LineSplitter, text_of


def texts(*pieces: bytes) -> list[str]:
    splitter = LineSplitter()
    return [line.text for time, piece in enumerate(pieces) for line in splitter.feed(piece, time)]


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ((b"one\ntwo\n",), ["one", "two"]),
        ((b"one\r\ntwo\r\n",), ["one", "two"]),
        ((b"10 %\r20 %\r",), ["10 %", "20 %"]),
        ((b"one\r\r\ntwo\n\n\nthree\n",), ["one", "two", "three"]),
        ((b"one\r", b"\ntwo\r", b"three\n"), ["one", "two", "three"]),
        ((b"one\r", b"", b"\n", b"two\n"), ["one", "two"]),
        ((b"o", b"n", b"e", b"\n", b"t"), ["one"]),
        ((b"login: ",), []),
        ((b"  indented\tby a tab \n",), ["  indented\tby a tab "]),
        ((b" \n",), []),
    ],
)
def test_ends_of_lines(pieces: tuple[bytes, ...], lines: list[str]) -> None:
    assert texts(*pieces) == lines


def test_a_line_has_the_time_of_its_first_byte() -> None:
    splitter = LineSplitter()
    assert splitter.feed(b"one\ntw", 10) == [Line(10, "one")]
    assert splitter.feed(b"", 15) == []
    assert splitter.feed(b"o", 20) == []
    assert splitter.feed(b"\nthree\r", 30) == [Line(10, "two"), Line(30, "three")]
    assert splitter.feed(b"\n", 40) == []
    assert splitter.feed(b"four\n", 50) == [Line(50, "four")]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        # Colours, cursor moves and erasing as ls, systemd, U-Boot and dmesg send them.
        (b"\x1b[0;32m  OK  \x1b[0m] Started \x1b[0;1;39mD-Bus\x1b[0m.", "  OK  ] Started D-Bus."),
        (b"\x1b[?25l\x1b[2J\x1b[1;1Hmenu\x1b[K", "menu"),
        (b"\x1b[38;5;208morange\x1b[m", "orange"),
        (b"\x1b]0;root@head-unit\x07# ", "# "),
        (b"\x1b]0;title\x1b\\text", "text"),
        (b"\x1b(B\x1b7plain\x1b8\x1b=\x1bc", "plain"),
        (b"\x00\x07bell\x08\x7f\x0b\x0c\x0e", "bell"),
        (b"caf\xc3\xa9 \xe8\xbd\xa6", "café 车"),
        (b"\xc2\x85\xc2\x9bnext", "next"),
        (b"\xff\xfe\xc3(", "\\xff\\xfe\\xc3("),
        (b"lonely \x1b", "lonely "),
    ],
)
def test_what_is_not_text_is_left_out(raw: bytes, text: str) -> None:
    assert texts(raw + b"\n") == [text]


def test_a_line_of_nothing_but_control_is_none() -> None:
    assert texts(b"\x1b[2J\x1b[0m\n\x00\n") == []


@pytest.mark.parametrize(
    "whole", ["größe", "电量", "\x1b[1;31mred", "\x1b(Bplain", "\x1b]0;title\x1b\\text", "\U0001f697"]
)
def test_what_is_cut_adds_nothing_that_is_not_in_the_whole(whole: str) -> None:
    raw = whole.encode()
    for end in range(len(raw) + 1):
        assert text_of(raw).startswith(text_of(raw[:end], is_ended=False))
    assert text_of(raw, is_ended=False) == text_of(raw)


def test_a_line_without_end_is_cut_and_nothing_is_lost() -> None:
    splitter = LineSplitter()
    assert splitter.feed(b"x" * LONGEST, 1) == []
    assert splitter.feed(b"\n", 2) == [Line(1, "x" * LONGEST)]
    assert splitter.feed(b"a" * LONGEST, 3) == []
    assert splitter.feed(b"b" * (LONGEST + 1), 4) == [Line(3, "a" * LONGEST), Line(4, "b" * LONGEST)]
    assert splitter.feed(b"c\n", 5) == [Line(4, "bc")]


@given(st.binary(), st.lists(st.integers(0, 100)))
def test_how_the_bytes_are_cut_into_pieces_makes_no_difference(data: bytes, cuts: list[int]) -> None:
    at = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    pieces = [data[begin:end] for begin, end in pairwise(at)]
    assert texts(*pieces) == texts(data)


@given(st.binary())
def test_any_bytes_give_lines_that_can_be_shown(data: bytes) -> None:
    for text in texts(data + b"\n"):
        assert all(character == "\t" or category(character) not in {"Cc", "Cs"} for character in text)
