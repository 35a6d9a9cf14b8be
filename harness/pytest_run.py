"""What `pytest --rig` does: opens the rig for each module with tests on it, gives the verdicts, writes the reports.

A module is what a suite is for Robot Framework. What becomes of the tests is kept as a result of Robot, so that the
reports are written by what writes them for suites.
"""

import os
import signal
import threading
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol  # what pytest itself calls; only it can hold the reports back
from robot import result
from robot.api import ResultWriter
from robot.output import LOGGER  # type: ignore[import-untyped]  # Robot has types for its api only

from harness.errors import BenchError
from harness.Hil import Hil
from harness.interrupts import heeded_stop_signals, held_back
from harness.keywords.answers import read_answers
from harness.keywords.session import Session, TestRecord
from harness.listener import NEEDS, STOPPED
from harness.pytest_keywords import Keywords, now, said
from harness.results.junit import write_junit_of_run
from harness.results.outcome import REQUIREMENT, RIG_SECONDS, Outcome, SuiteLabels, read_outcomes
from harness.results.run_folder import RunFacts, new_run_folder, read_run_facts, write_run_facts
from harness.results.verdict import NOT_TO_BE_TRUSTED, NOTHING_RAN, Verdict, exit_code
from harness.rig.check_rig import check_rig
from harness.rig.rig_file import find_rig
from harness.rig.run_facts import run_facts

_SEED = 1
_ENDED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)


@dataclass
class _Test:
    """A test that has reached the rig."""

    result: result.TestCase
    record: TestRecord
    problems: Sequence[str] = ()
    """What is wrong with the rig."""
    causes: list[BaseException] = field(default_factory=list)
    """What has failed in its setup, its call and its teardown."""
    aborted: bool = False


class PytestRun:
    """A run of pytest on a rig: what its fixtures and hooks do.

    Raises:
        HarnessError: the rig's files are missing or damaged; nothing has been opened.
    """

    def __init__(self, rig: str, answers: str | None, working_folder: Path) -> None:
        path = find_rig(rig)
        self._rig, self._vehicle = check_rig(path)
        if answers:
            read_answers(Path(answers))
        library = Hil(str(path))
        listeners: Any = library.ROBOT_LIBRARY_LISTENER  # robotlibcore has made a list of it
        self.session: Session = listeners[0].session
        self._keywords = Keywords(library, self._step_began, answers)
        self.session.runner = self._keywords
        self._working_folder = working_folder
        self._folder: Path | None = None
        self._suite = result.TestSuite(name="pytest")
        self._labels = SuiteLabels()
        self._test: _Test | None = None
        self._outcomes: list[Outcome] = []
        self._errors: list[str] = []
        """What went wrong where no test takes it."""
        self._before: dict[int, Any] = {}
        """What is done with signals outside of the run."""

    def module(self, node: pytest.Module) -> Iterator[result.TestSuite]:
        """Open the rig for the tests of a module, and yield the suite that they belong to; then make the rig safe."""
        session, source = self.session, node.path
        folder = self._working_folder
        path = source.relative_to(folder) if source.is_relative_to(folder) else Path(source.name)
        name = ".".join(path.with_suffix("").parts)
        suite = self._suite.suites.create(name=name, source=source)
        try:
            with held_back(_say_so):
                session.open(self._run_folder(), self._labels.label(suite.id, suite.full_name), source, _SEED)
                suite.metadata.update(session.description)
            yield suite
        finally:
            with held_back(_say_so):
                told, wrong = session.end_suite(name)
                suite.metadata.update(told)
                self._errors += wrong

    def test(self, node: pytest.Item, suite: result.TestSuite) -> Iterator[Keywords]:
        """Yield the rig to a test; then take back what it has changed, and look whether the rig is healthy.

        Raises:
            BenchError: the rig could not be opened for its module.
        """
        __tracebackhide__ = True
        session = self.session
        requirements, needs = _marked(node, "req"), _marked(node, "needs")
        name = node.nodeid.partition("::")[2]
        tags = [*(REQUIREMENT + it for it in requirements), *(NEEDS + it for it in needs)]
        session.begin_test(name, requirements)
        case = suite.tests.create(name=name, tags=tags, start_time=now())
        test = self._test = _Test(case, session.test)
        try:
            if session.open_error:
                raise BenchError(f"The rig could not be opened. {session.open_error}")
            if reason := session.lack(needs):
                pytest.skip(reason)
            yield self._keywords
        finally:
            if session.is_open and not session.open_error:
                case.metadata[RIG_SECONDS] = f"{(session.rig.clock.now - test.record.started) / 1e9:.3f}"
            with held_back(_say_so):
                test.problems = session.end_test()

    def _step_began(self, step: result.Keyword) -> None:
        if self._test:
            self._test.result.body.append(step)

    def _run_folder(self) -> Path:
        if self._folder is None:
            facts = run_facts(
                self._rig, self._vehicle, seed=_SEED, suites=self._working_folder, instruments={}, identities={}
            )
            self._folder = new_run_folder(self._working_folder / "reports", facts.rig, facts.started)
            write_run_facts(self._folder, facts)
        return self._folder

    # Verdicts

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """Run a test, and tell its reports when its verdict is known: a rig that is not healthy overturns a pass."""
        hook = item.ihook
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        try:
            reports = runtestprotocol(item, log=False, nextitem=nextitem)
        except BaseException:
            if self._test:
                self._test.aborted = True
            raise
        self._end_test(reports)
        for report in reports:
            hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Keep what has failed."""
        report = yield
        if self._test and report.failed and call.excinfo:
            self._test.causes += _leaves(call.excinfo.value)
        return report

    def _end_test(self, reports: Sequence[pytest.TestReport]) -> None:
        test, self._test = self._test, None
        if test is None:
            return
        case = test.result
        case.elapsed_time = now() - case.start_time
        failed = test.aborted or any(report.failed for report in reports)
        judged = self.session.judged(test.record)
        causes = list(dict.fromkeys(said(cause) for cause in test.causes))
        message = "\n".join(causes or [report.longreprtext for report in reports if report.failed])
        if any(report.skipped for report in reports) and not (failed or judged or test.problems):
            case.status, case.message = "SKIP", "\n".join(_reason(report) for report in reports if report.skipped)
            return
        other = Verdict.PASS
        if test.aborted:
            other, message = Verdict.ABORTED, STOPPED
        elif failed and not (causes and all(cause in judged for cause in causes)):
            other = Verdict.ERROR
        verdict, case.message = self.session.sum_up(test.record, test.problems, message, failed=failed, other=other)
        case.status = "PASS" if verdict is Verdict.PASS else "FAIL"
        if verdict is not Verdict.PASS:
            case.tags.add(verdict.tag)
            if reports:
                _tell(reports, verdict, case.message, is_said=case.message == message)

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Say the verdict where pytest says what became of a test."""
        verdict = getattr(report, "verdict", None)
        if verdict is None:
            return None
        return "failed" if verdict == Verdict.FAIL else "error", verdict[0], verdict

    # Run

    def pytest_sessionstart(self) -> None:
        """Take each signal that ends a program as Ctrl-C, so that the rig is brought to its safe state."""
        if threading.current_thread() is threading.main_thread():
            for number in heeded_stop_signals():
                self._before[number] = signal.signal(number, signal.default_int_handler)

    def pytest_unconfigure(self) -> None:
        """Leave the signals as they were."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the reports, after the last fixtures have been torn down."""
        if self._folder is None:
            return
        with suppress(KeyboardInterrupt), held_back(_say_so):  # what is said at its end comes too late to stop anything
            self._end_run(self._folder, session, exitstatus)
        for number in self._before:  # the rig is safe and the reports say how it ended: nothing is left to stop
            signal.signal(number, signal.SIG_IGN)

    def _end_run(self, folder: Path, session: pytest.Session, exitstatus: int) -> None:
        self._end_test(())
        self.session.close_log()
        facts = self._write_reports(folder)
        code = exit_code([outcome.verdict for outcome in self._outcomes])
        if self._errors or exitstatus not in _ENDED or code == NOTHING_RAN:
            code = NOT_TO_BE_TRUSTED
        write_run_facts(folder, replace(facts, ended=datetime.now(UTC).astimezone(), exit_code=code))
        if exitstatus in _ENDED:
            session.exitstatus = max(int(exitstatus), code)

    def _write_reports(self, folder: Path) -> RunFacts:
        output = folder / "output.xml"
        LOGGER.unregister_console_logger()  # it would print where the reports are, in the middle of pytest's own
        result.Result(suite=self._suite).save(output)
        # A run that was stopped while the rig was opened has no test.
        ResultWriter(output).write_results(
            log=folder / "log.html", report=folder / "report.html", processemptysuite=True
        )
        facts = read_run_facts(folder)
        self._outcomes = read_outcomes(output)
        write_junit_of_run(folder, facts)
        return facts

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what became of the tests on the rig, and where the reports are."""
        if self._folder is None:
            return
        counts = Counter(outcome.verdict for outcome in self._outcomes)
        listed = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
        terminalreporter.section(f"rig {self._rig.name}")
        terminalreporter.line(f"{self._vehicle.name}, seed {_SEED}: {listed or 'no test has reached it'}")
        for error in self._errors:
            terminalreporter.line(f"Outside of the tests: {error}")
        terminalreporter.line(str(self._folder))


def _say_so() -> None:
    """Tell that a signal to stop is heard, in the middle of whatever else is being printed."""
    with suppress(OSError):
        os.write(2, b"\nStopping as soon as the rig is in its safe state.\n")


def _marked(node: pytest.Item, mark: str) -> tuple[str, ...]:
    """Return the arguments of all marks of a name on a test, its class and its module."""
    return tuple(dict.fromkeys(str(argument) for marker in node.iter_markers(mark) for argument in marker.args))


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield what a group of errors consists of: pytest makes one of several that were raised in a teardown."""
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _leaves(part)
    else:
        yield error


def _reason(report: pytest.TestReport) -> str:
    """Return why a test was skipped, or was expected to fail."""
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    return str(getattr(report, "wasxfail", ""))


def _tell(reports: Sequence[pytest.TestReport], verdict: Verdict, message: str, *, is_said: bool) -> None:
    """Let pytest's reports of a test that did not pass say so, whatever pytest made of it."""
    told = next((report for report in reports if report.failed), reports[-2])
    if not told.failed:
        told.outcome, told.longrepr = "failed", message
        vars(told).pop("wasxfail", None)
    elif not is_said:
        told.sections.append(("verdict", message))
    vars(told)["verdict"] = str(verdict)
