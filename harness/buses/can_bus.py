"""A CAN bus as a test sees it: the latest frames, and waiting for those that are expected."""

from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from harness.can_port import EXTENDED
from harness.clock import MILLISECOND, Clock
from harness.errors import BusError
from harness.protocols.database import Database, Message

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    import can

    from harness.transports.can_channel import CanChannel

ASLEEP_AFTER = 2.0
"""Without a frame for so many seconds, a bus has gone to sleep [P]: four times the cycle of network management."""
_HANDING_OVER = MILLISECOND
"""From the end of a frame on the bus until it is here, at most [P]: three bit times on a simulated bus."""
_HANDING_OVER_ON_A_BENCH = 50 * MILLISECOND
"""Likewise through an adapter or a server and a busy computer [P]."""


@dataclass(frozen=True)
class Sighting:
    """What was seen of a message while waiting."""

    met: bool
    """Whether a frame was what was waited for."""
    frame: "can.Message | None"
    """That frame, else the last one seen in the time, else None."""
    count: int
    """Frames seen in the time."""
    longest_gap: float
    """Seconds without a frame, at most: between frames, before the first or behind the last."""
    doubtful: bool = False
    """Whether nobody can tell if what was waited for came in the time, by when it came: a frame may have been too late,
    or one came that may have ended before."""


@dataclass(frozen=True)
class Recording:
    """The frames that were seen in a time; while it lasts, they become more."""

    begin: float
    """Of what is looked at, in seconds of the time stamps: the first that has surely ended behind the call."""
    end: float
    """The last that may have ended in the time."""
    uncertainty: float
    frames: "list[can.Message]" = field(default_factory=list)
    before: "list[can.Message]" = field(default_factory=list)
    """Frames that may have ended before the time; they are not among the others."""

    @property
    def doubtful(self) -> bool:
        """Whether nobody can tell if any frame came in the time: each may have ended before, or too late."""
        if not self.frames:
            return bool(self.before)
        return self.uncertainty > 0 and self.frames[0].timestamp > self.end - 2 * self.uncertainty


class CanBus:
    """One bus of the rig, with its database."""

    def __init__(self, name: str, channel: "CanChannel", database: Database, clock: Clock) -> None:
        self.name = name
        self.channel = channel
        self.database = database
        self._clock = clock
        self._latest: dict[int, can.Message] = {}
        self._last = self._woke = -inf
        channel.listen(self._remember)

    def _remember(self, frame: "can.Message") -> None:
        if frame.is_rx:
            stamp = frame.timestamp
            if stamp > self._last + ASLEEP_AFTER:
                self._woke = stamp
            self._last = stamp
            key = frame.arbitration_id | EXTENDED if frame.is_extended_id else frame.arbitration_id
            self._latest[key] = frame

    @property
    def uncertainty(self) -> float:
        """How far the time stamp of a frame may be off rig time, in seconds."""
        return self.channel.uncertainty

    def latest(self, message: Message) -> "can.Message | None":
        """Return the last frame of a message, None when there was none since the rig was opened."""
        return self._latest.get(message.key)

    def watch(self, message: Message, until: "Callable[[can.Message], bool]", timeout: int) -> Sighting:
        """Look at every frame of a message that ends from now on, until one is what is waited for.

        Frames that the tester has sent do not count.

        By their time stamps: a frame that has ended before, or may have, does not count. One that ends in time, or
        may do, counts, though it is handed over a little later. What cannot be told is said.

        Args:
            message: whose frames to look at.
            until: says of a frame whether it is what is waited for.
            timeout: nanoseconds to wait at most.

        Raises:
            BusError: what was waited for did not come, and the bus itself did not work all the time.
        """
        clock, uncertainty = self._clock, self.uncertainty
        begin = clock.now / 1e9 + uncertainty
        deadline = begin + timeout / 1e9
        handing_over = _HANDING_OVER_ON_A_BENCH if uncertainty else _HANDING_OVER
        found = clock.event()
        seen: list[can.Message] = []
        count, longest_gap, last, doubtful = 0, 0.0, begin, False

        def look(frame: "can.Message") -> None:
            nonlocal count, longest_gap, last, doubtful
            if not frame.is_rx or found.is_set:
                return
            if begin - 2 * uncertainty <= frame.timestamp < begin:
                doubtful = doubtful or until(frame)
            elif begin <= frame.timestamp <= deadline:
                count += 1
                longest_gap, last = max(longest_gap, frame.timestamp - last), frame.timestamp
                seen[:] = [frame]
                if until(frame):
                    found.set()

        before = self.channel.health()
        stop = self.channel.listen(look, (message.key,))
        try:
            if not clock.wait(found, timeout + handing_over):
                self.channel.prove_alive()
                if uncertainty:  # what was held up comes now
                    clock.wait(found, handing_over)
        finally:
            stop()
        if not found.is_set:
            self._check(self.channel.health().problems_since(before))
            longest_gap = max(longest_gap, deadline - last)
        elif uncertainty:
            doubtful = seen[0].timestamp > deadline - 2 * uncertainty
        return Sighting(found.is_set, seen[0] if seen else None, count, round(longest_gap, 9), doubtful)

    def record(self, message: Message, duration: int) -> Recording:
        """Return the frames of a message that end in the next `duration` nanoseconds; see `recording`."""
        with self.recording(duration, (message.key,)) as seen:
            self._clock.sleep(duration)
        return seen

    @contextmanager
    def recording(
        self, duration: int, keys: "Collection[int] | None" = None, *, own: bool = False
    ) -> "Iterator[Recording]":
        """Record the frames (of these keys) that end in the next `duration` nanoseconds, which the block must take.

        By their time stamps, as in `watch`: what cannot be told is said.

        Args:
            duration: nanoseconds.
            keys: whose frames; None: all.
            own: whether frames that the tester has sent count as well: they are on the bus, too.

        Raises:
            BusError: at the end of the block, where the bus itself did not work all the time.
        """
        uncertainty = self.uncertainty
        begin = self._clock.now / 1e9 + uncertainty
        end = begin + duration / 1e9
        seen = Recording(begin, end, uncertainty)

        def keep(frame: "can.Message") -> None:
            if not (frame.is_rx or own):
                return
            if begin <= frame.timestamp <= end:
                seen.frames.append(frame)
            elif begin - 2 * uncertainty <= frame.timestamp < begin:
                seen.before.append(frame)

        before = self.channel.health()
        handing_over = _HANDING_OVER_ON_A_BENCH if uncertainty else _HANDING_OVER
        stop = self.channel.listen(keep, keys)
        try:
            yield seen
            self._clock.sleep(handing_over)
            self.channel.prove_alive()
            if uncertainty:  # what was held up comes now
                self._clock.sleep(handing_over)
        finally:
            stop()
        self._check(self.channel.health().problems_since(before))

    @property
    def has_been_heard(self) -> bool:
        """Whether a frame has come since the rig was opened."""
        return bool(self._latest)

    @property
    def awake_since(self) -> float | None:
        """Time stamp of the first frame after the bus had last been silent for `ASLEEP_AFTER`; None: it is silent now.

        Frames that the tester has sent do not count.
        """
        return self._woke if self._clock.now / 1e9 - self._last <= ASLEEP_AFTER else None

    def _check(self, problems: "list[str]") -> None:
        if problems:
            raise BusError(f"bus {self.name} does not work: {', '.join(problems)}")
