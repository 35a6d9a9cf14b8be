"""The chassis database agrees with SAIC's own bus, bit for bit."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cantools
import pytest
from cantools.database.can import Database

_ROOT = Path(__file__).parents[2]
_FACTS: dict[str, Any] = json.loads(Path(__file__).with_name("saic_facts.json").read_text(encoding="utf-8"))
_MESSAGES: dict[str, Any] = _FACTS["messages"]
_SYNTHETIC = {"BCM_PowerMode", "HU_Status"}
_ORIGINAL = _ROOT / "../shared/data/dbc/mg.dbc"
_SEED = 1

_needs_original = pytest.mark.skipif(not _ORIGINAL.exists(), reason="SAIC's database is not at hand")


class _Signal(NamedTuple):
    """The columns of `saic_facts.json`."""

    start: int
    length: int
    byte_order: str
    signed: bool
    scale: float
    offset: float
    minimum: float
    maximum: float
    unit: str

    def read(self, payload: bytes) -> float:
        """Read the signal bit by bit, as a DBC file defines it: from the start bit, the highest, downwards."""
        assert (self.byte_order, self.signed) == ("big", False)
        byte, bit = divmod(self.start, 8)
        raw = 0
        for _ in range(self.length):
            raw = raw << 1 | payload[byte] >> bit & 1
            byte, bit = (byte, bit - 1) if bit else (byte + 1, 7)
        return raw * self.scale + self.offset


def _load(path: Path) -> Database:
    database = cantools.database.load_file(path, strict=True)
    assert isinstance(database, Database)
    return database


def _payloads(message: str, count: int = 200) -> Iterator[bytes]:
    generator = random.Random(f"{_SEED} {message}")
    length = _MESSAGES[message]["length"]
    yield bytes(length)
    yield b"\xff" * length
    for _ in range(count):
        yield generator.randbytes(length)


def _facts_of(database: Database) -> dict[str, Any]:
    return {
        message.name: {
            "identifier": message.frame_id,
            "length": message.length,
            "sender": message.senders[0],
            "signals": {
                signal.name: [
                    signal.start,
                    signal.length,
                    signal.byte_order.removesuffix("_endian"),
                    signal.is_signed,
                    signal.scale,
                    signal.offset,
                    signal.minimum,
                    signal.maximum,
                    signal.unit or "",
                ]
                for signal in message.signals
            },
        }
        for message in database.messages
    }


@pytest.fixture(scope="module")
def database() -> Database:
    return _load(_ROOT / "rigs/vehicles/roewe-rx5/chassis.dbc")


def test_has_saics_messages_and_our_own(database: Database) -> None:
    assert len(_MESSAGES) == 18
    assert {message.name for message in database.messages} == set(_MESSAGES) | _SYNTHETIC


def test_what_is_ours_says_so(database: Database) -> None:
    ours = [message for message in database.messages if message.name in _SYNTHETIC]
    assert all("synthetic" in (message.comment or "") for message in ours)
    nodes = {node.name: node.comment or "" for node in database.nodes}
    assert {name for name, comment in nodes.items() if "synthetic" in comment} == {"BCM", "HU"}
    assert {message.senders[0] for message in ours} == {"BCM", "HU"}


def test_each_fact_of_saics_messages_is_the_same(database: Database) -> None:
    facts = _facts_of(database)
    assert {name: facts[name] for name in _MESSAGES} == _MESSAGES


@pytest.mark.parametrize("name", _MESSAGES)
def test_payloads_decode_as_an_independent_reader_reads_them(database: Database, name: str) -> None:
    signals = {signal: _Signal(*columns) for signal, columns in _MESSAGES[name]["signals"].items()}
    for payload in _payloads(name):
        decoded = database.decode_message(name, payload, decode_choices=False)
        assert decoded == pytest.approx({key: signal.read(payload) for key, signal in signals.items()}, rel=1e-12)


@pytest.mark.parametrize("vector", _FACTS["lka_vectors"], ids=str)
def test_lane_keeping_frames_carry_saics_protection_value(database: Database, vector: list[int]) -> None:
    torque, status, invalid, counter, protection = vector
    message = database.get_message_by_name("FVCM_HSC2_FrP03")
    values = dict.fromkeys((signal.name for signal in message.signals), 0) | {
        "LKAReqToqHSC2": torque,
        "LKAReqToqStsHSC2": status,
        "LKAReqToqVHSC2": invalid,
        "LKAAlvRCHSC2": counter,
        "LKAReqToqPVHSC2": protection,
    }
    data = message.encode(values)
    # Fields as they lie in the frame: the two's complement of their sum, in 14 bits.
    raw_torque = (data[0] & 0x07) << 8 | data[1]
    total = (raw_torque << 1) + ((data[4] >> 3 & 0x3) << 12)
    total += (data[0] >> 3 & 1) + (data[0] >> 4)
    assert -total & 0x3FFF == (data[2] & 0x3F) << 8 | data[3] == protection


def test_at_rest_all_is_valid_parked_and_protected(database: Database) -> None:
    def start(message: str) -> dict[str, Any]:
        definition = database.get_message_by_name(message)
        raw: dict[str, Any] = {signal.name: signal.raw_initial or 0 for signal in definition.signals}
        values: Any = definition.decode(definition.encode(raw, scaling=False))
        return dict(values)

    speed = start("SCS_HSC2_FrP19")
    assert (speed["VehSpdAvgHSC2"], str(speed["VehSpdAvgVHSC2"])) == (0, "Valid")
    gear = start("GW_HSC2_ECM_FrP04")
    assert {str(gear[name]) for name in ("TrShftLvrPos_h1HSC2", "TrEstdGearHSC2")} == {"Park"}
    assert {str(gear[name]) for name in ("TrShftLvrPosV_h1HSC2", "TrEstdGearVHSC2")} == {"Valid"}
    angle = start("SAS_HSC2_FrP00")
    assert (angle["StrgWhlAngHSC2"], angle["StrgWhlAngGrdHSC2"], str(angle["StrgWhlAngVHSC2"])) == (0, 0, "Valid")
    lane = start("FVCM_HSC2_FrP03")
    no_torque = next(vector for vector in _FACTS["lka_vectors"] if vector[:4] == [0, 0, 0, 0])
    assert (lane["LKAReqToqHSC2"], lane["LKAReqToqPVHSC2"]) == (0, no_torque[4])
    airbag = start("GW_HSC2_SDM_FrP00")
    assert {str(airbag[name]) for name in ("AirbagDplHSC2", "AirbagDplInvsnHSC2")} == {"NotDeployed"}


def test_lane_keeping_request_comes_at_50_hz(database: Database) -> None:
    # commaai/opendbc, car/mg/values.py: steering is commanded at 50 Hz.
    assert database.get_message_by_name("FVCM_HSC2_FrP03").cycle_time == 20


@_needs_original
def test_the_facts_are_those_of_the_original() -> None:
    assert _facts_of(_load(_ORIGINAL)) == _MESSAGES


@_needs_original
@pytest.mark.parametrize("name", _MESSAGES)
def test_payloads_decode_as_with_the_original(database: Database, name: str) -> None:
    original = _load(_ORIGINAL)
    for payload in _payloads(name):
        assert database.decode_message(name, payload, decode_choices=False) == original.decode_message(
            name, payload, decode_choices=False
        )


@_needs_original
def test_each_value_name_stands_for_a_value_that_the_original_names_too(database: Database) -> None:
    ours_alone = {"VehSpdAvgVHSC2", "StrgWhlAngVHSC2"}
    original = _load(_ORIGINAL)
    for name in _MESSAGES:
        for signal in database.get_message_by_name(name).signals:
            if signal.choices and signal.name not in ours_alone:
                theirs = original.get_message_by_name(name).get_signal_by_name(signal.name).choices
                assert theirs is not None
                assert set(signal.choices) <= set(theirs), signal.name
