"""Questions to the operator: answered by a file, on a terminal, or by nobody."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from robot import result

from harness.results.outcome import read_outcomes
from harness.results.verdict import Verdict, verdict_of

Robot = Callable[..., dict[str, result.TestCase]]

QUESTION = "Is the display free of stripes?"
ASKS = f"""Asks
    ${{seen}} =    Ask Operator    {QUESTION}    yes    no
    Should Be Equal    ${{seen}}    yes"""


@pytest.fixture
def ask(robot: Robot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., result.TestCase]:
    """Run a test that asks, with a file of answers and without a terminal."""

    def ask(answers: str | None, tests: str = ASKS) -> result.TestCase:
        variables: tuple[str, ...] = ()
        if answers is not None:
            (tmp_path / "answers.yaml").write_text(answers, encoding="utf-8")
            variables = (f"HIL_ANSWERS:{tmp_path / 'answers.yaml'}",)
        with Path(os.devnull).open(encoding="utf-8") as nobody:
            monkeypatch.setattr(sys, "stdin", nobody)
            (test,) = robot(tests, variables=variables).values()
        return test

    return ask


def test_the_file_answers(ask: Callable[..., result.TestCase]) -> None:
    test = ask(f"{QUESTION}: yes\n")
    assert verdict_of(test) is Verdict.PASS
    assert f"{QUESTION} yes (from the file of answers)" in [str(item.message) for item in test.body[0].messages]


def test_any_text_answers_an_open_question(ask: Callable[..., result.TestCase]) -> None:
    tests = "Asks\n    ${seen} =    Ask Operator    Serial number?\n    Should Be Equal    ${seen}    A 12-7"
    assert verdict_of(ask("Serial number?: A 12-7\n", tests)) is Verdict.PASS


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (f"{QUESTION}: maybe\n", f"'{QUESTION}' is answered 'maybe' in the file; allowed: yes, no"),
        (f"{QUESTION}: Yes\n", f"'{QUESTION}' is answered 'Yes' in the file; allowed: yes, no"),
        ("- yes\n", "answers.yaml"),
        (f"{QUESTION}: [yes]\n", "answers.yaml"),
    ],
)
def test_a_wrong_answer_in_the_file_is_an_error(
    answers: str, message: str, ask: Callable[..., result.TestCase]
) -> None:
    test = ask(answers)
    assert verdict_of(test) is Verdict.ERROR
    assert message in test.message


def test_a_missing_file_of_answers_is_an_error(robot: Robot, tmp_path: Path) -> None:
    test = robot(ASKS, variables=(f"HIL_ANSWERS:{tmp_path / 'missing.yaml'}",))["Asks"]
    assert verdict_of(test) is Verdict.ERROR
    assert "missing.yaml" in test.message


@pytest.mark.parametrize("answers", [None, "Something else?: yes\n"])
def test_without_answer_and_terminal_the_test_is_skipped(
    answers: str | None, ask: Callable[..., result.TestCase]
) -> None:
    test = ask(answers)
    assert verdict_of(test) is Verdict.SKIPPED
    assert test.message == f"needs an operator, and there is no terminal to ask on: {QUESTION}"


def test_a_process_without_standard_input_skips_too(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert verdict_of(robot(ASKS)["Asks"]) is Verdict.SKIPPED


@pytest.mark.parametrize(
    ("typed", "verdict", "times"),
    [
        (b"yes\n", Verdict.PASS, 1),
        (b" yes \n", Verdict.PASS, 1),
        (b"maybe\n\nyes\n", Verdict.PASS, 3),
        (b"no\n", Verdict.ERROR, 1),
        (b"\x04", Verdict.SKIPPED, 1),  # end of input
    ],
)
def test_on_a_terminal_it_asks_until_the_answer_is_allowed(
    typed: bytes, verdict: Verdict, times: int, robot: Robot, tmp_path: Path
) -> None:
    robot("Writes The Suite\n    No Operation")
    suite = tmp_path / "suite.robot"
    head = suite.read_text(encoding="utf-8").partition("*** Test Cases ***")[0]
    suite.write_text(f"{head}*** Test Cases ***\n{ASKS}\n", encoding="utf-8")
    keyboard, terminal = pty.openpty()
    try:
        os.write(keyboard, typed)
        finished = subprocess.run(
            [sys.executable, "-m", "robot", "--console", "none", "--outputdir", tmp_path / "asked", suite],
            stdin=terminal,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=60,
        )
    finally:
        os.close(keyboard)
        os.close(terminal)
    (outcome,) = read_outcomes(tmp_path / "asked/output.xml")
    assert outcome.verdict is verdict, outcome.message
    assert finished.stdout.count(f"{QUESTION} [yes/no] ") == times
