"""Transcripts: what goes over the wire for each verb. Identities and answers are as real units give them."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.errors import InstrumentError, RigFileError
from harness.instruments.keysight_34970a import Keysight34970A
from harness.transports.visa import ScpiSession

Bench = Callable[..., ScpiSession]
Script = list[tuple[str, str | None]]
NO_ERROR = ("SYST:ERR?", '+0,"No error"')
ACTUATOR, EMPTY = "HEWLETT-PACKARD,34903A,0,1.0", "HEWLETT-PACKARD,0,0,0"
IDENTITY = "HEWLETT-PACKARD,34970A,0,9-1-2"


def opening(*modules: str, identity: str = IDENTITY) -> Script:
    slots = [(f"SYST:CTYP? {slot}", module) for slot, module in zip((100, 200, 300), modules, strict=True)]
    return [("*IDN?", identity), ("*CLS", None), NO_ERROR, *slots]


def moved(line: str) -> Script:
    return [(line, None), NO_ERROR, ("*OPC?", "1")]


VERBS: list[tuple[Callable[[Keysight34970A], Any], Script, Any]] = [
    (lambda switch: switch.close_channel(101), moved("ROUT:CLOS (@101)"), None),
    (lambda switch: switch.open_channel(320), moved("ROUT:OPEN (@320)"), None),
    (lambda switch: switch.is_closed(101), [("ROUT:CLOS? (@101)", "1")], True),
    (lambda switch: switch.is_closed(101), [("ROUT:CLOS? (@101)", "0")], False),
    (lambda switch: switch.open_all(), moved("ROUT:OPEN (@101:120,301:320)"), None),
]


@pytest.mark.parametrize(("verb", "script", "result"), VERBS)
def test_verb(bench: Bench, verb: Callable[[Keysight34970A], Any], script: Script, result: Any) -> None:
    switch = Keysight34970A(bench(opening(ACTUATOR, EMPTY, ACTUATOR) + script))
    assert verb(switch) == result


@pytest.mark.parametrize(
    "identity",
    [
        *("HEWLETT-PACKARD,34970A,0,13-2-2", "Agilent Technologies,34970A,MY44001234,13-2-2"),
        "Keysight Technologies,34970A,MY59001234,13-2-2",
    ],
)
def test_identities_of_all_brands_are_accepted(bench: Bench, identity: str) -> None:
    session = bench(opening(ACTUATOR, EMPTY, EMPTY, identity=identity))
    assert Keysight34970A(session).identity == identity


def test_the_34972a_is_another_instrument(bench: Bench) -> None:
    with pytest.raises(InstrumentError, match=r"declared as Keysight 34970A, but the instrument says 'Agilent.*34972A"):
        Keysight34970A(bench([("*IDN?", "Agilent Technologies,34972A,MY49000123,1.11-1.12-02-02")]))


def test_a_unit_without_relays_is_refused(bench: Bench) -> None:
    multiplexer = "HEWLETT-PACKARD,34901A,0,2.3"
    with pytest.raises(InstrumentError) as raised:
        Keysight34970A(bench(opening(multiplexer, EMPTY, EMPTY)))
    assert str(raised.value) == (
        "supply: needs a 34903A actuator module, has slot 100: 34901A, slot 200: none, slot 300: none"
    )


def test_a_slot_that_talks_nonsense_is_an_error(bench: Bench) -> None:
    script = [("*IDN?", IDENTITY), ("*CLS", None), NO_ERROR, ("SYST:CTYP? 100", "ERR")]
    with pytest.raises(InstrumentError, match=r"asked 'SYST:CTYP\? 100', answered 'ERR'; expected manufacturer"):
        Keysight34970A(bench(script))


@pytest.mark.parametrize("channel", [0, 1, 100, 121, 200, 201, 301, 1101, -1])
def test_a_channel_that_is_not_there_is_named_and_nothing_is_sent(bench: Bench, channel: int) -> None:
    switch = Keysight34970A(bench(opening(ACTUATOR, EMPTY, EMPTY)))
    for verb in (switch.close_channel, switch.open_channel, switch.is_closed):
        with pytest.raises(RigFileError, match=f"supply: no channel {channel}; there are 101 to 120"):
            verb(channel)


@pytest.mark.parametrize("answer", ["", "2", "-1", "yes", "1,1", "1.5"])
def test_a_relay_is_open_or_closed(bench: Bench, answer: str) -> None:
    switch = Keysight34970A(bench([*opening(ACTUATOR, EMPTY, EMPTY), ("ROUT:CLOS? (@101)", answer)]))
    with pytest.raises(InstrumentError, match=r"asked 'ROUT:CLOS\? \(@101\)', answered .*; expected "):
        switch.is_closed(101)


def test_an_error_after_a_command_names_both(bench: Bench) -> None:
    refused = [("ROUT:CLOS (@101)", None), ("SYST:ERR?", '+112,"Channel list: channel number out of range"'), NO_ERROR]
    switch = Keysight34970A(bench(opening(ACTUATOR, EMPTY, EMPTY) + refused))
    with pytest.raises(InstrumentError) as raised:
        switch.close_channel(101)
    assert str(raised.value) == (
        "supply: sent 'ROUT:CLOS (@101)', the instrument reports 112 Channel list: channel number out of range"
    )
