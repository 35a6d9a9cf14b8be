"""CAN FD frames: how long they are on the bus, and how to build one fast.

Source for the layout: ISO 11898-1:2015, 10.4.2 (data frame) and 10.5 (stuffing), by way of Linux'
`include/linux/can/length.h` and of the commit that corrected it ("can: length: fix bitstuffing count"), which cites
the clauses [B].
"""

from functools import lru_cache

import can

from harness.protocols.can_frame import STUFF, STUFF_STATE, BaseFrame, stuff

LENGTHS = (*range(9), 12, 16, 20, 24, 32, 48, 64)
"""Bytes that a frame can carry, by length code."""
_CODES = {length: code for code, length in enumerate(LENGTHS)}
_LONGEST_WITH_CRC_17 = 16
_CRC_17_FIELD_BITS = 4 + 17 + 6 + 1  # stuff count with parity, CRC, fixed stuff bits, delimiter
_CRC_21_FIELD_BITS = 4 + 21 + 7 + 1
_TAIL_BITS = 1 + 1 + 7 + 3  # acknowledge slot and delimiter, end of frame, interframe space

_KINDS: dict[tuple[bool, bool], type[BaseFrame]] = {
    (extended, bitrate_switch): type(
        "FdFrame",
        (BaseFrame,),
        {"__slots__": (), "is_fd": True, "is_extended_id": extended, "bitrate_switch": bitrate_switch},
    )
    for extended in (False, True)
    for bitrate_switch in (False, True)
}
_new = object.__new__


def new_fd_frame(
    identifier: int,
    data: bytes,
    extended: bool = False,
    bits: tuple[int, int] | None = None,
    bitrate_switch: bool = True,
) -> can.Message:
    """Return an FD frame that shares `data`; the bus that carries it sets its time stamp.

    Args:
        identifier: of 11 bits, or 29.
        data: what it carries; padded where no frame has its length.
        extended: whether the identifier has 29 bits.
        bits: its length on the bus as `fd_frame_bits` has it, where that is known; else it is worked out.
        bitrate_switch: whether its data go at the data bit rate of the bus.

    Raises:
        ValueError: more than 64 bytes.
    """
    if len(data) not in _CODES:
        data = padded(data)
    frame = _new(_KINDS[extended, bitrate_switch])
    frame.bits = bits or fd_frame_bits(identifier, data, extended, bitrate_switch)
    frame.timestamp = 0.0
    frame.arbitration_id = identifier
    frame.data = data  # type: ignore[assignment]  # bytes: nobody may change them
    frame.dlc = len(data)
    return frame


def padded(data: bytes | bytearray) -> bytes:
    """Return data filled up with zeros [P] to the next length that a frame can have.

    Raises:
        ValueError: more than 64 bytes.
    """
    for length in LENGTHS:
        if length >= len(data):
            return bytes(data).ljust(length, b"\0")
    raise ValueError(f"{len(data)} bytes; a CAN FD frame carries {LENGTHS[-1]}")


def fd_frame_bits(
    identifier: int, data: bytes | bytearray, extended: bool = False, bitrate_switch: bool = True
) -> tuple[int, int]:
    """Return how many bits of an FD frame go at the nominal bit rate and how many at the data bit rate.

    Stuff bits and interframe space are counted; ESI is dominant, as an error active node sends it. The BRS bit counts
    as nominal and the CRC delimiter as a bit of the data. In truth the rate changes at the sample point of either bit;
    but what the one is shorter the other is longer, and both together last one nominal bit and one data bit wherever
    the sample points are [B]. So the end of the frame is exact; the instants between the two bits are early or late by
    less than a nominal bit.

    Raises:
        ValueError: more than 64 bytes.
    """
    if len(data) not in _CODES:
        data = padded(data)
    nominal = _bits_outside_data(identifier, extended)
    state, bits = _BODY[bitrate_switch, len(data)]
    for byte in data:
        bits += (state := STUFF[state & STUFF_STATE | byte]) >> 16
    last = data[-1] & 1 if data else 0
    if state >> 8 & 1 != last:
        bits -= 1  # a stuff bit behind the very last bit: the fixed one takes its place (ISO 11898-1:2015, 10.5)
    return (nominal, bits) if bitrate_switch else (nominal + bits, 0)


@lru_cache(maxsize=4096)
def _bits_outside_data(identifier: int, extended: bool) -> int:
    """Return the bits from the start of frame to BRS, stuff bits included, and those behind the CRC delimiter."""
    if extended:
        # Start of frame, 11 bits, SRR and IDE recessive, 18 bits, RRS dominant; FDF recessive, res dominant, BRS
        header = (identifier >> 18) << 24 | 0b11 << 22 | (identifier & 0x3FFFF) << 4 | 0b0101
        width = 36
    else:
        # Start of frame, 11 bits, RRS and IDE dominant; FDF recessive, res dominant, BRS
        header = identifier << 5 | 0b00101
        width = 17
    # BRS is always the second or third bit of a run: whether it is dominant or recessive, it is not stuffed.
    state, bits = 1, width + _TAIL_BITS  # the bus was recessive before the start of frame
    for position in reversed(range(width)):
        state, stuffed = stuff(state, header >> position & 1)
        bits += stuffed
    return bits


def _body(bitrate_switch: bool, length: int) -> tuple[int, int]:
    """Return where ESI and the length code leave a frame: stuffing state << 8, and bits from ESI to CRC delimiter.

    Behind res, which is dominant and follows the recessive FDF, every frame is in the same state.
    """
    crc_field = _CRC_17_FIELD_BITS if length <= _LONGEST_WITH_CRC_17 else _CRC_21_FIELD_BITS
    state, bits = 2, 5 + 8 * length + crc_field
    for bit in (bitrate_switch, 0, *map(int, f"{_CODES[length]:04b}")):
        state, stuffed = stuff(state, bit)
        bits += stuffed
    return state << 8, bits


_BODY = {(switch, length): _body(switch, length) for switch in (False, True) for length in LENGTHS}
