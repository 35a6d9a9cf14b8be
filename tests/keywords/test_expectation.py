"""Judgements that are meant to fail, in a real run: what they leave as verdict, message and measurement."""

from collections.abc import Callable
from pathlib import Path

import pytest
from robot import result

from harness.results.measurement import read_measurements
from harness.results.verdict import Verdict, verdict_of

Robot = Callable[..., dict[str, result.TestCase]]

HOLDS = "Supply Voltage Should Be Between    13 V    14 V"
FAILS = "Supply Voltage Should Be Between    20 V    30 V"
TOO_LOW = "supply voltage: expected 20 V to 30 V, but it was 13.5 V; source instrument:supply output 1"
PASSED = "expected to fail, but it passed"

KEYWORDS = f"""

*** Keywords ***
Holds
    {HOLDS}

Fails
    {FAILS}

Swallows
    Run Keyword And Ignore Error    {FAILS}

Errs After A Failure
    Run Keyword And Ignore Error    {FAILS}
    Fail    out of order"""


@pytest.mark.parametrize(
    ("line", "verdict", "message"),
    [
        (f"Judgement Should Fail    {FAILS}", Verdict.PASS, ""),
        ("Judgement Should Fail    Fails", Verdict.PASS, ""),
        (
            "Judgement Should Fail    Signal Should Be    HeadUnit.BootState    Off",
            Verdict.PASS,
            "",
        ),
        (
            "Judgement Should Fail    Signal Should Be    Vehicle.Speed    50 km/h    tolerance=1 km/h",
            Verdict.PASS,
            "",
        ),
        (
            f"Judgement Should Fail    {HOLDS}",
            Verdict.FAIL,
            f"Supply Voltage Should Be Between 13 V 14 V: {PASSED}",
        ),
        ("Judgement Should Fail    Holds", Verdict.FAIL, f"Holds: {PASSED}"),
        ("Judgement Should Fail    Swallows", Verdict.FAIL, PASSED),
        (f"Judgement Should Fail    Judgement Should Fail    {HOLDS}", Verdict.PASS, ""),
        (
            f"Judgement Should Fail    Judgement Should Fail    {FAILS}",
            Verdict.FAIL,
            f"Judgement Should Fail Supply Voltage Should Be Between 20 V 30 V: {PASSED}",
        ),
        (
            "Judgement Should Fail    Power Up",
            Verdict.ERROR,
            "Argument 'name': Power Up is no judging keyword: it judged nothing; allowed are keywords of the harness",
        ),
        ("Judgement Should Fail    Should Be Equal    1    1", Verdict.ERROR, "Should Be Equal is no judging keyword"),
        ("Judgement Should Fail    Judgement Should Fail    Power Up", Verdict.ERROR, "Power Up is no judging keyword"),
        ("Judgement Should Fail    Fail    out of order", Verdict.ERROR, "out of order"),
        ("Judgement Should Fail    Errs After A Failure", Verdict.ERROR, "out of order"),
        ("Judgement Should Fail    Fial    x", Verdict.ERROR, "No keyword with name 'Fial' found."),
        (
            "Judgement Should Fail    Signal Should Be    HeadUnit.BotState    Off",
            Verdict.ERROR,
            "no signal 'HeadUnit.BotState'",
        ),
        (f"Run Keyword And Ignore Error    Judgement Should Fail    {HOLDS}", Verdict.FAIL, PASSED),
        (f"Judgement Should Fail    {FAILS}\n    {FAILS}", Verdict.FAIL, TOO_LOW),
        (f"Run Keyword And Ignore Error    Judgement Should Fail    Fail    x\n    {FAILS}", Verdict.FAIL, TOO_LOW),
    ],
)
def test_verdict(line: str, verdict: Verdict, message: str, robot: Robot) -> None:
    test = robot(f"Case\n    Power Up\n    Wait    4 s\n    {line}{KEYWORDS}")["Case"]
    assert verdict_of(test) is verdict, test.message
    assert message in test.message
    assert bool(message) is bool(test.message)


def test_it_returns_the_message_of_the_failure(robot: Robot) -> None:
    test = robot(
        f"Case\n    Power Up\n    ${{message}} =    Judgement Should Fail    {FAILS}\n"
        f"    Should Be Equal    ${{message}}    {TOO_LOW}"
    )["Case"]
    assert verdict_of(test) is Verdict.PASS, test.message


def test_what_is_kept(robot: Robot, tmp_path: Path) -> None:
    robot(f"Case\n    Power Up\n    Judgement Should Fail    {FAILS}\n    Judgement Should Fail    {HOLDS}")
    (expected, held, failed), _ = read_measurements(tmp_path / "run/measurements.jsonl")
    assert (expected.verdict, expected.value) == (Verdict.PASS, 13.5)
    assert expected.message == f"failed, as the suite expects: {TOO_LOW}"
    assert (held.verdict, held.message) == (Verdict.PASS, "")
    assert (failed.verdict, failed.value, failed.expected) == (Verdict.FAIL, "passed", "to fail")
