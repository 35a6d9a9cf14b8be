"""Supply, terminals and lines: what keywords do to the car, and what they judge."""

from collections.abc import Callable
from typing import Any

import can
import pytest
from robot import result

from harness.errors import JudgementFailure, TestError
from harness.keywords.session import Session
from harness.results.measurement import Measurement
from harness.results.verdict import Verdict, verdict_of

Call = Callable[..., Any]
Robot = Callable[..., dict[str, result.TestCase]]
Heard = Callable[..., list[dict[str, Any]]]

RUNNING_CURRENT = 1.2 + 5 * 0.15 + 0.2 + 0.1 + 20 * 0.01
"""A: the head unit, and the seven generic ECUs of the rig file."""


# Power up and down, ignition


def test_power_up_gives_nominal_voltage_and_ignition(booted: Call, session: Session, heard: Heard) -> None:
    supply = session.rig.supply.supply
    assert (supply.programmed_voltage(1), supply.programmed_current_limit(1)) == (13.5, 8)
    assert supply.output_is_on(1)
    assert booted("Measure Supply Voltage") == 13.5
    assert booted("Measure Supply Current") == pytest.approx(RUNNING_CURRENT, abs=0.001)
    assert heard("HU_Status")[-1]["BootState"] == "Running"


def test_power_up_takes_back_what_was_set(booted: Call, session: Session) -> None:
    booted("Set Supply Voltage", "10 V")
    booted("Set Current Limit", "5 A")
    booted("Power Up")
    supply = session.rig.supply.supply
    assert (supply.programmed_voltage(1), supply.programmed_current_limit(1)) == (13.5, 8)


def test_power_down_leaves_no_voltage_and_a_silent_bus(
    booted: Call, session: Session, frames: list[can.Message]
) -> None:
    booted("Power Down")
    assert not session.rig.supply.is_on
    assert booted("Measure Supply Voltage") == 0
    booted("Wait", "10 ms")
    frames.clear()
    booted("Wait", "2 s")
    assert frames == []


@pytest.mark.parametrize(
    ("mode", "expected", "brake_control_sends"),
    [("off", ("Off", "Off"), False), ("accessory", ("Accessory", "Off"), False), ("on", ("Run", "On"), True)],
)
def test_switch_ignition(
    mode: str, expected: tuple[str, str], brake_control_sends: bool, booted: Call, heard: Heard
) -> None:
    booted("Switch Ignition", mode)
    booted("Wait", "300 ms")
    last = heard("BCM_PowerMode")[-2]
    assert (last["PowerMode"], last["Terminal15"]) == expected
    assert bool(heard("SCS_HSC2_FrP19", since=last["at"])) is brake_control_sends


def test_robot_refuses_an_ignition_that_no_car_has(robot: Robot) -> None:
    test = robot("Wrong\n    Power Up\n    Switch Ignition    start")["Wrong"]
    assert verdict_of(test) is Verdict.ERROR
    assert "Argument 'mode' got value 'start'" in test.message
    assert "'off', 'accessory' or 'on'" in test.message


# Voltage and current limit


def test_set_supply_voltage_reaches_the_head_unit(booted: Call, heard: Heard) -> None:
    booted("Set Supply Voltage", "12 V")
    assert booted("Measure Supply Voltage") == 12
    booted("Wait", "200 ms")
    # 25 mohm carry all current, 5 mohm that of the head unit.
    assert heard("HU_Status")[-1]["SupplyVoltage"] == pytest.approx(12 - 0.025 * 2.45 - 0.005 * 1.2, abs=0.05)


@pytest.mark.parametrize(
    ("keyword", "value", "message"),
    [
        ("Set Supply Voltage", "18.1 V", "supply output 1: 18.1 V asked; this rig allows at most 18 V"),
        ("Set Supply Voltage", "-1 V", "supply output 1: -1 V asked; this rig allows 0 to 18 V|0 V to 18 V"),
        ("Set Supply Voltage", "13.5 A", "Argument 'voltage': 13.5 A is a current"),
        ("Set Supply Voltage", "13.5", "Argument 'voltage': '13.5' has no unit"),
        ("Set Current Limit", "10.1 A", "supply output 1: 10.1 A asked; this rig allows at most 10 A"),
        ("Set Current Limit", "8 V", "Argument 'current': 8 V is a voltage"),
    ],
)
def test_the_limits_of_the_rig_refuse_before_anything_is_sent(
    keyword: str, value: str, message: str, booted: Call, session: Session
) -> None:
    with pytest.raises(TestError, match=message):
        booted(keyword, value)
    supply = session.rig.supply.supply
    assert (supply.programmed_voltage(1), supply.programmed_current_limit(1)) == (13.5, 8)
    assert booted("Measure Supply Voltage") == 13.5


def test_a_current_limit_above_what_the_car_draws_changes_nothing(booted: Call) -> None:
    booted("Set Current Limit", "2.5 A")
    assert booted("Measure Supply Voltage") == 13.5


def test_ecus_that_are_given_too_little_current_do_not_work(robot: Robot) -> None:
    test = robot(
        """Limited
    Power Up
    Wait    4 s
    Set Current Limit    2 A
    Supply Current Should Be Between    0 A    2 A
    Wait    100 ms
    Frame Should Not Arrive    SCS_HSC2_FrP19    during=1 s"""
    )["Limited"]
    assert verdict_of(test) is Verdict.PASS, test.message


# Interruptions


def test_interrupt_supply_resets_the_head_unit(booted: Call, session: Session, heard: Heard) -> None:
    before = heard("HU_Status")[-1]["ResetCounter"]
    start = session.rig.clock.now / 1e9
    booted("Interrupt Supply", "200 ms")
    assert session.rig.clock.now / 1e9 - start >= 0.2
    booted("Wait", "2 s")
    # The supply takes up to 20 ms to switch off.
    assert heard("BCM_PowerMode", since=start + 0.02)[0]["at"] > start + 0.2
    assert heard("HU_Status")[-1]["ResetCounter"] == before + 1


def test_an_open_line_switches_the_head_unit_off_until_it_is_closed(
    booted: Call, session: Session, heard: Heard
) -> None:
    resets = heard("HU_Status")[-1]["ResetCounter"]
    booted("Open Line", "HeadUnit.KL30")
    booted("Wait", "100 ms")
    opened = session.rig.clock.now / 1e9
    booted("Wait", "1 s")
    assert heard("SCS_HSC2_FrP19", since=opened), "the others must go on"
    assert not heard("HU_Status", since=opened)
    assert booted("Measure Supply Current") == pytest.approx(RUNNING_CURRENT - 1.2, abs=0.001)
    booted("Close Line", "HeadUnit.KL30")
    booted("Wait", "2 s")
    status = heard("HU_Status")[-1]
    assert (status["BootState"], status["ResetCounter"]) == ("Running", resets + 1)


@pytest.mark.parametrize("line", ["HeadUnit.KL15", "head unit.KL15", "headunit.kl15"])
def test_a_line_is_an_ecu_and_its_pin(line: str, booted: Call, heard: Heard) -> None:
    booted("Open Line", line)
    booted("Wait", "300 ms")
    assert heard("HU_Status")[-1]["BootState"] == "ShuttingDown"


def test_the_end_of_the_test_closes_an_open_line(booted: Call, session: Session, heard: Heard) -> None:
    booted("Open Line", "HeadUnit.KL30")
    booted("Wait", "1 s")
    ended = session.rig.clock.now / 1e9
    assert session.end_test() == []
    booted("Wait", "2 s")
    assert heard("HU_Status", since=ended)[-1]["BootState"] == "Running"


@pytest.mark.parametrize(("duration", "resets"), [("100 ms", 1), ("500 ms", 1)])
def test_interrupt_line_for(duration: str, resets: int, booted: Call, session: Session, heard: Heard) -> None:
    before = heard("HU_Status")[-1]["ResetCounter"]
    booted("Interrupt Line For", "HeadUnit.KL30", duration)
    assert session.rig.open_lines == set()
    booted("Wait", "2 s")
    status = heard("HU_Status")[-1]
    assert (status["BootState"], status["ResetCounter"]) == ("Running", before + resets)


@pytest.mark.parametrize("keyword", ["Open Line", "Close Line"])
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("HeadUnit.KL3O", "no line that can be opened 'HeadUnit.KL3O'; did you mean 'HeadUnit.KL30'"),
        ("KL15", r"no line that can be opened 'KL15'\. Known: HeadUnit.KL15, HeadUnit.KL30"),
        ("103", r"no line that can be opened '103'\. Known: HeadUnit.KL15, HeadUnit.KL30"),
    ],
)
def test_an_unknown_line_names_the_probable_one(keyword: str, line: str, message: str, booted: Call) -> None:
    with pytest.raises(TestError, match=message):
        booted(keyword, line)


# Judging


@pytest.mark.parametrize(
    ("keyword", "bounds", "reading"),
    [
        ("Supply Voltage Should Be Between", ("13.4 V", "13.6 V"), ("supply voltage", 13.4, 13.5, 13.6, "V")),
        ("Supply Voltage Should Be Between", ("13.5 V", "13.5 V"), ("supply voltage", 13.5, 13.5, 13.5, "V")),
        ("Supply Voltage Should Be Between", ("13400 mV", "1 kV"), ("supply voltage", 13.4, 13.5, 1000, "V")),
        ("Supply Current Should Be Between", ("2.45 A", "3 A"), ("supply current", 2.45, 2.45, 3, "A")),
    ],
)
def test_a_reading_within_its_bounds_passes(
    keyword: str,
    bounds: tuple[str, str],
    reading: tuple[object, ...],
    booted: Call,
    measured: Callable[[], Measurement],
) -> None:
    booted(keyword, *bounds)
    kept = measured()
    assert (kept.name, kept.low, kept.value, kept.high, kept.unit) == reading
    assert (kept.suite, kept.test, kept.requirements, kept.verdict) == ("Suite", "Test", ("IVI-1",), Verdict.PASS)
    assert (kept.source, kept.limit_source, kept.message) == ("instrument:supply output 1", "", "")
    assert kept.instrument.startswith("ROHDE&SCHWARZ,HMP4040,")


@pytest.mark.parametrize(
    ("keyword", "bounds", "said"),
    [
        ("Supply Voltage Should Be Between", ("13.6 V", "14 V"), "expected 13.6 V to 14 V, but it was 13.5 V"),
        ("Supply Voltage Should Be Between", ("13 V", "13.49 V"), "expected 13 V to 13.49 V, but it was 13.5 V"),
        ("Supply Current Should Be Between", ("2.5 A", "3 A"), "expected 2.5 A to 3 A, but it was 2.45 A"),
    ],
)
def test_a_reading_beyond_its_bounds_fails(
    keyword: str, bounds: tuple[str, str], said: str, booted: Call, measured: Callable[[], Measurement]
) -> None:
    with pytest.raises(JudgementFailure) as failure:
        booted(keyword, *bounds)
    assert f": {said}; source instrument:supply output 1" in str(failure.value)
    assert (measured().verdict, measured().message) == (Verdict.FAIL, str(failure.value))


def test_supply_current_should_meet_a_limit_of_the_vehicle(booted: Call, measured: Callable[[], Measurement]) -> None:
    booted("Supply Current Should Meet", "running_current")
    kept = measured()
    assert (kept.low, kept.high, kept.unit, kept.verdict) == (0.5, 3, "A", Verdict.PASS)
    assert kept.limit_source == "limit running_current, proposed by us [P]"
    booted("Switch Defect On", "head unit", "high running current")
    with pytest.raises(JudgementFailure) as failure:
        booted("Supply Current Should Meet", "running current")
    assert str(failure.value) == (
        "supply current: expected 0.5 A to 3 A, but it was 3.65 A; limit running_current, proposed by us [P]; "
        "source instrument:supply output 1"
    )


@pytest.mark.parametrize(
    ("keyword", "arguments", "message"),
    [
        ("Supply Voltage Should Be Between", ("14 V", "13 V"), "Argument 'low': 14 V is above high, 13 V"),
        ("Supply Voltage Should Be Between", ("13 V", "14 A"), "Argument 'high': 14 A is a current"),
        ("Supply Current Should Meet", ("boot_time",), "Argument 'limit': boot_time is at most 2 s; a limit of a curr"),
        (
            "Supply Current Should Meet",
            ("runing_current",),
            "Argument 'limit': Roewe RX5 has no limit 'runing_current'; did you mean 'running_current'",
        ),
    ],
)
def test_wrong_limits_are_errors_of_the_test(
    keyword: str, arguments: tuple[str, ...], message: str, booted: Call, session: Session
) -> None:
    with pytest.raises(TestError, match=message):
        booted(keyword, *arguments)
    assert session.test.failures == []
