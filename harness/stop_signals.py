"""Takes the signals that end a run in every moment of a run, so that it always ends with a safe rig and with reports.

Robot's own monitor stops the tests, and lets teardowns run, but is there only while suites run. What comes before is
passed on to it; what comes later lets the reports be finished. The second signal always ends the run by force, but
the same wish to stop may come as several signals, which count as one.
"""

import atexit
import os
import signal
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Self

from harness.clock import SECOND, Clock
from harness.interrupts import heeded_stop_signals, leave_closed_terminal
from harness.results.verdict import NOT_TO_BE_TRUSTED

if TYPE_CHECKING:
    from robot import result, running

ONE_WISH = SECOND
"""Nanoseconds from a signal within which more of them mean nothing new [P]: Ctrl-C goes to a whole group of processes,
and those above the run, such as `hil serve`, `timeout` or a CI job, pass on to it what they get themselves."""

_Handler = Callable[[int, FrameType | None], object]


class StopSignals:
    """Holds the signals in a block; in Robot, as a listener of version 3, it works together with Robot's monitor.

    When the block fails, the handlers are put back. When it ends well they stay: what follows is the end of the
    process, with the exit code that the reports name, and a late signal must not change it. Outside of the main
    thread, where nobody can have signals, it does nothing.
    """

    ROBOT_LISTENER_API_VERSION = 3

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._deaf_until = 0
        self._arrived: list[int] = []
        self._before: dict[int, object] = {}
        self._monitor: _Handler | None = None

    @property
    def arrived(self) -> bool:
        """Whether a signal has come. One that Robot's monitor took before the first suite began is not known here."""
        return bool(self._arrived)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.getsignal(number) for number in heeded_stop_signals()}
            self._take_over()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            self.put_back()
        elif self._before:
            # At its very end Python puts the default back, which kills.
            atexit.register(_ignore, tuple(self._before))

    def put_back(self) -> None:
        """Let the handlers be what they were before the block."""
        for number, handler in self._before.items():
            signal.signal(number, handler or signal.SIG_DFL)  # type: ignore[arg-type]  # it came from getsignal
        self._before = {}

    def start_suite(self, data: "running.TestSuite", result: "result.TestSuite") -> None:  # noqa: ARG002
        """Pass on to Robot's monitor, which is there now, what has come so far, and from now on what comes."""
        monitor = signal.getsignal(signal.SIGINT)
        if not self._before or self._monitor or not callable(monitor):
            return
        self._monitor = monitor
        self._take_over()
        if self._arrived:
            monitor(self._arrived[0], None)

    def close(self) -> None:
        """Take note that Robot has ended. Its monitor has put our handlers back."""
        self._monitor = None

    def _take_over(self) -> None:
        for number in self._before:
            signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        leave_closed_terminal()
        if self._clock.now < self._deaf_until:
            return
        self._deaf_until = self._clock.now + ONE_WISH
        if not self._arrived:
            _say("Stopping: the rig is brought to its safe state, then the reports are written.")
        self._arrived.append(number)
        if self._monitor:
            self._monitor(number, frame)
        elif len(self._arrived) > 1:
            raise SystemExit(NOT_TO_BE_TRUSTED)


def _say(text: str) -> None:
    """Tell the user, in the middle of whatever else is being printed: a stream of Python may not be used there."""
    with suppress(OSError):
        os.write(2, f"{text}\n".encode())


def _ignore(numbers: Iterable[int]) -> None:
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)
