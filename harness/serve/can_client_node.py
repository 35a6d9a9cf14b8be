"""The node that each client of a served CAN bus has on the simulated network."""

from collections.abc import Callable

import can

from harness.clock import SECOND
from harness.simulation.can_network import CanNetwork, CanNode
from harness.simulation.kernel import Kernel

MOST_FRAMES_WAITING = 1000
"""Frames of one client that may wait for the bus [P]. A Linux CAN interface has room for 10 by default."""
LAST_FRAMES = SECOND
"""Nanoseconds for which a node remains when its client has gone and frames still wait for the bus [P]."""


class BusNodes:
    """The nodes of one bus. They are used again: a network never forgets one. For the simulation's thread."""

    def __init__(self, kernel: Kernel, network: CanNetwork) -> None:
        self.kernel = kernel
        self._network = network
        self._free: list[CanNode] = []
        self._made = 0

    def take(self) -> CanNode:
        """Return a node that is not on the bus and that nobody else has."""
        if self._free:
            return self._free.pop()
        self._made += 1
        return self._network.node(f"client {self._made}", hears_itself=True)

    def give_back(self, node: CanNode) -> None:
        """Let another client have a node."""
        self._free.append(node)


class ClientNode:
    """One client on a bus: it acknowledges, hears all others but not itself, and sends. For the simulation's thread.

    Args:
        nodes: of the bus.
        hear: gets the frames of others from `forward` on.
        refuse: is told why a frame is not sent.
    """

    def __init__(self, nodes: BusNodes, hear: Callable[[can.Message], None], refuse: Callable[[str], None]) -> None:
        self._nodes = nodes
        self._hear = hear
        self._refuse = refuse
        self._forwards = False
        self._waiting: set[can.Message] = set()
        self._end = nodes.kernel.timer(self._leave)

    def join(self) -> None:
        """Take part in the bus."""
        self._node = self._nodes.take()
        self._stop_listening = self._node.listen(self._on_frame)
        self._node.join()

    def forward(self) -> None:
        """Hand the frames of others on from now on."""
        self._forwards = True

    def send(self, frame: can.Message) -> None:
        """Queue a frame; the client refuses it when too many wait already."""
        if len(self._waiting) == MOST_FRAMES_WAITING:
            self._refuse(f"frame not sent: {MOST_FRAMES_WAITING} frames wait for the bus already")
            return
        self._waiting.add(frame)
        self._node.send(frame)

    def leave(self) -> None:
        """Leave the bus when the frames that wait have been sent, as those in the queue of an adapter are."""
        self._forwards = False
        self._end.start(LAST_FRAMES if self._waiting else 0)

    def _on_frame(self, frame: can.Message) -> None:
        if frame in self._waiting:
            self._waiting.remove(frame)
            if not self._waiting and self._end.due is not None:
                self._end.start(0)
        elif self._forwards:
            self._hear(frame)

    def _leave(self) -> None:
        self._stop_listening()
        self._node.leave()
        self._nodes.give_back(self._node)
