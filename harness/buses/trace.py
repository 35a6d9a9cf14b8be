"""Records all frames of all buses to a BLF file, with marks that say which test they belong to."""

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from struct import Struct
from threading import Lock
from typing import TYPE_CHECKING

from can import BLFWriter, Message

if TYPE_CHECKING:
    from harness.transports.can_channel import CanChannel

_COMPRESSION = 1
"""A third faster than zlib's default, for files that are a few per cent larger."""
_HEADER = Struct("<4sHHLL LHH").pack(b"LOBJ", 32, 1, 48, 1, 2, 0, 0)
"""Of a CAN message, as python-can's `blf.py` has it, up to the time stamp."""
_CAN_MESSAGE = Struct("<24sQHBBL8s").pack
"""Header, time stamp in nanoseconds, channel, direction, length, identifier, data."""
_EXTENDED = 0x80000000


class _Writer(BLFWriter):
    """python-can's writer, with a way of its own for what nearly all frames are.

    Half the time goes by on what a classic data frame does not need. The bytes are the same, but for time stamps,
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
            if frame.is_fd or frame.is_remote_frame or frame.is_error_frame:
                self.channel = channel
                self.on_message_received(frame)
                return
            stamp = (frame.timestamp * 1e9).__round__()
            self._buffer.append(_CAN_MESSAGE(_HEADER, stamp, channel, direction, frame.dlc, identifier, frame.data))
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
