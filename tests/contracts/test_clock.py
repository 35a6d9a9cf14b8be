"""What every `Clock` keeps to: of a simulation, of the wall, and of the wall beside a simulation."""

import threading
from collections.abc import Callable, Iterator

import pytest

from harness.clock import MILLISECOND, SECOND, Clock, Event
from harness.rig.paced_world import PacedClock
from harness.simulation.kernel import Kernel
from harness.transports.paced_kernel import PacedKernel
from harness.transports.wall_clock import WallClock

Later = Callable[[int, Callable[[], None]], None]
"""Runs an action after so many nanoseconds."""


def _in_a_thread(delay: int, action: Callable[[], None]) -> None:
    threading.Timer(delay / SECOND, action).start()


@pytest.fixture(params=["simulated", "wall", "paced"])
def timed(request: pytest.FixtureRequest) -> Iterator[tuple[Clock, Later]]:
    if request.param == "wall":
        yield WallClock(), _in_a_thread
        return
    kernel = Kernel()

    def later(delay: int, action: Callable[[], None]) -> None:
        kernel.at(kernel.now + delay, action)

    if request.param == "simulated":
        yield kernel, later
        return
    wall = WallClock()
    paced = PacedKernel(kernel, wall)

    def later_paced(delay: int, action: Callable[[], None]) -> None:
        with paced.held():
            later(delay, action)

    paced.start()
    yield PacedClock(wall, paced), later_paced
    paced.stop()


def test_time_begins_at_zero_and_passes_while_one_sleeps(timed: tuple[Clock, Later]) -> None:
    clock, _ = timed
    before = clock.now
    assert before >= 0
    clock.sleep(5 * MILLISECOND)
    assert clock.now - before >= 5 * MILLISECOND


def test_a_wait_ends_when_the_event_is_set(timed: tuple[Clock, Later]) -> None:
    clock, later = timed
    event, before = clock.event(), clock.now
    later(20 * MILLISECOND, event.set)
    assert clock.wait(event, 30 * SECOND) is True
    assert event.is_set
    assert 20 * MILLISECOND <= clock.now - before < 30 * SECOND


def test_a_wait_ends_with_its_time_out(timed: tuple[Clock, Later]) -> None:
    clock, _ = timed
    event, before = clock.event(), clock.now
    assert clock.wait(event, 10 * MILLISECOND) is False
    assert not event.is_set
    assert clock.now - before >= 10 * MILLISECOND


def test_an_event_that_is_set_already_is_not_waited_for(timed: tuple[Clock, Later]) -> None:
    clock, _ = timed
    event = clock.event()
    event.set()
    event.set()
    before = clock.now
    assert clock.wait(event, 30 * SECOND) is True
    assert clock.now - before < 30 * SECOND


def test_time_does_not_run_backwards(timed: tuple[Clock, Later]) -> None:
    clock, _ = timed
    with pytest.raises(ValueError, match="cannot wait"):
        clock.sleep(-1)
    with pytest.raises(ValueError, match="cannot wait"):
        clock.wait(clock.event(), -1)


class _Foreign:
    is_set = False

    def set(self) -> None:
        raise AssertionError


def test_an_event_of_another_clock_is_refused(timed: tuple[Clock, Later]) -> None:
    clock, _ = timed
    foreign: Event = _Foreign()
    with pytest.raises(TypeError, match="waits for its own events only"):
        clock.wait(foreign, MILLISECOND)
