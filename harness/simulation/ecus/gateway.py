"""Gateway: passes on what `routes` of the vehicle file say, and keeps all buses awake while one is asked for."""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, ClassVar

from harness.clock import MILLISECOND
from harness.errors import RigFileError, TestError
from harness.protocols import can_fd_frame, can_frame
from harness.protocols.database import Message
from harness.simulation.ecus.ecu import EcuContext
from harness.simulation.ecus.network_node import NM_TIMEOUT, NetworkNode
from harness.vehicle import Route

if TYPE_CHECKING:
    import can

LATE = 20 * MILLISECOND
"""What a gateway that routes late takes longer."""
_LOSES_EVERY = 10


class Gateway(NetworkNode):
    """The gateway between the buses of the car.

    Its times are those of the routes. A frame goes on as it is, with counter and checksum of its sender, so that the
    receiver judges the whole way.
    """

    DEFECTS: ClassVar[Mapping[str, str]] = {
        **NetworkNode.DEFECTS,
        "routes late": "takes 20 ms longer to pass a frame on",
        "loses frames": "passes every tenth frame of a route not on",
        "damages data": "turns the last bit of each frame that it passes on",
        "routes nothing": "passes nothing on",
        "wakes no other bus": "does not pass on that a bus is asked for",
    }
    RUNNING_CURRENT: ClassVar[float] = 0.05
    SLEEPING_CURRENT: ClassVar[float] = 0.0003

    def __init__(self, context: EcuContext) -> None:
        self._routed = {route.target.message for route in context.routes.values() if not route.signals}
        self._last_asked = -NM_TIMEOUT
        super().__init__(context)

    def sends_cyclically(self, message: Message) -> bool:
        """Say whether a message comes at its cycle time by itself: what is passed on comes with its source."""
        return super().sends_cyclically(message) and message.name not in self._routed

    def begin(self, context: EcuContext) -> None:
        """Listen for the sources of all routes between buses of the rig.

        Raises:
            RigFileError: a route does not fit the databases.
        """
        for name, route in context.routes.items():
            if route.source.bus in context.ports and route.target.bus in context.ports:
                try:
                    self._set_up(context, route)
                except TestError as error:
                    raise RigFileError(f"{context.name}: route {name!r}: {error}") from error

    def _set_up(self, context: EcuContext, route: Route) -> None:
        source = context.databases[route.source.bus].message(route.source.message)
        target = context.databases[route.target.bus].message(route.target.message)
        if target.sender != context.node:
            raise RigFileError(f"{context.name}: {target.name} is sent by {target.sender}, not by {context.node}")
        if not route.signals and source.length != target.length:
            lengths = f"{source.name} has {source.length} bytes and {target.name} {target.length}"
            raise RigFileError(f"{context.name}: {lengths}; a message goes on as it is")
        take = self._into_signals(source, target, route) if route.signals else self._as_it_is(context, target, route)
        count = 0

        def received(frame: "can.Message") -> None:
            nonlocal count
            if not self.may_send or self.has("routes nothing"):
                return
            count += 1
            if count % _LOSES_EVERY == 0 and self.has("loses frames"):
                return
            delay = route.delay.ns + (LATE if self.has("routes late") else 0)
            self.after(delay, partial(take, bytes(frame.data)))

        context.ports[route.source.bus].listen(received, (source.key,))

    def _as_it_is(self, context: EcuContext, target: Message, route: Route) -> Callable[[bytes], None]:
        port = context.ports[route.target.bus]
        new: Callable[..., can.Message] = can_fd_frame.new_fd_frame if target.is_fd else can_frame.new_frame
        length: Callable[[int, bytes, bool], Any] = can_fd_frame.fd_frame_bits if target.is_fd else can_frame.frame_bits
        lengths = lru_cache(maxsize=256)(lambda data: length(target.identifier, data, target.extended))

        def send(data: bytes) -> None:
            if self.may_send:
                if self.has("damages data"):
                    data = data[:-1] + bytes([data[-1] ^ 1])
                port.send(new(target.identifier, data, target.extended, lengths(data)))

        return send

    def _into_signals(self, source: Message, target: Message, route: Route) -> Callable[[bytes], None]:
        cyclic = self.messages[target.name]
        pairs = [(source.signal(origin), target.signal(name).name) for origin, name in route.signals.items()]

        def keep(data: bytes) -> None:
            if len(data) >= source.length:
                for signal, name in pairs:
                    cyclic.set_raw(name, signal.raw_of(data) ^ int(self.has("damages data")))

        return keep

    # Network: asked for on one bus, it is asked for on all

    @property
    def wants_network(self) -> bool:
        """Whether another node has asked for a bus within the time-out, or it has a reason of its own."""
        heard = self.kernel.now < self._last_asked + NM_TIMEOUT and not self.has("wakes no other bus")
        return heard or super().wants_network

    def network_heard(self, frame: "can.Message") -> None:
        """Ask for all buses when one of them is asked for."""
        super().network_heard(frame)
        if self.is_powered and not self.has("does not wake"):
            self._last_asked = self.kernel.now
            if self._nm_cycle.due is None:
                self._ask_for_network()

    def power_off(self) -> None:
        """Stop at once, and forget who has asked for a bus."""
        super().power_off()
        self._last_asked = -NM_TIMEOUT
