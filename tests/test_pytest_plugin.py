"""Runs tests in Python with `pytest --rig`, and holds them to the verdicts, results and words of a run of suites."""

import json
import re
import signal
import subprocess
import sys
import tomllib
from collections import Counter
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from junitparser import JUnitXml
from robot.api import ExecutionResult

from harness.Hil import Hil
from harness.pytest_keywords import Keywords
from harness.results.measurement import read_measurements
from harness.results.outcome import Outcome, read_outcomes
from harness.results.run_folder import read_run_facts
from harness.results.verdict import Verdict

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[1]
RIG = ROOT / "rigs/rx5-virtual.yaml"
PAGE = ROOT / "docs/pytest.md"
MODULE = "harness.pytest_plugin"
INSTALLED = any(entry.value == MODULE for entry in entry_points(group="pytest11"))
PLUGIN = () if INSTALLED else ("-p", MODULE)
"""An installation from before the plug-in does not know it."""

BOOTED = """
import pytest


@pytest.fixture
def booted(rig):
    rig.power_up()
    rig.wait("4 s")
    return rig
"""

VERDICTS = (
    BOOTED
    + '''
from harness.errors import JudgementFailure
from harness.keywords.judgement import Allowed, judge

TOO_HIGH = ("20 V", "30 V")


@pytest.fixture
def session(pytestconfig):
    return pytestconfig.pluginmanager.get_plugin("hil run").session


def test_holds(booted):
    """PASS"""
    booted.supply_voltage_should_be_between("13 V", "14 V")


def test_fails(booted):
    """FAIL"""
    booted.supply_voltage_should_be_between(*TOO_HIGH)


def test_fails_with_a_defect(booted):
    """FAIL"""
    booted.switch_defect_on("head unit", "silent")
    booted.set_signal("Vehicle.Speed", "50 km/h")
    booted.open_line("HeadUnit.KL15")
    booted.signal_should_become("HeadUnit.BootState", "Running", within="1 s")


def test_what_the_last_one_has_changed_is_taken_back(booted):
    """PASS"""
    booted.signal_should_be("HeadUnit.BootState", "Running")
    booted.signal_should_be("Vehicle.Speed", "0 km/h", tolerance="0.1 km/h")


def test_is_swallowed(booted):
    """FAIL"""
    with pytest.raises(JudgementFailure):
        booted.supply_voltage_should_be_between(*TOO_HIGH)


def test_is_swallowed_and_skipped(booted):
    """FAIL"""
    with pytest.raises(JudgementFailure):
        booted.supply_voltage_should_be_between(*TOO_HIGH)
    pytest.skip("hides it")


@pytest.mark.xfail
def test_is_expected_to_fail_by_pytest(booted):
    """FAIL"""
    booted.supply_voltage_should_be_between(*TOO_HIGH)


@pytest.mark.xfail(strict=True)
def test_is_expected_to_fail_and_passes(booted):
    """ERROR"""


@pytest.fixture
def judged_afterwards(booted):
    yield
    booted.supply_voltage_should_be_between(*TOO_HIGH)


def test_fails_in_its_teardown(judged_afterwards):
    """FAIL"""


@pytest.fixture
def two_teardowns(booted):
    yield
    raise OSError("out of order")


def test_fails_twice_in_its_teardown(two_teardowns, judged_afterwards):
    """ERROR"""


@pytest.fixture
def judged_before(booted):
    booted.supply_voltage_should_be_between(*TOO_HIGH)


def test_fails_in_its_setup(judged_before):
    """FAIL"""


def test_fails_by_an_assertion_of_its_own(rig):
    """ERROR"""
    assert rig.measure_supply_voltage() > 20


def test_fails_by_a_judgement_and_an_assertion(booted):
    """ERROR"""
    try:
        booted.supply_voltage_should_be_between(*TOO_HIGH)
    finally:
        assert not booted


def test_names_an_unknown_signal(rig):
    """ERROR"""
    rig.signal_should_be("HeadUnit.BotState", "Running")


def test_names_an_unknown_keyword(rig):
    """ERROR"""
    rig.powerup()


def test_gives_a_current_for_a_voltage(rig):
    """ERROR"""
    rig.set_supply_voltage("13.5 A")


def test_gives_no_power_mode(rig):
    """ERROR"""
    rig.switch_ignition("sideways")


def test_forgets_an_argument(rig):
    """ERROR"""
    rig.wait()


def test_misspells_an_argument(rig):
    """ERROR"""
    rig.signal_should_become("HeadUnit.BootState", "Running", whithin="2 s")


def test_is_too_close(rig, session):
    """INCONCLUSIVE"""
    allowed = Allowed("V", high=1.0)
    judge(session, "it", value=1.0, allowed=allowed, holds=True, actual="was", source="here", uncertainty=0.1)


def test_meets_a_rig_fault(rig, session):
    """ERROR"""
    session.rig.instruments["supply"]._supply._session.write("NONSENSE")


def test_fails_before_a_rig_fault(booted, session):
    """ERROR"""
    try:
        booted.supply_voltage_should_be_between(*TOO_HIGH)
    finally:
        session.rig.instruments["supply"]._supply._session.write("NONSENSE")


def test_comes_after_a_rig_fault(booted):
    """PASS"""
    booted.supply_voltage_should_be_between("13 V", "14 V")


def test_expects_a_failure(booted):
    """PASS"""
    told = booted.judgement_should_fail("Signal Should Become", "HeadUnit.BootState", "Off", "within=0.2 s")
    assert "expected at most 0.2 s" in told


def test_expects_a_failure_that_does_not_come(booted):
    """FAIL"""
    booted.judgement_should_fail("Supply Voltage Should Be Between", "13 V", "14 V")


def test_expects_a_failure_of_an_unknown_keyword(rig):
    """ERROR"""
    rig.judgement_should_fail("Signal Shuold Be", "HeadUnit.BootState", "Off")


def test_is_answered_by_the_file(rig):
    """PASS"""
    assert rig.ask_operator("Is it on?", "yes", "no") == "yes"


def test_is_answered_wrongly_by_the_file(rig):
    """ERROR"""
    rig.ask_operator("Is it off?", "yes", "no")


def test_is_answered_by_nobody(rig):
    """SKIPPED"""
    rig.ask_operator("Is it red?")


@pytest.mark.needs("head unit", "camera")
def test_needs_what_the_rig_lacks(rig):
    """SKIPPED"""
    raise AssertionError("must not run")


@pytest.mark.needs("head unit", "supply")
def test_needs_what_the_rig_has(rig):
    """PASS"""


def test_is_skipped(rig):
    """SKIPPED"""
    pytest.skip("for a reason")
'''
)


def run(pytester: pytest.Pytester, *arguments: str, rig: Path | None = RIG) -> pytest.RunResult:
    named = ("--rig", str(rig)) if rig else ()
    return pytester.runpytest_subprocess(*PLUGIN, "-W", "error", "--strict-markers", *named, *arguments, timeout=120)


def run_folder(pytester: pytest.Pytester) -> Path:
    (folder,) = (pytester.path / "reports").iterdir()
    return folder


def outcomes(pytester: pytest.Pytester) -> dict[str, Outcome]:
    return {outcome.name: outcome for outcome in read_outcomes(run_folder(pytester) / "output.xml")}


def test_each_test_has_the_verdict_of_its_documentation(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(VERDICTS)
    answers = pytester.path / "answers.yaml"
    answers.write_text("Is it on?: yes\nIs it off?: maybe\n", encoding="utf-8")
    ran = run(pytester, "--answers", str(answers))
    expected = dict(re.findall(r'def (test_\w+)\(.*\):\n    """([A-Z]+)"""', VERDICTS))
    found = outcomes(pytester)
    assert {name: str(outcome.verdict) for name, outcome in found.items()} == expected
    assert read_run_facts(run_folder(pytester)).exit_code == ran.ret == 2

    said = {name: outcome.message for name, outcome in found.items()}
    too_low = "supply voltage: expected 20 V to 30 V, but it was 13.5 V; source instrument:supply output 1"
    swallowed = f"A failure that the suite swallowed: {too_low}"
    nonsense = "The rig is not healthy: supply: -113 Undefined header"
    assert said["test_fails"] == said["test_fails_in_its_teardown"] == said["test_fails_in_its_setup"] == too_low
    assert said["test_is_swallowed"] == said["test_is_expected_to_fail_by_pytest"] == swallowed
    assert said["test_is_swallowed_and_skipped"] == swallowed
    assert said["test_is_expected_to_fail_and_passes"].startswith("[XPASS(strict)]")
    assert set(said["test_fails_twice_in_its_teardown"].splitlines()) == {too_low, "OSError: out of order"}
    assert said["test_fails_by_an_assertion_of_its_own"].startswith("AssertionError: assert 13.5 > 20")
    assert swallowed in said["test_fails_by_a_judgement_and_an_assertion"]
    assert "did you mean 'HeadUnit.BootState'" in said["test_names_an_unknown_signal"]
    assert "no keyword 'powerup'; did you mean 'power_up'?" in said["test_names_an_unknown_keyword"]
    assert said["test_gives_a_current_for_a_voltage"].startswith("Argument 'voltage': 13.5 A is a current")
    assert "Argument 'mode' got value 'sideways'" in said["test_gives_no_power_mode"]
    assert said["test_forgets_an_argument"] == "Wait: missing a required argument: 'duration'"
    assert said["test_misspells_an_argument"].startswith(
        "Signal Should Become: no argument 'whithin'; did you mean 'within'?"
    )
    assert said["test_meets_a_rig_fault"] == nonsense
    assert said["test_fails_before_a_rig_fault"] == f"{nonsense}\n{too_low}"
    assert said["test_needs_what_the_rig_lacks"].startswith("rig rx5-virtual lacks camera: no capability 'camera'")
    assert said["test_is_skipped"] == "for a reason"
    assert said["test_expects_a_failure_that_does_not_come"].endswith(
        "expected to fail, but it passed; source verdict of the keyword"
    )
    assert said["test_expects_a_failure_of_an_unknown_keyword"].startswith(
        "no keyword 'Signal Shuold Be'; did you mean 'Signal Should Be'"
    )
    assert said["test_is_answered_wrongly_by_the_file"].endswith("is answered 'maybe' in the file; allowed: yes, no")
    assert said["test_is_answered_by_nobody"] == "needs an operator, and there is no terminal to ask on: Is it red?"

    count = Counter(expected.values())
    judged_in_teardown = 2
    """Each is counted by pytest as a pass and a failure."""
    assert ran.parseoutcomes() == {
        "passed": count["PASS"] + judged_in_teardown,
        "failed": count["FAIL"],
        "errors": count["ERROR"] + count["INCONCLUSIVE"],
        "skipped": count["SKIPPED"],
    }
    assert "pytest_keywords.py" not in ran.stdout.str(), "tracebacks end in the test"


def test_a_run_leaves_behind_what_a_run_of_suites_does(pytester: pytest.Pytester) -> None:
    body = """
pytestmark = pytest.mark.req("LAB-1")


class TestSupply:
    @pytest.mark.req("LAB-2")
    @pytest.mark.parametrize("volts", [12, 13])
    def test_voltage(self, booted, volts):
        booted.set_supply_voltage(f"{volts} V")
        booted.supply_voltage_should_be_between("11.9 V", "12.1 V")
"""
    lab = pytester.mkpydir("lab")
    for name in ("one", "two"):
        (lab / f"test_{name}.py").write_text(BOOTED + body, encoding="utf-8")
    assert run(pytester, "lab").ret == 1
    folder = run_folder(pytester)

    measurements, rest = read_measurements(folder / "measurements.jsonl")
    assert rest == ""
    assert [(it.suite, it.test, it.verdict, it.value, it.requirements) for it in measurements] == [
        (f"pytest.lab.test_{name}", f"TestSupply::test_voltage[{volts}]", verdict, volts, ("LAB-2", "LAB-1"))
        for name in ("one", "two")
        for volts, verdict in ((12, Verdict.PASS), (13, Verdict.FAIL))
    ]
    assert [it.time for it in measurements[:2]] == [it.time for it in measurements[2:]], "a new world for each module"

    facts = read_run_facts(folder)
    assert (facts.rig, facts.vehicle, facts.seed, facts.exit_code) == ("rx5-virtual", "Roewe RX5", 1, 1)
    assert facts.ended
    assert facts.instruments.keys() >= {"supply", "switches", "ammeter", "voltmeter", "scope", "relay card"}
    assert facts.rig_seconds > 2 * measurements[1].time

    suites = list(JUnitXml.fromfile(str(folder / "junit.xml")))
    assert [(suite.name, suite.tests, suite.failures, suite.errors) for suite in suites] == [
        ("pytest.lab.test_one", 2, 1, 0),
        ("pytest.lab.test_two", 2, 1, 0),
    ]
    case = next(iter(suites[0]))
    assert ("requirement", "LAB-1") in [(it.get("name"), it.get("value")) for it in case._elem.iter("property")]
    assert str(folder / "traces/pytest.lab.test-one.blf") in case.system_out
    assert {path.name for path in (folder / "traces").iterdir()} == {
        "pytest.lab.test-one.blf",
        "pytest.lab.test-two.blf",
    }

    first, failed = ExecutionResult(folder / "output.xml").suite.suites[0].tests
    steps = [(step.full_name, *step.args, step.status) for step in failed.body]
    assert steps == [
        ("harness.Hil.Power Up", "PASS"),
        ("harness.Hil.Wait", "4 s", "PASS"),
        ("harness.Hil.Set Supply Voltage", "13 V", "PASS"),
        ("harness.Hil.Supply Voltage Should Be Between", "11.9 V", "12.1 V", "FAIL"),
    ]
    assert [message.message for message in first.body[-1].body] == [
        "supply voltage: it was 12 V; allowed: 11.9 V to 12.1 V"
    ]
    assert (folder / "log.html").stat().st_size > 100_000
    assert (folder / "report.html").stat().st_size > 100_000


def test_a_rig_that_does_not_open_makes_every_test_an_error(pytester: pytest.Pytester) -> None:
    rigs = pytester.mkdir("rigs")
    (rigs / "vehicles").symlink_to(ROOT / "rigs/vehicles")
    wrong = rigs / "wrong.yaml"
    identity_from = "{stream: head unit console, ask: version, answers: {software: software *}}"
    text, declared = RIG.read_text(encoding="utf-8"), "software: model of this harness}\n"
    assert declared in text
    other = f"software: release 2.1}}\n    identity_from: {identity_from}\n"
    wrong.write_text(text.replace(declared, other), encoding="utf-8")
    pytester.makepyfile(BOOTED + "def test_one(booted): ...\ndef test_two(rig): ...\n")
    assert run(pytester, rig=wrong).ret == 2
    found = outcomes(pytester)
    assert {name: outcome.verdict for name, outcome in found.items()} == {
        "test_one": Verdict.ERROR,
        "test_two": Verdict.ERROR,
    }
    assert all(
        it.message.startswith("The rig could not be opened. another device is connected") for it in found.values()
    )


def test_sigterm_ends_the_run_with_a_safe_rig_and_with_reports(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        BOOTED
        + """
def test_long(booted):
    print("STARTED", flush=True)
    booted.wait("1000000 h")


def test_next(rig): ...
"""
    )
    command = [sys.executable, "-m", "pytest", "-s", *PLUGIN, "-W", "error", "--rig", str(RIG)]
    with subprocess.Popen(command, cwd=pytester.path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert any("STARTED" in line for line in process.stdout)
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=60)
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert "1 ABORTED" in printed
    (ended,) = outcomes(pytester).values()
    assert (ended.name, ended.verdict) == ("test_long", Verdict.ABORTED)
    facts = read_run_facts(run_folder(pytester))
    assert facts.exit_code == 2
    assert ended.rig_seconds is not None
    assert facts.rig_seconds > ended.rig_seconds + 4, "the after-run is a part of the orderly path"


def test_without_a_rig_it_adds_nothing_but_a_clear_message(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
import pytest

@pytest.mark.req("LAB-1")
@pytest.mark.needs("camera")
def test_of_its_own(): ...

def test_on_a_rig(rig): ...
"""
    )
    ran = run(pytester, rig=None)
    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    ran.stderr.fnmatch_lines(["ERROR: no rig is named, and 1 of the tests take it, such as *::test_on_a_rig: python*"])
    ran.assert_outcomes()
    assert run(pytester, "-k", "of_its_own", rig=None).ret == pytest.ExitCode.OK
    assert run(pytester, "--collect-only", rig=None).ret == pytest.ExitCode.OK
    assert not (pytester.path / "reports").exists()


def test_tests_without_a_rig_run_as_ever_beside_others(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_passes(): ...\ndef test_fails(): assert 0\n")
    ran = run(pytester)
    ran.assert_outcomes(passed=1, failed=1)
    assert ran.ret == pytest.ExitCode.TESTS_FAILED
    assert not (pytester.path / "reports").exists()


def test_a_wrong_rig_is_bad_usage(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_on_a_rig(rig): ...")
    ran = run(pytester, rig=Path("rx5-virtaul"))
    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    ran.stderr.fnmatch_lines(["ERROR: *no rig 'rx5-virtaul'*"])


def test_the_entry_point_of_pytest_leads_to_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"hil": MODULE}
    assert import_module(MODULE).pytest_addoption


def test_importing_it_is_cheap() -> None:
    code = f"import sys, pytest; before = set(sys.modules); import {MODULE}; print(*set(sys.modules) - before)"
    finished = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8", check=True, timeout=60
    )
    assert set(finished.stdout.split()) == {"harness", MODULE}


def test_every_keyword_is_a_method() -> None:
    keywords = Keywords(Hil(str(RIG)), began=lambda _: None)
    names = {name.replace(" ", "_").casefold() for name in Hil(str(RIG)).get_keyword_names()}
    assert set(dir(keywords)) == names
    assert "Only frames that are received after the call count" in (keywords.signal_should_become.__doc__ or "")


def test_the_page_is_true(pytester: pytest.Pytester) -> None:
    (pytester.path / "rigs").symlink_to(ROOT / "rigs")
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert [language for language, _ in blocks] == ["python", "console"]
    (_, code), (_, shown) = blocks
    lab = pytester.mkdir("tests_of_a_lab")
    (lab / "test_undervoltage.py").write_text(code, encoding="utf-8")
    command, *lines, asks, code = shown.splitlines()
    assert (command, asks) == ("$ python -m pytest --rig rx5-virtual tests_of_a_lab", "$ echo $?")
    ran = run(pytester, "tests_of_a_lab", rig=Path("rx5-virtual"))
    assert str(int(ran.ret)) == code
    lines = [re.sub(r"\d{4}-[\d-]+T[\d-]+\d-rx5", "*-rx5", line) for line in lines if line != "..."]
    ran.stdout.fnmatch_lines([line.replace("[", "[[]").replace("...", "*") for line in lines])
    folder = run_folder(pytester)
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["exit_code"] == 1
    assert {path.name for path in (folder / "traces").iterdir()} == {"pytest.tests-of-a-lab.test-undervoltage.blf"}
