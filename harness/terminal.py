"""The terminal that a person needs."""

import sys

from harness.errors import HarnessError


def check_terminal(what: str) -> None:
    """Refuse what needs a person where there is none.

    Raises:
        HarnessError: input or output is no terminal.
    """
    if not (sys.stdin and sys.stdin.isatty() and sys.stdout and sys.stdout.isatty()):
        raise HarnessError(f"{what} needs a terminal: somebody to type, and to read")
