"""Serial console of the simulated head unit: a log in the style of an embedded Linux, and a command line.

What it says is our own [P]: no carmaker publishes the log of a head unit.
"""

from collections.abc import Callable, Mapping
from functools import partial

from harness.clock import MILLISECOND
from harness.simulation.kernel import Kernel
from harness.simulation.serial_line import SerialLine

IDENTITY = {"part": "simulated head unit", "hardware": "none", "software": "model of this harness"}
"""What the command `version` answers; rig files declare the same."""
WRONG_SOFTWARE = "model of another harness"

_ANSWER = 5 * MILLISECOND
"""From a command to its answer."""
_LONGEST_COMMAND = 256


class HeadUnitConsole:
    """Prints each change of a topic as a line `topic: text`, and answers commands while the head unit is awake."""

    def __init__(
        self, line: SerialLine, kernel: Kernel, *, is_awake: Callable[[], bool], has: Callable[[str], bool]
    ) -> None:
        self._line = line
        self._kernel = kernel
        self._is_awake = is_awake
        self._has = has
        self._shown: dict[str, str] = {}
        self._command = b""
        line.on_receive = self._receive

    def log(self, text: str) -> None:
        """Print a line."""
        if not self._has("silent console"):
            self._line.write(f"{text}\r\n".encode())

    def show(self, states: Mapping[str, str]) -> None:
        """Print the states of those topics that have changed since they were shown last."""
        for topic, state in states.items():
            if self._shown.get(topic) != state:
                self._shown[topic] = state
                self.log(f"{topic}: {state}")

    def begin(self, states: Mapping[str, str]) -> None:
        """Take these states as shown: they go without saying after a start."""
        self._shown = dict(states)
        self._command = b""

    def _receive(self, data: bytes) -> None:
        if not self._is_awake():
            self._command = b""
            return
        *commands, self._command = (self._command + data).replace(b"\r", b"\n").split(b"\n")
        self._command = self._command[:_LONGEST_COMMAND]
        for command in commands:
            if text := command.decode("ascii", "backslashreplace").strip():
                self._kernel.at(self._kernel.now + _ANSWER, partial(self._answer, text))

    def _answer(self, command: str) -> None:
        if not self._is_awake():
            return
        if command != "version":
            self.log(f"unknown command: {command}")
            return
        wrong = {"software": WRONG_SOFTWARE} if self._has("wrong version") else {}
        for name, value in {**IDENTITY, **wrong}.items():
            self.log(f"{name} {value}")
