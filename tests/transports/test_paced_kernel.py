"""A kernel in step with the wall clock, on a thread of its own."""

import gc
import threading
from collections.abc import Iterator

import pytest

from harness.clock import MILLISECOND, SECOND
from harness.errors import BenchError
from harness.simulation.kernel import Kernel, Process
from harness.transports.paced_kernel import LATE, Lateness, PacedKernel
from harness.transports.wall_clock import WallClock

SOON = 20
"""Seconds after which a test has failed that waits for something that comes at once."""


class Paced:
    def __init__(self) -> None:
        self.kernel, self.clock = Kernel(), WallClock()
        self.paced = PacedKernel(self.kernel, self.clock)


@pytest.fixture
def world() -> Iterator[Paced]:
    world = Paced()
    yield world
    world.paced.stop()


def test_events_come_in_their_order_at_their_rig_time_and_not_before_it_is_the_time_of_the_wall(world: Paced) -> None:
    seen: list[tuple[int, int, str]] = []
    done = threading.Event()
    for number in (3, 1, 2):
        due = number * 5 * MILLISECOND
        world.kernel.at(due, lambda: seen.append((world.kernel.now, world.clock.now, threading.current_thread().name)))
    world.kernel.at(20 * MILLISECOND, done.set)
    world.paced.start()
    assert done.wait(SOON)
    assert [now for now, _, _ in seen] == [5 * MILLISECOND, 10 * MILLISECOND, 15 * MILLISECOND]
    assert all(wall >= now for now, wall, _ in seen)
    assert {name for _, _, name in seen} == {"paced kernel"}


def test_lateness_does_not_add_up(world: Paced) -> None:
    times: list[int] = []
    done = threading.Event()

    def process() -> Process:
        for _ in range(100):
            times.append(world.kernel.now)
            yield MILLISECOND
        done.set()

    world.kernel.spawn(process())
    world.paced.start()
    assert done.wait(SOON)
    assert times == [number * MILLISECOND for number in range(100)]


def test_an_action_of_another_thread_runs_in_the_simulation_at_the_time_of_now(world: Paced) -> None:
    seen: list[tuple[str, int]] = []
    done = threading.Event()

    def act() -> None:
        seen.append((threading.current_thread().name, world.kernel.now))
        world.kernel.at(world.kernel.now + MILLISECOND, done.set)

    world.paced.start()
    before = world.clock.now
    world.paced.post(act)
    assert done.wait(SOON)
    ((thread, time),) = seen
    assert thread == "paced kernel"
    assert before <= time <= world.clock.now


def test_what_is_scheduled_while_it_is_held_comes_though_the_thread_slept(world: Paced) -> None:
    done = threading.Event()
    world.paced.start()
    with world.paced.held():
        assert world.kernel.now <= world.clock.now
        world.kernel.at(world.kernel.now + MILLISECOND, done.set)
    assert done.wait(SOON)


def test_nothing_happens_while_it_is_held(world: Paced) -> None:
    ticks: list[int] = []

    def process() -> Process:
        while True:
            ticks.append(world.kernel.now)
            yield MILLISECOND

    world.kernel.spawn(process())
    world.paced.start()
    with world.paced.held():
        before = len(ticks)
        world.clock.sleep(30 * MILLISECOND)
        assert len(ticks) == before


def test_what_is_posted_without_end_does_not_keep_what_is_due_from_running(world: Paced) -> None:
    """As by a client that sends all the time."""
    done = threading.Event()

    def post_again() -> None:
        if not done.is_set():
            world.paced.post(post_again)

    world.kernel.at(20 * MILLISECOND, done.set)
    world.paced.post(post_again)
    world.paced.start()
    assert done.wait(SOON)


def test_while_it_runs_garbage_is_looked_for_among_new_objects_only(world: Paced) -> None:
    world.kernel.at(3600 * SECOND, lambda: None)
    world.paced.start()
    assert len(gc.get_objects()) < gc.get_freeze_count()
    world.paced.stop()
    assert not gc.get_freeze_count()


def test_one_that_posts_may_hold_what_the_simulation_waits_for(world: Paced) -> None:
    """As a receiving thread does, which hands frames over under its lock, while an ECU sends on that channel."""
    lock, inside, done = threading.Lock(), threading.Event(), threading.Event()

    def send() -> None:
        inside.set()
        with lock:
            pass

    with lock:
        world.kernel.at(0, send)
        world.paced.start()
        assert inside.wait(SOON)
        world.paced.post(done.set)
    assert done.wait(SOON)


def test_a_simulation_that_fails_says_so_to_everybody(world: Paced) -> None:
    def fail() -> None:
        raise ZeroDivisionError("an ECU's mistake")

    world.kernel.at(0, fail)
    world.paced.start()
    world.paced._thread.join(SOON)
    assert world.paced.problems == ["the simulation has stopped: ZeroDivisionError: an ECU's mistake"]
    with pytest.raises(BenchError, match="the simulation has stopped: ZeroDivisionError"), world.paced.held():
        pytest.fail("it must not be used")
    world.paced.stop()


def test_stopping_ends_the_thread_and_is_harmless_twice_and_before_the_start(world: Paced) -> None:
    Paced().paced.stop()
    world.kernel.at(3600 * SECOND, lambda: None)
    world.paced.start()
    world.paced.stop()
    world.paced.stop()
    assert not world.paced._thread.is_alive()


def test_lateness_is_counted() -> None:
    lateness = Lateness()
    lateness.count(0, MILLISECOND)
    lateness.count(5 * SECOND, 5 * SECOND + LATE + 1)
    assert (lateness.events, lateness.too_late, lateness.most, lateness.most_at) == (2, 1, LATE + 1, 5 * SECOND)
    assert str(lateness) == "2 events, 25.500 ms late on average, 50.000 ms at most, at 5.000 s"
    lateness.limit = 4 * MILLISECOND
    lateness.count(0, 4 * MILLISECOND)
    lateness.count(0, 4 * MILLISECOND + 1)
    assert (lateness.too_late, lateness.beyond_limit) == (1, 2)


def test_an_event_that_had_to_wait_is_late(world: Paced) -> None:
    done = threading.Event()
    world.kernel.at(0, done.set)
    world.clock.sleep(LATE + MILLISECOND)
    world.paced.start()
    assert done.wait(SOON)
    assert world.paced.lateness.too_late == 1
    assert world.paced.lateness.most > LATE


def test_one_that_is_always_late_still_gives_way_and_stops(world: Paced) -> None:
    """As where an adapter takes more time for each frame than there is between two of them."""

    def process() -> Process:
        while True:
            world.clock.sleep(4 * MILLISECOND)
            yield MILLISECOND

    world.kernel.spawn(process())
    world.paced.start()
    for _ in range(20):
        with world.paced.held():
            pass
        world.clock.sleep(MILLISECOND)
    world.paced.stop()
    assert not world.paced._thread.is_alive()
    assert world.paced.problems == []


def test_an_event_that_does_not_end_is_an_error_to_those_who_wait(
    world: Paced, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.transports.paced_kernel.LONGEST_EVENT", 0.1)
    inside, end = threading.Event(), threading.Event()

    def hang() -> None:
        inside.set()
        end.wait(SOON)

    world.kernel.at(0, hang)
    world.paced.start()
    assert inside.wait(SOON)
    with pytest.raises(BenchError, match="the simulation is busy: an event takes more than"), world.paced.held():
        pytest.fail("it must not be used")
    with pytest.raises(BenchError, match="the simulation does not stop"):
        world.paced.stop()
    end.set()
