"""Requests to one Modbus RTU device over a stream: a serial port, a TCP connection, or a simulated line.

pymodbus makes and reads the frames; it does not touch the line: its clients wait in the wall clock, and would not do so
on a virtual rig. Its framer looks for a frame among whatever comes, and its coils take any value but 0 for ON. So an
answer counts only if it is, byte for byte, the frame that its own content makes.
"""

import struct
from typing import TYPE_CHECKING

from harness.clock import MILLISECOND, Clock
from harness.errors import InstrumentError, InstrumentTimeoutError, StreamError
from harness.quantities import Duration
from harness.transports.stream import Stream

if TYPE_CHECKING:
    from pymodbus.pdu import ModbusPDU

SILENCE = 100 * MILLISECOND
"""How long to wait after a failed exchange: what still comes belongs to it [P]."""
_LONGEST_FRAME = 256
_MOST_SHOWN = 32


class ModbusSession:
    """A dialogue with one unit. Each request names what it is for, so that a message can."""

    def __init__(self, stream: Stream, clock: Clock, *, role: str, address: str, unit: int, timeout: Duration) -> None:
        """Listen to a line.

        Args:
            stream: the line; it is the session's from here on.
            clock: of the rig.
            role: what the rig file calls the instrument; messages begin with it.
            address: of the line, such as `/dev/ttyUSB1`.
            unit: address of the device on its line.
            timeout: how long to wait for an answer.
        """
        from pymodbus.framer import FramerRTU
        from pymodbus.pdu import DecodePDU

        self.role = role
        self.name = f"{role} ({address}, unit {unit})"
        self._stream = stream
        self._clock = clock
        self._unit = unit
        self._timeout = timeout
        self._framer = FramerRTU(DecodePDU(is_server=False))
        self._received = bytearray()
        self._arrived = clock.event()
        self._in_step = True
        self._stop = stream.listen(self._receive)

    def read_coils(self, first: int, count: int, what: str) -> list[bool]:
        """Ask for the states of coils.

        Raises:
            InstrumentTimeoutError: no whole answer came in time.
            InstrumentError: the line is dead, or what came is no answer; names port, purpose and what came.
        """
        from pymodbus.pdu.bit_message import ReadCoilsRequest

        answer = self._exchange(ReadCoilsRequest(dev_id=self._unit, address=first, count=count), what)
        if len(answer.bits) != (count + 7) // 8 * 8:
            raise self._unusable(what, f"{count} coils")
        return [bool(bit) for bit in answer.bits[:count]]

    def write_coil(self, coil: int, *, on: bool, what: str) -> None:
        """Set one coil; the device has confirmed it when this returns.

        Raises:
            InstrumentTimeoutError, InstrumentError: as `read_coils`.
        """
        from pymodbus.pdu.bit_message import WriteSingleCoilRequest

        request = WriteSingleCoilRequest(dev_id=self._unit, address=coil, bits=[on])
        self._exchange(request, what)
        if bytes(self._received) != self._framer.buildFrame(request):
            raise self._unusable(what, "the request again, as its confirmation")

    def write_coils(self, first: int, states: list[bool], what: str) -> None:
        """Set coils at once; the device has confirmed it when this returns.

        Raises:
            InstrumentTimeoutError, InstrumentError: as `read_coils`.
        """
        from pymodbus.pdu.bit_message import WriteMultipleCoilsRequest

        answer = self._exchange(WriteMultipleCoilsRequest(dev_id=self._unit, address=first, bits=states), what)
        if (answer.address, answer.count) != (first, len(states)):
            raise self._unusable(what, f"{len(states)} coils from {first} on confirmed")

    def close(self) -> None:
        """Give the line back. Closing twice is harmless."""
        self._stop()
        self._stream.close()

    def _receive(self, data: bytes, _time: int) -> None:
        self._received += data
        self._arrived.set()

    def _exchange(self, request: "ModbusPDU", what: str) -> "ModbusPDU":
        if not self._in_step:
            self._clock.sleep(SILENCE)
        self._in_step = False  # stays so if the exchange is cut short
        self._received.clear()
        try:
            self._stream.send(self._framer.buildFrame(request))
        except StreamError as error:
            raise InstrumentError(f"{self.name}: {what}; {error}") from error
        answer = self._await_answer(request, what)
        if answer.isError():
            raise InstrumentError(f"{self.name}: {what}, the device refuses it with exception {answer.exception_code}")
        self._in_step = True
        return answer

    def _await_answer(self, request: "ModbusPDU", what: str) -> "ModbusPDU":
        deadline = self._clock.now + self._timeout.ns
        while True:
            self._arrived = self._clock.event()
            if answer := self._answer(request, what):
                return answer
            if not self._clock.wait(self._arrived, max(deadline - self._clock.now, 0)):
                came = f"only {self._shown()}" if self._received else "nothing"
                if problems := self._stream.problems():
                    came += f"; {problems[0]}"
                raise InstrumentTimeoutError(f"{self.name}: {what}, no answer within {self._timeout}: {came} came")

    def _answer(self, request: "ModbusPDU", what: str) -> "ModbusPDU | None":
        from pymodbus.exceptions import ModbusException

        came = bytes(self._received)
        try:
            used, answer = self._framer.handleFrame(came, 0, 0)
        except (ModbusException, struct.error, IndexError):
            raise self._unusable(what, "a frame of Modbus RTU") from None
        if answer is None:
            if used or len(came) >= _LONGEST_FRAME:
                raise self._unusable(what, "a frame of Modbus RTU")
            return None
        if self._framer.buildFrame(answer) != came:
            raise self._unusable(what, "one frame of Modbus RTU and nothing else")
        if (answer.dev_id, answer.function_code & 0x7F) != (self._unit, request.function_code):
            raise self._unusable(what, f"an answer of unit {self._unit} to function {request.function_code}")
        return answer

    def _unusable(self, what: str, expected: str) -> InstrumentError:
        self._in_step = False
        return InstrumentError(f"{self.name}: {what}, {self._shown()} came; expected {expected}")

    def _shown(self) -> str:
        shown = bytes(self._received[:_MOST_SHOWN]).hex(" ")
        return f"{shown}{' ...' if len(self._received) > _MOST_SHOWN else ''}"
