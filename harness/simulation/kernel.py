"""Event-driven simulation kernel: integer nanoseconds, one thread, the same result every time.

Events of the same instant happen in the order in which they were scheduled. The kernel is the clock of a virtual
rig: waiting runs it.
"""

from collections.abc import Callable, Generator
from heapq import heappop, heappush

from harness.clock import Event
from harness.errors import BenchError
from harness.interrupts import held_back

Action = Callable[[], None]
Process = Generator["int | SimulatedEvent", None, None]
"""A process yields how many nanoseconds it waits, or the event that it waits for."""

_END_OF_INSTANT = 1 << 62
"""Added to the place in the order of an instant: after everything else of it."""


class SimulatedEvent:
    """Something that happens once; actions that wait for it run at the instant it does."""

    __slots__ = ("_kernel", "_waiting", "is_set")

    def __init__(self, kernel: "Kernel") -> None:
        self._kernel = kernel
        self._waiting: list[Action] = []
        self.is_set = False

    def set(self) -> None:
        """Let everybody who waits go on, in the order in which they began to wait."""
        if not self.is_set:
            self.is_set = True
            for action in self._waiting:
                self._kernel.at(self._kernel.now, action)
            self._waiting.clear()

    def when_set(self, action: Action) -> None:
        """Run `action` when the event happens, or now if it has."""
        if self.is_set:
            self._kernel.at(self._kernel.now, action)
        else:
            self._waiting.append(action)


class Timer:
    """Runs an action once, at a time that can be changed and taken back."""

    __slots__ = ("_action", "_generation", "_kernel", "due")

    def __init__(self, kernel: "Kernel", action: Action) -> None:
        self._kernel = kernel
        self._action = action
        self._generation = 0
        self.due: int | None = None

    def start(self, delay: int) -> None:
        """Run the action `delay` nanoseconds from now, instead of at any time set before."""
        self.start_at(self._kernel.now + delay)

    def start_at(self, time: int) -> None:
        """Run the action at rig time `time`, instead of at any time set before."""
        if self.due == time:
            return
        self._generation += 1
        generation = self._generation
        self.due = time
        self._kernel.at(time, lambda: self._fire(generation))

    def stop(self) -> None:
        """Take back what was set."""
        self._generation += 1
        self.due = None

    def _fire(self, generation: int) -> None:
        if generation == self._generation:
            self.due = None
            self._action()


class RunningProcess:
    """A process that the kernel moves on; it can be stopped at any time."""

    __slots__ = ("_inside", "_kernel", "_process", "_timer", "is_running")

    def __init__(self, kernel: "Kernel", process: Process) -> None:
        self._kernel = kernel
        self._process = process
        self._timer = Timer(kernel, self._resume)
        self._inside = False
        self.is_running = True
        self._timer.start(0)

    def stop(self) -> None:
        """End the process where it waits; one that stops itself ends at its next `yield`."""
        self.is_running = False
        self._timer.stop()
        if not self._inside:
            self._process.close()

    def _resume(self) -> None:
        if not self.is_running:
            return
        self._inside = True
        try:
            awaited = next(self._process)
        except StopIteration:
            self.is_running = False
            return
        finally:
            self._inside = False
        self._wait_for(awaited)

    def _wait_for(self, awaited: "int | SimulatedEvent") -> None:
        if not self.is_running:
            self._process.close()
        elif isinstance(awaited, int):
            self._timer.start(awaited)
        else:
            awaited.when_set(self._resume)


class Kernel:
    """Runs events in the order of their times. It is the :class:`harness.clock.Clock` of a virtual rig."""

    __slots__ = ("_broken_by", "_queue", "_running", "_sequence", "now")

    def __init__(self) -> None:
        self.now = 0
        self._queue: list[tuple[int, int, Action]] = []
        self._sequence = 0
        self._running = False
        self._broken_by: str | None = None

    def at(self, time: int, action: Action) -> None:
        """Run `action` at rig time `time`, after what is already scheduled for it.

        Raises:
            ValueError: `time` has passed.
        """
        if time < self.now:
            raise ValueError(f"cannot schedule at {time} ns: it is {self.now} ns already")
        self._sequence += 1
        heappush(self._queue, (time, self._sequence, action))

    @property
    def due(self) -> int | None:
        """Rig time of the next event in nanoseconds; None when there is none."""
        return self._queue[0][0] if self._queue else None

    def run_until(self, time: int) -> None:
        """Run all events up to rig time `time`, at which the kernel then is; of one that has passed, nothing.

        Raises:
            BenchError: as `sleep`.
        """
        self._check_usable()
        queue = self._queue
        self._running = True
        try:
            while queue and queue[0][0] <= time:
                self.now, _, action = heappop(queue)
                action()
        except BaseException as error:
            self._broken_by = f"{type(error).__name__}: {error}"
            raise
        finally:
            self._running = False
        self.now = max(self.now, time)

    def timer(self, action: Action) -> Timer:
        """Return a timer for `action`, not yet started."""
        return Timer(self, action)

    def spawn(self, process: Process) -> RunningProcess:
        """Start a process in this instant."""
        return RunningProcess(self, process)

    def event(self) -> SimulatedEvent:
        """Return a new event."""
        return SimulatedEvent(self)

    def sleep(self, duration: int) -> None:
        """Run the simulation for `duration` nanoseconds.

        Raises:
            ValueError: the duration is negative.
            BenchError: an event was cut short by an exception, now or before: the simulated world is in no
                defined state.
        """
        self._run(self.now + duration, None)

    def wait(self, event: Event, timeout: int) -> bool:
        """Run the simulation until `event` is set, for `timeout` nanoseconds at most; say whether it was set.

        Raises:
            ValueError, BenchError: as `sleep`.
        """
        if not isinstance(event, SimulatedEvent):
            raise TypeError("a simulated clock waits for its own events only")
        if not event.is_set:
            self._run(self.now + timeout, event)
        return event.is_set

    def _run(self, deadline: int, until: SimulatedEvent | None) -> None:
        self._check_usable()
        if deadline < self.now:
            raise ValueError(f"cannot wait until {deadline} ns: it is {self.now} ns already")
        stop: list[str] = []
        if until is not None:
            until.when_set(lambda: stop.append("event"))
        self._sequence += 1
        heappush(self._queue, (deadline, _END_OF_INSTANT + self._sequence, lambda: stop.append("deadline")))
        while not stop:
            with held_back(lambda: stop.append("signal")):
                self._run_until(stop)
            while "signal" in stop:  # its handler let the run go on
                stop.remove("signal")

    def _run_until(self, stop: list[str]) -> None:
        queue = self._queue
        self._running = True
        try:
            while not stop:
                self.now, _, action = heappop(queue)
                action()
        except BaseException as error:
            self._broken_by = f"{type(error).__name__}: {error}"
            raise
        finally:
            self._running = False

    def _check_usable(self) -> None:
        if self._broken_by:
            raise BenchError(f"the simulation stopped at {self.now / 1e9:.6f} s: {self._broken_by}")
        if self._running:
            raise BenchError("waiting is not possible from inside a simulation event")
