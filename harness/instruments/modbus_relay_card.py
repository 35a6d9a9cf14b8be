"""Driver for a plain relay card with eight relays, by Modbus RTU on a serial line.

Coil 0 is relay 1, as on the cards of Waveshare and many others [B].
"""

from typing import ClassVar

from harness.errors import InstrumentError, RigFileError
from harness.instruments.driver import Driver
from harness.transports.modbus import ModbusSession

RELAYS = range(1, 9)


class ModbusRelayCard(Driver):
    """Fills the role of a switch matrix. Each command is read back; a welded contact does not show."""

    model: ClassVar[str] = "Modbus RTU relay card"
    channels: ClassVar[tuple[range, ...]] = (RELAYS,)

    def __init__(self, session: ModbusSession) -> None:
        """Check that somebody answers with eight coils. The relays stay as they are.

        Raises:
            InstrumentError: no card answers there.
        """
        self._session = session
        self.role = session.role
        self.identity = f"{self.model}, {session.name}"
        self._read("asked for its relays")

    def close_channel(self, channel: int) -> None:
        """Close a relay; the card has confirmed it when this returns.

        Raises:
            InstrumentError: the card refuses it, says nothing or nonsense, or says that it is still open.
        """
        self._move(channel, closed=True)

    def open_channel(self, channel: int) -> None:
        """Open a relay; the card has confirmed it when this returns.

        Raises:
            InstrumentError: the card refuses it, says nothing or nonsense, or says that it is still closed.
        """
        self._move(channel, closed=False)

    def is_closed(self, channel: int) -> bool:
        """Read back what the relay was last told.

        Raises:
            InstrumentError: the card does not say.
        """
        return self._read(f"asked for relay {self._checked(channel)}")[channel - 1]

    def open_all(self) -> None:
        """Open all relays.

        Raises:
            InstrumentError: the card refuses it, or says that one is still closed.
        """
        what = "told all relays to open"
        self._session.write_coils(0, [False] * len(RELAYS), what)
        if closed := [number for number, state in zip(RELAYS, self._read(what), strict=True) if state]:
            raise InstrumentError(f"{self._session.name}: {what}, but it reads back as closed: {closed}")

    def errors(self) -> list[str]:
        """Return none: the card keeps no errors.

        Raises:
            InstrumentError: it does not answer any more.
        """
        self._read("asked for its relays")
        return []

    def close(self) -> None:
        """End the session; the relays stay as they are. Closing twice is harmless."""
        self._session.close()

    def _move(self, channel: int, *, closed: bool) -> None:
        what = f"told relay {self._checked(channel)} to {'close' if closed else 'open'}"
        self._session.write_coil(channel - 1, on=closed, what=what)
        if self._read(what)[channel - 1] is not closed:
            raise InstrumentError(f"{self._session.name}: {what}, but it reads back {'open' if closed else 'closed'}")

    def _read(self, what: str) -> list[bool]:
        return self._session.read_coils(0, len(RELAYS), what)

    def _checked(self, channel: int) -> int:
        if channel not in RELAYS:
            raise RigFileError(f"{self.role}: no relay {channel}; there are {RELAYS[0]} to {RELAYS[-1]}")
        return channel
