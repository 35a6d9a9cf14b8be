"""The table of verdicts that a run ends with."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from harness.results.outcome import Outcome
from harness.results.verdict import Verdict

VERDICT_STYLE = {
    Verdict.PASS: "green",
    Verdict.SKIPPED: "yellow",
    Verdict.NOT_RUN: "yellow",
    Verdict.INCONCLUSIVE: "magenta",
    Verdict.FAIL: "bold red",
    Verdict.ERROR: "bold magenta",
    Verdict.ABORTED: "bold magenta",
}


def verdict_table(outcomes: Iterable[Outcome]) -> Table:
    """Return a table of the tests that were reached: verdict, requirements, seconds of rig time."""
    table = Table("Verdict", "Test", "Requirement")
    table.add_column("Rig s", justify="right")
    for outcome in outcomes:
        if outcome.verdict is Verdict.NOT_RUN:
            continue
        # Texts, not markup: names may have square brackets.
        table.add_row(
            Text(outcome.verdict, style=VERDICT_STYLE[outcome.verdict]),
            Text(f"{outcome.suite}.{outcome.name}"),
            Text(", ".join(outcome.requirements)),
            "" if outcome.rig_seconds is None else f"{outcome.rig_seconds:.3f}",
        )
    return table
