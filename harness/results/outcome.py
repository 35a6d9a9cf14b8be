"""What became of each test, read from Robot's output.xml."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from robot import result
from robot.api import ExecutionResult, ResultVisitor
from robot.errors import DataError  # type: ignore[import-untyped]  # Robot has types for its api only

from harness.errors import HarnessError
from harness.results.verdict import Verdict, verdict_of

RIG_SECONDS = "Rig seconds"
"""Name of the test metadata in which the listener leaves how much rig time a test took."""

REQUIREMENT = "req:"
"""Beginning of the tags that name a requirement."""


class SuiteLabels:
    """Names suites so that no two of a run share a name: the second `Boot` is `Boot (2)`."""

    def __init__(self) -> None:
        self._labels: dict[str, str] = {}
        self._counts: Counter[str] = Counter()

    def label(self, identifier: str, name: str) -> str:
        """Return the label of a suite, by Robot's id and long name of it; the same each time it is asked for."""
        if identifier not in self._labels:
            self._counts[name] += 1
            count = self._counts[name]
            self._labels[identifier] = name if count == 1 else f"{name} ({count})"
        return self._labels[identifier]


@dataclass(frozen=True)
class Outcome:
    """What became of one test; `suite` is the label of its suite, `seconds` are of the wall clock."""

    suite: str
    name: str
    verdict: Verdict
    message: str
    tags: tuple[str, ...]
    started: datetime | None
    seconds: float
    rig_seconds: float | None

    @property
    def requirements(self) -> tuple[str, ...]:
        """The requirements that the test is tagged with."""
        return tagged(self.tags, REQUIREMENT)

    @property
    def first_line(self) -> str:
        """The first line of its message that says something."""
        return first_line(self.message)


def first_line(message: str) -> str:
    """Return the first line of a test's message, and the next one where it only says what that one is about."""
    first, _, rest = message.strip().partition("\n")
    return f"{first} {rest.strip().partition(chr(10))[0]}" if first.endswith(":") and rest else first


def tagged(tags: Iterable[str], beginning: str) -> tuple[str, ...]:
    """Return what stands behind `beginning` in the tags that have it, upper and lower case aside, as in Robot."""
    found = (tag[len(beginning) :].strip() for tag in tags if tag.casefold().startswith(beginning))
    return tuple(found)


def read_outcomes(output_xml: Path) -> list[Outcome]:
    """Return what became of the tests, in the order in which they ran.

    Raises:
        HarnessError: the file is missing or damaged.
    """
    try:
        execution = ExecutionResult(output_xml, include_keywords=False)
    except DataError as error:
        raise HarnessError(f"result of Robot: {error}") from error
    visitor = _Outcomes()
    execution.visit(visitor)
    return visitor.found


class _Outcomes(ResultVisitor):  # type: ignore[misc]  # Robot has no types
    def __init__(self) -> None:
        self.found: list[Outcome] = []
        self._labels = SuiteLabels()

    def visit_test(self, test: result.TestCase) -> None:
        self.found.append(
            Outcome(
                suite=self._labels.label(test.parent.id, test.parent.full_name) if test.parent else "",
                name=test.name,
                verdict=verdict_of(test),
                message=test.message,
                tags=tuple(test.tags),
                started=test.start_time,
                seconds=test.elapsed_time.total_seconds(),
                rig_seconds=float(test.metadata[RIG_SECONDS]) if RIG_SECONDS in test.metadata else None,
            )
        )
