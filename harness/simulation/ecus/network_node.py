"""An ECU that sleeps and wakes with its network, by messages like those of AUTOSAR's CAN network management.

Whoever needs the buses sends its network management message; as long as one comes, all stay awake. Source node and
control bits in the first two bytes, 500 ms from one message to the next and a time-out of 2 s are usual configurations
of AUTOSAR CanNm [B]. The rest is kept simple [P]: a node goes from awake to asleep with the time-out, without a state
in between; it is awake on all its buses or on none; and asleep it still hears and acknowledges what is on the buses
that have network management, where a real transceiver would only notice that there is something.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from harness.clock import MILLISECOND, SECOND
from harness.errors import RigFileError
from harness.protocols.database import Message, Number
from harness.simulation.ecus.ecu import EcuContext
from harness.simulation.ecus.rest_bus import OFF_VOLTAGE, START_UP, TERMINAL_ON, WAKE_VOLTAGE, RestBus

if TYPE_CHECKING:
    import can

    from harness.can_port import CanPort
    from harness.simulation.ecus.cyclic_message import CyclicMessage

NM_SUFFIX = "_Nm"
"""Ends the names of network management messages."""
NM_CYCLE = 500 * MILLISECOND
NM_TIMEOUT = 2 * SECOND
TERMINAL_15 = "terminal 15"

Values = Mapping[str, Number]


class NetworkNode(RestBus):
    """Sends the messages of its node while its network is awake. Terminal 15 at its pin lets it ask for the network."""

    DEFECTS: ClassVar[Mapping[str, str]] = {
        **RestBus.DEFECTS,
        "wrong checksum": "sends wrong checksums",
        "babbles": "sends every message each 3 ms",
        "keeps the network awake": "asks for the network for ever",
        "does not wake": "takes no notice of the network management of others",
        "draws current asleep": "draws 50 mA while it sleeps",
    }
    RUNNING_CURRENT: ClassVar[float] = 0.01
    """Amperes [P]."""
    SLEEPING_CURRENT: ClassVar[float] = 0.0001
    """Amperes [P]."""

    def __init__(self, context: EcuContext) -> None:
        self.is_powered = False
        self._requests: set[str] = set()
        self._last_nm = 0
        self._nm: list[tuple[CanPort, CyclicMessage]] = []
        self._nm_ports: list[CanPort] = []
        self._nm_cycle = context.kernel.timer(self._ask_for_network)
        self._nm_timeout = context.kernel.timer(self._judge_network)
        super().__init__(context)

    def sends_cyclically(self, message: Message) -> bool:
        """Say whether a message comes at its cycle time by itself: network management does not."""
        return not message.name.endswith(NM_SUFFIX)

    def real_cycle(self, nominal: int) -> int:
        """Return the nanoseconds from one message to the next, instead of what the database says."""
        return 3 * MILLISECOND if self.has("babbles") else super().real_cycle(nominal)

    def power_up(self, context: EcuContext) -> None:
        """Watch the supply pins and the network management of others.

        Raises:
            RigFileError: there is no pin KL30.
        """
        if "KL30" not in context.pins:
            raise RigFileError(f"{context.name}: an ECU that sleeps and wakes needs the pin KL30")
        self._kl30, kl15 = context.pins["KL30"], context.pins.get("KL15")
        for bus, port in context.ports.items():
            of_network = [it for it in context.databases[bus].messages.values() if it.name.endswith(NM_SUFFIX)]
            if of_network:
                self._nm_ports.append(port)
                self._nm += [(port, self.messages[it.name]) for it in of_network if it.sender == context.node]
                keys = [it.key for it in of_network if it.sender != context.node]
                port.listen(self.network_heard, keys)
        start = self.kernel.timer(self._power_on)
        self._kl15 = kl15
        self._kl30.watch(WAKE_VOLTAGE, lambda above: start.start(START_UP) if above and not self.is_powered else None)

        def end(above: bool) -> None:
            if not above:
                start.stop()
                self.power_off()

        self._kl30.watch(OFF_VOLTAGE, end)
        if kl15:
            kl15.watch(TERMINAL_ON, lambda on: self.terminal_15(on) if self.is_powered else None)
        self.begin(context)
        if self._kl30.voltage >= WAKE_VOLTAGE:
            start.start(START_UP)

    def begin(self, context: EcuContext) -> None:
        """Listen and drive what the model is made for; called once, before it has power."""

    def hear(self, context: EcuContext, bus: str, message: str, act: Callable[[Values], None]) -> None:
        """Call `act` with the values of each frame of a message, while the ECU has power and the rig has the bus."""
        if bus not in context.ports or message not in context.databases[bus].messages:
            return
        found = context.databases[bus].messages[message]
        decode, length = found.decode, found.length

        def received(frame: "can.Message") -> None:
            if self.is_powered and len(frame.data) >= length:
                act(decode(bytes(frame.data)))

        context.ports[bus].listen(received, (found.key,))

    def drive(self, message: str, values: Callable[[], Values]) -> None:
        """Take the values of a message from `values()`, where the node sends it on this rig."""
        if message in self.messages:
            self.messages[message].drive(values)

    # Power

    def _power_on(self) -> None:
        self.is_powered = True
        for port in self._nm_ports:
            port.join()
        self.powered()
        self._draw()
        if self.is_terminal_15_on:
            self.terminal_15(on=True)
        elif self.has("keeps the network awake"):
            self._ask_for_network()

    def powered(self) -> None:
        """React to the beginning of power."""

    def power_off(self) -> None:
        """Stop at once: there is no supply any more."""
        self.is_powered = False
        self._requests.clear()
        self._nm_cycle.stop()
        self._nm_timeout.stop()
        self.sleep()
        for port in self._nm_ports:
            port.leave()
        self._kl30.draw(0.0)

    def terminal_15(self, on: bool) -> None:
        """React to terminal 15 that comes or goes, or is on when power comes."""
        if on:
            self.request(TERMINAL_15)
        else:
            self.release(TERMINAL_15)

    def _draw(self) -> None:
        if self.is_powered:
            asleep = 0.05 if self.has("draws current asleep") else self.SLEEPING_CURRENT
            self._kl30.draw(self.RUNNING_CURRENT if self._awake else asleep)

    @property
    def is_terminal_15_on(self) -> bool:
        """Whether it has a pin for terminal 15, and voltage there."""
        return self._kl15 is not None and self._kl15.voltage >= TERMINAL_ON

    # Network

    @property
    def is_awake(self) -> bool:
        """Whether it takes part in the network."""
        return self._awake

    @property
    def wants_network(self) -> bool:
        """Whether it has a reason of its own to keep the network awake."""
        return bool(self._requests) or self.has("keeps the network awake")

    def request(self, reason: str) -> None:
        """Keep the network awake for a reason, until it is released."""
        self._requests.add(reason)
        if self.is_powered and self._nm_cycle.due is None:
            self._ask_for_network()

    def release(self, reason: str) -> None:
        """Let the network sleep, as far as this reason goes."""
        self._requests.discard(reason)

    def network_heard(self, frame: "can.Message") -> None:
        """React to network management of another node."""
        del frame
        if self.is_powered and not self.has("does not wake"):
            self._stay_awake()

    def _ask_for_network(self) -> None:
        if not (self.is_powered and self.wants_network):
            return
        self._stay_awake()
        if self.may_send:
            for port, cyclic in self._nm:
                port.send(cyclic.next_frame())
        self._nm_cycle.start(NM_CYCLE)

    def _stay_awake(self) -> None:
        self._last_nm = self.kernel.now
        if not self._awake:
            self.wake()
            self._draw()
            self._nm_timeout.start(NM_TIMEOUT)
            self.woken()

    def woken(self) -> None:
        """React to the network that has woken up."""

    def _judge_network(self) -> None:
        # The timer is not set anew with each message: it looks how long ago the last one was.
        if self.kernel.now < self._last_nm + NM_TIMEOUT:
            self._nm_timeout.start_at(self._last_nm + NM_TIMEOUT)
            return
        self.fallen_asleep()
        self.sleep()
        for port in self._nm_ports:
            port.join()  # a frame wakes it up
        self._draw()

    def fallen_asleep(self) -> None:
        """React to the network that goes to sleep."""

    def defect_changed(self, defect: str) -> None:
        """Take up a defect at once where it shows in a state that lasts."""
        super().defect_changed(defect)
        if defect == "babbles":
            self._restart()
        elif defect == "wrong checksum":
            for cyclic in self.messages.values():
                cyclic.damage_checksum(on=self.has(defect))
        elif defect == "keeps the network awake" and self._nm_cycle.due is None:
            self._ask_for_network()
        self._draw()

    def after(self, delay: int, action: Callable[[], None]) -> None:
        """Do something later, if the ECU then has power still."""
        self.kernel.at(self.kernel.now + delay, partial(self._if_powered, action))

    def _if_powered(self, action: Callable[[], None]) -> None:
        if self.is_powered:
            action()
