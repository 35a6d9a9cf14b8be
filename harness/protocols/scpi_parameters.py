"""Parameters of SCPI commands, from their text: numbers with units, words, booleans, strings, channel lists.

Each reader takes the text of one parameter and raises :class:`ScpiFault` with the number that SCPI-99 gives to
what is wrong with it. Sources: SCPI-99 volume 1, chapters 7 (parameters) and 8.3.2 (channel lists); IEEE 488.2
chapter 7.7 (program data) [K].
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from harness.protocols.scpi_faults import ScpiError, ScpiFault

T = TypeVar("T")

_ROUNDING = 1e-9
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:\s*[Ee]\s*[+-]?\d+)?)\s*(.*)", re.ASCII | re.DOTALL)
_UNIT = re.compile(r"[A-Za-z]+")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_CHANNELS = re.compile(r"\(\s*@\s*([^()]*?)\s*\)")
_CHANNEL_RANGE = re.compile(r"(\d{1,9})(?:\s*:\s*(\d{1,9}))?", re.ASCII)

# IEEE 488.2 table 7-1. Its exception (MHZ and MOHM are mega) matters for no unit used here.
_MULTIPLIERS = {
    "": 1.0,
    "EX": 1e18,
    "PE": 1e15,
    "T": 1e12,
    "G": 1e9,
    "MA": 1e6,
    "K": 1e3,
    "M": 1e-3,
    "U": 1e-6,
    "N": 1e-9,
    "P": 1e-12,
    "F": 1e-15,
    "A": 1e-18,
}


class NumericWord(StrEnum):
    """Words that may stand for a number: SCPI-99 volume 1, chapter 7.2."""

    MINIMUM = "MINimum"
    MAXIMUM = "MAXimum"
    DEFAULT = "DEFault"
    UP = "UP"
    DOWN = "DOWN"


Numeric = float | NumericWord


def forms(mnemonic: str) -> tuple[str, str]:
    """Return the long and the short form of a mnemonic as manuals write it, in upper case.

    Example: ``forms("VOLTage")`` gives ``("VOLTAGE", "VOLT")``.
    """
    return mnemonic.upper(), "".join(char for char in mnemonic if not char.islower())


def _by_form(words: Mapping[str, T]) -> dict[str, T]:
    return {form: value for word, value in words.items() for form in forms(word)}


_NUMERIC_WORDS = _by_form({word.value: word for word in NumericWord})


def number(text: str, unit: str | None = None) -> float:
    """Read a decimal number, with a suffix of `unit` where the command has one: `1.5`, `15e-1`, `500MV`.

    Raises:
        ScpiFault: -104 no number, -103 something else behind it, -123 too large, -131 or -138 wrong suffix.
    """
    matched = _NUMBER.fullmatch(text)
    if not matched:
        raise ScpiFault(ScpiError.DATA_TYPE)
    digits, suffix = matched.groups()
    value = float(re.sub(r"\s", "", digits)) * _multiplier(suffix, unit)
    if math.isinf(value):
        raise ScpiFault(ScpiError.EXPONENT_TOO_LARGE)
    return value


def _multiplier(suffix: str, unit: str | None) -> float:
    """Return what a number is multiplied by for its suffix; an empty one stands for the unit itself."""
    if not suffix:
        return 1.0
    if not _UNIT.fullmatch(suffix):
        raise ScpiFault(ScpiError.INVALID_SEPARATOR)
    if unit is None:
        raise ScpiFault(ScpiError.SUFFIX_NOT_ALLOWED)
    prefix, found, rest = suffix.upper().rpartition(unit.upper())
    if not found or rest or prefix not in _MULTIPLIERS:
        raise ScpiFault(ScpiError.INVALID_SUFFIX)
    return _MULTIPLIERS[prefix]


def integer(text: str) -> int:
    """Read a number and round it, as IEEE 488.2 asks of devices that need an integer.

    Raises:
        ScpiFault: as `number`.
    """
    return math.floor(number(text) + 0.5)


def boolean(text: str) -> bool:
    """Read ON, OFF or a number that is rounded, 0 being OFF: SCPI-99 volume 1, chapter 7.3.

    Raises:
        ScpiFault: -224 another word, else as `number`.
    """
    if _WORD.fullmatch(text):
        return choice({"ON": True, "OFF": False})(text)
    return integer(text) != 0


def string(text: str) -> str:
    """Read a string in single or double quotes; a doubled quote stands for one.

    Raises:
        ScpiFault: -104 not quoted, -151 quotes that do not match.
    """
    quote = text[:1]
    if quote not in {'"', "'"}:
        raise ScpiFault(ScpiError.DATA_TYPE)
    inner = text[1:-1]
    if len(text) < 2 or text[-1] != quote or quote in inner.replace(quote * 2, ""):
        raise ScpiFault(ScpiError.INVALID_STRING_DATA)
    return inner.replace(quote * 2, quote)


def channels(text: str) -> tuple[range, ...]:
    """Read a channel list: `(@101,103:105)` gives the ranges 101 to 101 and 103 to 105. They may run backwards.

    Raises:
        ScpiFault: -104 no channel list, -102 a faulty one.
    """
    matched = _CHANNELS.fullmatch(text)
    if not matched:
        raise ScpiFault(ScpiError.SYNTAX if text.startswith("(") else ScpiError.DATA_TYPE)
    ranges = []
    for item in matched[1].split(","):
        bounds = _CHANNEL_RANGE.fullmatch(item.strip())
        if not bounds:
            raise ScpiFault(ScpiError.SYNTAX)
        first = int(bounds[1])
        last = int(bounds[2] or first)
        step = 1 if first <= last else -1
        ranges.append(range(first, last + step, step))
    return tuple(ranges)


def choice(words: Mapping[str, T]) -> Callable[[str], T]:
    """Return the reader of one of these words, written as in manuals: `{"MEASured": ..., "PROTected": ...}`.

    The reader raises :class:`ScpiFault` -224 for another word, -104 for what is no word.
    """
    values = _by_form(words)

    def read(text: str) -> T:
        if not _WORD.fullmatch(text):
            raise ScpiFault(ScpiError.DATA_TYPE)
        try:
            return values[text.upper()]
        except KeyError:
            raise ScpiFault(ScpiError.ILLEGAL_PARAMETER_VALUE) from None

    return read


@dataclass(frozen=True)
class Quantity:
    """A numeric parameter: its unit, what is allowed, and what DEF stands for."""

    unit: str | None
    low: float
    high: float
    default: float

    def read(self, text: str) -> Numeric:
        """Read a number, MINimum, MAXimum, DEFault, UP or DOWN.

        Raises:
            ScpiFault: as `number`.
        """
        return _NUMERIC_WORDS.get(text.upper()) or number(text, self.unit)

    def settle(self, asked: Numeric, *, now: float = 0.0, step: float | None = None) -> float:
        """Return the value asked for; UP and DOWN go one `step` from `now`.

        Raises:
            ScpiFault: -222 outside what is allowed, -224 UP or DOWN where there is no step.
        """
        match asked:
            case NumericWord.MINIMUM:
                return self.low
            case NumericWord.MAXIMUM:
                return self.high
            case NumericWord.DEFAULT:
                return self.default
            case NumericWord():
                if step is None:
                    raise ScpiFault(ScpiError.ILLEGAL_PARAMETER_VALUE)
                value = now + (step if asked is NumericWord.UP else -step)
            case _:
                value = asked
        if not self.low - _ROUNDING <= value <= self.high + _ROUNDING:
            raise ScpiFault(ScpiError.DATA_OUT_OF_RANGE)
        return min(max(value, self.low), self.high)

    def limit(self, text: str) -> float:
        """Read what a query asks for: `VOLTage? MAXimum`.

        Raises:
            ScpiFault: -224 neither MINimum, MAXimum nor DEFault, -104 no word.
        """
        return choice({"MINimum": self.low, "MAXimum": self.high, "DEFault": self.default})(text)
