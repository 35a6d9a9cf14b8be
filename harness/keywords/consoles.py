"""Keywords for the consoles of ECUs: what their logs say, and lines that are sent to them."""

from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from robot.api.deco import keyword

from harness.keywords.judgement import Allowed, judge, time_limit, time_to_look
from harness.quantities import Duration, format_quantity

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.consoles.console import Console
    from harness.consoles.lines import Line
    from harness.keywords.session import Session

_Look: TypeAlias = "Callable[[Callable[[Line], bool], int], Line | None]"
"""Returns the first line that is what is waited for, in so many nanoseconds; None if there is none."""


class ConsoleKeywords:
    """Consoles of ECUs, by the names of their streams, or of their ECUs where those have just one."""

    def __init__(self, session: "Session") -> None:
        self._session = session

    @keyword
    def log_should_contain(self, console: str, text: str, within: str) -> None:
        """Judges that a line with a text is logged within a time from now: a duration, or a limit's name.

        Upper and lower case matter. Escape sequences, such as those for colours, are no part of a line. A line that has
        not ended, such as a prompt, is looked at when the time is over. For the answer to a line that is sent there is
        `Answer Should Contain`: on a bench it may come before this keyword looks.

        Example:
        | `Set Supply Voltage`    8.5 V
        | `Log Should Contain`    head unit console    power: undervoltage    within=supply_state_time
        """
        found = self._session.rig.console(console)
        self._judge_time(found, f"time until {text!r} in {found.name}", text, within, found.watch)

    @keyword
    def answer_should_contain(self, console: str, line: str, text: str, within: str) -> None:
        """Sends a line to a console, as `Send Line`, and judges that a line with a text comes within a time from then.

        Example:
        | `Answer Should Contain`    head unit console    version    hardware none    within=1 s
        """
        found = self._session.rig.console(console)
        name = f"time until {text!r} in answer to {line!r} in {found.name}"
        self._judge_time(found, name, text, within, partial(found.ask, line))

    @keyword
    def log_should_not_contain(self, console: str, text: str, during: Duration) -> None:
        """Judges that no line with a text is logged for a time from now, be it one that has not ended.

        Example:
        | `Log Should Not Contain`    head unit console    kernel panic    during=2 s
        """
        session = self._session
        found = session.rig.console(console)
        duration = time_to_look(during.ns)
        end = session.rig.clock.now + duration
        line, seen = _first_with(text, found.watch, duration)
        judge(
            session,
            f"lines with {text!r} in {found.name} in {during}",
            value=int(line is not None),
            allowed=Allowed(high=0),
            holds=line is None,
            actual=f"{_count(seen)} came without" if line is None else f"there was {line.text!r}",
            source=_source(found, line),
            doubtful=line is not None and line.time > end,
        )

    @keyword
    def send_line(self, console: str, text: str) -> None:
        """Sends a line to a console, as somebody who types it. `Answer Should Contain` judges what comes of it.

        Example:
        | `Send Line`    head unit console    version
        """
        self._session.rig.console(console).send_line(text)

    def _judge_time(self, console: "Console", name: str, text: str, within: str, look: _Look) -> None:
        """Judge that a line with a text comes in time."""
        session = self._session
        timeout, limit_source = time_limit(session, within, "within")
        start = session.rig.clock.now
        line, seen = _first_with(text, look, timeout)
        took = None if line is None else max(line.time - start, 0) / 1e9
        last = f", the last one {seen[-1]!r}" if seen else ""
        allowed = Allowed("s", high=timeout / 1e9, source=limit_source)
        judge(
            session,
            name,
            value=took,
            allowed=allowed,
            holds=took is not None and allowed.holds(took),
            actual=f"{_count(seen)} came{last}" if took is None else f"it was {format_quantity(took, 's')}",
            source=_source(console, line),
            uncertainty=console.uncertainty,
        )


def _first_with(text: str, look: _Look, timeout: int) -> "tuple[Line | None, list[str]]":
    """Return the first line with a text, and all lines up to it."""
    seen: list[str] = []

    def has_text(line: "Line") -> bool:
        seen.append(line.text)
        return text in line.text

    return look(has_text, timeout), seen


def _count(lines: list[str]) -> str:
    return "1 line" if len(lines) == 1 else f"{len(lines) or 'no'} lines"


def _source(console: "Console", line: "Line | None") -> str:
    place = f"console:{console.name}"
    return place if line is None else f"{place}@{line.time / 1e9:.6f} s"
