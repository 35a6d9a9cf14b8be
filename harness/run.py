"""What `hil run` does: checks the files, then runs the suites once, several times, or what an earlier run has left."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from harness.errors import HarnessError, RigFileError
from harness.execution import REPORTS, execute, make_folder, show_summary
from harness.keywords.answers import read_answers
from harness.plan import Plan, fingerprints, read_suites, write_plan
from harness.progress import Progress
from harness.quantities import Duration
from harness.repeat import repeat
from harness.rig.check_rig import check_rig
from harness.rig.locks import lock_resources
from harness.rig.rig_file import find_rig
from harness.rig.run_facts import run_facts
from harness.stop_signals import StopSignals
from harness.terminal import check_terminal
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
    repetitions: int | None = 1,
    until_fail: bool = False,
    pause_on_fail: bool = False,
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
        repetitions: how often to run them; None for without end.
        until_fail: whether the first test that fails is the last one.
        pause_on_fail: whether to hold at each test that fails and let keywords be typed.
        console: what progress and summary are shown on.

    Raises:
        HarnessError: a file is wrong, there is nothing to run or the rig is in use; nothing has been touched.
    """
    if pause_on_fail:
        check_terminal("--pause-on-fail")
    path = find_rig(rig) if rig else _only_rig(Path("rigs"))
    plan = Plan(
        rig=str(path),
        suites=[str(it) for it in suites or _default_suites()],
        include=include,
        exclude=exclude,
        seed=seed,
        answers=str(answers) if answers else None,
        repetitions=repetitions,
    )
    rig_file, vehicle = check_rig(path)
    suite = read_suites(plan)
    if answers:
        read_answers(answers)
    files = fingerprints(plan, vehicle, suite)
    suite.metadata.update(rig_file.shown_in_reports(vehicle.name))

    def say(line: str) -> None:
        console.print(Text(line), soft_wrap=True)

    with lock_resources(rig_file, wait, say), StopSignals(WallClock()) as stop:
        facts = run_facts(rig_file, vehicle, seed=seed, suites=Path(plan.suites[0]), instruments={}, identities={})
        folder = make_folder(output, facts)
        write_plan(folder, plan, files)
        say(f"{facts.rig}: {facts.vehicle}, {facts.rig_kind} rig, seed {seed}")
        if repetitions != 1 or until_fail:
            return repeat(suite, folder, facts, plan, until_fail=until_fail, stop=stop, console=console)
        progress = Progress(console)
        listeners: list[object] = []
        if pause_on_fail:
            from harness.pause import PauseOnFail

            listeners.append(PauseOnFail(progress, stop, say))
        ended = execute(
            suite,
            folder,
            facts,
            variables=plan.variables(seed),
            stop=stop,
            progress=progress,
            listeners=listeners,
        )
        if ended.complete:
            show_summary(console, ended, folder, stop, REPORTS)
        return ended.code


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
