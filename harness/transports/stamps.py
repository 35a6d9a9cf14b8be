"""From the time stamps of a channel to rig time.

A channel stamps frames by a clock of its own: the adapter's, a server's, or the computer's time of day. A frame cannot
be received before its stamp, so of all frames the one that came soonest tells best how far the two clocks are apart.
What it took at least remains unknown: that is the uncertainty.
"""

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


class StampMapping:
    """Maps the stamps of one channel; not for several threads at once."""

    def __init__(self) -> None:
        self._delay = ASSUMED
        self._frames = 0
        self._found_at = 0
        self._received = 0
        self._before: int | None = None
        self._offset: int | None = None
        self._window_ends = 0

    @property
    def uncertainty(self) -> int:
        """Nanoseconds that the stamp of the latest frame may be off: by its delay, and by drift since then."""
        if self._frames < _FEW:
            return _FIRST
        return self._delay + round(_DRIFT * (self._received - self._found_at))

    def bound(self, delay: int) -> None:
        """Take note that handing a frame over takes `delay` nanoseconds at most when nothing is in the way."""
        self._delay = min(self._delay, delay)

    def rig_time(self, stamp: int, received: int) -> tuple[int, str]:
        """Return the rig time of a stamp, and what is wrong with it, in words; empty if nothing.

        Args:
            stamp: nanoseconds of the channel's clock.
            received: rig time at which the frame was handed over.
        """
        offset = received - stamp
        known = self._known()
        self._frames += 1
        self._received = received
        if known is None or offset <= known or abs(offset - known) >= JUMP:
            self._found_at = received
        if received >= self._window_ends:
            self._before, self._offset = self._offset, None
            self._window_ends = received + _WINDOW
        if known is None:
            self._offset = offset
            return received, ""
        if abs(offset - known) >= JUMP:
            self._before, self._offset = None, offset
            return received, (
                f"a frame came {(offset - known) / SECOND:.3f} s after its time stamp: it was held up, or the clock "
                "of the channel was set"
            )
        self._offset = offset if self._offset is None else min(self._offset, offset)
        return stamp + min(known, offset), ""

    def _known(self) -> int | None:
        offsets = [offset for offset in (self._before, self._offset) if offset is not None]
        return min(offsets, default=None)
