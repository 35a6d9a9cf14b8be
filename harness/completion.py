"""What a line at the prompt can be completed to: names of keywords, and of what the rig has for their arguments."""

from collections.abc import Callable, Iterable, Mapping

from harness.errors import HarnessError, TestError
from harness.quantities import Current, Duration, Quantity, Ratio, Voltage, format_quantity, in_unit
from harness.rig.rig import Rig
from harness.typed_keywords import split

_SIGNAL_VALUE = frozenset({"value", "expected"})
_KINDS: dict[str, type[Quantity]] = {
    "current": Current,
    "voltage": Voltage,
    "drop": Voltage,
    "time": Duration,
    "latency": Duration,
    "period": Duration,
}
"""What a keyword measures or judges by a limit, by a word of its name."""


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
        "place": lambda: _places(rig, before[0].casefold()),
        "instrument": lambda: rig.instruments,
        "route": lambda: [name for name, route in rig.vehicle.routes.items() if not route.signals],
        "console": lambda: rig.consoles,
        "bus": lambda: rig.buses,
        "mode": lambda: rig.vehicle.power_modes,
        "limit": lambda: _limits(rig, _kind(before[0].casefold())),
        "mean": lambda: _limits(rig, Ratio),
        "peak": lambda: _limits(rig, Ratio),
        "within": lambda: _limits(rig, Duration),
        "tolerance": lambda: _tolerances(rig, before[1 + names.index("signal")]) if "signal" in names else [],
    }
    try:
        return list(sources.get(argument, list)())
    except HarnessError:  # what stands before is no name of anything
        return []


def _kind(keyword: str) -> type[Quantity] | None:
    return next((kind for word, kind in _KINDS.items() if word in keyword), None)


def _places(rig: Rig, keyword: str) -> Iterable[str]:
    if "capture" in keyword:
        return rig.probes
    return [name for name, meter in rig.meters.items() if meter.kind is _kind(keyword)]


def _limits(rig: Rig, kind: type[Quantity] | None) -> list[str]:
    return [name for name, limit in rig.vehicle.limits.items() if kind is not None and limit.unit == kind.unit]


def _tolerances(rig: Rig, signal: str) -> list[str]:
    unit = rig.signals.find(signal).signal.unit

    def fits(width: float | None, its: str) -> bool:
        try:
            return width is not None and bool(its) == bool(unit) and in_unit(format_quantity(width, its), unit) >= 0
        except TestError:
            return False

    return [name for name, limit in rig.vehicle.limits.items() if fits(limit.high, limit.unit)]


def _signal_values(rig: Rig, signal: str) -> list[str]:
    try:
        return list(rig.signals.find(signal).signal.labels.values())
    except HarnessError:
        return []
