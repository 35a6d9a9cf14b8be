"""Frames of Modbus over a serial line, as a device sees them: requests for coils, answers, exceptions.

Sources: Modbus application protocol 1.1b3, chapters 6.1 (read coils), 6.5 (write single coil), 6.11 (write multiple
coils) and 7 (exceptions); Modbus over serial line 1.02, chapter 2.5.1 and appendix B (RTU framing, CRC) [K].
"""

from enum import IntEnum

READ_COILS = 1
WRITE_COIL = 5
WRITE_COILS = 15
ON, OFF = 0xFF00, 0x0000
_EXCEPTION = 0x80
_FIXED = 8
"""Bytes of a request without data."""


class ModbusException(IntEnum):
    """Why a device does not do what it is asked."""

    ILLEGAL_FUNCTION = 1
    ILLEGAL_ADDRESS = 2
    ILLEGAL_VALUE = 3


def crc16(data: bytes) -> bytes:
    """Return the CRC of a frame, low byte first: polynomial 0x8005 reflected, from 0xFFFF."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xA001 if crc & 1 else 0)
    return crc.to_bytes(2, "little")


def framed(unit: int, body: bytes) -> bytes:
    """Return the frame of a function code and what follows it."""
    frame = bytes((unit,)) + body
    return frame + crc16(frame)


def exception(unit: int, function: int, reason: ModbusException) -> bytes:
    """Return the frame that refuses a request."""
    return framed(unit, bytes((function | _EXCEPTION, reason)))


def request_length(begun: bytes) -> int | None:
    """Return how long a request is that begins so, 0 if that cannot be said yet; None for an unknown function."""
    if len(begun) < 2:
        return 0
    if begun[1] in {READ_COILS, WRITE_COIL}:
        return _FIXED
    if begun[1] != WRITE_COILS:
        return None
    return _FIXED + 1 + begun[6] if len(begun) > 6 else 0


def coil_bits(states: list[bool]) -> bytes:
    """Return coils as answers carry them: the first one in the lowest bit of the first byte."""
    packed = sum(1 << index for index, state in enumerate(states) if state)
    return packed.to_bytes((len(states) + 7) // 8, "little")
