"""Checksums of carmakers against values from outside."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.protocols.checksums import CHECKSUMS, saic_lka

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
