"""What can go wrong, sorted by who has to act on it.

A judgement on the product is none of these: it is a :class:`JudgementFailure`, an `AssertionError`.
Everything else a keyword raises says that the rig, a file or the test itself is at fault.
"""

from collections.abc import Iterable
from difflib import get_close_matches

_MOST_LISTED = 12


class HarnessError(Exception):
    """Base of all errors of the harness."""

    ROBOT_SUPPRESS_NAME = True


class TestError(HarnessError):
    """The test asks for something that does not exist or makes no sense: unknown signal, wrong unit."""

    __test__ = False


class RigFileError(HarnessError):
    """A rig file, vehicle file or database is missing, damaged or says something that is not allowed."""


class BenchError(HarnessError):
    """The rig is not able to do its work."""


class InstrumentError(BenchError):
    """An instrument refused a command, answered wrongly or is not the one that was declared."""


class InstrumentTimeoutError(InstrumentError, TimeoutError):
    """An instrument did not answer in time."""


class BusError(BenchError):
    """A bus or its channel does not work."""


class StreamError(BenchError):
    """A stream of bytes, such as the console of an ECU, does not work."""


class InconclusiveError(HarnessError):
    """The product was found so close to its limit that the reading's uncertainty decides."""


class JudgementFailure(AssertionError):
    """The product was found outside its limit."""

    ROBOT_SUPPRESS_NAME = True


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """Return the message for a name that nobody knows: what was probably meant, and what there is.

    Example: ``unknown_name("signal", "Vehicle.Sped", ["Vehicle.Speed"])`` gives
    ``no signal 'Vehicle.Sped'; did you mean 'Vehicle.Speed'? Known: Vehicle.Speed``.
    """
    names = sorted(known)
    folded = {candidate.casefold(): candidate for candidate in reversed(names)}
    close = [folded[match] for match in get_close_matches(name.casefold(), folded, n=3)]
    meant = f"; did you mean {' or '.join(map(repr, close))}?" if close else "."
    listed = ", ".join(names[:_MOST_LISTED]) + (
        f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    )
    return f"no {kind} {name!r}{meant} Known: {listed or 'none'}"
