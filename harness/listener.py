"""Follows a Robot run: opens the rig for each suite, skips tests that need more than it has, and gives the verdicts.

An object of its own, apart from the library: as the library's listener itself, it would slow every keyword down.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from robot.api import logger
from robot.libraries.BuiltIn import BuiltIn
from robot.utils import escape  # type: ignore[import-untyped]  # Robot has types for its api only

from harness.errors import TestError
from harness.results.outcome import REQUIREMENT, RIG_SECONDS, SuiteLabels, tagged
from harness.results.run_folder import log_path, trace_path
from harness.results.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from robot import result, running

    from harness.keywords.session import Session

NEEDS = "needs:"
NOT_REACHED = "robot:exit"
"""Tag that Robot gives to the tests that come after a stop."""
STOPPED = "Execution terminated by signal"
"""What Robot says of the keyword that Ctrl-C has stopped."""
SEED_VARIABLE = "${HIL_SEED}"
"""Variable that carries the seed of the run, from `hil run --seed` or `robot --variable HIL_SEED:7`."""


class Listener:
    """Listener of the library, version 3 of Robot's listener interface."""

    ROBOT_LISTENER_API_VERSION = 3

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._labels = SuiteLabels()
        self._last_event = ""
        self._description: dict[str, str] = {}
        """What the reports say of the rig, as it was opened last."""

    @property
    def session(self) -> "Session":
        """What the library and its listener share."""
        return self._session

    def _heard(self, event: str) -> bool:
        """Say whether this event was told just before: Robot tells it once for each name that the library has."""
        again, self._last_event = event == self._last_event, event
        return again

    def start_suite(self, data: "running.TestSuite", result: "result.TestSuite") -> None:
        """Open the rig: on a virtual rig each suite has a new world."""
        if data.tests and not BuiltIn().dry_run_active and not self._heard(f"start {result.id}"):
            variables = BuiltIn()
            folder = Path(str(variables.get_variable_value("${OUTPUT DIR}")))
            seed = str(variables.get_variable_value(SEED_VARIABLE, "1"))
            if not re.fullmatch("-?[0-9]+", seed):
                self._session.open_error = TestError(f"{SEED_VARIABLE} is {seed!r}; a whole number is needed")
                return
            label = self._labels.label(result.id, result.full_name)
            self._session.open(folder, label, Path(str(data.source)), int(seed))
            self._description = self._session.description
            result.metadata.update(self._description)
            if self._session.open_error:  # nothing of this suite is to run, be it only a prompt for an operator
                data.setup.config(name="No Operation", args=[])
                data.teardown.config(name="No Operation", args=[])
            if self._session.is_open:
                trace = trace_path(Path(), label).as_posix()
                result.metadata["Trace"] = f"[{trace}|{trace}]"
                for name in self._session.rig.consoles:
                    log = log_path(Path(), label, name).as_posix()
                    result.metadata[f"Log: {name}"] = f"[{log}|{log}]"
                self._skip_suite_that_lacks_all(data)

    def end_suite(self, data: "running.TestSuite", result: "result.TestSuite") -> None:
        """Bring the rig to its safe state, and report what the teardown of the suite has found."""
        if self._heard(f"end {result.id}"):
            return
        if not data.tests and "Rig" in result.metadata:  # a folder: `hil run` has written what was known before
            result.metadata.update(self._description)
        if not (self._session.is_open or self._session.open_error):
            return
        told, wrong = self._session.end_suite(result.full_name)
        result.metadata.update(told)
        for text in wrong:  # Robot has closed the tests: none of them can take it
            logger.error(text)

    def start_test(self, data: "running.TestCase", result: "result.TestCase") -> None:
        """Skip a test that needs what the rig lacks; fail one whose rig could not be opened before it does anything."""
        session = self._session
        if self._heard(f"start {result.id}"):
            return
        if session.open_error:
            data.setup.config(
                name="Fail", args=[escape(f"The rig could not be opened. {session.open_error}")], lineno=None
            )
            data.teardown.config(name="No Operation", args=[])
        elif session.is_open and (reason := self._lack(result.tags)):
            data.setup.config(name="Skip", args=[escape(reason)])
            data.teardown.config(name="No Operation", args=[])
        session.begin_test(data.name, tagged(result.tags, REQUIREMENT))

    def _skip_suite_that_lacks_all(self, data: "running.TestSuite") -> None:
        """Skip the setup of a suite as well where no test of it can run."""
        reasons = [self._lack(test.tags) for test in data.tests]
        if all(reasons):
            data.setup.config(name="Skip", args=[escape(reasons[0])])
            data.teardown.config(name="No Operation", args=[])

    def _lack(self, tags: "Iterable[str]") -> str:
        """Return what the rig lacks for a test with these tags, as the reason to skip it; empty if nothing."""
        return self._session.lack(tagged(tags, NEEDS))

    def end_test(self, data: "running.TestCase", result: "result.TestCase") -> None:  # noqa: ARG002  Robot hands both over
        """Give the verdict: of the judgements, of all other keywords that failed, and of the rig itself."""
        if BuiltIn().dry_run_active or self._heard(f"end {result.id}"):
            return
        session = self._session
        if session.is_open:
            rig_seconds = (session.rig.clock.now - session.test.started) / 1e9
            result.metadata[RIG_SECONDS] = f"{rig_seconds:.3f}"
        test = session.test
        problems = session.end_test()
        causes = [message for item in _parts(result) for message in _causes(item)]
        if NOT_REACHED in result.tags and not _has_run(result):
            return
        if result.skipped and not (test.failures or problems or causes):
            return
        session.untold_failures.clear()
        other = Verdict.PASS
        if (causes or result.failed) and not _only_judgements(causes, result.message, session.judged(test)):
            other = Verdict.ABORTED if STOPPED in result.message else Verdict.ERROR
        verdict, result.message = session.sum_up(test, problems, result.message, failed=result.failed, other=other)
        if verdict is not Verdict.PASS:
            result.tags.add(verdict.tag)
            result.status = "FAIL"

    def close(self) -> None:
        """Close the files of the run."""
        self._session.close_log()


def _only_judgements(causes: list[str], message: str, failures: list[str]) -> bool:
    """Say whether a test failed by nothing but judging keywords."""
    if not causes:  # a time-out, a signal, a syntax error, or the setup of the suite
        return any(message.removeprefix("Parent suite setup failed:\n") == text for text in failures)
    return all(cause in failures for cause in causes)


def _has_run(result: "result.TestCase") -> bool:
    """Say whether anything of a test was executed."""
    return any(getattr(item, "status", "") in {"PASS", "FAIL", "SKIP"} for item in _parts(result))


def _causes(item: "result.Keyword | object") -> "Iterator[str]":
    """Yield the messages of the innermost failures that reached the test; what was caught has passed."""
    if getattr(item, "status", "") != "FAIL":
        return
    causes = [message for part in _parts(item) for message in _causes(part)]
    yield from causes or [str(getattr(item, "message", ""))]


def _parts(item: object) -> "Iterator[object]":
    # Robot makes an empty setup or teardown when one is asked for that is not there.
    if getattr(item, "has_setup", False):
        yield getattr(item, "setup", None)
    yield from getattr(item, "body", ())
    if getattr(item, "has_teardown", False):
        yield getattr(item, "teardown", None)
