"""A CAN channel on a bench, over python-can's virtual bus: two adapters on one wire."""

import threading
from collections.abc import Callable, Iterator
from itertools import count

import can
import pytest

from harness.can_port import EXTENDED, NOT_TOLD
from harness.clock import SECOND
from harness.errors import BusError
from harness.protocols.can_frame import new_frame
from harness.transports.bench_can import BenchCanChannel, BenchCanPort
from harness.transports.can_adapters import open_can_channel
from harness.transports.wall_clock import WallClock

SOON = 20
_names = count(1)


class Wire:
    """Our channel, and another one's adapter on the same bus."""

    def __init__(self) -> None:
        self.name = f"wire {next(_names)}"
        self.clock = WallClock()
        self.channel = open_can_channel("chassis", "virtual", self.name, {}, bitrate=500_000, clock=self.clock)
        self.other = can.Bus(interface="virtual", channel=self.name, ignore_config=True)
        self.got: list[can.Message] = []
        self._came = threading.Condition()

    def hear(self, *identifiers: int) -> Callable[[], None]:
        def take(frame: can.Message) -> None:
            with self._came:
                self.got.append(frame)
                self._came.notify_all()

        return self.channel.listen(take, identifiers or None)

    def wait(self, frames: int) -> list[can.Message]:
        with self._came:
            assert self._came.wait_for(lambda: len(self.got) >= frames, SOON), self.got
            return self.got

    def close(self) -> None:
        self.channel.close()
        self.other.shutdown()


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()
    yield wire
    wire.close()


def test_a_frame_of_another_node_is_received_with_rig_time(wire: Wire) -> None:
    wire.hear()
    before = wire.clock.now
    wire.other.send(can.Message(arbitration_id=0x123, data=b"\x01\x02", is_extended_id=False))
    (frame,) = wire.wait(1)
    assert (frame.arbitration_id, bytes(frame.data), frame.is_rx) == (0x123, b"\x01\x02", True)
    assert before <= frame.timestamp * SECOND <= wire.clock.now


def test_only_the_identifiers_that_were_asked_for_come_base_and_extended_apart(wire: Wire) -> None:
    wire.hear(0x123 | EXTENDED, 0x124)
    for identifier, extended in ((0x123, False), (0x123, True), (0x124, True), (0x124, False)):
        wire.other.send(can.Message(arbitration_id=identifier, is_extended_id=extended))
    frames = wire.wait(2)
    assert [(frame.arbitration_id, frame.is_extended_id) for frame in frames] == [(0x123, True), (0x124, False)]


def test_own_frames_come_back_when_they_have_been_sent_the_testers_marked_as_such(wire: Wire) -> None:
    wire.hear()
    port = BenchCanPort(wire.channel, lambda action: action())
    port.join()
    port.send(new_frame(0x100, b"\x01"))
    wire.channel.send(new_frame(0x100, b"\x02"))
    port.send(new_frame(0x100, b"\x02"))
    frames = wire.wait(3)
    assert [(bytes(frame.data), frame.is_rx) for frame in frames] == [
        (b"\x01", True),
        (b"\x02", False),
        (b"\x02", True),
    ]
    heard = [wire.other.recv(SOON) for _ in range(3)]
    assert [bytes(frame.data) for frame in heard if frame] == [b"\x01", b"\x02", b"\x02"]


@pytest.mark.parametrize("echoes", [True, False])
def test_ecus_on_one_channel_hear_each_other_and_not_themselves(echoes: bool) -> None:
    name = f"wire {next(_names)}"
    bus = can.Bus(interface="virtual", channel=name, ignore_config=True, receive_own_messages=echoes)
    channel = BenchCanChannel("chassis", bus, WallClock(), echoes=echoes)
    heard: list[str] = []
    came = threading.Event()
    ports = {who: BenchCanPort(channel, lambda action: action()) for who in ("first", "second")}

    def hear(who: str) -> Callable[[can.Message], None]:
        def take(_: can.Message) -> None:
            heard.append(who)
            came.set()

        return take

    for who, port in ports.items():
        port.join()
        port.listen(hear(who), (0x100,))
    ports["first"].send(new_frame(0x100, b""))
    assert came.wait(SOON)
    channel.close()
    assert heard == ["second"]


def test_an_ecu_that_has_left_hears_nothing_and_cannot_send(wire: Wire) -> None:
    posted: list[Callable[[], None]] = []
    port = BenchCanPort(wire.channel, posted.append)
    port.listen(lambda _: None)
    wire.hear()
    wire.other.send(can.Message(arbitration_id=0x123))
    wire.wait(1)
    assert posted == []
    with pytest.raises(BusError, match="it has not joined the bus"):
        port.send(new_frame(0x100, b""))


def test_one_who_has_stopped_listening_is_not_called_again(wire: Wire) -> None:
    stop = wire.hear()
    wire.other.send(can.Message(arbitration_id=0x1))
    wire.wait(1)
    stop()
    stop()
    again = threading.Event()
    wire.channel.listen(lambda _: again.set())
    wire.other.send(can.Message(arbitration_id=0x2))
    assert again.wait(SOON)
    assert len(wire.got) == 1


class Dying(can.BusABC):
    """An adapter whose driver fails."""

    def __init__(self) -> None:
        super().__init__(channel="none")
        self.dies = threading.Event()

    def _recv_internal(self, timeout: float | None) -> tuple[can.Message | None, bool]:
        if self.dies.wait(timeout):
            raise can.CanOperationError("the adapter was unplugged")
        return None, False

    def send(self, msg: can.Message, timeout: float | None = None) -> None:  # noqa: ARG002 - python-can's signature
        raise can.CanOperationError("transmit buffer full")


def test_an_adapter_that_dies_is_said_to_be_broken_and_sends_nothing_more() -> None:
    bus = Dying()
    channel = BenchCanChannel("chassis", bus, WallClock(), echoes=True)
    before = channel.health()
    assert before.problems == []
    bus.dies.set()
    channel._thread.join(SOON)
    assert channel.health().problems == ["controller is broken: the adapter was unplugged"]
    with pytest.raises(BusError, match="bus chassis cannot send: broken: the adapter was unplugged"):
        channel.send(new_frame(0x100, b""))
    with pytest.raises(BusError, match="bus chassis does not work: broken: the adapter was unplugged"):
        channel.prove_alive()
    channel.close()
    channel.close()


class Hanging(Dying):
    """An adapter whose driver does not return."""

    def _recv_internal(self, timeout: float | None) -> tuple[can.Message | None, bool]:  # noqa: ARG002 - see above
        self.dies.wait(SOON)
        return None, False


def test_a_driver_that_does_not_return_is_seen_by_those_who_ask() -> None:
    bus = Hanging()
    channel = BenchCanChannel("chassis", bus, WallClock(), echoes=True)
    channel._clock.sleep(SECOND + SECOND // 10)
    (problem,) = channel.health().problems
    assert problem.startswith("controller is receiving hangs: its driver has not returned for 1.")
    with pytest.raises(BusError, match="bus chassis does not work: receiving hangs"):
        channel.prove_alive()
    bus.dies.set()
    channel.close()


def test_a_state_that_the_adapter_does_not_tell_is_not_made_up(wire: Wire) -> None:
    assert wire.channel.health().state == NOT_TOLD
    assert "controller state" in wire.channel.untold
    assert wire.channel.health().problems == []


def test_a_frame_that_the_adapter_does_not_take_is_an_error_to_the_tester_and_a_fault_for_all() -> None:
    channel = BenchCanChannel("chassis", Dying(), WallClock(), echoes=True)
    before = channel.health()
    with pytest.raises(BusError, match="bus chassis cannot send: transmit buffer full"):
        channel.send(new_frame(0x100, b""))
    port = BenchCanPort(channel, lambda action: action())
    port.join()
    port.send(new_frame(0x100, b""))
    assert channel.health().problems_since(before) == ["cannot send: transmit buffer full"]
    channel.close()


def test_a_fault_that_comes_again_and_again_counts_from_each_look_on() -> None:
    channel = BenchCanChannel("chassis", Dying(), WallClock(), echoes=True)
    port = BenchCanPort(channel, lambda action: action())
    port.join()
    for _ in range(50):
        before = channel.health()
        for _ in range(50):
            port.send(new_frame(0x100, b""))
        assert channel.health().problems_since(before) == ["cannot send: transmit buffer full"]
    channel.close()


def test_error_frames_are_counted_and_handed_to_nobody(wire: Wire) -> None:
    wire.hear()
    wire.other.send(can.Message(is_error_frame=True))
    wire.other.send(can.Message(arbitration_id=0x1, is_extended_id=False))
    wire.wait(1)
    assert wire.channel.health().receive_errors == 1
    assert [frame.arbitration_id for frame in wire.got] == [1]


@pytest.mark.parametrize(
    ("interface", "parameters", "reason"),
    [
        ("no such adapter", {}, "'no such adapter'|no such adapter"),
        ("socketcan", {}, "No such device|not permitted|not supported|Errno"),
        ("vector", {}, "XL|vxlapi|driver|library|Windows"),
        ("socketcand", {"host": "127.0.0.1"}, "needs the parameters host and port"),
    ],
)
def test_an_adapter_that_is_not_there_is_named(interface: str, parameters: dict[str, str], reason: str) -> None:
    with pytest.raises(BusError, match=f"bus chassis: cannot open {interface} channel 'none': .*({reason})"):
        open_can_channel("chassis", interface, "none", parameters, bitrate=500_000, clock=WallClock())
