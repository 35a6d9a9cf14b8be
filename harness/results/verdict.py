"""Verdicts: what a test says about the product, and what a run says to who started it."""

from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import Protocol

_TAG = "verdict:"

NOT_TO_BE_TRUSTED = 2
"""Exit code where something else than the product went wrong, the harness itself included."""
NOTHING_RAN = 3
"""Exit code of bad usage, of a bad file, and where there was nothing to run."""


class Verdict(StrEnum):
    """The outcome of a judgement or of a test, from the least to the most severe."""

    SKIPPED = "SKIPPED"
    PASS = "PASS"  # noqa: S105 - no password
    NOT_RUN = "NOT RUN"
    INCONCLUSIVE = "INCONCLUSIVE"
    FAIL = "FAIL"
    ERROR = "ERROR"
    ABORTED = "ABORTED"

    @property
    def severity(self) -> int:
        """Place in the order of severity; the verdicts themselves compare as texts."""
        return list(Verdict).index(self)

    @property
    def tag(self) -> str:
        """The Robot tag that carries the verdict of a test."""
        return f"{_TAG}{self}"


_GOOD = frozenset({Verdict.PASS, Verdict.SKIPPED})
_BY_STATUS = {
    "PASS": Verdict.PASS,
    "FAIL": Verdict.ERROR,
    "SKIP": Verdict.SKIPPED,
    "NOT RUN": Verdict.NOT_RUN,
    "NOT SET": Verdict.NOT_RUN,
}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the most severe verdict; NOT RUN when there is none."""
    return max(verdicts, key=lambda verdict: verdict.severity, default=Verdict.NOT_RUN)


def exit_code(verdicts: Collection[Verdict]) -> int:
    """Return the exit code of a run.

    0: nothing but PASS and SKIPPED. 1: the product failed. 2: ERROR, INCONCLUSIVE or ABORTED, whatever else there
    is, or tests that were not reached without a failure that explains it. 3: nothing ran.
    """
    seen = set(verdicts)
    if seen <= {Verdict.NOT_RUN}:
        return NOTHING_RAN
    if seen <= _GOOD:
        return 0
    return 1 if Verdict.FAIL in seen and seen <= _GOOD | {Verdict.FAIL, Verdict.NOT_RUN} else NOT_TO_BE_TRUSTED


class RobotResult(Protocol):
    """What a verdict takes from a test of ``robot.result``."""

    @property
    def status(self) -> str:
        """PASS, FAIL, SKIP, NOT RUN or NOT SET."""

    @property
    def tags(self) -> Collection[str]:
        """The tags; membership ignores case and spaces."""


def verdict_of(test: RobotResult) -> Verdict:
    """Return the verdict of a Robot result: of its tag, else of its status.

    A failure without a tag, or whose tag says that all was well (a suite teardown failed after the test), is an
    ERROR: nobody found the product outside a limit. So is a verdict tag that is none of ours.
    """
    known = {verdict.tag.casefold(): verdict for verdict in Verdict}
    tagged = [known.get(tag.casefold(), Verdict.ERROR) for tag in test.tags if tag.casefold().startswith(_TAG)]
    if "robot:exit" in test.tags and not tagged:
        return Verdict.NOT_RUN
    verdict = worst(tagged) if tagged else _BY_STATUS[test.status]
    contradicts = test.status == "FAIL" and verdict in _GOOD | {Verdict.NOT_RUN}
    return Verdict.ERROR if contradicts else verdict
