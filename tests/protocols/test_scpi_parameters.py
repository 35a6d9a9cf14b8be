"""Parameters of SCPI commands, held to IEEE 488.2 chapter 7.7 and SCPI-99 volume 1 chapter 7."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.protocols.scpi_faults import ScpiError, ScpiFault
from harness.protocols.scpi_parameters import (
    NumericWord,
    Quantity,
    boolean,
    channels,
    choice,
    integer,
    number,
    string,
)

VOLTAGE = Quantity("V", 0.0, 32.05, 1.0)


def fault_of(read: Callable[[str], object], text: str) -> int:
    with pytest.raises(ScpiFault) as raised:
        read(text)
    return raised.value.number


def volts(text: str) -> float:
    return number(text, "V")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12.0),
        ("+12.", 12.0),
        (".5", 0.5),
        ("-1.5E-3", -1.5e-3),
        ("1.5 E +3", 1500.0),
        ("500MV", 0.5),
        ("500 mv", 0.5),
        ("2KV", 2000.0),
        ("1MAV", 1e6),
        ("3uV", 3e-6),
        ("1e3V", 1000.0),
        ("12V", 12.0),
    ],
)
def test_numbers(text: str, value: float) -> None:
    assert volts(text) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("12A", ScpiError.INVALID_SUFFIX),
        ("12XV", ScpiError.INVALID_SUFFIX),
        ("12E", ScpiError.INVALID_SUFFIX),
        ("1:CH1:VOLTS 5", ScpiError.INVALID_SEPARATOR),  # the example of SCPI-99 21.8.9 for -103
        ("1 2", ScpiError.INVALID_SEPARATOR),
        ("12,5", ScpiError.INVALID_SEPARATOR),
        ("ABC", ScpiError.DATA_TYPE),
        ('"12"', ScpiError.DATA_TYPE),
        ("NAN", ScpiError.DATA_TYPE),
        ("INF", ScpiError.DATA_TYPE),
        ("1E999", ScpiError.EXPONENT_TOO_LARGE),
        ("1E300EXV", ScpiError.EXPONENT_TOO_LARGE),
        ("", ScpiError.DATA_TYPE),
    ],
)
def test_faulty_numbers(text: str, error: ScpiError) -> None:
    assert fault_of(volts, text) == error


def test_a_suffix_where_there_is_none_is_not_allowed() -> None:
    assert fault_of(number, "12V") == ScpiError.SUFFIX_NOT_ALLOWED


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_of_python_reads_back(value: float) -> None:
    assert math.copysign(1, number(repr(value))) == math.copysign(1, value)
    assert number(repr(value)) == value


def test_integers_are_rounded() -> None:
    assert [integer(text) for text in ("1", "1.4", "2.5", "-1.6", "3E1")] == [1, 1, 3, -2, 30]


def test_words_for_numbers() -> None:
    words = ["MIN", "minimum", "MAX", "def", "UP", "down"]
    assert [VOLTAGE.read(word) for word in words] == [
        NumericWord.MINIMUM,
        NumericWord.MINIMUM,
        NumericWord.MAXIMUM,
        NumericWord.DEFAULT,
        NumericWord.UP,
        NumericWord.DOWN,
    ]
    assert VOLTAGE.settle(NumericWord.MAXIMUM) == 32.05
    assert VOLTAGE.settle(NumericWord.DEFAULT) == 1.0
    assert VOLTAGE.settle(NumericWord.UP, now=3.0, step=0.5) == 3.5
    assert VOLTAGE.limit("MAX") == 32.05
    assert fault_of(VOLTAGE.read, "MINI") == ScpiError.DATA_TYPE
    assert fault_of(VOLTAGE.limit, "UP") == ScpiError.ILLEGAL_PARAMETER_VALUE


@pytest.mark.parametrize("value", [-0.001, 32.051, 1e9])
def test_values_out_of_range(value: float) -> None:
    with pytest.raises(ScpiFault, match="-222"):
        VOLTAGE.settle(value)


def test_up_without_a_step_is_illegal() -> None:
    with pytest.raises(ScpiFault, match="-224"):
        VOLTAGE.settle(NumericWord.UP)


def test_booleans() -> None:
    assert [boolean(text) for text in ("ON", "off", "1", "0", "0.4", "0.6", "-7")] == [
        True,
        False,
        True,
        False,
        False,
        True,
        True,
    ]
    assert fault_of(boolean, "MAYBE") == ScpiError.ILLEGAL_PARAMETER_VALUE
    assert fault_of(boolean, '"ON"') == ScpiError.DATA_TYPE


def test_choices_have_long_and_short_forms() -> None:
    read = choice({"MEASured": 1, "PROTected": 2})
    assert [read("meas"), read("MEASURED"), read("Prot")] == [1, 1, 2]
    assert fault_of(read, "MEASU") == ScpiError.ILLEGAL_PARAMETER_VALUE
    assert fault_of(read, "3") == ScpiError.DATA_TYPE


def test_strings() -> None:
    assert string('"say ""hi"""') == 'say "hi"'
    assert string("'it''s'") == "it's"
    assert string("''") == ""
    for text in ('"open', '"', '"a"b"'):
        assert fault_of(string, text) == ScpiError.INVALID_STRING_DATA
    assert fault_of(string, "bare") == ScpiError.DATA_TYPE


@given(st.text())
def test_every_string_reads_back(text: str) -> None:
    assert string('"' + text.replace('"', '""') + '"') == text


def test_channel_lists() -> None:
    """The examples of the 34970A user's guide, rules for using a channel list."""
    assert [list(part) for part in channels("(@310)")] == [[310]]
    assert [list(part) for part in channels("(@210,212,215)")] == [[210], [212], [215]]
    assert [list(part) for part in channels("( @105:110 , 215 )")] == [[105, 106, 107, 108, 109, 110], [215]]
    assert [list(part) for part in channels("(@103:101)")] == [[103, 102, 101]]


@pytest.mark.parametrize("text", ["(@)", "(@101,)", "(@101", "(101)", "(@a)", "(@101:)", "(@1!2)"])
def test_faulty_channel_lists(text: str) -> None:
    assert fault_of(channels, text) == ScpiError.SYNTAX


def test_a_number_is_no_channel_list() -> None:
    assert fault_of(channels, "101") == ScpiError.DATA_TYPE
