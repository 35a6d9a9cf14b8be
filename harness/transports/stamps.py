"""From the time stamps of a channel to rig time.

A channel stamps frames by a clock of its own: the adapter's, a server's, or the computer's time of day. A frame cannot
be received before its stamp, so of all frames the one that came soonest tells best how far the two clocks are apart.
What it took at least remains unknown: that is the uncertainty.
"""

from operator import itemgetter

from harness.clock import MILLISECOND, SECOND

ASSUMED = 10 * MILLISECOND
"""Uncertainty where nothing is known of how long a frame takes at least to be handed over [P]."""
JUMP = SECOND // 2
"""From here on a frame was held up, or the clock of the channel was set [P]: drift and load are far below."""
_WINDOW = 10 * SECOND
"""What was found is good for two windows, since clocks drift against each other."""
_DRIFT = 1e-4
"""By which two clocks drift apart at most [P]: a crystal is off by 20 to 50 millionths."""
_FEW = 10
"""Frames before which none may have come without delay [P]."""
_FIRST = 50 * MILLISECOND
"""Uncertainty until then [P]."""

_Found = tuple[int, int]
"""By how much rig time is ahead of a stamp at least, and the rig time at which that was found."""


class StampMapping:
    """Maps the stamps of one channel; not for several threads at once."""

    def __init__(self) -> None:
        self._delay = ASSUMED
        self._frames = 0
        self._before: _Found | None = None
        self._now: _Found | None = None
        self._window_ends = 0

    def uncertainty(self, now: int) -> int:
        """Return by how many nanoseconds the stamp of a frame may be off that comes at rig time `now`.

        By what it takes at least to be handed over, and by what the clocks have drifted since that was found.
        """
        known = self._known()
        if known is None or self._frames < _FEW or self._is_old(now):
            return _FIRST
        return self._delay + _drift(known, now)

    def bound(self, delay: int) -> None:
        """Take note that handing a frame over takes `delay` nanoseconds at most when nothing is in the way."""
        self._delay = min(self._delay, delay)

    def rig_time(self, stamp: int, received: int) -> tuple[int, str]:
        """Return the rig time of a stamp, and what is wrong with it, in words; empty if nothing.

        Args:
            stamp: nanoseconds of the channel's clock.
            received: rig time at which the frame was handed over.
        """
        found = received - stamp, received
        known, is_old = self._known(), self._is_old(received)
        if received >= self._window_ends:
            self._before, self._now = self._now, None
            self._window_ends = received + _WINDOW
        late = found[0] - known[0] if known else 0
        is_fault = known is not None and abs(late) - _drift(known, received) >= JUMP
        if known is None or is_old or is_fault:
            self._before, self._now, self._frames = None, found, self._frames if is_fault else 0
        elif self._now is None or found[0] <= self._now[0]:
            self._now = found
        self._frames += 1
        if is_fault:
            return received, (
                f"a frame came {late / SECOND:.3f} s after its time stamp: it was held up, or the clock "
                "of the channel was set"
            )
        return received if is_old else received - max(late, 0), ""

    def _known(self) -> _Found | None:
        """Return the frame that came soonest, of those that count."""
        both = [found for found in (self._now, self._before) if found is not None]
        return min(both, key=itemgetter(0), default=None)

    def _is_old(self, now: int) -> bool:
        """Say whether no frame has come for so long that what was known tells nothing any more."""
        return now >= self._window_ends + _WINDOW


def _drift(known: _Found, now: int) -> int:
    return round(_DRIFT * max(now - known[1], 0))
