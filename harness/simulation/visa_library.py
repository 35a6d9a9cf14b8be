"""A pyvisa backend whose instruments are simulated ones, in this process and on simulated time.

A resource name stands for one instrument. `TCPIP::name::5025::SOCKET` is a bare stream, as pyvisa-py has it:
without a termination character a read goes on until its time-out. Any other resource (`INSTR`) keeps messages
apart, with END behind each, and follows the message exchange of IEEE 488.2, chapter 6: -410 when a message comes
before the last answer was read, -420 when there is nothing to be read.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from itertools import count
from typing import Any

from pyvisa import attributes, constants, rname
from pyvisa.constants import ResourceAttribute, StatusCode
from pyvisa.highlevel import VisaLibraryBase
from pyvisa.typing import VISARMSession, VISASession

from harness.clock import MILLISECOND, Clock, Event
from harness.protocols.scpi_faults import ScpiError, ScpiFault
from harness.simulation.instruments.scpi_instrument import InstrumentFault, ScpiInstrument

_TERMINATOR = b"\n"
_numbers = count(1)


def open_library(
    clock: Clock,
    instruments: Mapping[str, ScpiInstrument],
    hold: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> "SimulatedVisaLibrary":
    """Return the VISA library of one rig: its resource names and the instruments behind them.

    It is what `pyvisa.ResourceManager(...)` takes. Each call gives a library of its own, which pyvisa shares with
    nobody.

    Args:
        clock: of the rig.
        instruments: by resource name.
        hold: keeps a simulation still that runs on a thread of its own; a message is handed over inside of it.

    Raises:
        ValueError: a name is no VISA resource name.
    """
    library = SimulatedVisaLibrary(f"virtual rig {next(_numbers)}")
    library.clock = clock
    library.hold = hold
    library.instruments = {rname.to_canonical_name(name): instrument for name, instrument in instruments.items()}
    return library


class SimulatedVisaLibrary(VisaLibraryBase):
    """Hands what is written to a resource to its simulated instrument; made by :func:`open_library`."""

    clock: Clock
    hold: Callable[[], AbstractContextManager[None]]
    instruments: Mapping[str, ScpiInstrument]

    def _init(self) -> None:
        self._sessions: dict[int, _Session] = {}
        self._handles = count(1)

    def open_default_resource_manager(self) -> tuple[VISARMSession, StatusCode]:
        """Open the session of the resource manager."""
        handle = VISARMSession(next(self._handles))
        return handle, self.handle_return_value(handle, StatusCode.success)

    def open(
        self,
        session: VISARMSession,
        resource_name: str,
        access_mode: constants.AccessModes = constants.AccessModes.no_lock,  # noqa: ARG002 - viOpen has it
        open_timeout: int = constants.VI_TMO_IMMEDIATE,  # noqa: ARG002 - viOpen has it
    ) -> tuple[VISASession, StatusCode]:
        """Open a session to an instrument.

        Raises:
            VisaIOError: there is no such resource.
        """
        try:
            parsed = rname.ResourceName.from_string(resource_name)
        except rname.InvalidResourceName:
            return VISASession(0), self.handle_return_value(session, StatusCode.error_invalid_resource_name)
        instrument = self.instruments.get(str(parsed))
        if instrument is None:
            return VISASession(0), self.handle_return_value(session, StatusCode.error_resource_not_found)
        kind = _Stream if parsed.resource_class == "SOCKET" else _MessageExchange
        handle = VISASession(next(self._handles))
        self._sessions[handle] = kind(self.clock, instrument, parsed, self.hold)
        return handle, self.handle_return_value(handle, StatusCode.success)

    def close(self, session: Any) -> StatusCode:  # noqa: ANN401 - viClose takes handles of any kind
        """Close a session, or the resource manager's."""
        self._sessions.pop(session, None)
        return self.handle_return_value(None, StatusCode.success)

    def list_resources(self, session: VISARMSession, query: str = "?*::INSTR") -> tuple[str, ...]:  # noqa: ARG002 - viFindRsrc has it
        """Return the names of the instruments that match the query."""
        return rname.filter(self.instruments, query)

    def write(self, session: VISASession, data: bytes) -> tuple[int, StatusCode]:
        """Send bytes; the time that the instrument needs to act on them passes."""
        self._session(session).write(data)
        return len(data), self.handle_return_value(session, StatusCode.success)

    def read(self, session: VISASession, count: int) -> tuple[bytes, StatusCode]:
        """Receive up to `count` bytes.

        Raises:
            VisaIOError: nothing (or on a stream: no end) came within the time-out, which has passed.
        """
        data, status = self._session(session).read(count)
        return data, self.handle_return_value(session, status)

    def clear(self, session: VISASession) -> StatusCode:
        """Drop what the instrument has answered."""
        self._session(session).clear()
        return self.handle_return_value(session, StatusCode.success)

    def flush(self, session: VISASession, mask: constants.BufferOperation) -> StatusCode:
        """Drop what was received; writing is never buffered."""
        discard = constants.BufferOperation.discard_read_buffer | constants.BufferOperation.discard_receive_buffer
        if mask & discard:
            self._session(session).clear()
        return self.handle_return_value(session, StatusCode.success)

    def read_stb(self, session: VISASession) -> tuple[int, StatusCode]:
        """Read the status byte by serial poll.

        Raises:
            VisaIOError: a stream has no serial poll, or the instrument hangs.
        """
        status_byte, status = self._session(session).read_status_byte()
        return status_byte, self.handle_return_value(session, status)

    def get_attribute(
        self,
        session: Any,  # noqa: ANN401 - viGetAttribute takes handles of any kind
        attribute: ResourceAttribute | constants.EventAttribute,
    ) -> tuple[Any, StatusCode]:
        """Return the value of a VISA attribute.

        Raises:
            VisaIOError: the session does not have this attribute.
        """
        values = self._session(session).attributes
        if attribute not in values:
            return None, self.handle_return_value(session, StatusCode.error_nonsupported_attribute)
        return values[attribute], self.handle_return_value(session, StatusCode.success)

    def set_attribute(
        self,
        session: VISASession,
        attribute: ResourceAttribute,
        attribute_state: Any,  # noqa: ANN401 - the type is the attribute's
    ) -> StatusCode:
        """Set a VISA attribute.

        Raises:
            VisaIOError: the session does not have this attribute, or it can only be read.
        """
        values = self._session(session).attributes
        if attribute not in values or not attributes.AttributesByID[attribute].write:
            return self.handle_return_value(session, StatusCode.error_nonsupported_attribute)
        values[attribute] = attribute_state
        return self.handle_return_value(session, StatusCode.success)

    def disable_event(
        self,
        session: VISASession,
        event_type: constants.EventType,  # noqa: ARG002 - viDisableEvent has it
        mechanism: constants.EventMechanism,  # noqa: ARG002 - viDisableEvent has it
    ) -> StatusCode:
        """Do nothing: there are no VISA events. Resources call it as they close."""
        return self.handle_return_value(session, StatusCode.success)

    def discard_events(
        self,
        session: VISASession,
        event_type: constants.EventType,  # noqa: ARG002 - viDiscardEvents has it
        mechanism: constants.EventMechanism,  # noqa: ARG002 - viDiscardEvents has it
    ) -> StatusCode:
        """Do nothing: there are no VISA events. Resources call it as they close."""
        return self.handle_return_value(session, StatusCode.success)

    def _session(self, handle: int) -> "_Session":
        if handle not in self._sessions:
            self.handle_return_value(None, StatusCode.error_invalid_object)
        return self._sessions[handle]


class _Session:
    """One connection to an instrument."""

    def __init__(
        self,
        clock: Clock,
        instrument: ScpiInstrument,
        name: rname.ResourceName,
        hold: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._clock = clock
        self._hold = hold
        self._instrument = instrument
        self._received = bytearray()
        self._unfinished = b""
        self._arrived = clock.event()
        self.attributes: dict[ResourceAttribute | constants.EventAttribute, Any] = {
            ResourceAttribute.resource_name: str(name),
            ResourceAttribute.resource_class: name.resource_class,
            ResourceAttribute.interface_type: name.interface_type_const,
            ResourceAttribute.timeout_value: 2000,
            ResourceAttribute.termchar: _TERMINATOR[0],
            ResourceAttribute.termchar_enabled: False,
            ResourceAttribute.send_end_enabled: True,
        }

    def write(self, data: bytes) -> None:
        *messages, self._unfinished = (self._unfinished + data).split(_TERMINATOR)
        for message in messages:
            self._send(message)

    def read(self, count: int) -> tuple[bytes, StatusCode]:
        deadline = self._clock.now + self._timeout
        while (taken := self._take(count)) is None:
            self._arrived = self._clock.event()
            if not self._clock.wait(self._arrived, deadline - self._clock.now):
                self._received.clear()
                return b"", StatusCode.error_timeout
        return taken

    def clear(self) -> None:
        self._received.clear()
        self._unfinished = b""

    def read_status_byte(self) -> tuple[int, StatusCode]:
        return 0, StatusCode.error_nonsupported_operation

    def _send(self, message: bytes) -> Event:
        with self._hold():
            done = self._instrument.receive(message.decode("latin-1").strip(), self._respond)
        self._clock.wait(done, self._instrument.processing_time)
        return done

    @property
    def _timeout(self) -> int:
        return int(self.attributes[ResourceAttribute.timeout_value]) * MILLISECOND

    def _respond(self, answer: str) -> None:
        self._received += answer.encode("latin-1") + _TERMINATOR
        self._arrived.set()

    def _take(self, count: int) -> tuple[bytes, StatusCode] | None:
        """Return what can be read now, None if it is not complete."""
        if taken := self._up_to_termchar(count):
            return taken
        if len(self._received) >= count:
            return self._cut(count), StatusCode.success_max_count_read
        return None

    def _up_to_termchar(self, count: int) -> tuple[bytes, StatusCode] | None:
        if not self.attributes[ResourceAttribute.termchar_enabled]:
            return None
        end = self._received.find(self.attributes[ResourceAttribute.termchar]) + 1
        if not 0 < end <= count:
            return None
        return self._cut(end), StatusCode.success_termination_character_read

    def _cut(self, size: int) -> bytes:
        data = bytes(self._received[:size])
        del self._received[:size]
        return data


class _Stream(_Session):
    """A bare TCP connection: nothing but line ends tells messages apart."""


class _MessageExchange(_Session):
    """A connection that marks the END of each message: HiSLIP, VXI-11, USBTMC, GPIB."""

    _done: Event | None = None

    def write(self, data: bytes) -> None:
        if self._received:
            self._received.clear()
            self._instrument.report(ScpiFault(ScpiError.QUERY_INTERRUPTED))
        super().write(data)
        if self._unfinished and self.attributes[ResourceAttribute.send_end_enabled]:
            message, self._unfinished = self._unfinished, b""
            self._send(message)

    def read(self, count: int) -> tuple[bytes, StatusCode]:
        idle = self._done is None or self._done.is_set
        if idle and not self._received and not self._hangs:
            self._instrument.report(ScpiFault(ScpiError.QUERY_UNTERMINATED))
        return super().read(count)

    def read_status_byte(self) -> tuple[int, StatusCode]:
        if self._hangs:
            self._clock.sleep(self._timeout)
            return 0, StatusCode.error_timeout
        return self._instrument.status_byte(message_available=bool(self._received)), StatusCode.success

    def _send(self, message: bytes) -> Event:
        self._done = super()._send(message)
        return self._done

    def _take(self, count: int) -> tuple[bytes, StatusCode] | None:
        if not 0 < len(self._received) <= count:
            return super()._take(count)
        return self._up_to_termchar(count) or (self._cut(count), StatusCode.success)

    @property
    def _hangs(self) -> bool:
        return self._instrument.fault is InstrumentFault.SILENT
