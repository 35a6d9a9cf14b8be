"""Takes turns between us and a peer, and prints what came out as a line of JSON."""

import json
from collections.abc import Callable
from statistics import median
from time import perf_counter

RUNS = 5


def seconds(action: Callable[[], object]) -> float:
    """Return how long an action takes on the wall clock."""
    start = perf_counter()
    action()
    return perf_counter() - start


def in_turn(*actions: Callable[[], float], runs: int = RUNS) -> list[float]:
    """Run the actions in turn, `runs` times each; return the median of what each returns."""
    results: list[list[float]] = [[] for _ in actions]
    for _ in range(runs):
        for action, found in zip(actions, results, strict=True):
            found.append(action())
    return [median(found) for found in results]


def report(
    name: str,
    value: float,
    unit: str,
    *,
    peer: str,
    peer_value: float | None,
    ratio: float | None,
    goal: str,
    met: bool,
) -> bool:
    """Print a result; return whether its goal is met."""
    fields = {
        "name": name,
        "value": round(value, 6),
        "unit": unit,
        "peer": peer,
        "peer_value": None if peer_value is None else round(peer_value, 6),
        "ratio": None if ratio is None else round(ratio, 3),
        "goal": goal,
        "met": met,
    }
    print(json.dumps(fields), flush=True)
    return met
