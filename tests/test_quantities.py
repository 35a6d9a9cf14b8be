import contextlib
import json
import math
import subprocess
import sys

import jsonschema
import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from harness.errors import TestError
from harness.quantities import (
    _USUAL_UNITS,
    QUANTITIES,
    Current,
    Duration,
    Frequency,
    Power,
    Quantity,
    Ratio,
    Resistance,
    Speed,
    Temperature,
    Voltage,
    format_quantity,
    in_unit,
)

PINT: pint.UnitRegistry[float] = pint.UnitRegistry()


@pytest.mark.parametrize(
    ("quantity", "text", "value"),
    [
        (Voltage, "13.5 V", 13.5),
        (Voltage, "13.5V", 13.5),
        (Voltage, "-1 V", -1.0),
        (Voltage, "+1.2e1 V", 12.0),
        (Voltage, "8.7 mV", 0.0087),
        (Voltage, "12 volts", 12.0),
        (Current, "20 µA", 0.00002),  # micro sign
        (Current, "20 μA", 0.00002),  # Greek mu
        (Duration, "500 ms", 0.5),
        (Duration, "2 min", 120.0),
        (Duration, "1 day", 86400.0),
        (Speed, "50 km/h", 50.0),
        (Speed, "10 m/s", 36.0),
        (Speed, "1 mph", 1.609344),  # international mile, exact
        (Temperature, "25 °C", 25.0),
        (Temperature, "25 degC", 25.0),
        (Temperature, "298.15 K", 25.0),
        (Temperature, "212 °F", 100.0),
        (Resistance, "4.7 kΩ", 4700.0),
        (Resistance, "10 \u2126", 10.0),  # the ohm sign, not the Greek letter
        (Resistance, "25 mohm", 0.025),
        (Frequency, "2.5 kHz", 2500.0),
        (Ratio, "80 %", 80.0),
        (Power, "1 kW", 1000.0),
    ],
)
def test_a_quantity_holds_its_value_in_the_unit_of_its_class(quantity: type[Quantity], text: str, value: float) -> None:
    assert quantity.parse(text) == pytest.approx(value, rel=1e-12)
    assert type(quantity.parse(text)) is quantity


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "V", "nan V", "inf V", "-inf V", "1e999 V", "1e100 V", ".5 V", "5. V", "1.2.3 V", "1 000 V"),
        *("0x10 V", "1_000 V", "٣ V", "5\xa0V", "5 V\n", "1" * 70 + " V", "9**9**9 V", "5 V**2", "5 V V", "5 V%"),
        *("5 V/", "5 /V", "5 V//s", "(5 V)", "5 [V]", "5 __import__", "5 " + "V/" * 29 + "V"),
    ],
)
def test_what_is_no_decimal_number_with_a_unit_is_refused(text: str) -> None:
    with pytest.raises(TestError, match=r"this needs a voltage, such as '13\.5 V'"):
        Voltage.parse(text)


@pytest.mark.parametrize(
    ("quantity", "value", "message"),
    [
        (Voltage, "13.5 A", "13.5 A is a current; this needs a voltage, such as '13.5 V'"),
        (Voltage, Current(3), "3 A is a current; this needs a voltage, such as '13.5 V'"),
        (Duration, "5 m", "5 m is a length; this needs a duration, such as '500 ms'"),
        (Voltage, "8,0 V", "'8,0 V' has a comma; a decimal point is expected"),
        (Voltage, "13.5", "'13.5' has no unit; this needs a voltage"),
        (Voltage, 13.5, "13.5 has no unit; this needs a voltage"),
        (Voltage, True, "True has no unit; this needs a voltage"),
        (Voltage, None, "None has no unit; this needs a voltage"),
        (Voltage, "5 Vlt", "unknown unit 'Vlt'; this needs a voltage"),
        (Voltage, "5 nan", "unknown unit 'nan'"),
        (Frequency, "60 rpm", "60 rpm is a quantity in revolutions_per_minute; this needs a frequency"),
        (Ratio, "90 degree", "90 degree is a quantity in degree; this needs a ratio"),
        (Duration, "-1 ms", "-1 ms is below 0 s, the lowest duration there is"),
        (Temperature, "-1 K", "-1 K is below -273.15 degC"),
    ],
)
def test_a_refusal_says_what_came_and_what_is_needed(quantity: type[Quantity], value: object, message: str) -> None:
    with pytest.raises(TestError) as refused:
        quantity.parse(value)
    assert str(refused.value).startswith(message)


def test_an_instance_is_returned_as_it_is() -> None:
    voltage = Voltage(13.5)
    assert Voltage.parse(voltage) is voltage


@pytest.mark.parametrize("unit", _USUAL_UNITS)
def test_the_usual_units_agree_with_pint(unit: str) -> None:
    base, factor = _USUAL_UNITS[unit]
    assert PINT.Quantity(7, unit).to(base).magnitude == pytest.approx(7 * float(factor), rel=1e-12)


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_every_class_has_an_example_and_a_unit_that_pint_knows(quantity: type[Quantity]) -> None:
    number, unit = quantity.example.split(" ")
    expected = PINT.Quantity(float(number), unit).to(quantity.unit).magnitude
    assert quantity.parse(quantity.example) == pytest.approx(expected, rel=1e-12)


@given(st.sampled_from(QUANTITIES), st.floats(-1e15, 1e15).filter(lambda value: abs(value) > 1e-90))
def test_what_is_written_can_be_read_again(quantity: type[Quantity], value: float) -> None:
    value = max(value, quantity.lowest)
    assert quantity.parse(str(quantity(value))) == pytest.approx(value, rel=1e-8)


@given(st.text(alphabet="0123456789.,eE+-* /%°VmAµΩ\u2126()nafi", max_size=70))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(TestError):
        assert math.isfinite(Voltage.parse(text))


def test_values_are_written_in_few_digits() -> None:
    assert str(Voltage(13.5)) == f"{Voltage(13.5)}" == "13.5 V"
    assert f"{Voltage(13.5):.2f}" == "13.50"
    assert format_quantity(0.1 + 0.2, "V") == "0.3 V"
    assert format_quantity(-0.0, "V") == "0 V"
    assert format_quantity(1000000, "ohm") == "1000000 ohm"
    assert format_quantity(13.8001, "V") == "13.8001 V"
    assert format_quantity(5, "") == "5"
    assert json.dumps(Voltage(13.5)) == "13.5"


def test_durations_count_in_nanoseconds() -> None:
    assert Duration.parse("1.4 s").ns == 1_400_000_000
    assert Duration.parse("0.3 us").ns == 300


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("50 km/h", "km/h", 50.0),
        ("50", "km/h", 50.0),
        ("10 m/s", "km/h", 36.0),
        ("5", "", 5.0),
        ("180 degree", "degree", 180.0),
        ("1 deg/s", "degree/s", 1.0),
        ("1 rad", "degree", 57.29577951308232),
        ("12 Nm", "Nm", 12.0),
        ("1 bar", "kPa", 100.0),
        ("800 rpm", "1/min", 800.0),
        ("20 km", "m", 20000.0),
        ("50 %", "%", 50.0),
        ("9.81 m/s^2", "m/s2", 9.81),
        ("7 furlong-ish", "furlong-ish", 7.0),
        ("298.15 K", "degC", 25.0),
    ],
)
def test_quantities_are_converted_to_the_unit_of_a_signal(text: str, unit: str, value: float) -> None:
    assert in_unit(text, unit) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "unit", "message"),
    [
        ("5 V", "km/h", "5 V is a voltage; this needs a number in 'km/h', such as '5 km/h'"),
        ("10 Hz", "rpm", "10 Hz is a frequency; this needs a number in 'rpm'"),
        ("5 V", "", "'5 V' has a unit and the signal has none; this needs a number without a unit"),
        ("5 V", "raw", "unknown unit 'raw'; this needs a number in 'raw'"),
        ("8,0", "V", "'8,0' has a comma"),
        ("nan", "V", "'nan' is not a decimal number"),
        ("1e999", "V", "'1e999' is not a decimal number"),
    ],
)
def test_what_does_not_fit_the_signal_is_refused(text: str, unit: str, message: str) -> None:
    with pytest.raises(TestError) as refused:
        in_unit(text, unit)
    assert str(refused.value).startswith(message)


class _Supply(BaseModel):
    voltage: Voltage
    limit: Current = Current(3)


def test_a_pydantic_field_reads_a_quantity() -> None:
    supply = _Supply.model_validate({"voltage": "18 V"})
    assert supply.voltage == 18.0
    assert type(supply.voltage) is Voltage
    assert supply.model_dump_json() == '{"voltage":"18 V","limit":"3 A"}'


@pytest.mark.parametrize(("value", "message"), [("18 A", "18 A is a current; "), (18, "18 has no unit; ")])
def test_a_pydantic_field_keeps_the_message(value: object, message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        _Supply.model_validate({"voltage": value})
    (error,) = refused.value.errors()
    assert error["loc"] == ("voltage",)
    assert error["msg"] == message + "this needs a voltage, such as '13.5 V'"


def test_the_json_schema_tells_what_is_allowed() -> None:
    schema = _Supply.model_json_schema()
    assert schema["properties"]["voltage"]["examples"] == ["13.5 V"]
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid({"voltage": "18 V"})
    assert validator.is_valid({"voltage": "18 V", "limit": "20 µA"})
    for wrong in ("8,0 V", "18", 18, "nan V", "1e999 V"):
        assert not validator.is_valid({"voltage": wrong})


def test_pint_is_not_imported_for_the_usual_units() -> None:
    code = (
        "import sys; from harness.quantities import *; Voltage.parse('8 mV'); in_unit('3 m/s', 'km/h');"
        "sys.exit('pint' in sys.modules or 'pydantic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
