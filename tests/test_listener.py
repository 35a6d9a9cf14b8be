"""Runs the suites of `tests/robot` and holds their verdicts to what each test says in its documentation."""

from pathlib import Path

import pytest
from robot import result
from robot.api import ExecutionResult
from robot.run import run  # type: ignore[import-untyped]  # Robot has types for its api only

from harness.errors import HarnessError
from harness.results.measurement import read_measurements
from harness.results.outcome import read_outcomes
from harness.results.run_folder import read_run_facts
from harness.results.verdict import Verdict, exit_code, verdict_of

ROOT = Path(__file__).parents[1]
RIG = ROOT / "rigs/rx5-virtual.yaml"
SUITES = ROOT / "tests/robot"
TOO_LOW = "supply voltage: expected 20 V to 30 V, but it was 13.5 V; source instrument:supply output 1"


def _run(suite: str, folder: Path, rig: Path = RIG, **options: object) -> result.Result:
    run(SUITES / f"{suite}.robot", variable=[f"RIG:{rig}"], outputdir=folder, console="none", **options)
    return ExecutionResult(folder / "output.xml")


def _tests(executed: result.Result) -> dict[str, result.TestCase]:
    return {test.name: test for test in executed.suite.all_tests}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, result.TestCase]]:
    folder = tmp_path_factory.mktemp("verdicts")
    return folder, _tests(_run("verdicts", folder))


@pytest.mark.parametrize(
    ("suite", "code"),
    [
        ("verdicts", 2),
        ("passes", 0),
        ("fails", 1),
        ("suite_setup_fails", 1),
        ("suite_setup_swallows", 1),
        ("suite_teardown_swallows", 0),
        ("suite_teardown_fails", 2),
        ("rig_stays_unsafe", 0),
    ],
)
def test_each_test_has_the_verdict_of_its_documentation(suite: str, code: int, tmp_path: Path) -> None:
    tests = _tests(_run(suite, tmp_path))
    assert tests
    assert {name: str(verdict_of(test)) for name, test in tests.items()} == {
        name: test.doc for name, test in tests.items()
    }
    assert exit_code([outcome.verdict for outcome in read_outcomes(tmp_path / "output.xml")]) == code


def test_the_status_in_robot_agrees_with_the_verdict(verdicts: tuple[Path, dict[str, result.TestCase]]) -> None:
    for test in verdicts[1].values():
        expected = {Verdict.PASS: "PASS", Verdict.SKIPPED: "SKIP"}.get(verdict_of(test), "FAIL")
        assert test.status == expected, test.name
        tags = [tag for tag in test.tags if tag.startswith("verdict:")]
        assert tags == ([f"verdict:{test.doc}"] if expected == "FAIL" else []), test.name


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ("Fails", TOO_LOW),
        ("Fails And Is Swallowed", f"A failure that the suite swallowed: {TOO_LOW}"),
        ("Fails And Is Caught", f"A failure that the suite swallowed: {TOO_LOW}"),
        ("Fails And Is Skipped", f"A failure that the suite swallowed: {TOO_LOW}\nhides it"),
        ("Fails And Passes Execution", TOO_LOW),
        ("Fails In Its Teardown", f"Teardown failed:\n{TOO_LOW}"),
        ("Does Not Fail As Expected", "Supply Voltage Should Be Between 13 V 14 V: expected to fail, but it passed"),
        ("Fails By A Keyword Of Robot", "out of order"),
        ("Fails First, Then By A Keyword Of Robot", f"1) {TOO_LOW}\n\n2) out of order"),
        ("Names An Unknown Signal", "no signal 'HeadUnit.BotState'; did you mean 'HeadUnit.BootState'"),
        ("Names An Unknown Keyword", "Did you mean:\n    harness.Hil.Supply Voltage Should Be Between"),
        ("Gives A Current For A Voltage", "Argument 'voltage': 13.5 A is a current"),
        ("Gives A Current For A Voltage", "13.5 A is a current; this needs a voltage, such as '13.5 V'"),
        ("Gives A Comma", "'8,0 V' has a comma; a decimal point is expected"),
        ("Gives No Number", "'nan V' is not a decimal number"),
        ("Goes Beyond The Limit Of The Rig", "18.1 V asked; this rig allows at most 18 V"),
        ("Meets A Rig Fault", "The rig is not healthy: supply: -113 Undefined header"),
        ("Fails Before A Rig Fault", f"The rig is not healthy: supply: -113 Undefined header\n{TOO_LOW}"),
        (
            "Needs What The Rig Lacks",
            "rig rx5-virtual lacks nothing-like-this: no capability 'nothing-like-this'. Known: airbag, ammeter, ",
        ),
        ("Takes Too Long", "Test timeout 300 milliseconds exceeded."),
        ("Errs In Its Teardown", "Teardown failed:\nno ECU 'nobody'"),
        ("Fails, Then Errs In Its Teardown", f"{TOO_LOW}\n\nAlso teardown failed:\nno ECU 'nobody'"),
    ],
)
def test_the_message_says_why(test: str, message: str, verdicts: tuple[Path, dict[str, result.TestCase]]) -> None:
    assert message in verdicts[1][test].message


def test_a_skipped_test_runs_nothing(verdicts: tuple[Path, dict[str, result.TestCase]]) -> None:
    assert "must not run" not in verdicts[1]["Needs What The Rig Lacks"].message


def test_a_failure_is_measured_whatever_becomes_of_its_test(verdicts: tuple[Path, dict[str, result.TestCase]]) -> None:
    measurements, rest = read_measurements(verdicts[0] / "measurements.jsonl")
    failed = {measurement.test for measurement in measurements if measurement.verdict is Verdict.FAIL}
    assert not rest
    assert failed >= {name for name, test in verdicts[1].items() if TOO_LOW in test.message}
    assert "Fails Before A Rig Fault" in failed
    assert "Fails As Expected" not in failed


@pytest.mark.parametrize(
    ("suite", "message"),
    [
        ("rig_stays_unsafe", "The rig may not be safe. the rig did not close cleanly: supply "),
        (
            "suite_teardown_swallows",
            "A judgement failed outside of the tests of Suite Teardown Swallows. supply voltage:",
        ),
    ],
)
def test_what_no_test_can_take_is_an_error_of_the_run(suite: str, message: str, tmp_path: Path) -> None:
    errors = _run(suite, tmp_path).errors.messages
    assert {error.level for error in errors} == {"ERROR"}
    assert errors[-1].message.startswith(message)
    assert all(error.message.startswith("The rig was not healthy after the tests") for error in errors[:-1])


def test_where_the_rig_cannot_be_opened_every_test_is_an_error_and_does_nothing(tmp_path: Path) -> None:
    tests = _tests(_run("no_rig", tmp_path, rig=tmp_path / "missing.yaml"))
    assert len(tests) == 2
    for test in tests.values():
        assert verdict_of(test) is Verdict.ERROR
        assert "The rig could not be opened." in test.message
        assert "missing.yaml: there is no such rig file" in test.message
        assert all(item.status == "NOT RUN" for item in test.body)


def test_a_seed_that_is_no_number_is_an_error(tmp_path: Path) -> None:
    run(
        SUITES / "passes.robot",
        variable=[f"RIG:{RIG}", "HIL_SEED:lucky"],
        outputdir=tmp_path,
        console="none",
    )
    (outcome,) = read_outcomes(tmp_path / "output.xml")
    assert outcome.verdict is Verdict.ERROR
    assert "${HIL_SEED} is 'lucky'; a whole number is needed" in outcome.message


def test_a_dry_run_opens_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    executed = _run("passes", tmp_path, rig=tmp_path / "missing.yaml", dryrun=True, log=None, report=None)
    assert [test.status for test in executed.suite.all_tests] == ["PASS"]
    assert [path.name for path in tmp_path.iterdir()] == ["output.xml"]


def test_plain_robot_leaves_the_facts_of_the_run_too(verdicts: tuple[Path, dict[str, result.TestCase]]) -> None:
    facts = read_run_facts(verdicts[0])
    assert (facts.rig, facts.virtual, facts.vehicle, facts.seed) == ("rx5-virtual", True, "Roewe RX5", 1)
    assert facts.instruments["supply"].startswith("ROHDE&SCHWARZ,HMP4040,")
    assert facts.dut["head unit.part"] == "simulated head unit"
    assert (facts.ended, facts.exit_code) == (None, None)


def test_facts_of_a_run_that_are_damaged_are_refused(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(HarnessError, match=r"run\.json: no facts about a run"):
        read_run_facts(tmp_path)
