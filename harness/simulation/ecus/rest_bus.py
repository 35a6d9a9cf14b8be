"""The generic ECU: it sends every message that its node owns in the database. That is the rest bus."""

from collections.abc import Mapping
from heapq import heapreplace
from typing import TYPE_CHECKING, ClassVar

from harness.clock import MILLISECOND
from harness.errors import RigFileError, TestError, unknown_name
from harness.protocols.database import Message, Signal
from harness.simulation.ecus.cyclic_message import CyclicMessage
from harness.simulation.ecus.ecu import Ecu, EcuContext
from harness.vehicle import Protection

if TYPE_CHECKING:
    from harness.can_port import CanPort

WAKE_VOLTAGE, OFF_VOLTAGE = 6.5, 6.0
"""Volts at its supply pin from which on an ECU works, and below which it no longer does [P]."""
TERMINAL_ON = 4.0
"""Volts from which on terminal 15 or the accessory terminal is on, where an ECU only looks at it [P].

Less than an ECU needs: terminals follow the dips of the supply, and are not switched off by those that an ECU survives.
"""
START_UP = MILLISECOND
"""From when the voltage is there until the ECU works [P]."""
RUNNING_CURRENT = 0.15
"""Amperes that a generic ECU draws while it works [P]."""


class RestBus(Ecu):
    """Sends the messages of its node at their cycle times, with start values, counters and checksums.

    It works while its supply pin (KL15, else KL30) has voltage; without pins it always works.
    """

    DEFECTS: ClassVar[Mapping[str, str]] = {
        "silent": "sends nothing",
        "slow": "sends everything at 1.5 times its cycle time",
        "frozen counter": "counters stay where they are",
    }

    def __init__(self, context: EcuContext) -> None:
        super().__init__(context)
        self.messages: dict[str, CyclicMessage] = {}
        self._ports: dict[str, CanPort] = dict(context.ports)
        self._phase = context.phase
        self._cycles: dict[tuple[str, int], list[CyclicMessage]] = {}
        self._run = 0
        self._awake = False
        self._silenced = False
        for bus in context.ports:
            for message in context.databases[bus].messages.values():
                if message.sender == context.node:
                    if message.name in self.messages:
                        raise RigFileError(f"{context.node} sends {message.name} on two buses; names must differ")
                    cyclic = CyclicMessage(message, context.protection.get(message.name, Protection()))
                    self.messages[message.name] = cyclic
                    if message.cycle_time and self.sends_cyclically(message):
                        self._cycles.setdefault((bus, message.cycle_time), []).append(cyclic)
        self.power_up(context)

    def sends_cyclically(self, message: Message) -> bool:  # noqa: ARG002  for models that send some otherwise
        """Say whether a message that has a cycle time comes at it by itself."""
        return True

    def real_cycle(self, nominal: int) -> int:
        """Return the nanoseconds from one message to the next, instead of what the database says."""
        return nominal * 3 // 2 if self.has("slow") else nominal

    @property
    def may_send(self) -> bool:
        """Whether the ECU is on its buses and not silent."""
        return self._awake and not self._silenced and not self.has("silent")

    def power_up(self, context: EcuContext) -> None:
        """Begin to work when the supply pin has voltage."""
        pin = context.pins.get("KL15") or context.pins.get("KL30")
        if pin is None:
            self.wake()
            return

        def begin() -> None:
            pin.draw(RUNNING_CURRENT)
            self.wake()

        def end() -> None:
            start.stop()
            pin.draw(0.0)
            self.sleep()

        start = self.kernel.timer(begin)
        pin.watch(WAKE_VOLTAGE, lambda above: start.start(START_UP) if above else None)
        pin.watch(OFF_VOLTAGE, lambda above: None if above else end())
        if pin.voltage >= WAKE_VOLTAGE:
            start.start(START_UP)

    def wake(self) -> None:
        """Join the buses and begin to send."""
        if not self._awake:
            self._awake = True
            for port in self._ports.values():
                port.join()
            self._restart()

    def sleep(self) -> None:
        """Stop sending and leave the buses."""
        if self._awake:
            self._awake = False
            self._run += 1
            for port in self._ports.values():
                port.leave()

    def silence(self) -> None:
        """Send nothing until `resume`; the ECU still listens and acknowledges."""
        self._silenced = True
        self._restart()

    def resume(self) -> None:
        """Send again. What is not silent goes on undisturbed."""
        if self._silenced:
            self._silenced = False
            self._restart()

    def set_raw(self, signal: Signal, raw: int) -> None:
        """Send another raw value of a signal from the next frame on.

        Raises:
            TestError: the ECU does not send this signal, or works it out by itself.
        """
        cyclic = self.messages.get(signal.message)
        if cyclic is None:
            raise TestError(f"{self.name} does not send {unknown_name('message', signal.message, self.messages)}")
        if cyclic.is_driven or signal.name in cyclic.protected:
            raise TestError(f"{self.name} works {signal.full_name} out by itself; it cannot be set")
        cyclic.set_raw(signal.name, raw)

    def reset_signals(self) -> None:
        """Send the start values of the database again."""
        for cyclic in self.messages.values():
            cyclic.reset()

    def defect_changed(self, defect: str) -> None:
        """Take up sending at the cycle times and with the counters that the defects ask for."""
        if defect == "frozen counter":
            for cyclic in self.messages.values():
                cyclic.counter_frozen = self.has(defect)
        elif defect in RestBus.DEFECTS:
            self._restart()

    def _restart(self) -> None:
        self._run += 1
        if self.may_send and self._cycles:
            self._send_cyclically()

    def _send_cyclically(self) -> None:
        run, kernel = self._run, self.kernel
        groups = [
            (self.real_cycle(cycle), self._ports[bus].send, group)
            for (bus, cycle), group in sorted(self._cycles.items(), key=lambda entry: entry[0][1])
        ]
        # One event for all that is due in an instant, the fastest messages first: they have the lower identifiers.
        due = [(kernel.now + self._phase, index) for index in range(len(groups))]

        def tick() -> None:
            if run != self._run:
                return
            now = kernel.now
            while due[0][0] == now:
                index = due[0][1]
                cycle, send, group = groups[index]
                heapreplace(due, (now + cycle, index))
                for cyclic in group:
                    send(cyclic.next_frame())
            kernel.at(due[0][0], tick)

        kernel.at(due[0][0], tick)
