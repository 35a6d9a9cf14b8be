"""`hil run --repeat` and `--until-fail`: what is kept, how the measurements are put together, and who has to act."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from junitparser import JUnitXml
from robot.api import ExecutionResult

from harness.results.measurement import read_measurements
from harness.results.run_folder import read_run_facts
from harness.results.verdict import Verdict

ROOT = Path(__file__).parents[1]
HIL = shutil.which("hil", path=str(Path(sys.executable).parent)) or "hil"
BOOT = ROOT / "suites/head_unit/boot.robot"

SUITE = """\
*** Settings ***
Library       harness.Hil    rig=rx5-virtual
Test Setup    Power Up

*** Test Cases ***
Boots In Time
    [Tags]    req:A-1
    Signal Should Become    HeadUnit.BootState    Running    within=${limit}
    Signal Should Be    HeadUnit.AudioState    Playing

Has Supply
    Supply Voltage Should Be Between    13 V    14 V
"""


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    (tmp_path / "rigs").symlink_to(ROOT / "rigs")
    return tmp_path


def _run(lab: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [HIL, "run", "--rig", "rx5-virtual", *arguments],
        cwd=lab,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )


def _suite(lab: Path, limit: str) -> Path:
    path = lab / "repeated.robot"
    path.write_text(SUITE.replace("${limit}", limit), encoding="utf-8")
    return path


def _folder(lab: Path, output: str = "reports") -> Path:
    (folder,) = (lab / output).iterdir()
    return folder


def _repetitions(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "repetitions.json").read_text(encoding="utf-8"))
    return found


def test_each_repetition_is_a_run_of_its_own_with_the_next_seed(lab: Path) -> None:
    finished = _run(lab, "--repeat", "3", "--seed", "5", _suite(lab, "2 s"))
    assert (finished.returncode, finished.stderr) == (0, "")
    folder = _folder(lab)
    places = sorted(folder.glob("repetition-*"))
    assert [place.name for place in places] == ["repetition-0001", "repetition-0002", "repetition-0003"]
    for place, seed in zip(places, (5, 6, 7), strict=True):
        facts = read_run_facts(place)
        assert (facts.seed, facts.exit_code) == (seed, 0)
        assert {"output.xml", "log.html", "junit.xml", "measurements.jsonl", "traces"} <= {
            it.name for it in place.iterdir()
        }
    whole = read_run_facts(folder)
    assert (whole.seed, whole.exit_code) == (5, 0)
    assert whole.rig_seconds == pytest.approx(sum(read_run_facts(place).rig_seconds for place in places))
    assert "6 tests: 6 PASS" in finished.stdout
    assert [(it["name"], it["seed"], it["verdict"], it["exit_code"]) for it in _repetitions(folder)["repetitions"]] == [
        (place.name, seed, "PASS", 0) for place, seed in zip(places, (5, 6, 7), strict=True)
    ]


def test_a_repetition_is_the_run_with_its_seed(lab: Path) -> None:
    _run(lab, "--repeat", "2", "--seed", "5", BOOT)
    _run(lab, "--seed", "6", "--output", "alone", BOOT)
    repeated, alone = _folder(lab) / "repetition-0002", _folder(lab, "alone")
    assert (repeated / "measurements.jsonl").read_bytes() == (alone / "measurements.jsonl").read_bytes()
    assert (repeated / "traces/Boot.blf").read_bytes() == (alone / "traces/Boot.blf").read_bytes()


def test_the_same_command_gives_the_same_percentiles(lab: Path) -> None:
    for output in ("one", "two"):
        _run(lab, "--repeat", "2", "--output", output, BOOT)
    one, two = (_folder(lab, output) / "repetitions.json" for output in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_percentiles_are_those_of_numpy(lab: Path) -> None:
    finished = _run(lab, "--repeat", "12", _suite(lab, "2 s"))
    folder = _folder(lab)
    values = [
        float(it.value)
        for place in sorted(folder.glob("repetition-*"))
        for it in read_measurements(place / "measurements.jsonl")[0]
        if it.name == "time until HeadUnit.BootState is Running" and it.value is not None
    ]
    assert len(set(values)) > 1, "seeds make a difference"
    (boot, audio, supply) = _repetitions(folder)["measurements"]
    assert (boot["test"], boot["unit"], boot["low"], boot["high"]) == ("Boots In Time", "s", None, 2.0)
    assert (boot["count"], boot["without_number"], boot["verdicts"]) == (12, 0, {"PASS": 12})
    assert (boot["minimum"], boot["maximum"]) == (min(values), max(values))
    for percent in (50, 95, 99):
        assert boot["percentiles"][f"p{percent}"] == np.percentile(values, percent, method="inverted_cdf")
    assert (audio["without_number"], audio["minimum"], audio["percentiles"]) == (12, None, {})
    assert (supply["low"], supply["high"], supply["maximum"]) == (13.0, 14.0, 13.5)
    assert "time until HeadUnit.BootState" in finished.stdout
    report = ExecutionResult(folder / "output.xml").suite
    assert "time until HeadUnit.BootState is Running | 12 |   | 1.4" in report.doc
    assert "HeadUnit.AudioState" not in report.doc, "no numbers, and nothing has failed"
    assert f"{max(values):.4g} s | ≤ 2 s |" in report.doc
    assert (folder / "report.html").exists()


def test_a_failure_without_a_number_is_in_the_table(lab: Path) -> None:
    suite = _suite(lab, "2 s")
    suite.write_text(suite.read_text(encoding="utf-8").replace("Playing", "Muted"), encoding="utf-8")
    finished = _run(lab, "--repeat", "2", suite)
    assert finished.returncode == 1
    doc = ExecutionResult(_folder(lab) / "output.xml").suite.doc
    assert "| Boots In Time | HeadUnit.AudioState | 2, 2 without a number | 2 |" in doc
    assert "| Has Supply | supply voltage | 2 |   | 13.5 V |" in doc


def test_the_whole_is_as_bad_as_the_worst_repetition(lab: Path) -> None:
    times = _boot_times(lab)
    finished = _run(lab, "--repeat", "4", _suite(lab, f"{sum(sorted(times)[-2:]) / 2:.6f} s"))
    assert finished.returncode == 1
    folder = _folder(lab)
    found = _repetitions(folder)
    assert (found["verdict"], found["exit_code"]) == ("FAIL", 1)
    assert sorted(it["verdict"] for it in found["repetitions"]) == ["FAIL", "PASS", "PASS", "PASS"]
    assert read_run_facts(folder).exit_code == 1
    cases = [case for suite in JUnitXml.fromfile(str(folder / "junit.xml")) for case in suite]
    assert len(cases) == 8
    assert len({case.classname for case in cases}) == 4
    failed = [case for case in cases if not case.is_passed]
    assert [case.classname for case in failed] == [f"Repetitions.{_failed(found)}.Repeated"]
    assert f"{_failed(found)}/traces/Repeated.blf" in failed[0].system_out
    assert "FAIL" in failed[0].system_out


def _boot_times(lab: Path) -> list[float]:
    _run(lab, "--repeat", "4", "--output", "measured", _suite(lab, "2 s"))
    return [
        float(read_measurements(place / "measurements.jsonl")[0][0].value or 0)
        for place in sorted(_folder(lab, "measured").glob("repetition-*"))
    ]


def _failed(found: dict[str, Any]) -> str:
    (name,) = (it["name"] for it in found["repetitions"] if it["verdict"] == Verdict.FAIL)
    return str(name)


def test_until_fail_ends_with_the_first_test_that_fails(lab: Path) -> None:
    times = _boot_times(lab)
    limit = sum(sorted(times)[-2:]) / 2
    finished = _run(lab, "--until-fail", _suite(lab, f"{limit:.6f} s"))
    assert finished.returncode == 1
    found = _repetitions(_folder(lab))
    first = next(number for number, time in enumerate(times, 1) if time > limit)
    assert [it["verdicts"] for it in found["repetitions"]] == [
        *[{"PASS": 2}] * (first - 1),
        {"NOT RUN": 1, "FAIL": 1},
    ]


def test_until_fail_ends_after_n_where_none_fails(lab: Path) -> None:
    finished = _run(lab, "--until-fail", "--repeat", "2", _suite(lab, "2 s"))
    assert finished.returncode == 0
    assert len(_repetitions(_folder(lab))["repetitions"]) == 2


def test_ctrl_c_ends_the_repetitions_and_leaves_the_reports(lab: Path) -> None:
    command = [HIL, "run", "--rig", "rx5-virtual", "--until-fail", str(_suite(lab, "2 s"))]
    with subprocess.Popen(command, cwd=lab, stdout=subprocess.PIPE, encoding="utf-8", start_new_session=True) as run:
        assert run.stdout
        shown = []
        for line in run.stdout:
            shown.append(line)
            if line.startswith("Repetition 3"):
                os.kill(run.pid, signal.SIGINT)
        assert run.wait(60) == 2
    assert "Stopped by a signal.\n" in shown
    folder = _folder(lab)
    found = _repetitions(folder)
    assert len(found["repetitions"]) == 3
    assert found["repetitions"][0]["verdict"] == "PASS"
    assert found["measurements"][0]["count"] >= 2
    assert (folder / "report.html").exists()


@pytest.mark.parametrize("number", ["0", "-1", "x"])
def test_a_number_that_is_none_is_refused(number: str, lab: Path) -> None:
    finished = _run(lab, "--repeat", number, BOOT)
    assert finished.returncode == 3
    assert "--repeat" in finished.stderr
    assert not (lab / "reports").exists()
