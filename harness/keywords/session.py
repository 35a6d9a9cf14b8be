"""What a Robot run holds: the opened rig, the log of measurements, and the record of the test that runs.

A rig that cannot be opened is remembered, not raised where Robot would only log it: each keyword that needs it
raises the error, and no test passes on it.
"""

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import BenchError, HarnessError, unknown_name
from harness.keywords.runner import RobotRunner, Runner
from harness.quantities import Duration
from harness.results.verdict import Verdict, worst

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from harness.buses.trace import Trace
    from harness.results.measurement import Measurement, MeasurementLog
    from harness.rig.locks import ResourceLock
    from harness.rig.rig import Rig, RigHealth


@dataclass
class TestRecord:
    """What judging keywords have found in one test, or in the setup of a suite."""

    __test__ = False

    suite: str = ""
    name: str = ""
    requirements: tuple[str, ...] = ()
    started: int = 0
    """Rig time in nanoseconds."""
    failures: list[str] = field(default_factory=list)
    """Messages of judgements that failed and that the suite did not declare as expected."""
    inconclusive: list[str] = field(default_factory=list)
    """Messages of judgements that nobody can tell about."""
    times_late: int = 0
    """Of the simulated ECUs, before it began."""
    problems: list[str] = field(default_factory=list)
    """What was wrong with the rig before somebody looked at it at a prompt."""


_users: "dict[Path, Session]" = {}
"""The session that writes to each run folder."""


class Session:
    """The rig of a Robot run, opened when the first suite starts."""

    def __init__(self, rig: str) -> None:
        self.rig_name = rig
        self.runner: Runner = RobotRunner()
        self.told: Callable[[Measurement], None] | None = None
        """Is told each measurement when it is made."""
        self.test = TestRecord()
        self.suite = TestRecord()
        self.expects_failure = False
        """Whether the judgement that runs is meant to fail."""
        self.judgements = 0
        """How many there were."""
        self.expected_failures: list[str] = []
        """Messages of judgements that were meant to fail, and did."""
        self.untold_failures: list[str] = []
        """Failures in the setup of a suite that no test has taken yet."""
        self.open_error: HarnessError | None = None
        self._blocked: HarnessError | None = None
        """Why this rig is not to be opened again in this run."""
        self._rig: Rig | None = None
        self._log: MeasurementLog | None = None
        self._trace: Trace | None = None
        self._health: RigHealth | None = None
        self._folder: Path | None = None
        """Of the run, once there is a record of it."""
        self._pictures = 0
        """Of this suite."""
        self._pictures_folder = Path()
        self._rig_seconds = 0.0
        self._lock: ResourceLock | None = None
        self._identities: Mapping[str, Mapping[str, str]] | None = None
        self._answers: dict[str, Mapping[str, str]] = {}

    @property
    def rig(self) -> "Rig":
        """The opened rig.

        Raises:
            HarnessError: it could not be opened, or no suite runs.
        """
        if self.open_error:
            raise self.open_error
        if self._rig is None:
            raise BenchError(
                "there is no rig: it is opened for each suite with tests; a folder's __init__.robot has none"
            )
        return self._rig

    @property
    def is_open(self) -> bool:
        """Whether there is an opened rig for tests to use: not one with another device than declared, say."""
        return self._rig is not None and self.open_error is None

    @property
    def description(self) -> dict[str, str]:
        """What a report says of the rig; empty when it is not open."""
        if self._rig is None:
            return {}
        return self._rig.facts.shown_in_reports(self._rig.vehicle.name, self._identities)

    def open(self, folder: Path, suite: str, source: Path, seed: int) -> None:
        """Open the rig for a suite; the files of the run go to `folder`. A failure is kept in `open_error`.

        Args:
            folder: of the run.
            suite: its long name.
            source: file of the suite.
            seed: of the random numbers.
        """
        from harness.buses.trace import Trace
        from harness.results.measurement import MeasurementLog
        from harness.results.run_folder import log_path, trace_path, write_run_facts
        from harness.rig.locks import lock_resources
        from harness.rig.open_rig import open_rig, read_rig
        from harness.rig.rig_file import find_rig
        from harness.rig.run_facts import run_facts

        self.open_error = self._blocked
        self.test = self.suite = TestRecord(suite=suite)
        self.untold_failures = []
        if self._blocked:
            return
        try:
            self._claim(folder)
            path = find_rig(self.rig_name)
            if self._lock is None:
                self._lock = lock_resources(read_rig(path)[0], Duration(0))
            self._rig = open_rig(path, seed)
            folder.mkdir(parents=True, exist_ok=True)
            self._pictures, self._pictures_folder = 0, folder
            if self._log is None:
                measurements = folder / "measurements.jsonl"
                measurements.unlink(missing_ok=True)  # of an earlier run into the same folder
                self._log = MeasurementLog(measurements)
            self._trace = Trace(trace_path(folder, suite))
            for number, bus in enumerate(self._rig.buses.values(), 1):
                self._trace.record(bus.channel, number)
            for name, console in self._rig.consoles.items():
                console.record(log_path(folder, suite, name))
            self._health = self._rig.health()
            if self._identities is None:
                self._identities = self._identify(self._rig)
                instruments = {name: instrument.identity for name, instrument in self._rig.instruments.items()}
                facts = run_facts(
                    self._rig.facts,
                    self._rig.vehicle,
                    seed=seed,
                    suites=source,
                    instruments=instruments,
                    identities=self._identities,
                )
                write_run_facts(folder, facts)
                self._folder = folder
        except HarnessError as error:
            self._abandon(error)
        except OSError as error:
            self._abandon(BenchError(f"the results of the run cannot be written: {error}"))
        except Exception as error:  # noqa: BLE001  whatever it is: Robot would only log it, and tests would pass
            self._abandon(BenchError(f"{type(error).__name__}: {error}"))

    def _identify(self, rig: "Rig") -> "Mapping[str, Mapping[str, str]]":
        """Ask the devices under test; one that is not what it must be is not energised again in this run."""
        from harness.rig.dut_identity import read_identities

        try:
            return read_identities(rig)
        except HarnessError as error:
            self._blocked = error
            raise
        except Exception as error:
            self._blocked = BenchError(f"nobody knows which device is connected: {type(error).__name__}: {error}")
            raise self._blocked from error

    def _abandon(self, error: HarnessError) -> None:
        """Give a rig back at once that tests cannot be run on."""
        self.open_error = error
        try:
            self._close_all()
        except HarnessError as unsafe:
            self.open_error = BenchError(f"{error}; {unsafe}")

    def _claim(self, folder: Path) -> None:
        if _users.setdefault(folder.resolve(), self) is not self:
            raise BenchError("the library is imported twice in this run; import it once, under one name, for one rig")

    def end_suite(self, name: str) -> tuple[dict[str, str], list[str]]:
        """Bring the rig to its safe state and give it back.

        Returns:
            What a report says when a suite has ended, and what has gone wrong where no test of it takes it.
        """
        failures = dict.fromkeys([*self.untold_failures, *self.test.failures])
        wrong = [f"A judgement failed outside of the tests of {name}. {failure}" for failure in failures]
        told: dict[str, str] = {}
        unwell = f"The rig was not healthy after the tests of {name}: "
        try:
            told = self._rig.told_at_the_end() if self._rig else {}
            wrong += [unwell + problem for problem in self.problems()]
        except HarnessError as error:
            wrong.append(f"{unwell}{error}")
        finally:
            try:
                self.close()
            except Exception as error:  # noqa: BLE001  whatever it is, Robot and pytest would hide it
                wrong.append(f"The rig may not be safe. {error}")
        return told, wrong

    def close(self) -> None:
        """Bring the rig to its safe state and give it back, and close the files of the suite.

        Raises:
            HarnessError: the safe state or an instrument could not be reached, or a file not be written.
        """
        self.open_error = None
        self._close_all()

    def _close_all(self) -> None:
        rig, self._rig = self._rig, None
        trace, self._trace = self._trace, None
        steps: list[Callable[[], None]] = [] if rig is None else [rig.close]
        steps += [] if trace is None else [trace.close]
        steps += [] if rig is None else [console.close_record for console in rig.consoles.values()]
        failed: list[BaseException] = []
        for step in steps:
            try:
                step()
            except BaseException as error:  # noqa: BLE001  whatever it is, files that stay open are lost
                failed.append(error)
        if rig is not None:
            self._rig_seconds += rig.clock.now / 1e9
        if interrupts := [error for error in failed if not isinstance(error, Exception)]:
            raise interrupts[0]
        if failed:
            raise HarnessError("; ".join(map(str, failed)))

    def close_log(self) -> None:
        """Close the log of measurements, and let others use the rig."""
        if self._log is not None:
            self._log.close()
            self._log = None
        if self._folder is not None:
            from harness.results.run_folder import read_run_facts, write_run_facts

            write_run_facts(self._folder, replace(read_run_facts(self._folder), rig_seconds=self._rig_seconds))
            self._folder = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None
        for folder in [folder for folder, user in _users.items() if user is self]:
            del _users[folder]

    def answers(self, path: str) -> "Mapping[str, str]":
        """Return the answers that stand in for an operator, read once.

        Raises:
            RigFileError: the file is missing or damaged.
        """
        from harness.keywords.answers import read_answers

        if path not in self._answers:
            self._answers[path] = read_answers(Path(path))
        return self._answers[path]

    def begin_test(self, name: str, requirements: tuple[str, ...]) -> None:
        """Take up the record of a test."""
        started = self._rig.clock.now if self._rig else 0
        self.test = TestRecord(self.suite.suite, name, requirements, started)
        self.test.times_late = self._rig.times_late if self._rig else 0
        self.mark(f"test {name}")

    def problems(self) -> list[str]:
        """Return what has gone wrong with the rig since it was opened or last looked at; empty if nothing."""
        if self._rig is None:
            return []
        before, self._health = self._health, self._rig.health()
        return self._rig.problems(before)

    def end_test(self) -> list[str]:
        """Restore the rig's defaults; return what is wrong with the rig. What is judged now belongs to no test."""
        problems = list(self.test.problems)
        self.test = TestRecord(self.suite.suite)
        rig = self._rig
        if rig is None:
            return []

        def look() -> None:
            problems.extend(self.problems())

        steps: list[Callable[[], None]] = [look, *rig.restoring(), partial(self.mark, "end of test")]
        for step in steps:
            try:
                step()
            except Exception as error:  # noqa: BLE001  whatever it is: Robot would only log it, and the test would pass
                problems.append(f"{type(error).__name__}: {error}")
        return problems

    @contextmanager
    def aside(self, name: str) -> "Iterator[None]":
        """Let what is done in the block, under a name of its own, count neither for nor against the test that runs."""
        test = self.test
        test.problems += self.problems()
        self.test = TestRecord(self.suite.suite, name)
        self.mark(f"{name} in test {test.name}")
        try:
            yield
        finally:
            self.problems()
            self.mark(f"end of {name}")
            self.test = test

    def lack(self, needs: "Iterable[str]") -> str:
        """Return what the rig lacks of what a test needs, as the reason to skip it; empty if nothing."""
        from harness.rig.rig import capability

        known = self.rig.capabilities
        lacking = [need for need in needs if capability(need) not in known]
        missing = [unknown_name("capability", need, known) for need in lacking]
        return f"rig {self.rig.facts.name} lacks {', '.join(lacking)}: {'; '.join(missing)}" if lacking else ""

    def judged(self, test: TestRecord) -> list[str]:
        """Return the messages of all judgements that did not hold for a test, those of its suite's setup included."""
        return [*self.suite.failures, *test.failures, *self.suite.inconclusive, *test.inconclusive]

    def sum_up(
        self, test: TestRecord, problems: "Sequence[str]", message: str, *, failed: bool, other: Verdict
    ) -> tuple[Verdict, str]:
        """Return the verdict of a test that has ended, and its message.

        Args:
            test: what its judgements found.
            problems: what is wrong with the rig.
            message: what the runner of the test says of it.
            failed: whether the test has failed for its runner.
            other: verdict by whatever failed beside judgements; PASS where nothing did.
        """
        verdicts = [other]
        if self.suite.failures or test.failures:
            verdicts.append(Verdict.FAIL)
        if self.suite.inconclusive or test.inconclusive:
            verdicts.append(Verdict.INCONCLUSIVE)
        if problems:
            verdicts.append(Verdict.ERROR)
        unhealthy = [f"The rig is not healthy: {problem}" for problem in problems]
        swallowed = [f"A failure that the suite swallowed: {it}" for it in self.judged(test) if it not in message]
        said = [message] if message else []
        lines = [*unhealthy, *said, *swallowed] if failed else [*unhealthy, *swallowed, *said]
        return worst(verdicts), "\n".join(lines)

    def mark(self, text: str) -> None:
        """Put a mark into the trace, and into the logs of the consoles."""
        if self._trace is not None and self._rig is not None:
            now = self._rig.clock.now
            self._trace.mark(text, now)
            for console in self._rig.consoles.values():
                console.mark(text, now)

    def draw(self, picture: str) -> Path:
        """Write the picture of a capture into the folder of the run; return where it is in there."""
        from harness.results.run_folder import capture_path

        self._pictures += 1
        path = capture_path(self._pictures_folder, self.suite.suite, self._pictures)
        path.parent.mkdir(exist_ok=True)
        path.write_text(picture, encoding="utf-8", newline="\n")
        return path.relative_to(self._pictures_folder)

    def keep(self, measurement: "Measurement") -> None:
        """Write a measurement to the log, and remember a failure that nobody expected."""
        self.judgements += 1
        if self._log is not None:
            self._log.append(measurement)
        if self.told:
            self.told(measurement)
        if measurement.verdict is Verdict.INCONCLUSIVE:
            self.test.inconclusive.append(measurement.message)
        elif measurement.verdict is Verdict.FAIL:
            self.test.failures.append(measurement.message)
            if self.test is self.suite:
                self.untold_failures.append(measurement.message)
