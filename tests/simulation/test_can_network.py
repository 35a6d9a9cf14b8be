"""The simulated bus: arbitration, exact times, acknowledgement, who hears what.

Times by hand: at 500 kbit/s a bit takes 2 us. The frame `PLAIN` has no stuff bit, so 111 bits with interframe space
(222 us), 108 without (216 us); see the extremes in the tests of harness.protocols.can_frame.
"""

import hashlib
import random
from functools import partial
from typing import TYPE_CHECKING

import can
import pytest

from harness.can_port import ChannelHealth
from harness.clock import MICROSECOND, MILLISECOND, SECOND
from harness.errors import BusError
from harness.protocols.can_frame import frame_bits, new_frame
from harness.simulation.can_network import CanNetwork, CanNode, SimulatedCanChannel
from harness.simulation.kernel import Kernel
from tests.simulation.ear import BIT, PLAIN, Ear, joined, plain_frame

if TYPE_CHECKING:
    from collections.abc import Callable

SEED = 20260103
LOWER = 0x10D


@pytest.fixture
def network(kernel: Kernel) -> CanNetwork:
    return CanNetwork(kernel, "chassis", 500_000)


@pytest.fixture
def ear(kernel: Kernel, network: CanNetwork) -> Ear:
    """A third node that listens to everything."""
    ear = Ear(kernel)
    joined(network, "ear").listen(ear)
    return ear


def length(frame: can.Message) -> int:
    """Bits with interframe space."""
    return frame_bits(frame.arbitration_id, bytes(frame.data), frame.is_extended_id)


# Times


def test_the_plain_frame_has_the_length_that_the_times_below_suppose() -> None:
    assert length(plain_frame()) == 111


def test_a_frame_is_stamped_with_its_end_and_handed_over_after_the_interframe_space(
    kernel: Kernel, network: CanNetwork, ear: Ear
) -> None:
    sender = joined(network, "sender")
    kernel.at(MILLISECOND, lambda: sender.send(plain_frame()))
    kernel.sleep(2 * MILLISECOND)
    assert ear.stamps == [MILLISECOND + 108 * BIT]
    assert ear.at == [MILLISECOND + 111 * BIT]


def test_queued_frames_follow_each_other_without_a_gap(kernel: Kernel, network: CanNetwork, ear: Ear) -> None:
    sender = joined(network, "sender")
    for _ in range(5):
        sender.send(plain_frame())
    kernel.sleep(2 * MILLISECOND)
    assert ear.stamps == [(111 * number + 108) * BIT for number in range(5)]


def test_times_follow_the_bit_rate(kernel: Kernel) -> None:
    network, ear = CanNetwork(kernel, "slow", 125_000), Ear(kernel)
    joined(network, "ear").listen(ear)
    joined(network, "sender").send(plain_frame())
    kernel.sleep(2 * MILLISECOND)
    assert ear.stamps == [864 * MICROSECOND]


# Arbitration


def test_of_frames_of_one_instant_the_lowest_identifier_goes_first(
    kernel: Kernel, network: CanNetwork, ear: Ear
) -> None:
    nodes = [joined(network, name) for name in "abcd"]
    for node, identifier in zip(nodes, (0x300, 0x100, 0x400, 0x200), strict=True):
        kernel.at(MILLISECOND, partial(node.send, new_frame(identifier, b"\x55")))
    kernel.sleep(3 * MILLISECOND)
    assert ear.identifiers == [0x100, 0x200, 0x300, 0x400]
    first = new_frame(0x100, b"\x55")
    assert ear.stamps[0] == MILLISECOND + (length(first) - 3) * BIT


def test_a_frame_on_the_bus_is_never_interrupted(kernel: Kernel, network: CanNetwork, ear: Ear) -> None:
    low, high = joined(network, "low"), joined(network, "high")
    low.send(plain_frame())
    kernel.at(1, lambda: high.send(new_frame(0x001, b"\x55")))
    kernel.at(2, lambda: low.send(new_frame(0x002, b"\x55")))
    kernel.sleep(MILLISECOND)
    assert ear.identifiers == [PLAIN, 0x001, 0x002]
    assert ear.stamps[0] == 108 * BIT


def test_a_frame_queued_when_the_bus_becomes_free_takes_part_in_the_arbitration(
    kernel: Kernel, network: CanNetwork, ear: Ear
) -> None:
    low, high = joined(network, "low"), joined(network, "high")
    low.send(plain_frame())
    low.send(plain_frame())
    kernel.at(111 * BIT, lambda: high.send(new_frame(0x001, b"\x55")))
    kernel.sleep(2 * MILLISECOND)
    assert ear.identifiers == [PLAIN, 0x001, PLAIN]


def test_a_base_frame_wins_over_an_extended_one_of_the_same_prefix(
    kernel: Kernel, network: CanNetwork, ear: Ear
) -> None:
    node = joined(network, "sender")
    node.send(new_frame(0x123 << 18, b"", extended=True))
    node.send(new_frame(0x123, b""))
    node.send(new_frame(0x122 << 18 | 0x3FFFF, b"", extended=True))
    kernel.sleep(MILLISECOND)
    assert ear.identifiers == [0x122 << 18 | 0x3FFFF, 0x123, 0x123 << 18]


def test_frames_of_one_identifier_keep_their_order(kernel: Kernel, network: CanNetwork, ear: Ear) -> None:
    node = joined(network, "sender")
    for number in range(50):
        node.send(new_frame(0x123, bytes([number])))
    kernel.sleep(20 * MILLISECOND)
    assert [frame.data[0] for frame in ear.frames] == list(range(50))


def test_under_load_the_order_is_that_of_an_independent_model(kernel: Kernel, network: CanNetwork, ear: Ear) -> None:
    generator = random.Random(SEED)
    nodes = [joined(network, f"node {number}") for number in range(6)]
    waiting: list[tuple[int, int, int]] = []  # queued at, identifier, bits
    for identifier in generator.sample(range(0x800), 400):
        frame = new_frame(identifier, generator.randbytes(generator.randrange(9)))
        queued = generator.randrange(60 * MILLISECOND)
        waiting.append((queued, identifier, length(frame)))
        kernel.at(queued, partial(generator.choice(nodes).send, frame))
    kernel.sleep(SECOND)
    free, expected = 0, []
    while waiting:
        now = max(free, min(waiting)[0])
        winner = min((frame for frame in waiting if frame[0] <= now), key=lambda frame: frame[1])
        waiting.remove(winner)
        expected.append((winner[1], now + (winner[2] - 3) * BIT))
        free = now + winner[2] * BIT
    assert list(zip(ear.identifiers, ear.stamps, strict=True)) == expected, f"seed {SEED}"


# Who hears what


def test_frames_are_handed_over_as_they_are_to_all_who_listen(kernel: Kernel, network: CanNetwork) -> None:
    ears = [Ear(kernel) for _ in range(3)]
    for number, ear in enumerate(ears):
        joined(network, f"node {number}").listen(ear)
    frame = plain_frame()
    joined(network, "sender").send(frame)
    kernel.sleep(MILLISECOND)
    for ear in ears:
        assert len(ear.frames) == 1
        assert ear.frames[0] is frame
        assert frame.is_rx


def test_a_frame_of_pythons_can_library_can_be_sent_as_it_is(kernel: Kernel, network: CanNetwork, ear: Ear) -> None:
    joined(network, "sender").send(can.Message(arbitration_id=0x123, data=[1, 2], is_extended_id=False))
    kernel.sleep(MILLISECOND)
    assert (ear.identifiers, bytes(ear.frames[0].data)) == ([0x123], b"\x01\x02")


def test_a_sender_does_not_hear_itself(kernel: Kernel, network: CanNetwork, ear: Ear) -> None:
    sender, own = joined(network, "sender"), Ear(kernel)
    sender.listen(own)
    sender.send(plain_frame())
    kernel.sleep(MILLISECOND)
    assert (len(own.frames), len(ear.frames)) == (0, 1)


def test_listeners_hear_the_identifiers_that_they_asked_for(kernel: Kernel, network: CanNetwork) -> None:
    node, some, none = joined(network, "listener"), Ear(kernel), Ear(kernel)
    node.listen(some, [0x100, 0x102])
    node.listen(none, [])
    sender = joined(network, "sender")
    for identifier in range(0x100, 0x104):
        sender.send(new_frame(identifier, b""))
    kernel.sleep(MILLISECOND)
    assert (some.identifiers, none.identifiers) == ([0x100, 0x102], [])


def test_a_listener_that_is_stopped_hears_no_more(kernel: Kernel, network: CanNetwork) -> None:
    node, ear = joined(network, "listener"), Ear(kernel)
    stop = node.listen(ear)
    sender = joined(network, "sender")
    sender.send(plain_frame())
    kernel.sleep(MILLISECOND)
    stop()
    stop()
    sender.send(plain_frame())
    kernel.sleep(MILLISECOND)
    assert len(ear.frames) == 1


def test_listeners_may_come_and_go_while_a_frame_is_handed_over(kernel: Kernel, network: CanNetwork) -> None:
    node, first, last, late = joined(network, "listener"), Ear(kernel), Ear(kernel), Ear(kernel)
    stops: list[Callable[[], None]] = []

    def change(_: can.Message) -> None:
        if stops:
            stops.pop()()
            node.listen(late)

    node.listen(first)
    stops.append(node.listen(change))
    node.listen(last)
    sender = joined(network, "sender")
    sender.send(plain_frame())
    sender.send(plain_frame())
    kernel.sleep(MILLISECOND)
    assert (len(first.frames), len(last.frames), len(late.frames)) == (2, 2, 1)


def test_the_tester_hears_its_own_frames_and_they_are_marked(kernel: Kernel, network: CanNetwork, ear: Ear) -> None:
    channel, own = SimulatedCanChannel(network), Ear(kernel)
    channel.listen(own)
    joined(network, "sender").send(plain_frame())
    frame = can.Message(arbitration_id=0x700, data=[1, 2, 3], is_extended_id=False)
    channel.send(frame)
    frame.data[0] = 9
    kernel.sleep(MILLISECOND)
    assert [(heard.arbitration_id, heard.is_rx) for heard in own.frames] == [(PLAIN, True), (0x700, False)]
    assert bytes(own.frames[1].data) == b"\x01\x02\x03", "the frame was changed after it was queued"
    assert frame.timestamp == 0.0
    assert ear.frames[1] is own.frames[1]


@pytest.mark.parametrize(
    "frame",
    [
        can.Message(arbitration_id=1, is_fd=True, data=bytes(12)),
        can.Message(arbitration_id=1, is_remote_frame=True),
        can.Message(is_error_frame=True),
        can.Message(arbitration_id=1, data=bytes(9)),
        can.Message(arbitration_id=0x800, is_extended_id=False),
        can.Message(arbitration_id=0x20000000, is_extended_id=True),
        can.Message(arbitration_id=-1),
    ],
    ids=["FD", "remote", "error", "nine bytes", "12-bit identifier", "30-bit identifier", "negative identifier"],
)
def test_the_tester_sends_classic_data_frames_only(network: CanNetwork, frame: can.Message) -> None:
    with pytest.raises(BusError, match="on chassis the tester sends classic CAN data frames only"):
        SimulatedCanChannel(network).send(frame)


# Joining and leaving


def test_a_node_that_has_not_joined_neither_sends_nor_hears(kernel: Kernel, network: CanNetwork, ear: Ear) -> None:
    node, deaf = network.node("sleeper"), Ear(kernel)
    node.listen(deaf)
    with pytest.raises(BusError, match="sleeper cannot send on chassis"):
        node.send(plain_frame())
    joined(network, "sender").send(plain_frame())
    kernel.sleep(MILLISECOND)
    assert (len(deaf.frames), len(ear.frames)) == (0, 1)


def test_leaving_drops_queued_frames_and_destroys_the_one_being_sent(
    kernel: Kernel, network: CanNetwork, ear: Ear
) -> None:
    leaver, other = joined(network, "leaver"), joined(network, "other")
    leaver.send(plain_frame())
    leaver.send(new_frame(0x001, b"\x01"))
    other.send(new_frame(0x700, b"\x02"))
    kernel.at(50 * BIT, leaver.leave)
    kernel.sleep(2 * MILLISECOND)
    assert ear.identifiers == [0x700]
    leaver.join()
    leaver.send(plain_frame())
    kernel.sleep(2 * MILLISECOND)
    assert ear.identifiers == [0x700, PLAIN]


def test_a_node_that_leaves_and_joins_within_its_frame_has_lost_it(
    kernel: Kernel, network: CanNetwork, ear: Ear
) -> None:
    node = joined(network, "node")
    node.send(plain_frame())
    kernel.at(50 * BIT, node.leave)
    kernel.at(60 * BIT, node.join)
    kernel.at(60 * BIT, lambda: node.send(new_frame(0x100, b"")))
    kernel.sleep(2 * MILLISECOND)
    assert ear.identifiers == [0x100]


def test_joining_and_leaving_twice_is_harmless(kernel: Kernel, network: CanNetwork, ear: Ear) -> None:
    node = joined(network, "node")
    node.join()
    node.leave()
    node.leave()
    joined(network, "sender").send(plain_frame())
    kernel.sleep(MILLISECOND)
    assert len(ear.frames) == 1


# A lone node. One attempt of the plain frame: 100 bits to the acknowledge slot, 6 of error flag, 8 of error delimiter
# and 3 of interframe space are 117 bits, 234 us. The 16th failure makes the counter 128: from then on the node, being
# error passive, suspends its transmission for 8 bits more: 125 bits, 250 us.

ATTEMPT = 234 * MICROSECOND
PASSIVE_ATTEMPT = 250 * MICROSECOND


@pytest.mark.parametrize(
    ("join_at", "begin", "errors"),
    [
        (ATTEMPT + 1, 2 * ATTEMPT, 16),
        (2 * ATTEMPT, 2 * ATTEMPT, 16),
        (MILLISECOND, 5 * ATTEMPT, 40),
        (15 * ATTEMPT, 15 * ATTEMPT, 120),
        (15 * ATTEMPT + 1, 15 * ATTEMPT + PASSIVE_ATTEMPT, 128),
        (10 * MILLISECOND, 15 * ATTEMPT + 26 * PASSIVE_ATTEMPT, 128),
    ],
)
def test_a_lone_node_repeats_its_frame_until_somebody_acknowledges_it(
    kernel: Kernel, network: CanNetwork, join_at: int, begin: int, errors: int
) -> None:
    lone, second, ear = joined(network, "lone"), network.node("second"), Ear(kernel)
    second.listen(ear)
    lone.send(plain_frame())
    kernel.at(join_at, second.join)
    kernel.sleep(begin)
    assert (ear.frames, network.transmit_errors(lone)) == ([], errors)
    kernel.sleep(20 * MILLISECOND)
    assert ear.stamps == [begin + 108 * BIT]
    assert network.transmit_errors(lone) == errors - 1


def test_without_acknowledgement_errors_rise_to_128_and_no_further(kernel: Kernel, network: CanNetwork) -> None:
    # Bosch, CAN specification 2.0 (1991), 8.: "It can become 'error passive' but not 'bus off' due to this reason."
    channel = SimulatedCanChannel(network)
    channel.send(plain_frame())
    assert channel.health() == ChannelHealth()
    kernel.sleep(ATTEMPT)
    assert channel.health() == ChannelHealth("error active", transmit_errors=8)
    kernel.sleep(14 * ATTEMPT)
    assert channel.health().transmit_errors == 120
    kernel.sleep(PASSIVE_ATTEMPT)
    assert channel.health() == ChannelHealth("error passive", transmit_errors=128)
    kernel.sleep(10 * SECOND)
    assert channel.health() == ChannelHealth("error passive", transmit_errors=128)


def test_each_frame_that_is_acknowledged_takes_one_error_back(kernel: Kernel, network: CanNetwork) -> None:
    channel = SimulatedCanChannel(network)
    channel.send(plain_frame())
    kernel.sleep(10 * MILLISECOND)
    joined(network, "second")
    kernel.sleep(MILLISECOND)
    assert channel.health() == ChannelHealth("error active", transmit_errors=127)
    for _ in range(127):
        channel.send(plain_frame())
    kernel.sleep(SECOND)
    assert not channel.health().problems


def test_a_lone_node_with_frames_of_one_instant_and_length_keeps_all(kernel: Kernel, network: CanNetwork) -> None:
    generator, same_length = random.Random(SEED), new_frame(0x001, b"")
    while length(same_length) != 111:
        same_length = new_frame(LOWER, generator.randbytes(8))
    lone, second, ear = joined(network, "lone"), network.node("second"), Ear(kernel)
    second.listen(ear)
    lone.send(plain_frame())
    lone.send(same_length)
    lone.send(plain_frame())
    kernel.at(100 * MILLISECOND, second.join)
    kernel.sleep(200 * MILLISECOND)
    assert ear.identifiers == [LOWER, PLAIN, PLAIN]
    assert ear.stamps[0] == 15 * ATTEMPT + 386 * PASSIVE_ATTEMPT + 108 * BIT


def test_a_lone_node_that_leaves_takes_its_frame_along(kernel: Kernel, network: CanNetwork) -> None:
    lone, second, ear = joined(network, "lone"), network.node("second"), Ear(kernel)
    second.listen(ear)
    lone.send(plain_frame())
    kernel.sleep(MILLISECOND)
    lone.leave()
    second.join()
    kernel.sleep(MILLISECOND)
    lone.join()
    lone.send(new_frame(0x100, b""))
    kernel.sleep(MILLISECOND)
    assert ear.identifiers == [0x100]


def test_a_second_node_that_leaves_again_before_the_repetition_acknowledges_nothing(
    kernel: Kernel, network: CanNetwork
) -> None:
    lone, second, ear = joined(network, "lone"), network.node("second"), Ear(kernel)
    second.listen(ear)
    lone.send(plain_frame())
    kernel.sleep(ATTEMPT + 1)
    second.join()
    second.leave()
    kernel.sleep(10 * MILLISECOND)
    assert ear.frames == []
    second.join()
    kernel.sleep(MILLISECOND)
    assert ear.identifiers == [PLAIN]


# The whole


def test_the_same_bus_carries_the_same_frames_twice() -> None:
    def run() -> str:
        kernel, generator, digest = Kernel(), random.Random(SEED), hashlib.sha256()
        network = CanNetwork(kernel, "chassis", 500_000)
        nodes = [joined(network, f"node {number}") for number in range(8)]
        SimulatedCanChannel(network).listen(
            lambda frame: digest.update(repr((frame.timestamp, frame.arbitration_id, bytes(frame.data))).encode())
        )

        def act(node: CanNode) -> None:
            match generator.randrange(10):
                case 0:
                    node.leave()
                case 1 | 2:
                    node.join()
                case _ if node.online:
                    node.send(new_frame(generator.randrange(0x800), generator.randbytes(generator.randrange(9))))
            kernel.at(kernel.now + generator.randrange(3 * MILLISECOND), partial(act, node))

        for node in nodes:
            act(node)
        kernel.sleep(2 * SECOND)
        return digest.hexdigest()

    assert run() == run()
