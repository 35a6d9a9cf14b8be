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
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGALRM", "SIGBREAK")
_SIGNALS = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))


@contextmanager
def held_back(on_arrival: Callable[[], None]) -> Iterator[None]:
    """Hold signals back until the end of the block; `on_arrival` is called for each when it arrives."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers: dict[int, Callable[[int, FrameType | None], object]] = {}
    arrived: list[tuple[int, FrameType | None]] = []

    def note(number: int, frame: FrameType | None) -> None:
        arrived.append((number, frame))
        on_arrival()

    for number in _SIGNALS:
        handler = signal.getsignal(number)
        if callable(handler):
            handlers[number] = handler
            signal.signal(number, note)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number, frame in arrived:
            handlers[number](number, frame)
