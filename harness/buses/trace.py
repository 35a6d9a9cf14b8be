"""Records all frames of all buses to a BLF file, with marks that say which test they belong to."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import can

    from harness.transports.can_channel import CanChannel

_COMPRESSION = 1
"""A third faster than zlib's default, for files that are a few per cent larger."""


class Trace:
    """A BLF file that is being written. Its time axis is rig time, from 0."""

    def __init__(self, path: Path) -> None:
        from can import BLFWriter  # noqa: PLC0415  importing python-can takes 0.15 s, and only an opened rig needs it

        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._writer = BLFWriter(path, compression_level=_COMPRESSION)
        # Left alone, the writer takes the first frame for the beginning, and every time stamp moves by that much.
        self._writer.start_timestamp = 0.0
        self._stops: list[Callable[[], None]] = []

    def record(self, channel: "CanChannel", number: int) -> None:
        """Record every frame of a bus as channel `number`, from 1."""
        writer = self._writer
        write = writer.on_message_received

        def keep(frame: "can.Message") -> None:
            writer.channel = number
            write(frame)

        self._stops.append(channel.listen(keep))

    def mark(self, text: str, time: int) -> None:
        """Put a mark at rig time `time`, in nanoseconds."""
        self._writer.log_event(text.encode("ascii", "backslashreplace").decode("ascii"), time / 1e9)

    def close(self) -> None:
        """Write what is left and close the file."""
        for stop in self._stops:
            stop()
        self._stops.clear()
        self._writer.stop()
