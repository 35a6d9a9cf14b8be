"""A simulated CAN bus, classic or FD: arbitration by identifier, exact frame times, acknowledgement.

One event a frame. A frame is handed to its listeners at the end of
the interframe space, stamped with the end of frame three bit times before: no node could have sent in between.
"""

from collections.abc import Callable, Collection, Mapping
from copy import copy
from dataclasses import dataclass
from functools import partial
from heapq import heapify, heappop, heappush
from typing import ClassVar

import can

from harness.can_port import EXTENDED, ChannelHealth, FrameListener
from harness.clock import SECOND
from harness.errors import BusError, TestError, unknown_name
from harness.protocols.can_fd_frame import LENGTHS, fd_frame_bits
from harness.protocols.can_frame import INTERFRAME_SPACE_BITS, arbitration_key, frame_bits, sent_frame
from harness.simulation.kernel import Kernel

_ERROR_PASSIVE = 128
_ERRORS_PER_FAILED_FRAME = 8
_LONGEST_CLASSIC_FRAME_BITS = 160  # an extended frame of 8 bytes with all its stuff bits

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
    """One bus. Frames go to whoever listens for them, never copied. With a data bit rate it carries FD frames, too."""

    def __init__(self, kernel: Kernel, name: str, bitrate: int, data_bitrate: int | None = None) -> None:
        self.name = name
        self.bitrate = bitrate
        self.data_bitrate = data_bitrate
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
        self._times: dict[int | tuple[int, int], tuple[int, int]] = {
            bits: self._time(bits) for bits in range(_LONGEST_CLASSIC_FRAME_BITS + 1)
        }

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
            BusError: the node is not on the bus, or this is an FD frame that the bus does not carry.
        """
        if not node.online:
            raise BusError(f"{node.name} cannot send on {self.name}: it has not joined the bus")
        if frame.is_fd:
            key = self._fd_key(node, frame)
        elif frame.is_extended_id:
            key = arbitration_key(frame.arbitration_id, extended=True)
        else:
            key = frame.arbitration_id << 20
        self._frames_queued += 1
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

    def _fd_key(self, node: "CanNode", frame: can.Message) -> int:
        if self.data_bitrate is None:
            raise BusError(
                f"{node.name} cannot send CAN FD frame 0x{frame.arbitration_id:X} on {self.name}: the bus has no data "
                "bit rate and carries classic frames only"
            )
        if len(frame.data) not in LENGTHS:
            raise BusError(
                f"{node.name} cannot send CAN FD frame 0x{frame.arbitration_id:X} on {self.name}: it has "
                f"{len(frame.data)} bytes; allowed: {', '.join(map(str, LENGTHS))}"
            )
        self._fd_length(frame)
        return arbitration_key(frame.arbitration_id, frame.is_extended_id, fd=True)

    def _fd_length(self, frame: can.Message) -> tuple[int, int]:
        """Return the bits of an FD frame at either rate; from now on its times are known."""
        bits: tuple[int, int] = getattr(frame, "bits", None) or fd_frame_bits(
            frame.arbitration_id, frame.data, frame.is_extended_id, frame.bitrate_switch
        )
        if bits not in self._times:
            self._times[bits] = self._time(*bits)
        return bits

    def _time(self, nominal: int, data: int = 0) -> tuple[int, int]:
        """Return how long a frame takes to its end and to that of the interframe space (ns)."""
        fast = data * SECOND // (self.data_bitrate or self.bitrate)
        end = (nominal - INTERFRAME_SPACE_BITS) * SECOND // self.bitrate
        return fast + end, fast + nominal * SECOND // self.bitrate

    def _start(self, queued: _Queued, now: int) -> None:
        """Begin a frame now; another one of this very instant can still take its place by arbitration."""
        frame = queued[2]
        end, completed = self._times[
            getattr(frame, "bits", 0)
            or (
                self._fd_length(frame)
                if queued[0] & 1  # FDF
                else frame_bits(frame.arbitration_id, frame.data, frame.is_extended_id)
            )
        ]
        self._sending = queued
        self._start_of_frame = now
        self._end_of_frame = now + end
        self._completed_at = completed_at = now + completed
        self._at(completed_at, self._complete)

    def _repeat(self) -> None:
        if self._pending:
            self._start(heappop(self._pending), self._kernel.now)
        else:
            self._busy = False

    def _attempts(self, node: "CanNode") -> _Attempts:
        whole = self._end_of_frame - self._start_of_frame
        longer = 6 + 8 + INTERFRAME_SPACE_BITS - 7 - 1  # no end of frame, no acknowledge delimiter
        return _Attempts(
            since=self._start_of_frame,
            errors_before=node.transmit_errors,
            active_time=whole + longer * SECOND // self.bitrate,
            passive_time=whole + (longer + 8) * SECOND // self.bitrate,
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
                self._unacknowledged = sender, self._attempts(sender)
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

    DEFECTS: ClassVar[Mapping[str, str]] = {
        "sends nothing": "the frames of the tester do not reach the bus",
        "hears nothing": "the tester hears its own frames only",
        "stamps late": "frames are stamped 50 ms late",
    }
    """Faults of the rig, for tests of what it proves of itself."""

    def __init__(self, network: CanNetwork, defects: Collection[str] = ()) -> None:
        """Join the bus.

        Raises:
            TestError: there is no such defect; says which there are.
        """
        for defect in defects:
            if defect not in self.DEFECTS:
                raise TestError(f"bus {network.name} has {unknown_name('defect', defect, self.DEFECTS)}")
        self._defects = frozenset(defects)
        self._network = network
        self._node = network.node("tester", hears_itself=True)
        self._node.join()
        self.listen = self._listen_badly if defects else self._node.listen

    def _listen_badly(self, listener: FrameListener, identifiers: Collection[int] | None = None) -> Callable[[], None]:
        def hear(frame: can.Message) -> None:
            if frame.is_rx and "hears nothing" in self._defects:
                return
            if "stamps late" in self._defects:
                frame = copy(frame)
                frame.timestamp += 0.05
            listener(frame)

        return self._node.listen(hear, identifiers)

    def send(self, frame: can.Message) -> None:
        """Queue a copy of the frame.

        Raises:
            BusError: the channel is closed, or this is no classic data frame.
        """
        highest = 0x1FFFFFFF if frame.is_extended_id else 0x7FF
        is_classic = len(frame.data) <= 8 and 0 <= frame.arbitration_id <= highest
        if frame.is_fd or frame.is_remote_frame or frame.is_error_frame or not is_classic:
            raise BusError(f"on {self._network.name} the tester sends classic CAN data frames only, not: {frame}")
        if "sends nothing" not in self._defects:
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
