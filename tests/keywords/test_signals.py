"""Signals: what is sent, what is read, and by which frames a judgement is made."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.errors import JudgementFailure, TestError
from harness.keywords.session import Session
from harness.protocols.can_frame import new_frame
from harness.results.measurement import Measurement
from harness.results.verdict import Verdict

Call = Callable[..., Any]
Heard = Callable[..., list[dict[str, Any]]]
Measured = Callable[[], Measurement]

SPEED = "Vehicle.Speed"
GEAR = "Vehicle.Powertrain.Transmission.SelectedGear"
VOLTAGE = "Vehicle.LowVoltageBattery.CurrentVoltage"
BOOT_STATE = "HeadUnit.BootState"


def _failure(call: Call, name: str, *arguments: str, **named: str) -> str:
    with pytest.raises(JudgementFailure) as failure:
        call(name, *arguments, **named)
    return str(failure.value)


@pytest.fixture
def car(booted: Call, heard: Heard) -> tuple[Call, Heard]:
    return booted, heard


# Set


@pytest.mark.parametrize(
    ("signal", "value", "sent", "expected"),
    [
        (SPEED, "50 km/h", "SCS_HSC2_FrP19.VehSpdAvgHSC2", 50),
        (SPEED, "10 m/s", "SCS_HSC2_FrP19.VehSpdAvgHSC2", 36),
        (SPEED, "50", "SCS_HSC2_FrP19.VehSpdAvgHSC2", 50),
        (SPEED, "50.01 km/h", "SCS_HSC2_FrP19.VehSpdAvgHSC2", 50.015625),
        (GEAR, "Reverse", "GW_HSC2_ECM_FrP04.TrShftLvrPos_h1HSC2", "Reverse"),
        (GEAR, "reverse", "GW_HSC2_ECM_FrP04.TrShftLvrPos_h1HSC2", "Reverse"),
        (GEAR, "2", "GW_HSC2_ECM_FrP04.TrShftLvrPos_h1HSC2", "Reverse"),
        ("SCS_HSC2_FrP19.VehSpdAvgHSC2", "7 km/h", "SCS_HSC2_FrP19.VehSpdAvgHSC2", 7),
        ("GW_HSC2_SDM_FrP00.DrvrSbltAtcHSC2", "Fastened", "GW_HSC2_SDM_FrP00.DrvrSbltAtcHSC2", "Fastened"),
    ],
)
def test_a_signal_is_sent_from_the_next_frame_on(
    signal: str, value: str, sent: str, expected: object, car: tuple[Call, Heard]
) -> None:
    booted, heard = car
    message, _, name = sent.partition(".")
    before = len(heard(message))
    booted("Set Signal", signal, value)
    booted("Wait", "200 ms")
    frames = heard(message)[before:]
    assert len(frames) >= 4
    # A frame that was on the bus at the moment of the call is still the old one.
    assert all(frame[name] == expected for frame in frames[1:])


def test_the_end_of_the_test_takes_a_signal_back(booted: Call, session: Session, heard: Heard) -> None:
    default = heard("SCS_HSC2_FrP19")[-1]["VehSpdAvgHSC2"]
    booted("Set Signal", SPEED, "99 km/h")
    booted("Wait", "100 ms")
    assert heard("SCS_HSC2_FrP19")[-1]["VehSpdAvgHSC2"] == 99
    session.end_test()
    booted("Wait", "100 ms")
    assert heard("SCS_HSC2_FrP19")[-1]["VehSpdAvgHSC2"] == default


@pytest.mark.parametrize(
    ("signal", "value", "message"),
    [
        (SPEED, "600 km/h", "VehSpdAvgHSC2 cannot be 600 km/h; allowed: 0 to 511.984 km/h"),
        (SPEED, "-1 km/h", "VehSpdAvgHSC2 cannot be -1 km/h; allowed: 0 to"),
        (SPEED, "50 V", "50 V is a voltage; this needs a number in 'km/h'"),
        (SPEED, "50 kmh", "kmh"),
        (SPEED, "8,0 km/h", "'8,0 km/h' has a comma; a decimal point is expected"),
        (GEAR, "Revers", "TrShftLvrPos_h1HSC2 has no value 'Revers'; did you mean 'Reverse'"),
        (GEAR, "16", r"TrShftLvrPos_h1HSC2 cannot be 16; allowed: 0 to 15"),
        ("Vehicle.Sped", "1 km/h", "no signal 'Vehicle.Sped'; did you mean 'Vehicle.Speed'"),
        ("HU_Status.BotState", "Running", "HU_Status has no signal 'BotState'; did you mean 'BootState'"),
        ("SCS_HSC2_FrP19.VehSpdAvgAlvRCHSC2", "3", "brake control works .*VehSpdAvgAlvRCHSC2 out by itself; it cannot"),
        ("FVCM_HSC2_FrP03.LKAReqToqPVHSC2", "3", "front camera works .*LKAReqToqPVHSC2 out by itself; it cannot"),
        (BOOT_STATE, "Running", "head unit works HU_Status.BootState out by itself; it cannot be set"),
    ],
)
def test_what_cannot_be_set_is_refused(signal: str, value: str, message: str, booted: Call, heard: Heard) -> None:
    before = heard("SCS_HSC2_FrP19")[-1]["VehSpdAvgHSC2"]
    with pytest.raises(TestError, match=message):
        booted("Set Signal", signal, value)
    booted("Wait", "100 ms")
    assert heard("SCS_HSC2_FrP19")[-1]["VehSpdAvgHSC2"] == before


# Get


@pytest.mark.parametrize(
    ("signal", "value"),
    [(BOOT_STATE, "Running"), ("HU_Status.BootState", "Running"), ("HeadUnit.ResetCounter", 0), (VOLTAGE, 13.4)],
)
def test_get_signal_returns_text_or_number(signal: str, value: object, booted: Call) -> None:
    got = booted("Get Signal", signal)
    assert got == pytest.approx(value)
    assert isinstance(got, str) is isinstance(value, str)


def test_get_signal_waits_for_the_next_frame(booted: Call, session: Session, heard: Heard) -> None:
    booted("Set Signal", SPEED, "50 km/h")
    booted("Wait", "200 ms")
    booted("Set Signal", SPEED, "70 km/h")
    booted("Wait", "1 ms")
    frames = len(heard("SCS_HSC2_FrP19"))
    assert booted("Get Signal", SPEED) == heard("SCS_HSC2_FrP19")[frames]["VehSpdAvgHSC2"]
    assert session.rig.clock.now / 1e9 >= heard("SCS_HSC2_FrP19")[frames]["at"]


def test_get_signal_of_a_message_that_is_not_sent_is_an_error(booted: Call, heard: Heard) -> None:
    booted("Silence ECU", "brake control")
    booted("Wait", "100 ms")
    last = heard("SCS_HSC2_FrP19")[-1]["at"]
    with pytest.raises(TestError) as error:
        booted("Get Signal", SPEED)
    assert str(error.value) == (
        f"Vehicle.Speed cannot be read: no frame of SCS_HSC2_FrP19 (0x23C) has been seen since {last:.3f} s"
    )


def test_get_signal_of_a_message_that_was_never_sent_says_so(call: Call) -> None:
    with pytest.raises(TestError, match=r"no frame of HU_Status \(0x5A0\) has ever been seen"):
        call("Get Signal", BOOT_STATE)


# Should Be


@pytest.mark.parametrize(
    ("signal", "arguments"),
    [
        (BOOT_STATE, ("Running",)),
        (BOOT_STATE, ("running",)),
        (BOOT_STATE, ("2",)),
        ("HU_Status.BootState", ("Running",)),
        (VOLTAGE, ("13.4 V",)),
        (VOLTAGE, ("13400 mV",)),
        (VOLTAGE, ("13.44 V",)),  # the nearest that 0.1 V a bit can carry
        (VOLTAGE, ("13.3 V", "0.1 V")),
        (VOLTAGE, ("13.5 V", "0.1 V")),
        (VOLTAGE, ("13.5 V", "100 mV")),
        (VOLTAGE, ("13.4 V", "0 V")),
    ],
)
def test_signal_should_be_holds(signal: str, arguments: tuple[str, ...], booted: Call, measured: Measured) -> None:
    booted("Signal Should Be", signal, *arguments)
    assert (measured().name, measured().verdict, measured().message) == (signal, Verdict.PASS, "")


@pytest.mark.parametrize(
    ("signal", "arguments", "said"),
    [
        (BOOT_STATE, ("Off",), "HeadUnit.BootState: expected Off, but it was Running"),
        ("HU_Status.BootState", ("Off",), "HU_Status.BootState: expected Off, but it was Running"),
        (VOLTAGE, ("13.5 V",), f"{VOLTAGE}: expected 13.5 V, but it was 13.4 V"),
        (VOLTAGE, ("13.3 V", "0.09 V"), f"{VOLTAGE}: expected 13.21 V to 13.39 V, but it was 13.4 V"),
        (VOLTAGE, ("13.5 V", "0.09 V"), f"{VOLTAGE}: expected 13.41 V to 13.59 V, but it was 13.4 V"),
    ],
)
def test_signal_should_be_does_not_hold(
    signal: str, arguments: tuple[str, ...], said: str, booted: Call, heard: Heard
) -> None:
    message = _failure(booted, "Signal Should Be", signal, *arguments)
    assert message == f"{said}; source can:chassis/0x5A0@{heard('HU_Status')[-1]['at']:.6f} s"


def test_signal_should_be_keeps_a_measurement(booted: Call, session: Session, heard: Heard, measured: Measured) -> None:
    booted("Signal Should Be", VOLTAGE, "13.4 V", tolerance="0.2 V")
    kept = measured()
    assert kept.value == pytest.approx(13.4)
    assert (kept.unit, kept.low, kept.high) == ("V", 13.2, 13.6)
    assert (kept.expected, kept.requirements, kept.limit_source) == (None, ("IVI-1",), "")
    assert kept.source == f"can:chassis/0x5A0@{heard('HU_Status')[-1]['at']:.6f} s"
    assert kept.time == session.rig.clock.now / 1e9
    message = _failure(booted, "Signal Should Be", BOOT_STATE, "Off")
    kept = measured()
    assert (kept.value, kept.unit, kept.low, kept.high, kept.expected) == ("Running", "", None, None, "Off")
    assert (kept.verdict, kept.message) == (Verdict.FAIL, message)
    assert session.test.failures == [message]


def test_signal_should_be_looks_at_the_next_frame_not_at_the_last(booted: Call, heard: Heard) -> None:
    booted("Set Signal", SPEED, "50 km/h")
    booted("Wait", "100 ms")
    assert heard("SCS_HSC2_FrP19")[-1]["VehSpdAvgHSC2"] == 50
    booted("Wait", "1 ms")
    booted("Set Signal", SPEED, "70 km/h")
    booted("Signal Should Be", SPEED, "70 km/h")
    assert heard("SCS_HSC2_FrP19")[-2]["VehSpdAvgHSC2"] == 50


def test_signal_should_be_without_a_frame_says_since_when(booted: Call, heard: Heard, measured: Measured) -> None:
    booted("Silence ECU", "head unit")
    booted("Wait", "1 s")
    last = heard("HU_Status")[-1]["at"]
    assert _failure(booted, "Signal Should Be", BOOT_STATE, "Running") == (
        f"HeadUnit.BootState: expected Running, but no frame of HU_Status (0x5A0) has been seen since {last:.3f} s; "
        "source can:chassis/0x5A0"
    )
    assert measured().value is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((VOLTAGE, "13.4 A"), "13.4 A is a current; this needs a number in 'V'"),
        ((VOLTAGE, "13.4 V", "0.1 A"), "Argument 'tolerance': 0.1 A is a current"),
        ((VOLTAGE, "13.4 V", "-0.1 V"), "Argument 'tolerance': -0.1 V is negative"),
        ((VOLTAGE, "26 V"), "SupplyVoltage cannot be 26 V; allowed: 0 to 25.5 V"),
        ((BOOT_STATE, "Runing"), "BootState has no value 'Runing'; did you mean 'Running'"),
        ((BOOT_STATE, "Running", "1"), "Argument 'tolerance': "),
        (("HeadUnit.BotState", "Running"), "no signal 'HeadUnit.BotState'; did you mean 'HeadUnit.BootState'"),
        (("HU_Statos.BootState", "Running"), "no signal 'HU_Statos.BootState'"),
        (("HU_Status.", "Running"), "no signal 'HU_Status.'"),
    ],
)
def test_a_judgement_that_makes_no_sense_is_an_error(
    arguments: tuple[str, ...], message: str, booted: Call, session: Session
) -> None:
    with pytest.raises(TestError, match=message):
        booted("Signal Should Be", *arguments)
    assert session.test.failures == []


def test_a_frame_too_short_for_the_signal_does_not_hold(booted: Call, session: Session) -> None:
    def send_one_byte() -> None:
        session.rig.ecu("head unit")._ports["chassis"].send(new_frame(0x5A0, b"\x80"))

    booted("Silence ECU", "head unit")
    booted("Wait", "1 ms")
    send_one_byte()
    booted("Signal Should Be", BOOT_STATE, "Running")
    send_one_byte()
    said = f"{VOLTAGE}: expected 13.4 V, but it was not in its frame of 1 bytes; source can:chassis/0x5A0@"
    assert _failure(booted, "Signal Should Be", VOLTAGE, "13.4 V").startswith(said)
    send_one_byte()
    with pytest.raises(TestError, match="cannot be read: it is not in its frame of 1 bytes"):
        booted("Get Signal", VOLTAGE)


def test_a_frame_of_the_tester_is_no_frame_of_the_car(booted: Call) -> None:
    booted("Silence ECU", "head unit")
    booted("Wait", "1 ms")
    booted("Send Frame", "chassis", "0x5A0", "80 00 00 00 00 00 00 00")
    assert "no frame of HU_Status" in _failure(booted, "Signal Should Be", BOOT_STATE, "Running")


# Should Become


def test_signal_should_become_measures_the_time(
    booted: Call, session: Session, heard: Heard, measured: Measured
) -> None:
    booted("Switch Ignition", "off")
    booted("Wait", "10 s")
    booted("Switch Ignition", "on")
    start = session.rig.clock.now / 1e9
    booted("Signal Should Become", BOOT_STATE, "Running", within="boot_time")
    reached = next(frame["at"] for frame in heard("HU_Status", since=start) if frame["BootState"] == "Running")
    kept = measured()
    assert kept.name == "time until HeadUnit.BootState is Running"
    assert kept.value == pytest.approx(reached - start, abs=1e-9)
    assert (kept.unit, kept.low, kept.high, kept.expected) == ("s", None, 2, None)
    assert kept.limit_source == "limit boot_time, proposed by us [P]"
    assert kept.source == f"can:chassis/0x5A0@{reached:.6f} s"


def test_signal_should_become_is_not_met_in_time(booted: Call, heard: Heard, measured: Measured) -> None:
    booted("Switch Defect On", "head unit", "boots slowly")
    booted("Switch Ignition", "off")
    booted("Wait", "10 s")
    booted("Switch Ignition", "on")
    message = _failure(booted, "Signal Should Become", BOOT_STATE, "Running", within="boot_time")
    last = heard("HU_Status")[-1]["at"]
    assert message == (
        "time until HeadUnit.BootState is Running: expected at most 2 s, but it was not reached within 2 s: "
        "last Booting, in 19 frames; limit boot_time, proposed by us [P]; "
        f"source can:chassis/0x5A0@{last:.6f} s"
    )
    assert (measured().value, measured().verdict) == (None, Verdict.FAIL)


def test_signal_should_become_never_by_a_stale_value(booted: Call, heard: Heard) -> None:
    assert heard("HU_Status")[-1]["BootState"] == "Running"
    booted("Silence ECU", "head unit")
    booted("Wait", "1 ms")
    message = _failure(booted, "Signal Should Become", BOOT_STATE, "Running", within="2 s")
    last = heard("HU_Status")[-1]["at"]
    assert f"it was not reached within 2 s: no frame of HU_Status (0x5A0) has been seen since {last:.3f} s" in message


def test_signal_should_become_is_met_by_the_next_frame_if_it_is_so_already(
    booted: Call, session: Session, heard: Heard, measured: Measured
) -> None:
    start = session.rig.clock.now / 1e9
    booted("Signal Should Become", BOOT_STATE, "Running", within="2 s")
    (frame,) = heard("HU_Status", since=start)
    assert measured().value == pytest.approx(frame["at"] - start, abs=1e-9)
    assert measured().limit_source == ""


@pytest.mark.parametrize(("tolerance", "holds"), [("0.1 V", True), ("0.09 V", False)])
def test_signal_should_become_with_a_tolerance(tolerance: str, holds: bool, booted: Call) -> None:
    if holds:
        booted("Signal Should Become", VOLTAGE, "13.5 V", within="300 ms", tolerance=tolerance)
    else:
        _failure(booted, "Signal Should Become", VOLTAGE, "13.5 V", within="300 ms", tolerance=tolerance)


@pytest.mark.parametrize("keyword", ["Signal Should Become", "Signal Should Stay"])
@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ("boot_tme", "Roewe RX5 has no limit 'boot_tme'; did you mean 'boot_time'"),
        ("running_current", "limit running_current is 0.5 A to 3 A; a time at most is needed"),
        ("2", "'2' has no unit; this needs a duration"),
        ("2 V", "2 V is a voltage; this needs a duration"),
        ("-1 s", "-1 s is below 0 s"),
        ("", "'' is not a decimal number"),
    ],
)
def test_a_wrong_time_is_an_error(keyword: str, limit: str, message: str, booted: Call) -> None:
    argument = "within" if keyword.endswith("Become") else "during"
    with pytest.raises(TestError, match=f"Argument '{argument}': {message}"):
        booted(keyword, BOOT_STATE, "Running", limit)


# Should Stay


@pytest.mark.parametrize("during", ["2 s", "boot_time", "boot time"])
def test_signal_should_stay_holds(during: str, booted: Call, session: Session, measured: Measured) -> None:
    start = session.rig.clock.now
    booted("Signal Should Stay", BOOT_STATE, "Running", during=during)
    assert session.rig.clock.now - start >= 2_000_000_000
    kept = measured()
    assert (kept.name, kept.value, kept.expected) == ("HeadUnit.BootState during 2 s", "Running", "Running")


def test_signal_should_stay_sees_a_single_wrong_frame(booted: Call, heard: Heard) -> None:
    booted("Interrupt Line For", "HeadUnit.KL30", "100 ms")
    booted("Wait", "1300 ms")
    message = _failure(booted, "Signal Should Stay", BOOT_STATE, "Booting", during="5 s")
    first = next(frame["at"] for frame in heard("HU_Status", since=5.0) if frame["BootState"] == "Running")
    assert message == (
        f"HeadUnit.BootState during 5 s: expected Booting, but it was Running; source can:chassis/0x5A0@{first:.6f} s"
    )


def test_signal_should_stay_without_a_frame_fails_and_says_since_when(booted: Call, heard: Heard) -> None:
    booted("Silence ECU", "head unit")
    booted("Wait", "1 ms")
    last = heard("HU_Status")[-1]["at"]
    message = _failure(booted, "Signal Should Stay", BOOT_STATE, "Running", during="1 s")
    assert f"but no frame of HU_Status (0x5A0) has been seen since {last:.3f} s" in message


@pytest.mark.parametrize(("tolerance", "holds"), [("0.1 V", True), ("0.09 V", False)])
def test_signal_should_stay_with_a_tolerance(tolerance: str, holds: bool, booted: Call) -> None:
    if holds:
        booted("Signal Should Stay", VOLTAGE, "13.5 V", during="1 s", tolerance=tolerance)
    else:
        said = f"{VOLTAGE} during 1 s: expected 13.41 V to 13.59 V, but it was 13.4 V; source can:chassis/0x5A0@"
        message = _failure(booted, "Signal Should Stay", VOLTAGE, "13.5 V", during="1 s", tolerance=tolerance)
        assert message.startswith(said)
