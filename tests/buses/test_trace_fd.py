"""CAN FD frames in a trace: python-can's own reader reads back what was on the bus."""

import random
from functools import partial
from pathlib import Path

import can
import pytest

from harness.buses.trace import Trace
from harness.clock import SECOND
from harness.protocols.can_fd_frame import LENGTHS, new_fd_frame
from harness.protocols.can_frame import new_frame
from harness.simulation.can_network import CanNetwork, SimulatedCanChannel
from harness.simulation.kernel import Kernel

SEED = 20260107
RESOLUTION = 2e-9
"""Seconds: python-can's writer cuts the stamps of FD frames to nanoseconds."""


def test_python_can_reads_back_fd_and_classic_frames(tmp_path: Path) -> None:
    kernel, generator, path, seen = Kernel(), random.Random(SEED), tmp_path / "fd.blf", list[can.Message]()
    network = CanNetwork(kernel, "adas", 500_000, 2_000_000)
    channel, node, trace = SimulatedCanChannel(network), network.node("node"), Trace(path)
    node.join()
    trace.record(channel, 1)
    channel.listen(seen.append)
    for index in range(600):
        extended = generator.random() < 0.3
        identifier = generator.randrange(1 << 29 if extended else 1 << 11)
        data = generator.randbytes(LENGTHS[index % 16] if index % 3 else generator.randrange(9))
        switch = generator.random() < 0.7
        frame = (
            new_fd_frame(identifier, data, extended, bitrate_switch=switch)
            if index % 3
            else new_frame(identifier, data, extended)
        )
        kernel.at(generator.randrange(SECOND), partial(node.send, frame))
    kernel.sleep(2 * SECOND)
    trace.close()
    with can.BLFReader(path) as reader:
        frames = list(reader)
    assert len(frames) == len(seen) == 600
    assert sum(frame.is_fd for frame in frames) == 400
    for frame, sent in zip(frames, seen, strict=True):
        assert frame.timestamp == pytest.approx(sent.timestamp, abs=RESOLUTION), SEED
        assert (frame.arbitration_id, frame.is_extended_id) == (sent.arbitration_id, sent.is_extended_id), SEED
        assert (frame.is_fd, frame.bitrate_switch) == (sent.is_fd, sent.bitrate_switch), SEED
        assert (frame.dlc, bytes(frame.data), frame.channel) == (sent.dlc, bytes(sent.data), 0), SEED
        assert (frame.is_rx, frame.error_state_indicator) == (True, False), SEED
