"""Classic CAN frames: how long they are on the bus, and how to build one fast; who wins arbitration, FD or not.

Source for layout, CRC and bit stuffing: ISO 11898-1:2015, 10.4 (data frame) and 10.5 (bit stuffing); the same in
the Bosch CAN specification 2.0, parts A and B, 3.1.
"""

from functools import lru_cache

import can

INTERFRAME_SPACE_BITS = 3
_UNSTUFFED_TAIL_BITS = 1 + 2 + 7 + INTERFRAME_SPACE_BITS  # CRC delimiter, acknowledgement, end of frame
_CRC_POLYNOMIAL = 0x4599
_CRC_MASK = 0x7FFF
_CRC_BITS = 15
_RUN_OF_EQUAL_BITS = 5


class BaseFrame(can.Message):
    """A data frame of a simulated bus. What is the same for all of a kind stands in the class.

    It is made four times as fast as a `can.Message`, and what it shares cannot be changed by one who listens.
    """

    __slots__ = ("bits",)

    bits: int | tuple[int, int]
    """Its length on the bus, where that is known; of an FD frame, the bits at either rate."""
    is_extended_id = False
    is_remote_frame = False
    is_error_frame = False
    channel = None
    is_fd = False
    is_rx = True
    bitrate_switch = False
    error_state_indicator = False


class _ExtendedFrame(BaseFrame):
    __slots__ = ()

    is_extended_id = True


class _SentBaseFrame(BaseFrame):
    __slots__ = ()

    is_rx = False


class _SentExtendedFrame(_ExtendedFrame):
    __slots__ = ()

    is_rx = False


_new = object.__new__


def new_frame(identifier: int, data: bytes, extended: bool = False, bits: int = 0) -> can.Message:
    """Return a data frame that shares `data`; the bus that carries it sets its time stamp.

    Args:
        identifier: of 11 bits, or 29.
        data: what it carries.
        extended: whether the identifier has 29 bits.
        bits: its length on the bus as `frame_bits` has it, where that is known; else the bus works it out.
    """
    frame = _new(_ExtendedFrame if extended else BaseFrame)
    frame.bits = bits
    frame.timestamp = 0.0
    frame.arbitration_id = identifier
    frame.data = data  # type: ignore[assignment]  # bytes: nobody may change them
    frame.dlc = len(data)
    return frame


def sent_frame(frame: can.Message) -> can.Message:
    """Return a data frame as the one who sends it sees it on a simulated bus: `is_rx` is False."""
    sent = _new(_SentExtendedFrame if frame.is_extended_id else _SentBaseFrame)
    sent.bits = 0
    sent.timestamp = 0.0
    sent.arbitration_id = frame.arbitration_id
    sent.data = bytes(frame.data)  # type: ignore[assignment]  # as in all frames of a simulated bus
    sent.dlc = len(frame.data)
    return sent


def arbitration_key(identifier: int, extended: bool = False, fd: bool = False) -> int:
    """Return what orders frames on the bus: the lower key wins. Its lowest bit is the FDF bit.

    A base frame wins over an extended frame whose first 11 identifier bits are the same, by its dominant IDE bit. A
    classic frame goes before an FD frame of the same identifier: FDF, recessive in the latter, is the first bit in
    which they differ (RRS of an FD frame is dominant, as RTR of a data frame). A bus on which two nodes send the same
    identifier is at fault: there the FD node would see a bit error, for FDF is behind the arbitration field.
    """
    if not extended:
        return identifier << 20 | fd
    return (identifier >> 18) << 20 | 1 << 19 | (identifier & 0x3FFFF) << 1 | fd


def frame_bits(identifier: int, data: bytes | bytearray, extended: bool = False) -> int:
    """Return the length of a data frame on the bus in bits, stuff bits and interframe space included."""
    state, crc, bits = _after_header(identifier, len(data), extended)
    if len(data) == 8:  # nearly all frames; the loop below takes half as long again
        a, b, c, d, e, f, g, h = data
        crc ^= _CRC_A[a] ^ _CRC_B[b] ^ _CRC_C[c] ^ _CRC_D[d] ^ _CRC_E[e] ^ _CRC_F[f] ^ _CRC_G[g] ^ _CRC_H[h]
        total = state = STUFF[state | a]
        total += (state := STUFF[state & STUFF_STATE | b])
        total += (state := STUFF[state & STUFF_STATE | c])
        total += (state := STUFF[state & STUFF_STATE | d])
        total += (state := STUFF[state & STUFF_STATE | e])
        total += (state := STUFF[state & STUFF_STATE | f])
        total += (state := STUFF[state & STUFF_STATE | g])
        total += (state := STUFF[state & STUFF_STATE | h])
    else:
        total = 0
        for byte, table in zip(data, _CRC_BY_PLACE[8 - len(data) :], strict=True):
            crc ^= table[byte]
            total += (state := STUFF[state & STUFF_STATE | byte])
    total += (state := STUFF[state & STUFF_STATE | crc >> 7])
    total += _STUFF_OF_7_BITS[(state & STUFF_STATE) >> 1 | crc & 0x7F]
    return bits + (total >> 16)


def stuff(state: int, bit: int) -> tuple[int, int]:
    """Return the state after one more bit and whether a stuff bit was added. State: run length * 2 + last bit."""
    run, last = divmod(state, 2)
    run = run + 1 if bit == last else 1
    if run == _RUN_OF_EQUAL_BITS:
        return 2 + (1 - bit), 1
    return run * 2 + bit, 0


def _stuff_table(width: int) -> list[int]:
    """Return, for each state and chunk of `width` bits, stuff bits added << 16 | next state << 8.

    Entries can be summed up: the states of all the bytes of a frame do not reach the sixteenth bit.
    """
    table = []
    for state in range(2 * _RUN_OF_EQUAL_BITS):
        for chunk in range(1 << width):
            after, stuffed = state, 0
            for position in reversed(range(width)):
                after, added = stuff(after, chunk >> position & 1)
                stuffed += added
            table.append(stuffed << 16 | after << 8)
    return table


def _crc_step(crc: int, bit: int) -> int:
    feedback = crc >> 14 ^ bit
    return (crc << 1 & _CRC_MASK) ^ (_CRC_POLYNOMIAL if feedback else 0)


def _crc_table(zeros: int) -> list[int]:
    """Return, for each byte, the CRC of it and of `zeros` bytes of zero behind it."""
    table = []
    for byte in range(256):
        crc = 0
        for position in reversed(range(8 + 8 * zeros)):
            crc = _crc_step(crc, byte >> position - 8 * zeros & 1 if position >= 8 * zeros else 0)
        table.append(crc)
    return table


# The CRC is linear: what each byte adds to it depends on its place alone.
_CRC_BY_PLACE = [_crc_table(7 - place) for place in range(8)]
_CRC_A, _CRC_B, _CRC_C, _CRC_D, _CRC_E, _CRC_F, _CRC_G, _CRC_H = _CRC_BY_PLACE
STUFF = _stuff_table(8)
_STUFF_OF_7_BITS = _stuff_table(7)
STUFF_STATE = 0xF00


@lru_cache(maxsize=4096)
def _after_header(identifier: int, length: int, extended: bool) -> tuple[int, int, int]:
    """Return where the header (start of frame to length code) leaves a frame whose data is all zero.

    That is: stuffing state << 8, the CRC behind the data, and the bits of the frame without those stuffed later.
    """
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
        state, stuffed = stuff(state, bit)
        bits += stuffed
    for _ in range(8 * length):
        crc = _crc_step(crc, 0)
    return state << 8, crc, bits + 8 * length + _CRC_BITS + _UNSTUFFED_TAIL_BITS
