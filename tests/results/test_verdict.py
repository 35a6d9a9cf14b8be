from pathlib import Path

import pytest
from robot import result
from robot.api import ExecutionResult

from harness.results.verdict import Verdict, exit_code, verdict_of, worst

PASS, FAIL, ERROR, SKIPPED = Verdict.PASS, Verdict.FAIL, Verdict.ERROR, Verdict.SKIPPED
INCONCLUSIVE, ABORTED, NOT_RUN = Verdict.INCONCLUSIVE, Verdict.ABORTED, Verdict.NOT_RUN


def test_the_worst_verdict_is_the_most_severe() -> None:
    assert worst([PASS, INCONCLUSIVE]) == INCONCLUSIVE
    assert worst([FAIL, INCONCLUSIVE, PASS]) == FAIL
    assert worst([FAIL, ERROR]) == ERROR
    assert worst([SKIPPED, PASS]) == PASS
    assert worst([]) == NOT_RUN


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([PASS], 0),
        ([SKIPPED], 0),
        ([PASS, SKIPPED], 0),
        ([PASS, FAIL], 1),
        ([FAIL, NOT_RUN], 1),
        ([FAIL, ERROR], 2),
        ([FAIL, INCONCLUSIVE], 2),
        ([PASS, ABORTED], 2),
        ([PASS, NOT_RUN], 2),
        ([NOT_RUN], 3),
        ([], 3),
    ],
)
def test_exit_codes(verdicts: list[Verdict], code: int) -> None:
    assert exit_code(verdicts) == code


@pytest.mark.parametrize(
    ("status", "tags", "verdict"),
    [
        ("PASS", [], PASS),
        ("SKIP", [], SKIPPED),
        ("FAIL", [], ERROR),
        ("FAIL", ["verdict:FAIL"], FAIL),
        ("FAIL", ["Verdict: not run"], ERROR),
        ("FAIL", ["verdict:PASS"], ERROR),
        ("FAIL", ["verdict:FAIL", "verdict:ERROR"], ERROR),
        ("PASS", ["verdict:FAIL"], FAIL),
        ("FAIL", ["verdict:perhaps"], ERROR),
        ("FAIL", ["robot:exit"], NOT_RUN),
        ("SKIP", ["verdict:NOT RUN"], NOT_RUN),
    ],
)
def test_a_result_has_the_verdict_of_its_tag_or_else_of_its_status(
    status: str, tags: list[str], verdict: Verdict
) -> None:
    assert verdict_of(result.TestCase("One", status=status, tags=tags)) == verdict


def test_tags_survive_robots_file(output_xml: Path) -> None:
    tests = ExecutionResult(output_xml).suite.tests
    found = [verdict_of(test) for test in tests]
    assert found == [PASS, FAIL, FAIL, ERROR, INCONCLUSIVE, SKIPPED, ABORTED, NOT_RUN]


def test_a_failed_suite_teardown_lets_no_pass_stand(output_xml_of_failed_teardown: Path) -> None:
    tests = ExecutionResult(output_xml_of_failed_teardown).suite.tests
    found = [verdict_of(test) for test in tests]
    assert found == [ERROR, FAIL, FAIL, ERROR, INCONCLUSIVE, SKIPPED, ABORTED, NOT_RUN]
