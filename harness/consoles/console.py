"""The console of an ECU as a test sees it: its lines from now on, what it answers, and its log."""

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from harness.clock import MILLISECOND, SECOND, Clock
from harness.consoles.lines import Line, LineSplitter, text_of
from harness.errors import StreamError
from harness.transports.stream import Stream

if TYPE_CHECKING:
    from io import FileIO

_HANDING_OVER = 50 * MILLISECOND
"""From when bytes are received and stamped until they are here, at most [P]: on a bench, on a busy computer."""


class Console:
    """A stream of lines of text, listened to from the start. Lines may come on a thread of the stream."""

    def __init__(self, name: str, stream: Stream, clock: Clock) -> None:
        self.name = name
        self.last_line: Line | None = None
        self._stream = stream
        self._clock = clock
        self._lock = Lock()
        self._splitter = LineSplitter()
        self._watchers: list[Callable[[list[Line], int], None]] = []
        self._log: FileIO | None = None
        self._log_problem = ""
        stream.listen(self._received)

    def _received(self, data: bytes, time: int) -> None:
        with self._lock:
            lines = self._splitter.feed(data, time)
            for line in lines:
                self.last_line = line
                self._write(line.time, line.text)
            for watcher in self._watchers:
                watcher(lines, time)

    @property
    def uncertainty(self) -> float:
        """Seconds that a line may have been held up before it was received, at most."""
        return self._stream.uncertainty

    def record(self, path: Path) -> None:
        """Write each line that is completed from now on to a file: rig time in seconds, and the text.

        Raises:
            OSError: the file cannot be written.
        """
        self.close_record()
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._lock:
            self._log = path.open("wb", buffering=0)
            self._log_problem = ""

    def mark(self, text: str, time: int) -> None:
        """Put a mark into the log at rig time `time`, in nanoseconds."""
        with self._lock:
            self._write(time, f"--- {text}")

    def close_record(self) -> None:
        """Write what has come of a line that has not ended, and close the log. Closing twice is harmless."""
        with self._lock:
            if text := text_of(self._splitter.rest, is_ended=False):
                self._write(self._splitter.begun, text)
            log, self._log = self._log, None
            if log is not None:
                log.close()

    def _write(self, time: int, text: str) -> None:
        """Write one line at once, so that whatever ends the run leaves whole lines behind."""
        if self._log is None:
            return
        line = f"{time / SECOND:12.6f} {text}\n".encode(errors="backslashreplace")
        try:
            if self._log.write(line) == len(line):
                return
            reason = "no space left"
        except OSError as error:
            reason = str(error)
        # A full disk is no reason to receive nothing any more.
        self._log_problem = f"{self._log.name}: lines could not be kept: {reason}"
        self._log.close()
        self._log = None

    def watch(self, until: Callable[[Line], bool], timeout: int) -> Line | None:
        """Look at every line that is completed from now on, until one is what is waited for.

        By the time at which its end was received: a line that was received before but is handed over now does not
        count, one that was received in time, or may have been held up, does, though it is handed over a little later.

        When the time is over, what has come by then of a line that has not ended is looked at too: a prompt, or the
        last words of an ECU. It counts if any of it was received in the time.

        Args:
            until: says of a line whether it is what is waited for; called on the thread of the stream, at the end on
                the caller's, and not again once it has been met or `watch` has returned.
            timeout: nanoseconds to wait at most.

        Returns:
            The line, None when none came in time and its uncertainty.

        Raises:
            StreamError: none came, and the stream itself is broken.
        """
        return self._watch(until, timeout, lambda: None)

    def ask(self, text: str, until: Callable[[Line], bool], timeout: int) -> Line | None:
        """Send a line and `watch` what comes, an answer at once included.

        Raises:
            StreamError: the line could not be sent, or none that was waited for came from a stream that is broken.
        """
        return self._watch(until, timeout, lambda: self.send_line(text))

    def _watch(self, until: Callable[[Line], bool], timeout: int, begin: Callable[[], None]) -> Line | None:
        found = self._clock.event()
        met: list[Line] = []
        rest, rest_at = b"", 0
        earliest = self._clock.now
        longest = timeout + round(self.uncertainty * SECOND)
        latest = earliest + longest

        def look(lines: list[Line], received: int) -> None:
            nonlocal rest, rest_at
            if met or not earliest <= received <= latest:
                return
            rest, rest_at = self._splitter.rest, received
            if line := next(filter(until, lines), None):
                met.append(line)
                found.set()

        with self._lock:
            self._watchers.append(look)
        try:
            begin()
            self._clock.wait(found, longest + _HANDING_OVER)
        finally:
            with self._lock:  # `look` runs under it, and never again from here on
                self._watchers.remove(look)
        if not met and (text := text_of(rest, is_ended=False)):
            met += filter(until, [Line(rest_at, text, is_ended=False)])
        if not met:
            self.check_health()
        return met[0] if met else None

    def send_line(self, text: str) -> None:
        """Send a line of text.

        Raises:
            StreamError: the stream is closed or broken, or the other side does not take it.
        """
        self._stream.send(f"{text}\n".encode())

    def problems(self) -> list[str]:
        """Return what is wrong with the stream or the log, in words; empty while both work."""
        return self._stream.problems() + ([self._log_problem] if self._log_problem else [])

    def check_health(self) -> None:
        """Make sure that the stream works.

        Raises:
            StreamError: it does not; says what is wrong.
        """
        if problems := self._stream.problems():
            raise StreamError(f"stream {self.name} does not work: {', '.join(problems)}")
