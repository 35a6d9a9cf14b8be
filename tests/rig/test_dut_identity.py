"""The devices under test say who they are before the first test."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from harness.clock import SECOND
from harness.errors import BenchError, RigFileError
from harness.protocols.can_frame import new_frame
from harness.rig.dut_identity import ANSWER_TIME, _value, read_identities
from harness.rig.open_rig import open_rig
from harness.simulation.kernel import Kernel

IDENTITY = "    identity: {part: simulated head unit, hardware: none, software: model of this harness}\n"
BY_CONSOLE = (
    "    identity_from:\n"
    "      stream: head unit console\n"
    "      ask: version\n"
    "      answers: {part: part *, software: software *}\n"
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


def test_a_frame_too_short_for_the_signal_blocks_the_run(change: Change) -> None:
    rig = open_rig(change((IDENTITY, IDENTITY + "    identity_from: {signals: {software: HU_Status.SupplyVoltage}}\n")))
    head_unit, kernel = rig.ecu("head unit"), cast(Kernel, rig.clock)
    head_unit.silence()
    kernel.at(5 * SECOND, lambda: head_unit._ports["chassis"].send(new_frame(0x5A0, b"\x80")))
    with pytest.raises(BenchError, match=r"^head unit does not say its software: .*a frame of 1 bytes"):
        read_identities(rig)
    assert not rig.supply.is_on
    rig.close()


def test_a_line_that_has_not_ended_is_no_answer(change: Change) -> None:
    declared = IDENTITY.replace("model of this harness", "2.14.0")
    rig = open_rig(change((IDENTITY, declared + BY_CONSOLE)))
    rig.ecu("head unit").switch_defect("silent console", on=True)  # all that comes is ours
    line: Any = rig.console("head unit console")._stream
    kernel, asked = cast(Kernel, rig.clock), list[int]()

    def answer(_: bytes) -> None:
        """As at 9600 bit/s behind a long text: a second ends within the line."""
        asked.append(kernel.now)
        if len(asked) == 1:
            line.write(b"part simulated head unit\nsoftware 2.1")
            kernel.at(kernel.now + ANSWER_TIME + SECOND // 2, lambda: line.write(b"4.0\n"))

    line.on_receive = answer
    assert read_identities(rig) == {"head unit": {"part": "simulated head unit", "software": "2.14.0"}}
    rig.close()


@pytest.mark.parametrize(
    ("answer", "line", "value"),
    [
        ("part *", "part 10384619", "10384619"),
        ("part *", "[    1.4] => part   10384619 B \t", "10384619 B"),
        ("part *", "part", ""),
        ("part *", "part ", ""),
        ("part *", "hardware H2.1", ""),
        ("SW=*;", "HW=H2.1;SW=2.14.0;PN=10384619", "2.14.0"),
        ("PN=*", "HW=H2.1;SW=2.14.0;PN=10384619", "10384619"),
        ("SW=*;", "SW=2.14.0", ""),
        ("part (.+) *", "part 10384619", ""),
    ],
)
def test_the_value_stands_where_its_answer_has_the_star(answer: str, line: str, value: str) -> None:
    assert _value(line, answer) == value


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{stream: radio console, ask: version, answers: {part: part *}}", "stream: no stream 'radio console'"),
        ("{stream: head unit console, ask: version}", "give `signals`, or `stream` and `answers`"),
        (
            "{stream: head unit console, answers: {part: part}}",
            "answers.part: 'part' needs a text, and one \\* behind it",
        ),
        (
            "{stream: head unit console, answers: {part: 'part (.+)'}}",
            "answers.part: 'part \\(.\\+\\)' needs a text, and one",
        ),
        (
            "{stream: head unit console, answers: {part: '*'}}",
            "answers.part: '\\*' needs a text, and one \\* behind it",
        ),
        ("{stream: head unit console, answers: {part: 'part **'}}", "answers.part: .*one \\* behind it for the value"),
        ("{stream: head unit console, answers: {colour: colour *}}", "answers.colour"),
    ],
)
def test_a_source_that_makes_no_sense_is_refused(change: Change, source: str, reason: str) -> None:
    with pytest.raises(RigFileError, match=rf"rx5-virtual\.yaml:\d+: .*identity_from.*{reason}"):
        open_rig(change((IDENTITY, f"{IDENTITY}    identity_from: {source}\n")))
