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
    """Return a table of the tests: verdict, requirements, seconds of the rig and of the wall clock, message."""
    table = Table("Test", "Verdict", "Requirement")
    table.add_column("Rig s", justify="right")
    table.add_column("Wall s", justify="right")
    table.add_column("Message")
    for outcome in outcomes:
        # Texts, not markup: names and messages may have square brackets.
        table.add_row(
            Text(f"{outcome.suite}.{outcome.name}"),
            Text(outcome.verdict, style=VERDICT_STYLE[outcome.verdict]),
            Text(", ".join(outcome.requirements)),
            "" if outcome.rig_seconds is None else f"{outcome.rig_seconds:.3f}",
            f"{outcome.seconds:.3f}",
            Text(outcome.first_line),
        )
    return table
