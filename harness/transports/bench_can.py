"""A CAN bus on a bench, through any adapter that python-can knows.

One thread receives. Frames go to whoever listens for their identifier: the tester's listeners are called on that
thread, or on the one that has sent; a simulated ECU's are posted to its simulation.
"""

from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from threading import RLock, Thread
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import can

from harness.can_port import EXTENDED, NOT_TOLD, OWN_FRAMES, ChannelHealth, FrameListener
from harness.clock import MILLISECOND, SECOND
from harness.errors import BusError
from harness.interrupts import held_back
from harness.protocols.can_frame import sent_frame
from harness.transports.stamps import StampMapping

if TYPE_CHECKING:
    from harness.transports.wall_clock import WallClock, WallEvent

SEND_TIMEOUT = 1.0
"""Seconds that an adapter may take to accept a frame [P]; a full queue of 100 frames at 500 kbit/s takes 25 ms."""
_POLL = 0.05
"""Seconds after which the receiving thread looks whether it is to end."""
_HELD_UP = 200 * MILLISECOND
"""From here on frames were held up as well [P], where a server does not answer or the receiving thread does not run."""
_PROBE_INTERVAL = SECOND // 10
_LONGEST_SILENCE = 1.0
"""Seconds after which one who waits for an answer, or for the driver, gives up [P]."""
_MOST_UNDER_WAY = 1024
"""Frames sent and not yet heard back, of which it is known who has sent them."""
_MOST_FAULTS = 20
"""Different ones that are kept from one look at the channel's health to the next."""

CONTROLLER_STATE = "controller state"
"""In `untold` where the adapter does not tell whether it is error passive or bus off."""
_STATES = {
    can.BusState.ACTIVE: "error active",
    can.BusState.PASSIVE: "error passive",
    can.BusState.ERROR: "bus off",
}


@runtime_checkable
class Probed(Protocol):
    """A bus behind a server, which can be asked whether it is there."""

    round_trip: float | None
    """Seconds that an answer took at least; None before the first."""
    refusals: deque[str]
    """What the server has refused, in its words; whoever reads them takes them out."""

    @property
    def unanswered(self) -> float:
        """Seconds since the oldest question without an answer; 0 if there is none."""

    def ping(self) -> None:
        """Ask."""


class BenchCanChannel:
    """The tester's `CanChannel` on a bench, and where the ports of simulated ECUs hang on.

    To the tester a frame of a simulated ECU is one like any other: it comes back with `is_rx` True.
    """

    def __init__(
        self,
        name: str,
        bus: can.BusABC,
        clock: "WallClock",
        *,
        echoes: bool,
        untold: tuple[str, ...] = (CONTROLLER_STATE,),
    ) -> None:
        """Begin to receive.

        Args:
            name: of the bus.
            bus: the adapter.
            clock: of the rig.
            echoes: whether the adapter hands back the frames that it has sent, when they have been on the bus. If
                not they are taken for sent as soon as it has accepted them.
            untold: what the adapter does not tell, in words.
        """
        self.untold = untold if echoes or OWN_FRAMES in untold else (*untold, OWN_FRAMES)
        self.name = name
        self._bus = bus
        self._clock = clock
        self._echoes = echoes
        self._lock = RLock()
        self._sending = RLock()
        self._listeners: list[tuple[FrameListener, frozenset[int] | None]] = []
        self._routes: dict[int, list[FrameListener]] = {}
        self._under_way: deque[tuple[int, bytes, BenchCanPort | None]] = deque(maxlen=_MOST_UNDER_WAY)
        self._stamps = StampMapping()
        self._error_frames = 0
        self._faults: list[str] = []
        self._new_faults: set[str] = set()
        self._ends = False
        self._broken = ""
        self._silence = 0.0
        self._next_probe = 0
        self._looked = clock.now
        """When the receiving thread was last seen to work."""
        self._answered: WallEvent | None = None
        self._thread = Thread(target=self._receive, name=f"receive {name}", daemon=True)
        self._thread.start()

    @property
    def uncertainty(self) -> float:
        """How far a time stamp may be off rig time, in seconds."""
        return self._stamps.uncertainty(self._clock.now) / SECOND

    def send(self, frame: can.Message) -> None:
        """Send a frame as the tester.

        Raises:
            BusError: the channel is closed or broken, or its adapter does not take the frame.
        """
        with held_back(lambda: None):
            self.transmit(frame, None)

    def transmit(self, frame: can.Message, port: "BenchCanPort | None") -> None:
        """Send a frame for a port, or for the tester.

        Raises:
            BusError: as `send`.
        """
        if self._broken or self._ends:
            raise BusError(f"bus {self.name} cannot send: {self._broken or 'its channel is closed'}")
        key = frame.arbitration_id | EXTENDED if frame.is_extended_id else frame.arbitration_id
        if self._echoes:
            under_way = key, bytes(frame.data), port
            with self._lock:
                self._under_way.append(under_way)
        try:
            with self._sending:
                self._bus.send(frame, timeout=SEND_TIMEOUT)
        except (can.CanError, OSError) as error:
            self._note(f"cannot send: {error}")
            if self._echoes:
                with self._lock, suppress(ValueError):
                    self._under_way.remove(under_way)
            raise BusError(f"bus {self.name} cannot send: {error}") from error
        if not self._echoes:
            frame = sent_frame(frame) if port is None else frame
            frame.timestamp = self._clock.now / SECOND
            self._hand_over(key, frame, port)

    def listen(self, listener: FrameListener, identifiers: Collection[int] | None = None) -> Callable[[], None]:
        """Call `listener` with each frame on the bus (of these identifiers); return what ends that.

        When that has returned, `listener` is not called again.
        """
        entry = listener, None if identifiers is None else frozenset(identifiers)
        with held_back(lambda: None), self._lock:
            self._listeners.append(entry)
            self._routes.clear()

        def stop() -> None:
            with held_back(lambda: None), self._lock:
                if entry in self._listeners:
                    self._listeners.remove(entry)
                    self._routes.clear()

        return stop

    def prove_alive(self) -> None:
        """Ask the server of the bus, if it has one, and wait for the answer.

        Raises:
            BusError: it does not answer in time, or the channel is broken.
        """
        if isinstance(self._bus, Probed) and not self._broken:
            try:
                with held_back(lambda: None):
                    self._bus.ping()
            except can.CanError as error:
                raise BusError(f"bus {self.name} does not work: {error}") from error
            asked = self._clock.now
            answered = self._answered = self._clock.event()
            if not self._clock.wait(answered, round(_LONGEST_SILENCE * SECOND)) and not self._broken:
                raise BusError(f"bus {self.name} does not work: its server does not answer within {_LONGEST_SILENCE} s")
            if (late := self._clock.now - asked) > _HELD_UP:
                raise BusError(f"bus {self.name} was held up: its server took {late / SECOND:.1f} s to answer")
        if self._broken:
            raise BusError(f"bus {self.name} does not work: {self._broken}")
        if problem := self._hangs:
            raise BusError(f"bus {self.name} does not work: {problem}")

    def health(self) -> ChannelHealth:
        """Return the state of the adapter's controller, as far as it tells, and what has gone wrong."""
        with held_back(lambda: None), self._lock:
            self._new_faults.clear()
            faults = tuple(self._faults)
        silence = self._silence
        silent = f"silent: its server has not answered for {silence:.2g} s" if silence else ""
        if problem := self._broken or silent or self._hangs:
            return ChannelHealth(problem, faults=faults)
        state = NOT_TOLD
        if CONTROLLER_STATE not in self.untold:
            state = _STATES[self._bus.state]
        return ChannelHealth(state, receive_errors=self._error_frames, faults=faults)

    def close(self) -> None:
        """Give the adapter back. Closing twice is harmless."""
        if self._ends:
            return
        self._ends = True
        self._thread.join(2 * SEND_TIMEOUT)
        try:
            self._bus.shutdown()
        except (can.CanError, OSError) as error:
            raise BusError(f"bus {self.name} does not close: {error}") from error

    @property
    def _hangs(self) -> str:
        """Why nothing can be received; empty while the thread that receives does its work."""
        if self._ends:
            return ""
        since = (self._clock.now - self._looked) / SECOND
        return f"receiving hangs: its driver has not returned for {since:.1f} s" if since > _LONGEST_SILENCE else ""

    def _note(self, fault: str) -> None:
        """Keep a fault; once for each look at the channel's health, for a dead server is one for each frame."""
        with self._lock:
            if fault not in self._new_faults and len(self._new_faults) < _MOST_FAULTS:
                self._new_faults.add(fault)
                self._faults.append(fault)

    def _receive(self) -> None:
        try:
            probed = self._bus if isinstance(self._bus, Probed) else None
            while not self._ends:
                ran = self._clock.now
                self._looked, stalled = ran, ran - self._looked
                if stalled > _HELD_UP:
                    self._note(f"nothing was received for {stalled / SECOND:.1f} s: this process stood still")
                    self._next_probe = ran + _PROBE_INTERVAL  # an answer may be among what is received now
                if probed is not None and ran >= self._next_probe:
                    self._probe(probed)
                frame = self._bus.recv(_POLL)
                if probed is not None:
                    while probed.refusals:
                        self._note(f"its server refused: {probed.refusals.popleft()}")
                    if (self._answered or self._silence) and not probed.unanswered:
                        self._server_answered()
                if frame is not None:
                    self._received(frame)
        except Exception as error:  # noqa: BLE001  whatever ends the thread, the channel is broken from now on
            if not self._ends:
                self._broken = f"broken: {error}"
                if self._answered is not None:
                    self._answered.set()

    def _probe(self, bus: Probed) -> None:
        unanswered = bus.unanswered
        if unanswered * SECOND > _HELD_UP:
            self._silence = unanswered
        if bus.round_trip is not None:
            self._stamps.bound(round(bus.round_trip * SECOND))
        self._next_probe = self._clock.now + _PROBE_INTERVAL
        bus.ping()

    def _server_answered(self) -> None:
        if self._silence:
            self._note(f"its server did not answer for more than {self._silence:.2g} s")
            self._silence = 0.0
        if self._answered is not None:
            self._answered.set()
            self._answered = None

    def _received(self, frame: can.Message) -> None:
        now = self._clock.now
        time, fault = self._stamps.rig_time(round(frame.timestamp * SECOND), now)
        if fault:
            self._note(fault)
        frame.timestamp = time / SECOND
        if frame.is_error_frame:
            self._error_frames += 1
            return
        key = frame.arbitration_id | EXTENDED if frame.is_extended_id else frame.arbitration_id
        port = None
        if not frame.is_rx:
            port = self._sender(key, bytes(frame.data))
            frame.is_rx = port is not None
        self._hand_over(key, frame, port)

    def _sender(self, key: int, data: bytes) -> "BenchCanPort | None":
        """Return which port has sent a frame that the adapter hands back; None for the tester."""
        with self._lock:
            for index, (sent_key, sent_data, port) in enumerate(self._under_way):
                if sent_key == key and sent_data == data:
                    del self._under_way[index]
                    return port
        return None

    def _hand_over(self, key: int, frame: can.Message, port: "BenchCanPort | None") -> None:
        with self._lock:
            route = self._routes.get(key)
            if route is None:
                route = self._routes[key] = [
                    listener for listener, wanted in self._listeners if wanted is None or key in wanted
                ]
            for listener in route:
                if port is None or listener not in port.listeners:
                    listener(frame)


class BenchCanPort:
    """The `CanPort` of a simulated ECU on a bench."""

    def __init__(self, channel: BenchCanChannel, post: Callable[[Callable[[], None]], None]) -> None:
        """`post` runs an action in the simulation."""
        self.listeners: set[FrameListener] = set()
        self._channel = channel
        self._post = post
        self._joined = False

    def join(self) -> None:
        """Take part in the bus. The adapter acknowledges frames whether an ECU takes part or not."""
        self._joined = True

    def leave(self) -> None:
        """Leave the bus; what the adapter has taken goes out all the same."""
        self._joined = False

    def send(self, frame: can.Message) -> None:
        """Send a frame. One that cannot be sent is lost, as with a real ECU; the channel's health tells.

        Raises:
            BusError: the ECU has not joined the bus.
        """
        if not self._joined:
            raise BusError(f"a simulated ECU cannot send on {self._channel.name}: it has not joined the bus")
        try:  # noqa: SIM105  `suppress` takes longer, and this is done for each frame
            self._channel.transmit(frame, self)
        except BusError:
            pass

    def listen(self, listener: FrameListener, identifiers: Collection[int] | None = None) -> Callable[[], None]:
        """Call `listener` in the simulation with each frame received (of these identifiers); return what ends that."""

        def take(frame: can.Message) -> None:
            if self._joined:
                self._post(lambda: listener(frame))

        self.listeners.add(take)
        stop = self._channel.listen(take, identifiers)

        def end() -> None:
            stop()
            self.listeners.discard(take)

        return end
