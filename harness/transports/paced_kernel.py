"""A simulation held to the wall clock, on a thread of its own: the simulated ECUs of a bench, and a served rig.

Every event has an absolute deadline, so that lateness does not add up. How late events were is counted.
"""

import gc
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Lock, RLock, Thread, current_thread
from time import sleep
from typing import Protocol

from harness.clock import MILLISECOND, SECOND
from harness.errors import BenchError
from harness.interrupts import held_back
from harness.transports.wall_clock import WallClock

LATE = 50 * MILLISECOND
"""From here on an event that comes late is a problem of the rig [P], whatever is simulated."""
LONGEST_EVENT = 5.0
"""Seconds that a thread waits for the simulation to come to rest [P]: an adapter may take a second for a frame."""
_GIVING_WAY = 0.0002
"""Seconds between two looks whether another thread has got what it waits for."""
_SWITCH_INTERVAL = 0.0005
"""Seconds after which Python takes the interpreter from a thread that others wait for; its default, 5 ms, is about
the shortest cycle time."""


class SteppedKernel(Protocol):
    """The kernel of a simulation, as far as pacing goes."""

    @property
    def due(self) -> int | None:
        """Rig time of the next event in nanoseconds; None when there is none."""

    def run_until(self, time: int) -> None:
        """Run all events up to a rig time, at which the kernel then is."""


@dataclass
class Lateness:
    """How late events were, in nanoseconds."""

    events: int = 0
    total: int = 0
    most: int = 0
    most_at: int = 0
    """Rig time."""
    too_late: int = 0
    """Times at which an event was later than `LATE`."""
    limit: int = LATE
    """From here on lateness can break a cycle time."""
    beyond_limit: int = 0
    """Times at which an event was later than that."""

    def count(self, due: int, now: int) -> None:
        """Count an event that was due at one rig time and began at another."""
        late = now - due
        self.events += 1
        self.total += late
        if late > self.most:
            self.most, self.most_at = late, due
        if late > self.limit:
            self.beyond_limit += 1
            self.too_late += late > LATE

    def __str__(self) -> str:
        mean = self.total / self.events / MILLISECOND if self.events else 0.0
        most = f"{self.most / MILLISECOND:.3f} ms at most, at {self.most_at / SECOND:.3f} s"
        return f"{self.events} events, {mean:.3f} ms late on average, {most}"


def _go_first() -> None:
    """Let this thread run before all ordinary ones, where the system grants it.

    Linux grants it to root and to whom has a limit for it (`ulimit -r`). A busy processor makes an ordinary thread some
    milliseconds late.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


def _spare_what_there_is() -> None:
    """Let Python's collector of garbage look only at what is new from now on.

    It stops all threads while it looks at everything: 50 ms where a runner has imported what it needs [V].
    """
    gc.freeze()
    gc.collect()  # it looks again when there is a quarter more than it has just found: nothing


class PacedKernel:
    """Runs a kernel in step with a wall clock.

    What another thread does to the simulation it does in a block of `held`, or by `post`.
    """

    def __init__(self, kernel: SteppedKernel, clock: WallClock) -> None:
        self.lateness = Lateness()
        self._kernel = kernel
        self._clock = clock
        # Not the lock of `post`: whoever posts may hold one that an event of the simulation waits for.
        self._world = RLock()
        # Free when the thread is to look anew. A bare lock: a condition makes one for each wait.
        self._wake = Lock()
        self._posted: deque[Callable[[], None]] = deque()
        self._waiting: deque[None] = deque()
        """One for each thread that waits to hold the simulation: it goes first, however late the simulation is."""
        self._goes_first = True
        self._ends = False
        self._failure: BaseException | None = None
        self._thread = Thread(target=self._run, name="paced kernel", daemon=True)

    def start(self, *, goes_first: bool = True) -> None:
        """Let the simulation begin to run.

        Args:
            goes_first: whether its thread runs before all ordinary ones, where the system grants it. A simulation that
                ordinary threads carry questions to must not: several of them on one computer leave those no time.
        """
        self._goes_first = goes_first
        if sys.getswitchinterval() > _SWITCH_INTERVAL:
            sys.setswitchinterval(_SWITCH_INTERVAL)
        _spare_what_there_is()
        self._thread.start()

    def stop(self) -> None:
        """End the thread; the simulation stands still. Stopping twice is harmless.

        Raises:
            BenchError: an event of the simulation does not end.
        """
        self._ends = True
        self._disturb()
        gc.unfreeze()
        if self._thread.ident is not None and self._thread is not current_thread():
            self._thread.join(LONGEST_EVENT)
            if self._thread.is_alive():
                raise BenchError(f"the simulation does not stop: an event takes more than {LONGEST_EVENT:g} s")

    def post(self, action: Callable[[], None]) -> None:
        """Run `action` in the simulation, as soon as possible, on its thread; from any thread."""
        self._posted.append(action)
        self._disturb()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the simulation still for the block, at the time of now. Ctrl-C waits for the end of the block.

        Raises:
            BenchError: the simulation has failed, or does not come to rest.
        """
        with held_back(lambda: None):
            self._waiting.append(None)
            try:
                if not self._world.acquire(timeout=LONGEST_EVENT):
                    raise BenchError(f"the simulation is busy: an event takes more than {LONGEST_EVENT:g} s")
            finally:
                self._waiting.pop()
            try:
                self.check()
                self._catch_up()
                yield
            finally:
                self._world.release()
                self._disturb()

    @property
    def problems(self) -> list[str]:
        """What has gone wrong: a failure of the simulation."""
        return [str(self._failed())] if self._failure else []

    def check(self) -> None:
        """Make sure that the simulation runs.

        Raises:
            BenchError: it has failed.
        """
        if self._failure:
            raise self._failed() from self._failure

    def _failed(self) -> BenchError:
        return BenchError(f"the simulation has stopped: {type(self._failure).__name__}: {self._failure}")

    def _disturb(self) -> None:
        """Let the thread look anew at what is due."""
        with suppress(RuntimeError):  # it is free: the thread will look in any case
            self._wake.release()

    def _run(self) -> None:
        try:
            if self._goes_first:
                _go_first()
            while not self._ends:
                with self._world:
                    due = self._run_due()
                    if self._posted:
                        self._take_posted()
                        due = self._run_due()
                while self._waiting and not self._ends:
                    sleep(_GIVING_WAY)
                self._wake.acquire(timeout=-1 if due is None else max(due - self._clock.now, 0) / SECOND)
        except BaseException as error:  # noqa: BLE001  the thread has nobody above it; `problems` tells
            self._failure = error

    def _take_posted(self) -> None:
        """Run what has been posted so far: what is posted meanwhile must not keep what is due from running."""
        self._catch_up()
        for _ in range(len(self._posted)):
            if self._waiting or self._ends:
                break
            self._posted.popleft()()

    def _run_due(self) -> int | None:
        """Run what is due; return when the next event is."""
        kernel, clock, lateness = self._kernel, self._clock, self.lateness
        while (due := kernel.due) is not None and due <= (now := clock.now) and not (self._waiting or self._ends):
            lateness.count(due, now)
            kernel.run_until(due)
        return due

    def _catch_up(self) -> None:
        """Let it be now in the simulation, unless it is late: its events come in their order."""
        now = self._clock.now
        if self._kernel.due is None or self._kernel.due > now:
            self._kernel.run_until(now)
