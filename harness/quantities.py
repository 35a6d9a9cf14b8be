"""Quantities with units: what a suite or a rig file means by ``13.5 V``.

The number is read by a strict pattern of ours and the unit by pint, because pint left to itself reads ``8,0 V`` as
80 V, takes ``nan V`` and hangs on ``9**9**9 V``. The usual units are read without pint, which takes 0.25 s to import.
"""

import math
import re
from decimal import Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Self

from harness.errors import TestError

if TYPE_CHECKING:
    from pint import Unit, UnitRegistry
    from pydantic_core import CoreSchema

_LONGEST_TEXT = 64
_NUMBER = r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?"
_UNIT_NAME = r"(?:%|°|°?[A-Za-zµμΩ\u2126]+)"
_UNIT = rf"{_UNIT_NAME}(?:/{_UNIT_NAME})*"
_NUMBER_AND_REST = re.compile(rf"({_NUMBER})(?![0-9.,]|[eE][+-]?[0-9]) *(.*)")
_UNIT_PATTERN = re.compile(_UNIT)

_USUAL_UNITS: dict[str, tuple[str, Decimal]] = {
    unit: (base, Decimal(factor))
    for base, units in {
        "V": {"mV": "0.001", "kV": "1000"},
        "A": {"mA": "0.001", "µA": "0.000001", "μA": "0.000001", "uA": "0.000001"},
        "s": {"ms": "0.001", "us": "0.000001", "µs": "0.000001", "μs": "0.000001", "ns": "1e-9"}
        | {"min": "60", "h": "3600"},
        "km/h": {"m/s": "3.6"},
        "Hz": {"kHz": "1000"},
        "ohm": {"Ω": "1", "kohm": "1000", "kΩ": "1000", "mohm": "0.001", "mΩ": "0.001"},
        "degC": {"°C": "1"},
        "W": {"mW": "0.001"},
    }.items()
    for unit, factor in units.items()
}
"""Unit: what it is converted to, and by which factor (decimal, so that 8.7 mV is 0.0087 V to the last bit)."""

_DATABASE_SPELLINGS = {
    "Nm": "newton*meter",  # to pint a textile's metric number
    "1/min": "rpm",  # to pint a frequency
    "m/s2": "meter/second**2",
    "m/s^2": "meter/second**2",
    "m/s²": "meter/second**2",
    "A.h": "ampere*hour",
}


class Quantity(float):
    """A number with a unit; the float is its value in the unit of its class.

    Arithmetic gives plain floats: a voltage times two is a number again.
    """

    __slots__ = ()
    unit: ClassVar[str]
    example: ClassVar[str]
    lowest: ClassVar[float] = -math.inf

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read a text such as ``13.5 V``; a quantity of this class is returned as it is.

        Raises:
            TestError: no decimal number with a unit, another kind of quantity, or below what is physically possible.
        """
        if isinstance(value, cls):
            return value
        if not isinstance(value, (str, Quantity)):
            raise TestError(f"{value!r} has no unit; {cls._needs()}")
        text = str(value)
        number, unit = _split(text, cls._needs())
        if not unit:
            raise TestError(f"{text!r} has no unit; {cls._needs()}")
        result = _convert(number, unit, cls.unit, cls._needs())
        if result < cls.lowest:
            limit = format_quantity(cls.lowest, cls.unit)
            raise TestError(f"{text} is below {limit}, the lowest {cls.noun()} there is; {cls._needs()}")
        return cls(result)

    def __str__(self) -> str:
        return format_quantity(self, self.unit)

    @classmethod
    def noun(cls) -> str:
        """Return what a message calls this kind of quantity."""
        return cls.__name__.lower()

    @classmethod
    def _needs(cls) -> str:
        return f"this needs a {cls.noun()}, such as {cls.example!r}"

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> "CoreSchema":
        from pydantic_core import PydanticCustomError, core_schema

        def read(value: object) -> Quantity:
            try:
                return cls.parse(value)
            except TestError as error:
                raise PydanticCustomError("quantity", "{message}", {"message": str(error)}) from error

        return core_schema.no_info_plain_validator_function(read, serialization=core_schema.to_string_ser_schema())

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: object, _handler: object) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{_NUMBER} *{_UNIT}$", "examples": [cls.example]}


class Voltage(Quantity):
    """Voltage in volts."""

    unit, example = "V", "13.5 V"


class Current(Quantity):
    """Current in amperes."""

    unit, example = "A", "2.5 A"


class Duration(Quantity):
    """Length of time in seconds, never negative."""

    unit, example, lowest = "s", "500 ms", 0.0

    @property
    def ns(self) -> int:
        """The duration in nanoseconds, as the rig's clock counts."""
        return round(self * 1e9)


class Speed(Quantity):
    """Speed in km/h; negative backwards."""

    unit, example = "km/h", "50 km/h"


class Temperature(Quantity):
    """Temperature in degrees Celsius: a point on the scale, not a difference."""

    unit, example, lowest = "degC", "25 degC", -273.15


class Resistance(Quantity):
    """Resistance in ohms, never negative."""

    unit, example, lowest = "ohm", "10 ohm", 0.0


class Frequency(Quantity):
    """Frequency in hertz, never negative. A rotational speed (rpm) is none."""

    unit, example, lowest = "Hz", "1 kHz", 0.0


class Ratio(Quantity):
    """Ratio in percent."""

    unit, example = "%", "80 %"


class Power(Quantity):
    """Power in watts."""

    unit, example = "W", "40 W"


QUANTITIES: tuple[type[Quantity], ...] = (
    Voltage,
    Current,
    Duration,
    Speed,
    Temperature,
    Resistance,
    Frequency,
    Ratio,
    Power,
)


def format_quantity(value: float, unit: str) -> str:
    """Write a value with its unit in nine digits at most, so that 0.1 + 0.2 reads ``0.3``."""
    return f"{float(value) + 0.0:.9g} {unit}".rstrip()


def in_unit(text: str, unit: str) -> float:
    """Read a quantity and convert it to the unit of a signal, as a CAN database writes it.

    A bare number is in the signal's own unit. A unit that nobody knows is compared as text.

    Raises:
        TestError: no decimal number, or in a unit that cannot be converted to the signal's.
    """
    needs = f"this needs a number in {unit!r}, such as '5 {unit}'" if unit else "this needs a number without a unit"
    number, given = _split(text, needs)
    if given in ("", unit):
        return float(number)
    if not unit:
        raise TestError(f"{text!r} has a unit and the signal has none; {needs}")
    return _convert(number, given, unit, needs)


def check_unit(unit: str) -> None:
    """Refuse what is no unit.

    Raises:
        TestError: nobody knows the unit.
    """
    if unit not in _USUAL_UNITS and all(unit != base for base, _ in _USUAL_UNITS.values()):
        _unit(unit, "this needs a unit, such as V, ms or km/h")


def _split(text: str, needs: str) -> tuple[str, str]:
    """Return the number and what follows it."""
    if len(text) > _LONGEST_TEXT:
        raise TestError(f"{text[:_LONGEST_TEXT]!r}... is too long for a quantity; {needs}")
    if match := _NUMBER_AND_REST.fullmatch(text):
        return match[1], match[2]
    if re.search("[0-9],[0-9]", text):
        raise TestError(f"{text!r} has a comma; a decimal point is expected, and no thousands separator: {needs}")
    raise TestError(f"{text!r} is not a decimal number (exponent of two digits at most) followed by a unit; {needs}")


def _convert(number: str, given: str, wanted: str, needs: str) -> float:
    if given == wanted:
        return float(number)
    base, factor = _USUAL_UNITS.get(given, ("", Decimal()))
    if base == wanted:
        return float(Decimal(number) * factor)
    source, target = _unit(given, needs), _unit(wanted, needs)
    if _root(source) != _root(target):
        raise TestError(f"{number} {given} is a {_noun_of(source)}; {needs}")
    return float(_registry().Quantity(float(number), source).to(target).magnitude)


@cache
def _registry() -> "UnitRegistry[Any]":
    from pint import UnitRegistry

    return UnitRegistry()


@lru_cache(maxsize=256)
def _unit(text: str, needs: str) -> "Unit":
    from pint.errors import UndefinedUnitError

    if text not in _DATABASE_SPELLINGS and not _UNIT_PATTERN.fullmatch(text):
        raise TestError(f"{text!r} is no unit; {needs}")
    try:
        return _registry().Unit(_DATABASE_SPELLINGS.get(text, text.replace("\u2126", "Ω")))
    except (UndefinedUnitError, ValueError) as error:
        raise TestError(f"unknown unit {text!r}; {needs}") from error


def _root(unit: "Unit") -> "Unit":
    """Return what the unit is made of. Radians and counts count, so that 60 rpm is not 6.28 Hz."""
    return _registry().get_root_units(unit, check_nonmult=False)[1]


def _noun_of(unit: "Unit") -> str:
    for quantity in QUANTITIES:
        if _root(_unit(quantity.unit, "")) == _root(unit):
            return quantity.noun()
    dimension = str(unit.dimensionality)
    return dimension[1:-1] if re.fullmatch(r"\[\w+\]", dimension) else f"quantity in {unit}"
