"""Events of the wall clock, beyond what every clock keeps to: several threads, and Ctrl-C anywhere in a wait."""

import gc
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Barrier
from time import monotonic_ns

import pytest

from harness.clock import SECOND
from harness.transports.wall_clock import WallEvent

SEED = 20260111
BOUND = 30.0
"""Seconds after which a test gives up."""


class Stopped(Exception):
    """What a signal's handler raises, as those of Ctrl-C and of Robot's time-outs do."""


@pytest.fixture
def stop_in() -> Iterator[Callable[[float], None]]:
    """Raise `Stopped` after so many seconds."""

    def stop(_number: int, _frame: object) -> None:
        raise Stopped

    def stop_in(seconds: float) -> None:
        signal.setitimer(signal.ITIMER_REAL, seconds)

    before = signal.signal(signal.SIGALRM, stop)
    gc.disable()  # other packages are called back by it, and an exception in there would only be a warning
    yield stop_in
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
    gc.enable()


def test_all_who_wait_go_on() -> None:
    event, begin = WallEvent(), Barrier(4)

    def wait() -> bool:
        begin.wait(BOUND)
        event.wait_until(monotonic_ns() + round(BOUND) * SECOND)
        return event.is_set

    with ThreadPoolExecutor(3) as threads:
        waiting = [threads.submit(wait) for _ in range(3)]
        begin.wait(BOUND)
        event.set()
        assert [one.result() for one in waiting] == [True, True, True]


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
def test_whoever_sets_an_event_is_not_held_up_by_a_wait_that_was_stopped(stop_in: Callable[[float], None]) -> None:
    random = Random(SEED)
    stops = 0
    with ThreadPoolExecutor(1) as thread:
        for _ in range(10_000):
            event = WallEvent()
            try:
                stop_in(random.uniform(1e-6, 60e-6))
                event.wait_until(monotonic_ns() + 30_000)
                stop_in(0)
            except Stopped:
                stops += 1
            thread.submit(event.set).result(BOUND)
            assert event.is_set
    assert stops > 1_000
