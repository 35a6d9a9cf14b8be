"""Bytes of a console made into lines of text, each with the time at which it began."""

import codecs
import re
from dataclasses import dataclass

LONGEST = 4096
"""Bytes of a line; a longer one is cut, and what is left is the next line."""

_END = re.compile(rb"\r\n|\r|\n")
_NOT_TEXT = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]?"  # control sequences of ECMA-48, 5.4: colours, cursor moves
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # operating system commands, 8.3.89: window titles
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0a-\x1f\x7f-\x9f]"
)


@dataclass(frozen=True)
class Line:
    """A line of a console."""

    time: int
    """Rig time in nanoseconds at which its first byte was received."""
    text: str
    is_ended: bool = True
    """Whether it is whole. Of one that is not, `time` is when the newest byte was received."""


class LineSplitter:
    r"""Makes lines of pieces of any length.

    A line ends with ``\n``, ``\r\n`` or ``\r``. What is not UTF-8 is shown as ``\xff``; escape sequences and control
    characters but tabs are left out, and so is a line of which nothing is left then.
    """

    def __init__(self) -> None:
        self.rest = b""
        """What has come of a line that has not ended."""
        self.begun = 0
        """When its first byte was received: rig time in nanoseconds."""
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
            self._end_line(self.rest, lines)
            self.rest = b""
        self._add(rest, time, lines)
        return lines

    def _add(self, piece: bytes, time: int, lines: list[Line]) -> None:
        if not self.rest:
            self.begun = time
        self.rest += piece
        while len(self.rest) > LONGEST:
            self._end_line(self.rest[:LONGEST], lines)
            self.rest, self.begun = self.rest[LONGEST:], time

    def _end_line(self, raw: bytes, lines: list[Line]) -> None:
        if text := text_of(raw):
            lines.append(Line(self.begun, text))


def text_of(raw: bytes, *, is_ended: bool = True) -> str:
    """Return the text of a line, empty where there is nothing to be seen.

    Args:
        raw: its bytes, without its end.
        is_ended: whether they are all; else a character or an escape sequence that is cut at their end is left out.
    """
    text = _NOT_TEXT.sub("", codecs.utf_8_decode(raw, "backslashreplace", is_ended)[0])
    return text if text.strip() else ""
