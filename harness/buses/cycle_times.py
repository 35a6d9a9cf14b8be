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


def cycle_times(stamps: Sequence[float]) -> CycleTimes:
    """Return the statistics of the periods between time stamps in seconds.

    Raises:
        ValueError: there are fewer than two time stamps.
    """
    if len(stamps) < 2:
        raise ValueError(f"a period needs two frames; there {'is one' if stamps else 'is none'}")
    periods = [later - earlier for earlier, later in pairwise(stamps)]
    # Time stamps are exact to the nanosecond; what is left behind that is noise of the subtraction.
    mean = round((stamps[-1] - stamps[0]) / len(periods), 9)
    return CycleTimes(len(periods), mean, round(min(periods), 9), round(max(periods), 9))
