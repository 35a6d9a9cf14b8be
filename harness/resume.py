"""Goes on with a run that was interrupted: runs what it left, and puts both into one result."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text
from robot import result
from robot.api import SuiteVisitor, TestSuite

from harness.errors import HarnessError
from harness.execution import REPORTS, Ended, execute, make_folder, show_summary
from harness.keywords.answers import read_answers
from harness.plan import changes, fingerprints, read_plan, read_suites, write_plan
from harness.progress import Progress
from harness.quantities import Duration
from harness.results.combined import Part, parts_of, write_combined
from harness.results.run_folder import write_run_facts
from harness.results.verdict import NOT_TO_BE_TRUSTED, Verdict, exit_code, verdict_of
from harness.rig.check_rig import check_rig
from harness.rig.locks import lock_resources
from harness.rig.rig_file import find_rig
from harness.rig.run_facts import run_facts
from harness.stop_signals import StopSignals
from harness.transports.wall_clock import WallClock

NOT_FINAL = frozenset({Verdict.ABORTED, Verdict.NOT_RUN})
"""Verdicts that say nothing but that the run was stopped."""

_Key = tuple[str, str]
"""Long name of a suite, and name of a test in it."""


def resume(before: Path, *, output: Path, wait: Duration, console: Console) -> int:
    """Run those tests of an earlier run that have no final verdict, and return the exit code of both runs.

    Args:
        before: folder of the run that was interrupted.
        output: where the folder of the new run is made.
        wait: how long to wait for other runs that use the rig.
        console: what progress and summary are shown on.

    Raises:
        HarnessError: there is no such run, nothing of it is left, or a file that it depends on has changed since;
            nothing has been touched.
    """
    plan, files = read_plan(before)
    if plan.repetitions != 1:
        raise HarnessError(
            f"{before} has been repeated; --resume takes runs without --repeat and --until-fail. Its repetitions that "
            "are left have their own seeds: name the next one by --seed"
        )
    rig_file, vehicle = check_rig(find_rig(plan.rig))
    suite = read_suites(plan)
    if plan.answers:
        read_answers(Path(plan.answers))
    if changed := changes(files, fingerprints(plan, vehicle, suite)):
        raise HarnessError(
            f"{before} cannot be gone on with: one result would be of two different things. Since it began "
            f"{'; '.join(changed)}"
        )
    old = parts_of(before, steps=True) if (before / "output.xml").exists() else []
    done = _finally_judged(part.suite for part in old)
    _leave_out(suite, done, before)
    suite.metadata.update(rig_file.shown_in_reports(vehicle.name))

    def say(line: str) -> None:
        console.print(Text(line), soft_wrap=True)

    with lock_resources(rig_file, wait, say), StopSignals(WallClock()) as stop:
        facts = run_facts(rig_file, vehicle, seed=plan.seed, suites=Path(plan.suites[0]), instruments={}, identities={})
        folder = make_folder(output, facts)
        write_plan(folder, plan, files)
        say(f"{facts.rig}: {facts.vehicle}, {facts.rig_kind} rig, seed {plan.seed}")
        say(f"Going on with {before}: {len(done)} tests have their verdict, {suite.test_count} are left")
        progress = Progress(console)
        ended = execute(
            suite,
            folder,
            facts,
            variables=plan.variables(plan.seed),
            stop=stop,
            progress=progress,
        )
        if not ended.complete:
            return ended.code
        try:
            ended = _report(old, folder, ended)
        except HarnessError as error:
            say(f"The reports are not complete: {error}")
            return NOT_TO_BE_TRUSTED
        except SystemExit:
            say("Stopped by force: the reports are not complete.")
            return NOT_TO_BE_TRUSTED
        show_summary(console, ended, folder, stop, REPORTS)
        return ended.code


def _leave_out(suite: TestSuite, done: frozenset[_Key], before: Path) -> None:
    names = Counter((test.parent.full_name, test.name) for test in suite.all_tests)
    if twice := [f"{suite}.{test}" for (suite, test), number in names.items() if number > 1]:
        raise HarnessError(
            f"{before} cannot be gone on with: nobody can tell which tests have run, for two are called {twice[0]}"
        )
    for test in list(suite.all_tests):
        if (test.parent.full_name, test.name) in done:
            test.parent.tests.remove(test)
    suite.remove_empty_suites()
    if not suite.test_count:
        raise HarnessError(f"nothing to run: every test of {before} has its verdict")


def _report(old: Sequence[Part], folder: Path, ended: Ended) -> Ended:
    """Put the final verdicts of the earlier run and all of the new one together."""
    for part in old:
        part.suite.visit(_OnlyFinal())
    parts = [*(part for part in old if part.suite.test_count), *parts_of(folder, steps=True)]
    metadata = {"Resumed": ", then ".join(part.name for part in parts)}
    outcomes = write_combined("Resumed", parts, folder, ended.facts, doc="", metadata=metadata, log=True)
    code = max(ended.code, exit_code([outcome.verdict for outcome in outcomes]))
    facts = replace(ended.facts, exit_code=code, ended=datetime.now(UTC).astimezone())
    write_run_facts(folder, facts)
    return replace(ended, code=code, facts=facts, outcomes=outcomes)


def _finally_judged(suites: Iterable[result.TestSuite]) -> frozenset[_Key]:
    """Return the tests that have a final verdict, by the names that they have in their own run."""
    found: set[_Key] = set()
    for suite in suites:
        above = f"{suite.parent.full_name}." if suite.parent else ""
        found |= {
            (test.parent.full_name.removeprefix(above), test.name)
            for test in suite.all_tests
            if verdict_of(test) not in NOT_FINAL
        }
    return frozenset(found)


class _OnlyFinal(SuiteVisitor):  # type: ignore[misc]  # Robot has no types
    """Takes away the tests without a final verdict, and the suites that then are empty."""

    def start_suite(self, suite: result.TestSuite) -> None:
        suite.tests = [test for test in suite.tests if verdict_of(test) not in NOT_FINAL]

    def end_suite(self, suite: result.TestSuite) -> None:
        suite.suites = [child for child in suite.suites if child.test_count]

    def visit_test(self, test: result.TestCase) -> None:
        pass
