"""Messages as a whole: sent by a tester, arriving, stopping, and how regularly they come."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import can
import pytest

from harness.errors import BusError, InconclusiveError, JudgementFailure, TestError
from harness.keywords.session import Session
from harness.protocols.can_frame import new_frame
from harness.results.measurement import Measurement
from harness.results.verdict import Verdict
from harness.simulation.can_network import SimulatedCanChannel

Call = Callable[..., Any]
Heard = Callable[..., list[dict[str, Any]]]
Measured = Callable[[], Measurement]

SPEED = "SCS_HSC2_FrP19"
"""572 = 0x23C, every 20 ms, from the brake control."""


def _failure(call: Call, name: str, *arguments: str, **named: str) -> str:
    with pytest.raises(JudgementFailure) as failure:
        call(name, *arguments, **named)
    return str(failure.value)


# Send


@pytest.mark.parametrize(
    ("identifier", "data", "sent"),
    [
        ("0x123", "11 22 33 44", (0x123, False, b"\x11\x22\x33\x44")),
        ("7FF", "aABB", (0x7FF, False, b"\xaa\xbb")),
        ("0x000", "", (0, False, b"")),
        ("0x00000123", "01", (0x123, True, b"\x01")),
        ("1FFFFFFF", "00 01 02 03 04 05 06 07", (0x1FFFFFFF, True, bytes(range(8)))),
    ],
)
def test_send_frame(
    identifier: str, data: str, sent: tuple[int, bool, bytes], booted: Call, frames: list[can.Message]
) -> None:
    booted("Send Frame", "chassis", identifier, data)
    booted("Wait", "10 ms")
    (frame,) = [frame for frame in frames if not frame.is_rx]
    assert (frame.arbitration_id, frame.is_extended_id, bytes(frame.data)) == sent


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("chasis", "0x123", ""), "no bus 'chasis'; did you mean 'chassis'"),
        (("chassis", "0x800", ""), "Argument 'identifier': '0x800' is none; 0x000 to 0x7FF or 0x00000000 to 0x1FFFFFF"),
        (("chassis", "0x20000000", ""), "Argument 'identifier': '0x20000000' is none"),
        (("chassis", "0x1234", ""), "Argument 'identifier': '0x1234' is none"),
        (("chassis", "12", ""), "Argument 'identifier': '12' is none"),
        (("chassis", "-12", ""), "Argument 'identifier': '-12' is none"),
        (("chassis", "0x123", "1"), "Argument 'data': '1' is not up to eight bytes in hexadecimal"),
        (("chassis", "0x123", "1G"), "Argument 'data': '1G' is not up to eight bytes"),
        (("chassis", "0x123", "11,22"), "Argument 'data': '11,22' is not up to eight bytes"),
        (("chassis", "0x123", "00" * 9), "Argument 'data': '000000000000000000' is not up to eight bytes"),
    ],
)
def test_a_frame_that_cannot_be_is_refused(
    arguments: tuple[str, str, str], message: str, booted: Call, frames: list[can.Message]
) -> None:
    with pytest.raises(TestError, match=message):
        booted("Send Frame", *arguments)
    booted("Wait", "10 ms")
    assert all(frame.is_rx for frame in frames)


# Arrive


@pytest.mark.parametrize(("within", "limit"), [("150 ms", ""), ("boot_time", "limit boot_time, proposed by us [P]")])
def test_frame_should_arrive(within: str, limit: str, booted: Call, heard: Heard, measured: Measured) -> None:
    before = len(heard("HU_Status"))
    start = heard("HU_Status")[-1]["at"]
    booted("Frame Should Arrive", "HU_Status", within=within)
    frame = heard("HU_Status")[before]
    kept = measured()
    assert kept.name == "time until a frame of HU_Status arrives"
    assert isinstance(kept.value, float)
    assert 0 <= kept.value <= frame["at"] - start
    assert (kept.unit, kept.limit_source, kept.verdict) == ("s", limit, Verdict.PASS)
    assert kept.source == f"can:chassis/0x5A0@{frame['at']:.6f} s"


def test_frame_should_arrive_does_not_hold(booted: Call, measured: Measured) -> None:
    booted("Silence ECU", "head unit")
    booted("Wait", "1 ms")
    assert _failure(booted, "Frame Should Arrive", "HU_Status", within="boot_time") == (
        "time until a frame of HU_Status arrives: expected at most 2 s, but none came; "
        "limit boot_time, proposed by us [P]; source can:chassis/0x5A0"
    )
    assert (measured().value, measured().verdict) == (None, Verdict.FAIL)


def test_frame_should_not_arrive(booted: Call, session: Session, heard: Heard, measured: Measured) -> None:
    start = session.rig.clock.now / 1e9
    message = _failure(booted, "Frame Should Not Arrive", "HU_Status", during="1 s")
    stamps = [frame["at"] for frame in heard("HU_Status", since=start)]
    assert len(stamps) == 10
    assert message == (
        f"frames of HU_Status in 1 s: expected at most 0, but there were 10, the first at {stamps[0]:.6f} s; "
        "source can:chassis/0x5A0"
    )
    assert (measured().value, measured().high) == (10, 0)
    booted("Silence ECU", "head unit")
    booted("Wait", "1 ms")
    booted("Frame Should Not Arrive", "HU_Status", during="1 s")
    assert (measured().value, measured().verdict) == (0, Verdict.PASS)


# Stop


def test_message_should_stop_measures_the_last_frame(
    booted: Call, session: Session, heard: Heard, measured: Measured
) -> None:
    booted("Switch Ignition", "off")
    start = session.rig.clock.now / 1e9
    booted("Message Should Stop", "HU_Status", within="after_run_time")
    kept = measured()
    assert kept.name == "last frame of HU_Status"
    assert kept.value == pytest.approx(heard("HU_Status")[-1]["at"] - start, abs=1e-9)
    assert (kept.high, kept.limit_source, kept.verdict) == (5, "limit after_run_time, proposed by us [P]", Verdict.PASS)


def test_message_should_stop_does_not_hold(booted: Call, session: Session, heard: Heard) -> None:
    start = session.rig.clock.now / 1e9
    message = _failure(booted, "Message Should Stop", "HU_Status", within="500 ms")
    last = round(heard("HU_Status")[-1]["at"] - start, 9)
    assert 1.4 < last < 1.5, "ten cycles of 100 ms longer than the limit"
    assert message == (
        f"last frame of HU_Status: expected at most 0.5 s, but the last one came after {last:.9g} s; "
        "source can:chassis/0x5A0"
    )


def test_a_message_that_is_silent_has_stopped(booted: Call, measured: Measured) -> None:
    booted("Silence ECU", "head unit")
    booted("Wait", "1 ms")
    booted("Message Should Stop", "HU_Status", within="500 ms")
    assert measured().value is None


def test_a_message_that_was_never_there_has_not_stopped(call: Call) -> None:
    message = _failure(call, "Message Should Stop", "HU_Status", within="500 ms")
    assert "none came, and none has ever been seen" in message


# Cycle times


def test_cycle_times_are_judged_by_the_limits_of_the_vehicle(booted: Call, heard: Heard, measured: Measured) -> None:
    booted("Cycle Time Should Be", SPEED)
    stamps = [frame["at"] for frame in heard(SPEED, since=4)][:100]
    kept = measured()
    assert kept.name == f"deviation of shortest interval of {SPEED}"
    shortest = min(later - earlier for earlier, later in pairwise(stamps))
    assert kept.value == pytest.approx((shortest / 0.02 - 1) * 100, abs=1e-3)
    assert (kept.unit, kept.low, kept.high) == ("%", -50, 50)
    assert kept.limit_source == "limit cycle_time_interval_deviation, proposed by us [P]"
    assert kept.source == "can:chassis/0x23C"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), {}),
        (("nominal",), {}),
        (("20 ms",), {"tolerance": "10 %", "during": "5 s"}),
        (("nominal", "10 %", "500 ms"), {}),
        (("18.2 ms",), {}),  # 10 % are allowed: 20 ms are 9.9 % more
        (("22.2 ms",), {}),
    ],
)
def test_cycle_time_should_be_holds(arguments: tuple[str, ...], named: dict[str, str], booted: Call) -> None:
    booted("Cycle Time Should Be", SPEED, *arguments, **named)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("18.1 ms",), "expected -10 % to 10 %, but it was 10.4"),
        (("22.3 ms",), "expected -10 % to 10 %, but it was -10.3"),
        (("19.9 ms", "0.1 %"), "expected -0.1 % to 0.1 %, but it was 0.50"),
    ],
)
def test_cycle_time_should_be_does_not_hold(arguments: tuple[str, ...], said: str, booted: Call) -> None:
    message = _failure(booted, "Cycle Time Should Be", SPEED, *arguments)
    assert f"deviation of mean cycle time of {SPEED}: {said}" in message
    assert f" instead of {float(arguments[0].removesuffix(' ms')) / 1000:.9g} s, in " in message
    assert message.endswith("source can:chassis/0x23C")
    assert ("limit cycle_time_mean_deviation, proposed by us [P]" in message) is (len(arguments) == 1)


def test_a_slow_message_fails_by_its_mean(booted: Call, measured: Measured) -> None:
    booted("Switch Defect On", "brake control", "slow")
    booted("Wait", "100 ms")
    message = _failure(booted, "Cycle Time Should Be", SPEED)
    assert "expected -10 % to 10 %, but it was 5" in message
    assert measured().value == pytest.approx(50, abs=0.1)


def test_a_single_gap_fails_by_its_interval_alone(booted: Call, session: Session) -> None:
    """One frame of 100 is lost: that is 1 % of the mean, and 100 % of one interval."""
    ecu, clock = session.rig.ecu("brake control"), session.rig.clock
    kernel: Any = clock
    kernel.at(kernel.now + 1_000_000_000, ecu.silence)
    kernel.at(kernel.now + 1_020_000_000, ecu.resume)
    message = _failure(booted, "Cycle Time Should Be", SPEED, tolerance="20 %")
    assert message.startswith(f"deviation of longest interval of {SPEED}: expected -20 % to 20 %, but it was ")


def test_nothing_can_be_seen_in_no_time(booted: Call) -> None:
    for keyword in ("Cycle Time Should Be", "Counters Should Count", "Frame Should Not Arrive"):
        with pytest.raises(TestError, match="Argument 'during': nothing can be seen in 0 s"):
            booted(keyword, SPEED, during="0 s")


def test_a_message_that_falls_silent_is_not_regular(booted: Call) -> None:
    booted("Switch Ignition", "off")
    message = _failure(booted, "Cycle Time Should Be", "HU_Status", during="60 s")
    assert message.startswith("deviation of longest interval of HU_Status: expected -50 % to 50 %, but it was ")


def test_fewer_than_two_frames_have_no_cycle_time(booted: Call, measured: Measured) -> None:
    during = "1 s"
    booted("Silence ECU", "brake control")
    booted("Wait", "1 ms")
    message = _failure(booted, "Cycle Time Should Be", SPEED, during=during)
    assert message == (
        f"cycle time of {SPEED}: expected -10 % to 10 %, but 0 frames came in {during}; "
        "limit cycle_time_mean_deviation, proposed by us [P]; source can:chassis/0x23C"
    )
    assert measured().value is None


# Counters


def test_counters_should_count(booted: Call, heard: Heard, measured: Measured) -> None:
    booted("Counters Should Count", SPEED)
    counters = [frame["VehSpdAvgAlvRCHSC2"] for frame in heard(SPEED)]
    assert set(counters) == set(range(16)), "it has to overflow for the test to mean something"
    kept = measured()
    assert (kept.name, kept.value, kept.high) == (f"wrong steps of {SPEED}.VehSpdAvgAlvRCHSC2", 0, 0)


def test_a_frozen_counter_fails(booted: Call, heard: Heard, measured: Measured) -> None:
    booted("Switch Defect On", "brake control", "frozen counter")
    booted("Wait", "100 ms")
    message = _failure(booted, "Counters Should Count", SPEED, during="1 s")
    stays = heard(SPEED)[-1]["VehSpdAvgAlvRCHSC2"]
    assert message == (
        f"wrong steps of {SPEED}.VehSpdAvgAlvRCHSC2: expected at most 0, "
        f"but it went from {stays} to {stays}, 49 of 49 steps were wrong; "
        "limit counter_errors, proposed by us [P]; source can:chassis/0x23C"
    )
    assert measured().value == 49


def test_all_counters_of_a_message_are_judged(booted: Call, measured: Measured) -> None:
    booted("Counters Should Count", "SCS_HSC2_FrP22")
    assert measured().name == "wrong steps of SCS_HSC2_FrP22.WhlGndVelDrvnRC_RadarHSC2"


def test_a_counter_without_frames_fails(booted: Call) -> None:
    booted("Silence ECU", "brake control")
    booted("Wait", "1 ms")
    message = _failure(booted, "Counters Should Count", SPEED)
    assert "expected at most 0, but 0 frames came in 1 s; limit counter_errors" in message


def test_counters_of_a_message_that_falls_silent_do_not_count(booted: Call) -> None:
    booted("Switch Ignition", "off")
    assert ", none since " in _failure(booted, "Counters Should Count", "HU_Status", during="60 s")


def test_a_frame_too_short_for_its_counter_is_a_wrong_step(booted: Call, session: Session) -> None:
    booted("Silence ECU", "head unit")
    booted("Wait", "1 ms")
    for data in (b"\x80", b"\x80\0\0\0\0\0\0\x01"):
        session.rig.ecu("head unit")._ports["chassis"].send(new_frame(0x5A0, data))
    message = _failure(booted, "Counters Should Count", "HU_Status")
    assert "it went from nothing, in a frame too short, to 1, 1 of 1 steps were wrong" in message


# Errors

KEYWORDS = [
    ("Frame Should Arrive", ("1 s",)),
    ("Frame Should Not Arrive", ("1 s",)),
    ("Message Should Stop", ("1 s",)),
    ("Cycle Time Should Be", ()),
    ("Counters Should Count", ()),
]


@pytest.mark.parametrize(("keyword", "arguments"), KEYWORDS)
def test_an_unknown_message_names_the_probable_one(keyword: str, arguments: tuple[str, ...], booted: Call) -> None:
    with pytest.raises(TestError, match="no message 'HU_Statos'; did you mean 'HU_Status'"):
        booted(keyword, "HU_Statos", *arguments)


@pytest.mark.parametrize(("keyword", "arguments"), KEYWORDS)
def test_silence_on_a_bus_that_does_not_work_is_no_judgement(
    keyword: str, arguments: tuple[str, ...], call: Call, session: Session
) -> None:
    """Nobody acknowledges what the tester sends: the car is off."""
    call("Send Frame", "chassis", "0x123", "11")
    call("Wait", "100 ms")
    with pytest.raises(BusError, match="bus chassis does not work: controller is error passive"):
        call(keyword, "HU_Status", *arguments)
    assert session.test.failures == []


@pytest.mark.parametrize(
    ("keyword", "arguments", "message"),
    [
        ("Frame Should Arrive", ("HU_Status", "boot_tme"), "Argument 'within': .*did you mean 'boot_time'"),
        ("Message Should Stop", ("HU_Status", "2"), "Argument 'within': '2' has no unit"),
        ("Frame Should Not Arrive", ("HU_Status", "2 V"), "Argument 'during': 2 V is a voltage"),
        ("Cycle Time Should Be", (SPEED, "20"), "Argument 'expected': '20' has no unit.*, or 'nominal'"),
        ("Cycle Time Should Be", (SPEED, "0 ms"), "Argument 'expected': 0 ms is no cycle time"),
        ("Cycle Time Should Be", (SPEED, "20 ms", "1 ms"), "Argument 'tolerance': 1 ms is a duration"),
        ("Cycle Time Should Be", (SPEED, "20 ms", "-1 %"), "Argument 'tolerance': -1 % is negative"),
        ("Cycle Time Should Be", (SPEED, "20 ms", "1 %", "2"), "Argument 'during': '2' has no unit"),
        ("Counters Should Count", ("GW_HSC2_ECM_FrP04",), "Roewe RX5 names no counter of GW_HSC2_ECM_FrP04"),
    ],
)
def test_wrong_arguments_are_errors_of_the_test(
    keyword: str, arguments: tuple[str, ...], message: str, booted: Call, session: Session
) -> None:
    with pytest.raises(TestError, match=message):
        booted(keyword, *arguments)
    assert session.test.failures == []


# Time stamps that may be off


@pytest.fixture
def vague(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the stamps of the bus be those of an adapter."""
    monkeypatch.setattr(SimulatedCanChannel, "uncertainty", 0.01)


@pytest.mark.usefixtures("vague")
def test_a_regular_message_is_regular_by_stamps_that_may_be_off(booted: Call, measured: Measured) -> None:
    booted("Cycle Time Should Be", SPEED, tolerance="1 %")
    assert measured().verdict is Verdict.PASS
    booted("Counters Should Count", SPEED)


@pytest.mark.usefixtures("vague")
@pytest.mark.parametrize(
    ("keyword", "arguments"),
    [
        ("Frame Should Arrive", ("HU_Status", "5 ms")),
        ("Frame Should Not Arrive", ("HU_Status", "5 ms")),
        ("Signal Should Become", ("HeadUnit.BootState", "Running", "5 ms")),
    ],
)
def test_a_frame_that_may_have_ended_before_decides_nothing(
    keyword: str, arguments: tuple[str, ...], booted: Call, session: Session, heard: Heard
) -> None:
    booted("Wait", "1 s")
    ago = session.rig.clock.now / 1e9 - heard("HU_Status")[-1]["at"]
    booted("Wait", f"{97 - ago * 1000:.3f} ms")  # the next frame ends 3 ms from now
    with pytest.raises(InconclusiveError, match="so near to the beginning or the end of the time"):
        booted(keyword, *arguments)
