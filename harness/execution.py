"""Lets Robot run suites into a folder, and writes the reports of that."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text
from robot.api import ResultWriter, TestSuite

from harness.errors import HarnessError
from harness.progress import Progress
from harness.results.junit import write_junit_of_run
from harness.results.outcome import Outcome, read_outcomes
from harness.results.run_folder import RunFacts, new_run_folder, read_run_facts, write_run_facts
from harness.results.summary import verdict_table
from harness.results.verdict import NOT_TO_BE_TRUSTED, NOTHING_RAN, Verdict, exit_code
from harness.stop_signals import StopSignals

REPORTS = ("report.html", "log.html", "junit.xml")


@dataclass(frozen=True)
class Ended:
    """What became of an execution."""

    code: int
    facts: RunFacts
    outcomes: Sequence[Outcome] = ()
    errors: Sequence[str] = ()
    """What went wrong outside of the tests."""
    wall_seconds: float = 0.0
    complete: bool = True
    """Whether all reports have been written."""


def execute(
    suite: TestSuite,
    folder: Path,
    facts: RunFacts,
    *,
    variables: Sequence[str],
    stop: StopSignals,
    progress: Progress,
    listeners: Sequence[object] = (),
    until_failure: bool = False,
) -> Ended:
    """Run suites and write the reports.

    Args:
        suite: what to run; it is used up.
        folder: of the run.
        facts: about the run, as far as they are known before.
        variables: of Robot.
        stop: takes the signals.
        progress: shows how it gets on.
        listeners: of Robot, beside those two.
        until_failure: whether no test is begun after one that has failed.
    """
    console = progress.console
    write_run_facts(folder, facts)
    began = datetime.now(UTC)
    lost = "the rig may not be safe, and there is no report"
    try:
        suite.run(
            output="output.xml",
            outputdir=folder,
            variable=list(variables),
            listener=[stop, progress, *listeners],
            console="none",
            exitonfailure=until_failure,
        )
        lost = "the reports are not complete"
        return _report(folder, facts, progress.errors, stop, (datetime.now(UTC) - began).total_seconds())
    except HarnessError as error:  # let through, it would say that nothing ran
        console.print(Text(f"The reports are not complete: {error}", style="bold red"), soft_wrap=True)
    except SystemExit:  # the second Ctrl-C, and Robot gives it no exit code
        console.print(f"Stopped by force: {lost}.", style="bold red")
    return Ended(NOT_TO_BE_TRUSTED, facts, complete=False)


def _report(folder: Path, facts: RunFacts, errors: Sequence[str], stop: StopSignals, wall_seconds: float) -> Ended:
    result = folder / "output.xml"
    ResultWriter(result).write_results(log=folder / "log.html", report=folder / "report.html")
    outcomes = read_outcomes(result)
    code = exit_code([outcome.verdict for outcome in outcomes])
    used = read_run_facts(folder)
    if used.rig != facts.rig:
        errors = [
            *errors,
            f"the suites name rig {used.rig} themselves and ran on it, not on {facts.rig}; write rig=${{RIG}}",
        ]
    write_junit_of_run(folder, used)
    if errors or stop.arrived or code == NOTHING_RAN:  # Robot had tests: it was stopped before it reached one
        code = NOT_TO_BE_TRUSTED
    ended = datetime.now(UTC).astimezone()
    used = replace(used, started=facts.started, ended=ended, exit_code=code)
    write_run_facts(folder, used)
    return Ended(code, used, outcomes, errors, wall_seconds)


def make_folder(output: Path, facts: RunFacts) -> Path:
    """Make the folder of a run.

    Raises:
        HarnessError: the file system does not let it be made.
    """
    try:
        folder = new_run_folder(output, facts.rig, facts.started)
        write_run_facts(folder, facts)
    except OSError as error:
        raise HarnessError(f"the results of the run cannot be written: {error}") from error
    return folder


def show_summary(
    console: Console, ended: Ended, folder: Path, stop: StopSignals, reports: Sequence[str], *, table: bool = True
) -> None:
    """Show what became of the tests, how fast it was, and where the reports are."""
    console.print()
    if table and (reached := verdict_table(ended.outcomes)).row_count:
        console.print(reached)
    console.print(count(ended.outcomes), style="bold")
    if table and (left := _left(ended.outcomes)):
        console.print(Text(f"{left}; to go on: hil run --resume {folder}"), soft_wrap=True)
    console.print(Text(_speed(ended.facts, ended.wall_seconds)))
    for error in ended.errors:
        console.print(Text(f"Outside of the tests: {error}", style="bold magenta"), soft_wrap=True)
    for name in reports:
        console.print(Text(str(folder / name)), soft_wrap=True)
    if stop.arrived:
        console.print("Stopped by a signal.", style="bold magenta")


def count(outcomes: Sequence[Outcome]) -> str:
    """Return how many tests there are, and how many of each verdict."""
    counts = Counter(outcome.verdict for outcome in outcomes)
    listed = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
    return f"{len(outcomes)} test{'s' * (len(outcomes) != 1)}: {listed}"


def _left(outcomes: Sequence[Outcome]) -> str:
    """Say how many tests have no final verdict; empty if all have one."""
    counts = Counter(outcome.verdict for outcome in outcomes)
    said = {Verdict.NOT_RUN: "not run", Verdict.ABORTED: "stopped"}
    parts = [
        f"{number} test{' was' if number == 1 else 's were'} {what}"
        for verdict, what in said.items()
        if (number := counts[verdict])
    ]
    return ", ".join(parts)


def _speed(facts: RunFacts, wall_seconds: float) -> str:
    if not facts.rig_seconds:
        return f"{wall_seconds:.1f} s of wall time"
    ratio = wall_seconds / facts.rig_seconds
    speed = f"{1 / ratio:.0f} times as fast" if facts.virtual else f"wall time over rig time {ratio:.2f}"
    return f"{facts.rig_seconds:.1f} s of rig time in {wall_seconds:.1f} s of wall time: {speed}"
