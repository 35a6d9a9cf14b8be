"""Classic CAN frames: how long they are on the bus, who wins arbitration, and how to build one fast.

Source for layout, CRC and bit stuffing: ISO 11898-1:2015, 10.4 (data frame) and 10.5 (bit stuffing); the same in
the Bosch CAN specification 2.0, parts A and B, 3.1.
"""

from array import array
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


_MOST_PAYLOADS, _MOST_IDENTIFIERS = 64, 4096
_known: tuple[dict[int, dict[bytes, int]], dict[int, dict[bytes, int]]] = {}, {}
"""Lengths already worked out: of base and of extended frames, by identifier and data."""


def frame_bits(identifier: int, data: bytes, extended: bool = False) -> int:
    """Return the length of a data frame on the bus in bits, stuff bits and interframe space included."""
    of_identifier = _known[extended].get(identifier)
    if of_identifier is None:
        if len(_known[extended]) >= _MOST_IDENTIFIERS:
            _known[extended].clear()
        of_identifier = _known[extended][identifier] = {}
    bits = of_identifier.get(data)
    if bits is None:
        # Small enough to stay in the processor's cache where payloads never repeat.
        if len(of_identifier) >= _MOST_PAYLOADS:
            of_identifier.clear()
        bits = of_identifier[data] = _work_out_bits(identifier, data, extended)
    return bits


def _work_out_bits(identifier: int, data: bytes, extended: bool) -> int:
    length = len(data)
    state, crc, bits = _after_header(identifier, length, extended)
    for pair in _PAIRS[length](data):
        crc = _CRC_OF_PAIR[crc << 1 ^ pair]
        entry = _STUFF_OF_PAIR[state << 16 | pair]
        bits += entry >> 4
        state = entry & 15
    if length & 1:
        byte = data[-1]
        crc = crc << 8 & _CRC_MASK ^ _CRC_OF_BYTE[crc >> 7 ^ byte]
        entry = _STUFF_OF_BYTE[state << 8 | byte]
        bits += entry >> 4
        state = entry & 15
    entry = _STUFF_OF_BYTE[state << 8 | crc >> 7]
    last = _STUFF_OF_7_BITS[(entry & 15) << 7 | crc & 0x7F]
    return bits + 8 * length + (entry >> 4) + (last >> 4) + 15 + _UNSTUFFED_TAIL_BITS


def _stuff(state: int, bit: int) -> tuple[int, int]:
    """Return the state after one more bit and whether a stuff bit was added. State: run length * 2 + last bit."""
    run, last = divmod(state, 2)
    run = run + 1 if bit == last else 1
    if run == _RUN_OF_EQUAL_BITS:
        return 2 + (1 - bit), 1
    return run * 2 + bit, 0


def _stuff_table(width: int) -> bytes:
    """Return, for each state and chunk of `width` bits, stuff bits added << 4 | next state."""
    table = bytearray()
    for state in range(2 * _RUN_OF_EQUAL_BITS):
        for chunk in range(1 << width):
            after, stuffed = state, 0
            for position in reversed(range(width)):
                after, added = _stuff(after, chunk >> position & 1)
                stuffed += added
            table.append(stuffed << 4 | after)
    return bytes(table)


def _stuff_table_of_pairs(of_byte: bytes) -> bytes:
    """Return the table for two bytes: for each state and first byte, the second's row with what the first added."""
    rows = {
        first: bytes((first & 0xF0) + second for second in of_byte[(first & 15) << 8 : ((first & 15) + 1) << 8])
        for first in set(of_byte)
    }
    return b"".join(rows[first] for first in of_byte)


def _crc_step(crc: int, bit: int) -> int:
    feedback = crc >> 14 ^ bit
    return (crc << 1 & _CRC_MASK) ^ (_CRC_POLYNOMIAL if feedback else 0)


def _crc_of_byte(byte: int) -> int:
    crc = 0
    for position in reversed(range(8)):
        crc = _crc_step(crc, byte >> position & 1)
    return crc


# Two bytes at a time, in tables that stay in the processor's cache: payloads seldom repeat.
_CRC_OF_BYTE = array("H", [_crc_of_byte(byte) for byte in range(256)])
_CRC_OF_PAIR = array(
    "H",
    [
        (crc := _CRC_OF_BYTE[pair >> 8]) << 8 & _CRC_MASK ^ _CRC_OF_BYTE[crc >> 7 ^ pair & 0xFF]
        for pair in range(1 << 16)
    ],
)
_STUFF_OF_7_BITS = _stuff_table(7)
_STUFF_OF_BYTE = _stuff_table(8)
_STUFF_OF_PAIR = _stuff_table_of_pairs(_STUFF_OF_BYTE)
_PAIRS = [Struct(f">{length // 2}H{length % 2}x").unpack for length in range(9)]


@lru_cache(maxsize=4096)
def _after_header(identifier: int, length: int, extended: bool) -> tuple[int, int, int]:
    """Return stuffing state, CRC and bits so far after the header (start of frame to length code)."""
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
    return state, crc, bits
