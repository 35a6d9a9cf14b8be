"""What the documentation of a keyword rules out is refused, with a message that says what is allowed."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from robot.libdoc import LibraryDocumentation  # type: ignore[import-untyped]  # Robot has types for its api only

from harness.errors import BenchError, BusError, JudgementFailure, TestError

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
    (
        "``mean`` and ``peak`` are limits of the vehicle",
        "Bus Load Should Meet    body    mean=bus_load_meen",
        "Argument 'mean': Roewe RX5 has no limit 'bus_load_meen'; did you mean 'bus_load_mean'",
    ),
    (
        "``mean`` and ``peak`` are limits of the vehicle",
        "Bus Load Should Meet    body    peak=boot_time",
        "Argument 'peak': boot_time is at most 2 s; a limit of a ratio is needed",
    ),
    (
        "for a time from now",
        "All Messages Should Be Regular    body    during=0 s",
        "Argument 'during': nothing can be seen in 0 s",
    ),
    (
        "a duration, or a limit's name",
        "Bus Should Fall Asleep    body    within=supply_voltage",
        "Argument 'within': limit supply_voltage is 9 V to 16 V; a time at most is needed",
    ),
    (
        "for a time from now",
        "Bus Should Stay Asleep    body    during=5 V",
        "Argument 'during': 5 V is a voltage; this needs a duration, such as '500 ms'",
    ),
    (
        "a duration, or a limit's name",
        "Bus Should Wake Up    body    within=0 s",
        "Argument 'within': nothing can be seen in 0 s",
    ),
    (
        "Which signal is the checksum, and how it is worked out, are facts of the vehicle",
        "Checksums Should Be Right    BCM_Wipers",
        "Roewe RX5 names no checksum of BCM_Wipers",
    ),
    (
        "of those that pass whole frames on",
        "Gateway Latency Should Meet    doors to chassis",
        "Argument 'route': no route of whole frames 'doors to chassis'",
    ),
    (
        "``limit`` is one of its limits of a duration",
        "Gateway Latency Should Meet    doors to backbone    bus_load_mean",
        "Argument 'limit': bus_load_mean is at most 50 %; a limit of a duration is needed",
    ),
    (
        "the frames of a bus are stamped in their order",
        "Prove Time Stamps    body    during=0 s",
        "Argument 'during': nothing can be seen in 0 s",
    ),
    (
        "``level`` lies between them",
        "Arm Capture    head unit terminal 30    falling    25 V",
        "Argument 'level': 25 V is not between low, -1 V, and high, 20 V",
    ),
    (
        "``lasting`` is the time that is captured",
        "Arm Capture    head unit terminal 30    falling    13 V    lasting=0 s",
        "Argument 'lasting': it must be longer than 0 s",
    ),
    (
        "Judges how far the voltage falls in a capture",
        "Captured Drop Should Meet    head unit terminal 30    boot_voltage_drop",
        "nothing was captured at head unit terminal 30: arm it first",
    ),
    (
        "by a limit of the vehicle",
        "Captured Drop Should Meet    head unit terminal 30    boot_time",
        "Argument 'limit': boot_time is at most 2 s; a limit of a voltage is needed",
    ),
    (
        "by a limit of the vehicle",
        "Captured Time Below Should Meet    head unit terminal 30    10 V    boot_voltage_drop",
        "Argument 'limit': boot_voltage_drop is at most 0.18 V; a limit of a duration is needed",
    ),
    (
        "A meter of a current has none",
        "Measure Voltage    head unit current",
        "Argument 'place': head unit current is the current in HeadUnit.KL30; a voltage cannot be measured there",
    ),
    (
        "Judges the current that a meter measures",
        "Current Should Be Between    head unit current    2 A    1 A",
        "Argument 'low': 2 A is above high, 1 A",
    ),
    (
        "by a limit of the vehicle",
        "Mean Current Should Meet    head unit current    supply_voltage",
        "Argument 'limit': supply_voltage is 9 V to 16 V; a limit of a current is needed",
    ),
    (
        "for a time from now",
        "Period Should Meet    Switches.Indicator    Left    indicator_period    during=0 s",
        "Argument 'during': nothing can be seen in 0 s",
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


FAILS = [  # what the documentation says of a car whose head unit runs and is silent
    ("No frame at all is a failure", "Signal Should Stay    HeadUnit.BootState    Running    during=1 s"),
    ("so a stale value never passes", "Signal Should Become    HeadUnit.BootState    Running    within=1 s"),
    ("Upper and lower case matter", "Log Should Contain    head unit console    HARDWARE    within=1 s"),
    ("A message of which fewer than two frames come", "All Messages Should Be Regular    chassis    during=1 s"),
    ("A route of which no frame is sent fails", "Gateway Latency Should Meet    head unit to backbone"),
    ("A bus that has been awake for longer fails", "Bus Should Wake Up    body    within=1 s"),
]
FAILS_IN_A_CAR_WITHOUT_POWER = [
    ("A message that has never been seen has not stopped", "Message Should Stop    HU_Status    within=5 s"),
    ("A bus without a frame fails", "Bus Load Should Meet    body    during=1 s"),
    (
        "A bus on which nothing has ever been heard has not fallen asleep",
        "Bus Should Fall Asleep    body    within=1 s",
    ),
    ("A bus on which nothing has ever been heard fails", "Bus Should Stay Asleep    body    during=1 s"),
    ("A message of which no frame comes fails", "Checksums Should Be Right    BCM_Doors    during=1 s"),
]


@pytest.mark.parametrize(("promised", "line"), FAILS, ids=[line for _, line in FAILS])
def test_what_the_documentation_does_not_let_pass_fails(promised: str, line: str, call: Callable[..., Any]) -> None:
    call("Power Up")
    call("Wait", "4 s")
    call("Send Line", "head unit console", "version")
    call("Silence ECU", "head unit")
    call("Wait", "1 ms")
    _fails(call, promised, line)


@pytest.mark.parametrize(("promised", "line"), FAILS_IN_A_CAR_WITHOUT_POWER)
def test_nothing_that_has_never_been_heard_passes(promised: str, line: str, call: Callable[..., Any]) -> None:
    _fails(call, promised, line)


@pytest.mark.parametrize(
    ("promised", "line", "said"),
    [
        ("frames of others come from it", "Prove Bus Both Ways    body    within=100 ms", "has not heard .*of others"),
        ("the frames of a bus are stamped", "Prove Time Stamps    body    during=1 s", "no frame came in 1 s"),
    ],
)
def test_what_a_rig_does_not_prove_is_its_own_error(
    promised: str, line: str, said: str, call: Callable[..., Any]
) -> None:
    name, *arguments = line.split("    ")
    assert promised in " ".join(KEYWORDS[name].doc.split())
    with pytest.raises(BusError, match=said):
        _call(call, name, arguments)


NAMES = {
    *("signal", "message", "ecu", "defect", "console", "place", "bus", "line"),
    *("route", "instrument", "limit"),
}
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


def _fails(call: Callable[..., Any], promised: str, line: str) -> None:
    name, *arguments = line.split("    ")
    assert promised in " ".join(KEYWORDS[name].doc.split())
    with pytest.raises(JudgementFailure):
        _call(call, name, arguments)


def _call(call: Callable[..., Any], name: str, arguments: list[str]) -> None:
    named = {it.name for it in KEYWORDS[name].args}
    pairs = [argument.partition("=") for argument in arguments]
    positional = [argument for argument, (key, _, _) in zip(arguments, pairs, strict=True) if key not in named]
    call(name, *positional, **{key: value for key, equals, value in pairs if equals and key in named})


FAULTS_OF_THE_RIG = [  # what the documentation says, lines of which the last one goes against it, and what is said
    (
        "Where the current passes the meter by, and the supply delivers more than the meter carries, it fails",
        ["Measure Current    head unit parked current"],
        "source meter carries 1.05 A at most, but supply output 1 delivers 2.45 A; its bypass was not opened",
    ),
    (
        "a crossing that does not come",
        [
            "Captured Maximum Should Be Between    head unit terminal 30    10 V    16 V",
            "Arm Capture    head unit terminal 30    falling    12 V",
        ],
        "nothing was captured: the voltage at HeadUnit.KL30 has not fallen through 12 V since it was armed",
    ),
    (
        "A voltage that leaves them is an error",
        [
            "Captured Minimum Should Be Between    head unit terminal 30    10 V    16 V",
            "Arm Capture    head unit terminal 30    falling    12 V    low=0 V",
            "Interrupt Line For    HeadUnit.KL30    20 ms",
        ],
        "the voltage went beyond the captured window of 0 V to",
    ),
]


@pytest.mark.parametrize(("promised", "lines", "said"), FAULTS_OF_THE_RIG, ids=[it[0] for it in FAULTS_OF_THE_RIG])
def test_what_the_rig_cannot_do_is_an_error_of_the_rig(
    promised: str, lines: list[str], said: str, booted: Callable[..., Any]
) -> None:
    """The first line is what fails, behind the others."""
    assert any(promised in " ".join(KEYWORDS[line.split("    ")[0]].doc.split()) for line in lines)
    for line in (*lines[1:], lines[0]):
        name, *arguments = line.split("    ")
        if line is lines[0]:
            with pytest.raises(BenchError, match=re.escape(said)):
                _call(booted, name, arguments)
        else:
            _call(booted, name, arguments)
