"""From the stamps of a channel's own clock to rig time, held to clocks that are known."""

import random

import pytest

from harness.clock import MICROSECOND, MILLISECOND, SECOND
from harness.transports.stamps import ASSUMED, JUMP, StampMapping

SEED = 20260311
AHEAD = 1_750_000_000 * SECOND
"""How far the channel's clock is ahead of rig time: the time of day."""


def test_the_first_frame_is_taken_to_have_come_at_once() -> None:
    assert StampMapping().rig_time(AHEAD + 100, 500) == (500, "")


def test_the_frame_that_came_soonest_tells() -> None:
    mapping = StampMapping()
    mapping.rig_time(AHEAD, 3 * MILLISECOND)
    assert mapping.rig_time(AHEAD + SECOND, SECOND + MILLISECOND) == (SECOND + MILLISECOND, "")
    assert mapping.rig_time(AHEAD + 2 * SECOND, 2 * SECOND + 5 * MILLISECOND) == (2 * SECOND + MILLISECOND, "")


def test_stamps_are_off_by_the_shortest_delay_at_most_and_never_in_the_future() -> None:
    generator, mapping, shortest, now = random.Random(SEED), StampMapping(), 200 * MICROSECOND, 0
    for number in range(5_000):
        now += generator.randrange(1, 20) * MILLISECOND
        delay = shortest + (0 if number % 50 == 0 else generator.randrange(30 * MILLISECOND))
        time, fault = mapping.rig_time(AHEAD + now, now + delay)
        assert not fault
        assert now <= time <= now + delay
        if number > 50:
            assert time - now == shortest, SEED


def test_a_clock_that_drifts_is_followed() -> None:
    """By 50 millionths, either way: ten times a bad crystal. Two windows of it are 1 ms."""
    for drift in (-50e-6, 50e-6):
        mapping = StampMapping()
        for number in range(20_000):
            now = number * 10 * MILLISECOND
            stamp = AHEAD + now + round(now * drift)
            time, fault = mapping.rig_time(stamp, now + 100 * MICROSECOND)
            assert not fault
            assert abs(time - now) < 1_200 * MICROSECOND


def test_a_frame_that_was_held_up_is_a_fault_and_so_is_a_clock_that_was_set() -> None:
    for change in (JUMP + MILLISECOND, -JUMP - MILLISECOND, 3600 * SECOND):
        mapping = StampMapping()
        mapping.rig_time(AHEAD, 0)
        time, fault = mapping.rig_time(AHEAD + SECOND, SECOND + change)
        assert time == SECOND + change
        assert f"{change / SECOND:.3f} s after its time stamp" in fault
        assert mapping.rig_time(AHEAD + 2 * SECOND, 2 * SECOND + change)[1] == ""


def test_the_uncertainty_is_the_longest_that_handing_over_takes() -> None:
    mapping = StampMapping()
    for _ in range(10):
        assert mapping.uncertainty(0) > ASSUMED, "of the first frames each may have been held up"
        mapping.rig_time(AHEAD, 0)
    assert mapping.uncertainty(0) == ASSUMED
    mapping.bound(400 * MICROSECOND)
    mapping.bound(900 * MICROSECOND)
    assert mapping.uncertainty(0) == 400 * MICROSECOND


@pytest.mark.parametrize("millionths", [0, 1, 20, 50, -1, -20, -50])
def test_the_uncertainty_covers_what_is_off_and_stays_small_however_long_it_takes(millionths: int) -> None:
    generator, mapping, shortest = random.Random(SEED), StampMapping(), 200 * MICROSECOND
    mapping.bound(400 * MICROSECOND)
    for number in range(40_000):
        now = number * 100 * MILLISECOND
        stamp = AHEAD + now - round(now * millionths * 1e-6)
        received = now + shortest + round(generator.expovariate(1 / (300 * MICROSECOND)))
        before = mapping.uncertainty(now)
        time, fault = mapping.rig_time(stamp, received)
        assert not fault
        assert number < 10 or abs(time - now) <= before <= 4 * MILLISECOND, SEED


def test_what_is_known_is_forgotten_when_no_frame_comes_for_long() -> None:
    """Clocks drift, and a frame must not be taken for one that ended before it was waited for."""
    mapping = StampMapping()
    mapping.bound(0)
    for _ in range(10):
        mapping.rig_time(AHEAD, 0)
    assert mapping.uncertainty(SECOND) == 100 * MICROSECOND
    hour = 3600 * SECOND
    assert mapping.uncertainty(hour) == 50 * MILLISECOND
    drifted = AHEAD + hour - round(hour * 50e-6)
    for _ in range(10):
        assert mapping.uncertainty(hour) == 50 * MILLISECOND
        assert mapping.rig_time(drifted, hour + MILLISECOND) == (hour + MILLISECOND, "")
    assert mapping.uncertainty(hour) == 0
