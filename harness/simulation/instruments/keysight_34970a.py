"""Simulated Keysight (Agilent, HP) 34970A switch unit: a 34903A 20-channel actuator in slot 1, slots 2 and 3 empty.

Sources, where not said otherwise: 34970A user's guide, its pages as published by manualsonline.com and
manualsdump.com [B]:

- "Rules for Using a Channel List": in a range the first and the last channel must be valid, others are ignored;
- "Switch Control Commands": ROUTe:CLOSe, :CLOSe:EXCLusive, :OPEN and their queries, which give the state that was
  commanded, not that of the contacts.
"""

from collections.abc import Mapping
from typing import ClassVar

from harness.clock import MILLISECOND, SECOND
from harness.protocols.scpi_faults import ScpiError, ScpiFault
from harness.protocols.scpi_parameters import channels, integer
from harness.simulation.instruments.scpi_instrument import ScpiInstrument, command
from harness.simulation.kernel import Kernel
from harness.simulation.plant import Relay

CHANNELS = range(101, 121)
_SLOTS = {1: "HEWLETT-PACKARD,34903A,0,1.0", 2: "HEWLETT-PACKARD,0,0,0", 3: "HEWLETT-PACKARD,0,0,0"}
"""What SYSTem:CTYPe? answers, as logged from a real unit with and without a module in the slot [B]."""

_ALL = 0

OPERATE_TIME = SECOND // 120
"""Nanoseconds until a contact has moved: the data sheet's 120 channels a second [K]. Release is taken as equal [P]."""

SLOT_OUT_OF_RANGE = 111
CHANNEL_OUT_OF_RANGE = 112
"""Numbers and texts as the user's guide's chapter on error messages has them; from memory, not read again [K].
That an empty slot gives the second is supposed [P]."""


class Keysight34970A(ScpiInstrument):
    """Twenty changeover relays. A channel without a relay of the plant keeps its own state.

    Relays move one after the other; the instrument is busy until the last one has, as *OPC? shows.
    """

    identity: ClassVar[str] = "HEWLETT-PACKARD,34970A,0,13-2-2"
    processing_time: ClassVar[int] = 3 * MILLISECOND  # [P]
    error_queue_length: ClassVar[int] = 10  # [K]
    integer_format: ClassVar[str] = "+d"

    def __init__(self, kernel: Kernel, relays: Mapping[int, Relay]) -> None:
        """Wire relays of the plant to channels, which are numbered 101 to 120.

        Raises:
            ValueError: a channel that the actuator does not have.
        """
        if not relays.keys() <= set(CHANNELS):
            raise ValueError(f"34903A in slot 1 has channels 101 to 120, not {sorted(relays.keys() - set(CHANNELS))}")
        super().__init__(
            kernel,
            {
                "ROUTe:CLOSe": command(self._close, channels),
                "ROUTe:CLOSe?": command(self._which_closed, channels),
                "ROUTe:CLOSe:EXCLusive": command(self._close_exclusively, channels),
                "ROUTe:OPEN": command(self._open, channels),
                "ROUTe:OPEN?": command(self._which_open, channels),
                "ROUTe:DONE?": command(lambda: "1"),
                "DIAGnostic:RELay:CYCLes?": command(self._cycles_of, channels),
                "SYSTem:CTYPe?": command(lambda slot: _SLOTS[slot], _slot),
                "SYSTem:CPON": command(self._reset_module, _slot_or_all),
                "SYSTem:VERSion?": command(lambda: "1994.0"),  # [P]
            },
        )
        self._relays = relays
        self._closed: set[int] = {number for number, relay in relays.items() if relay.closed}
        self._cycles = dict.fromkeys(CHANNELS, 0)

    def reset(self) -> None:
        """Open all channels."""
        self._move(sorted(self._closed), closed=False)

    def _close(self, asked: tuple[range, ...]) -> None:
        self._move(_channels_of(asked), closed=True)

    def _open(self, asked: tuple[range, ...]) -> None:
        self._move(_channels_of(asked), closed=False)

    def _close_exclusively(self, asked: tuple[range, ...]) -> None:
        wanted = _channels_of(asked)
        self.reset()
        self._move(wanted, closed=True)

    def _which_closed(self, asked: tuple[range, ...]) -> str:
        return ",".join(str(int(number in self._closed)) for number in _channels_of(asked))

    def _which_open(self, asked: tuple[range, ...]) -> str:
        return ",".join(str(int(number not in self._closed)) for number in _channels_of(asked))

    def _cycles_of(self, asked: tuple[range, ...]) -> str:
        return ",".join(self._integer(self._cycles[number]) for number in _channels_of(asked))

    def _reset_module(self, slot: int) -> None:
        if slot in {_ALL, 1}:
            self.reset()

    def _move(self, numbers: list[int], *, closed: bool) -> None:
        for number in numbers:
            if (number in self._closed) is closed:
                continue
            if closed:
                self._closed.add(number)
                self._cycles[number] += 1
            else:
                self._closed.remove(number)
            self.occupy(OPERATE_TIME)
            if number in self._relays:
                relay = self._relays[number]
                self._kernel.at(self._kernel.now + self._occupied, relay.close if closed else relay.open)


def _channels_of(asked: tuple[range, ...]) -> list[int]:
    for bound in (bound for part in asked for bound in (part[0], part[-1])):
        if bound // 100 not in _SLOTS:
            raise ScpiFault(SLOT_OUT_OF_RANGE, "Channel list: slot number out of range")
        if bound not in CHANNELS:
            raise ScpiFault(CHANNEL_OUT_OF_RANGE, "Channel list: channel number out of range")
    return [number for part in asked for number in part if number in CHANNELS]


def _slot(text: str) -> int:
    slot, rest = divmod(integer(text), 100)
    if rest or slot not in _SLOTS:
        raise ScpiFault(ScpiError.DATA_OUT_OF_RANGE)
    return slot


def _slot_or_all(text: str) -> int:
    return _ALL if text.upper() == "ALL" else _slot(text)
