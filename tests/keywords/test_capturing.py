"""What oscilloscopes capture in the wiring, and how it is judged."""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import BenchError, InconclusiveError, InstrumentError, JudgementFailure, TestError
from harness.keywords.session import Session
from harness.results.measurement import Measurement
from harness.results.verdict import Verdict

Call = Callable[..., Any]
PLACE = "head unit terminal 30"
ASLEEP, AWAKE = 0.006, 1.25
"""Amperes of all ECUs but the head unit: of 24 that sleep, and of 5 on terminal 15 besides."""
BEFORE, DROP = 13.5 - 0.025 * (ASLEEP + 0.0004), 0.025 * (1.8 + AWAKE - ASLEEP) + 0.005 * 1.8
"""V before terminal 15 comes on, and how far the boot of all pulls it down through 25 and 5 mohm."""


@pytest.fixture
def asleep(booted: Call) -> Call:
    booted("Switch Ignition", "off")
    booted("Wait", "10 s")
    return booted


def arm(call: Call, edge: str = "falling", level: str = "13.46 V", **window: str) -> None:
    call("Arm Capture", PLACE, edge, level, **({"lasting": "100 ms", "low": "13 V", "high": "14 V"} | window))


def test_a_drop_is_judged_with_what_the_scope_may_be_off(
    asleep: Call, measured: Callable[[], Measurement], tmp_path: Path
) -> None:
    arm(asleep)
    asleep("Switch Ignition", "on")
    asleep("Captured Drop Should Meet", PLACE, "boot_voltage_drop")
    kept = measured()
    assert (kept.name, kept.high, kept.unit, kept.verdict) == (f"{PLACE}, drop", 0.18, "V", Verdict.PASS)
    assert kept.value == pytest.approx(DROP, abs=1 / 256)
    assert kept.uncertainty == pytest.approx(0.035)
    assert kept.source == "instrument:scope input 1, the voltage at HeadUnit.KL30, captures/Suite.1.svg"
    assert kept.instrument.startswith("KEYSIGHT TECHNOLOGIES,DSOX1204G,")
    picture = ET.parse(tmp_path / "captures/Suite.1.svg").getroot()  # noqa: S314  our own file
    (line,) = picture.iter("{http://www.w3.org/2000/svg}polyline")
    points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
    begin, lowest = points[0][1], max(height for _, height in points)
    height = 260 - 28 - 34
    assert (lowest - begin) / height == pytest.approx(DROP, abs=0.01)


def test_two_judgements_of_one_capture_share_its_picture(asleep: Call, tmp_path: Path) -> None:
    arm(asleep)
    asleep("Switch Ignition", "on")
    asleep("Captured Drop Should Meet", PLACE, "boot_voltage_drop")
    asleep("Captured Time Below Should Meet", PLACE, "13.40 V", "inrush_time")
    arm(asleep, level="13.3 V")
    asleep("Interrupt Line For", "HeadUnit.KL30", "1 ms")
    with pytest.raises(
        InstrumentError, match=r"^scope, the voltage at HeadUnit.KL30: the voltage went beyond the capt"
    ):
        asleep("Captured Drop Should Meet", PLACE, "boot_voltage_drop")
    assert [path.name for path in (tmp_path / "captures").iterdir()] == ["Suite.1.svg"]


def test_lowest_and_highest_voltage_are_the_instruments_own(booted: Call, measured: Callable[[], Measurement]) -> None:
    booted("Arm Capture", PLACE, "falling", "12.5 V")
    booted("Set Supply Voltage", "11 V")
    booted("Captured Minimum Should Be Between", PLACE, "5 V", "14 V")
    assert measured().value == pytest.approx(11 - 0.02, abs=0.15)
    assert measured().uncertainty == pytest.approx(0.03 * 21 + 0.1 * 21 / 8 + 0.002 + 0.095), "21 V seen"
    with pytest.raises(JudgementFailure, match=r"^head unit terminal 30, highest voltage: expected 15 V to 18 V, but"):
        booted("Captured Maximum Should Be Between", PLACE, "15 V", "18 V")
    with pytest.raises(InconclusiveError, match=r"; off by 0.9895 V at most, so that nobody can tell$"):
        booted("Captured Minimum Should Be Between", PLACE, "11 V", "18 V")


def test_an_interruption_is_as_long_as_the_line_was_open(booted: Call, measured: Callable[[], Measurement]) -> None:
    booted("Arm Capture", PLACE, "falling", "10 V", lasting="500 ms", low="0 V")
    booted("Interrupt Line For", "HeadUnit.KL30", "100 ms")
    with pytest.raises(InstrumentError, match="went beyond"):
        booted("Captured Time Below Should Meet", PLACE, "10 V", "inrush_time")
    booted("Wait", "4 s")
    booted("Arm Capture", PLACE, "falling", "10 V", lasting="500 ms")
    booted("Interrupt Line For", "HeadUnit.KL30", "100 ms")
    with pytest.raises(JudgementFailure):
        booted("Captured Time Below Should Meet", PLACE, "10 V", "inrush_time")
    assert measured().value == pytest.approx(0.1, abs=0.025)


@pytest.mark.parametrize(
    ("shown", "failure", "verdict"),
    [
        (0.009, InconclusiveError, Verdict.INCONCLUSIVE),
        (0.09, JudgementFailure, Verdict.FAIL),
    ],
)
def test_a_time_that_the_capture_cuts_off_never_passes(
    shown: float,
    failure: type[Exception],
    verdict: Verdict,
    booted: Call,
    measured: Callable[[], Measurement],
) -> None:
    """The line is open for 500 ms; at most 20 ms are allowed. A tenth of the capture is before."""
    booted("Arm Capture", PLACE, "falling", "10 V", lasting=f"{shown / 0.9:.3f} s")
    booted("Interrupt Line For", "HeadUnit.KL30", "500 ms")
    said = r"but it was [\d.]+ s or more: it was so where the capture begins or ends; limit"
    with pytest.raises(failure, match=said):
        booted("Captured Time Below Should Meet", PLACE, "10 V", "inrush_time")
    assert measured().verdict is verdict
    assert measured().value == pytest.approx(shown, rel=0.05)


def test_a_capture_is_forgotten_when_its_test_ends(session: Session, booted: Call) -> None:
    booted("Arm Capture", PLACE, "falling", "12.5 V")
    booted("Set Supply Voltage", "11 V")
    booted("Captured Maximum Should Be Between", PLACE, "10 V", "16 V")
    assert session.end_test() == []
    session.begin_test("Second", ())
    with pytest.raises(TestError, match=f"^nothing was captured at {PLACE}: arm it first$"):
        booted("Captured Maximum Should Be Between", PLACE, "10 V", "16 V")


def test_nothing_captured_is_a_fault_of_the_rig_and_takes_no_longer_than_its_patience(
    booted: Call, session: Session
) -> None:
    arm(booted, level="13.1 V")
    began = session.rig.clock.now
    with pytest.raises(BenchError) as nothing:
        booted("Captured Drop Should Meet", PLACE, "boot_voltage_drop")
    assert str(nothing.value) == (
        "scope: nothing was captured: the voltage at HeadUnit.KL30 has not fallen through 13.1 V since it was armed"
    )
    assert 2.1 <= (session.rig.clock.now - began) / 1e9 < 2.2
    assert session.test.failures == []


@pytest.mark.parametrize(
    ("keyword", "arguments", "message"),
    [
        ("Arm Capture", ("head unit terminl 30", "falling", "13 V"), "Argument 'place': no probe .*; did you mean"),
        ("Arm Capture", (PLACE, "falling", "25 V"), "Argument 'level': 25 V is not between low, -1 V, and high, 20 V"),
        ("Arm Capture", (PLACE, "falling", "1 A"), "Argument 'level': 1 A is a current"),
        ("Captured Drop Should Meet", (PLACE, "boot_voltage_drop"), f"nothing was captured at {PLACE}: arm it first"),
        ("Captured Drop Should Meet", (PLACE, "boot_time"), "boot_time is at most 2 s; a limit of a voltage is needed"),
        ("Captured Minimum Should Be Between", (PLACE, "2 V", "1 V"), "nothing was captured|'low': 2 V is above high"),
    ],
)
def test_what_makes_no_sense_is_an_error_of_the_test(
    keyword: str, arguments: tuple[str, ...], message: str, booted: Call, session: Session
) -> None:
    with pytest.raises(TestError, match=message):
        booted(keyword, *arguments)
    assert session.test.failures == []
