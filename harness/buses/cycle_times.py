"""Cycle times of a message, from the time stamps of its frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class CycleTimes:
    """Statistics of the periods between frames, in seconds."""

    count: int
    """Periods, one fewer than frames."""
    mean: float
    minimum: float
    maximum: float


def cycle_times(stamps: Sequence[float], begin: float | None = None, end: float | None = None) -> CycleTimes:
    """Return the statistics of the periods between time stamps in seconds.

    A period that was cut off by the `begin` or `end` of looking was at least as long as what is seen of it: it counts
    for the maximum.

    Raises:
        ValueError: there are fewer than two time stamps.
    """
    if len(stamps) < 2:
        raise ValueError(f"a period needs two frames; there {'is one' if stamps else 'is none'}")
    periods = [later - earlier for earlier, later in pairwise(stamps)]
    # Time stamps are exact to the nanosecond; what is left behind that is noise of the subtraction.
    mean = round((stamps[-1] - stamps[0]) / len(periods), 9)
    cut_off = [stamps[0] - begin] if begin is not None else []
    cut_off += [end - stamps[-1]] if end is not None else []
    return CycleTimes(len(periods), mean, round(min(periods), 9), round(max(*periods, *cut_off), 9))
