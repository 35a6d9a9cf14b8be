"""Errors: who has to act on them, and what they say about unknown names."""

import builtins
import re

import pytest

from harness import errors
from harness.errors import (
    BenchError,
    BusError,
    HarnessError,
    InstrumentError,
    InstrumentTimeoutError,
    JudgementFailure,
    RigFileError,
    TestError,
    unknown_name,
)


def test_errors_are_sorted_by_who_has_to_act() -> None:
    for error in (TestError, RigFileError, BenchError):
        assert error.__bases__ == (HarnessError,)
    assert issubclass(InstrumentError, BenchError)
    assert issubclass(BusError, BenchError)
    assert issubclass(InstrumentTimeoutError, InstrumentError)
    assert issubclass(InstrumentTimeoutError, builtins.TimeoutError)


def test_a_judgement_is_no_error_of_the_harness() -> None:
    assert issubclass(JudgementFailure, AssertionError)
    assert not issubclass(JudgementFailure, HarnessError)


def test_robot_shows_messages_without_the_name_of_the_class() -> None:
    classes = [found for found in vars(errors).values() if isinstance(found, type) and issubclass(found, Exception)]
    assert len(classes) >= 8
    assert all(getattr(found, "ROBOT_SUPPRESS_NAME", False) is True for found in classes)


@pytest.mark.parametrize(
    ("name", "known", "message"),
    [
        ("Sped", ["Speed", "Gear"], "no signal 'Sped'; did you mean 'Speed'? Known: Gear, Speed"),
        ("SPEED", ["Speed", "Gear"], "no signal 'SPEED'; did you mean 'Speed'? Known: Gear, Speed"),
        ("Volts", ["Speed", "Gear"], "no signal 'Volts'. Known: Gear, Speed"),
        ("Speed", [], "no signal 'Speed'. Known: none"),
        ("", ["Speed"], "no signal ''. Known: Speed"),
        ("it's", ["it"], "no signal \"it's\"; did you mean 'it'? Known: it"),
    ],
)
def test_an_unknown_name_is_answered_with_what_was_meant_and_what_there_is(
    name: str, known: list[str], message: str
) -> None:
    assert unknown_name("signal", name, known) == message


def test_long_lists_are_cut_and_sorted() -> None:
    message = unknown_name("signal", "x", (f"S{number:03}" for number in reversed(range(331))))
    assert message.startswith("no signal 'x'. Known: S000, S001, ")
    shown = re.findall(r"S\d{3}", message)
    assert message.endswith(f" and {331 - len(shown)} more")
    assert 5 <= len(shown) <= 20
