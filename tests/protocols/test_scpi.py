"""The grammar of SCPI messages, held to the examples of SCPI-99 and IEEE 488.2 and of instrument manuals."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.protocols.scpi import HeaderTree, Unit, split_message
from harness.protocols.scpi_faults import ScpiError, ScpiFault

PATTERNS = (
    "[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]",
    "[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]?",
    "[SOURce:]VOLTage:PROTection[:LEVel]",
    "OUTPut<n>[:STATe]",
    "OUTPut:GENeral",
    "ROUTe:CLOSe",
    "ROUTe:CLOSe:EXCLusive",
    "STATus:QUEStionable:INSTrument:ISUMmary<n>[:EVENt]?",
    "MEASure[:SCALar]:CURRent[:DC]?",
    "*IDN?",
)
TREE = HeaderTree({pattern: pattern for pattern in PATTERNS})


def find(message: str) -> list[str]:
    return [TREE.find(unit)[0] for unit in split_message(message)]


def fault_of(message: str) -> int:
    with pytest.raises(ScpiFault) as raised:
        find(message)
    return raised.value.number


@st.composite
def spellings(draw: st.DrawFn) -> tuple[str, str]:
    """A pattern, and one of the ways in which a manual's reader may write it."""
    pattern = draw(st.sampled_from(PATTERNS))
    header = ""
    for optional, word, number in re.findall(r"(\[)?:?(\*?[A-Za-z]+)(<n>)?:?\]?", pattern.rstrip("?")):
        if optional and draw(st.booleans()):
            continue
        short = "".join(char for char in word if not char.islower())
        text = draw(st.sampled_from([word, short]))
        text = "".join(draw(st.sampled_from([char.upper(), char.lower()])) for char in text)
        header += ":" + text + (draw(st.sampled_from(["", "1", "4"])) if number else "")
    header = header.lstrip(":") if "*" in header or draw(st.booleans()) else header
    return pattern, header + ("?" if pattern.endswith("?") else "")


@given(spellings())
def test_every_spelling_of_a_pattern_finds_it(case: tuple[str, str]) -> None:
    pattern, header = case
    assert find(header) == [pattern]


@given(spellings(), st.data())
def test_a_mnemonic_between_short_and_long_form_is_not_accepted(case: tuple[str, str], data: st.DataObject) -> None:
    """SCPI-99 volume 1, 6.2.1: a device accepts the exact short and the exact long form, nothing else."""
    pattern, header = case
    words = re.findall(r"\*?[A-Za-z]+", pattern)
    longer = [word for word in words if sum(char.islower() for char in word) > 1]
    word = data.draw(st.sampled_from(longer or ["VOLTage"]))
    short = sum(not char.islower() for char in word)
    cut = word[: data.draw(st.integers(short + 1, len(word) - 1))]
    wrong = re.sub(rf"\b({word}|{word[:short]})(?=\d|\b)", cut, header, count=1, flags=re.IGNORECASE)
    if wrong != header:
        assert fault_of(wrong) == ScpiError.UNDEFINED_HEADER


@pytest.mark.parametrize("header", ["VOLT5", "VOL", "VOLTS", "PROT 1", "SOUR", "OUTP:STAT?", "*IDN", "*RST", "ROUT"])
def test_near_misses_are_undefined_headers(header: str) -> None:
    assert fault_of(header) == ScpiError.UNDEFINED_HEADER


def test_the_number_of_a_header_is_1_if_left_out() -> None:
    (second,) = split_message("OUTP2 ON")
    (first,) = split_message("OUTP ON")
    assert TREE.find(second)[1] == (2,)
    assert TREE.find(first)[1] == (1,)


def test_a_pattern_like_another_one_is_refused() -> None:
    with pytest.raises(ValueError, match="another one accepts"):
        HeaderTree({"VOLTage[:LEVel]": 1, "VOLTage": 2})
    with pytest.raises(ValueError, match="hard to tell"):
        HeaderTree({"OUTPut:STATe": 1, "OUTPut:STATus": 2})
    with pytest.raises(ValueError, match="no SCPI command pattern"):
        HeaderTree({"VOLTage level": 1})


# The example tree of SCPI-99 volume 1, 6.2.4.
TRAVERSAL = HeaderTree(
    dict.fromkeys(
        [
            "[SENSe:]FREQuency:STARt",
            "[SENSe:]FREQuency:STOP",
            "[SENSe:]BANDwidth",
            "SENSe:FUNCtion",
            "*ESE",
        ],
        0,
    )
)


@pytest.mark.parametrize(
    ("message", "headers"),
    [
        ("FREQ:STAR 3 MHZ;STOP 5 MHZ", ["FREQ:STAR", "FREQ:STOP"]),
        ("FREQ:STAR 3 MHZ;:FREQ:STOP 5 MHZ", ["FREQ:STAR", "FREQ:STOP"]),
        ("FREQ:STAR 3 MHZ;*ESE 32;STOP 5 MHZ", ["FREQ:STAR", "*ESE", "FREQ:STOP"]),
        ("SENS:FREQ:STAR 1;:SENS:BAND 1", ["SENS:FREQ:STAR", "SENS:BAND"]),
        (":SENS:BAND 1;FUNC 'VOLT'", ["SENS:BAND", "SENS:FUNC"]),
        ("BAND 1;FREQ:STOP 5;", ["BAND", "FREQ:STOP"]),
    ],
)
def test_path_of_a_message(message: str, headers: list[str]) -> None:
    units = list(split_message(message))
    assert [":".join(unit.header) for unit in units] == headers
    for unit in units:
        TRAVERSAL.find(unit)


def test_a_header_below_the_wrong_path_is_undefined() -> None:
    """SCPI-99 volume 1, 6.2.4: the search does not go back to the root."""
    first, second = split_message("FREQ:STAR 3 MHZ;BAND 1")
    TRAVERSAL.find(first)
    with pytest.raises(ScpiFault, match="-113"):
        TRAVERSAL.find(second)


def test_quotes_and_parentheses_keep_separators() -> None:
    (unit,) = split_message("""DISP "a;b,c",'d"e', (@101,103:105)""")
    assert unit == Unit(("DISP",), False, ('"a;b,c"', """'d"e'""", "(@101,103:105)"))


@pytest.mark.parametrize(
    "message", ["VOLT:", "VOLT::LEV 1", "1VOLT", "VOLT=3", "VOLT 1,,2", "VOLT;;VOLT", "VOLT? ?? ,"]
)
def test_what_is_no_program_message_is_a_syntax_error(message: str) -> None:
    assert fault_of(message) == ScpiError.SYNTAX


def test_what_stands_before_an_error_has_been_said() -> None:
    units = split_message("VOLT 1;VOLT=2")
    assert next(units).parameters == ("1",)
    with pytest.raises(ScpiFault):
        next(units)


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=40))
def test_no_text_does_more_than_raise_a_fault(text: str) -> None:
    with suppress(ScpiFault):
        find(text)
