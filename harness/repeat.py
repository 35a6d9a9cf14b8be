"""Runs suites again and again, and shows how their measurements spread.

Each repetition is a run of its own, in a folder of its own. Repetition n has the seed of the run and n - 1: on a
virtual rig with one seed all would be the same, byte by byte.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import count as count_from
from pathlib import Path

from rich.console import Console
from rich.text import Text
from robot.api import TestSuite

from harness.errors import HarnessError
from harness.execution import Ended, count, execute, show_summary
from harness.plan import Plan
from harness.progress import Progress
from harness.results.combined import Part, measurements_of, read_result, write_combined
from harness.results.percentiles import Spread, percentile_doc, percentile_table, spreads
from harness.results.run_folder import RunFacts, write_run_facts
from harness.results.verdict import NOT_TO_BE_TRUSTED, Verdict, worst
from harness.stop_signals import StopSignals

REPORTS = ("report.html", "repetitions.json", "junit.xml")


def repeat(
    suite: TestSuite,
    folder: Path,
    facts: RunFacts,
    plan: Plan,
    *,
    until_fail: bool,
    stop: StopSignals,
    console: Console,
) -> int:
    """Run suites as often as the plan says, and return the worst exit code.

    Args:
        suite: what to run.
        folder: of the whole run.
        facts: about it.
        plan: how often, and with which seed first.
        until_fail: whether the first test that fails is the last one.
        stop: takes the signals; the first ends the repetitions.
        console: what is shown, is shown on.
    """
    made: list[tuple[Part, Ended]] = []
    for number in count_from(1):
        place = folder / f"repetition-{number:04}"
        place.mkdir()
        seed = plan.seed + number - 1
        of = f" of {plan.repetitions}" if plan.repetitions else ""
        console.print(Text(f"Repetition {number}{of}, seed {seed}", style="bold"))
        ended = execute(
            suite.deepcopy(),
            place,
            replace(facts, seed=seed, started=datetime.now(UTC).astimezone()),
            variables=plan.variables(seed),
            stop=stop,
            progress=Progress(console, only_what_did_not_pass=True),
            until_failure=until_fail,
        )
        if not ended.complete:
            return NOT_TO_BE_TRUSTED
        console.print(Text(f"  {count(ended.outcomes)}; {ended.wall_seconds:.1f} s"))
        made.append((Part(place.name, place, read_result(place / "output.xml", steps=False)), ended))
        if stop.arrived or number == plan.repetitions or (until_fail and ended.code):
            break
    try:
        ended, found = _report(made, folder, facts)
    except HarnessError as error:
        console.print(Text(f"The reports are not complete: {error}", style="bold red"), soft_wrap=True)
    except SystemExit:
        console.print("Stopped by force: the reports are not complete.", style="bold red")
    else:
        console.print()
        console.print(percentile_table(found))
        show_summary(console, ended, folder, stop, REPORTS, table=False)
        return ended.code
    return NOT_TO_BE_TRUSTED


def _report(made: list[tuple[Part, Ended]], folder: Path, facts: RunFacts) -> tuple[Ended, list[Spread]]:
    """Write the reports of all repetitions together."""
    found = spreads(measurements_of(part.folder) for part, _ in made)
    parts = [part for part, _ in made]
    last = made[-1][1].facts
    code = max(ended.code for _, ended in made)
    metadata = {"Repetitions": str(len(made)), "Seeds": f"{facts.seed} to {last.seed}"}
    outcomes = write_combined(
        "Repetitions", parts, folder, facts, doc=percentile_doc(found), metadata=metadata, log=False
    )
    whole = replace(
        last,
        seed=facts.seed,
        started=facts.started,
        ended=datetime.now(UTC).astimezone(),
        exit_code=code,
        rig_seconds=sum(ended.facts.rig_seconds for _, ended in made),
    )
    write_run_facts(folder, whole)
    _write_json(folder / "repetitions.json", made, found, code)
    errors = [f"{part.name}: {error}" for part, ended in made for error in ended.errors]
    return Ended(code, whole, outcomes, errors, sum(ended.wall_seconds for _, ended in made)), found


def _write_json(path: Path, made: list[tuple[Part, Ended]], found: list[Spread], code: int) -> None:
    repetitions = [
        {
            "name": part.name,
            "seed": ended.facts.seed,
            "verdict": worst(it.verdict for it in ended.outcomes),
            "verdicts": _counted(it.verdict for it in ended.outcomes),
            "exit_code": ended.code,
        }
        for part, ended in made
    ]
    verdict = worst(it.verdict for _, ended in made for it in ended.outcomes)
    whole = {
        "verdict": verdict,
        "exit_code": code,
        "repetitions": repetitions,
        "measurements": [asdict(it) for it in found],
    }
    path.write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")


def _counted(verdicts: Iterable[Verdict]) -> dict[str, int]:
    counts = Counter(verdicts)
    return {str(verdict): counts[verdict] for verdict in Verdict if counts[verdict]}
