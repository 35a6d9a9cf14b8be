"""A simulated classic CAN bus: arbitration by identifier, exact frame times, acknowledgement.

One event a frame. A frame is handed to its listeners at the end of
the interframe space, stamped with the end of frame three bit times before: no node could have sent in between.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from heapq import heapify, heappop, heappush

import can

from harness.can_port import EXTENDED, ChannelHealth, FrameListener
from harness.clock import SECOND
from harness.errors import BusError
from harness.protocols.can_frame import INTERFRAME_SPACE_BITS, arbitration_key, frame_bits, sent_frame
from harness.simulation.kernel import Kernel

_ERROR_PASSIVE = 128
_ERRORS_PER_FAILED_FRAME = 8
_LONGEST_FRAME_BITS = 160  # an extended frame of 8 bytes with all its stuff bits

_Queued = tuple[int, int, can.Message, "CanNode"]
"""Arbitration key, order of queueing, frame, sender."""


@dataclass(frozen=True)
class _Attempts:
    """A lone node repeats its frame: nobody acknowledges it. ISO 11898-1:2015, 10.9.5 and 12.1.

    An attempt ends after the acknowledge slot with error flag (6 bits), error delimiter (8) and interframe space;
    a node that is error passive then also suspends its transmission for 8 bits.
    """

    since: int
    errors_before: int
    active_time: int
    passive_time: int

    def failed_at(self, now: int) -> int:
        """Return how many attempts have failed by `now`."""
        short = min((now - self.since) // self.active_time, self._failed_active)
        return short + (now - self._begin(short)) // self.passive_time if short == self._failed_active else short

    def errors_after(self, failed: int) -> int:
        """Return the transmit error counter after so many failed attempts: it stops where the node is passive."""
        return min(self.errors_before + _ERRORS_PER_FAILED_FRAME * failed, _ERROR_PASSIVE)

    def next_at(self, now: int) -> tuple[int, int]:
        """Return when the first attempt at or after `now` begins, and how many have failed by then."""
        failed = self.failed_at(now)
        failed += self._begin(failed) < now
        return self._begin(failed), failed

    @property
    def _failed_active(self) -> int:
        """How many attempts fail and leave the node error active."""
        return max((_ERROR_PASSIVE - 1 - self.errors_before) // _ERRORS_PER_FAILED_FRAME, 0)

    def _begin(self, failed: int) -> int:
        short = min(failed, self._failed_active)
        return self.since + short * self.active_time + (failed - short) * self.passive_time


class CanNetwork:
    """One bus. Frames go to whoever listens for them, never copied."""

    def __init__(self, kernel: Kernel, name: str, bitrate: int) -> None:
        self.name = name
        self.bitrate = bitrate
        self._kernel = kernel
        self._at = kernel.at
        self._nodes: list[CanNode] = []
        self._pending: list[_Queued] = []
        self._frames_queued = 0
        self._busy = False
        self._sending: _Queued | None = None
        self._start_of_frame = self._end_of_frame = self._completed_at = -1
        self._unacknowledged: tuple[CanNode, _Attempts] | None = None
        self._routes: dict[int, tuple[tuple[CanNode, FrameListener], ...]] = {}
        self._online = 0
        self._duration = [bits * SECOND // bitrate for bits in range(_LONGEST_FRAME_BITS + 1)]

    def node(self, name: str, hears_itself: bool = False) -> "CanNode":
        """Add a controller, not yet on the bus; one that `hears_itself` is handed its own frames as well."""
        node = CanNode(self, name, hears_itself)
        self._nodes.append(node)
        return node

    def join(self, node: "CanNode") -> None:
        """Put a node on the bus; a frame that nobody acknowledged goes out with its next repetition."""
        if node.online:
            return
        node.online = True
        self._online += 1
        self._routes.clear()
        if self._unacknowledged and self._online > 1:
            lone, attempts = self._unacknowledged
            self._unacknowledged = None
            begin, failed = attempts.next_at(self._kernel.now)
            lone.transmit_errors = attempts.errors_after(failed)
            self._kernel.at(begin, self._repeat)

    def leave(self, node: "CanNode") -> None:
        """Take a node off the bus, its queued frames with it; a frame that it is sending is destroyed."""
        if not node.online:
            return
        node.online = False
        self._online -= 1
        self._routes.clear()
        self._pending = [queued for queued in self._pending if queued[3] is not node]
        heapify(self._pending)
        if self._sending and self._sending[3] is node:
            self._sending = None  # the rest of the frame is an error to all others; nobody takes it
        if self._unacknowledged and self._unacknowledged[0] is node:
            self._unacknowledged = None
            self._busy = False

    def send(self, node: "CanNode", frame: can.Message) -> None:
        """Queue a frame; its time stamp is set when it has been on the bus.

        Raises:
            BusError: the node is not on the bus.
        """
        if not node.online:
            raise BusError(f"{node.name} cannot send on {self.name}: it has not joined the bus")
        self._frames_queued += 1
        key = (
            arbitration_key(frame.arbitration_id, extended=True) if frame.is_extended_id else frame.arbitration_id << 19
        )
        queued = key, self._frames_queued, frame, node
        if not self._busy:
            self._busy = True
            self._start(queued, self._kernel.now)
        elif self._start_of_frame == self._kernel.now and self._sending and queued < self._sending:
            heappush(self._pending, self._sending)
            self._start(queued, self._kernel.now)
        else:
            heappush(self._pending, queued)

    def transmit_errors(self, node: "CanNode") -> int:
        """Return the transmit error counter of a node now."""
        if self._unacknowledged and self._unacknowledged[0] is node:
            attempts = self._unacknowledged[1]
            return attempts.errors_after(attempts.failed_at(self._kernel.now))
        return node.transmit_errors

    def forget_routes(self) -> None:
        """Work out anew who listens for what."""
        self._routes.clear()

    def _start(self, queued: _Queued, now: int) -> None:
        """Begin a frame now; another one of this very instant can still take its place by arbitration."""
        frame = queued[2]
        bits: int = getattr(frame, "bits", 0) or frame_bits(frame.arbitration_id, frame.data, frame.is_extended_id)
        duration = self._duration
        self._sending = queued
        self._start_of_frame = now
        self._end_of_frame = now + duration[bits - INTERFRAME_SPACE_BITS]
        self._completed_at = completed_at = now + duration[bits]
        self._at(completed_at, self._complete)

    def _repeat(self) -> None:
        if self._pending:
            self._start(heappop(self._pending), self._kernel.now)
        else:
            self._busy = False

    def _attempts(self, node: "CanNode", frame: can.Message) -> _Attempts:
        bits = frame_bits(frame.arbitration_id, bytes(frame.data), frame.is_extended_id)
        until_error_flag = bits - INTERFRAME_SPACE_BITS - 7 - 1  # end of frame, acknowledge delimiter
        active = until_error_flag + 6 + 8 + INTERFRAME_SPACE_BITS
        return _Attempts(
            since=self._start_of_frame,
            errors_before=node.transmit_errors,
            active_time=active * SECOND // self.bitrate,
            passive_time=(active + 8) * SECOND // self.bitrate,
        )

    def _complete(self) -> None:
        now = self._kernel.now
        if now != self._completed_at:
            return  # left by a frame that lost arbitration in its first instant
        self._completed_at = -1
        sent = self._sending
        if sent is not None:
            self._sending = None
            key, _, frame, sender = sent
            if self._online == 1:
                heappush(self._pending, sent)
                self._unacknowledged = sender, self._attempts(sender, frame)
                return
            frame.timestamp = self._end_of_frame / SECOND
            if sender.transmit_errors:
                sender.transmit_errors -= 1
            route = self._routes.get(key)
            if route is None:
                route = self._routes[key] = self._route(frame)
            for node, listener in route:
                if node is not sender or node.hears_itself:
                    listener(frame)
        if self._pending:
            self._start(heappop(self._pending), now)
        else:
            self._busy = False

    def _route(self, frame: can.Message) -> tuple[tuple["CanNode", FrameListener], ...]:
        identifier = frame.arbitration_id | EXTENDED if frame.is_extended_id else frame.arbitration_id
        return tuple(
            (node, listener)
            for node in self._nodes
            if node.online
            for listener, wanted in node.listeners
            if wanted is None or identifier in wanted
        )


class CanNode:
    """A controller on a simulated bus: the `CanPort` of a simulated ECU."""

    def __init__(self, network: CanNetwork, name: str, hears_itself: bool) -> None:
        self.name = name
        self.online = False
        self.hears_itself = hears_itself
        self.listeners: list[tuple[FrameListener, frozenset[int] | None]] = []
        self.transmit_errors = 0
        self.send: Callable[[can.Message], None] = partial(network.send, self)
        self._network = network

    def join(self) -> None:
        """Take part in the bus: acknowledge and receive frames."""
        self._network.join(self)

    def leave(self) -> None:
        """Leave the bus; frames not yet sent are dropped, one being sent is destroyed."""
        self._network.leave(self)

    def listen(self, listener: FrameListener, identifiers: Collection[int] | None = None) -> Callable[[], None]:
        """Call `listener` with each frame received (of these identifiers); return what ends that."""
        entry = listener, None if identifiers is None else frozenset(identifiers)
        self.listeners.append(entry)
        self._network.forget_routes()

        def stop() -> None:
            if entry in self.listeners:
                self.listeners.remove(entry)
                self._network.forget_routes()

        return stop


class SimulatedCanChannel:
    """The tester's `CanChannel` on a simulated bus: a node of it that hears its own frames."""

    def __init__(self, network: CanNetwork) -> None:
        self._network = network
        self._node = network.node("tester", hears_itself=True)
        self._node.join()
        self.listen = self._node.listen

    def send(self, frame: can.Message) -> None:
        """Queue a copy of the frame.

        Raises:
            BusError: the channel is closed, or this is no classic data frame.
        """
        highest = 0x1FFFFFFF if frame.is_extended_id else 0x7FF
        is_classic = len(frame.data) <= 8 and 0 <= frame.arbitration_id <= highest
        if frame.is_fd or frame.is_remote_frame or frame.is_error_frame or not is_classic:
            raise BusError(f"{self._network.name} carries classic CAN data frames only, not: {frame}")
        self._node.send(sent_frame(frame))

    @property
    def uncertainty(self) -> float:
        """Seconds by which time stamps may be off: none."""
        return 0.0

    @property
    def untold(self) -> tuple[str, ...]:
        """What its health cannot know: nothing."""
        return ()

    def prove_alive(self) -> None:
        """Do nothing: a simulated bus is always there."""

    def health(self) -> ChannelHealth:
        """Return the controller's error state and counter."""
        errors = self._network.transmit_errors(self._node)
        return ChannelHealth("error passive" if errors >= _ERROR_PASSIVE else "error active", errors)

    def close(self) -> None:
        """Leave the bus."""
        self._node.leave()
