"""Percentiles of each measurement over the repetitions of a run."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from harness.quantities import format_quantity
from harness.results.measurement import Measurement
from harness.results.verdict import Verdict

PERCENTS = (50, 95, 99)


@dataclass(frozen=True, kw_only=True)
class Spread:
    """One measurement over all repetitions.

    Attributes:
        suite: label of its suite.
        test: name of its test.
        name: what was measured.
        place: 1 for the first of this name in the test, 2 for the second.
        unit: of all numbers; empty for counts and texts.
        low: lowest allowed value, None for no limit.
        high: highest allowed value, None for no limit.
        limit_source: where the limits come from.
        count: how many readings there are.
        without_number: how many of them were no number: a text, or nothing came.
        verdicts: how often each verdict was given.
        minimum: lowest reading; None, as the others, where there is no number.
        percentiles: readings by percent; each is one that was made (nearest rank).
        maximum: highest reading.
    """

    suite: str
    test: str
    name: str
    place: int
    unit: str
    low: float | None
    high: float | None
    limit_source: str
    count: int
    without_number: int
    verdicts: dict[str, int]
    minimum: float | None
    percentiles: dict[str, float]
    maximum: float | None

    @property
    def allowed(self) -> str:
        """The limits as a table shows them."""
        low, high = (None if it is None else format_quantity(it, self.unit) for it in (self.low, self.high))
        if low is None or high is None:
            return f"≤ {high}" if high is not None else f"≥ {low}" if low is not None else ""
        return f"{low} to {high}"


def nearest_rank(ordered: Sequence[float], percent: int) -> float:
    """Return the percentile of sorted readings: the smallest that `percent` of them are not above."""
    return ordered[max(-(-percent * len(ordered) // 100), 1) - 1]


def spreads(repetitions: Iterable[Iterable[Measurement]]) -> list[Spread]:
    """Return each measurement over all repetitions, in the order in which they were first made."""
    found: dict[tuple[str, str, str, int, str], list[Measurement]] = defaultdict(list)
    for measurements in repetitions:
        places: Counter[tuple[str, str, str]] = Counter()
        for it in measurements:
            key = (it.suite, it.test, it.name)
            places[key] += 1
            found[*key, places[key], it.unit].append(it)
    return [_spread(key, made) for key, made in found.items()]


def _spread(key: tuple[str, str, str, int, str], made: Sequence[Measurement]) -> Spread:
    suite, test, name, place, unit = key
    numbers = sorted(it.value for it in made if isinstance(it.value, int | float))
    limits = {(it.low, it.high, it.limit_source) for it in made}
    low, high, source = limits.pop() if len(limits) == 1 else (None, None, "differs from repetition to repetition")
    verdicts = Counter(it.verdict for it in made)
    return Spread(
        suite=suite,
        test=test,
        name=name,
        place=place,
        unit=unit,
        low=low,
        high=high,
        limit_source=source,
        count=len(made),
        without_number=len(made) - len(numbers),
        verdicts={str(verdict): verdicts[verdict] for verdict in Verdict if verdicts[verdict]},
        minimum=numbers[0] if numbers else None,
        percentiles={f"p{percent}": nearest_rank(numbers, percent) for percent in PERCENTS} if numbers else {},
        maximum=numbers[-1] if numbers else None,
    )


_HEADINGS = (
    "Test",
    "Measurement",
    "Readings",
    "Not PASS",
    "min",
    *(f"p{percent}" for percent in PERCENTS),
    "max",
    "Allowed",
)


def _rows(found: Iterable[Spread]) -> list[tuple[str, ...]]:
    """Return the rows of a table of the measurements that are numbers, and of the others that have failed."""
    rows = []
    for it in found:
        failed = it.count - it.verdicts.get(Verdict.PASS, 0)
        if it.minimum is None or it.maximum is None:
            if not failed:
                continue
            shown = [""] * (len(PERCENTS) + 2)
        else:
            numbers = (it.minimum, *it.percentiles.values(), it.maximum)
            shown = [f"{number + 0.0:.4g} {it.unit}".rstrip() for number in numbers]
        name = it.name if it.place == 1 else f"{it.name} ({it.place})"
        count = f"{it.count}" if not it.without_number else f"{it.count}, {it.without_number} without a number"
        rows.append((it.test, name, count, f"{failed}" if failed else "", *shown, it.allowed))
    return rows


def percentile_table(found: Iterable[Spread]) -> Table:
    """Return the table for a terminal."""
    table = Table(*_HEADINGS)
    for row in _rows(found):
        table.add_row(*map(Text, row))
    return table


def percentile_doc(found: Iterable[Spread]) -> str:
    """Return the table as the documentation of a Robot suite, which the report shows."""
    lines = [" | ".join(f"={heading}=" for heading in _HEADINGS)]
    lines += [" | ".join(cell.replace("|", "/") or " " for cell in row) for row in _rows(found)]
    return "\n".join(f"| {line} |" for line in lines)
