"""Ctrl-C and time-outs are let in between the events of a simulation, never in the middle of one."""

import gc
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import pytest

from harness.simulation.kernel import Kernel

SEED = 20260101


class InterruptedByTest(Exception):
    """What a signal's handler raises, as those of Ctrl-C and of Robot's time-outs do."""


@pytest.fixture(autouse=True)
def no_garbage_collection() -> Iterator[None]:
    """Other packages are called back by it, and an exception of a signal's handler in there would only be a warning."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


@pytest.fixture
def on_signal() -> Iterator[Callable[[int, Callable[[], None]], None]]:
    """Install handlers for the length of a test."""
    before: dict[int, object] = {}

    def install(number: int, action: Callable[[], None]) -> None:
        def handle(_number: int, _frame: FrameType | None) -> None:
            action()

        before.setdefault(number, signal.signal(number, handle))

    yield install
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in before.items():
        signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal returned, it takes


def raise_interrupt() -> None:
    raise InterruptedByTest


class Ledger:
    """Two accounts that agree between events, and never while an entry is being made."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.given = self.taken = 0
        kernel.at(10, self.book)

    def book(self) -> None:
        self.given += 1
        for _ in range(20):
            sum(range(20))
        self.taken += 1
        self.kernel.at(self.kernel.now + 10, self.book)

    def is_whole(self) -> bool:
        return self.given == self.taken == self.kernel.now // 10


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGALRM], ids=lambda number: number.name)
def test_a_signal_waits_for_the_end_of_the_event(
    kernel: Kernel, on_signal: Callable[[int, Callable[[], None]], None], number: signal.Signals
) -> None:
    seen: list[str] = []

    def handle() -> None:
        seen.append("handler")
        raise InterruptedByTest

    on_signal(number, handle)

    def event() -> None:
        os.kill(os.getpid(), number)
        seen.append("rest of the event")

    kernel.at(5, event)
    kernel.at(5, lambda: seen.append("next event"))
    with pytest.raises(InterruptedByTest):
        kernel.sleep(10)
    assert seen == ["rest of the event", "handler"]
    kernel.sleep(10)
    assert seen == ["rest of the event", "handler", "next event"]
    assert kernel.now == 15


def test_the_run_goes_on_when_the_handlers_do_not_raise(
    kernel: Kernel, on_signal: Callable[[int, Callable[[], None]], None]
) -> None:
    seen: list[str] = []
    on_signal(signal.SIGINT, lambda: seen.append("int"))
    on_signal(signal.SIGTERM, lambda: seen.append("term"))

    def event() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        seen.append("rest of the event")

    kernel.at(5, event)
    kernel.sleep(10)
    assert kernel.now == 10, "two signals in one event must not end the wait early"
    assert seen[0] == "rest of the event"
    assert sorted(seen[1:]) == ["int", "term"]


def test_no_signal_is_lost_when_the_handler_of_another_raises(
    kernel: Kernel, on_signal: Callable[[int, Callable[[], None]], None]
) -> None:
    seen: list[str] = []

    def alarm() -> None:
        seen.append("alarm")
        raise InterruptedByTest

    on_signal(signal.SIGALRM, alarm)
    on_signal(signal.SIGINT, lambda: seen.append("int"))

    def event() -> None:
        signal.raise_signal(signal.SIGALRM)
        signal.raise_signal(signal.SIGINT)

    kernel.at(5, event)
    with pytest.raises(InterruptedByTest):
        kernel.sleep(10)
    assert seen == ["alarm", "int"]


def test_handlers_are_back_after_each_wait(
    kernel: Kernel, on_signal: Callable[[int, Callable[[], None]], None]
) -> None:
    on_signal(signal.SIGALRM, raise_interrupt)
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)]
    kernel.at(1, lambda: signal.raise_signal(signal.SIGALRM))
    with pytest.raises(InterruptedByTest):
        kernel.sleep(2)
    kernel.sleep(2)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)] == before


def test_alarms_at_any_moment_never_leave_an_event_half_done(
    kernel: Kernel, on_signal: Callable[[int, Callable[[], None]], None]
) -> None:
    ledger, generator, interrupted, raising = Ledger(kernel), random.Random(SEED), 0, True

    def alarm() -> None:
        if raising:
            raise InterruptedByTest

    on_signal(signal.SIGALRM, alarm)
    for turn in range(300):
        raising = turn % 3 != 0
        goal = kernel.now + 1000
        try:
            signal.setitimer(signal.ITIMER_REAL, generator.uniform(2e-6, 1.5e-3))
            kernel.sleep(goal - kernel.now)
            assert kernel.now == goal
            signal.setitimer(signal.ITIMER_REAL, 0)
        except InterruptedByTest:
            interrupted += 1
        assert ledger.is_whole(), f"turn {turn} of seed {SEED}"
    kernel.sleep(1000)
    assert ledger.is_whole()
    assert interrupted, "no alarm came while the simulation ran"


def test_a_simulation_on_another_thread_leaves_signals_alone(
    kernel: Kernel, on_signal: Callable[[int, Callable[[], None]], None]
) -> None:
    on_signal(signal.SIGINT, raise_interrupt)
    handlers: list[object] = []
    kernel.at(5, lambda: handlers.append(signal.getsignal(signal.SIGINT)))
    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=kernel.sleep, args=(10,))
    thread.start()
    thread.join(10)
    assert (kernel.now, handlers) == (10, [before])
