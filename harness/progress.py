"""Shows how a Robot run gets on: each test with its verdict as it ends, and what goes wrong outside of tests."""

from typing import TYPE_CHECKING

from rich.text import Text

from harness.results.outcome import first_line
from harness.results.summary import VERDICT_STYLE
from harness.results.verdict import Verdict, verdict_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status
    from robot import result, running

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
        self.errors: list[str] = []
        """What went wrong where no test takes it, from Robot, the suites' files or the rig."""

    def start_suite(self, data: "running.TestSuite", result: "result.TestSuite") -> None:
        """Show the name of a suite with tests."""
        if data.tests and not self._quiet:
            self._print(Text(result.full_name, style="bold"))

    def start_test(self, data: "running.TestCase", result: "result.TestCase") -> None:  # noqa: ARG002
        """Show on a terminal which test runs."""
        if self.console.is_terminal:
            self._running = self.console.status(Text(data.name))
            self._running.start()

    def hold(self) -> None:
        """Leave the terminal to somebody else until the test ends."""
        if self._running:
            self._running.stop()
            self._running = None

    def end_test(self, data: "running.TestCase", result: "result.TestCase") -> None:
        """Show the verdict of a test, and the first line of its message when it did not pass."""
        self.hold()
        verdict = verdict_of(result)
        if self._quiet and verdict in {Verdict.PASS, Verdict.SKIPPED, Verdict.NOT_RUN}:
            return
        name = result.full_name if self._quiet else data.name
        self._print(Text.assemble("  ", (f"{verdict:{_VERDICT_WIDTH}}", VERDICT_STYLE[verdict]), "  ", name))
        if verdict is not Verdict.PASS:
            self._print(Text(f"{'':{_VERDICT_WIDTH + 6}}{first_line(result.message)}"))

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

    def _print(self, text: Text) -> None:
        self.console.print(text, soft_wrap=True)
