"""Who listens on a simulated bus in tests, and a frame of which the length is known by hand."""

import can

from harness.clock import MICROSECOND, SECOND
from harness.protocols.can_frame import new_frame
from harness.simulation.can_network import CanNetwork, CanNode
from harness.simulation.kernel import Kernel

BIT = 2 * MICROSECOND
PLAIN = 0x11D
PLAIN_DATA = bytes.fromhex("e316643166431664")


class Ear:
    """Keeps the frames that it hears, and when it was handed them."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.frames: list[can.Message] = []
        self.at: list[int] = []

    def __call__(self, frame: can.Message) -> None:
        self.frames.append(frame)
        self.at.append(self._kernel.now)

    @property
    def identifiers(self) -> list[int]:
        return [frame.arbitration_id for frame in self.frames]

    @property
    def stamps(self) -> list[int]:
        """Nanoseconds."""
        return [round(frame.timestamp * SECOND) for frame in self.frames]


def joined(network: CanNetwork, name: str) -> CanNode:
    node = network.node(name)
    node.join()
    return node


def plain_frame() -> can.Message:
    return new_frame(PLAIN, PLAIN_DATA)
