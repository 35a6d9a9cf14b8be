"""Traces are what python-can's own reader reads back: every frame of every bus, with rig time, and the marks."""

import random
import struct
import sys
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path
from threading import Barrier, Event, Thread

import can
import pytest

from harness.buses.trace import Trace
from harness.can_port import ChannelHealth, FrameListener
from harness.clock import MILLISECOND, SECOND
from harness.errors import BusError
from harness.protocols.can_frame import new_frame
from harness.rig.paced_world import PacedCanChannel
from harness.simulation.can_network import CanNetwork, SimulatedCanChannel
from harness.simulation.kernel import Kernel
from harness.transports.paced_kernel import PacedKernel
from harness.transports.wall_clock import WallClock

SEED = 20260105
RESOLUTION = 1e-9
"""Seconds: BLF objects of this kind count nanoseconds."""


class Loopback:
    """A channel whose frames are what is sent on it."""

    def __init__(self) -> None:
        self._listeners: list[FrameListener] = []

    def send(self, frame: can.Message) -> None:
        for listener in self._listeners:
            listener(frame)

    def listen(
        self,
        listener: FrameListener,
        identifiers: Collection[int] | None = None,  # noqa: ARG002 - a channel has it
    ) -> Callable[[], None]:
        self._listeners.append(listener)
        return self.let_go

    def let_go(self) -> None:
        self._listeners.clear()

    @property
    def uncertainty(self) -> float:
        return 0.0

    @property
    def untold(self) -> tuple[str, ...]:
        return ()

    def prove_alive(self) -> None:
        pass

    def health(self) -> ChannelHealth:
        return ChannelHealth()

    def close(self) -> None:
        self._listeners.clear()


def record(path: Path, count: int = 500) -> list[tuple[float, int, bytes, bool, bool, int]]:
    """Record two buses with traffic; return what was on them."""
    kernel, generator, trace, seen = Kernel(), random.Random(SEED), Trace(path), list[tuple[can.Message, int]]()

    def note(number: int, frame: can.Message) -> None:
        seen.append((frame, number))

    for number, name in enumerate(("chassis", "body"), 1):
        network = CanNetwork(kernel, name, 500_000)
        channel, node = SimulatedCanChannel(network), network.node("node")
        node.join()
        trace.record(channel, number)
        channel.listen(partial(note, number))
        for _ in range(count):
            extended = generator.random() < 0.3
            identifier = generator.randrange(1 << 29 if extended else 1 << 11)
            frame = new_frame(identifier, generator.randbytes(generator.randrange(9)), extended)
            send = node.send if generator.random() < 0.5 else channel.send
            kernel.at(generator.randrange(SECOND), partial(send, frame))
    kernel.sleep(SECOND // 2)
    trace.mark("test Größe & <Sinn> \u96ea", kernel.now)
    kernel.sleep(SECOND)
    trace.close()
    return [(f.timestamp, f.arbitration_id, bytes(f.data), f.is_extended_id, f.is_rx, number) for f, number in seen]


def read(path: Path) -> list[can.Message]:
    with can.BLFReader(path) as reader:
        return list(reader)


def test_python_can_reads_back_what_was_on_the_buses(tmp_path: Path) -> None:
    path = tmp_path / "traces" / "all.blf"
    sent = record(path)
    frames = read(path)
    assert len(frames) == len(sent) == 1000
    for frame, (stamp, identifier, data, extended, is_rx, number) in zip(frames, sent, strict=True):
        assert frame.timestamp == pytest.approx(stamp, abs=RESOLUTION)
        assert (frame.arbitration_id, bytes(frame.data), frame.is_extended_id) == (identifier, data, extended)
        assert (frame.is_rx, frame.channel) == (is_rx, number - 1)


def test_the_time_axis_begins_at_rig_time_0_not_at_the_first_frame(tmp_path: Path) -> None:
    kernel = Kernel()
    network, path = CanNetwork(kernel, "chassis", 500_000), tmp_path / "late.blf"
    channel, node, trace = SimulatedCanChannel(network), network.node("node"), Trace(path)
    node.join()
    trace.record(channel, 1)
    kernel.at(3_600 * SECOND, lambda: node.send(new_frame(0x123, b"\x01")))
    kernel.sleep(3_600 * SECOND + MILLISECOND)
    trace.close()
    (frame,) = read(path)
    assert 3_600 < frame.timestamp < 3_600.001


def test_marks_are_in_the_file_as_ascii(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marks: list[bytes] = []
    path = tmp_path / "marked.blf"
    record(path, count=3)
    reader = can.BLFReader(path)
    original = reader._parse_data  # its iterator skips markers

    def parse(data: bytes) -> object:
        marks.append(data)
        return original(data)

    monkeypatch.setattr(reader, "_parse_data", parse)
    list(reader)
    content = b"".join(marks)
    begin = content.rfind(b"LOBJ", 0, content.index(b"test Gr\\xf6\\xdfe & <Sinn> \\u96ea"))
    # Vector's object header, as python-can's blf.py has it: signature, lengths, size, type (96: marker), flags
    # (2: nanoseconds), client, version, time stamp.
    _, _, _, _, kind, flags, _, _, stamp = struct.unpack_from("<4sHHLLLHHQ", content, begin)
    assert (kind, flags, stamp) == (96, 2, SECOND // 2)


def test_two_equal_runs_write_the_same_bytes(tmp_path: Path) -> None:
    record(tmp_path / "first.blf")
    record(tmp_path / "second.blf")
    assert (tmp_path / "first.blf").read_bytes() == (tmp_path / "second.blf").read_bytes()


def test_a_closed_trace_records_no_more(tmp_path: Path) -> None:
    kernel = Kernel()
    network, path = CanNetwork(kernel, "chassis", 500_000), tmp_path / "closed.blf"
    channel, node, trace = SimulatedCanChannel(network), network.node("node"), Trace(path)
    node.join()
    trace.record(channel, 1)
    trace.close()
    node.send(new_frame(0x123, b"\x01"))
    kernel.sleep(MILLISECOND)
    assert read(path) == []


class Stubborn(Loopback):
    """A channel that cannot let go of who listens."""

    def let_go(self) -> None:
        raise BusError("bus chassis does not work")


def test_what_was_recorded_is_kept_when_a_bus_fails(tmp_path: Path) -> None:
    path, channels = tmp_path / "failed.blf", [Stubborn(), Loopback(), Stubborn()]
    trace = Trace(path)
    for number, channel in enumerate(channels, 1):
        trace.record(channel, number)
        channel.send(new_frame(0x100 + number, b"\x01"))
    with pytest.raises(BusError, match="bus chassis does not work"):
        trace.close()
    channels[1].send(new_frame(0x200, b"\x02"))
    trace.close()
    assert [frame.arbitration_id for frame in read(path)] == [0x101, 0x102, 0x103]


def test_what_was_recorded_is_kept_when_the_simulation_fails(tmp_path: Path) -> None:
    path, kernel, clock, failed = tmp_path / "failed.blf", Kernel(), WallClock(), Event()
    network, paced, trace = CanNetwork(kernel, "chassis", 500_000), PacedKernel(kernel, clock), Trace(path)
    channel, node = PacedCanChannel(SimulatedCanChannel(network), paced), network.node("node")
    node.join()
    trace.record(channel, 1)
    paced.start()

    def fail() -> None:
        failed.set()
        raise RuntimeError("a model is wrong")

    with paced.held():
        for number in range(100):
            node.send(new_frame(number, b"\x01"))
        kernel.at(kernel.now + SECOND // 2, fail)
    assert failed.wait(10)
    paced.stop()
    assert paced.problems == ["the simulation has stopped: RuntimeError: a model is wrong"]
    trace.close()
    assert [frame.arbitration_id for frame in read(path)] == list(range(100))


def test_the_bytes_are_those_of_python_cans_own_writer(tmp_path: Path) -> None:
    # Time stamps that are exact in seconds: python-can cuts others to the nanosecond below.
    generator, channel = random.Random(SEED), Loopback()
    ours, theirs = Trace(tmp_path / "ours.blf"), can.BLFWriter(tmp_path / "theirs.blf", compression_level=1)
    theirs.start_timestamp = 0.0
    ours.record(channel, 3)
    for number in range(5_000):
        extended = generator.random() < 0.3
        identifier = generator.randrange(1 << 29 if extended else 1 << 11)
        frame = new_frame(identifier, generator.randbytes(generator.randrange(9)), extended)
        frame.timestamp = number / 64
        channel.send(frame)
        theirs.channel = 3
        theirs.on_message_received(frame)
    ours.close()
    theirs.stop()
    assert (tmp_path / "ours.blf").read_bytes() == (tmp_path / "theirs.blf").read_bytes()


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads that take turns as fast as Python lets them."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless")
def test_buses_and_marks_on_threads_of_their_own_do_not_mix(tmp_path: Path) -> None:
    path, channels, count = tmp_path / "threads.blf", [Loopback(), Loopback()], 5_000
    trace, begin = Trace(path), Barrier(3)
    for number, channel in enumerate(channels, 1):
        trace.record(channel, number)

    def send(channel: Loopback) -> None:
        begin.wait()
        for index in range(count):
            channel.send(new_frame(index % 0x800, index.to_bytes(8)))

    def mark() -> None:
        begin.wait()
        for index in range(count):
            trace.mark(f"mark {index}", index)

    threads = [Thread(target=mark), *(Thread(target=send, args=(channel,)) for channel in channels)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    trace.close()
    frames = read(path)
    for number in range(2):
        got = [int.from_bytes(frame.data) for frame in frames if frame.channel == number]
        assert got == list(range(count))
