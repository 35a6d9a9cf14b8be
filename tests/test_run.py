"""`hil run` as a shell sees it: verdicts, exit codes, reports, and what happens when something goes wrong."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from junitparser import JUnitXml

from harness.clock import SECOND
from harness.results.run_folder import read_run_facts
from harness.stop_signals import ONE_WISH

ROOT = Path(__file__).parents[1]
SUITES = ROOT / "tests/robot"
HIL = shutil.which("hil", path=str(Path(sys.executable).parent)) or "hil"


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A folder with one rig, as somebody has it who uses the harness."""
    shutil.copytree(ROOT / "rigs", tmp_path / "rigs")
    for rig in (tmp_path / "rigs").glob("*.yaml"):
        if rig.stem != "rx5-virtual":
            rig.unlink()
    return tmp_path


def _run(lab: Path, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [HIL, "run", *arguments],
        cwd=lab,
        env=os.environ | environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )


def _report(lab: Path) -> Path:
    (folder,) = (lab / "reports").iterdir()
    return folder


def _change_rig(lab: Path, old: str, new: str) -> None:
    rig = lab / "rigs/rx5-virtual.yaml"
    text = rig.read_text(encoding="utf-8")
    assert old in text
    rig.write_text(text.replace(old, new), encoding="utf-8")


def test_a_good_run_leaves_all_reports(lab: Path) -> None:
    finished = _run(lab, SUITES / "passes.robot", "--seed", "7")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert "rx5-virtual: Roewe RX5, virtual rig, seed 7" in finished.stdout
    assert "1 test: 1 PASS" in finished.stdout
    report = _report(lab)
    assert f"reports/{report.name}/report.html" in finished.stdout.splitlines()
    assert {path.name for path in report.iterdir()} == {
        "junit.xml",
        "logs",
        "log.html",
        "measurements.jsonl",
        "output.xml",
        "plan.json",
        "report.html",
        "run.json",
        "traces",
    }
    facts = read_run_facts(report)
    assert (facts.rig, facts.virtual, facts.seed, facts.exit_code) == ("rx5-virtual", True, 7, 0)
    assert facts.ended is not None
    assert facts.started < facts.ended
    assert facts.instruments["switches"].startswith("HEWLETT-PACKARD,34970A,")
    (suite,) = JUnitXml.fromfile(str(report / "junit.xml"))
    (case,) = suite
    assert (case.classname, case.name, suite.failures, suite.errors) == ("Passes", "Supply Works", 0, 0)
    trace = report / "traces/Passes.blf"
    assert f"[[ATTACHMENT|{trace}]]" in case.system_out
    assert trace.stat().st_size > 0


@pytest.mark.parametrize(
    ("suites", "code", "counts"),
    [
        (("fails",), 1, "1 test: 1 FAIL"),
        (("passes", "fails"), 1, "2 tests: 1 PASS, 1 FAIL"),
        (("fails", "suite_teardown_fails"), 2, "2 tests: 1 FAIL, 1 ERROR"),
        (("rig_stays_unsafe",), 2, "1 test: 1 PASS"),
        (("suite_teardown_swallows",), 2, "1 test: 1 PASS"),
    ],
)
def test_the_exit_code_says_who_has_to_act(suites: tuple[str, ...], code: int, counts: str, lab: Path) -> None:
    finished = _run(lab, *(SUITES / f"{suite}.robot" for suite in suites))
    assert finished.returncode == code
    assert counts in finished.stdout
    assert read_run_facts(_report(lab)).exit_code == code


def test_one_line_a_test_where_nobody_watches(lab: Path) -> None:
    lines = _run(lab, SUITES / "fails.robot").stdout.splitlines()
    place = lines.index("  FAIL          Boots In Time")
    assert lines[place - 1] == "Fails"
    said = "time until HeadUnit.BootState is Running: expected at most 2 s, but"
    step = SUITES / "fails.robot"
    number = 1 + next(i for i, it in enumerate(step.read_text().splitlines()) if "Signal Should Become" in it)
    assert lines[place + 1].strip().startswith(f"{step}:{number}: {said}")
    assert sum(said in line for line in lines) == 1, "each message once"
    assert not any("\x1b" in line for line in lines)


def test_a_rig_that_is_not_safe_is_said_at_the_end(lab: Path) -> None:
    finished = _run(lab, SUITES / "rig_stays_unsafe.robot")
    after_the_counts = finished.stdout.partition("1 test: 1 PASS")[2]
    assert "Outside of the tests: The rig may not be safe." in after_the_counts


def test_a_setting_that_robot_does_not_know_makes_a_pass_worthless(lab: Path) -> None:
    text = (SUITES / "passes.robot").read_text(encoding="utf-8").replace("Test Setup ", "Tset Setup ")
    (lab / "typo.robot").write_text(text.replace("13 V", "0 V"), encoding="utf-8")
    finished = _run(lab, "typo.robot")
    assert finished.returncode == 2
    assert "1 PASS" in finished.stdout
    assert "Non-existing setting 'Tset Setup'" in finished.stdout
    assert finished.stderr == ""


def test_an_instrument_that_cannot_be_reached_is_an_error_of_every_test(lab: Path) -> None:
    model = "model: rohde-schwarz-hmp4040"
    _change_rig(lab, model, f"{model}\n    resource: TCPIP::127.0.0.1::1::SOCKET")
    finished = _run(lab, SUITES / "no_rig.robot")
    assert finished.returncode == 2
    assert "2 tests: 2 ERROR" in finished.stdout
    assert "The rig could not be opened. supply (TCPIP::127.0.0.1::1::SOCKET): " in finished.stdout
    facts = read_run_facts(_report(lab))
    assert (facts.virtual, facts.instruments, facts.exit_code) == (False, {}, 2)


def test_another_device_than_declared_is_an_error_of_each_test_and_of_nothing_else(lab: Path) -> None:
    declared = "software: model of this harness}"
    asks = "{stream: head unit console, ask: version, answers: {software: software *}}"
    _change_rig(lab, declared, f"software: another}}\n    identity_from: {asks}")
    finished = _run(lab, SUITES / "no_rig.robot")
    assert finished.returncode == 2
    assert "2 tests: 2 ERROR" in finished.stdout
    assert "The rig could not be opened. another device is connected" in finished.stdout
    assert "Outside of the tests" not in finished.stdout


def test_a_name_in_letters_that_the_terminal_does_not_have(lab: Path) -> None:
    text = (SUITES / "passes.robot").read_text(encoding="utf-8").replace("Supply Works", "Supply Delivers 5 µA")
    (lab / "micro.robot").write_text(text, encoding="utf-8")
    finished = _run(lab, "micro.robot", PYTHONIOENCODING="ascii")
    assert finished.returncode == 0
    assert "Supply Delivers 5 \\xb5A" in finished.stdout


def test_suites_of_the_folder_are_the_default(lab: Path) -> None:
    shutil.copytree(SUITES, lab / "suites", ignore=lambda _, names: {name for name in names if name != "passes.robot"})
    finished = _run(lab)
    assert finished.returncode == 0
    assert "Suites.Passes" in finished.stdout


def test_tags_choose_the_tests(lab: Path) -> None:
    suites = (SUITES / "passes.robot", SUITES / "fails.robot")
    assert _run(lab, "--include", "req:PWR-001", *suites).returncode == 0
    assert _run(lab, "--exclude", "req:PWR-001", "--exclude", "x", *suites).returncode == 1
    finished = _run(lab, "--include", "req:PWR-1", *suites)
    assert finished.returncode == 3
    assert finished.stderr.startswith("nothing to run: Suite 'Passes & Fails' contains no tests matching tag")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--rig", "rx5-virtuel"), "rigs: no rig 'rx5-virtuel'; did you mean 'rx5-virtual'? Known: rx5-virtual"),
        (("--rig", "rigs/nope.yaml"), "rigs/nope.yaml: there is no such rig file"),
        (("nope.robot",), "nope.robot' failed: File or directory to execute does not exist."),
        (("rigs",), "nothing to run: Suite 'Rigs' contains no tests or tasks."),
        ((), "nothing to run: name the files or folders of suites; there is no folder 'suites' here"),
    ],
)
def test_where_there_is_nothing_to_run_nothing_is_left(arguments: tuple[str, ...], message: str, lab: Path) -> None:
    finished = _run(lab, *arguments)
    assert (finished.returncode, finished.stdout) == (3, "")
    assert message in finished.stderr
    assert not (lab / "reports").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("voltage: 13.5 V,", "voltage: 13.5 A,", ": supply.voltage: 13.5 A is a current"),
        ("\nbuses:", "\nbuses: [", "rigs/rx5-virtual.yaml:"),
        ("vehicle: roewe-rx5", "vehicle: roewe", "no vehicle 'roewe'; did you mean 'roewe-rx5'?"),
        ("node: HU", "node: XX", ": ecus.head unit.node: no node that sends 'XX'. Known: "),
        ("model: head-unit", "model: headunit", "no ECU model 'headunit'; did you"),
        ("keysight-34970a", "keysight-34970", "instruments.switches.model: no instrument model 'keysight-34970'; did"),
        ("\nsupply: {", "\ndefects: {head unit: [slowly]}\nsupply: {", "head unit has no defect 'slowly'"),
    ],
)
def test_a_wrong_rig_file_is_refused_before_anything_runs(old: str, new: str, message: str, lab: Path) -> None:
    _change_rig(lab, old, new)
    finished = _run(lab, SUITES / "passes.robot")
    assert (finished.returncode, finished.stdout) == (3, "")
    assert message in finished.stderr
    assert "Traceback" not in finished.stderr
    assert not (lab / "reports").exists()


def test_a_missing_database_is_refused_before_anything_runs(lab: Path) -> None:
    (lab / "rigs/vehicles/roewe-rx5/chassis.dbc").unlink()
    finished = _run(lab, SUITES / "passes.robot")
    assert finished.returncode == 3
    assert "rigs/vehicles/roewe-rx5/chassis.dbc: cannot read the database" in finished.stderr


def test_several_rigs_need_a_choice(lab: Path) -> None:
    shutil.copy(lab / "rigs/rx5-virtual.yaml", lab / "rigs/other.yaml")
    finished = _run(lab, SUITES / "passes.robot")
    assert finished.returncode == 3
    assert finished.stderr == "which rig? Name one with --rig; rigs has several: other, rx5-virtual\n"
    assert _run(lab, SUITES / "passes.robot", "--rig", "other").returncode == 0
    shutil.rmtree(lab / "rigs")
    assert "there is none in rigs" in _run(lab, SUITES / "passes.robot").stderr


def test_reports_that_cannot_be_written_are_refused_before_anything_runs(lab: Path) -> None:
    finished = _run(lab, SUITES / "passes.robot", "--output", "rigs/rx5-virtual.yaml/reports")
    assert finished.returncode == 3
    assert finished.stderr.startswith("the results of the run cannot be written: ")


def _interrupt(lab: Path, suite: str, *words: str) -> tuple[int, str]:
    """Press Ctrl-C each time that the run has printed one of the words."""
    command = [HIL, "run", str(SUITES / f"{suite}.robot")]
    with subprocess.Popen(command, cwd=lab, stdout=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdout
        output = ""
        for number, word in enumerate(words):
            while word not in output:
                line = process.stdout.readline()
                assert line, output
                output += line
            if number:
                time.sleep(ONE_WISH / SECOND)  # before, it would not count
            process.send_signal(signal.SIGINT)
        output += process.communicate(timeout=60)[0]
        return process.returncode, output


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
@pytest.mark.parametrize(
    ("suite", "counts"),
    [("waits", "3 tests: 1 NOT RUN, 1 FAIL, 1 ABORTED"), ("waits_in_suite_setup", "1 test: 1 NOT RUN")],
)
def test_ctrl_c_ends_the_run_with_reports_and_a_safe_rig(suite: str, counts: str, lab: Path) -> None:
    code, output = _interrupt(lab, suite, "waiting")
    assert code == 2
    assert counts in output
    report = _report(lab)
    assert "1 test was not run" in output
    assert f"; to go on: hil run --resume {report.relative_to(lab)}" in output
    assert "NOT RUN   " not in output, "only counted, neither listed nor in the table"
    assert "may not be safe" not in output
    assert {"report.html", "log.html", "junit.xml"} <= {path.name for path in report.iterdir()}
    facts = read_run_facts(report)
    assert facts.exit_code == 2
    assert facts.ended


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_a_second_ctrl_c_is_never_taken_for_a_pass(lab: Path) -> None:
    code, output = _interrupt(lab, "waits_in_teardown", "waiting", "tearing down")
    assert code == 2
    assert "Stopped by force: the rig may not be safe" in output


@contextmanager
def _busy_cores(count: int) -> Iterator[None]:
    burdens = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for burden in burdens:
            burden.kill()
            burden.wait()


def test_the_reports_name_the_rig_that_was_used(lab: Path) -> None:
    shutil.copy(lab / "rigs/rx5-virtual.yaml", lab / "rigs/other.yaml")
    suite = lab / "own.robot"
    suite.write_text(
        "*** Settings ***\nLibrary    harness.Hil    rig=other\n*** Test Cases ***\nA\n    Power Up\n", encoding="utf-8"
    )
    finished = _run(lab, suite, "--rig", "rx5-virtual")
    assert finished.returncode == 2
    assert "the suites name rig other themselves and ran on it, not on rx5-virtual" in finished.stdout
    assert read_run_facts(_report(lab)).rig == "other"


def test_the_library_is_imported_once(lab: Path) -> None:
    suite = lab / "twice.robot"
    suite.write_text(
        "*** Settings ***\nLibrary    harness.Hil    rig=${RIG}\n"
        "Library    harness.Hil    rig=rx5-virtual    AS    Second\n"
        "*** Test Cases ***\nA\n    No Operation\n",
        encoding="utf-8",
    )
    finished = _run(lab, suite)
    assert finished.returncode == 2
    assert "the library is imported twice in this run" in finished.stdout


def test_a_second_name_for_the_library_changes_nothing(lab: Path) -> None:
    suite = lab / "alias.robot"
    suite.write_text(
        "*** Settings ***\nLibrary    harness.Hil    rig=${RIG}\n"
        "Library    harness.Hil    rig=${RIG}    AS    Second\n"
        "*** Test Cases ***\nA\n    Harness.Hil.Power Up\n"
        "    Second.Supply Voltage Should Be Between    20 V    30 V\n",
        encoding="utf-8",
    )
    finished = _run(lab, suite)
    assert finished.returncode == 1, finished.stdout


def test_suites_of_one_name_keep_their_traces_apart(lab: Path) -> None:
    for folder in ("a", "b"):
        (lab / folder).mkdir()
        shutil.copy(SUITES / "passes.robot", lab / folder / "same.robot")
    finished = _run(lab, lab / "a/same.robot", lab / "b/same.robot")
    assert finished.returncode == 0, finished.stdout
    assert len(list((_report(lab) / "traces").iterdir())) == 2


SOME_SUITES = ("head_unit/audio.robot", "head_unit/log.robot", "body/lights.robot", "power/boot_voltage.robot")


@pytest.mark.parametrize("suites", [SOME_SUITES, pytest.param(("",), marks=pytest.mark.soak)], ids=["some", "all"])
def test_the_same_seed_gives_the_same_bytes(suites: tuple[str, ...], lab: Path) -> None:
    runs: dict[str, dict[str, bytes]] = {}
    for name, seed, hash_seed, burdens in (("first", "3", "1", 0), ("again", "3", "2", 4), ("other", "4", "1", 0)):
        arguments = ("--rig", "rx5-virtual", "--exclude", "level:endurance", "--seed", seed, "--output", name)
        with _busy_cores(burdens):
            finished = _run(lab, *(ROOT / "suites" / it for it in suites), *arguments, PYTHONHASHSEED=hash_seed)
        assert finished.returncode == 0, finished.stdout
        (report,) = (lab / name).iterdir()
        files = [report / "measurements.jsonl", *sorted(report.glob("traces/*.blf"))]
        runs[name] = {path.name: path.read_bytes() for path in files}
    assert len(runs["first"]) > 3
    assert all(json.loads(line) for line in runs["first"]["measurements.jsonl"].splitlines())
    assert runs["first"] == runs["again"]
    assert all(content != runs["other"][name] for name, content in runs["first"].items())
