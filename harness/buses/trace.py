"""Records all frames of all buses to a BLF file, with marks that say which test they belong to."""

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from struct import Struct
from threading import Lock
from typing import TYPE_CHECKING

from can import BLFWriter, Message

from harness.protocols.can_fd_frame import LENGTHS

if TYPE_CHECKING:
    from harness.transports.can_channel import CanChannel

_COMPRESSION = 1
"""A third faster than zlib's default, for files that are a few per cent larger."""
_HEADER = Struct("<4sHHLL LHH").pack(b"LOBJ", 32, 1, 48, 1, 2, 0, 0)
"""Of a CAN message, as python-can's `blf.py` has it, up to the time stamp."""
_CAN_MESSAGE = Struct("<24sQHBBL8s").pack
"""Header, time stamp in nanoseconds, channel, direction, length, identifier, data."""
_FD_HEADER = Struct("<4sHHLL LHH").pack(b"LOBJ", 32, 1, 116, 100, 2, 0, 0)
"""Of a CAN FD message."""
_CAN_FD_MESSAGE = Struct("<24sQHBBLLBBB5x64s").pack
"""Header, time stamp, channel, direction, length code, identifier, frame length, bits, flags, valid bytes, data."""
_FD, _BITRATE_SWITCH = 1, 2
_LENGTH_CODES = {length: code for code, length in enumerate(LENGTHS)}
_EXTENDED = 0x80000000


class _Writer(BLFWriter):
    """python-can's writer, with a way of its own for what nearly all frames are.

    Half the time goes by on what a data frame does not need. The bytes are the same, but for time stamps,
    which are rounded to the nanosecond and not cut.

    On a bench each bus writes on a thread of its own, and marks come from another one; the writer itself would mix
    them up.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, compression_level=_COMPRESSION)
        self._turn = Lock()

    def mark(self, text: str, seconds: float) -> None:
        """Write a mark."""
        with self._turn:
            self.log_event(text, seconds)

    def keep(self, channel: int, frame: Message) -> None:
        """Write a frame of a channel, numbered from 1."""
        identifier = frame.arbitration_id | _EXTENDED if frame.is_extended_id else frame.arbitration_id
        direction = 0 if frame.is_rx else 1
        with self._turn:
            if frame.is_remote_frame or frame.is_error_frame or frame.error_state_indicator:
                self.channel = channel
                self.on_message_received(frame)
                return
            stamp, data = (frame.timestamp * 1e9).__round__(), frame.data
            if frame.is_fd:
                flags, size = _FD | _BITRATE_SWITCH if frame.bitrate_switch else _FD, len(data)
                code = _LENGTH_CODES[size]
                self._buffer.append(
                    _CAN_FD_MESSAGE(_FD_HEADER, stamp, channel, direction, code, identifier, 0, 0, flags, size, data)
                )
                self._buffer_size += 116
            else:
                self._buffer.append(_CAN_MESSAGE(_HEADER, stamp, channel, direction, frame.dlc, identifier, data))
                self._buffer_size += 48
            self.object_count += 1
            self.stop_timestamp = frame.timestamp
            if self._buffer_size >= self.max_container_size:
                self._flush()


class Trace:
    """A BLF file that is being written. Its time axis is rig time, from 0."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._writer = _Writer(path)
        # Left alone, the writer takes the first frame for the beginning, and every time stamp moves by that much.
        self._writer.start_timestamp = 0.0
        self._closing = ExitStack()
        self._closing.callback(self._writer.stop)

    def record(self, channel: "CanChannel", number: int) -> None:
        """Record every frame of a bus as channel `number`, from 1."""
        self._closing.callback(channel.listen(partial(self._writer.keep, number)))

    def mark(self, text: str, time: int) -> None:
        """Put a mark at rig time `time`, in nanoseconds."""
        self._writer.mark(text.encode("ascii", "backslashreplace").decode("ascii"), time / 1e9)

    def close(self) -> None:
        """Let go of the buses, then write what is left and close the file, whatever a bus says. Twice is harmless."""
        self._closing.close()
