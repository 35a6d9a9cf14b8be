"""What drivers of SCPI instruments share: identity, error queue, strict reading of answers.

Sources: IEEE 488.2, chapter 10.14 (`*IDN?`: four fields), chapter 8.7 (numbers in answers); SCPI-99 volume 1, chapter
7.2.1 (9.9E37 infinity, 9.91E37 not a number), volume 2, chapter 21.8 (error queue) [K].
"""

import math
import re
from typing import ClassVar

from harness.errors import InstrumentError
from harness.instruments.driver import Driver
from harness.transports.visa import ScpiSession

_NEXT_ERROR = "SYST:ERR?"
_ERROR = re.compile(r'([+-]?[0-9]{1,6}) ?, ?"?([^"]*)"?', re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_INTEGER = re.compile(r"[+-]?[0-9]{1,9}", re.ASCII)
INFINITY = 9.9e37
_LONGEST_QUEUE = 100
"""Entries after which an error queue counts as broken [P]: real ones hold 10 to 30."""


class ScpiDriver(Driver):
    """Base of the drivers.

    Opening one asks for the identity and only then clears the status: to an instrument that may be the wrong one
    goes nothing but a question.
    """

    manufacturers: ClassVar[frozenset[str]]
    """First fields of the identity that it may have, in lower case: brands change hands."""
    model_field: ClassVar[str]
    """Second field of the identity."""

    def __init__(self, session: ScpiSession) -> None:
        """Check who answers.

        Raises:
            InstrumentError: another instrument than the declared one, or errors that do not clear.
        """
        self._session = session
        self.role = session.role
        self.identity = session.query("*IDN?")
        manufacturer, model = (*(field.strip() for field in self.identity.split(",")), "", "")[:2]
        # Sisters of one firmware write DSOX1204G and DSO-X 1204G.
        spelt = re.sub("[ -]", "", model.upper())
        if manufacturer.lower() not in self.manufacturers or spelt != self.model_field.replace(" ", ""):
            raise InstrumentError(
                f"{self.role}: declared as {self.model}, but the instrument says {self.identity[:80]!r}"
            )
        self._command("*CLS")

    def errors(self) -> list[str]:
        """Read and empty the error queue; each entry is number and text.

        Raises:
            InstrumentError: an entry cannot be read, or the queue does not become empty.
        """
        found: list[str] = []
        while len(found) < _LONGEST_QUEUE:
            answer = self._session.query(_NEXT_ERROR)
            entry = _ERROR.fullmatch(answer)
            if not entry:
                raise self._session.unusable(_NEXT_ERROR, answer, 'a number and a text, such as 0,"No error"')
            if int(entry[1]) == 0:
                return found
            found.append(f"{int(entry[1])} {entry[2]}")
        raise InstrumentError(
            f"{self.role}: the error queue is not empty after {_LONGEST_QUEUE} entries, the last one {found[-1]!r}"
        )

    def close(self) -> None:
        """End the session; the instrument stays as it is. Closing twice is harmless."""
        self._session.close()

    def _command(self, line: str) -> None:
        self._session.write(line)
        if reported := self.errors():
            raise InstrumentError(f"{self.role}: sent {line!r}, the instrument reports {'; '.join(reported)}")

    def _ask_number(self, line: str) -> float:
        number = self._ask_reading(line)
        if abs(number) >= INFINITY:
            raise self._session.unusable(line, f"{number:G}", "a number that is no overload")
        return number

    def _ask_reading(self, line: str) -> float:
        """Ask for a number that may be an overload: `INFINITY` or above."""
        answer = self._session.query(line).strip()
        if not _NUMBER.fullmatch(answer) or not math.isfinite(float(answer)):
            raise self._session.unusable(line, answer, "a decimal number")
        return float(answer)

    def _ask_integer(self, line: str) -> int:
        answer = self._session.query(line).strip()
        if not _INTEGER.fullmatch(answer):
            raise self._session.unusable(line, answer, "an integer")
        return int(answer)

    def _ask_bool(self, line: str) -> bool:
        number = self._ask_integer(line)
        if number not in (0, 1):
            raise self._session.unusable(line, str(number), "0 or 1")
        return number == 1
