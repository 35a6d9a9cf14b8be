"""What multimeters measure in the wiring, and how it is judged."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from harness.errors import BenchError, InstrumentError, JudgementFailure, TestError
from harness.keywords.session import Session
from harness.results.measurement import Measurement
from harness.results.verdict import Verdict

if TYPE_CHECKING:
    from harness.simulation.serial_line import SerialLine

Call = Callable[..., Any]

AT_PIN = 13.5 - 0.025 * (1.2 + 5 * 0.15 + 0.2 + 20 * 0.01 + 0.1) - 0.005 * 1.2
"""V at the head unit: 25 mohm carry the current of all, 5 mohm that of the head unit."""


def test_measure_at_the_head_unit(booted: Call) -> None:
    assert booted("Measure Current", "head unit current") == pytest.approx(1.2)
    assert booted("Measure Voltage", "head unit voltage") == pytest.approx(AT_PIN)
    booted("Open Line", "HeadUnit.KL30")
    assert booted("Measure Current", "head unit current") == 0
    assert booted("Measure Voltage", "head unit voltage") == 0


def test_a_measurement_takes_its_time(booted: Call, session: Session) -> None:
    began = session.rig.clock.now
    booted("Measure Current", "head unit current")
    assert 0.4 < (session.rig.clock.now - began) / 1e9 < 0.5


@pytest.mark.parametrize(
    ("bounds", "reading", "beyond"),
    [
        (("1199 mA", "1.201 A"), (1.199, pytest.approx(1.2), 1.201, "A"), ("2 A", "3 A")),
        (("13.4 V", "13.5 V"), (13.4, pytest.approx(AT_PIN), 13.5, "V"), ("15 V", "16 V")),
    ],
)
def test_a_reading_is_judged_by_its_bounds(
    bounds: tuple[str, str],
    reading: tuple[object, ...],
    beyond: tuple[str, str],
    booted: Call,
    measured: Callable[[], Measurement],
) -> None:
    kind, source = {
        "A": ("current", "instrument:ammeter, the current in HeadUnit.KL30"),
        "V": ("voltage", "instrument:voltmeter, the voltage at HeadUnit.KL30"),
    }[str(reading[-1])]
    keyword, place = f"{kind} Should Be Between", f"head unit {kind}"
    booted(keyword, place, *bounds)
    kept = measured()
    assert (kept.low, kept.value, kept.high, kept.unit) == reading
    assert (kept.name, kept.source, kept.verdict, kept.requirements) == (place, source, Verdict.PASS, ("IVI-1",))
    assert kept.instrument.startswith("Keysight Technologies,34465A,MY")
    with pytest.raises(JudgementFailure) as failure:
        booted(keyword, place, *beyond)
    assert str(failure.value).startswith(f"{place}: expected {beyond[0]} to {beyond[1]}, but it was 1")
    assert str(failure.value).endswith(f"; source {source}")
    assert (measured().verdict, measured().message) == (Verdict.FAIL, str(failure.value))


def test_a_reading_is_judged_by_a_limit_of_the_vehicle(booted: Call, measured: Callable[[], Measurement]) -> None:
    booted("Voltage Should Meet", "head unit voltage", "supply_voltage")
    assert (measured().low, measured().high, measured().verdict) == (9, 16, Verdict.PASS)
    booted("Switch Ignition", "off")
    booted("Wait", "10 s")
    booted("Current Should Meet", "head unit current", "quiescent_current")
    assert measured().value == pytest.approx(0.0004)
    assert (measured().low, measured().high) == (None, 0.001)
    assert measured().limit_source == "limit quiescent_current, proposed by us [P]"
    booted("Switch Defect On", "head unit", "draws current asleep")
    with pytest.raises(JudgementFailure) as failure:
        booted("Current Should Meet", "head unit current", "quiescent_current")
    assert str(failure.value) == (
        "head unit current: expected at most 0.001 A, but it was 0.02 A; limit quiescent_current, proposed by us [P]; "
        "source instrument:ammeter, the current in HeadUnit.KL30"
    )


PARKED = "head unit parked current"


def written_to_card(session: Session) -> list[str]:
    """Return what the relay card is told from now on, but for questions."""
    line: SerialLine = session.rig.instruments["relay card"]._session._stream  # type: ignore[attr-defined]
    sent: list[str] = []
    carry_out = line.on_receive

    def receive(data: bytes) -> None:
        sent.extend([data.hex(" ")] if data[1] != 1 else [])
        carry_out(data)

    line.on_receive = receive
    return sent


def test_a_bypassed_meter_is_in_line_only_while_it_measures(booted: Call, session: Session) -> None:
    bypass = session.rig.meter(PARKED).bypass
    assert bypass
    booted("Switch Ignition", "off")
    booted("Wait", "10 s")
    sent = written_to_card(session)
    assert booted("Measure Current", PARKED) == pytest.approx(0.0004)
    assert sent == ["01 05 00 00 ff 00 8c 3a", "01 05 00 00 00 00 cd ca"]
    assert not bypass.is_open


def test_a_bypass_stays_closed_while_the_car_draws_more_than_the_meter_carries(booted: Call, session: Session) -> None:
    sent = written_to_card(session)
    for keyword, arguments in (("Measure Current", ()), ("Mean Current Should Meet", ("quiescent_current",))):
        with pytest.raises(BenchError) as refused:
            booted(keyword, PARKED, *arguments)
        assert str(refused.value) == (
            "source meter carries 1.05 A at most, but supply output 1 delivers 2.45 A; its bypass was not opened"
        )
    assert sent == []
    assert booted("Get Signal", "HeadUnit.BootState") == "Running"


def test_a_bypass_is_closed_again_when_the_meter_fails(booted: Call, session: Session) -> None:
    booted("Switch Ignition", "off")
    booted("Wait", "10 s")
    with session.rig.held():
        session.rig.ecu("head unit")._kl30.draw(0.8)  # type: ignore[attr-defined]
    bypass = session.rig.meter(PARKED).bypass
    assert bypass
    assert booted("Measure Current", PARKED) == pytest.approx(0.8)
    booted("Open Line", "HeadUnit.KL30")
    assert booted("Measure Current", PARKED) == 0
    assert not bypass.is_open


def test_a_mean_is_over_all_readings_of_its_time(booted: Call, measured: Callable[[], Measurement]) -> None:
    booted("Switch Defect On", "head unit", "wakes up while parked")
    booted("Switch Ignition", "off")
    booted("Wait", "10 s")
    assert booted("Measure Mean Current", PARKED, "20 s") == pytest.approx(0.0004 + 0.1 * 0.1 / 2, rel=0.2)
    with pytest.raises(JudgementFailure, match=r"^head unit parked current: expected at most 0.001 A, but it was 0.00"):
        booted("Mean Current Should Meet", PARKED, "quiescent_current", "20 s")
    assert re.fullmatch(
        r"instrument:source meter, mean of \d\d\d readings during 20 s, the current in HeadUnit.KL30", measured().source
    )
    assert measured().instrument.startswith("KEITHLEY INSTRUMENTS,MODEL 2450,")


def test_a_current_beyond_the_meter_is_a_fault_of_the_rig(booted: Call, session: Session) -> None:
    with session.rig.held():
        session.rig.ecu("head unit")._kl30.draw(3.5)  # type: ignore[attr-defined]  # no defect draws as much
    with pytest.raises(InstrumentError, match=r"^ammeter: overload: what it measures is beyond its range of 3 A$"):
        booted("Current Should Be Between", "head unit current", "0 A", "5 A")
    assert session.test.failures == []


@pytest.mark.parametrize(
    ("keyword", "arguments", "message"),
    [
        (
            "Measure Current",
            ("head unit curent",),
            "Argument 'place': no meter 'head unit curent'; did you mean 'head unit current'",
        ),
        (
            "Measure Current",
            ("head unit voltage",),
            "Argument 'place': head unit voltage is the voltage at HeadUnit.KL30; a current cannot be measured there",
        ),
        (
            "Voltage Should Be Between",
            ("head unit current", "13 V", "14 V"),
            "Argument 'place': head unit current is the current in HeadUnit.KL30; a voltage cannot be measured there",
        ),
        (
            "Voltage Should Be Between",
            ("head unit voltage", "14 V", "13 V"),
            "Argument 'low': 14 V is above high, 13 V",
        ),
        ("Current Should Be Between", ("head unit current", "1 V", "2 A"), "Argument 'low': 1 V is a voltage"),
        (
            "Current Should Meet",
            ("head unit current", "supply_voltage"),
            "Argument 'limit': supply_voltage is 9 V to 16 V; a limit of a current is needed",
        ),
        ("Voltage Should Meet", ("head unit voltage", "suply_voltage"), "did you mean 'supply_voltage'"),
    ],
)
def test_what_cannot_be_measured_is_an_error_of_the_test(
    keyword: str, arguments: tuple[str, ...], message: str, booted: Call, session: Session
) -> None:
    with pytest.raises(TestError, match=message):
        booted(keyword, *arguments)
    assert session.test.failures == []
