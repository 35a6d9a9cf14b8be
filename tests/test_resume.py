"""`hil run --resume`: an interrupted run is gone on with, and its result is one result."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from junitparser import JUnitXml
from robot.api import ExecutionResult

from harness.errors import HarnessError
from harness.plan import read_plan
from harness.results.cut_off import whole_tests
from harness.results.outcome import read_outcomes
from harness.results.run_folder import read_run_facts
from harness.results.verdict import Verdict

ROOT = Path(__file__).parents[1]
HIL = shutil.which("hil", path=str(Path(sys.executable).parent)) or "hil"

FIRST = """\
*** Settings ***
Library       harness.Hil    rig=${RIG}
Resource      shared/shared.resource

*** Test Cases ***
Passes
    [Tags]    req:A-1
    Powered

Fails
    Powered
    Supply Voltage Should Be Between    20 V    30 V

Waits
    Powered
    Wait    %{HOW_LONG=1 s}
    Supply Voltage Should Be Between    13 V    14 V

Comes After
    Powered
"""
SECOND = """\
*** Settings ***
Library       harness.Hil    rig=${RIG}

*** Test Cases ***
Passes
    Power Up
    Supply Voltage Should Be Between    13 V    14 V
"""
SHARED = """\
*** Keywords ***
Powered
    Power Up
    Supply Voltage Should Be Between    13 V    14 V
"""


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "rigs", tmp_path / "rigs")
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks/first.robot").write_text(FIRST.replace("shared/", "../shared/"), encoding="utf-8")
    (tmp_path / "checks/second.robot").write_text(SECOND, encoding="utf-8")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/shared.resource").write_text(SHARED, encoding="utf-8")
    return tmp_path


def _run(lab: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [HIL, "run", *arguments], cwd=lab, capture_output=True, encoding="utf-8", check=False, timeout=120
    )


def _interrupt(lab: Path, number: signal.Signals, *arguments: str) -> Path:
    """Begin a run, stop it while its third test runs, and return its folder."""
    before = set(_folders(lab))
    command = [HIL, "run", *(arguments or ("--rig", "rx5-virtual", "--seed", "7", "checks"))]
    environment = os.environ | {"HOW_LONG": "1000000 s"}
    with subprocess.Popen(command, cwd=lab, env=environment, stdout=subprocess.PIPE, encoding="utf-8") as run:
        assert run.stdout
        for line in run.stdout:
            if line.startswith("  FAIL ") or "Going on with" in line:
                # Robot writes the result of a test when it has ended, and through a buffer.
                time.sleep(1)
                os.kill(run.pid, number)
                break
        run.stdout.read()
        run.wait(60)
    (folder,) = set(_folders(lab)) - before
    return folder


def _folders(lab: Path) -> list[Path]:
    return sorted((lab / "reports").iterdir(), key=lambda it: it.stat().st_ctime) if (lab / "reports").exists() else []


def _verdicts(folder: Path) -> dict[str, Verdict]:
    return {f"{it.suite}.{it.name}": it.verdict for it in read_outcomes(folder / "output.xml")}


def test_what_was_stopped_is_run_and_shown_with_what_was_not(lab: Path) -> None:
    stopped = _interrupt(lab, signal.SIGINT)
    assert _verdicts(stopped) == {
        "Checks.First.Passes": Verdict.PASS,
        "Checks.First.Fails": Verdict.FAIL,
        "Checks.First.Waits": Verdict.ABORTED,
        "Checks.First.Comes After": Verdict.NOT_RUN,
        "Checks.Second.Passes": Verdict.NOT_RUN,
    }
    finished = _run(lab, "--resume", stopped)
    assert finished.returncode == 1, finished.stdout + finished.stderr
    assert "2 tests have their verdict, 3 are left" in finished.stdout
    assert "5 tests: 4 PASS, 1 FAIL" in finished.stdout
    folder = _folders(lab)[-1]
    assert _verdicts(folder) == {
        f"Resumed.{stopped.name}.Checks.First.Passes": Verdict.PASS,
        f"Resumed.{stopped.name}.Checks.First.Fails": Verdict.FAIL,
        f"Resumed.{folder.name}.Checks.First.Waits": Verdict.PASS,
        f"Resumed.{folder.name}.Checks.First.Comes After": Verdict.PASS,
        f"Resumed.{folder.name}.Checks.Second.Passes": Verdict.PASS,
    }
    facts = read_run_facts(folder)
    assert (facts.seed, facts.exit_code) == (7, 1)
    cases = {
        f"{case.classname}.{case.name}": case
        for suite in JUnitXml.fromfile(str(folder / "junit.xml"))
        for case in suite
    }
    assert set(cases) == set(_verdicts(folder))
    for name, case in cases.items():
        run = stopped if stopped.name in name else folder
        assert "supply voltage" in case.system_out, "each has its measurements"
        assert str(run / "traces") in case.system_out, "and the trace of its own run"
    links = re.findall(r">\[([^|]*)\|traces/", (folder / "output.xml").read_text(encoding="utf-8"))
    assert len(links) == 3
    assert all((folder / link).stat().st_size for link in links)
    assert {"log.html", "report.html"} <= {path.name for path in folder.iterdir()}
    about = ExecutionResult(folder / "output.xml").suite.metadata
    assert about["Rig"] == "rx5-virtual (virtual: every ECU and instrument is simulated)"
    assert about["Vehicle"] == "Roewe RX5"
    assert "simulated head unit" in about["Tested: head unit"]


def test_a_run_that_was_killed_goes_on_behind_its_last_whole_test(lab: Path) -> None:
    stopped = _interrupt(lab, signal.SIGKILL)
    assert b"</robot>" not in (stopped / "output.xml").read_bytes()
    finished = _run(lab, "--resume", stopped)
    assert finished.returncode == 1, finished.stdout + finished.stderr
    assert "5 tests: 4 PASS, 1 FAIL" in finished.stdout
    assert sorted(name.split(".", 2)[2] for name in _verdicts(_folders(lab)[-1])) == [
        "Checks.First.Comes After",
        "Checks.First.Fails",
        "Checks.First.Passes",
        "Checks.First.Waits",
        "Checks.Second.Passes",
    ]


def test_a_run_that_was_resumed_and_stopped_can_be_resumed(lab: Path) -> None:
    first = _interrupt(lab, signal.SIGINT)
    second = _interrupt(lab, signal.SIGINT, "--resume", str(first))
    finished = _run(lab, "--resume", second)
    assert finished.returncode == 1, finished.stdout + finished.stderr
    third = _folders(lab)[-1]
    assert sorted(_verdicts(third)) == [
        f"Resumed.{first.name}.Checks.First.Fails",
        f"Resumed.{first.name}.Checks.First.Passes",
        f"Resumed.{third.name}.Checks.First.Comes After",
        f"Resumed.{third.name}.Checks.First.Waits",
        f"Resumed.{third.name}.Checks.Second.Passes",
    ]
    again = _run(lab, "--resume", third)
    assert again.returncode == 3
    assert f"nothing to run: every test of {third} has its verdict" in again.stderr


def _add(path: str) -> Callable[[Path], None]:
    def change(lab: Path) -> None:
        with (lab / path).open("a", encoding="utf-8") as file:
            file.write("\n# more\n")

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_add("checks/second.robot"), "checks/second.robot has changed"),
        (_add("shared/shared.resource"), "shared/shared.resource has changed"),
        (_add("rigs/rx5-virtual.yaml"), "rigs/rx5-virtual.yaml has changed"),
        (_add("rigs/vehicles/roewe-rx5/vehicle.yaml"), "rigs/vehicles/roewe-rx5/vehicle.yaml has changed"),
        (_add("checks/table.csv"), "checks/table.csv is new"),
    ],
)
def test_a_run_whose_files_have_changed_is_refused(change: Callable[[Path], None], said: str, lab: Path) -> None:
    assert _run(lab, "--rig", "rx5-virtual", "checks").returncode == 1
    (before,) = _folders(lab)
    change(lab)
    finished = _run(lab, "--resume", before)
    assert finished.returncode == 3
    assert said in finished.stderr
    assert _folders(lab) == [before]


def test_what_the_run_has_been_told_cannot_be_told_again(lab: Path) -> None:
    finished = _run(lab, "--resume", "reports/x", "--seed", "3")
    assert finished.returncode == 3
    assert "--seed cannot be given with --resume" in finished.stderr


def test_repetitions_are_not_resumed(lab: Path) -> None:
    _run(lab, "--rig", "rx5-virtual", "--repeat", "2", "checks/second.robot")
    (before,) = _folders(lab)
    finished = _run(lab, "--resume", before)
    assert finished.returncode == 3
    assert "has been repeated" in finished.stderr


def test_a_result_is_cut_behind_each_test(tmp_path: Path) -> None:
    """A result that is cut off anywhere has the tests that it has the whole of, and can be read."""
    path = tmp_path / "output.xml"
    test = '<test id="s1-t1" name="{}"><kw name="No"><status status="PASS"/></kw><status status="PASS"/></test>'
    whole = f'<robot schemaversion="5"><suite id="s1" name="S">{test.format("A")}{test.format("Bä")}</suite></robot>'
    content = whole.encode()
    ends = [place + len(b"</test>") for place in range(len(content)) if content[place:].startswith(b"</test>")]
    for cut in range(1, len(content) + 1):
        path.write_bytes(content[:cut])
        path.write_bytes(whole_tests(path))
        assert len(read_outcomes(path)) == sum(end <= cut for end in ends)


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ('{"files": {}, "rig": 5, "suites": ["checks"]}', "rig: Input should be a valid string"),
        ('{"files": {}, "rig": "rx5-virtual", "suites": "checks"}', "suites: "),
        ('{"files": {}, "rig": "rx5-virtual", "suites": ["checks"], "answers": 5}', "answers: Input should be"),
        ('{"files": {}, "rig": "rx5-virtual", "suites": ["checks"], "seed": "x"}', "seed: Input should be"),
        ('{"files": 5, "rig": "rx5-virtual", "suites": ["checks"]}', "Input should be a valid dictionary"),
        ('{"rig": "rx5-virtual", "suites": ["checks"]}', "Input should be a valid dictionary"),
        ('{"files": {}}', "rig: Field required; suites: Field required"),
        ("null", "Input should be an object"),
        ("{", "Invalid JSON"),
    ],
)
def test_a_damaged_plan_is_told(plan: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(plan, encoding="utf-8")
    with pytest.raises(HarnessError) as error:
        read_plan(tmp_path)
    assert "plan.json: not the plan of a run" in str(error.value)
    assert said in str(error.value)


def test_a_folder_that_is_none_of_a_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"plan\.json: No such file or directory; name the folder of a run"):
        read_plan(tmp_path / "nope")
