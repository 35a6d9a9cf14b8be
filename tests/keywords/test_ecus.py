"""Silence and named defects of simulated ECUs."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.errors import TestError
from harness.keywords.session import Session

Call = Callable[..., Any]
Heard = Callable[..., list[dict[str, Any]]]

SPEED = "SCS_HSC2_FrP19"


def _counts(call: Call, session: Session, heard: Heard) -> bool:
    """Say whether the brake control sends, in the next 200 ms."""
    call("Wait", "1 ms")  # what is on the bus goes out
    start = session.rig.clock.now / 1e9
    call("Wait", "200 ms")
    return bool(heard(SPEED, since=start))


def test_a_silent_ecu_sends_nothing_and_the_others_go_on(booted: Call, session: Session, heard: Heard) -> None:
    booted("Silence ECU", "brake control")
    start = session.rig.clock.now / 1e9 + 0.001
    assert not _counts(booted, session, heard)
    assert heard("HU_Status", since=start)
    booted("Resume ECU", "brake control")
    assert _counts(booted, session, heard)


def test_a_silent_ecu_still_listens(booted: Call, heard: Heard) -> None:
    booted("Silence ECU", "head unit")
    booted("Set Signal", "Vehicle.Speed", "50 km/h")
    booted("Wait", "200 ms")
    booted("Resume ECU", "head unit")
    booted("Wait", "200 ms")
    assert heard("HU_Status")[-1]["DisplayedSpeed"] == 50


def test_a_defect_can_be_switched_on_and_off(booted: Call, session: Session, heard: Heard) -> None:
    booted("Switch Defect On", "brake control", "silent")
    assert not _counts(booted, session, heard)
    booted("Switch Defect Off", "brake control", "silent")
    assert _counts(booted, session, heard)


@pytest.mark.parametrize(
    ("keyword", "arguments"), [("Silence ECU", ()), ("Switch Defect On", ("silent",)), ("Switch Defect On", ("slow",))]
)
def test_the_end_of_the_test_takes_it_back(
    keyword: str, arguments: tuple[str, ...], booted: Call, session: Session, heard: Heard
) -> None:
    booted(keyword, "brake control", *arguments)
    session.end_test()
    booted("Wait", "1 ms")
    before = len(heard(SPEED))
    booted("Wait", "1 s")
    assert len(heard(SPEED)) - before in {49, 50, 51}


@pytest.mark.parametrize(
    ("keyword", "arguments", "message"),
    [
        ("Silence ECU", ("break control",), "no ECU 'break control'; did you mean 'brake control'"),
        ("Resume ECU", ("HeadUnit",), "no ECU 'HeadUnit'; did you mean 'head unit'"),
        ("Switch Defect On", ("head unt", "silent"), "no ECU 'head unt'; did you mean 'head unit'"),
        ("Switch Defect On", ("head unit", "boots slow"), "no defect 'boots slow'; did you mean 'boots slowly'"),
        ("Switch Defect Off", ("head unit", "boots slow"), "no defect 'boots slow'; did you mean 'boots slowly'"),
        ("Switch Defect On", ("gateway", "boots slowly"), "no defect 'boots slowly'.* Known: babbles, damages data"),
    ],
)
def test_an_unknown_ecu_or_defect_names_the_probable_one(
    keyword: str, arguments: tuple[str, ...], message: str, booted: Call
) -> None:
    with pytest.raises(TestError, match=message):
        booted(keyword, *arguments)
