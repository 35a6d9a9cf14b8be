"""Time of a bench: the wall clock, from the moment the rig is opened."""

from threading import Condition
from time import monotonic_ns

from harness.clock import SECOND, Event


class WallEvent:
    """Something that happens once; any thread may set it."""

    __slots__ = ("_condition", "is_set")

    def __init__(self) -> None:
        self._condition = Condition()
        self.is_set = False

    def set(self) -> None:
        """Let everybody who waits go on."""
        with self._condition:
            self.is_set = True
            self._condition.notify_all()

    def wait_until(self, deadline: int) -> None:
        """Return when the event is set, or at `deadline` of the monotonic clock, in nanoseconds."""
        with self._condition:
            while not self.is_set and (left := deadline - monotonic_ns()) > 0:
                self._condition.wait(left / SECOND)


class WallClock:
    """The :class:`harness.clock.Clock` of a bench. It does not follow changes of the computer's time of day."""

    def __init__(self) -> None:
        self._origin = monotonic_ns()

    @property
    def now(self) -> int:
        """Nanoseconds since the clock was made."""
        return monotonic_ns() - self._origin

    def sleep(self, duration: int) -> None:
        """Let `duration` nanoseconds pass. Ctrl-C and Robot's time-outs end it.

        Raises:
            ValueError: the duration is negative.
        """
        self.wait(WallEvent(), duration)

    def event(self) -> WallEvent:
        """Return a new event, which any thread may set."""
        return WallEvent()

    def wait(self, event: Event, timeout: int) -> bool:
        """Wait until `event` is set, `timeout` nanoseconds at most; say whether it was set.

        Raises:
            ValueError: the time-out is negative.
        """
        if timeout < 0:
            raise ValueError(f"cannot wait for {timeout} ns")
        if not isinstance(event, WallEvent):
            raise TypeError("a wall clock waits for its own events only")
        event.wait_until(monotonic_ns() + timeout)
        return event.is_set
