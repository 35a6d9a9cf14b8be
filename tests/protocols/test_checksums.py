"""Checksums of carmakers against values from outside."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.protocols.checksums import CHECKSUMS, crc8h2f, e2e_profile_2, saic_lka

FACTS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vehicles/saic_facts.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("vector", FACTS["lka_vectors"], ids=str)
def test_saics_lane_keeping_request(vector: list[int]) -> None:
    torque, status, invalid, counter, protection = vector
    raw = {
        "LKAReqToqHSC2": torque + 1024,  # offset of the signal: -1024
        "LKAReqToqStsHSC2": status,
        "LKAReqToqVHSC2": invalid,
        "LKAAlvRCHSC2": counter,
    }
    assert saic_lka(raw) == protection
    assert CHECKSUMS["saic-lka"] is saic_lka


def test_it_fits_into_its_14_bits_and_covers_each_bit() -> None:
    rest = {"LKAReqToqHSC2": 1024, "LKAReqToqStsHSC2": 0, "LKAReqToqVHSC2": 0, "LKAAlvRCHSC2": 0}
    lengths = {"LKAReqToqHSC2": 11, "LKAReqToqStsHSC2": 2, "LKAReqToqVHSC2": 1, "LKAAlvRCHSC2": 4}
    for name, length in lengths.items():
        values = {saic_lka({**rest, name: value}) for value in range(1 << length)}
        assert len(values) == 1 << length, name
        assert all(0 <= value < 1 << 14 for value in values)


# Values of AUTOSAR's Specification of CRC Routines, as in the tests of zariiii9003/autosar-e2e and torsko/crc.
CRC8H2F = {
    "00000000": 0x12,
    "F20183": 0xC2,
    "0FAA0055": 0xC6,
    "00FF5511": 0x77,
    "332255AABBCCDDEEFF": 0x11,
    "926B55": 0x33,
    "FFFFFFFF": 0x6C,
    "313233343536373839": 0xDF,
}


@pytest.mark.parametrize(("data", "crc"), CRC8H2F.items())
def test_crc8h2f_has_autosars_check_values(data: str, crc: int) -> None:
    assert crc8h2f(bytes.fromhex(data)) == crc


@pytest.mark.parametrize(
    ("data", "data_ids"),
    [
        ("45 01 00 00 00 00 00 00", bytes(16)),
        ("BC 02 02 03 04 05 06 07", bytes(range(16))),
        ("61 01 02 03 04 05 06 07", bytes(range(16))),
    ],
)
def test_e2e_profile_2_has_the_values_of_autosar_e2e(data: str, data_ids: bytes) -> None:
    """Frames that the library autosar-e2e has protected, with its lists of data IDs."""
    frame = bytes.fromhex(data)
    counter = frame[1] & 0xF
    assert e2e_profile_2({}, b"\0" + frame[1:], data_ids[counter]) == frame[0]
    assert CHECKSUMS["e2e-p02"] is e2e_profile_2


def test_e2e_profile_2_does_not_look_at_the_checksum_itself() -> None:
    assert e2e_profile_2({}, b"\x00\x01\x02", 3) == e2e_profile_2({}, b"\xff\x01\x02", 3)
    assert e2e_profile_2({}, b"\x00\x01\x02", 3) != e2e_profile_2({}, b"\x00\x01\x02", 4)
