"""The terminal that a person needs, and output that goes on when nobody takes it any more."""

import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

from harness.errors import HarnessError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def check_terminal(what: str) -> None:
    """Refuse what needs a person where there is none.

    Raises:
        HarnessError: input or output is no terminal.
    """
    if not (sys.stdin and sys.stdin.isatty() and sys.stdout and sys.stdout.isatty()):
        raise HarnessError(f"{what} needs a terminal: somebody to type, and to read")


def outlast_readers() -> None:
    """Let this process go on when nobody takes what it prints: whoever reads must not decide how a rig is left.

    What is printed into a pipe whose reader has gone, to a full disk, to a stream that was closed from the beginning or
    to a terminal that has been closed is lost; nothing else changes, the exit code included.
    """
    sys.stdout, sys.stderr = _lasting(sys.stdout, 1), _lasting(sys.stderr, 2)


def _lasting(stream: TextIO | None, descriptor: int) -> TextIO:
    if stream is None:
        _discard(descriptor)
    elif os.name == "nt" and stream.isatty():  # a console there takes texts, no bytes
        stream.reconfigure(errors="backslashreplace")  # type: ignore[attr-defined]  # the streams of a process can
        return stream
    lasting = io.BufferedWriter(_LastingFile(descriptor, "w", closefd=False))
    encoding = stream.encoding if stream else "utf-8"
    # A name or message may have letters that the terminal does not.
    return io.TextIOWrapper(lasting, encoding, errors="backslashreplace", line_buffering=True)


class _LastingFile(io.FileIO):
    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return super().write(data)
        except OSError:
            _discard(self.fileno())
            return memoryview(data).nbytes


def _discard(descriptor: int) -> None:
    """Let all that is written to a descriptor go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    if nowhere != descriptor:
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
