"""What a line at the prompt can be completed to: names of keywords, and of what the rig has for their arguments."""

from collections.abc import Callable, Iterable, Mapping

from harness.errors import HarnessError
from harness.rig.rig import Rig
from harness.typed_keywords import split

_SIGNAL_VALUE = frozenset({"value", "expected"})


def complete(line: str, keywords: Mapping[str, list[str]], rig: Rig) -> tuple[str, list[str]]:
    """Return the word that is being typed at the end of a line, and what can stand in its place.

    Args:
        line: up to the cursor.
        keywords: names of all, and of their arguments.
        rig: what the names are of.
    """
    cells = split(line) if line.strip() else [""]
    if line.endswith(("  ", "\t")) and line.strip():
        cells.append("")
    *before, typed = cells
    if not before:
        return typed, _beginning(typed, keywords)
    names = next((names for keyword, names in keywords.items() if keyword.casefold() == before[0].casefold()), [])
    if before[0].casefold() == "judgement should fail":
        return complete("    ".join(cells[1:]), keywords, rig)
    named, equals, rest = typed.partition("=")
    if equals and named in names:
        return rest, _beginning(rest, _values(named, before, names, rig))
    position = len(before) - 1
    if position >= len(names):
        return typed, []
    later = [f"{name}=" for name in names[position:] if position]
    return typed, _beginning(typed, [*_values(names[position], before, names, rig), *later])


def _beginning(typed: str, known: Iterable[str]) -> list[str]:
    """Return the names that begin with what is typed, then those in which it stands elsewhere; case does not matter."""
    folded = typed.casefold()
    containing = [name for name in known if folded in name.casefold()]
    return sorted(containing, key=lambda name: not name.casefold().startswith(folded))


def _values(argument: str, before: list[str], names: list[str], rig: Rig) -> list[str]:
    if argument in _SIGNAL_VALUE:
        return _signal_values(rig, before[1 + names.index("signal")]) if "signal" in names else []
    sources: dict[str, Callable[[], Iterable[str]]] = {
        "signal": lambda: rig.vehicle.signals,
        "ecu": lambda: rig.ecus,
        "defect": lambda: rig.ecu(before[1]).DEFECTS,
        "line": lambda: [net for net, switched in rig.supply.nets.items() if switched.is_line],
        "message": lambda: [message for bus in rig.buses.values() for message in bus.database.messages],
        "place": lambda: rig.meters,
        "console": lambda: rig.consoles,
        "bus": lambda: rig.buses,
        "mode": lambda: rig.vehicle.power_modes,
        "limit": lambda: rig.vehicle.limits,
        "within": lambda: rig.vehicle.limits,
        "tolerance": lambda: rig.vehicle.limits,
    }
    try:
        return list(sources.get(argument, list)())
    except HarnessError:  # what stands before is no name of anything
        return []


def _signal_values(rig: Rig, signal: str) -> list[str]:
    try:
        return list(rig.signals.find(signal).signal.labels.values())
    except HarnessError:
        return []
