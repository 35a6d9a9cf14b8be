"""Lengths of CAN frames against a reference written bit by bit, and against published bounds.

Publications: Davis, Burns, Bril, Lukkien, "Controller Area Network (CAN) schedulability analysis: refuted, revisited
and revised", Real-Time Systems 35 (2007), equations 1 and 2: a frame of s bytes has at most g + 8 s + 13 +
floor((g + 8 s - 1) / 4) bits with interframe space, g being 34 for base and 54 for extended identifiers. For 8 bytes
that is 135 and 160; without stuff bits 111 and 131.
"""

import random

import can
import pytest

from harness.protocols import can_frame
from harness.protocols.can_frame import arbitration_key, frame_bits, new_frame

SEED = 20260102
HIGHEST = {False: 0x7FF, True: 0x1FFFFFFF}

# Exact extremes over all identifiers and all data of 8 bytes, the CRC that belongs to them included. They were found by
# dynamic programming over the bits of the frame with the state (CRC register, run of equal bits), which looks at every
# frame: none has more stuff bits than these.
EXTREMES = [
    (0x11D, "e316643166431664", False, 0),
    (0x1938648D, "4316643166431664", True, 0),
    (0x078, "01e1e1e1e1e1e00f", False, 22),
    (0x01FC3C3C, "01e1e1e1e1e1e1e1", True, 27),
]


def header(identifier: int, length: int, extended: bool) -> str:
    """Start of frame to length code. ISO 11898-1:2015, 10.4.2."""
    if extended:
        return f"0{identifier >> 18:011b}11{identifier & 0x3FFFF:018b}000{length:04b}"
    return f"0{identifier:011b}000{length:04b}"


def remainder(bits: str) -> str:
    """CRC sequence by long division. ISO 11898-1:2015, 10.4.2.6: x15 + x14 + x10 + x8 + x7 + x4 + x3 + 1."""
    divisor = int("1100010110011001", 2)
    dividend = int(bits, 2) << 15
    for position in range(len(bits) + 14, 14, -1):
        if dividend >> position & 1:
            dividend ^= divisor << position - 15
    return f"{dividend:015b}"


def stuffed(bits: str) -> str:
    """Put an opposite bit behind each five equal ones, its own included. ISO 11898-1:2015, 10.5."""
    sent = ""
    for bit in bits:
        sent += bit
        if sent.endswith(("00000", "11111")):
            sent += "1" if bit == "0" else "0"
    return sent


def on_the_bus(identifier: int, data: bytes, extended: bool) -> str:
    """A whole data frame, with acknowledgement, end of frame and interframe space."""
    covered = header(identifier, len(data), extended) + "".join(f"{byte:08b}" for byte in data)
    return stuffed(covered + remainder(covered)) + "1" + "01" + 7 * "1" + 3 * "1"


def random_frames(count: int) -> list[tuple[int, bytes, bool]]:
    """Frames of every length; half of the bytes are 00, FF, F0 and the like, which stuff most."""
    generator = random.Random(SEED)
    frames = []
    for _ in range(count):
        extended = generator.random() < 0.5
        length = generator.choice((0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8))
        extreme = bytes(generator.choice((0x00, 0xFF, 0xF0, 0x0F, 0x07, 0x83, 0xC1, 0x1F)) for _ in range(length))
        data = generator.choice((generator.randbytes(length), extreme))
        frames.append((generator.randrange(HIGHEST[extended] + 1), data, extended))
    return frames


def test_the_reference_has_the_published_crc() -> None:
    # reveng catalogue of CRC algorithms, CRC-15/CAN: check value of the ASCII text "123456789".
    assert int(remainder("".join(f"{byte:08b}" for byte in b"123456789")), 2) == 0x059E


def test_the_crc_has_the_published_check_value() -> None:
    crc = 0
    for byte in b"123456789":
        for position in reversed(range(8)):
            crc = can_frame._crc_step(crc, byte >> position & 1)
    assert crc == 0x059E


@pytest.mark.parametrize("count", [2_000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_lengths_are_those_of_the_reference(count: int) -> None:
    for identifier, data, extended in random_frames(count):
        expected = len(on_the_bus(identifier, data, extended))
        assert frame_bits(identifier, data, extended) == expected, (SEED, hex(identifier), data.hex(), extended)


def test_no_frame_is_longer_than_published() -> None:
    for identifier, data, extended in random_frames(20_000):
        stuffable = (54 if extended else 34) + 8 * len(data)
        assert stuffable + 13 <= frame_bits(identifier, data, extended) <= stuffable + 13 + (stuffable - 1) // 4


@pytest.mark.parametrize(("identifier", "data", "extended", "stuff_bits"), EXTREMES)
def test_extreme_frames(identifier: int, data: str, extended: bool, stuff_bits: int) -> None:
    plain = 131 if extended else 111
    payload = bytes.fromhex(data)
    assert len(on_the_bus(identifier, payload, extended)) == plain + stuff_bits
    assert frame_bits(identifier, payload, extended) == plain + stuff_bits


@pytest.mark.parametrize(("extended", "published", "reachable"), [(False, 24, 23), (True, 29, 28)])
def test_the_published_worst_case_is_more_than_any_frame_has(extended: bool, published: int, reachable: int) -> None:
    # The bound supposes that all bits are free. RTR, IDE, r0 (r1) and the length code 1000 are not: one stuff bit fewer
    # fits, were the CRC free. It is not, which costs one more: see the extremes, 133 and 158 bits.
    # States: run of equal bits; value: most stuff bits so far.
    head = header(0, 8, extended)
    is_free = [0 < place <= 11 or (extended and 14 <= place < 32) for place in range(len(head))]
    choices = ["01" if free else bit for bit, free in zip(head, is_free, strict=True)] + ["01"] * (64 + 15)
    most = {"1": 0}
    for choice in choices:
        after: dict[str, int] = {}
        for run, count in most.items():
            for bit in choice:
                longer = run + bit if run.endswith(bit) else bit
                now, added = ("1" if bit == "0" else "0", 1) if len(longer) == 5 else (longer, 0)
                after[now] = max(after.get(now, 0), count + added)
        most = after
    assert (len(choices) - 1) // 4 == published
    assert max(most.values()) == reachable


def test_frames_arbitrate_bit_by_bit() -> None:
    generator = random.Random(SEED)
    frames = [(generator.randrange(HIGHEST[extended] + 1), extended) for extended in (False, True) * 300]
    frames += [(identifier << 18, True) for identifier, extended in frames if not extended]

    def bits(frame: tuple[int, bool]) -> str:
        """Start of frame to IDE of a base frame (RTR and IDE dominant), to RTR of an extended one."""
        identifier, extended = frame
        return header(identifier, 0, extended)[: 33 if extended else 14]

    by_key = sorted(set(frames), key=lambda frame: arbitration_key(*frame))
    assert by_key == sorted(set(frames), key=bits)


def test_a_base_frame_wins_over_an_extended_one_of_the_same_prefix() -> None:
    assert arbitration_key(0x123) < arbitration_key(0x123 << 18, extended=True) < arbitration_key(0x124)


def test_a_new_frame_is_the_same_as_python_cans_own() -> None:
    for extended in (False, True):
        frame = new_frame(0x123, b"\x01\x02\x03", extended)
        same = can.Message(arbitration_id=0x123, data=b"\x01\x02\x03", is_extended_id=extended)
        assert frame.equals(same)
        assert {name: getattr(frame, name) for name in same.__slots__} == {
            name: getattr(same, name) for name in same.__slots__
        }
        assert str(frame) == str(same)
