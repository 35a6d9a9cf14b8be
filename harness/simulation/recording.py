"""The voltage of a net over the last while, exactly: between two changes of its plant it is a straight line."""

from bisect import bisect_right
from collections import deque

from harness.clock import SECOND


class Recording:
    """Keeps what is needed to say the voltage at any time of the last `horizon` nanoseconds, and no more."""

    def __init__(self, horizon: int) -> None:
        self.horizon = horizon
        self._lines: deque[tuple[int, float, float]] = deque()

    def note(self, now: int, voltage: float, slope: float) -> None:
        """Take note that from `now` on the voltage (V) moves at `slope` (V/s), until the next note."""
        lines = self._lines
        if lines and lines[-1][0] == now:
            lines.pop()
        lines.append((now, voltage, slope))
        while len(lines) > 1 and lines[1][0] <= now - self.horizon:
            lines.popleft()

    def at(self, time: int) -> float:
        """Return the voltage at a time; before the first note it was what it was then."""
        index = max(bisect_right(self._lines, time, key=lambda line: line[0]) - 1, 0)
        begin, voltage, slope = self._lines[index]
        return voltage + slope * max(time - begin, 0) / SECOND
