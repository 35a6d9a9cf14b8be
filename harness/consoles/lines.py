"""Bytes of a console made into lines of text, each with the time at which it began."""

import re
from dataclasses import dataclass

LONGEST = 4096
"""Bytes of a line; a longer one is cut, and what is left is the next line."""

_END = re.compile(rb"\r\n|\r|\n")
_NOT_TEXT = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # control sequences of ECMA-48, 5.4: colours, cursor moves
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # operating system commands, 8.3.89: window titles
    r"|\x1b[ -/]*[0-~]"
    r"|[\x00-\x08\x0a-\x1f\x7f-\x9f]"
)


@dataclass(frozen=True)
class Line:
    """A line of a console."""

    time: int
    """Rig time in nanoseconds at which its first byte was received."""
    text: str


class LineSplitter:
    r"""Makes lines of pieces of any length.

    A line ends with ``\n``, ``\r\n`` or ``\r``. What is not UTF-8 is shown as ``\xff``; escape sequences and control
    characters but tabs are left out, and so is a line of which nothing is left then.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._begun = 0
        self._after_return = False

    def feed(self, data: bytes, time: int) -> list[Line]:
        """Take what was received at rig time `time` (ns); return the lines that end in it."""
        if not data:
            return []
        if self._after_return and data.startswith(b"\n"):
            data = data[1:]
        self._after_return = data.endswith(b"\r")
        *ended, rest = _END.split(data)
        lines: list[Line] = []
        for piece in ended:
            self._add(piece, time, lines)
            self._end_line(self._rest, lines)
            self._rest = b""
        self._add(rest, time, lines)
        return lines

    def _add(self, piece: bytes, time: int, lines: list[Line]) -> None:
        if not self._rest:
            self._begun = time
        self._rest += piece
        while len(self._rest) > LONGEST:
            self._end_line(self._rest[:LONGEST], lines)
            self._rest, self._begun = self._rest[LONGEST:], time

    def _end_line(self, raw: bytes, lines: list[Line]) -> None:
        text = _NOT_TEXT.sub("", raw.decode("utf-8", "backslashreplace"))
        if text.strip():
            lines.append(Line(self._begun, text))
