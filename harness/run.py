"""What `hil run` does: checks the files, lets Robot run the suites, and writes the reports."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text
from robot.api import ResultWriter, TestSuite
from robot.errors import DataError  # type: ignore[import-untyped]  # Robot has types for its api only
from robot.output import LOGGER  # type: ignore[import-untyped]

from harness.errors import HarnessError, RigFileError
from harness.keywords.answers import read_answers
from harness.keywords.runner import ANSWERS_VARIABLE
from harness.listener import SEED_VARIABLE
from harness.progress import Progress
from harness.quantities import Duration
from harness.results.junit import write_junit_of_run
from harness.results.outcome import Outcome, read_outcomes
from harness.results.run_folder import RunFacts, new_run_folder, read_run_facts, write_run_facts
from harness.results.summary import verdict_table
from harness.results.verdict import NOT_TO_BE_TRUSTED, NOTHING_RAN, Verdict, exit_code
from harness.rig.check_rig import check_rig
from harness.rig.locks import lock_resources
from harness.rig.rig_file import find_rig
from harness.rig.run_facts import run_facts
from harness.stop_signals import StopSignals
from harness.transports.wall_clock import WallClock


def run(
    suites: Sequence[Path],
    *,
    rig: str | None,
    include: Sequence[str],
    exclude: Sequence[str],
    seed: int,
    answers: Path | None,
    output: Path,
    wait: Duration,
    console: Console,
) -> int:
    """Run suites on a rig and return the exit code.

    Args:
        suites: files and folders; `suites` of the working folder when there are none.
        rig: file or name of the rig; the only one of `rigs` when it is None.
        include: patterns of tags, one of which a test needs to run.
        exclude: patterns of tags that a test must not have.
        seed: of the random numbers.
        answers: file that stands in for an operator.
        output: where the folder of the run is made.
        wait: how long to wait for other runs that use the rig.
        console: what progress and summary are shown on.

    Raises:
        HarnessError: a file is wrong, there is nothing to run or the rig is in use; nothing has been touched.
    """
    path = find_rig(rig) if rig else _only_rig(Path("rigs"))
    rig_file, vehicle = check_rig(path)
    suites = suites or _default_suites()
    suite = _read_suites(suites, include, exclude)
    if answers:
        read_answers(answers)
    suite.metadata.update(rig_file.shown_in_reports(vehicle.name))

    def say(line: str) -> None:
        console.print(Text(line), soft_wrap=True)

    with lock_resources(rig_file, wait, say), StopSignals(WallClock()) as stop:
        facts = run_facts(rig_file, vehicle, seed=seed, suites=suites[0], instruments={}, identities={})
        folder = _make_folder(output, facts)
        say(f"{facts.rig}: {facts.vehicle}, {facts.rig_kind} rig, seed {seed}")
        variables = [f"RIG:{path}", f"{SEED_VARIABLE.strip('${}')}:{seed}"]
        if answers:
            variables.append(f"{ANSWERS_VARIABLE.strip('${}')}:{answers}")
        progress = Progress(console)
        listeners = [stop, progress]
        began = datetime.now(UTC)
        try:
            suite.run(output="output.xml", outputdir=folder, variable=variables, listener=listeners, console="none")
        except SystemExit:  # the second Ctrl-C, and Robot gives it no exit code
            console.print("Stopped by force: the rig may not be safe, and there is no report.", style="bold red")
            return NOT_TO_BE_TRUSTED
        try:
            wall_seconds = (datetime.now(UTC) - began).total_seconds()
            return _report(folder, facts, progress.errors, stop, console, wall_seconds=wall_seconds)
        except HarnessError as error:  # let through, it would say that nothing ran
            console.print(Text(f"The reports are not complete: {error}", style="bold red"), soft_wrap=True)
            return NOT_TO_BE_TRUSTED
        except SystemExit:
            console.print("Stopped by force: the reports are not complete.", style="bold red")
            return NOT_TO_BE_TRUSTED


def _report(
    folder: Path, facts: RunFacts, errors: Sequence[str], stop: StopSignals, console: Console, *, wall_seconds: float
) -> int:
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
    _show_summary(console, outcomes, _speed(used, wall_seconds), errors, folder)
    ended = datetime.now(UTC).astimezone()
    if stop.arrived:
        console.print("Stopped by a signal.", style="bold magenta")
    if errors or stop.arrived or code == NOTHING_RAN:  # Robot had tests: it was stopped before it reached one
        code = NOT_TO_BE_TRUSTED
    write_run_facts(folder, replace(used, started=facts.started, ended=ended, exit_code=code))
    return code


def _speed(facts: RunFacts, wall_seconds: float) -> str:
    if not facts.rig_seconds:
        return f"{wall_seconds:.1f} s of wall time"
    ratio = wall_seconds / facts.rig_seconds
    speed = f"{1 / ratio:.0f} times as fast" if facts.virtual else f"wall time over rig time {ratio:.2f}"
    return f"{facts.rig_seconds:.1f} s of rig time in {wall_seconds:.1f} s of wall time: {speed}"


def _only_rig(folder: Path) -> Path:
    found = sorted(folder.glob("*.yaml"))
    if len(found) == 1:
        return found[0]
    names = ", ".join(path.stem for path in found)
    there = f"{folder} has several: {names}" if found else f"there is none in {folder}"
    raise RigFileError(f"which rig? Name one with --rig; {there}")


def _default_suites() -> list[Path]:
    folder = Path("suites")
    if not folder.is_dir():
        raise HarnessError("nothing to run: name the files or folders of suites; there is no folder 'suites' here")
    return [folder]


def _read_suites(paths: Sequence[Path], include: Sequence[str], exclude: Sequence[str]) -> TestSuite:
    LOGGER.unregister_console_logger()  # it would print what the listener shows
    try:
        suite = TestSuite.from_file_system(*paths)
        suite.configure(include_tags=include or None, exclude_tags=exclude or None)
    except DataError as error:
        raise HarnessError(f"nothing to run: {error}") from error
    return suite


def _make_folder(output: Path, facts: RunFacts) -> Path:
    try:
        folder = new_run_folder(output, facts.rig, facts.started)
        write_run_facts(folder, facts)
    except OSError as error:
        raise HarnessError(f"the results of the run cannot be written: {error}") from error
    return folder


def _show_summary(
    console: Console, outcomes: Sequence[Outcome], speed: str, errors: Sequence[str], folder: Path
) -> None:
    console.print()
    console.print(verdict_table(outcomes))
    counts = Counter(outcome.verdict for outcome in outcomes)
    listed = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
    console.print(f"{len(outcomes)} test{'s' * (len(outcomes) != 1)}: {listed}", style="bold")
    console.print(Text(speed))
    for error in errors:
        console.print(Text(f"Outside of the tests: {error}", style="bold magenta"), soft_wrap=True)
    for name in ("report.html", "log.html", "junit.xml"):
        console.print(Text(str(folder / name)), soft_wrap=True)
