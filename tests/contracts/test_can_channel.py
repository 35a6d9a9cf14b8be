"""What every `CanChannel` keeps to: on a simulated bus, on one that is paced, through an adapter and to a server."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import can
import pytest

from harness.can_port import EXTENDED
from harness.clock import MILLISECOND, SECOND, Clock
from harness.errors import BusError
from harness.protocols.can_frame import new_frame
from harness.rig.paced_world import PacedCanChannel
from harness.simulation.can_network import CanNetwork, SimulatedCanChannel
from harness.simulation.kernel import Kernel
from harness.transports.can_adapters import open_can_channel
from harness.transports.can_channel import CanChannel
from harness.transports.paced_kernel import PacedKernel
from harness.transports.wall_clock import WallClock
from tests.contracts.conftest import BOUND, numbers

LEAST_IMPORTANT = 0x7F0
"""Identifiers from here on are nobody's in the car of the served rig."""


class Side:
    """A channel, its clock, and a peer on the same bus."""

    def __init__(
        self,
        channel: CanChannel,
        clock: Clock,
        send: Callable[[can.Message], None],
        receive: Callable[[], can.Message],
        close: Callable[[], None],
    ) -> None:
        self.channel = channel
        self.clock = clock
        self.peer_sends = send
        self.peer_receives = receive
        self.close = close
        self.frames: list[can.Message] = []
        self._came = threading.Condition()

    def hear(self, *identifiers: int) -> Callable[[], None]:
        def take(frame: can.Message) -> None:
            with self._came:
                if frame.arbitration_id >= LEAST_IMPORTANT:
                    self.frames.append(frame)
                    self._came.notify_all()

        return self.channel.listen(take, identifiers or None)

    def expect(self, number: int) -> list[can.Message]:
        if isinstance(self.clock, Kernel):
            self.clock.sleep(SECOND)
        with self._came:
            assert self._came.wait_for(lambda: len(self.frames) >= number, BOUND), self.frames
            return list(self.frames)


def _virtual(_: dict[str, Any]) -> Side:
    kernel = Kernel()
    network = CanNetwork(kernel, "chassis", 500_000)
    channel, peer = SimulatedCanChannel(network), network.node("peer")
    peer.join()
    heard: list[can.Message] = []
    peer.listen(heard.append)

    def receive() -> can.Message:
        kernel.sleep(SECOND)
        return heard.pop(0)

    return Side(channel, kernel, peer.send, receive, channel.close)


def _paced(_: dict[str, Any]) -> Side:
    kernel, clock = Kernel(), WallClock()
    network, paced = CanNetwork(kernel, "chassis", 500_000), PacedKernel(kernel, clock)
    channel, peer = PacedCanChannel(SimulatedCanChannel(network), paced), network.node("peer")
    peer.join()
    heard: list[can.Message] = []
    came = threading.Semaphore(0)

    def take(frame: can.Message) -> None:
        heard.append(frame)
        came.release()

    def send(frame: can.Message) -> None:
        with paced.held():
            peer.send(frame)

    peer.listen(take)
    paced.start()

    def receive() -> can.Message:
        assert came.acquire(timeout=BOUND)
        return heard.pop(0)

    def close() -> None:
        channel.close()
        paced.stop()

    return Side(channel, clock, send, receive, close)


def _bench(interface: str, channel: str, parameters: dict[str, Any]) -> Side:
    clock = WallClock()
    ours = open_can_channel("chassis", interface, channel, parameters, bitrate=500_000, clock=clock)
    ours.prove_alive()
    peer = can.Bus(interface=interface, channel=channel, ignore_config=True, **parameters)

    def receive() -> can.Message:
        while (frame := peer.recv(BOUND)) is not None:
            if frame.arbitration_id >= LEAST_IMPORTANT:
                return frame
        pytest.fail("the peer received nothing")

    def close() -> None:
        ours.close()
        peer.shutdown()

    return Side(ours, clock, peer.send, receive, close)


def _adapter(_: dict[str, Any]) -> Side:
    return _bench("virtual", f"contract {next(numbers)}", {})


def _served(facts: dict[str, Any]) -> Side:
    """The peer is python-can's own client."""
    bus = facts["buses"]["chassis"]
    return _bench("socketcand", "chassis", {"host": bus["host"], "port": bus["port"]})


@pytest.fixture(params=[_virtual, _paced, _adapter, _served])
def side(request: pytest.FixtureRequest, served: dict[str, Any]) -> Iterator[Side]:
    side = request.param(served)
    yield side
    side.close()


def message(identifier: int, data: bytes = b"", *, extended: bool = False) -> can.Message:
    return can.Message(arbitration_id=identifier, data=data, is_extended_id=extended)


def test_a_frame_of_another_node_comes_with_its_rig_time(side: Side) -> None:
    side.hear()
    before = side.clock.now
    side.peer_sends(message(0x7F1, b"\x01\x02\x03"))
    (frame,) = side.expect(1)
    assert (frame.arbitration_id, bytes(frame.data), frame.dlc) == (0x7F1, b"\x01\x02\x03", 3)
    assert (frame.is_rx, frame.is_extended_id, frame.is_fd, frame.is_error_frame) == (True, False, False, False)
    off = side.channel.uncertainty
    assert before / SECOND - off <= frame.timestamp <= side.clock.now / SECOND + off


def test_what_is_sent_reaches_the_peer_and_comes_back_as_the_testers_own(side: Side) -> None:
    side.hear()
    before = side.clock.now
    side.channel.send(new_frame(0x7F2, b"\xff\x00"))
    (frame,) = side.expect(1)
    received = side.peer_receives()
    assert (received.arbitration_id, bytes(received.data)) == (0x7F2, b"\xff\x00")
    assert (frame.arbitration_id, bytes(frame.data), frame.is_rx) == (0x7F2, b"\xff\x00", False)
    assert frame.timestamp >= before / SECOND - side.channel.uncertainty


def test_frames_come_in_the_order_in_which_they_were_sent(side: Side) -> None:
    side.hear(0x7F3)
    for number in range(100):
        side.peer_sends(message(0x7F3, bytes([number])))
    frames = side.expect(100)
    assert [frame.data[0] for frame in frames] == list(range(100))
    stamps = [frame.timestamp for frame in frames]
    assert stamps == sorted(stamps)


def test_only_what_is_asked_for_comes_base_and_extended_apart(side: Side) -> None:
    side.hear(0x7F4 | EXTENDED, 0x7F5)
    for identifier, extended in ((0x7F4, False), (0x7F5, True), (0x7F4, True), (0x7F5, False)):
        side.peer_sends(message(identifier, extended=extended))
    frames = side.expect(2)
    assert {(frame.arbitration_id, frame.is_extended_id) for frame in frames} == {(0x7F4, True), (0x7F5, False)}


def test_nothing_comes_to_one_who_has_stopped_listening(side: Side) -> None:
    stop = side.hear(0x7F6)
    side.peer_sends(message(0x7F6))
    side.expect(1)
    stop()
    stop()
    side.hear(0x7F7)
    side.peer_sends(message(0x7F6))
    side.peer_sends(message(0x7F7))
    assert [frame.arbitration_id for frame in side.expect(2)] == [0x7F6, 0x7F7]


def test_a_channel_that_works_says_so(side: Side) -> None:
    side.channel.prove_alive()
    assert side.channel.health().problems == []
    assert 0 <= side.channel.uncertainty <= 50 * MILLISECOND / SECOND
    assert all(side.channel.untold)


def test_a_closed_channel_sends_nothing_and_closes_again(side: Side) -> None:
    side.channel.close()
    side.channel.close()
    with pytest.raises(BusError, match="chassis"):
        side.channel.send(new_frame(0x7F8, b""))
