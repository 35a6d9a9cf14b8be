"""Order, waiting and robustness of the event-driven kernel."""

import random
import threading
from functools import partial

import pytest

from harness.clock import MILLISECOND
from harness.errors import BenchError
from harness.simulation.kernel import Kernel, Process, SimulatedEvent

SEED = 20260101


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


# Order


def test_events_of_one_instant_happen_in_the_order_of_scheduling(kernel: Kernel) -> None:
    seen: list[int] = []
    for number in range(100):
        kernel.at(5, partial(seen.append, number))
    kernel.sleep(5)
    assert seen == list(range(100))


def test_what_an_event_schedules_for_its_own_instant_happens_last_in_it(kernel: Kernel) -> None:
    seen: list[str] = []

    def first() -> None:
        seen.append("first")
        kernel.at(5, lambda: seen.append("scheduled by first"))

    kernel.at(5, first)
    kernel.at(5, lambda: seen.append("second"))
    kernel.sleep(5)
    assert seen == ["first", "second", "scheduled by first"]


def test_events_at_the_deadline_belong_to_the_wait_with_all_that_they_cause_at_once(kernel: Kernel) -> None:
    seen: list[str] = []
    kernel.at(7, lambda: kernel.at(7, lambda: seen.append("caused at the deadline")))
    kernel.at(8, lambda: seen.append("a nanosecond later"))
    kernel.sleep(7)
    assert (kernel.now, seen) == (7, ["caused at the deadline"])
    kernel.sleep(1)
    assert (kernel.now, seen) == (8, ["caused at the deadline", "a nanosecond later"])


def test_waiting_without_events_moves_the_clock(kernel: Kernel) -> None:
    kernel.sleep(3)
    kernel.sleep(0)
    assert kernel.now == 3


def test_time_never_goes_back(kernel: Kernel) -> None:
    kernel.sleep(10)
    with pytest.raises(ValueError, match=r"9 ns.*10 ns already"):
        kernel.at(9, lambda: None)
    with pytest.raises(ValueError, match=r"5 ns.*10 ns already"):
        kernel.sleep(-5)
    with pytest.raises(ValueError, match=r"9 ns.*10 ns already"):
        kernel.wait(kernel.event(), -1)
    kernel.sleep(1)
    assert kernel.now == 11


def test_ten_thousand_periods_of_ten_milliseconds_take_exactly_a_hundred_seconds(kernel: Kernel) -> None:
    ticks: list[int] = []

    def tick() -> None:
        ticks.append(kernel.now)
        kernel.at(kernel.now + 10 * MILLISECOND, tick)

    kernel.at(10 * MILLISECOND, tick)
    kernel.sleep(100_000 * MILLISECOND)
    assert ticks == [number * 10_000_000 for number in range(1, 10_001)]


def test_the_same_world_runs_the_same_way_twice() -> None:
    def run(step: int) -> list[tuple[int, int]]:
        """The world of one seed, waited for in steps of `step`."""
        kernel, generator, seen = Kernel(), random.Random(SEED), list[tuple[int, int]]()

        def fire(number: int) -> None:
            seen.append((kernel.now, number))
            for _ in range(2):
                timers[generator.randrange(20)].start(generator.randrange(3))
            timers[generator.randrange(20)].stop()
            timers[number].start(5)

        timers = [kernel.timer(partial(fire, number)) for number in range(20)]
        for timer in timers:
            timer.start(0)
        for _ in range(600 // step):
            kernel.sleep(step)
        return seen

    assert run(600) == run(600)
    assert len(run(600)) > 1000
    assert run(1) == run(40) == run(600)


# Timers


def test_a_timer_fires_once_at_the_last_time_set(kernel: Kernel) -> None:
    fired: list[int] = []
    timer = kernel.timer(lambda: fired.append(kernel.now))
    timer.start(10)
    timer.start(5)
    timer.start(20)
    due = timer.due
    kernel.sleep(100)
    assert (due, fired, timer.due) == (20, [20], None)


def test_a_timer_that_is_stopped_does_not_fire_and_can_be_started_again(kernel: Kernel) -> None:
    fired: list[int] = []
    timer = kernel.timer(lambda: fired.append(kernel.now))
    timer.start(10)
    timer.stop()
    kernel.sleep(10)
    timer.start(10)
    kernel.sleep(10)
    assert fired == [20]


def test_a_timer_set_to_the_same_time_again_after_a_stop_fires_once(kernel: Kernel) -> None:
    fired: list[int] = []
    timer = kernel.timer(lambda: fired.append(kernel.now))
    timer.start(10)
    timer.start(10)
    timer.stop()
    timer.start(10)
    kernel.sleep(20)
    assert fired == [10]


def test_a_timer_can_start_itself_and_be_stopped_by_an_event_of_the_same_instant(kernel: Kernel) -> None:
    fired: list[int] = []

    def fire() -> None:
        fired.append(kernel.now)
        timer.start(10)

    timer = kernel.timer(fire)
    kernel.at(30, timer.stop)  # scheduled before the timer's own event of that instant
    timer.start(10)
    kernel.sleep(100)
    assert fired == [10, 20]


# Events and waiting


def test_an_event_wakes_its_waiters_in_their_order_at_its_instant(kernel: Kernel) -> None:
    seen: list[tuple[str, int]] = []
    event = kernel.event()

    def note(name: str) -> None:
        seen.append((name, kernel.now))

    for name in "abc":
        event.when_set(partial(note, name))
    kernel.at(4, event.set)
    kernel.at(5, event.set)
    kernel.sleep(10)
    event.when_set(partial(note, "late"))
    kernel.sleep(0)
    assert seen == [("a", 4), ("b", 4), ("c", 4), ("late", 10)]


def test_wait_ends_when_the_event_is_set_or_the_time_is_over(kernel: Kernel) -> None:
    event, never = kernel.event(), kernel.event()
    kernel.at(30, event.set)
    assert (kernel.wait(event, 100), kernel.now) == (True, 30)
    assert (kernel.wait(event, 100), kernel.now) == (True, 30)
    assert (kernel.wait(never, 100), kernel.now) == (False, 130)


def test_an_event_at_the_very_deadline_counts(kernel: Kernel) -> None:
    event = kernel.event()
    kernel.at(100, lambda: kernel.at(100, event.set))
    assert kernel.wait(event, 100)
    assert kernel.now == 100


def test_a_wait_that_ended_early_leaves_no_deadline_behind(kernel: Kernel) -> None:
    first, second = kernel.event(), kernel.event()
    kernel.at(10, first.set)
    assert kernel.wait(first, 50)
    kernel.at(90, second.set)
    assert kernel.wait(second, 200)
    assert kernel.now == 90


def test_a_wait_that_ended_without_its_event_is_not_resumed_by_it(kernel: Kernel) -> None:
    event = kernel.event()
    assert not kernel.wait(event, 10)
    kernel.at(15, event.set)
    kernel.sleep(20)
    assert kernel.now == 30


def test_only_its_own_events_can_be_waited_for(kernel: Kernel) -> None:
    with pytest.raises(TypeError, match="its own events"):
        kernel.wait(threading.Event(), 1)  # type: ignore[arg-type]  # that is the point


# Processes


def test_a_process_waits_for_times_and_events(kernel: Kernel) -> None:
    seen: list[tuple[str, int]] = []
    event = kernel.event()

    def work() -> Process:
        seen.append(("begun", kernel.now))
        yield 10
        seen.append(("waited", kernel.now))
        yield event
        seen.append(("event", kernel.now))
        yield event
        seen.append(("event again", kernel.now))

    process = kernel.spawn(work())
    assert seen == []
    kernel.at(25, event.set)
    kernel.sleep(100)
    assert seen == [("begun", 0), ("waited", 10), ("event", 25), ("event again", 25)]
    assert not process.is_running


@pytest.mark.parametrize("awaited", ["time", "event"])
def test_a_stopped_process_cleans_up_and_never_goes_on(kernel: Kernel, awaited: str) -> None:
    seen: list[str] = []
    event = kernel.event()

    def work() -> Process:
        try:
            yield event if awaited == "event" else 10
            seen.append("went on")
        finally:
            seen.append("cleaned up")

    process = kernel.spawn(work())
    kernel.sleep(5)
    process.stop()
    process.stop()
    event.set()
    kernel.sleep(100)
    assert (seen, process.is_running) == (["cleaned up"], False)


def test_a_process_stopped_before_it_began_never_begins(kernel: Kernel) -> None:
    seen: list[str] = []

    def work() -> Process:
        seen.append("begun")
        yield 1

    kernel.spawn(work()).stop()
    kernel.sleep(10)
    assert seen == []


def test_a_process_that_stops_itself_ends_where_it_next_waits(kernel: Kernel) -> None:
    seen: list[str] = []

    def work() -> Process:
        try:
            process.stop()
            seen.append("stopped")
            yield 10
            seen.append("went on")
        finally:
            seen.append("cleaned up")

    process = kernel.spawn(work())
    kernel.sleep(100)
    assert seen == ["stopped", "cleaned up"]


# What breaks a world


def test_an_exception_in_an_event_ends_the_world_and_later_runs_name_it(kernel: Kernel) -> None:
    def fail() -> None:
        raise KeyError("speed")

    kernel.at(1_500_000_000, fail)
    with pytest.raises(KeyError):
        kernel.sleep(2_000_000_000)
    for go_on in (lambda: kernel.sleep(1), lambda: kernel.wait(kernel.event(), 1)):
        with pytest.raises(BenchError, match=r"stopped at 1\.500000 s: KeyError: 'speed'"):
            go_on()
    assert kernel.now == 1_500_000_000


def test_an_exception_in_a_process_ends_the_world_too(kernel: Kernel) -> None:
    def work() -> Process:
        yield 10
        raise ZeroDivisionError("in a model")

    kernel.spawn(work())
    with pytest.raises(ZeroDivisionError):
        kernel.sleep(100)
    with pytest.raises(BenchError, match="in a model"):
        kernel.sleep(1)


def test_waiting_from_inside_an_event_is_refused(kernel: Kernel) -> None:
    refused: list[str] = []

    def wait() -> None:
        for attempt in (lambda: kernel.sleep(1), lambda: kernel.wait(kernel.event(), 1)):
            with pytest.raises(BenchError) as error:
                attempt()
            refused.append(str(error.value))

    kernel.at(5, wait)
    kernel.sleep(10)
    assert len(refused) == 2
    assert "inside a simulation event" in refused[0]
    assert kernel.now == 10


def test_a_simulated_event_is_set_once(kernel: Kernel) -> None:
    event = kernel.event()
    assert isinstance(event, SimulatedEvent)
    assert not event.is_set
    event.set()
    event.set()
    assert event.is_set
