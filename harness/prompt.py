"""A prompt for keywords. While it waits, the rig lives on: a virtual rig keeps step with the wall clock."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Self

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.completion import Completer, Completion
from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from harness.clock import MILLISECOND
from harness.completion import complete
from harness.errors import HarnessError, JudgementFailure
from harness.transports.wall_clock import WallClock
from harness.typed_keywords import TypedKeywords

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document
    from prompt_toolkit.eventloop.inputhook import InputHookContext

    from harness.results.measurement import Measurement
    from harness.rig.rig import Rig

STEP = 10 * MILLISECOND
"""How far a virtual rig goes at once while nobody types."""
_LONGEST_STEP = 200 * MILLISECOND
"""A computer that slept, or is too slow, makes rig time late; it does not make the prompt deaf."""
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))

HELP = """\
A keyword and its arguments, two spaces or more between them, as in a suite; the Tab key completes.
Ctrl-C ends a keyword; Ctrl-D, or {leave}, {leaves}. `hil docs` writes what each keyword does."""
_HELP = ("help", "?")
_LEAVE = ("exit", "quit")
"""Words that leave any prompt, besides its own."""

Handler = Callable[[int, FrameType | None], object] | int | None


class _Stopped(Exception):
    """Ctrl-C while a keyword ran, or a signal that ends the run."""


def prompt(
    keywords: TypedKeywords, say: Callable[[str], None], *, leave: str, leaves: str, stopped: Callable[[], bool]
) -> None:
    """Run what is typed until the user leaves.

    Args:
        keywords: what can be typed.
        say: shows a line.
        leave: the word that leaves.
        leaves: what happens then, in words.
        stopped: whether the run is to end; the prompt is left then.
    """
    rig = keywords.session.rig
    pace = _Pace(rig, say)

    def live(context: "InputHookContext") -> None:
        while not context.input_is_ready():
            if stopped():
                get_app().exit(exception=EOFError())
                return
            pace.catch_up()
            pace.wall.sleep(STEP)

    say(HELP.format(leave=leave, leaves=leaves))
    asking: PromptSession[str] = PromptSession(
        history=_history(), completer=_Completer(keywords, rig), complete_while_typing=False
    )
    with _Signals() as signals:
        while not stopped():
            try:
                line = asking.prompt("hil> ", inputhook=live, handle_sigint=False).strip()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            word = line.casefold()
            if word in {leave, *_LEAVE}:
                return
            if word in _HELP:
                say(HELP.format(leave=leave, leaves=leaves))
            elif line:
                pace.catch_up()
                _run(keywords, line, say, signals)
                pace.skip()


def _run(keywords: TypedKeywords, line: str, say: Callable[[str], None], signals: "_Signals") -> None:
    def show(measurement: "Measurement") -> None:
        time = f"{measurement.time:.3f} s  {measurement.verdict}"
        say(f"  {time}  {measurement.message}" if measurement.message else f"  {measurement}")

    session = keywords.session
    before, session.told = session.told, show
    try:
        signals.keyword_runs = True
        result = keywords.run(line)
        signals.keyword_runs = False
    except _Stopped:
        say("  stopped")
    except JudgementFailure:
        pass  # the measurement says it all
    except HarnessError as error:
        say(f"  {error}")
    except Exception as error:  # noqa: BLE001  whatever it is, the prompt goes on
        say(f"  {type(error).__name__}: {error}")
    else:
        if result is not None:
            say(f"  {result}")
    finally:
        signals.keyword_runs = False
        session.told = before


class _Signals:
    """Lets Ctrl-C, and the signals that end a run, stop the keyword that runs; without one, Ctrl-C does nothing.

    Pressed twice, it must not end the run: whoever is impatient would lose the rig that they look at.
    """

    def __init__(self) -> None:
        self.keyword_runs = False
        self._before: dict[int, Handler] = {}

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        before = self._before[number]
        if number != signal.SIGINT and callable(before):
            before(number, frame)
        if self.keyword_runs:
            self.keyword_runs = False
            raise _Stopped


class _Pace:
    """Lets a virtual rig keep step with the wall clock; a bench does so by itself."""

    def __init__(self, rig: "Rig", say: Callable[[str], None]) -> None:
        self.wall = WallClock()
        self._clock = rig.clock if rig.facts.is_virtual else None
        self._say = say
        self._before = 0

    def catch_up(self) -> None:
        """Let as much rig time pass as wall time has since the last look."""
        now = self.wall.now
        if self._clock:
            try:
                self._clock.sleep(min(now - self._before, _LONGEST_STEP))
            except HarnessError as error:
                self._clock = None
                self._say(f"The rig stands still: {error}")
        self._before = now

    def skip(self) -> None:
        """Count from now on: a keyword has its own time."""
        self._before = self.wall.now


class _Completer(Completer):
    def __init__(self, keywords: TypedKeywords, rig: "Rig") -> None:
        self._keywords = keywords.arguments
        self._rig = rig

    def get_completions(self, document: "Document", complete_event: "CompleteEvent") -> "Iterable[Completion]":  # noqa: ARG002
        typed, found = complete(document.text_before_cursor, self._keywords, self._rig)
        return [Completion(name, start_position=-len(typed)) for name in found]


def _history() -> History:
    """Return what was typed before, kept for the user where the file system lets it."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    path = Path(state) / "hil" / "history"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(path)
