"""Driver for the Keysight (earlier: Agilent, Hewlett-Packard) 34970A switch unit with 34903A actuator modules.

Sources: 34970A user's guide, chapter "Remote Interface Reference": switch control commands, SYSTem:CTYPe? [K]; answers
of SYSTem:CTYPe? with and without a module as logged from real units [B].
"""

from typing import ClassVar

from harness.errors import InstrumentError, RigFileError
from harness.instruments.scpi_driver import ScpiDriver
from harness.transports.visa import ScpiSession

_SLOTS = (100, 200, 300)
_ACTUATOR = "34903A"
_RELAYS = 20


class Keysight34970A(ScpiDriver):
    """Fills the role of a switch matrix. Channel 203 is the third relay of the module in slot 200.

    Only 34903A modules are driven: on other modules the same commands close measuring inputs or parts of a bank.
    """

    model: ClassVar[str] = "Keysight 34970A"
    manufacturers: ClassVar[frozenset[str]] = frozenset(
        {"hewlett-packard", "agilent", "agilent technologies", "keysight", "keysight technologies"}
    )
    model_field: ClassVar[str] = "34970A"
    channels: ClassVar[tuple[range, ...]] = tuple(range(slot + 1, slot + _RELAYS + 1) for slot in _SLOTS)

    def __init__(self, session: ScpiSession) -> None:
        """Check who answers and which modules it holds.

        Raises:
            InstrumentError: another instrument, or no actuator module in it.
        """
        super().__init__(session)
        modules = {slot: self._module_in(slot) for slot in _SLOTS}
        self._actuators = [slot for slot, module in modules.items() if module == _ACTUATOR]
        if not self._actuators:
            held = ", ".join(f"slot {slot}: {module}" for slot, module in modules.items())
            raise InstrumentError(f"{self.role}: needs a {_ACTUATOR} actuator module, has {held}")

    def close_channel(self, channel: int) -> None:
        """Close a relay; it has moved when this returns.

        Raises:
            InstrumentError: the instrument refuses it.
        """
        self._move(f"ROUT:CLOS (@{self._checked(channel)})")

    def open_channel(self, channel: int) -> None:
        """Open a relay; it has moved when this returns.

        Raises:
            InstrumentError: the instrument refuses it.
        """
        self._move(f"ROUT:OPEN (@{self._checked(channel)})")

    def is_closed(self, channel: int) -> bool:
        """Read back what the relay was last told; a welded contact does not show.

        Raises:
            InstrumentError: the instrument does not say.
        """
        return self._ask_bool(f"ROUT:CLOS? (@{self._checked(channel)})")

    def open_all(self) -> None:
        """Open all relays of all actuator modules.

        Raises:
            InstrumentError: the instrument refuses it.
        """
        ranges = ",".join(f"{slot + 1}:{slot + _RELAYS}" for slot in self._actuators)
        self._move(f"ROUT:OPEN (@{ranges})")

    def _move(self, line: str) -> None:
        self._command(line)
        if not self._ask_bool("*OPC?"):
            raise InstrumentError(f"{self.role}: sent {line!r}, the relays do not come to rest")

    def _module_in(self, slot: int) -> str:
        line = f"SYST:CTYP? {slot}"
        answer = self._session.query(line)
        fields = [field.strip() for field in answer.split(",")]
        if len(fields) != 4:
            raise self._session.unusable(line, answer, "manufacturer, module, serial number and revision")
        return "none" if fields[1] == "0" else fields[1]

    def _checked(self, channel: int) -> int:
        slot, relay = channel // 100 * 100, channel % 100
        if slot not in self._actuators or not 1 <= relay <= _RELAYS:
            known = " and ".join(f"{slot + 1} to {slot + _RELAYS}" for slot in self._actuators)
            raise RigFileError(f"{self.role}: no channel {channel}; there are {known}")
        return channel
