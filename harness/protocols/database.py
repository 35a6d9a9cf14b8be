"""CAN databases: which messages and signals there are, and fast functions to encode and decode them.

cantools reads the files. Encoding and decoding are worked out ahead, as one function a message, because a rest bus
encodes and a trace decodes at rates that cantools' general bit packing cannot follow.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from math import isfinite
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from harness.can_port import EXTENDED
from harness.clock import MILLISECOND
from harness.errors import RigFileError, TestError, unknown_name
from harness.protocols.message_codec import Decoder, Encoder, decoder, encoder

if TYPE_CHECKING:
    from cantools.database.can import Message as CantoolsMessage
    from cantools.database.can import Signal as CantoolsSignal

Number = int | float

MAX_BYTES = 100_000_000
"""Larger files are no databases of one bus [P]."""


@dataclass(frozen=True)
class Signal:
    """One signal of a message: where its bits are, and what they mean."""

    name: str
    message: str
    length: int
    big_endian: bool
    signed: bool
    factor: Number
    offset: Number
    minimum: Number | None
    maximum: Number | None
    unit: str
    labels: Mapping[int, str]
    start_raw: int
    shift: int
    """Position of the lowest bit in the frame, read as one integer in the signal's byte order."""
    comment: str = ""

    @property
    def full_name(self) -> str:
        """Name with its message: `Message.Signal`."""
        return f"{self.message}.{self.name}"

    @property
    def raw_range(self) -> tuple[int, int]:
        """Lowest and highest raw value that fits."""
        if self.signed:
            return -(1 << self.length - 1), (1 << self.length - 1) - 1
        return 0, (1 << self.length) - 1

    def raw_of(self, data: bytes) -> int:
        """Return the raw value in a frame's data.

        Raises:
            ValueError: the data is shorter than the signal needs.
        """
        bits = int.from_bytes(data, "big" if self.big_endian else "little")
        missing = self._end - 8 * len(data)
        if missing > 0:
            raise ValueError(f"{self.full_name} needs {missing} bits more than a frame of {len(data)} bytes has")
        shift = self.shift - (self._frame_bits - 8 * len(data) if self.big_endian else 0)
        raw = bits >> shift & (1 << self.length) - 1
        return raw - (1 << self.length) if self.signed and raw >> self.length - 1 else raw

    def physical(self, raw: int) -> Number:
        """Return the value in the signal's unit."""
        return raw * self.factor + self.offset

    def raw(self, physical: Number) -> int:
        """Return the raw value nearest to a value in the signal's unit.

        Raises:
            TestError: the database does not allow the value, or it does not fit into the signal's bits.
        """
        low, high = self.allowed_range
        tolerance = abs(self.factor) / 2
        if not low - tolerance <= physical <= high + tolerance:
            unit = f" {self.unit}" if self.unit else ""
            raise TestError(f"{self.full_name} cannot be {physical:g}{unit}; allowed: {low:g} to {high:g}{unit}")
        raw_low, raw_high = self.raw_range
        return min(max(round((physical - self.offset) / self.factor), raw_low), raw_high)

    def raw_of_label(self, label: str) -> int:
        """Return the raw value that a label names, upper and lower case aside.

        Raises:
            TestError: the signal has no such label.
        """
        for raw, known in self.labels.items():
            if known.casefold() == label.casefold():
                return raw
        raise TestError(f"{self.full_name} has {unknown_name('value', label, self.labels.values())}")

    @property
    def allowed_range(self) -> tuple[Number, Number]:
        """Lowest and highest value: as the database says, else what fits into the bits."""
        ends = sorted(self.physical(raw) for raw in self.raw_range)
        return (
            ends[0] if self.minimum is None else max(self.minimum, ends[0]),
            ends[1] if self.maximum is None else min(self.maximum, ends[1]),
        )

    _frame_bits: int = field(default=0, repr=False)
    _end: int = field(default=0, repr=False)


@dataclass(frozen=True)
class Message:
    """One message of a bus. Messages whose `cycle_time` is None are sent on events only."""

    name: str
    identifier: int
    extended: bool
    length: int
    cycle_time: int | None
    """Nanoseconds."""
    sender: str
    signals: Mapping[str, Signal]
    comment: str = ""
    is_fd: bool = False

    @property
    def key(self) -> int:
        """Identifier that tells its frames from all others of the bus: extended ones have the bit `EXTENDED`."""
        return self.identifier | EXTENDED if self.extended else self.identifier

    def signal(self, name: str) -> Signal:
        """Return a signal by its name.

        Raises:
            TestError: there is no such signal; says which one was probably meant.
        """
        try:
            return self.signals[name]
        except KeyError:
            raise TestError(f"{self.name} has {unknown_name('signal', name, self.signals)}") from None

    @cached_property
    def encode(self) -> Encoder:
        """Function that turns a value for each signal, in its unit, into the frame's data.

        It is for values known to be right: it rounds to the nearest raw value and cuts what does not fit.
        """
        return encoder(self)

    def encode_raw(self, values: Mapping[str, int]) -> bytes:
        """Return the frame's data for a raw value of each signal; for messages whose values seldom change."""
        big = little = 0
        for name, signal in self.signals.items():
            bits = (values[name] & (1 << signal.length) - 1) << signal.shift
            if signal.big_endian:
                big |= bits
            else:
                little |= bits
        return (big | int.from_bytes(little.to_bytes(self.length, "little"), "big")).to_bytes(self.length, "big")

    @cached_property
    def decode(self) -> Decoder:
        """Function that turns a frame's data into a value for each signal, in its unit.

        Raises:
            ValueError: the frame is shorter than the message.
        """
        return decoder(self)


@dataclass(frozen=True)
class Database:
    """The messages of one bus."""

    path: Path
    messages: Mapping[str, Message]

    @cached_property
    def by_key(self) -> Mapping[int, Message]:
        """The messages by the key that tells their frames apart."""
        return {message.key: message for message in self.messages.values()}

    @cached_property
    def nodes(self) -> frozenset[str]:
        """The nodes that send something."""
        return frozenset(message.sender for message in self.messages.values())

    def message(self, name: str) -> Message:
        """Return a message by its name.

        Raises:
            TestError: there is no such message; says which one was probably meant.
        """
        try:
            return self.messages[name]
        except KeyError:
            raise TestError(unknown_name(f"message in {self.path.name}", name, self.messages)) from None

    def signal(self, full_name: str) -> Signal:
        """Return a signal by `Message.Signal`.

        Raises:
            TestError: there is no such message or signal; says which one was probably meant.
        """
        message, _, signal = full_name.partition(".")
        return self.message(message).signal(signal)


_DBC_ENCODING = "cp1252"
"""What Vector's tools write, and cantools expects."""
_END_OF_DBC = '\nCM_ "";\n'
"""An empty comment. Without one behind it cantools drops a statement in whose middle the file ends."""


def read_database(path: Path) -> Database:
    """Read a CAN database (DBC, ARXML, KCD, SYM). One that has not changed is not read again: each suite opens the rig.

    Raises:
        RigFileError: the file is missing, damaged or too large, two messages share a name or an identifier, or a
            signal is multiplexed or of a kind that is not supported.
    """
    try:
        facts = path.stat()
    except OSError as error:
        raise RigFileError(f"{path}: cannot read the database: {error.strerror or error}") from error
    return _read_database(path, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=16)
def _read_database(path: Path, size: int, changed: int) -> Database:  # noqa: ARG001  another time is another database
    import cantools

    try:
        if size > MAX_BYTES:
            raise RigFileError(f"{path}: larger than {MAX_BYTES:,} bytes: not a database of one bus")
        if path.suffix.lower() == ".dbc":
            text = path.read_text(encoding=_DBC_ENCODING, errors="replace")
            source: Any = cantools.database.load_string(text + _END_OF_DBC, "dbc")
        else:
            source = cantools.database.load_file(path)
    except OSError as error:
        raise RigFileError(f"{path}: cannot read the database: {error.strerror or error}") from error
    except (cantools.Error, ValueError, KeyError, AttributeError, IndexError, TypeError) as error:
        raise RigFileError(f"{path}: this is no valid CAN database: {_first_line(error)}") from error
    if not hasattr(source, "messages"):
        raise RigFileError(f"{path}: this is no CAN database; allowed: .dbc, .arxml, .kcd, .sym")
    messages: dict[str, Message] = {}
    taken: dict[int, str] = {}
    for entry in source.messages:
        key = entry.frame_id | EXTENDED if entry.is_extended_frame else entry.frame_id
        if key in taken:
            raise RigFileError(f"{path}: identifier 0x{entry.frame_id:X} is used by {taken[key]} and {entry.name}")
        if problem := f"{entry.name} is declared twice" if entry.name in messages else _problem(entry):
            raise RigFileError(f"{path}: {problem}")
        taken[key] = entry.name
        messages[entry.name] = _message(entry)
    if not messages:
        raise RigFileError(f"{path}: holds no messages")
    return Database(path, MappingProxyType(messages))


def _problem(entry: "CantoolsMessage") -> str:
    """Return what of a message is not supported; nothing if all is well."""
    if entry.is_multiplexed():
        return f"{entry.name} is multiplexed; only plain messages are supported"
    if entry.cycle_time is not None and entry.cycle_time < 0:
        return f"{entry.name} has a cycle time of {entry.cycle_time} ms; it must be 0 or more"
    for signal in entry.signals:
        if signal.is_float:
            return f"{entry.name}.{signal.name} is a floating-point signal; only integers are supported"
        if not signal.scale or not all(isfinite(number) for number in (signal.scale, signal.offset)):
            scaling = f"factor {signal.scale:g} and offset {signal.offset:g}"
            return f"{entry.name}.{signal.name} has {scaling}; both must be finite and the factor not 0"
    return ""


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _message(entry: "CantoolsMessage") -> Message:
    signals = {signal.name: _signal(signal, entry) for signal in entry.signals}
    return Message(
        name=entry.name,
        identifier=entry.frame_id,
        extended=entry.is_extended_frame,
        length=entry.length,
        cycle_time=round(entry.cycle_time * MILLISECOND) if entry.cycle_time else None,
        sender=entry.senders[0] if entry.senders else "",
        signals=MappingProxyType(signals),
        comment=entry.comment or "",
        is_fd=entry.is_fd,
    )


def _signal(entry: "CantoolsSignal", message: "CantoolsMessage") -> Signal:
    bits = 8 * message.length
    big_endian = entry.byte_order == "big_endian"
    if big_endian:
        end = 8 * (entry.start // 8) + 7 - entry.start % 8 + entry.length
        shift = bits - end
    else:
        end, shift = entry.start + entry.length, entry.start
    return Signal(
        name=entry.name,
        message=message.name,
        length=entry.length,
        big_endian=big_endian,
        signed=entry.is_signed,
        factor=_plain(entry.scale),
        offset=_plain(entry.offset),
        minimum=None if entry.minimum is None else _plain(entry.minimum),
        maximum=None if entry.maximum is None else _plain(entry.maximum),
        unit=entry.unit or "",
        labels=MappingProxyType({raw: str(label) for raw, label in (entry.choices or {}).items()}),
        start_raw=int(entry.raw_initial or 0),
        shift=shift,
        comment=entry.comment or "",
        _frame_bits=bits,
        _end=end,
    )


def _plain(number: Number) -> Number:
    """Return whole numbers as int, so that whole signals stay whole."""
    return number if isinstance(number, int) or not number.is_integer() else int(number)
