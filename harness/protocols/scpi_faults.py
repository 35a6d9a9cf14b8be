"""Errors of SCPI instruments by their standard numbers: SCPI-99 volume 2, chapter 21.8 [K].

The texts of the -1xx and -4xx classes agree with the lists in the Agilent N6700 and 6834B manuals [B].
"""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType


class ScpiError(IntEnum):
    """Numbers that SCPI-99 reserves. Positive numbers belong to each instrument."""

    NONE = 0
    SYNTAX = -102
    INVALID_SEPARATOR = -103
    DATA_TYPE = -104
    PARAMETER_NOT_ALLOWED = -108
    MISSING_PARAMETER = -109
    UNDEFINED_HEADER = -113
    HEADER_SUFFIX_OUT_OF_RANGE = -114
    EXPONENT_TOO_LARGE = -123
    INVALID_SUFFIX = -131
    SUFFIX_NOT_ALLOWED = -138
    INVALID_STRING_DATA = -151
    SETTINGS_CONFLICT = -221
    DATA_OUT_OF_RANGE = -222
    ILLEGAL_PARAMETER_VALUE = -224
    QUEUE_OVERFLOW = -350
    QUERY_INTERRUPTED = -410
    QUERY_UNTERMINATED = -420


TEXTS: Mapping[int, str] = MappingProxyType(
    {
        ScpiError.NONE: "No error",
        ScpiError.SYNTAX: "Syntax error",
        ScpiError.INVALID_SEPARATOR: "Invalid separator",
        ScpiError.DATA_TYPE: "Data type error",
        ScpiError.PARAMETER_NOT_ALLOWED: "Parameter not allowed",
        ScpiError.MISSING_PARAMETER: "Missing parameter",
        ScpiError.UNDEFINED_HEADER: "Undefined header",
        ScpiError.HEADER_SUFFIX_OUT_OF_RANGE: "Header suffix out of range",
        ScpiError.EXPONENT_TOO_LARGE: "Exponent too large",
        ScpiError.INVALID_SUFFIX: "Invalid suffix",
        ScpiError.SUFFIX_NOT_ALLOWED: "Suffix not allowed",
        ScpiError.INVALID_STRING_DATA: "Invalid string data",
        ScpiError.SETTINGS_CONFLICT: "Settings conflict",
        ScpiError.DATA_OUT_OF_RANGE: "Data out of range",
        ScpiError.ILLEGAL_PARAMETER_VALUE: "Illegal parameter value",
        ScpiError.QUEUE_OVERFLOW: "Queue overflow",
        ScpiError.QUERY_INTERRUPTED: "Query INTERRUPTED",
        ScpiError.QUERY_UNTERMINATED: "Query UNTERMINATED",
    }
)


class ScpiFault(Exception):
    """What an instrument puts into its error queue: a number and a text."""

    def __init__(self, number: int, text: str | None = None) -> None:
        self.number = int(number)
        self.text = TEXTS[number] if text is None else text
        super().__init__(f'{self.number},"{self.text}"')

    @property
    def is_command_error(self) -> bool:
        """Whether the parser refused the message, so that nothing after it is understood either."""
        return -199 <= self.number <= -100
