"""What the documentation of a keyword rules out is refused, with a message that says what is allowed."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from robot.libdoc import LibraryDocumentation  # type: ignore[import-untyped]  # Robot has types for its api only

from harness.errors import JudgementFailure, TestError

KEYWORDS: dict[str, Any] = {keyword.name: keyword for keyword in LibraryDocumentation("harness.Hil::any").keywords}

RULED_OUT = [  # what the documentation says, a call that goes against it, and what is said
    (
        "It is refused beyond the limit of the rig",
        "Set Supply Voltage    18.1 V",
        "18.1 V asked; this rig allows at most 18 V",
    ),
    (
        "It needs a relay in the line",
        "Open Line    KL30",
        "no line that can be opened 'KL30'. Known: HeadUnit.KL15, HeadUnit.KL30",
    ),
    ("or the net that the rig file names", "Open Line    HeadUnit.KL31", "did you mean 'HeadUnit.KL30'"),
    (
        "three digits for a base frame, eight for an extended one",
        "Send Frame    chassis    1234    00",
        "0x000 to 0x7FF or 0x00000000 to 0x1FFFFFFF",
    ),
    (
        "``identifier`` is hexadecimal",
        "Send Frame    chassis    1G4    00",
        "0x000 to 0x7FF or 0x00000000 to 0x1FFFFFFF",
    ),
    (
        "are up to eight bytes",
        "Send Frame    chassis    123    00 01 02 03 04 05 06 07 08",
        "is not up to eight bytes in hexadecimal, such as '11 22 33'",
    ),
    (
        "bytes in hexadecimal",
        "Send Frame    chassis    123    0",
        "is not up to eight bytes in hexadecimal, such as '11 22 33'",
    ),
    (
        "``value`` is one of the signal's texts",
        "Set Signal    BodyController.Terminal15    Onn",
        "has no value 'Onn'; did you mean 'On'? Known: Off, On",
    ),
    (
        "or a quantity",
        "Set Signal    Vehicle.Speed    50 V",
        "50 V is a voltage; this needs a number in 'km/h', such as '5 km/h'",
    ),
    (
        "``expected`` is one of the signal's texts",
        "Signal Should Be    HeadUnit.BootState    Runing",
        "has no value 'Runing'; did you mean 'Running'?",
    ),
    (
        "``tolerance`` is a quantity of the same kind",
        "Signal Should Be    Vehicle.Speed    0 km/h    tolerance=1 V",
        "Argument 'tolerance': 1 V is a voltage; this needs a number in 'km/h'",
    ),
    (
        "the name of a limit of the vehicle",
        "Signal Should Be    Vehicle.Speed    0 km/h    tolerance=speed_tolerance",
        "has no limit 'speed_tolerance'; did you mean 'speed_display_tolerance'",
    ),
    (
        "``within`` is a duration",
        "Signal Should Become    HeadUnit.BootState    Running    within=2 V",
        "Argument 'within': 2 V is a voltage; this needs a duration, such as '500 ms'",
    ),
    (
        "the name of a limit of the vehicle",
        "Signal Should Become    HeadUnit.BootState    Running    within=boot_tim",
        "has no limit 'boot_tim'; did you mean 'boot_time'?",
    ),
    (
        "``limit`` is a duration",
        "Response Time Should Be Below    2 V    HeadUnit.RearView    Shown",
        "Argument 'limit': 2 V is a voltage; this needs a duration, such as '500 ms'",
    ),
    (
        "``expected`` is a duration, or ``nominal``",
        "Cycle Time Should Be    HU_Status    nominl    during=1 s",
        "this needs a duration, such as '500 ms', or 'nominal'",
    ),
    (
        "``tolerance`` is a ratio",
        "Cycle Time Should Be    HU_Status    tolerance=1 s    during=1 s",
        "Argument 'tolerance': 1 s is a duration; this needs a ratio, such as '80 %'",
    ),
    ("Lets time of the rig pass", "Wait    5", "'5' has no unit; this needs a duration, such as '500 ms'"),
    (
        "frames before it are no response",
        "Response Time Should Be Below    2 s    HeadUnit.RearView    Shown",
        "use `Start",
    ),
    (
        "Which signals are counters is a fact of the vehicle",
        "Counters Should Count    GW_HSC2_BCM_FrP04",
        "names no counter of GW_HSC2_BCM_FrP04. Known: ",
    ),
]


@pytest.mark.parametrize(("promised", "line", "said"), RULED_OUT, ids=[line for _, line, _ in RULED_OUT])
def test_what_the_documentation_rules_out_is_refused(
    promised: str, line: str, said: str, booted: Callable[..., Any]
) -> None:
    name, *arguments = line.split("    ")
    assert promised in " ".join(KEYWORDS[name].doc.split())
    with pytest.raises(TestError, match=re.escape(said)):
        _call(booted, name, arguments)


FAILS = [
    ("No frame at all is a failure", "Signal Should Stay    HeadUnit.BootState    Running    during=1 s"),
    ("A message that has never been seen has not stopped", "Message Should Stop    HU_Status    within=5 s"),
    ("so a stale value never passes", "Signal Should Become    HeadUnit.BootState    Running    within=1 s"),
    ("Upper and lower case matter", "Log Should Contain    head unit console    HARDWARE    within=1 s"),
]


@pytest.mark.parametrize(("promised", "line"), FAILS, ids=[line for _, line in FAILS])
def test_what_the_documentation_does_not_let_pass_fails(promised: str, line: str, call: Callable[..., Any]) -> None:
    name, *arguments = line.split("    ")
    assert promised in " ".join(KEYWORDS[name].doc.split())
    if "never been seen" not in promised:
        call("Power Up")
        call("Wait", "4 s")
        call("Send Line", "head unit console", "version")
        call("Silence ECU", "head unit")
    with pytest.raises(JudgementFailure):
        _call(call, name, arguments)


NAMES = {"signal", "message", "ecu", "defect", "console", "place", "bus", "line"}
"""Arguments that name something of the rig."""
MISSPELT = [
    (keyword.name, argument.name)
    for keyword in KEYWORDS.values()
    for argument in keyword.args
    if argument.name in NAMES and (keyword.name, argument.name) != ("Answer Should Contain", "line")
]


@pytest.mark.parametrize(("name", "argument"), MISSPELT)
def test_a_name_that_nobody_knows_is_answered_with_those_that_there_are(
    name: str, argument: str, booted: Callable[..., Any]
) -> None:
    """The last call in the example of the keyword, with one of its names misspelt."""
    *_, example = re.findall(rf"`{name}`    (.*)", KEYWORDS[name].doc.partition("Example:")[2])
    given = dict(zip([it.name for it in KEYWORDS[name].args], example.split("    "), strict=False))
    with pytest.raises(TestError, match="Known: "):
        _call(booted, name, [f"{text}xx" if key == argument else text for key, text in given.items()])


def _call(call: Callable[..., Any], name: str, arguments: list[str]) -> None:
    named = {it.name for it in KEYWORDS[name].args}
    pairs = [argument.partition("=") for argument in arguments]
    positional = [argument for argument, (key, _, _) in zip(arguments, pairs, strict=True) if key not in named]
    call(name, *positional, **{key: value for key, equals, value in pairs if equals and key in named})
