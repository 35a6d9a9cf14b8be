"""The signals that end a run; keeps them, and Robot's time-outs, out of the middle of a simulation event.

They all arrive as signals whose Python handler raises wherever the interpreter happens to be. While a
simulation runs, the handlers only note the signal; the kernel stops at the next event boundary, and the
handler that was meant to run runs then.

Robot's time-outs on Windows are raised by the interpreter itself, not by a signal, and cannot be held back;
the kernel then finds its event cut short and refuses to go on.
"""

import errno
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType


def _existing(*names: str) -> tuple[int, ...]:
    return tuple(getattr(signal, name) for name in names if hasattr(signal, name))


STOP_SIGNALS = _existing("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""By which somebody ends a program: Ctrl-C, `kill`, a terminal that is closed, and Ctrl-Break on Windows."""
_TIME_OUT = _existing("SIGALRM")
_HANG_UP = _existing("SIGHUP")


def heeded_stop_signals() -> tuple[int, ...]:
    """Return the stop signals that are meant for this program: not a closed terminal where `nohup` has started it."""
    ignored = {number for number in _HANG_UP if signal.getsignal(number) is signal.SIG_IGN}
    return tuple(number for number in STOP_SIGNALS if number not in ignored)


def leave_closed_terminal() -> None:
    """Let what is printed go nowhere from now on if the terminal has been closed: printing would fail."""
    for stream in (1, 2):
        try:
            os.write(stream, b"")
        except OSError as error:
            if error.errno == errno.EIO:
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream)
                os.close(nowhere)


@contextmanager
def held_back(on_arrival: Callable[[], None]) -> Iterator[None]:
    """Hold signals back until the end of the block; `on_arrival` is called for each when it arrives.

    Their handlers run when the block has ended, in the order of arrival, each even if one before it raises.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers: dict[int, Callable[[int, FrameType | None], object]] = {}
    arrived: list[tuple[int, FrameType | None]] = []
    holding = True

    def note(number: int, frame: FrameType | None) -> None:
        if holding:
            arrived.append((number, frame))
            on_arrival()
        else:  # a handler that raised while handlers were put back has left this one in place
            handlers[number](number, frame)

    try:
        for number in (*STOP_SIGNALS, *_TIME_OUT):
            handler = signal.getsignal(number)
            if callable(handler):
                handlers[number] = handler
                signal.signal(number, note)
        yield
    finally:
        holding = False
        with ExitStack() as deliveries:
            for number, frame in reversed(arrived):
                deliveries.callback(handlers[number], number, frame)
            for number, handler in handlers.items():
                signal.signal(number, handler)
