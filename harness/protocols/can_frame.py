"""Classic CAN frames: how long they are on the bus, who wins arbitration, and how to build one fast.

Source for layout, CRC and bit stuffing: ISO 11898-1:2015, 10.4 (data frame) and 10.5 (bit stuffing); the same in
the Bosch CAN specification 2.0, parts A and B, 3.1.
"""

from functools import lru_cache
from struct import Struct

import can

INTERFRAME_SPACE_BITS = 3
_UNSTUFFED_TAIL_BITS = 1 + 2 + 7 + INTERFRAME_SPACE_BITS  # CRC delimiter, acknowledgement, end of frame
_CRC_POLYNOMIAL = 0x4599
_CRC_MASK = 0x7FFF
_RUN_OF_EQUAL_BITS = 5


class _BaseFrame(can.Message):
    """A classic data frame of a simulated bus. What is the same for all of them stands in the class.

    It is made four times as fast as a `can.Message`, and what it shares cannot be changed by one who listens.
    """

    __slots__ = ()

    is_extended_id = False
    is_remote_frame = False
    is_error_frame = False
    channel = None
    is_fd = False
    is_rx = True
    bitrate_switch = False
    error_state_indicator = False


class _ExtendedFrame(_BaseFrame):
    __slots__ = ()

    is_extended_id = True


_new = object.__new__


def new_frame(identifier: int, data: bytes, extended: bool = False) -> can.Message:
    """Return a data frame that shares `data`; the bus that carries it sets its time stamp."""
    frame = _new(_ExtendedFrame if extended else _BaseFrame)
    frame.timestamp = 0.0
    frame.arbitration_id = identifier
    frame.data = data  # type: ignore[assignment]  # bytes: nobody may change them
    frame.dlc = len(data)
    return frame


def arbitration_key(identifier: int, extended: bool = False) -> int:
    """Return what orders frames on the bus: the lower key wins.

    A base frame wins over an extended frame whose first 11 identifier bits are the same, by its dominant IDE bit.
    """
    if not extended:
        return identifier << 19
    return (identifier >> 18) << 19 | 1 << 18 | identifier & 0x3FFFF


@lru_cache(maxsize=1 << 13)
def frame_bits(identifier: int, data: bytes, extended: bool = False) -> int:
    """Return the length of a data frame on the bus in bits, stuff bits and interframe space included."""
    base, crc, bits = _after_header(identifier, len(data), extended)
    if len(data) == 8:  # most frames: two bytes at a time
        for pair in _PAIRS(data):
            crc = _CRC_OF_PAIR[crc << 1 ^ pair]
            entry = _STUFF_OF_PAIR[base << 8 | pair] or _stuff_of_pair(base, pair)
            bits += entry >> 12
            base = entry & 0xFFF
    else:
        for byte in data:
            crc = crc << 8 & _CRC_MASK ^ _CRC_TABLE[crc >> 7 ^ byte]
            entry = _STUFF_TABLE[base + byte]
            bits += entry >> 12
            base = entry & 0xFFF
    entry = _STUFF_TABLE[base + (crc >> 7)]
    last = _STUFF_TABLE_OF_7_BITS[(entry & 0xFFF) + (crc & 0x7F)]
    return bits + 8 * len(data) + (entry >> 12) + (last >> 12) + 15 + _UNSTUFFED_TAIL_BITS


def _stuff_of_pair(base: int, pair: int) -> int:
    """Work out an entry of the table for two bytes, and keep it: most are never needed."""
    first = _STUFF_TABLE[base + (pair >> 8)]
    second = _STUFF_TABLE[(first & 0xFFF) + (pair & 0xFF)]
    entry = _STUFF_OF_PAIR[base << 8 | pair] = (first & ~0xFFF) + second
    return entry


def _stuff(state: int, bit: int) -> tuple[int, int]:
    """Return the state after one more bit and whether a stuff bit was added. State: run length * 2 + last bit."""
    run, last = divmod(state, 2)
    run = run + 1 if bit == last else 1
    if run == _RUN_OF_EQUAL_BITS:
        return 2 + (1 - bit), 1
    return run * 2 + bit, 0


def _stuff_table(width: int) -> list[int]:
    """Return, for each state * 256 + chunk of `width` bits, stuff bits added << 12 | next state * 256."""
    table = []
    for state in range(2 * _RUN_OF_EQUAL_BITS):
        for chunk in range(256):
            after, stuffed = state, 0
            for position in reversed(range(width)):
                after, added = _stuff(after, chunk >> position & 1)
                stuffed += added
            table.append(stuffed << 12 | after << 8)
    return table


def _crc_step(crc: int, bit: int) -> int:
    feedback = crc >> 14 ^ bit
    return (crc << 1 & _CRC_MASK) ^ (_CRC_POLYNOMIAL if feedback else 0)


def _crc_of_byte(byte: int) -> int:
    crc = 0
    for position in reversed(range(8)):
        crc = _crc_step(crc, byte >> position & 1)
    return crc


_CRC_TABLE = [_crc_of_byte(byte) for byte in range(256)]
_STUFF_TABLE = _stuff_table(8)
_STUFF_TABLE_OF_7_BITS = _stuff_table(7)
_PAIRS = Struct(">4H").unpack
_CRC_OF_PAIR = [
    (crc := _CRC_TABLE[pair >> 8]) << 8 & _CRC_MASK ^ _CRC_TABLE[crc >> 7 ^ pair & 0xFF] for pair in range(1 << 16)
]
_STUFF_OF_PAIR = [0] * (2 * _RUN_OF_EQUAL_BITS << 16)
"""Like `_STUFF_TABLE`, for two bytes; 0 where it has not been needed yet."""


@lru_cache(maxsize=4096)
def _after_header(identifier: int, length: int, extended: bool) -> tuple[int, int, int]:
    """Return stuffing state * 256, CRC and bits so far after the header (start of frame to length code)."""
    if extended:
        # Start of frame, 11 bits, SRR and IDE recessive, 18 bits, RTR, r1, r0, length
        header = (identifier >> 18) << 27 | 0b11 << 25 | (identifier & 0x3FFFF) << 7 | length
        width = 39
    else:
        # Start of frame, 11 bits, RTR, IDE, r0, length
        header = identifier << 7 | length
        width = 19
    state, crc, bits = 1, 0, width  # the bus was recessive before the start of frame
    for position in reversed(range(width)):
        bit = header >> position & 1
        crc = _crc_step(crc, bit)
        state, stuffed = _stuff(state, bit)
        bits += stuffed
    return state << 8, crc, bits
