"""The traffic that both sides move: 10 ECUs, 100 messages of 8 signals, about 2,100 frames a second."""

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from random import Random

from harness.protocols.database import Database, Number, read_database

ECUS = 10
BITRATE = 500_000
CYCLES = {10: 8, 20: 15, 50: 17, 100: 20, 1000: 40}
"""Milliseconds: how many messages have this cycle time."""
_WIDTHS = (12, 4, 10, 6, 8, 8, 9, 7)
_SETS = 1999
_SCALES = ((0.1, 0), (1, 0), (0.5, -40), (1, 0), (0.25, 0), (1, -100), (0.05, 5), (2, 0))


def database_text(first_identifier: int = 0x100) -> str:
    """Return a database of this traffic."""
    nodes = [f"ECU{number}" for number in range(ECUS)]
    lines = ['VERSION ""', "BS_:", f"BU_: {' '.join(nodes)} Vector__XXX"]
    attributes = []
    periods = [period for period, count in CYCLES.items() for _ in range(count)]
    for index, period in enumerate(periods):
        identifier = first_identifier + index
        lines.append(f"BO_ {identifier} Load{index}: 8 {nodes[index % ECUS]}")
        position = 0
        for signal, (width, (factor, offset)) in enumerate(zip(_WIDTHS, _SCALES, strict=True)):
            start = position // 8 * 8 + 7 - position % 8
            lines.append(f' SG_ S{signal} : {start}|{width}@0+ ({factor},{offset}) [0|0] "" Vector__XXX')
            position += width
        attributes.append(f'BA_ "GenMsgCycleTime" BO_ {identifier} {period};')
    lines += ['BA_DEF_ BO_ "GenMsgCycleTime" INT 0 60000;', 'BA_DEF_DEF_ "GenMsgCycleTime" 0;', *attributes]
    return "\n".join(lines) + "\n"


def write_database(folder: Path) -> Path:
    """Write the database to a file."""
    path = folder / "traffic.dbc"
    path.write_text(database_text(), encoding="utf-8")
    return path


def payloads() -> Iterator[dict[str, Number]]:
    """Return endless values of the eight signals, in their units, another set for every frame.

    All messages take from the same sets, so that a message sees none again before it has sent some hundred others:
    nothing that was worked out for one frame is of use to the next.
    """
    random = Random(1)
    sets = [
        {
            f"S{index}": random.randrange(1 << width) * factor + offset
            for index, (width, (factor, offset)) in enumerate(zip(_WIDTHS, _SCALES, strict=True))
        }
        for _ in range(_SETS)
    ]
    return cycle(sets)


def load(folder: Path) -> Database:
    """Write and read the database of the traffic."""
    return read_database(write_database(folder))
