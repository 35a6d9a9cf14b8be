"""Holds a run at each test that fails, before its teardown, and lets keywords be typed."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from robot import result
from robot.libraries.BuiltIn import BuiltIn

from harness.Hil import Hil
from harness.prompt import prompt
from harness.typed_keywords import TypedKeywords

if TYPE_CHECKING:
    from robot import running

    from harness.keywords.session import Session
    from harness.progress import Progress
    from harness.stop_signals import StopSignals


class PauseOnFail:
    """Listener of a run, version 3 of Robot's listener interface.

    Args:
        progress: what shows how the run gets on; it is quiet meanwhile.
        stop: takes the signals; a run that is to end does not pause.
        say: shows a line.
    """

    ROBOT_LISTENER_API_VERSION = 3
    ROBOT_LISTENER_PRIORITY = 1
    """Before the listener of the library, which takes back what a test has changed."""

    def __init__(self, progress: "Progress", stop: "StopSignals", say: Callable[[str], None]) -> None:
        self._progress = progress
        self._stop = stop
        self._say = say
        self._paused = ""

    def start_keyword(self, data: "running.Keyword", result: "result.Keyword") -> None:
        """Pause before the teardown of a test."""
        if data.type == data.TEARDOWN and _is_test(result.parent):
            self._look_at(result.parent)

    def end_test(self, data: "running.TestCase", result: "result.TestCase") -> None:  # noqa: ARG002  Robot hands both over
        """Pause at the end of a test without a teardown."""
        self._look_at(result)

    def _look_at(self, test: "result.TestCase") -> None:
        imported: Any = BuiltIn().get_library_instance(all=True)
        library = next((it for it in imported.values() if isinstance(it, Hil)), None)
        if library is None or self._stop.arrived or self._paused == test.id:
            return
        listeners: Any = library.ROBOT_LIBRARY_LISTENER
        session: Session = listeners[0].session
        judged = session.judged(session.test) if session.is_open else []
        if not session.is_open or not (test.failed or judged):
            return
        self._paused = test.id
        self._progress.hold()
        self._say(f"{test.full_name} has failed at {session.rig.clock.now / 1e9:.3f} s of rig time; the run holds.")
        for line in dict.fromkeys([test.message, *judged]):
            self._say(f"  {line}")
        with session.aside("prompt"):
            prompt(
                TypedKeywords(library, session),
                self._say,
                leave="continue",
                leaves="goes on with the teardown of the test",
                stopped=lambda: self._stop.arrived,
            )


def _is_test(item: object) -> bool:
    return isinstance(item, result.TestCase)
