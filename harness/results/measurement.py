"""Measurements: every judgement of a run with its value, limits and source, kept as lines of JSON."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.errors import BenchError, HarnessError
from harness.quantities import format_quantity
from harness.results.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One judgement: what was measured, what was allowed, and where both come from.

    Attributes:
        time: rig time in seconds.
        suite: long name of the Robot suite.
        test: name of the test in it.
        name: what was measured.
        value: the reading; None where there was none.
        unit: unit of value and limits; empty for texts.
        low: lowest allowed value, None for no limit.
        high: highest allowed value, None for no limit.
        expected: the only allowed value, where it is a text.
        uncertainty: how far the reading may be off, in its unit.
        verdict: what the judgement found.
        requirements: requirements that it is evidence for.
        limit_source: where the limits come from.
        source: what was read, and when: ``can:chassis/0x23C@12.340 s``, ``instrument:supply``.
        instrument: identity and calibration of the instrument.
        message: anything else that a reader of the report has to know.
    """

    time: float
    suite: str
    test: str
    name: str
    value: float | str | None
    unit: str
    low: float | None
    high: float | None
    expected: str | None
    uncertainty: float = 0.0
    verdict: Verdict
    requirements: tuple[str, ...]
    limit_source: str
    source: str
    instrument: str
    message: str

    def __str__(self) -> str:
        """Return the line that a report shows."""
        parts = [
            f"{self.time:.3f} s",
            self.verdict,
            f"{self.name}: {'no value' if self.value is None else self._with_unit(self.value)}",
            self._allowed(),
            self.source and f"from {self.source}",
            ", ".join(self.requirements),
            self.message,
        ]
        return "  ".join(part for part in parts if part)

    def _allowed(self) -> str:
        bounds = [
            *([f"expected {self.expected}"] if self.expected is not None else []),
            *([f"at least {self._with_unit(self.low)}"] if self.low is not None else []),
            *([f"at most {self._with_unit(self.high)}"] if self.high is not None else []),
        ]
        allowed = ", ".join(bounds)
        return f"{allowed} ({self.limit_source})" if allowed and self.limit_source else allowed

    def _with_unit(self, value: float | str) -> str:
        return value if isinstance(value, str) else format_quantity(value, self.unit)


class MeasurementLog:
    """Writes measurements to a file as they are made, one JSON object a line; identical input gives identical bytes.

    Each line reaches the operating system in one write, so that whatever ends the run leaves whole lines behind.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("ab", buffering=0)

    def append(self, measurement: Measurement) -> None:
        """Write one measurement.

        Raises:
            BenchError: the file system did not take all of it.
        """
        fields = {name: _json_value(value) for name, value in asdict(measurement).items()}
        text = json.dumps(fields, ensure_ascii=False, allow_nan=False) + "\n"
        # A text from a broken encoding holds lone surrogates, which UTF-8 has no bytes for: JSON escapes them.
        line = text.encode("utf-8", errors="backslashreplace")
        try:
            written = self._file.write(line)
        except OSError as error:
            raise BenchError(f"{self._path}: a measurement could not be kept: {error}") from error
        if written != len(line):
            raise BenchError(f"{self._path}: only {written} of {len(line)} bytes of a measurement could be kept")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_measurements(path: Path) -> tuple[list[Measurement], str]:
    """Read measurements back, and the last line as it stands if it was cut off (else an empty text).

    Raises:
        HarnessError: another line is damaged.
    """
    *lines, rest = path.read_text(encoding="utf-8", errors="replace").split("\n")
    return [_read_line(path, number, line) for number, line in enumerate(lines, 1)], rest


def _read_line(path: Path, number: int, line: str) -> Measurement:
    try:
        fields = json.loads(line)
        fields["requirements"] = tuple(fields["requirements"])
        fields["verdict"] = Verdict(fields["verdict"])
        return Measurement(**fields)
    except (ValueError, TypeError, KeyError) as error:
        raise HarnessError(f"{path}:{number}: no measurement but {line[:80]!r}: {error}") from error


def _json_value(value: object) -> object:
    """Return the value as JSON knows it: it has no numbers for infinite and undefined readings."""
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value
