"""Simulated relay card on a serial line: eight coils by Modbus RTU, as plain cards with a USB or RS-485 port have them.

Sources: the chapters of the Modbus standards that `harness/protocols/modbus_rtu.py` names [K]; unit 1 as it leaves the
factory, 8 data bits without parity at 9600 baud: Waveshare's page on its Modbus RTU IO 8CH [B]. Proposed [P]: 20 ms
from a request to its answer, with the relay moved; 50 ms of silence after which half a request is dropped.

A request for another unit, or with a wrong CRC, gets no answer. Not simulated: other functions than reading and writing
coils, broadcasts, the time that bytes take on the line.
"""

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

from harness.clock import MILLISECOND
from harness.errors import TestError, unknown_name
from harness.protocols.modbus_rtu import (
    OFF,
    ON,
    READ_COILS,
    WRITE_COIL,
    ModbusException,
    coil_bits,
    crc16,
    exception,
    framed,
    request_length,
)
from harness.simulation.instruments.scpi_instrument import GARBAGE, InstrumentFault
from harness.simulation.kernel import Kernel
from harness.simulation.plant import Relay
from harness.simulation.serial_line import SerialLine

RELAYS = range(1, 9)
UNIT = 1
ANSWER_TIME = 20 * MILLISECOND
MOST_READ, MOST_WRITTEN = 2000, 1968
"""Coils of one request: chapters 6.1 and 6.11."""
SILENCE = 50 * MILLISECOND


class ModbusRelayCard:
    """Eight relays; coil 0 is relay 1. One without a relay of the plant keeps its own state.

    Set `fault` to make it fail.
    """

    DEFECTS: ClassVar[Mapping[str, str]] = {
        "contacts weld": "leaves its contacts where they are, whatever it is told; its coils read back as told"
    }
    """Faults of the rig, for tests of what it proves of itself: name, and what each does."""
    identity = "Modbus RTU relay card"

    def __init__(self, kernel: Kernel, relays: Mapping[int, Relay]) -> None:
        """Wire relays 1 to 8 to the plant.

        Raises:
            ValueError: a relay that the card does not have.
        """
        if not relays.keys() <= set(RELAYS):
            raise ValueError(f"the card has relays 1 to 8, not {sorted(relays.keys() - set(RELAYS))}")
        self.line = SerialLine(kernel)
        self.line.on_receive = self._receive
        self.fault: InstrumentFault | None = None
        self.defects: set[str] = set()
        self._kernel = kernel
        self._relays = relays
        self._coils = [number in relays and relays[number].closed for number in RELAYS]
        self._begun = b""
        self._silence = kernel.timer(self._forget)

    def switch_defect_on(self, defect: str) -> None:
        """Give it a defect for good.

        Raises:
            TestError: there is no such defect; says which there are.
        """
        if defect not in self.DEFECTS:
            raise TestError(unknown_name("defect", defect, self.DEFECTS))
        self.defects.add(defect)

    def _forget(self) -> None:
        self._begun = b""

    def _receive(self, data: bytes) -> None:
        self._begun += data
        self._silence.start(SILENCE)
        while self._begun:
            length = request_length(self._begun)
            if length is None:
                length = len(self._begun)
            if not 0 < length <= len(self._begun):
                return
            request, self._begun = self._begun[:length], self._begun[length:]
            if self.fault is not InstrumentFault.SILENT and self._is_for_it(request):
                self._kernel.at(self._kernel.now + ANSWER_TIME, partial(self._answer, request))

    @staticmethod
    def _is_for_it(request: bytes) -> bool:
        return request[0] == UNIT and request[-2:] == crc16(request[:-2])

    def _answer(self, request: bytes) -> None:
        function, body = request[1], request[2:-2]
        try:
            answer = framed(UNIT, bytes((function,)) + self._carry_out(function, body))
        except _RefusedError as refused:
            answer = exception(UNIT, function, refused.reason)
        self.line.write(GARBAGE.encode() if self.fault is InstrumentFault.GARBAGE else answer)

    def _carry_out(self, function: int, body: bytes) -> bytes:
        first = int.from_bytes(body[:2], "big")
        value = int.from_bytes(body[2:4], "big")
        if function == READ_COILS:
            self._check(first, value, holds=1 <= value <= MOST_READ)
            bits = coil_bits(self._coils[first : first + value])
            return bytes((len(bits),)) + bits
        if function == WRITE_COIL:
            self._check(first, 1, holds=value in {ON, OFF})
            self._move(first, closed=value == ON)
            return body
        if request_length(bytes((UNIT, function, *body))) is None:
            raise _RefusedError(ModbusException.ILLEGAL_FUNCTION)
        self._check(first, value, holds=1 <= value <= MOST_WRITTEN and body[4] == (value + 7) // 8)
        states = int.from_bytes(body[5:], "little")
        for index in range(value):
            self._move(first + index, closed=bool(states >> index & 1))
        return body[:4]

    @staticmethod
    def _check(first: int, count: int, *, holds: bool) -> None:
        """Refuse a request first for its numbers, and then for its address: that is the order of the standard."""
        if not holds:
            raise _RefusedError(ModbusException.ILLEGAL_VALUE)
        if first + count > len(RELAYS):
            raise _RefusedError(ModbusException.ILLEGAL_ADDRESS)

    def _move(self, coil: int, *, closed: bool) -> None:
        self._coils[coil] = closed
        relay = self._relays.get(coil + 1)
        if relay and "contacts weld" not in self.defects:
            (relay.close if closed else relay.open)()


class _RefusedError(Exception):
    def __init__(self, reason: ModbusException) -> None:
        super().__init__(reason.name)
        self.reason = reason
