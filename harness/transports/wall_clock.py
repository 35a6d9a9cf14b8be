"""Time of a bench: the wall clock, from the moment the rig is opened."""

from contextlib import suppress
from threading import Lock
from time import monotonic_ns

from harness.clock import SECOND, Event


class WallEvent:
    """Something that happens once; any thread may set it.

    Ctrl-C raises anywhere in a wait. A lock taken in Python code, as a `Condition` has one, would then stay locked, and
    whoever sets the event would wait for ever. So nothing is locked here but what a wait is for.
    """

    __slots__ = ("_gate", "is_set")

    def __init__(self) -> None:
        self._gate = Lock()
        self._gate.acquire()
        self.is_set = False

    def set(self) -> None:
        """Let everybody who waits go on."""
        self.is_set = True
        with suppress(RuntimeError):  # it is open already
            self._gate.release()

    def wait_until(self, deadline: int) -> None:
        """Return when the event is set, or at `deadline` of the monotonic clock, in nanoseconds."""
        while not self.is_set and (left := deadline - monotonic_ns()) > 0:
            if self._gate.acquire(timeout=left / SECOND):
                self.set()  # for the next one who waits


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
