"""Whoever reads what `hil` prints may go: that must not decide how a run ends."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.results.run_folder import read_run_facts

ROOT = Path(__file__).parents[1]
HIL = shutil.which("hil", path=str(Path(sys.executable).parent)) or "hil"
SUITES = ROOT / "tests/robot"
REPORTS = {"run.json", "output.xml", "log.html", "report.html", "junit.xml", "measurements.jsonl"}
BOUND = 60


def _start(folder: Path, suite: str, stdout: int, stderr: int | None = None) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [HIL, "run", "--rig", str(ROOT / "rigs/rx5-virtual.yaml"), "--output", str(folder), str(SUITES / suite)],
        stdout=stdout,
        stderr=stderr,
        encoding="utf-8",
    )


def _check_reports(folder: Path, code: int) -> None:
    (run,) = folder.iterdir()
    assert {it.name for it in run.iterdir()} >= REPORTS
    assert read_run_facts(run).exit_code == code


def test_a_run_goes_on_when_nobody_reads_what_it_prints(tmp_path: Path) -> None:
    with _start(tmp_path, "passes.robot", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(BOUND) == 0
    _check_reports(tmp_path, 0)


def test_a_signal_ends_a_run_in_order_that_nobody_reads(tmp_path: Path) -> None:
    """So it is with `hil run | tee`: Ctrl-C ends both."""
    with _start(tmp_path, "waits.robot", stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout
        while "Fails Before" not in process.stdout.readline():
            pass
        process.stdout.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(BOUND) == 2
    _check_reports(tmp_path, 2)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no file that is always full")
def test_a_full_disk_behind_the_output_changes_nothing(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full, _start(tmp_path, "passes.robot", stdout=full.fileno()) as process:
        assert process.wait(BOUND) == 0
    _check_reports(tmp_path, 0)


@pytest.mark.skipif(os.name == "nt", reason="descriptors are closed by a shell of POSIX here")
@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "1>&- 2>&-"])
def test_closed_streams_change_nothing(closed: str, tmp_path: Path) -> None:
    rig = ROOT / "rigs/rx5-virtual.yaml"
    command = f'"{HIL}" run --rig "{rig}" --output "{tmp_path}" "{SUITES / "passes.robot"}" {closed}'
    assert subprocess.run(["sh", "-c", command], timeout=BOUND, check=False, capture_output=True).returncode == 0
    _check_reports(tmp_path, 0)


def test_a_refusal_that_nobody_reads_has_its_exit_code() -> None:
    command = [HIL, "run", "--rig", "there is none"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr
        process.stderr.close()
        assert process.wait(BOUND) == 3
