"""Transcripts: what goes over the wire for each verb. Identities and commands are those of the reference manual."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.errors import InstrumentError
from harness.instruments.keithley_2450 import Keithley2450
from harness.transports.visa import ScpiSession

Bench = Callable[..., ScpiSession]
Script = list[tuple[str, str | None]]
NO_ERROR = ("SYST:ERR?", '0,"No error;0;0 0"')


def told(*lines: str) -> Script:
    return [step for line in lines for step in ((line, None), NO_ERROR)]


IDENTITY = "KEITHLEY INSTRUMENTS INC.,MODEL 2450,01234567,1.0.0i"
"""The example of the reference manual, 2450-901-01 Rev. B, page B-5."""
SETTINGS = told(
    # SOUR:FUNC VOLT and SOUR:VOLT <n> as in the example of page 6-70, SENS:FUNC "CURR" and SOUR:VOLT:ILIM as on 6-78
    "SOUR:FUNC VOLT",
    "SOUR:VOLT 0",
    "SOUR:VOLT:ILIM 1.05",
    'SENS:FUNC "CURR"',
    "SENS:CURR:RANG 1",
    "OUTP ON",
)
OPENING: Script = [("*IDN?", IDENTITY), *told("*CLS"), ("*LANG?", "SCPI"), *SETTINGS]


def measured(reading: str, tripped: str) -> Script:
    begin, end = told("SENS:CURR:RANG:AUTO ON"), told("SENS:CURR:RANG 1")
    return [*begin, ("READ?", reading), ("SOUR:VOLT:ILIM:TRIP?", tripped), *end]


def test_it_measures_in_the_range_that_fits_and_rests_in_its_largest(bench: Bench) -> None:
    assert Keithley2450(bench(OPENING + measured("4.271500E-04", "0"))).measure_dc_current() == 0.00042715


@pytest.mark.parametrize(("reading", "tripped"), [("1.050000E+00", "1"), ("9.900000E+37", "0")])
def test_a_limited_current_is_an_error_that_names_the_limit(bench: Bench, reading: str, tripped: str) -> None:
    meter = Keithley2450(bench(OPENING + measured(reading, tripped)))
    with pytest.raises(InstrumentError) as raised:
        meter.measure_dc_current()
    assert str(raised.value) == (
        "supply: overload: what it measures is beyond its range of 1.05 A, at which it limits the current; what it "
        "feeds had too low a voltage"
    )


@pytest.mark.parametrize("identity", [IDENTITY, "KEITHLEY INSTRUMENTS,MODEL 2450,04096331,1.6.7c"])
def test_identities_of_both_spellings_are_accepted(bench: Bench, identity: str) -> None:
    assert Keithley2450(bench([("*IDN?", identity), *OPENING[1:]])).identity == identity


def test_a_sister_gets_nothing_but_the_question(bench: Bench) -> None:
    with pytest.raises(InstrumentError, match="supply: declared as Keithley 2450, but the instrument says"):
        Keithley2450(bench([("*IDN?", "KEITHLEY INSTRUMENTS,MODEL 2460,04096331,1.6.7c")]))


@pytest.mark.parametrize("language", ["TSP", "SCPI2400"])
def test_another_command_set_is_refused_before_anything_is_set(bench: Bench, language: str) -> None:
    script = [*OPENING[:3], ("*LANG?", language)]
    with pytest.raises(InstrumentError, match=f"supply: its command set is '{language}'; it needs SCPI"):
        Keithley2450(bench(script))


@pytest.mark.parametrize("answer", ["", "nan", "1,2"])
def test_a_measurement_is_a_decimal_number_or_an_error(bench: Bench, answer: Any) -> None:
    meter = Keithley2450(bench([*OPENING, *told("SENS:CURR:RANG:AUTO ON"), ("READ?", answer)]))
    with pytest.raises(InstrumentError, match=r"asked 'READ\?', answered .*; expected a decimal number"):
        meter.measure_dc_current()
