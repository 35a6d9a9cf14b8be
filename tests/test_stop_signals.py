"""One SIGINT or SIGTERM in any moment of a run: the rig is safe, the reports are written, the exit code is 2."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from time import sleep
from typing import Any

import pytest
from junitparser import JUnitXml
from robot.api import ExecutionResult
from robot.running.signalhandler import STOP_SIGNAL_MONITOR  # type: ignore[import-untyped]  # types for its api only

from harness.results.outcome import read_outcomes
from harness.results.run_folder import read_run_facts
from harness.results.verdict import Verdict
from harness.simulation.kernel import Kernel
from harness.stop_signals import ONE_WISH, StopSignals

ROOT = Path(__file__).parents[1]
HIL = shutil.which("hil", path=str(Path(sys.executable).parent)) or "hil"
SIGNALS = [signal.SIGINT, signal.SIGTERM]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends signals")


def _moments(seed: int, count: int) -> list[Any]:
    """A signal, the line of output that is waited for, and seconds from then on."""
    random = Random(seed)
    lines = ["rx5-virtual: ", "Busy", "First", "Second", "Third", "3 tests", "junit.xml"]
    drawn = [(random.choice(SIGNALS), random.choice(lines), random.uniform(0, 0.4)) for _ in range(count)]
    return [pytest.param(*moment, id="-".join(map(str, moment))) for moment in drawn]


@pytest.mark.parametrize(
    ("number", "line", "delay"),
    [
        pytest.param(signal.SIGINT, "rx5-virtual: ", 0.0, id="at once"),
        pytest.param(signal.SIGTERM, "Third", 0.02, id="after the last test"),
        pytest.param(signal.SIGHUP, "Second", 0.1, id="a terminal that is closed"),
        *_moments(1, 8),
        *(pytest.param(*moment.values, id=moment.id, marks=pytest.mark.soak) for moment in _moments(2, 100)),
    ],
)
def test_a_signal_in_any_moment_leaves_reports_and_exit_code_2(
    number: signal.Signals, line: str, delay: float, tmp_path: Path
) -> None:
    command = [HIL, "run", "--rig", str(ROOT / "rigs/rx5-virtual.yaml"), "--output", str(tmp_path)]
    command.append(str(ROOT / "tests/robot/busy.robot"))
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, encoding="utf-8") as process:
        assert process.stdout
        output = ""
        while line not in output:
            output += (read := process.stdout.readline())
            assert read, output
        sleep(delay)  # no wait for anything: the moment is drawn
        process.send_signal(number)
        sent = datetime.now(UTC)
        rest, errors = process.communicate(timeout=60)
    output += rest
    told = f"{output}\n{errors}"

    (report,) = tmp_path.iterdir()
    facts = read_run_facts(report)
    assert facts.ended, told
    # A signal that is later than the end of the run comes too late to change what it says.
    assert process.returncode == 2 or sent > facts.ended, told
    assert process.returncode == facts.exit_code, told
    assert "Traceback" not in errors
    assert "not be safe" not in output
    for name in ("log.html", "report.html"):
        assert "</html>" in (report / name).read_text(encoding="utf-8")
    assert sum(suite.tests for suite in JUnitXml.fromfile(str(report / "junit.xml"))) == 3
    assert ExecutionResult(report / "output.xml").suite.test_count == 3
    seen = {outcome.verdict for outcome in read_outcomes(report / "output.xml")}
    assert seen <= {Verdict.PASS, Verdict.ABORTED, Verdict.NOT_RUN}, told
    if facts.exit_code == 2 and seen == {Verdict.PASS}:
        assert "Stopped by a signal." in output


def test_a_terminal_that_is_closed_cannot_be_printed_to_any_more_and_the_reports_are_written(tmp_path: Path) -> None:
    command = [HIL, "run", "--rig", str(ROOT / "rigs/rx5-virtual.yaml"), "--output", str(tmp_path)]
    terminal, end = os.openpty()
    with subprocess.Popen([*command, str(ROOT / "tests/robot/busy.robot")], stdout=end, stderr=end) as process:
        os.close(end)
        output = b""
        while b"First" not in output:
            output += os.read(terminal, 4096)
        os.close(terminal)
        process.send_signal(signal.SIGHUP)
        assert process.wait(60) == 2
    (report,) = tmp_path.iterdir()
    assert read_run_facts(report).exit_code == 2
    assert {"report.html", "log.html", "junit.xml"} <= {path.name for path in report.iterdir()}


# What the runner holds before and after Robot


@pytest.fixture
def handlers() -> Iterator[list[object]]:
    before = [signal.getsignal(number) for number in SIGNALS]
    yield [*before]
    for number, handler in zip(SIGNALS, before, strict=True):
        signal.signal(number, handler)


def _now() -> list[object]:
    return [signal.getsignal(number) for number in SIGNALS]


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_noted_and_the_second_ends_by_force(number: int, handlers: list[object]) -> None:
    known: list[bool] = []
    clock = Kernel()

    def get_two() -> None:
        with StopSignals(clock) as stop:
            known.append(stop.arrived)
            signal.raise_signal(number)
            known.append(stop.arrived)
            clock.sleep(ONE_WISH)
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(SystemExit) as stopped:
        get_two()
    assert stopped.value.code == 2
    assert known == [False, True]
    assert _now() == handlers


@pytest.mark.usefixtures("handlers")
def test_signals_in_quick_succession_are_one_wish_to_stop(capfd: pytest.CaptureFixture[str]) -> None:
    clock = Kernel()
    with StopSignals(clock) as stop:
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)
        with STOP_SIGNAL_MONITOR:
            stop.start_suite(None, None)
            clock.sleep(ONE_WISH - 1)
            signal.raise_signal(signal.SIGTERM)
        stop.close()
        signal.raise_signal(signal.SIGINT)
        clock.sleep(1)
        with pytest.raises(SystemExit):
            signal.raise_signal(signal.SIGINT)
    errors = capfd.readouterr().err
    assert errors.count("Stopping: ") == 1
    assert "forcefully" not in errors


def test_the_handlers_are_put_back_after_an_error_and_stay_after_a_good_end(handlers: list[object]) -> None:
    with pytest.raises(ValueError, match="wrong"), StopSignals(Kernel()):
        raise ValueError("wrong")
    assert _now() == handlers
    with StopSignals(Kernel()) as stop:
        pass
    signal.raise_signal(signal.SIGTERM)
    assert stop.arrived
    stop.put_back()
    assert _now() == handlers


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no such signal")
def test_with_nohup_a_closed_terminal_means_nothing() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopSignals(Kernel()) as stop:
            signal.raise_signal(signal.SIGHUP)
        stop.put_back()
    finally:
        signal.signal(signal.SIGHUP, before)
    assert not stop.arrived


@pytest.mark.usefixtures("handlers")
def test_what_came_before_robot_is_passed_on_to_its_monitor(capfd: pytest.CaptureFixture[str]) -> None:
    clock = Kernel()
    with StopSignals(clock) as stop:
        signal.raise_signal(signal.SIGTERM)
        with STOP_SIGNAL_MONITOR:
            stop.start_suite(None, None)
            with pytest.raises(Exception, match="Execution terminated by signal"):
                STOP_SIGNAL_MONITOR.start_running_keyword(False)
            clock.sleep(ONE_WISH)
            with pytest.raises(SystemExit):
                signal.raise_signal(signal.SIGINT)
        STOP_SIGNAL_MONITOR.stop_running_keyword()
        stop.close()
        clock.sleep(ONE_WISH)
        with pytest.raises(SystemExit):
            signal.raise_signal(signal.SIGINT)
    assert "Second signal will force exit." in capfd.readouterr().err


@pytest.mark.usefixtures("handlers")
def test_what_robot_has_taken_is_known_afterwards() -> None:
    with StopSignals(Kernel()) as stop:
        with STOP_SIGNAL_MONITOR:
            stop.start_suite(None, None)
            signal.raise_signal(signal.SIGINT)
        stop.close()
        assert stop.arrived


def test_outside_of_the_main_thread_nothing_is_held(handlers: list[object]) -> None:
    failed: list[BaseException] = []

    def run() -> None:
        try:
            with StopSignals(Kernel()) as stop:
                stop.start_suite(None, None)
        except BaseException as error:  # noqa: BLE001  a thread would lose it
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(10)
    assert not failed
    assert _now() == handlers
