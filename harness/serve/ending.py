"""What ends a served rig: a signal, the end of the command that it was started for, or a failure of the simulation."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from harness.errors import BenchError
from harness.interrupts import heeded_stop_signals, leave_closed_terminal
from harness.transports.paced_kernel import PacedKernel

Signals = asyncio.Queue[int]

_FROM_A_TERMINAL = frozenset(getattr(signal, name) for name in ("SIGINT", "SIGBREAK") if hasattr(signal, name))
_LOOK = 0.2
"""Seconds between two looks at whether the simulation still runs."""
_LAST_WORDS = 10.0
"""Seconds that a command has to end by itself when the simulation has failed [P]."""


@contextmanager
def arriving_signals() -> Iterator[Signals]:
    """Collect the signals that end a program instead of being ended by them; in the main thread, inside an event loop.

    The loop's own `add_signal_handler` does not exist on Windows; this works on both.
    """
    loop = asyncio.get_running_loop()
    signals: Signals = asyncio.Queue()

    def note(number: int, _: FrameType | None) -> None:
        leave_closed_terminal()
        loop.call_soon_threadsafe(signals.put_nowait, number)

    before = {number: signal.signal(number, note) for number in heeded_stop_signals()}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def until_signalled(signals: Signals, paced: PacedKernel) -> None:
    """Return when a signal has come, or the simulation has failed."""
    await _first(signals.get(), _failure(paced))


async def until_command_ends(command: Sequence[str], signals: Signals, paced: PacedKernel) -> int:
    """Run a command and return its exit code, as a shell has it; signals are passed on to it.

    If the simulation fails, the command is told to end.

    Raises:
        BenchError: the command cannot be started.
    """
    try:
        process = await asyncio.create_subprocess_exec(*command)
    except OSError as error:
        raise BenchError(f"cannot start {command[0]!r}: {error.strerror or error}") from error
    try:
        await _first(process.wait(), _pass_on(signals, process), _failure(paced))
    finally:
        if process.returncode is None:
            await _end(process)
    code = await process.wait()
    return 128 - code if code < 0 else code


async def _first(*waiting: Coroutine[Any, Any, object]) -> None:
    """Return when one of them has; the others are given up."""
    tasks = [asyncio.ensure_future(one) for one in waiting]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
    for task in done:
        task.result()


async def _failure(paced: PacedKernel) -> None:
    while not paced.problems:
        await asyncio.sleep(_LOOK)


async def _pass_on(signals: Signals, process: asyncio.subprocess.Process) -> None:
    while True:
        number = await signals.get()
        if number not in _FROM_A_TERMINAL or not _came_from_a_terminal():
            with suppress(ProcessLookupError):
                process.send_signal(number)


def _came_from_a_terminal() -> bool:
    """Say whether a Ctrl-C has reached the command as well: then a second one would be taken for impatience.

    A terminal sends it to all processes in its foreground.
    """
    if sys.platform == "win32":
        return True
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


async def _end(process: asyncio.subprocess.Process) -> None:
    for stop in (process.terminate, process.kill):
        with suppress(ProcessLookupError):
            stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS):
                await process.wait()
                return
