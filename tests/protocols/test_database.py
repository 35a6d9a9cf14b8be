"""Databases: read as cantools reads them, encoded and decoded as cantools does, and refused with a reason."""

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cantools
import pytest

from harness.errors import RigFileError, TestError
from harness.protocols import database as database_module
from harness.protocols.database import Database, Message, Signal, read_database

ROOT = Path(__file__).parents[2]
RX5 = ROOT / "rigs/vehicles/roewe-rx5/chassis.dbc"
REAL = ROOT / "../shared/data/dbc"
SEED = 20260104

HEAD = 'VERSION ""\n\nNS_ :\n\nBS_:\n\nBU_: A B\n\n'
SIGNAL = ' SG_ Speed : 0|8@1+ (1,0) [0|0] "" B\n'
SCALED = """BO_ 1 Motion: 8 A
 SG_ Speed : 0|12@1+ (0.1,0) [0|300] "km/h" B
 SG_ Torque : 12|11@1- (0.5,-10) [0|0] "Nm" B
 SG_ Gear : 31|4@0+ (1,0) [0|9] "" B
 SG_ Volts : 39|8@0+ (0.1,0) [0|25.5] "V" B

VAL_ 1 Gear 0 "Park" 1 "Reverse" 2 "Neutral" ;
"""

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def motion(write: Write) -> Message:
    return read_database(write("motion.dbc", HEAD + SCALED)).message("Motion")


def physical_values(generator: random.Random, message: Message) -> dict[str, Any]:
    """A value for each signal that a raw value stands for exactly."""
    return {name: signal.physical(generator.randint(*signal.raw_range)) for name, signal in message.signals.items()}


def hold_to_cantools(path: Path, rounds: int) -> int:
    """Encode and decode every message of a database as cantools does; return how many were compared."""
    generator = random.Random(f"{SEED} {path.name}")
    theirs: Any = cantools.database.load_file(path)
    ours = read_database(path)
    assert {message.name for message in theirs.messages} == set(ours.messages)
    compared = 0
    for reference in theirs.messages:
        message = ours.message(reference.name)
        assert (message.identifier, message.extended, message.length) == (
            reference.frame_id,
            reference.is_extended_frame,
            reference.length,
        )
        for _ in range(rounds):
            data = generator.randbytes(message.length)
            values = reference.decode(data, decode_choices=False, scaling=True)
            assert message.decode(data) == values, (SEED, reference.name, data.hex())
            raw = reference.decode(data, decode_choices=False, scaling=False)
            assert {name: signal.raw_of(data) for name, signal in message.signals.items()} == raw
            assert message.encode_raw(raw) == reference.encode(raw, scaling=False, strict=False)
            values = physical_values(generator, message)
            assert message.encode(values) == reference.encode(values, strict=False), (SEED, reference.name, values)
            for name, signal in message.signals.items():
                assert signal.physical(signal.raw_of(message.encode(values))) == values[name], (SEED, name, values)
            compared += 1
    return compared


def random_dbc(generator: random.Random) -> str:
    """Messages of random signals that do not overlap: both byte orders, signed, scaled, up to 64 bits long."""
    text = HEAD
    for number in range(12):
        length = generator.randint(1, 8)
        free = set(range(8 * length))
        lines = []
        for index in range(generator.randint(0, 12)):
            big = generator.random() < 0.5
            size = generator.choice((1, 2, 7, 8, 9, 12, 16, 24, 32, 63, 64, generator.randint(1, 64)))
            start = generator.randrange(8 * length)
            bits = bits_of(start, size, big=big)
            if not bits <= free:
                continue
            free -= bits
            factor = generator.choice(
                ("1", "1", "0.1", "0.5", "0.015625", "2", "-1", "-0.25", "75", "0.392157", "1E-3")
            )
            offset = generator.choice(("0", "0", "-40", "0.5", "-2048", "-7.22", "1000"))
            sign = generator.choice("+-")
            lines.append(f' SG_ S{index} : {start}|{size}@{0 if big else 1}{sign} ({factor},{offset}) [0|0] "" B\n')
        identifier = generator.choice((number + 1, 1 << 31 | number + 0x10000))
        text += f"BO_ {identifier} M{number}: {length} A\n{''.join(lines)}\n"
    return text


def bits_of(start: int, size: int, *, big: bool) -> set[int]:
    """Bits of a signal in DBC numbering: Intel upwards from the lowest, Motorola from the highest downwards."""
    if not big:
        return set(range(start, start + size))
    bits, bit = set(), start
    for _ in range(size):
        bits.add(bit)
        bit = bit - 1 if bit % 8 else bit + 15
    return bits


# The codec against cantools


def test_our_database_is_coded_as_by_cantools() -> None:
    assert hold_to_cantools(RX5, rounds=100) == 20 * 100


@pytest.mark.parametrize(
    "number", [*range(25), *(pytest.param(number, marks=pytest.mark.soak) for number in range(25, 1000))]
)
def test_random_databases_are_coded_as_by_cantools(write: Write, number: int) -> None:
    # 64-bit values scaled to floating point lose their last bits in any codec; cantools' and ours must lose the same.
    path = write(f"random{number}.dbc", random_dbc(random.Random(f"{SEED} {number}")))
    generator = random.Random(f"{SEED} {number} values")
    theirs: Any = cantools.database.load_file(path)
    for message in read_database(path).messages.values():
        reference = theirs.get_message_by_name(message.name)
        for _ in range(20):
            data = generator.randbytes(message.length)
            assert message.decode(data) == reference.decode(data, decode_choices=False), (SEED, number, data.hex())
            raw = reference.decode(data, decode_choices=False, scaling=False)
            assert {name: signal.raw_of(data) for name, signal in message.signals.items()} == raw
            assert message.encode_raw(raw) == reference.encode(raw, scaling=False, strict=False)
            exact = {
                name: signal.physical(
                    generator.randint(*signal.raw_range) >> max(signal.length - 40, 0)  # exact in floating point
                )
                for name, signal in message.signals.items()
            }
            assert message.encode(exact) == reference.encode(exact, strict=False), (SEED, number, exact)


@pytest.mark.skipif(not REAL.is_dir(), reason="the carmakers' databases are not at hand")
@pytest.mark.parametrize(("name", "messages"), [("mg.dbc", 18), ("ford_lincoln_base_pt.dbc", 331)])
def test_carmakers_databases_are_coded_as_by_cantools(name: str, messages: int) -> None:
    assert hold_to_cantools(REAL / name, rounds=5) == messages * 5


@pytest.mark.skipif(not REAL.is_dir(), reason="the carmakers' databases are not at hand")
def test_a_carmakers_database_that_is_damaged_is_refused_with_the_reason() -> None:
    with pytest.raises(RigFileError, match=r"psa_aee2010_r3\.dbc: .*line 165, column 6: .*0_COUNTER"):
        read_database(REAL / "psa_aee2010_r3.dbc")


def test_a_frame_that_is_too_short_is_not_decoded(motion: Message) -> None:
    with pytest.raises(ValueError, match="Motion has 8 bytes; a frame of it is shorter"):
        motion.decode(bytes(7))
    with pytest.raises(ValueError, match=r"Motion\.Volts needs 8 bits more than a frame of 4 bytes has"):
        motion.signal("Volts").raw_of(bytes(4))


def test_signals_of_a_short_or_long_frame_are_where_they_always_are(motion: Message) -> None:
    data = motion.encode({"Speed": 123.4, "Torque": -12.5, "Gear": 2, "Volts": 13.5})
    raw = {name: signal.raw_of(data) for name, signal in motion.signals.items()}
    assert raw == {"Speed": 1234, "Torque": -5, "Gear": 2, "Volts": 135}
    for frame in (data[:5], data + b"\xff"):
        assert {name: signal.raw_of(frame) for name, signal in motion.signals.items()} == raw
    assert motion.decode(data + b"\xff") == motion.decode(data)


def test_encoding_takes_the_nearest_value(motion: Message) -> None:
    rest = {"Torque": -10, "Gear": 0, "Volts": 0}
    for value, raw in ((99.94, 999), (99.96, 1000), (100.04, 1000), (0.04, 0)):
        assert motion.signal("Speed").raw_of(motion.encode({"Speed": value, **rest})) == raw


# Signals


def test_tenths_survive_the_way_there_and_back(motion: Message) -> None:
    for name in ("Speed", "Volts"):
        signal = motion.signal(name)
        for tenth in range(256):
            assert signal.raw(tenth / 10) == tenth
            assert signal.raw(signal.physical(tenth)) == tenth
            assert signal.physical(tenth) == pytest.approx(tenth / 10, abs=1e-9)


def test_allowed_is_what_the_database_says_and_fits(motion: Message) -> None:
    assert motion.signal("Speed").allowed_range == (0, 300)
    assert motion.signal("Torque").allowed_range == (-522.0, 501.5), "[0|0] is no limit; 11 bits, signed"
    assert motion.signal("Gear").allowed_range == (0, 9)
    assert motion.signal("Volts").allowed_range == (0, 25.5)


def test_values_at_the_limits_are_allowed_and_beyond_refused(motion: Message) -> None:
    volts, speed = motion.signal("Volts"), motion.signal("Speed")
    assert (volts.raw(0), volts.raw(25.5), volts.raw(25.54)) == (0, 255, 255)
    assert speed.raw(300) == 3000
    for signal, value in ((volts, 25.6), (volts, -0.06), (speed, 300.06), (speed, math.inf), (speed, math.nan)):
        with pytest.raises(TestError, match=r"Motion\.\w+ cannot be .*; allowed: 0 to (25\.5 V|300 km/h)"):
            signal.raw(value)


def test_labels_are_found_whatever_their_case(motion: Message) -> None:
    gear = motion.signal("Gear")
    assert [gear.raw_of_label(label) for label in ("Park", "REVERSE", "neutral")] == [0, 1, 2]
    with pytest.raises(TestError, match=r"Motion\.Gear has no value 'Revers'; did you mean 'Reverse'.*Known: Neutral"):
        gear.raw_of_label("Revers")


def test_negative_factors_are_scaled_both_ways(write: Write) -> None:
    text = HEAD + 'BO_ 1 M: 8 A\n SG_ S : 0|8@1+ (-0.5,100) [0|0] "" B\n'
    signal = read_database(write("negative.dbc", text)).signal("M.S")
    assert signal.allowed_range == (-27.5, 100)
    assert [signal.raw(signal.physical(raw)) for raw in range(256)] == list(range(256))


# What is not there


def test_unknown_names_are_answered_with_what_was_probably_meant() -> None:
    database = read_database(RX5)
    with pytest.raises(TestError, match=r"no message in chassis\.dbc 'HU_Staus'; did you mean 'HU_Status'\?"):
        database.message("HU_Staus")
    with pytest.raises(TestError, match=r"HU_Status has no signal 'BootSate'; did you mean 'BootState'\?"):
        database.signal("HU_Status.BootSate")
    with pytest.raises(TestError, match="HU_Status has no signal ''"):
        database.signal("HU_Status")
    assert database.by_key[0x5A0].name == "HU_Status"
    assert "HU" in database.nodes


# Files that are refused


def message(signals: str = SIGNAL, head: str = "BO_ 1 M: 8 A") -> str:
    return f"{HEAD}{head}\n{signals}\n"


CYCLE = 'BA_DEF_ BO_ "GenMsgCycleTime" INT -10 60000;\nBA_DEF_DEF_ "GenMsgCycleTime" 0;\n'
REFUSED: dict[str, tuple[str | bytes, str]] = {
    "empty.dbc": ("", "holds no messages"),
    "bare.dbc": (HEAD, "holds no messages"),
    "binary.dbc": (bytes(range(256)) * 40, "line 1, column 1"),
    "binary.kcd": (bytes(range(256)) * 40, "line 1, column 0"),
    "binary.arxml": (bytes(range(256)), "no valid CAN database"),
    "binary.sym": (bytes(range(256)), "no valid CAN database"),
    "damaged.dbc": (message(' SG_ Speed : 0|8@1+ (1,0 [0|0] "" B\n'), "line 10, column 26"),
    "cut.dbc": (message()[:-25], "no valid CAN database"),
    "cut.kcd": ("<NetworkDefinition><Bus>", "line 1"),
    "diagnostics.cdd": ("<CANDELA/>", "no valid CAN database"),
    "notes.txt": ("hello", "'dbc', 'kcd', 'sym'"),
    "identifiers.dbc": (message() + f"BO_ 1 N: 8 A\n{SIGNAL}\n", "identifier 0x1 is used by M and N"),
    "names.dbc": (message() + f"BO_ 2 M: 8 A\n{SIGNAL}\n", "M is declared twice"),
    "overlap.dbc": (message(SIGNAL + ' SG_ T : 4|8@1+ (1,0) [0|0] "" B\n'), "T and Speed are overlapping in message M"),
    "outside.dbc": (message(' SG_ T : 60|8@1+ (1,0) [0|0] "" B\n'), "T does not fit in message M"),
    "multiplexed.dbc": (
        message(' SG_ X M : 0|8@1+ (1,0) [0|0] "" B\n SG_ Y m1 : 8|8@1+ (1,0) [0|0] "" B\n'),
        "M is multiplexed; only plain messages are supported",
    ),
    "float.dbc": (
        message(' SG_ T : 0|32@1- (1,0) [0|0] "" B\n') + "SIG_VALTYPE_ 1 T : 1;\n",
        r"M\.T is a floating-point signal",
    ),
    "factor.dbc": (message(' SG_ T : 0|8@1+ (0,5) [0|0] "" B\n'), r"M\.T has factor 0 and offset 5; both must be"),
    "infinite.dbc": (message(' SG_ T : 0|8@1+ (1e999,0) [0|0] "" B\n'), r"M\.T has factor inf and offset 0"),
    "cycle.dbc": (message() + CYCLE + 'BA_ "GenMsgCycleTime" BO_ 1 -10;\n', "cycle time of -10 ms"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_files_that_make_no_sense_are_refused_with_name_and_reason(write: Write, name: str) -> None:
    content, reason = REFUSED[name]
    path = write(name, content)
    with pytest.raises(RigFileError, match=reason) as error:
        read_database(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "no.dbc", "No such file"), (tmp_path, "Is a directory|no valid CAN database")):
        with pytest.raises(RigFileError, match=reason) as error:
            read_database(path)
        assert str(error.value).startswith(f"{path}: ")


def test_a_file_that_is_too_large_is_not_even_read(write: Write) -> None:
    path = write("large.dbc", message())
    with path.open("r+b") as file:
        file.truncate(database_module.MAX_BYTES + 1)  # sparse
    with pytest.raises(RigFileError, match="larger than 100,000,000 bytes"):
        read_database(path)


def test_limits_with_more_digits_than_a_float_has_are_read(write: Write) -> None:
    path = write("digits.dbc", message(f' SG_ T : 0|8@1+ (1,0) [0|{"9" * 400}] "" B\n'))
    assert read_database(path).signal("M.T").allowed_range == (0, 255)


def test_fd_messages_are_told_from_classic_ones(write: Write) -> None:
    text = (
        f'{HEAD}BO_ 1 Fast: 64 A\n SG_ Far : 500|12@1- (0.5,-10) [0|0] "" B\n\nBO_ 2 Slow: 8 A\n{SIGNAL}\n'
        'BA_DEF_ BO_ "VFrameFormat" ENUM "StandardCAN","ExtendedCAN","StandardCAN_FD","ExtendedCAN_FD";\n'
        'BA_DEF_DEF_ "VFrameFormat" "StandardCAN";\nBA_ "VFrameFormat" BO_ 1 2;\n'
    )
    path = write("fd.dbc", text)
    messages = read_database(path).messages
    assert (messages["Fast"].is_fd, messages["Slow"].is_fd) == (True, False)
    assert hold_to_cantools(path, rounds=50) == 2 * 50


def test_an_extended_frame_keeps_its_identifier(write: Write) -> None:
    found = read_database(write("extended.dbc", message(head=f"BO_ {1 << 31 | 0x12345} M: 8 A"))).message("M")
    assert (found.identifier, found.extended) == (0x12345, True)


# Hostile names

HOSTILE = [
    "__import__('os').abort()",
    "0]; raise SystemExit #",
    "name0",
    "values",
    "'\"\\n{value!r}%s",
    "\u202e\u0000x".replace("\u0000", ""),
]


def test_names_are_never_code() -> None:
    signals = {
        name: Signal(
            name=name,
            message=HOSTILE[0],
            length=8,
            big_endian=bool(index % 2),
            signed=False,
            factor=1,
            offset=0,
            minimum=None,
            maximum=None,
            unit=HOSTILE[1],
            labels={},
            start_raw=0,
            shift=8 * (7 - index if index % 2 else index),
        )
        for index, name in enumerate(HOSTILE)
    }
    hostile = Message(HOSTILE[0], 1, extended=False, length=8, cycle_time=None, sender=HOSTILE[1], signals=signals)
    values = {name: index + 1 for index, name in enumerate(HOSTILE)}
    data = hostile.encode(values)
    assert data == bytes((1, 2, 3, 4, 5, 6, 0, 0))
    assert hostile.decode(data) == values
    assert hostile.encode_raw(values) == data
    with pytest.raises(ValueError, match="8 bytes"):
        hostile.decode(b"")


def test_hostile_names_of_a_file_are_data(write: Write) -> None:
    text = """<?xml version="1.0"?><NetworkDefinition xmlns="http://kayak.2codeornot2code.org/1.0"><Document/>
        <Node id="1" name="n'); import os"/><Bus name="b"><Message id="0x1" length="8" name="__import__('os').abort()">
        <Producer><NodeRef id="1"/></Producer><Signal name="']; raise SystemExit" offset="0" length="8"/></Message>
        </Bus></NetworkDefinition>"""
    database: Database = read_database(write("hostile.kcd", text))
    (found,) = database.messages.values()
    assert found.decode(found.encode({"']; raise SystemExit": 7})) == {"']; raise SystemExit": 7}
