"""Waiting, the stopwatch, and response times judged from the stamps of frames."""

import re
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import can
import cantools
import pytest
from robot import result

from harness.can_port import OWN_FRAMES
from harness.errors import InconclusiveError, JudgementFailure, TestError
from harness.keywords.session import Session
from harness.results.measurement import Measurement
from harness.results.verdict import Verdict, verdict_of
from harness.simulation.can_network import SimulatedCanChannel

Call = Callable[..., Any]
Heard = Callable[..., list[dict[str, Any]]]
Measured = Callable[[], Measurement]
Robot = Callable[..., dict[str, result.TestCase]]

DATABASE = Path(__file__).parents[2] / "rigs/vehicles/roewe-rx5/chassis.dbc"
GEAR = "Vehicle.Powertrain.Transmission.SelectedGear"
REAR_VIEW = "HeadUnit.RearView"


def _failure(call: Call, name: str, *arguments: str, **named: str) -> str:
    with pytest.raises(JudgementFailure) as failure:
        call(name, *arguments, **named)
    return str(failure.value)


@pytest.mark.parametrize(("duration", "nanoseconds"), [("500 ms", 500_000_000), ("1.5 s", 1_500_000_000), ("0 s", 0)])
def test_wait_lets_rig_time_pass(duration: str, nanoseconds: int, call: Call, session: Session) -> None:
    start = session.rig.clock.now
    call("Wait", duration)
    assert session.rig.clock.now - start == nanoseconds


@pytest.mark.parametrize(
    ("duration", "message"),
    [("5", "'5' has no unit"), ("-1 s", "-1 s is below 0 s"), ("1 V", "1 V is a voltage"), ("nan s", "no.* decimal")],
)
def test_wait_takes_durations_only(duration: str, message: str, call: Call) -> None:
    with pytest.raises(TestError, match=f"Argument 'duration': .*{message}"):
        call("Wait", duration)


def test_the_stopwatch_counts_rig_time(call: Call) -> None:
    call("Start Stopwatch")
    call("Wait", "123.456789 ms")
    assert call("Read Stopwatch") == 0.123456789
    call("Start Stopwatch")
    call("Wait", "1 s")
    assert call("Read Stopwatch") == 1


def test_with_a_stimulus_it_counts_from_when_that_is_on_the_bus(booted: Call, session: Session, heard: Heard) -> None:
    booted("Start Stopwatch", GEAR, "Reverse")
    booted("Wait", "100 ms")
    booted("Set Signal", GEAR, "Reverse")
    booted("Wait", "100 ms")
    stimulus = next(frame["at"] for frame in heard("GW_HSC2_ECM_FrP04") if frame["TrShftLvrPos_h1HSC2"] == "Reverse")
    assert booted("Read Stopwatch") == pytest.approx(session.rig.clock.now / 1e9 - stimulus, abs=1e-9)


@pytest.mark.parametrize("start", [(), ("Start Stopwatch",)])
def test_a_stopwatch_of_another_test_is_not_seen(start: tuple[str, ...], booted: Call, session: Session) -> None:
    for keyword in start:
        booted(keyword)
    session.end_test()
    session.begin_test("Next", ())
    with pytest.raises(TestError, match="the stopwatch has not started: use `Start Stopwatch` first"):
        booted("Read Stopwatch")
    with pytest.raises(TestError, match="the stopwatch has not started: use `Start Stopwatch` first"):
        booted("Response Time Should Be Below", "1 s", REAR_VIEW, "Hidden")


def test_a_stopwatch_goes_on_through_setup_and_teardown(robot: Robot) -> None:
    test = robot(
        """Timed
    [Setup]    Start Stopwatch
    Wait    1 s
    [Teardown]    Read Stopwatch"""
    )["Timed"]
    assert verdict_of(test) is Verdict.PASS


def test_a_stimulus_that_never_comes_is_an_error(booted: Call, session: Session) -> None:
    booted("Start Stopwatch", GEAR, "Reverse")
    with pytest.raises(TestError, match=f"the stopwatch has not started: no frame said that {GEAR} is Reverse"):
        booted("Read Stopwatch")
    start = session.rig.clock.now
    with pytest.raises(TestError, match=f"the stopwatch has not started: no frame said that {GEAR} is Reverse"):
        booted("Response Time Should Be Below", "1 s", REAR_VIEW, "Shown")
    assert session.rig.clock.now - start == 1_000_000_000
    assert session.test.failures == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("HeadUnit.RearVew", "Shown"), "no signal 'HeadUnit.RearVew'; did you mean 'HeadUnit.RearView'"),
        ((REAR_VIEW, "Shwon"), "RearView has no value 'Shwon'; did you mean 'Shown'"),
        ((REAR_VIEW,), "RearView has no value ''"),
    ],
)
def test_a_stimulus_that_cannot_be_is_refused(arguments: tuple[str, ...], message: str, booted: Call) -> None:
    with pytest.raises(TestError, match=message):
        booted("Start Stopwatch", *arguments)


# Response time


def test_response_time_from_the_stimulus_to_the_response(
    booted: Call, session: Session, measured: Measured, tmp_path: Path
) -> None:
    """Held to the trace of the run, as python-can and cantools read it."""
    booted("Start Stopwatch", GEAR, "Reverse")
    booted("Set Signal", GEAR, "Reverse")
    booted("Response Time Should Be Below", "rear_view_time", REAR_VIEW, "Shown")
    kept = measured()
    session.close()
    database: Any = cantools.database.load_file(DATABASE)
    (trace,) = (tmp_path / "traces").glob("*.blf")
    with can.BLFReader(trace) as reader:
        frames = [frame for frame in reader if frame.arbitration_id in {0x194, 0x5A0}]
    values = [(frame.timestamp, database.decode_message(frame.arbitration_id, frame.data)) for frame in frames]
    stimulus = next(time for time, value in values if value.get("TrShftLvrPos_h1HSC2") == "Reverse")
    response = next(time for time, value in values if value.get("RearView") == "Shown")
    assert kept.name == f"response time from when {GEAR} is Reverse until {REAR_VIEW} is Shown"
    assert kept.value == pytest.approx(response - stimulus, abs=2e-6)  # python-can cuts stamps
    assert (kept.unit, kept.low, kept.high, kept.verdict) == ("s", None, 2, Verdict.PASS)
    assert kept.limit_source == "limit rear_view_time, FMVSS 111, S5.5.3 (49 CFR 571.111) [V]"
    assert kept.source == f"can:chassis/0x5A0@{response:.6f} s"


@pytest.mark.parametrize(("untold", "uncertainty"), [((), 0.01), ((OWN_FRAMES,), 0.02)])
def test_a_stimulus_of_ours_that_does_not_come_back_is_as_uncertain_as_its_response(
    untold: tuple[str, ...], uncertainty: float, booted: Call, measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SimulatedCanChannel, "uncertainty", 0.01)
    monkeypatch.setattr(SimulatedCanChannel, "untold", untold)
    booted("Start Stopwatch", GEAR, "Reverse")
    booted("Set Signal", GEAR, "Reverse")
    booted("Response Time Should Be Below", "rear_view_time", REAR_VIEW, "Shown")
    assert measured().uncertainty == uncertainty


def test_response_time_from_now(booted: Call, session: Session, heard: Heard, measured: Measured) -> None:
    booted("Start Stopwatch")
    start = session.rig.clock.now / 1e9
    booted("Set Signal", GEAR, "Reverse")
    booted("Wait", "100 ms")
    booted("Response Time Should Be Below", "1 s", REAR_VIEW, "Shown")
    response = next(frame["at"] for frame in heard("HU_Status") if frame["RearView"] == "Shown")
    assert measured().value == pytest.approx(response - start, abs=1e-9)
    assert (measured().name, measured().limit_source) == (f"response time until {REAR_VIEW} is Shown", "")


def test_response_time_does_not_hold(booted: Call, session: Session, heard: Heard, measured: Measured) -> None:
    booted("Switch Defect On", "head unit", "late rear view")
    booted("Start Stopwatch", GEAR, "Reverse")
    booted("Set Signal", GEAR, "Reverse")
    message = _failure(booted, "Response Time Should Be Below", "rear_view_time", REAR_VIEW, "Shown")
    stimulus = next(frame["at"] for frame in heard("GW_HSC2_ECM_FrP04") if frame["TrShftLvrPos_h1HSC2"] == "Reverse")
    frames = heard("HU_Status", since=stimulus)
    assert message == (
        f"response time from when {GEAR} is Reverse until {REAR_VIEW} is Shown: expected at most 2 s, "
        f"but it was not reached: {len(frames)} frames came, the last with Hidden; "
        "limit rear_view_time, FMVSS 111, S5.5.3 (49 CFR 571.111) [V]; "
        f"source can:chassis/0x5A0@{frames[-1]['at']:.6f} s"
    )
    assert (measured().value, measured().verdict) == (None, Verdict.FAIL)
    assert session.rig.clock.now / 1e9 == pytest.approx(stimulus + 2, abs=0.002)


def test_response_time_without_frames_does_not_hold(booted: Call) -> None:
    booted("Silence ECU", "head unit")
    booted("Wait", "1 ms")
    booted("Start Stopwatch")
    message = _failure(booted, "Response Time Should Be Below", "1 s", REAR_VIEW, "Hidden")
    assert message.endswith("expected at most 1 s, but it was not reached: 0 frames came; source can:chassis/0x5A0")


def test_a_limit_that_has_passed_already_does_not_hold(booted: Call) -> None:
    booted("Start Stopwatch")
    booted("Wait", "2 s")
    message = _failure(booted, "Response Time Should Be Below", "1 s", REAR_VIEW, "Hidden")
    assert "expected at most 1 s, but it was not reached" in message


def test_a_late_stimulus_leaves_the_response_its_whole_time(booted: Call, session: Session, measured: Measured) -> None:
    kernel: Any = session.rig.clock
    kernel.at(kernel.now + 850_000_000, lambda: session.rig.set_signal(GEAR, "Reverse"))
    booted("Start Stopwatch", GEAR, "Reverse")
    booted("Response Time Should Be Below", "900 ms", REAR_VIEW, "Shown")
    assert isinstance(measured().value, float)


def test_frames_before_the_stimulus_are_no_response(booted: Call, session: Session, heard: Heard) -> None:
    kernel: Any = session.rig.clock
    kernel.at(kernel.now + 500_000_000, lambda: session.rig.set_signal(GEAR, "Reverse"))
    booted("Start Stopwatch", GEAR, "Reverse")
    before = len(heard("HU_Status"))
    booted("Response Time Should Be Below", "1 s", REAR_VIEW, "Hidden")
    assert len(heard("HU_Status")) - before > 4


def test_wrong_limits_of_a_response_time(booted: Call) -> None:
    booted("Start Stopwatch")
    for limit, message in [
        ("rear_view_tme", "Argument 'limit': .*did you mean 'rear_view_time'"),
        ("2", "Argument 'limit': '2' has no unit"),
        ("running_current", "Argument 'limit': limit running_current is 0.5 A to 3 A; a time at most is needed"),
    ]:
        with pytest.raises(TestError, match=message):
            booted("Response Time Should Be Below", limit, REAR_VIEW, "Shown")


def test_each_suite_has_a_stopwatch_of_its_own_world(tmp_path: Path, robot: Robot) -> None:
    """The stimulus of the first suite is still looked for when the next world begins."""
    first = f"First\n    Power Up\n    Start Stopwatch    {GEAR}    Reverse\n    Wait    1 s"
    again = f"""Again
    Power Up
    Wait    4 s
    Start Stopwatch    {GEAR}    Reverse
    Set Signal    {GEAR}    Reverse
    Response Time Should Be Below    rear_view_time    {REAR_VIEW}    Shown"""
    assert verdict_of(robot(first)["First"]) is Verdict.PASS
    suites = tmp_path / "suites"
    suites.mkdir()
    head = (tmp_path / "suite.robot").read_text(encoding="utf-8").partition("*** Test Cases ***")[0]
    for name, body in (("a", first), ("b", again)):
        (suites / f"{name}.robot").write_text(f"{head}*** Test Cases ***\n{body}\n", encoding="utf-8")
    tests = robot(suites)
    assert {name: verdict_of(test) for name, test in tests.items()} == {"First": Verdict.PASS, "Again": Verdict.PASS}


STALK = "Switches.Indicator"


def moved(session: Session, left: int, off: int) -> None:
    """Move the stalk to and fro: left and off for these milliseconds."""
    rig = session.rig

    def move(value: str, other: str, now: int, then: int) -> None:
        rig.set_signal(STALK, value)
        rig.clock.at(rig.clock.now + now * 1_000_000, lambda: move(other, value, then, now))  # type: ignore[attr-defined]

    move("Left", "Off", left, off)


@pytest.mark.parametrize(
    ("moves", "verdict"),
    [
        ((340, 340), Verdict.PASS),
        ((500, 440), Verdict.PASS),
        ((150, 400), Verdict.PASS),
        ((250, 253), Verdict.INCONCLUSIVE),
        ((500, 497), Verdict.INCONCLUSIVE),
        ((240, 120), Verdict.FAIL),
        ((600, 600), Verdict.FAIL),
    ],
)
def test_a_period_is_from_one_beginning_of_a_value_to_the_next(
    moves: tuple[int, int], verdict: Verdict, booted: Call, session: Session, measured: Measured
) -> None:
    moved(session, *moves)
    with nullcontext() if verdict is Verdict.PASS else pytest.raises((JudgementFailure, InconclusiveError)):
        booted("Period Should Meet", STALK, "Left", "indicator_period")
    kept = measured()
    assert (kept.verdict, kept.low, kept.high, kept.unit) == (verdict, 0.5, 1, "s")
    assert kept.value == pytest.approx(sum(moves) / 1000, abs=kept.uncertainty)
    assert kept.uncertainty == pytest.approx(0.1 / (5000 // sum(moves)), rel=0.6), "stalks are sent each 100 ms at most"


def test_a_value_that_begins_less_than_twice_has_no_period(booted: Call, measured: Measured) -> None:
    for stalk in ("Off", "Left"):
        booted("Set Signal", STALK, stalk)
        said = _failure(booted, "Period Should Meet", STALK, "Left", "indicator_period")
        assert re.match(
            rf"period of {STALK} being Left: expected 0.5 s to 1 s, but it began [01] times in \d+ frames; limit indi",
            said,
        )
        assert measured().value is None


def test_a_period_needs_a_time_and_a_limit_of_a_time(booted: Call) -> None:
    with pytest.raises(TestError, match="Argument 'during': nothing can be seen in 0 s"):
        booted("Period Should Meet", STALK, "Left", "indicator_period", during="0 s")
    with pytest.raises(TestError, match="supply_voltage is 9 V to 16 V; a limit of a duration is needed"):
        booted("Period Should Meet", STALK, "Left", "supply_voltage")
