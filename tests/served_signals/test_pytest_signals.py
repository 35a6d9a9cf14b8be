"""SIGINT, SIGTERM and SIGHUP at random moments of `pytest --rig`: the served rig is safe afterwards."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from harness.quantities import Duration
from harness.results.run_folder import read_run_facts
from harness.rig.locks import lock_resources
from harness.rig.rig_file import read_rig_file
from tests.serve.conftest import line_of
from tests.served_signals.conftest import TIMEOUT, Lane

SEED = 3
TEST = """
def test_busy(rig):
    rig.power_up()
    rig.switch_ignition("on")
    rig.wait("300 ms")
"""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends signals")


@pytest.mark.parametrize("count", [3, pytest.param(60, marks=pytest.mark.soak)])
def test_a_signal_at_any_moment(count: int, tmp_path: Path) -> None:
    lane, random = Lane(tmp_path, asks_identities=True), Random(SEED)
    try:
        began = time.monotonic()
        code, printed = _run(lane, tmp_path / "whole", None, 0)
        longest = time.monotonic() - began
        assert code in {0, 2}, printed
        interrupted = 0
        for number in range(count):
            chosen = random.choice((signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
            moment = random.uniform(0, longest)
            code, printed = _run(lane, tmp_path / f"run {number}", chosen, moment)
            case = f"seed {SEED}, case {number}: {chosen.name} after {moment:.3f} s of {longest:.3f} s\n{printed}"
            assert code in {0, 2}, case
            interrupted += "KeyboardInterrupt" in printed
            live = lane.read_back()
            assert live["OUTP:SEL?"] == "0", case
            assert {answer for question, answer in live.items() if question.startswith("ROUT")} == {"0"}, case
            assert "not be safe" not in printed, case
            lock_resources(read_rig_file(lane.rig), Duration(0)).release()
            for folder in (tmp_path / f"run {number}" / "reports").glob("*"):
                assert read_run_facts(folder).exit_code == code, case
                assert (folder / "log.html").exists(), case
        assert interrupted, "no signal came in time"
    finally:
        lane.served.close()


def _run(lane: Lane, folder: Path, number: signal.Signals | None, moment: float) -> tuple[int, str]:
    """Run the test; send it a signal so many seconds after it was collected. Return exit code and output."""
    folder.mkdir()
    (folder / "test_busy.py").write_text(TEST, encoding="utf-8")
    command = [sys.executable, "-u", "-m", "pytest", "-s", "-p", "no:cacheprovider", "--rig", str(lane.rig)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=folder, stdout=pipe, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        lines = [line_of(process)]
        while not lines[-1].startswith("collected"):
            lines.append(line_of(process))
        try:
            if number is not None:
                process.wait(moment)
        except subprocess.TimeoutExpired:
            process.send_signal(number or 0)
        try:
            printed, _ = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            printed, _ = process.communicate()
            printed += f"\nIt did not end within {TIMEOUT:g} s, and was killed."
    return process.returncode, "".join(lines) + printed
