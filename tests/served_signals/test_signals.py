"""SIGINT and SIGTERM at random moments of runs on served rigs: whatever the moment, the rig is safe afterwards, the
reports are complete, the exit code is 2, and the rig is free for the next run."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue
from random import Random

import can
import pytest
from junitparser import JUnitXml
from robot.api import ExecutionResult

from harness.errors import HarnessError
from harness.quantities import Duration
from harness.results.measurement import read_measurements
from harness.results.outcome import read_outcomes
from harness.results.run_folder import RunFacts, read_run_facts
from harness.rig.locks import lock_resources
from harness.rig.rig_file import read_rig_file
from tests.serve.conftest import HIL, ROOT, line_of
from tests.served_signals.conftest import LANES, SUITE, TIMEOUT, Lane, Run

TESTS = 2
SIGNALS = [signal.SIGINT, signal.SIGTERM]
DRAWS = 20
"""Moments of one case that may come too late, one after the other."""

# What a stopped test may say. A busy computer may be late; how late is no matter of these tests.
STOPPED = r"Execution terminated by signal|Test execution stopped due to a fatal error\."
HEADINGS = r"Parent suite setup failed:|(Setup|Teardown) failed:|Also teardown failed:"
LATE = (
    r"The rig (is not healthy|was not healthy after the tests of Busy): (the simulated ECUs were more than .* late "
    r"|bus (chassis|body): "
    r"(a frame came .* after its time stamp|nothing was received for |its server did not answer for )).*"
)
CUT_SHORT = (
    r"The rig is not healthy: \w+: a command has failed, and simulated ECUs may not have seen what it did: "
    r"Execution terminated by signal"
)
EXPECTED = re.compile(f"{STOPPED}|{HEADINGS}|{LATE}|{CUT_SHORT}")

OUTSIDE = "Outside of the tests: "
ALARMING = ("Traceback", "may not be safe", "by force", "not complete")

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends signals")


@pytest.fixture(scope="module")
def measured(lanes: list[Lane]) -> list[Lane]:
    """The lanes, after a run that nobody stops, on all of them at the same time."""
    with ThreadPoolExecutor(LANES) as threads:
        runs = list(threads.map(Lane.run, lanes))
    for lane, run in zip(lanes, runs, strict=True):
        facts = _facts(run)
        assert facts.ended, run.output
        lane.duration = (facts.ended - run.began).total_seconds()
        assert run.exit_code in {0, 2}, run.output
        assert not list(_complaints(lane, run)), run.output
    return lanes


@pytest.mark.parametrize(
    ("seed", "count"),
    [pytest.param(1, 50, id="50"), pytest.param(2, 500, id="500", marks=pytest.mark.soak)],
)
def test_a_signal_at_any_moment(measured: list[Lane], seed: int, count: int) -> None:
    free: SimpleQueue[Lane] = SimpleQueue()
    for lane in measured:
        free.put(lane)

    def case(number: int) -> str:
        lane = free.get()
        try:
            return _case(lane, seed, number)
        finally:
            free.put(lane)

    with ThreadPoolExecutor(LANES) as threads:
        failed = [report for report in threads.map(case, range(count)) if report]
    print(f"seed {seed}: {count - len(failed)} of {count} passed")
    assert not failed, "\n".join(failed)


def test_what_is_live_is_read_back(lanes: list[Lane]) -> None:
    for state, output, relay in (("1", "ON", "CLOS"), ("0", "OFF", "OPEN")):
        with closing(lanes[0].instrument("supply")) as supply:
            for line in ("INST:NSEL 1", f"OUTP:SEL {output}", f"OUTP:GEN {output}"):
                supply.write(line)
            supply.query("*OPC?")
        with closing(lanes[0].instrument("switches")) as switches:
            switches.write(f"ROUT:{relay} (@101:104)")
            switches.query("*OPC?")
        assert set(lanes[0].read_back().values()) == {state}


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_to_all_processes_leaves_the_instruments_there_until_the_run_has_ended(
    number: signal.Signals, tmp_path: Path
) -> None:
    """As Ctrl-C in `make run-served`, but without a terminal: `hil serve` passes on what the run has got already."""
    lane = Lane(tmp_path, asks_identities=False)
    lane.served.close()  # its ports are free again
    serve = [HIL, "serve", "rx5-virtual", "--only", "head unit", "--at", str(lane.rig), "--"]
    run = [HIL, "run", "--rig", str(lane.rig), "--output", str(tmp_path / "reports"), str(SUITE)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*serve, *run], cwd=ROOT, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    ) as process:
        output = line_of(process) + line_of(process)
        os.killpg(process.pid, number)
        rest, errors = process.communicate(timeout=TIMEOUT)
    told = output + rest + errors
    assert process.returncode == 2, told
    assert list(_alarms(told)) == [], told
    (report,) = (tmp_path / "reports").iterdir()
    assert list(_damage(report, 2)) == [], told


def _case(lane: Lane, seed: int, number: int) -> str:
    """Send a signal at a random moment of a run; return what is wrong then, in words, nothing if all is well."""
    random = Random(f"{seed}-{number}")
    for _ in range(DRAWS):
        signal_number, moment = random.choice(SIGNALS), random.uniform(0, lane.duration)
        run = lane.run(signal_number, moment)
        if run.signalled is None:
            continue
        complaints, too_late = list(_complaints(lane, run)), _ended_before(run)
        if run.exit_code != 2 and not too_late:
            complaints.append(f"the exit code is {run.exit_code}")
        if complaints:
            facts = [f"--- seed {seed}, number {number}: {signal_number.name} {moment:.6f} s after the first line:"]
            facts += [*complaints, run.output, run.errors, f"read back: {lane.read_back()}", str(run.folder)]
            return "\n".join(facts)
        if not too_late:
            return ""
    return f"--- seed {seed}, number {number}: {DRAWS} signals came too late"


def _ended_before(run: Run) -> bool:
    try:
        ended = _facts(run).ended
    except (HarnessError, ValueError):
        return False
    return bool(ended and run.signalled and run.signalled > ended)


def _facts(run: Run) -> RunFacts:
    (report,) = run.folder.iterdir()
    return read_run_facts(report)


def _complaints(lane: Lane, run: Run) -> Iterator[str]:
    """Say what is not as it must be after any run."""
    for question, answer in lane.read_back().items():
        if answer != "0" and question != "OUTP:GEN?":
            yield f"{question} is answered {answer}"
    try:
        lock_resources(read_rig_file(lane.rig), Duration(0)).release()
    except HarnessError as error:
        yield f"the rig is locked: {error}"
    try:
        os.killpg(run.group, 0)
    except ProcessLookupError:
        pass
    else:
        yield "a process is left behind"
    yield from _alarms(run.output + run.errors)
    try:
        (report,) = run.folder.iterdir()
        yield from _damage(report, run.exit_code)
    except Exception as error:  # noqa: BLE001  each case has its report
        yield f"its reports: {type(error).__name__}: {error}"


def _alarms(told: str) -> Iterator[str]:
    for line in told.splitlines():
        is_new = line.startswith(OUTSIDE) and EXPECTED.sub("", line.removeprefix(OUTSIDE)).strip()
        if is_new or any(text in line for text in ALARMING):
            yield f"it says {line!r}"


def _damage(report: Path, exit_code: int) -> Iterator[str]:
    facts = read_run_facts(report)
    if facts.ended is None or facts.exit_code != exit_code:
        yield f"run.json has exit code {facts.exit_code} and end {facts.ended}, the process {exit_code}"
    for name in ("log.html", "report.html"):
        if not (report / name).read_text(encoding="utf-8").rstrip().endswith("</html>"):
            yield f"{name} is cut off"
    if (found := sum(suite.tests for suite in JUnitXml.fromfile(str(report / "junit.xml")))) != TESTS:
        yield f"junit.xml has {found} tests"
    if (found := ExecutionResult(report / "output.xml").suite.test_count) != TESTS:
        yield f"output.xml has {found} tests"
    for outcome in read_outcomes(report / "output.xml"):
        if rest := EXPECTED.sub("", outcome.message).strip():
            yield f"{outcome.name} is {outcome.verdict}: {rest}"
    if (log := report / "measurements.jsonl").exists() and (rest := read_measurements(log)[1]):
        yield f"measurements.jsonl ends with {rest!r}"
    (trace,) = (report / "traces").iterdir()
    with can.BLFReader(trace) as reader:
        sum(1 for _ in reader)
        if reader.file_size != trace.stat().st_size:
            yield "the trace was not closed"
