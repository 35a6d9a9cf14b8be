"""Transcripts: what goes over the wire for each verb. Commands and answers have the form of the programmer's guide."""

from collections.abc import Callable

import pytest

from harness.errors import InstrumentError, InstrumentTimeoutError, RigFileError
from harness.instruments.keysight_dsox1204g import KeysightDsox1204g
from harness.instruments.waveform import Waveform, Window
from harness.transports.visa import ScpiSession

Bench = Callable[..., ScpiSession]
Script = list[tuple[str, str | bytes | None]]
NO_ERROR = ("SYST:ERR?", '+0,"No error"')
IDENTITY = "KEYSIGHT TECHNOLOGIES,DSOX1204G,CN60181234,02.12.2021071625"


def told(*lines: str) -> Script:
    return [step for line in lines for step in ((line, None), NO_ERROR)]


def taken(header: str, value: str, answer: str) -> Script:
    return [*told(f"{header} {value}"), (f"{header}?", answer)]


OPENING: Script = [("*IDN?", IDENTITY), *told("*CLS")]
WINDOW = Window(low=13.0, high=14.0, duration=0.05, level=13.45, rising=False)
ARMING: Script = [
    *told(":STOP", ":CHAN1:DISP ON", ":CHAN1:COUP DC", ":CHAN1:PROB 10"),
    *taken(":CHAN1:RANG", "1", "+1.00E+00"),
    *taken(":CHAN1:OFFS", "13.5", "+1.350000E+01"),
    *told(":TIM:REF LEFT;POS 0"),
    *taken(":TIM:RANG", "0.05", "+5.00000000E-02"),
    *told(":TRIG:MODE EDGE;SWE NORM;EDGE:SOUR CHAN1;SLOP NEG"),
    *taken(":TRIG:EDGE:LEV", "13.45", "+1.345E+01"),
    (":AER?", "+0"),
    *told(":SING"),
]
PREAMBLE = "+0,+0,+4,+1,+2.00000000E-09,+1.60000000E-08,+0,+7.81250000E-02,+8.00000000E+00,+128"
"""The times are those of the guide's example, page 638: the fourth point of 16 ns and 2 ns steps is at 22 ns."""
READING = told(":WAV:SOUR CHAN1;FORM BYTE;UNS 1;POIN:MODE NORM;:WAV:POIN 1000")
BLOCK = b"#800000004\x80\x0a\xff\x00\n"
"""A line feed among the data does not end the block."""


def test_arming_sets_all_and_reads_back_what_the_instrument_has_taken(bench: Bench) -> None:
    script = [*OPENING, *ARMING, (":AER?", "+1"), (":OPER:COND?", "+40"), (":OPER:COND?", "+0")]
    scope = KeysightDsox1204g(bench(script))
    scope.arm(1, 10.0, WINDOW)
    assert scope.is_armed()
    assert [scope.has_captured(), scope.has_captured()] == [False, True]


def test_a_window_that_the_instrument_cannot_show_is_an_error(bench: Bench) -> None:
    script = [*OPENING, *ARMING[:8], *taken(":CHAN1:RANG", "1", "+1.60E+00")]
    with pytest.raises(InstrumentError, match=r"supply: sent ':CHAN1:RANG' with 1 V, the instrument has taken 1\.6 V"):
        KeysightDsox1204g(bench(script)).arm(1, 10.0, WINDOW)


def test_a_waveform_is_read_by_its_preamble(bench: Bench) -> None:
    script = [*OPENING, *READING, (":WAV:PRE?", PREAMBLE), (":WAV:DATA?", BLOCK)]
    waveform = KeysightDsox1204g(bench(script)).waveform(1)
    assert waveform.times == pytest.approx([16e-9, 18e-9, 20e-9, 22e-9])
    assert waveform.volts == pytest.approx([8.0, 8.0 - 118 * 0.078125, 8.0 + 127 * 0.078125, -2.0])
    assert (waveform.low, waveform.high) == (-2.0, 8.0 + 127 * 0.078125)
    with pytest.raises(InstrumentError, match=r"scope: the voltage went beyond the captured window of -2 V to 17\.9"):
        waveform.refuse_beyond_window("scope")


@pytest.mark.parametrize(
    ("preamble", "block"),
    [
        (PREAMBLE, b"#800000003\x80\x80\x80\n"),
        (PREAMBLE.replace("+0,+0,+4", "+1,+0,+4"), BLOCK),
        ("+0", b""),
        ("a,b,c,d,e,f,g,h,i,j", b""),
    ],
)
def test_a_waveform_that_does_not_fit_its_preamble_is_an_error(bench: Bench, preamble: str, block: bytes) -> None:
    script = [*OPENING, *READING, (":WAV:PRE?", preamble), *([(":WAV:DATA?", block)] if block else [])]
    with pytest.raises(InstrumentError, match=r"asked ':WAV:.*\?', answered .*; expected "):
        KeysightDsox1204g(bench(script)).waveform(1)


@pytest.mark.parametrize("block", [b"+0\n", b"#0123\n", b"#8abcdefgh\n", b"#900000000099999999999\n", b"#13abcd\n"])
def test_what_is_no_block_is_an_error_and_the_next_question_gets_its_own_answer(bench: Bench, block: bytes) -> None:
    again: Script = [("*IDN?", IDENTITY)]
    session = bench([*OPENING, *READING, (":WAV:PRE?", PREAMBLE), (":WAV:DATA?", block)], again)
    scope = KeysightDsox1204g(session)
    with pytest.raises(InstrumentError, match=r"asked ':WAV:DATA\?', answered .*; expected a block of binary data"):
        scope.waveform(1)
    assert session.query("*IDN?") == IDENTITY


def test_a_block_that_breaks_off_is_a_time_out(bench: Bench) -> None:
    script = [*OPENING, *READING, (":WAV:PRE?", PREAMBLE), (":WAV:DATA?", b"#800000004\x80\x80")]
    with pytest.raises(InstrumentTimeoutError, match=r"asked ':WAV:DATA\?', no answer within 0.2 s"):
        KeysightDsox1204g(bench(script, timeout="200 ms")).waveform(1)


def test_measurements(bench: Bench) -> None:
    script: Script = [
        (":MEAS:VMIN? CHAN2", "+1.32E+01"),
        (":MEAS:VMAX? CHAN2", "+1.36E+01"),
        (":MEAS:VMIN? CHAN2", "+9.9E+37"),
    ]
    scope = KeysightDsox1204g(bench(OPENING + script))
    assert (scope.measure_minimum(2), scope.measure_maximum(2)) == (13.2, 13.6)
    with pytest.raises(InstrumentError, match=r"supply: the lowest voltage is not in what it has captured"):
        scope.measure_minimum(2)


@pytest.mark.parametrize("channel", [0, 5])
def test_an_input_that_is_not_there_is_named_and_nothing_is_sent(bench: Bench, channel: int) -> None:
    with pytest.raises(RigFileError, match=f"supply: no input {channel}; there are 1 to 4"):
        KeysightDsox1204g(bench(OPENING)).arm(channel, 10.0, WINDOW)


@pytest.mark.parametrize("model", ["DSOX1204G", "DSO-X 1204G"])
def test_both_spellings_of_the_model_are_accepted(bench: Bench, model: str) -> None:
    KeysightDsox1204g(bench([("*IDN?", IDENTITY.replace("DSOX1204G", model)), *OPENING[1:]]))


def test_a_drop_is_counted_from_the_mean_before() -> None:
    waveform = Waveform(-0.2, 0.1, (13.4, 13.6, 12.0, 12.5, 13.5), 10, 15, 0.1, 0.05)
    assert waveform.before == 13.4, "the sample beside the trigger may lie behind it"
    assert waveform.time_below(13.0) == pytest.approx(0.2)
    assert not waveform.is_cut_off(13.0)


@pytest.mark.parametrize("volts", [(12.0, 13.5, 13.5), (13.5, 13.5, 12.0)])
def test_a_voltage_that_is_below_at_an_edge_of_the_window_is_cut_off_there(volts: tuple[float, ...]) -> None:
    assert Waveform(-0.1, 0.1, volts, 10, 15, 0.1, 0.05).is_cut_off(13.0)
