"""The devices under test say who they are before the first test."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import BenchError, RigFileError
from harness.rig.dut_identity import read_identities
from harness.rig.open_rig import open_rig

IDENTITY = "    identity: {part: simulated head unit, hardware: none, software: model of this harness}\n"
BY_CONSOLE = (
    "    identity_from:\n"
    "      stream: head unit console\n"
    "      ask: version\n"
    "      answers: {part: part (.+), software: software (.+)}\n"
)
BY_SIGNAL = "    identity_from: {signals: {software: HeadUnit.BootState}}\n"

Change = Callable[..., Path]


def test_a_device_that_cannot_be_asked_is_not_and_nothing_is_energised(change: Change) -> None:
    rig = open_rig(change())
    assert read_identities(rig) == {}
    assert rig.clock.now < 1e9
    rig.close()


def test_its_console_is_asked_and_the_car_is_off_again(change: Change) -> None:
    rig = open_rig(change((IDENTITY, IDENTITY + BY_CONSOLE)))
    said = read_identities(rig)
    assert said == {"head unit": {"part": "simulated head unit", "software": "model of this harness"}}
    assert not rig.supply.is_on
    shown = rig.facts.shown_in_reports("Roewe RX5", said)
    assert shown["Tested: head unit"] == (
        "part simulated head unit, hardware none, software model of this harness (virtual; part, software read from it)"
    )
    rig.close()


def test_without_an_answer_the_report_says_that_it_is_only_declared(change: Change) -> None:
    rig = open_rig(change())
    assert "(virtual; declared, not read from it)" in rig.facts.shown_in_reports("Roewe RX5")["Tested: head unit"]
    rig.close()


def test_another_device_blocks_the_run(change: Change) -> None:
    declared = IDENTITY.replace("model of this harness", "release 2.1")
    path = change((IDENTITY, declared + BY_CONSOLE))
    rig = open_rig(path)
    with pytest.raises(BenchError) as caught:
        read_identities(rig)
    assert str(caught.value) == (
        f"another device is connected than {path} declares: head unit says that its software is "
        "'model of this harness'; the rig file declares 'release 2.1'"
    )
    rig.close()


def test_a_device_that_does_not_answer_blocks_the_run(change: Change) -> None:
    rig = open_rig(change((IDENTITY, IDENTITY + BY_CONSOLE)))
    rig.ecu("head unit").switch_defect("silent console", on=True)
    with pytest.raises(BenchError, match="head unit does not say its part, software: asked 'version' on head unit con"):
        read_identities(rig)
    rig.close()


def test_a_signal_tells_as_well(change: Change) -> None:
    declared = IDENTITY.replace("model of this harness", "Booting")
    rig = open_rig(change((IDENTITY, declared + BY_SIGNAL)))
    assert read_identities(rig) == {"head unit": {"software": "Booting"}}
    rig.close()


def test_a_signal_that_does_not_come_blocks_the_run(change: Change) -> None:
    rig = open_rig(change((IDENTITY, IDENTITY + BY_SIGNAL)))
    rig.ecu("head unit").switch_defect("silent", on=True)
    with pytest.raises(BenchError, match="head unit does not say its software: no frame of HU_Status came"):
        read_identities(rig)
    rig.close()


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{stream: radio console, ask: version, answers: {part: (.+)}}", "stream: no stream 'radio console'"),
        ("{stream: head unit console, ask: version}", "give `signals`, or `stream` and `answers`"),
        ("{stream: head unit console, answers: {part: part}}", "answers.part: 'part' needs one group in parentheses"),
        ("{stream: head unit console, answers: {part: '('}}", "answers.part: '\\(' is no regular expression"),
        ("{stream: head unit console, answers: {colour: (.+)}}", "answers.colour"),
    ],
)
def test_a_source_that_makes_no_sense_is_refused(change: Change, source: str, reason: str) -> None:
    with pytest.raises(RigFileError, match=rf"rx5-virtual\.yaml:\d+: .*identity_from.*{reason}"):
        open_rig(change((IDENTITY, f"{IDENTITY}    identity_from: {source}\n")))
