"""Lengths of CAN FD frames against a reference written bit by bit, and against published figures.

Linux, include/linux/can/length.h (6.5): header of 22 bits (base) and 41 (extended), CRC field of 28 bits up to 16
bytes and 33 above, 9 bits behind it, 3 of intermission; at most floor((header + data - 1) / 4) dynamic stuff bits.

Bordoloi, Samii, "The frame packing problem for CAN-FD", RTSS 2014: a base frame of p bytes lasts at most 32 bits at
the nominal rate and 28 + 5 ceil((p - 16) / 64) + 10 p at the data rate [K]. Hartwich, "CAN with flexible data-rate",
iCC 2012, figure 6: at most 673 bits at the data rate for 64 bytes [B]. Both are older than ISO 11898-1:2015, which
added the stuff count (4 bits) and with it a fixed stuff bit: 5 bits more in either.
"""

import random

import can
import pytest

from harness.protocols.can_fd_frame import LENGTHS, fd_frame_bits, new_fd_frame, padded
from harness.protocols.can_frame import arbitration_key

SEED = 20260106
HIGHEST = {False: 0x7FF, True: 0x1FFFFFFF}
ISO_EXTRA = 5
WORST = b"\x87"
"""1000 0111: behind the length code 1111 of 64 bytes each run ends with a stuff bit that begins the next."""
STUFFLESS = {False: 0x2AA, True: 0x15555555}


def on_the_bus(identifier: int, data: bytes, *, extended: bool, switch: bool) -> tuple[str, str, str]:
    """A whole frame: up to BRS, from ESI to CRC delimiter, the rest. The CRC is left 0: it moves no bit."""
    code = {12: 9, 16: 10, 20: 11, 24: 12, 32: 13, 48: 14, 64: 15}.get(len(data), len(data))
    name = f"{identifier >> 18:011b}11{identifier & 0x3FFFF:018b}0" if extended else f"{identifier:011b}00"
    brs = "1" if switch else "0"
    stuffable = ["0" + name + "10" + brs, f"0{code:04b}" + "".join(f"{byte:08b}" for byte in data)]
    sent, parts = "", []
    for part, bits in enumerate(stuffable):
        for place, bit in enumerate(bits):
            sent += bit
            is_last = part == 1 and place == len(bits) - 1
            if sent.endswith(("00000", "11111")) and not is_last:  # there the fixed stuff bit does
                sent += "1" if bit == "0" else "0"
        parts.append(sent)
    field = "0000" + (17 if len(data) <= 16 else 21) * "0"
    for place, bit in enumerate(field):
        if place % 4 == 0:
            sent += "1" if sent[-1] == "0" else "0"
        sent += bit
    sent += "1"
    return parts[0], sent[len(parts[0]) :], "01" + 7 * "1" + 3 * "1"


def reference(identifier: int, data: bytes, extended: bool, switch: bool) -> tuple[int, int]:
    before, middle, after = map(len, on_the_bus(identifier, data, extended=extended, switch=switch))
    return (before + after, middle) if switch else (before + middle + after, 0)


def random_frames(count: int) -> list[tuple[int, bytes, bool, bool]]:
    """Frames of every length; half of the bytes are 00, FF, F0 and the like, which stuff most."""
    generator = random.Random(SEED)
    frames = []
    for _ in range(count):
        extended = generator.random() < 0.5
        length = generator.choice(LENGTHS)
        extreme = bytes(generator.choice((0x00, 0xFF, 0xF0, 0x0F, 0x07, 0x83, 0xE0, 0x1F)) for _ in range(length))
        data = generator.choice((generator.randbytes(length), extreme))
        identifier = generator.choice((generator.randrange(HIGHEST[extended] + 1), 0, HIGHEST[extended]))
        frames.append((identifier, data, extended, generator.random() < 0.5))
    return frames


@pytest.mark.parametrize("count", [2_000, pytest.param(50_000, marks=pytest.mark.soak)])
def test_lengths_are_those_of_the_reference(count: int) -> None:
    replaced = 0
    for frame in random_frames(count):
        assert fd_frame_bits(*frame) == reference(*frame), (SEED, frame)
        replaced += frame[1].endswith((b"\x00", b"\xff", b"\xe0", b"\x1f"))
    assert replaced > count // 10, "hardly a frame whose last bit could have been stuffed"


@pytest.mark.parametrize("extended", [False, True])
def test_every_identifier_and_no_data(extended: bool) -> None:
    generator = random.Random(SEED)
    identifiers = [generator.randrange(1 << 29) for _ in range(2_000)] if extended else range(0x800)
    for identifier in identifiers:
        for switch in (False, True):
            assert fd_frame_bits(identifier, b"", extended, switch) == reference(identifier, b"", extended, switch)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("extended", [False, True])
def test_without_stuff_bits_a_frame_has_the_sizes_that_linux_knows(extended: bool, length: int) -> None:
    linux = (41 if extended else 22) + 8 * length + (28 if length <= 16 else 33) + 9 + 3
    nominal, data = fd_frame_bits(STUFFLESS[extended], b"\x55" * length, extended, bitrate_switch=True)
    assert nominal + data == linux
    assert nominal == (41 if extended else 22) - 5 + 9 + 3, "ESI and the length code go at the data bit rate"


def test_no_frame_is_longer_than_linux_bound() -> None:
    for identifier, data, extended, switch in random_frames(10_000):
        stuffable = (41 if extended else 22) + 8 * len(data)
        most = stuffable + (stuffable - 1) // 4 + (28 if len(data) <= 16 else 33) + 12
        assert sum(fd_frame_bits(identifier, data, extended, switch)) <= most


def test_the_longest_base_identifier_is_the_published_one() -> None:
    assert max(fd_frame_bits(identifier, b"")[0] for identifier in range(0x800)) == 32


@pytest.mark.parametrize("length", LENGTHS)
def test_no_data_are_longer_than_published(length: int) -> None:
    published = 28 + (5 if length > 16 else 0) + 10 * length + ISO_EXTRA
    generator = random.Random(SEED)
    for _ in range(300):
        data = bytes(generator.choice((0x87, 0x78, 0xC3, 0x3C, 0x1E, 0xE1, 0x0F, 0xF0)) for _ in range(length))
        assert fd_frame_bits(0x555, data)[1] <= published


def test_the_longest_frame_reaches_what_is_published() -> None:
    _, data = fd_frame_bits(0x555, WORST * 64)
    assert data == 673 + ISO_EXTRA == 28 + 5 + 10 * 64 + ISO_EXTRA


def test_the_longest_and_the_shortest_frame_of_64_bytes() -> None:
    # By hand. 0x078: 0 0000 (1) 1111 (0) 000 0 (1) 0: three stuff bits in 17; 12 behind the data.
    assert fd_frame_bits(0x078, WORST * 64) == (17 + 3 + 12, 5 + 512 + 128 + 33)
    assert fd_frame_bits(0x2AA, b"\x55" * 64) == (17 + 12, 5 + 512 + 33)


def test_a_stuff_bit_behind_the_last_bit_is_the_fixed_one() -> None:
    # ISO 11898-1:2015, 10.5: "there shall be only the fixed stuff bit, there shall not be two consecutive stuff bits".
    # Behind a recessive BRS come ESI and the length code of no data: five dominant bits, and the CRC field.
    assert fd_frame_bits(0x2AA, b"") == (29, 5 + 28)
    assert fd_frame_bits(0x2AA, b"\xe0") == (29, 5 + 8 + 28)
    assert fd_frame_bits(0x2AA, b"\xc1") == (29, 5 + 8 + 1 + 28), "one bit earlier both are there"


def test_dynamic_stuffing_goes_on_without_a_bit_rate_switch() -> None:
    # res, BRS, ESI and the first two bits of the length code 0001 are five dominant bits: a stuff bit more.
    assert fd_frame_bits(0x2AA, b"\x55", bitrate_switch=False) == (29 + 5 + 1 + 8 + 28, 0)


# Frames


def test_a_new_frame_is_the_same_as_python_cans_own() -> None:
    for extended in (False, True):
        for switch in (False, True):
            frame = new_fd_frame(0x123, bytes(range(12)), extended, bitrate_switch=switch)
            same = can.Message(
                arbitration_id=0x123,
                data=bytes(range(12)),
                is_extended_id=extended,
                is_fd=True,
                bitrate_switch=switch,
                check=True,
            )
            assert frame.equals(same)
            assert {name: getattr(frame, name) for name in same.__slots__} == {
                name: getattr(same, name) for name in same.__slots__
            }
            assert str(frame) == str(same)


@pytest.mark.parametrize("length", range(65))
def test_data_are_padded_as_python_can_rounds_their_length(length: int) -> None:
    rounded = can.util.dlc2len(can.util.len2dlc(length))
    data = b"\xff" * length
    frame = new_fd_frame(0x123, data)
    assert (bytes(frame.data), frame.dlc) == (data + bytes(rounded - length), rounded)
    assert fd_frame_bits(0x123, data) == fd_frame_bits(0x123, padded(data))


def test_more_than_64_bytes_are_refused() -> None:
    for build in (new_fd_frame, fd_frame_bits):
        with pytest.raises(ValueError, match="65 bytes; a CAN FD frame carries 64"):
            build(0x123, bytes(65))


def test_classic_and_fd_frames_arbitrate_bit_by_bit() -> None:
    generator = random.Random(SEED)
    frames = [
        (generator.randrange(HIGHEST[extended] + 1), extended, fd)
        for extended in (False, True)
        for fd in (False, True)
        for _ in range(100)
    ]
    frames += [(identifier, extended, not fd) for identifier, extended, fd in frames]
    frames += [(identifier << 18, True, fd) for identifier, extended, fd in frames if not extended]

    def bits(frame: tuple[int, bool, bool]) -> str:
        """Start of frame to FDF, which in a classic frame is dominant (r0 of a base frame, r1 of an extended one)."""
        identifier, extended, fd = frame
        name = f"{identifier >> 18:011b}11{identifier & 0x3FFFF:018b}0" if extended else f"{identifier:011b}00"
        return f"0{name}{fd:b}"

    by_key = sorted(set(frames), key=lambda frame: arbitration_key(*frame))
    assert by_key == sorted(set(frames), key=bits)
