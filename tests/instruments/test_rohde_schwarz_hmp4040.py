"""Transcripts: what goes over the wire for each verb. Identities and answers are as real units give them."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import InstrumentError, RigFileError
from harness.instruments.rohde_schwarz_hmp4040 import Hmp4040
from harness.transports.visa import ScpiSession

Bench = Callable[..., ScpiSession]
NO_ERROR = ("SYST:ERR?", '0,"No error"')
OPENING = [("*IDN?", "HAMEG,HMP4040,103781,HW50020001/SW2.51"), ("*CLS", None), NO_ERROR]


def sent(*lines: str) -> list[tuple[str, str | None]]:
    return [step for line in lines for step in ((line, None), NO_ERROR)]


VERBS: list[tuple[str, Callable[[Hmp4040], Any], list[tuple[str, str | None]], Any]] = [
    ("set voltage", lambda supply: supply.set_voltage(1, 13.5), sent("INST:NSEL 1", "VOLT 13.500"), None),
    ("set small voltage", lambda supply: supply.set_voltage(4, 1e-3), sent("INST:NSEL 4", "VOLT 0.001"), None),
    ("set current limit", lambda supply: supply.set_current_limit(2, 0.25), sent("INST:NSEL 2", "CURR 0.2500"), None),
    (
        "switch on beside others",
        lambda supply: supply.switch_output(2, on=True),
        [("OUTP:GEN?", "1"), *sent("INST:NSEL 2", "OUTP:SEL ON")],
        None,
    ),
    (
        "switch on the first: what else is armed must not come with it",
        lambda supply: supply.switch_output(2, on=True),
        [
            ("OUTP:GEN?", "0"),
            *sent("INST:NSEL 1", "OUTP:SEL OFF", "INST:NSEL 3", "OUTP:SEL OFF", "INST:NSEL 4", "OUTP:SEL OFF"),
            *sent("INST:NSEL 2", "OUTP:SEL ON", "OUTP:GEN ON"),
        ],
        None,
    ),
    ("switch off", lambda supply: supply.switch_output(2, on=False), sent("INST:NSEL 2", "OUTP:SEL OFF"), None),
    (
        "armed but general switch off",
        lambda supply: supply.output_is_on(1),
        [*sent("INST:NSEL 1"), ("OUTP:SEL?", "1"), ("OUTP:GEN?", "0")],
        False,
    ),
    (
        "live",
        lambda supply: supply.output_is_on(1),
        [*sent("INST:NSEL 1"), ("OUTP:SEL?", "1"), ("OUTP:GEN?", "1")],
        True,
    ),
    ("not armed", lambda supply: supply.output_is_on(1), [*sent("INST:NSEL 1"), ("OUTP:SEL?", "0")], False),
    ("set-point", lambda supply: supply.programmed_voltage(3), [*sent("INST:NSEL 3"), ("VOLT?", "13.500")], 13.5),
    ("limit", lambda supply: supply.programmed_current_limit(3), [*sent("INST:NSEL 3"), ("CURR?", "1.0000")], 1.0),
    ("voltage", lambda supply: supply.measure_voltage(1), [*sent("INST:NSEL 1"), ("MEAS:VOLT?", "13.498")], 13.498),
    ("current", lambda supply: supply.measure_current(1), [*sent("INST:NSEL 1"), ("MEAS:CURR?", "0.7512")], 0.7512),
]


@pytest.mark.parametrize(("verb", "script", "result"), [row[1:] for row in VERBS], ids=[row[0] for row in VERBS])
def test_verb(bench: Bench, verb: Callable[[Hmp4040], Any], script: list[tuple[str, str | None]], result: Any) -> None:
    assert verb(Hmp4040(bench(OPENING + script))) == result


@pytest.mark.parametrize(
    "identity",
    ["HAMEG,HMP4040,026043549,HW50020001/SW2.50", "ROHDE&SCHWARZ,HMP4040,103781,HW50020003/SW2.62"],
)
def test_identities_of_both_brands_are_accepted(bench: Bench, identity: str) -> None:
    assert Hmp4040(bench([("*IDN?", identity), *OPENING[1:]])).identity == identity


@pytest.mark.parametrize(
    "identity",
    [
        *("KEITHLEY INSTRUMENTS,MODEL 2000,1150075,A20", "HAMEG,HMP4030,103781,HW50020001/SW2.51", "HMP4040"),
        *("Keysight Technologies,HMP4040,0,1", "", "ERR", ",,,"),
    ],
)
def test_another_instrument_gets_nothing_but_the_question(bench: Bench, identity: str) -> None:
    with pytest.raises(InstrumentError) as raised:
        Hmp4040(bench([("*IDN?", identity)]))
    assert str(raised.value) == f"supply: declared as Rohde & Schwarz HMP4040, but the instrument says {identity!r}"


def test_an_error_after_a_command_names_both(bench: Bench) -> None:
    supply = Hmp4040(
        bench(
            [
                *OPENING,
                *sent("INST:NSEL 1"),
                ("VOLT 99.000", None),
                ("SYST:ERR?", '-222,"Data out of range"'),
                ("SYST:ERR?", '-113,"Undefined header"'),
                NO_ERROR,
                *sent("INST:NSEL 1", "VOLT 13.500"),
            ]
        )
    )
    with pytest.raises(InstrumentError) as raised:
        supply.set_voltage(1, 99.0)
    assert str(raised.value) == (
        "supply: sent 'VOLT 99.000', the instrument reports -222 Data out of range; -113 Undefined header"
    )
    supply.set_voltage(1, 13.5)


def test_errors_of_before_are_cleared_or_the_instrument_is_refused(bench: Bench) -> None:
    broken = [OPENING[0], ("*CLS", None), *[("SYST:ERR?", '-350,"Queue overflow"')] * 100]
    with pytest.raises(InstrumentError, match="not empty after 100 entries, the last one '-350 Queue overflow'"):
        Hmp4040(bench(broken))


@pytest.mark.parametrize("answer", ["", "no error", "0", '"No error",0', "nan,x", "1e3,x", b"\x15~#?@!\n"])
def test_an_error_queue_that_talks_nonsense_is_an_error(bench: Bench, answer: str | bytes) -> None:
    supply = Hmp4040(bench([*OPENING, ("SYST:ERR?", answer)]))
    with pytest.raises(InstrumentError, match=r"asked 'SYST:ERR\?', answered .*expected a number and a text"):
        supply.errors()


@pytest.mark.parametrize(
    ("answer", "entries"), [('+0,"No error"', []), ('0, "No error"', []), ("0, No error", []), ('-0,""', [])]
)
def test_an_empty_queue_is_known_in_every_spelling(bench: Bench, answer: str, entries: list[str]) -> None:
    assert Hmp4040(bench([*OPENING, ("SYST:ERR?", answer)])).errors() == entries


@pytest.mark.parametrize(
    "answer",
    [
        *("", "ERR", "nan", "NAN", "inf", "13,5", "13.5 V", "1_3", "0x10", "٣", "--1", "1e", "13.5;1", b"\x00\x01\n"),
        *("9.91E37", "9.9E37", "-9.9E+37", "1e999"),
    ],
)
def test_a_measurement_is_a_decimal_number_or_an_error(bench: Bench, answer: str | bytes) -> None:
    supply = Hmp4040(bench([*OPENING, *sent("INST:NSEL 1"), ("MEAS:VOLT?", answer)]))
    with pytest.raises(InstrumentError, match=r"supply \(TCPIP::.*\): asked 'MEAS:VOLT\?', answered .*; expected "):
        supply.measure_voltage(1)


@pytest.mark.parametrize("output", [0, 5, -1])
def test_an_output_that_is_not_there_is_named_and_nothing_is_sent(bench: Bench, output: int) -> None:
    supply = Hmp4040(bench(OPENING))
    for _, verb in (
        ("voltage", lambda: supply.set_voltage(output, 1.0)),
        ("switch", lambda: supply.switch_output(output, on=True)),
        ("state", lambda: supply.output_is_on(output)),
    ):
        with pytest.raises(RigFileError, match=f"supply: no output {output}; the HMP4040 has outputs 1 to 4"):
            verb()


def test_the_commands_are_those_of_another_driver_for_the_same_supply() -> None:
    package = importlib.util.find_spec("pymeasure")
    assert package
    assert package.origin
    other = (Path(package.origin).parent / "instruments/rohdeschwarz/hmp.py").read_text("utf-8")
    for _, _, script, _ in VERBS:
        for line, _ in script:
            header = line.split()[0].replace("OUTP:SEL", "OUTPUT:SEL" if "?" not in line else "OUTP:SEL")
            assert header.startswith("SYST:ERR") or f'"{header}' in other
