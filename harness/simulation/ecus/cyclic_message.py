"""One message of a rest bus: its values, its counters and checksum, worked out ahead."""

from collections.abc import Callable, Mapping
from typing import Any

import can

from harness.errors import RigFileError, unknown_name
from harness.protocols import can_fd_frame, can_frame
from harness.protocols.checksums import CHECKSUMS
from harness.protocols.database import Message, Number
from harness.vehicle import Protection

_MOST_ENCODED = 256
"""Frames whose data and length are kept: all of an eight-bit counter's."""

Values = Callable[[], Mapping[str, Number]]


class CyclicMessage:
    """Builds the frames of a message, one after the other; those of an FD message switch the bit rate.

    As long as the values stay, there are as many different frames as the longest counter has values; each of them is
    encoded once.

    Raises:
        RigFileError: the protection names a signal that the message does not have or an unknown algorithm, or the
            message is longer than its frames can be.
    """

    def __init__(self, message: Message, protection: Protection) -> None:
        _check(message, protection)
        self.message = message
        self.counter_frozen = False
        self.checksum_wrong = False
        self._counters = {name: (1 << message.signal(name).length) - 1 for name in protection.counters}
        self._checksum = protection.checksum
        self._start = {name: signal.start_raw for name, signal in message.signals.items()}
        self._raw = dict(self._start)
        self._count = 0
        self._counts = 1 + max(self._counters.values(), default=0)
        self._frames: dict[int, tuple[bytes, Any]] = {}
        self._driven: dict[tuple[Number, ...], tuple[bytes, Any]] = {}
        self._length: Callable[[int, bytes, bool], Any] = (
            can_fd_frame.fd_frame_bits if message.is_fd else can_frame.frame_bits
        )
        self._new: Callable[..., can.Message] = can_fd_frame.new_fd_frame if message.is_fd else can_frame.new_frame
        self._identifier = message.identifier
        self._extended = message.extended
        self.is_driven = False
        """Whether a model works the values out."""
        self.next_frame: Callable[[], can.Message] = self._next_counted if self._counters else self._next_alike
        """Return the next frame. What a message does not have is not looked for with each frame."""

    @property
    def protected(self) -> frozenset[str]:
        """Signals that are worked out for each frame: counters and checksum."""
        return frozenset({*self._counters, *([self._checksum.signal] if self._checksum else [])})

    def drive(self, values: Values) -> None:
        """Take the values, in the signals' units, from `values()` before each transmission."""
        encode, new, identifier, extended = self.message.encode, self._new, self._identifier, self._extended
        self.is_driven = True
        if self._counters or self._checksum:
            self.next_frame = lambda: self._next_driven(values(), self._next_count())
        else:
            self.next_frame = lambda: new(identifier, encode(values()), extended)

    def set_raw(self, signal: str, raw: int) -> None:
        """Send another raw value of a signal from the next frame on."""
        if self._raw[signal] != raw:
            self._raw[signal] = raw
            self._frames.clear()

    def damage_checksum(self, *, on: bool) -> None:
        """Send a wrong checksum from the next frame on, or the right one again."""
        self.checksum_wrong = on
        self._frames.clear()
        self._driven.clear()

    def reset(self) -> None:
        """Go back to the start values of the database. The counter goes on."""
        self._raw = dict(self._start)
        self._frames.clear()

    def _next_alike(self) -> can.Message:
        data, bits = self._frames.get(0) or self._encode(0)
        return self._new(self._identifier, data, self._extended, bits)

    def _next_counted(self) -> can.Message:
        count = self._count
        if not self.counter_frozen:
            self._count = count + 1 if count + 1 < self._counts else 0
        data, bits = self._frames.get(count) or self._encode(count)
        return self._new(self._identifier, data, self._extended, bits)

    def _next_count(self) -> int:
        count = self._count
        if not self.counter_frozen:
            self._count = count + 1 if count + 1 < self._counts else 0
        return count

    def _encode(self, count: int) -> tuple[bytes, Any]:
        if len(self._frames) >= _MOST_ENCODED:
            self._frames.clear()
        data = self._protect(self._raw, count)
        encoded = self._frames[count] = data, self._length(self._identifier, data, self._extended)
        return encoded

    def _next_driven(self, values: Mapping[str, Number], count: int) -> can.Message:
        # Most values stay for many frames: those are encoded once for each count.
        key = count, *values.values()
        data, bits = self._driven.get(key) or self._encode_driven(key, values, count)
        return self._new(self._identifier, data, self._extended, bits)

    def _encode_driven(self, key: tuple[Number, ...], values: Mapping[str, Number], count: int) -> tuple[bytes, Any]:
        if len(self._driven) >= _MOST_ENCODED:
            self._driven.clear()
        if self._checksum:
            raw = {name: signal.raw(values.get(name, 0)) for name, signal in self.message.signals.items()}
            data = self._protect(raw, count)
        else:
            data = self.message.encode({**values, **{name: count & mask for name, mask in self._counters.items()}})
        encoded = self._driven[key] = data, self._length(self._identifier, data, self._extended)
        return encoded

    def _protect(self, raw: dict[str, int], count: int) -> bytes:
        for name, mask in self._counters.items():
            raw[name] = count & mask
        checksum = self._checksum
        if checksum:
            raw[checksum.signal] = 0
            right = CHECKSUMS[checksum.algorithm](raw, self.message.encode_raw(raw), checksum.data_id)
            raw[checksum.signal] = ~right if self.checksum_wrong else right
        return self.message.encode_raw(raw)


def _check(message: Message, protection: Protection) -> None:
    checksum = protection.checksum
    for name in (*protection.counters, *([checksum.signal] if checksum else [])):
        if name not in message.signals:
            raise RigFileError(f"protection of {message.name}: {unknown_name('signal', name, message.signals)}")
    if checksum and checksum.algorithm not in CHECKSUMS:
        unknown = unknown_name("checksum algorithm", checksum.algorithm, CHECKSUMS)
        raise RigFileError(f"protection of {message.name}: {unknown}")
    kind, most = ("CAN FD", 64) if message.is_fd else ("classic CAN", 8)
    if message.length > most:
        raise RigFileError(f"{message.name} has {message.length} bytes; a {kind} frame carries {most}")
