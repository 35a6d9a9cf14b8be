"""Makes a measurement of each judgement, and a failure of each that does not hold."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from robot.api import logger

from harness.errors import InconclusiveError, JudgementFailure, TestError
from harness.quantities import Duration, Quantity, format_quantity
from harness.results.measurement import Measurement
from harness.results.verdict import Verdict

if TYPE_CHECKING:
    from harness.keywords.session import Session
    from harness.vehicle import Limit


@dataclass(frozen=True)
class Allowed:
    """What a measurement may be."""

    unit: str = ""
    low: float | None = None
    high: float | None = None
    expected: str | None = None
    source: str = ""
    """Where the limits come from."""

    def __str__(self) -> str:
        if self.expected is not None:
            return self.expected
        low = None if self.low is None else format_quantity(self.low, self.unit)
        high = None if self.high is None else format_quantity(self.high, self.unit)
        if low is None or high is None:
            return f"at most {high}" if low is None else f"at least {low}"
        return f"{low} to {high}"

    def holds(self, value: float) -> bool:
        """Say whether a number is within the limits."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def is_settled(self, least: float) -> bool:
        """Say whether a number that is `least` or more is within the limits or outside, whatever it is."""
        return least > self.high if self.high is not None else self.holds(least)

    def is_near(self, value: float | str | None, uncertainty: float) -> bool:
        """Say whether a number is within its uncertainty of a limit."""
        if not uncertainty or not isinstance(value, int | float):
            return False
        return any(limit is not None and abs(value - limit) <= uncertainty for limit in (self.low, self.high))


def allowed_by(limit: "Limit") -> Allowed:
    """Return what a limit of the vehicle allows."""
    return Allowed(limit.unit, limit.low, limit.high, None, f"limit {limit.name}, {limit.source} [{limit.tag}]")


def judge(
    session: "Session",
    name: str,
    *,
    value: float | str | None,
    allowed: Allowed,
    holds: bool,
    actual: str,
    source: str,
    instrument: str = "",
    uncertainty: float = 0.0,
    doubtful: bool = False,
    at_least: bool = False,
) -> None:
    """Keep a measurement, and fail the test when it is not allowed.

    Args:
        session: whose test this belongs to.
        name: what was measured.
        value: the reading.
        allowed: what it may be.
        holds: whether it is allowed.
        actual: the reading in words, for the message.
        source: what was read, and when.
        instrument: identity of the instrument that measured.
        uncertainty: how far the reading may be off, in its unit.
        doubtful: whether it may have been made outside of the time that counts.
        at_least: whether the reading is a number that may be higher in truth, by as much as one likes.

    Raises:
        JudgementFailure: it is not allowed. The message says expected, actual, limit and source.
        InconclusiveError: it is so close to a limit that nobody can tell, or it may be higher and that decides.
    """
    message = f"{name}: expected {allowed}, but {actual}"
    if allowed.source:
        message += f"; {allowed.source}"
    message += f"; source {source}"
    is_near = allowed.is_near(value, uncertainty)
    was_late = not holds and session.rig.times_late > session.test.times_late
    is_unsettled = at_least and isinstance(value, int | float) and not allowed.is_settled(value)
    is_open = is_near or doubtful or was_late or is_unsettled
    if doubtful:
        message += "; so near to the beginning or the end of the time that nobody can tell whether it counts"
    elif is_near:
        message += f"; off by {format_quantity(uncertainty, allowed.unit)} at most, so that nobody can tell"
    elif is_unsettled:
        message += "; it may be more, so that nobody can tell"
    elif was_late:
        message += "; the simulated ECUs were late in this test, so that nobody can tell whose fault it is"
    expected_failure = not holds and not is_open and session.expects_failure
    verdict = Verdict.PASS if holds or expected_failure else Verdict.FAIL
    told = f"failed, as the suite expects: {message}" if expected_failure else message
    session.keep(
        Measurement(
            time=session.rig.clock.now / 1e9,
            suite=session.test.suite,
            test=session.test.name,
            name=name,
            value=value,
            unit=allowed.unit,
            low=allowed.low,
            high=allowed.high,
            expected=allowed.expected,
            uncertainty=uncertainty,
            verdict=Verdict.INCONCLUSIVE if is_open else verdict,
            requirements=session.test.requirements,
            limit_source=allowed.source,
            source=source,
            instrument=instrument,
            message="" if verdict is Verdict.PASS and not (expected_failure or is_open) else told,
        )
    )
    if is_open:
        raise InconclusiveError(message)
    if expected_failure:
        session.expected_failures.append(message)
    if not holds:
        raise JudgementFailure(message)
    logger.info(f"{name}: {actual}; allowed: {allowed}" + (f"; {allowed.source}" if allowed.source else ""))


def is_name(text: str) -> bool:
    """Say whether a text is meant as the name of a limit, and not as a quantity."""
    return not (text[:1].isdigit() or text[:1] in "+-.")


def named_limit(session: "Session", name: str, argument: str) -> "Limit":
    """Return a limit of the vehicle.

    Raises:
        TestError: there is no such limit; names the argument, and the limit that was probably meant.
    """
    if "=" in name:
        raise TestError(
            f"Argument {argument!r}: {name!r} is no limit, and there is no argument {name.partition('=')[0]!r}"
        )
    try:
        return session.rig.limit(name)
    except TestError as error:
        raise TestError(f"Argument {argument!r}: {error}") from None


def limit_of(session: "Session", name: str, kind: type[Quantity], argument: str = "limit") -> Allowed:
    """Return what a limit of the vehicle allows for this kind of quantity.

    Raises:
        TestError: there is no such limit, or it limits another kind of quantity; names the argument.
    """
    found = named_limit(session, name, argument)
    if found.unit != kind.unit:
        allowed = allowed_by(found)
        raise TestError(f"Argument {argument!r}: {found.name} is {allowed}; a limit of a {kind.noun()} is needed")
    return allowed_by(found)


def between(low: Quantity, high: Quantity) -> Allowed:
    """Return what two bounds allow.

    Raises:
        TestError: the lower one is above the higher one.
    """
    if low > high:
        raise TestError(f"Argument 'low': {low} is above high, {high}")
    return Allowed(low.unit, float(low), float(high))


def time_to_look(nanoseconds: int, argument: str = "during") -> int:
    """Return the time for which a keyword looks.

    Raises:
        TestError: it is none; names the argument.
    """
    if not nanoseconds:
        raise TestError(f"Argument {argument!r}: nothing can be seen in 0 s")
    return nanoseconds


def time_limit(session: "Session", text: str, argument: str) -> tuple[int, str]:
    """Read a time limit: a duration such as `2 s`, or the name of a limit of the vehicle.

    Returns:
        Nanoseconds, and where the limit comes from.

    Raises:
        TestError: it is neither; names the argument.
    """
    if not is_name(text):
        try:
            return Duration.parse(text).ns, ""
        except TestError as error:
            raise TestError(f"Argument {argument!r}: {error}") from None
    limit = named_limit(session, text, argument)
    if limit.unit != Duration.unit or limit.high is None:
        raise TestError(f"Argument {argument!r}: limit {limit.name} is {allowed_by(limit)}; a time at most is needed")
    return Duration(limit.high).ns, allowed_by(limit).source
