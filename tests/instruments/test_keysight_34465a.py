"""Transcripts: what goes over the wire for each verb. Identities and answers are as real units give them."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import InstrumentError
from harness.instruments.keysight_34465a import Keysight34465A
from harness.transports.visa import ScpiSession

Bench = Callable[..., ScpiSession]
NO_ERROR = ("SYST:ERR?", '+0,"No error"')
REST = [("CONF:CURR:DC 3", None), NO_ERROR]
IDENTITY = "Keysight Technologies,34465A,MY54506462,A.02.14-02.40-02.14-00.49-03-01"
OPENING = [("*IDN?", IDENTITY), ("*CLS", None), NO_ERROR, *REST]

VERBS: list[tuple[str, Callable[[Keysight34465A], Any], list[tuple[str, str | None]], Any]] = [
    ("voltage", lambda meter: meter.measure_dc_voltage(), [("MEAS:VOLT:DC?", "+1.35012345E+01")], 13.5012345),
    ("reversed", lambda meter: meter.measure_dc_voltage(), [("MEAS:VOLT:DC?", "-4.27150000E-01")], -0.42715),
    (
        "current: it goes back to the lowest shunt",
        lambda meter: meter.measure_dc_current(),
        [("MEAS:CURR:DC?", "+4.27150000E-04"), *REST],
        0.00042715,
    ),
]


@pytest.mark.parametrize(("verb", "script", "result"), [row[1:] for row in VERBS], ids=[row[0] for row in VERBS])
def test_verb(
    bench: Bench, verb: Callable[[Keysight34465A], Any], script: list[tuple[str, str | None]], result: Any
) -> None:
    assert verb(Keysight34465A(bench(OPENING + script))) == result


@pytest.mark.parametrize(
    "identity",
    [
        IDENTITY,
        "Keysight Technologies,34465A,MY57515053,A.02.17-02.40-02.17-00.52-04-01",
        "Keysight Technologies,34465A,MY59008389,A.03.01-03.15-03.01-00.52-03-02",
    ],
)
def test_identities_of_real_units_are_accepted(bench: Bench, identity: str) -> None:
    assert Keysight34465A(bench([("*IDN?", identity), *OPENING[1:]])).identity == identity


@pytest.mark.parametrize("identity", ["Keysight Technologies,34461A,MY1,A.02", "HEWLETT-PACKARD,34401A,0,10-5-2", ""])
def test_another_instrument_gets_nothing_but_the_question(bench: Bench, identity: str) -> None:
    with pytest.raises(InstrumentError, match="supply: declared as Keysight 34465A, but the instrument says"):
        Keysight34465A(bench([("*IDN?", identity)]))


@pytest.mark.parametrize("answer", ["+9.90000000E+37", "-9.90000000E+37", "9.9E37"])
def test_an_overload_is_an_error_that_names_the_range(bench: Bench, answer: str) -> None:
    script = [("MEAS:CURR:DC?", answer), ("CURR:DC:RANG?", "+3.00000000E+00")]
    meter = Keysight34465A(bench(OPENING + script))
    with pytest.raises(InstrumentError) as raised:
        meter.measure_dc_current()
    assert str(raised.value) == "supply: overload: what it measures is beyond its range of 3 A"


@pytest.mark.parametrize("answer", ["", "ERR", "nan", "13,5", "1e999", "+1.0E+00,+1.0E+00"])
def test_a_measurement_is_a_decimal_number_or_an_error(bench: Bench, answer: str) -> None:
    meter = Keysight34465A(bench([*OPENING, ("MEAS:VOLT:DC?", answer)]))
    with pytest.raises(InstrumentError, match=r"supply \(TCPIP::.*\): asked 'MEAS:VOLT:DC\?', answered .*; expected "):
        meter.measure_dc_voltage()


def test_a_refused_range_is_an_error(bench: Bench) -> None:
    refused = [*OPENING[:4], ("SYST:ERR?", '-222,"Data out of range"'), NO_ERROR]
    with pytest.raises(InstrumentError, match=r"sent 'CONF:CURR:DC 3', the instrument reports -222 Data out of range"):
        Keysight34465A(bench(refused))


def test_the_questions_are_those_of_another_driver_for_a_sister_of_the_meter() -> None:
    package = importlib.util.find_spec("pymeasure")
    assert package
    assert package.origin
    other = (Path(package.origin).parent / "instruments/agilent/agilent34410A.py").read_text("utf-8")
    for question in ("MEAS:VOLT:DC?", "MEAS:CURR:DC?"):
        assert f'"{question} ' in other
