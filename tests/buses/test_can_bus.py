"""What a test sees of a bus: only what comes after it began to look, and in time."""

from collections.abc import Callable
from pathlib import Path

import can
import pytest

from harness.buses.can_bus import CanBus
from harness.buses.cycle_times import CycleTimes, cycle_times
from harness.clock import MICROSECOND, MILLISECOND, SECOND
from harness.errors import BusError
from harness.protocols.can_frame import new_frame
from harness.protocols.database import Message, read_database
from harness.simulation.can_network import CanNetwork, CanNode, SimulatedCanChannel
from harness.simulation.kernel import Kernel

BIT = 2 * MICROSECOND
PLAIN_DATA = bytes.fromhex("e316643166431664")
"""With identifier 0x11D: no stuff bit, 108 bits to the end of the frame and 111 with the interframe space."""


class Bench:
    """A bus with the tester and a node that sends when told."""

    def __init__(self, folder: Path) -> None:
        path = folder / "plain.dbc"
        path.write_text(
            f'VERSION ""\nBS_:\nBU_: A B\nBO_ {0x11D} Plain: 8 A\n SG_ First : 7|8@0+ (1,0) [0|0] "" B\n', "ascii"
        )
        self.kernel = Kernel()
        network = CanNetwork(self.kernel, "chassis", 500_000)
        self.channel = SimulatedCanChannel(network)
        self.node: CanNode = network.node("node")
        self.database = read_database(path)
        self.bus = CanBus("chassis", self.channel, self.database, self.kernel)

    @property
    def message(self) -> Message:
        return self.database.message("Plain")

    def send_at(self, time: int, first: int | None = None) -> None:
        data = PLAIN_DATA if first is None else bytes([first]) + PLAIN_DATA[1:]
        self.kernel.at(time, lambda: self.node.send(new_frame(0x11D, data)))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.node.join()
    return bench


def first_is(value: int) -> Callable[[can.Message], bool]:
    return lambda frame: frame.data[0] == value


def test_only_frames_that_come_after_the_call_count(bench: Bench) -> None:
    bench.send_at(0, first=1)
    bench.kernel.sleep(MILLISECOND)
    assert bench.bus.latest(bench.message) is not None
    sighting = bench.bus.watch(bench.message, first_is(1), 10 * MILLISECOND)
    assert (sighting.met, sighting.frame, sighting.count) == (False, None, 0)


def test_a_frame_that_had_ended_before_the_call_does_not_count(bench: Bench) -> None:
    bench.send_at(0)
    bench.kernel.sleep(109 * BIT)  # in the interframe space: ended, not yet handed over
    assert not bench.bus.watch(bench.message, lambda _: True, MILLISECOND).met


def test_a_frame_on_the_bus_during_the_call_counts(bench: Bench) -> None:
    bench.send_at(0)
    bench.kernel.sleep(107 * BIT)
    sighting = bench.bus.watch(bench.message, lambda _: True, MILLISECOND)
    assert sighting.met
    assert bench.kernel.now == 111 * BIT


@pytest.mark.parametrize(("timeout", "met"), [(108 * BIT, True), (108 * BIT - 1, False), (110 * BIT, True)])
def test_a_frame_counts_up_to_the_very_deadline(bench: Bench, timeout: int, met: bool) -> None:
    bench.send_at(0)
    assert bench.bus.watch(bench.message, lambda _: True, timeout).met is met


def test_watching_ends_with_the_frame_that_is_waited_for(bench: Bench) -> None:
    for number in range(5):
        bench.send_at(number * MILLISECOND, first=number)
    sighting = bench.bus.watch(bench.message, first_is(2), SECOND)
    assert (sighting.met, sighting.count) == (True, 3)
    assert sighting.frame is not None
    assert sighting.frame.data[0] == 2
    assert 2 * MILLISECOND < bench.kernel.now < 3 * MILLISECOND


def test_without_it_the_last_frame_is_reported(bench: Bench) -> None:
    for number in range(5):
        bench.send_at(number * MILLISECOND, first=number)
    sighting = bench.bus.watch(bench.message, first_is(99), SECOND)
    assert (sighting.met, sighting.count) == (False, 5)
    assert sighting.frame is not None
    assert sighting.frame.data[0] == 4
    assert SECOND <= bench.kernel.now <= SECOND + MILLISECOND


def test_other_messages_do_not_count(bench: Bench) -> None:
    bench.kernel.at(0, lambda: bench.node.send(new_frame(0x11E, b"\x01")))
    assert bench.bus.watch(bench.message, lambda _: True, 10 * MILLISECOND).count == 0


def test_watching_leaves_no_listener_behind(bench: Bench) -> None:
    calls: list[can.Message] = []

    def until(frame: can.Message) -> bool:
        calls.append(frame)
        return True

    bench.send_at(0)
    bench.bus.watch(bench.message, until, SECOND)
    bench.send_at(bench.kernel.now)
    bench.kernel.sleep(SECOND)
    assert len(calls) == 1


def test_silence_on_a_healthy_bus_is_no_error_and_on_a_sick_one_it_is(bench: Bench) -> None:
    bench.node.leave()
    bench.channel.send(can.Message(arbitration_id=0x700, is_extended_id=False))
    with pytest.raises(BusError, match="bus chassis does not work: controller is error passive, 128 transmit errors"):
        bench.bus.watch(bench.message, lambda _: True, SECOND)


def test_a_bus_that_is_sick_but_carries_the_message_is_judged_by_it(bench: Bench) -> None:
    bench.node.leave()
    bench.channel.send(can.Message(arbitration_id=0x700, is_extended_id=False))
    bench.kernel.sleep(10 * MILLISECOND)
    bench.node.join()
    bench.send_at(bench.kernel.now)
    sighting = bench.bus.watch(bench.message, lambda _: False, 10 * MILLISECOND)
    assert (sighting.met, sighting.count) == (False, 1)


def test_recording_returns_what_comes_in_the_time(bench: Bench) -> None:
    for number in range(10):
        bench.send_at(number * MILLISECOND, first=number)
    bench.kernel.sleep(3 * MILLISECOND - 1)
    seen = bench.bus.record(bench.message, 4 * MILLISECOND)
    assert [frame.data[0] for frame in seen.frames] == [3, 4, 5, 6]
    assert [seen.begin, seen.end] == pytest.approx([0.003, 0.007])
    assert not seen.doubtful


def test_a_bus_is_awake_from_the_first_frame_after_a_silence_on(bench: Bench) -> None:
    assert bench.bus.awake_since is None
    for time in (SECOND, 2 * SECOND, 5 * SECOND, 6 * SECOND):
        bench.send_at(time)
    bench.kernel.sleep(4 * SECOND - MILLISECOND)
    assert bench.bus.awake_since == pytest.approx(1, abs=0.001)
    bench.kernel.sleep(2 * MILLISECOND)
    assert bench.bus.awake_since is None
    bench.kernel.sleep(3 * SECOND)
    assert bench.bus.awake_since == pytest.approx(5, abs=0.001)


def test_what_the_tester_sends_neither_wakes_a_bus_nor_counts_but_where_it_is_asked_for(bench: Bench) -> None:
    bench.channel.send(new_frame(0x11D, PLAIN_DATA))
    with bench.bus.recording(MILLISECOND) as heard, bench.bus.recording(MILLISECOND, own=True) as all_of_them:
        bench.kernel.sleep(MILLISECOND)
    assert (heard.frames, len(all_of_them.frames)) == ([], 1)
    assert (bench.bus.awake_since, bench.bus.has_been_heard) == (None, False)


# Time stamps that may be off

OFF = 10 * MILLISECOND


@pytest.fixture
def vague(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A bench whose channel says that its stamps may be off, as one of an adapter does."""
    monkeypatch.setattr(SimulatedCanChannel, "uncertainty", OFF / SECOND)
    bench.kernel.sleep(SECOND)
    return bench


@pytest.mark.parametrize("phase", range(0, 20, 3))
def test_a_regular_message_is_regular_however_far_stamps_may_be_off(vague: Bench, phase: int) -> None:
    for number in range(100):
        vague.send_at(SECOND + phase * MILLISECOND + number * 20 * MILLISECOND)
    seen = vague.bus.record(vague.message, SECOND)
    times = cycle_times([frame.timestamp for frame in seen.frames], seen.begin, seen.end)
    assert times == CycleTimes(times.count, 0.02, 0.02, 0.02)
    assert times.count >= 48


@pytest.mark.parametrize(
    ("delay", "met", "doubtful"), [(1, False, True), (9, False, True), (11, True, False), (95, True, True)]
)
def test_a_frame_that_may_have_ended_before_the_call_or_too_late_leaves_a_doubt(
    vague: Bench, delay: int, met: bool, doubtful: bool
) -> None:
    vague.send_at(SECOND + delay * MILLISECOND, first=7)
    sighting = vague.bus.watch(vague.message, first_is(7), 100 * MILLISECOND)
    assert (sighting.met, sighting.count, sighting.doubtful) == (met, int(met), doubtful)


def test_a_frame_that_is_not_what_is_waited_for_leaves_none(vague: Bench) -> None:
    vague.send_at(SECOND + MILLISECOND, first=6)
    assert not vague.bus.watch(vague.message, first_is(7), 100 * MILLISECOND).doubtful


def test_a_recording_says_whether_there_may_have_been_one_frame_more(vague: Bench) -> None:
    vague.send_at(SECOND + MILLISECOND)
    seen = vague.bus.record(vague.message, 100 * MILLISECOND)
    assert (seen.frames, len(seen.before), seen.doubtful) == ([], 1, True)


@pytest.mark.parametrize(("delays", "doubtful"), [((50,), False), ((1, 50), False), ((95,), True), ((50, 95), False)])
def test_a_recording_is_doubtful_where_no_frame_was_surely_in_the_time(
    vague: Bench, delays: tuple[int, ...], doubtful: bool
) -> None:
    for delay in delays:
        vague.send_at(SECOND + delay * MILLISECOND)
    assert vague.bus.record(vague.message, 100 * MILLISECOND).doubtful is doubtful


# Cycle times


def test_cycle_times_are_those_between_neighbours() -> None:
    assert cycle_times([0.0, 0.010, 0.021, 0.030]) == CycleTimes(count=3, mean=0.01, minimum=0.009, maximum=0.011)


def test_equal_periods_have_no_spread_however_late_they_are() -> None:
    # 100 periods of 10 ms an hour into a run: seconds as floating-point numbers are off by some 1e-13 there.
    stamps = [3600 + number / 100 for number in range(101)]
    assert cycle_times(stamps) == CycleTimes(100, 0.01, 0.01, 0.01)


@pytest.mark.parametrize(("stamps", "found"), [([], "none"), ([1.0], "one")])
def test_a_period_needs_two_frames(stamps: list[float], found: str) -> None:
    with pytest.raises(ValueError, match=f"there is {found}"):
        cycle_times(stamps)
