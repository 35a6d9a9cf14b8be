"""What a Robot run holds: the opened rig, the log of measurements, and the record of the test that runs.

A rig that cannot be opened is remembered, not raised where Robot would only log it: each keyword that needs it
raises the error, and no test passes on it.
"""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import BenchError, HarnessError
from harness.results.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.buses.trace import Trace
    from harness.can_port import ChannelHealth
    from harness.results.measurement import Measurement, MeasurementLog
    from harness.rig.rig import Rig


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


_users: "dict[Path, Session]" = {}
"""The session that writes to each run folder."""


class Session:
    """The rig of a Robot run, opened when the first suite starts."""

    def __init__(self, rig: str) -> None:
        self.rig_name = rig
        self.test = TestRecord()
        self.suite = TestRecord()
        self.expects_failure = False
        """Whether the judgement that runs is meant to fail."""
        self.expected_failures: list[str] = []
        """Messages of judgements that were meant to fail, and did."""
        self.untold_failures: list[str] = []
        """Failures in the setup of a suite that no test has taken yet."""
        self.open_error: HarnessError | None = None
        self._rig: Rig | None = None
        self._log: MeasurementLog | None = None
        self._trace: Trace | None = None
        self._health: Mapping[str, ChannelHealth] = {}
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
        """Whether there is an opened rig."""
        return self._rig is not None

    @property
    def description(self) -> dict[str, str]:
        """What a report says of the rig; empty when it is not open."""
        return self._rig.facts.shown_in_reports(self._rig.vehicle.name) if self._rig else {}

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
        from harness.results.run_folder import trace_path, write_run_facts
        from harness.rig.open_rig import open_rig
        from harness.rig.rig_file import find_rig
        from harness.rig.run_facts import run_facts

        self.open_error = None
        self.test = self.suite = TestRecord(suite=suite)
        self.untold_failures = []
        try:
            self._claim(folder)
            self._rig = open_rig(find_rig(self.rig_name), seed)
            folder.mkdir(parents=True, exist_ok=True)
            if self._log is None:
                path = folder / "measurements.jsonl"
                path.unlink(missing_ok=True)  # of an earlier run into the same folder
                self._log = MeasurementLog(path)
                identities = {name: instrument.identity for name, instrument in self._rig.instruments.items()}
                write_run_facts(folder, run_facts(self._rig.facts, self._rig.vehicle, seed, source, identities))
            self._trace = Trace(trace_path(folder, suite))
            for number, bus in enumerate(self._rig.buses.values(), 1):
                self._trace.record(bus.channel, number)
        except HarnessError as error:
            self.open_error = error
        except OSError as error:
            self.open_error = BenchError(f"the results of the run cannot be written: {error}")
        except Exception as error:  # noqa: BLE001  whatever it is: Robot would only log it, and tests would pass
            self.open_error = BenchError(f"{type(error).__name__}: {error}")

    def _claim(self, folder: Path) -> None:
        if _users.setdefault(folder.resolve(), self) is not self:
            raise BenchError("the library is imported twice in this run; import it once, under one name, for one rig")

    def close(self) -> None:
        """Bring the rig to its safe state and give it back.

        Raises:
            HarnessError: the safe state or an instrument could not be reached.
        """
        rig, self._rig = self._rig, None
        trace, self._trace = self._trace, None
        self.open_error = None
        try:
            if rig is not None:
                rig.close()
        finally:
            if trace is not None:
                trace.close()

    def close_log(self) -> None:
        """Close the log of measurements."""
        if self._log is not None:
            self._log.close()
            self._log = None
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
        if self._rig is not None:
            self._health = self._rig.channel_health()
        self.mark(f"test {name}")

    def end_test(self) -> list[str]:
        """Restore the rig's defaults; return what is wrong with the rig. What is judged now belongs to no test."""
        self.test = TestRecord(self.suite.suite)
        rig = self._rig
        if rig is None:
            return []
        problems: list[str] = []

        def look() -> None:
            problems.extend(rig.problems(self._health))

        steps: list[Callable[[], None]] = [look, *rig.restoring(), partial(self.mark, "end of test")]
        for step in steps:
            try:
                step()
            except Exception as error:  # noqa: BLE001  whatever it is: Robot would only log it, and the test would pass
                problems.append(f"{type(error).__name__}: {error}")
        return problems

    def mark(self, text: str) -> None:
        """Put a mark into the trace."""
        if self._trace is not None and self._rig is not None:
            self._trace.mark(text, self._rig.clock.now)

    def keep(self, measurement: "Measurement") -> None:
        """Write a measurement to the log, and remember a failure that nobody expected."""
        if self._log is not None:
            self._log.append(measurement)
        if measurement.verdict is Verdict.FAIL:
            self.test.failures.append(measurement.message)
            if self.test is self.suite:
                self.untold_failures.append(measurement.message)
