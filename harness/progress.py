"""Shows how a Robot run gets on: each test with its verdict as it ends, and what goes wrong outside of tests."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text
from robot import result

from harness.results.outcome import first_line
from harness.results.summary import VERDICT_STYLE
from harness.results.verdict import Verdict, verdict_of
from harness.tables import from_here

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status
    from robot import running

_VERDICT_WIDTH = max(map(len, Verdict))


class Progress:
    """Listener of a run, version 3 of Robot's listener interface. Colours only repeat what the words say.

    Args:
        console: where to show it.
        only_what_did_not_pass: whether to leave out suites, and tests that have passed, were skipped or not reached.
    """

    ROBOT_LISTENER_API_VERSION = 3
    ROBOT_LISTENER_PRIORITY = -1
    """After the listener of the library, which gives the verdicts."""

    def __init__(self, console: "Console", *, only_what_did_not_pass: bool = False) -> None:
        self.console = console
        self._quiet = only_what_did_not_pass
        self._running: Status | None = None
        self._stopped = False
        """Whether tests are only passed over from now on."""
        self._heading = ""
        """Name of the suite that runs, until something of it is shown."""
        self._failed: list[tuple[result.Keyword, str]] = []
        """Keywords of the test that have failed, the inner ones first, with the places of their calls."""
        self.errors: list[str] = []
        """What went wrong where no test takes it, from Robot, the suites' files or the rig."""

    def start_suite(self, data: "running.TestSuite", result: "result.TestSuite") -> None:
        """Take the name of a suite with tests, to be shown with the first that is reached."""
        if data.tests and not self._quiet:
            self._heading = result.full_name

    def start_test(self, data: "running.TestCase", result: "result.TestCase") -> None:  # noqa: ARG002
        """Show the name of its suite, and on a terminal which test runs."""
        self._failed.clear()
        if self._stopped:
            return
        self._show_heading()
        if self.console.is_terminal:
            self._running = self.console.status(Text(data.name))
            self._running.start()

    def hold(self) -> None:
        """Leave the terminal to somebody else until the test ends."""
        if self._running:
            self._running.stop()
            self._running = None

    def end_keyword(self, data: "running.Keyword", result: "result.Keyword") -> None:
        """Keep where a keyword stands that has failed."""
        if result.status == "FAIL" and data.source and data.lineno:
            self._failed.append((result, f"{from_here(Path(data.source))}:{data.lineno}"))

    def end_test(self, data: "running.TestCase", result: "result.TestCase") -> None:
        """Show the verdict of a test; when it did not pass, the step that failed and the first line of the message.

        A test that was not reached is only counted, at the end of the run.
        """
        self.hold()
        verdict = verdict_of(result)
        self._stopped = self._stopped or verdict in {Verdict.NOT_RUN, Verdict.ABORTED}
        if verdict is Verdict.NOT_RUN or (self._quiet and verdict in {Verdict.PASS, Verdict.SKIPPED}):
            return
        name = result.full_name if self._quiet else data.name
        self._print(Text.assemble("  ", (f"{verdict:{_VERDICT_WIDTH}}", VERDICT_STYLE[verdict]), "  ", name))
        if verdict is not Verdict.PASS:
            place = next((f"{place}: " for keyword, place in self._failed if _reached(keyword)), "")
            self._print(Text(f"{'':{_VERDICT_WIDTH + 6}}{place}{first_line(result.message)}"))

    def end_suite(self, data: "running.TestSuite", result: "result.TestSuite") -> None:  # noqa: ARG002
        """Show that the teardown of a suite failed: it takes the verdicts of all its tests with it."""
        if result.has_teardown and result.teardown.failed:
            self._print(
                Text(f"ERROR: the teardown of {result.full_name} failed: {first_line(result.teardown.message)}")
            )

    def message(self, message: "result.Message") -> None:
        """Show warnings and errors that belong to no test, and keep the errors."""
        if message.level == "ERROR":
            self.errors.append(message.message)
        if message.level in ("WARN", "ERROR"):
            self._print(Text(f"{message.level}: {message.message}"))

    def _show_heading(self) -> None:
        heading, self._heading = self._heading, ""
        if heading:
            self._print(Text(heading, style="bold"))

    def _print(self, text: Text) -> None:
        self._show_heading()
        self.console.print(text, soft_wrap=True)


def _reached(keyword: "result.Keyword") -> bool:
    """Say whether the failure of a keyword reached its test; what was caught has passed further out."""
    outer = keyword.parent
    while not isinstance(outer, result.TestCase | result.TestSuite):
        if outer.status != "FAIL":
            return False
        outer = outer.parent
    return True
