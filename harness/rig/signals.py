"""Finds signals by the names that suites use, on whichever bus they are."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.buses.can_bus import CanBus
from harness.errors import RigFileError, TestError, unknown_name
from harness.protocols.database import Message, Number, Signal
from harness.quantities import format_quantity, in_unit
from harness.vehicle import Vehicle


@dataclass(frozen=True)
class RigSignal:
    """A signal on a bus of the rig, under the name that the suite used."""

    name: str
    bus: CanBus
    message: Message
    signal: Signal
    is_logical: bool
    """Whether the name is one of the vehicle's logical names; otherwise it is tied to this car's database."""

    def raw(self, text: str) -> int:
        """Return the raw value that a text means: a label of the signal, or a quantity in a unit that fits.

        Raises:
            TestError: it is neither, or out of range.
        """
        try:
            return self._raw(text)
        except TestError as error:
            raise TestError(f"{self.name}: {error}" if self.is_logical else str(error)) from None

    def _raw(self, text: str) -> int:
        labels = {label.casefold() for label in self.signal.labels.values()}
        if text.casefold() in labels:
            return self.signal.raw_of_label(text)
        try:
            number = in_unit(text, self.signal.unit)
        except TestError:
            if self.signal.labels:
                return self.signal.raw_of_label(text)
            raise
        return self.signal.raw(number)

    def text(self, raw: int) -> str:
        """Return what a raw value means, as a report shows it."""
        label = self.signal.labels.get(raw)
        return label if label is not None else format_quantity(self.signal.physical(raw), self.signal.unit)

    def value(self, raw: int) -> Number | str:
        """Return what a raw value means: its label if it has one, else the number in the signal's unit."""
        label = self.signal.labels.get(raw)
        return label if label is not None else self.signal.physical(raw)


class Signals:
    """All signals of the rig, by logical name or by `Message.Signal`."""

    def __init__(self, vehicle: Vehicle, buses: Mapping[str, CanBus]) -> None:
        self._vehicle = vehicle
        self._buses = buses
        self._known: dict[str, RigSignal] = {}
        for name, address in vehicle.signals.items():
            if address.bus in buses:
                bus = buses[address.bus]
                try:
                    message = bus.database.message(address.message)
                    self._known[name] = RigSignal(name, bus, message, message.signal(address.signal), is_logical=True)
                except TestError as error:
                    raise RigFileError(f"{vehicle.folder / 'vehicle.yaml'}: signals.{name}: {error}") from error

    def find(self, name: str) -> RigSignal:
        """Return the signal of this name.

        Raises:
            TestError: there is no such signal; says which one was probably meant.
        """
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = self._find_in_databases(name)
        return found

    def find_message(self, name: str) -> tuple[CanBus, Message]:
        """Return the message of this name and its bus.

        Raises:
            TestError: there is no such message; says which one was probably meant.
        """
        found = [bus for bus in self._buses.values() if name in bus.database.messages]
        if len(found) > 1:
            raise TestError(f"message {name!r} is on several buses: {', '.join(bus.name for bus in found)}")
        if found:
            return found[0], found[0].database.messages[name]
        known = [message for bus in self._buses.values() for message in bus.database.messages]
        raise TestError(unknown_name("message", name, known))

    def _find_in_databases(self, name: str) -> RigSignal:
        message_name, _, signal_name = name.partition(".")
        if signal_name and any(message_name in bus.database.messages for bus in self._buses.values()):
            bus, message = self.find_message(message_name)
            return RigSignal(name, bus, message, message.signal(signal_name), is_logical=False)
        raise TestError(f"{unknown_name('signal', name, self._known)}. `Message.Signal` of a database works as well")
