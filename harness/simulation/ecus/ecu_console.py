"""Serial console of a simulated ECU: a log in the style of an embedded Linux, and a command line.

What it says is our own [P]: no carmaker publishes the log of an ECU.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from harness.clock import MILLISECOND
from harness.simulation.kernel import Kernel
from harness.simulation.serial_line import SerialLine

_ANSWER = 5 * MILLISECOND
"""From a command to its answer."""
_LONGEST_COMMAND = 256


class EcuConsole:
    """Prints each change of a topic as a line `topic: text`, and answers commands while the ECU is awake."""

    def __init__(
        self,
        line: SerialLine,
        kernel: Kernel,
        commands: Mapping[str, Callable[[], Sequence[str]]],
        *,
        is_awake: Callable[[], bool],
        is_silent: Callable[[], bool],
    ) -> None:
        """`commands` do something and return the lines of their answer."""
        self._line = line
        self._kernel = kernel
        self._commands = commands
        self._is_awake = is_awake
        self._is_silent = is_silent
        self._shown: dict[str, str] = {}
        self._command = b""
        line.on_receive = self._receive

    def log(self, text: str) -> None:
        """Print a line."""
        if not self._is_silent():
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
        if command not in self._commands:
            self.log(f"unknown command: {command}")
            return
        for text in self._commands[command]():
            self.log(text)
