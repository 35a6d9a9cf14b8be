"""Keeps Ctrl-C, SIGTERM and Robot's time-outs out of the middle of a simulation event.

All three arrive as signals whose Python handler raises wherever the interpreter happens to be. While a
simulation runs, the handlers only note the signal; the kernel stops at the next event boundary, and the
handler that was meant to run runs then.

Robot's time-outs on Windows are raised by the interpreter itself, not by a signal, and cannot be held back;
the kernel then finds its event cut short and refuses to go on.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM", "SIGBREAK")
_SIGNALS = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))


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
        for number in _SIGNALS:
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
