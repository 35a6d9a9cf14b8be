"""The tree of nets behind one supply output, in time: the ramp of its reference, and who is told of changes."""

from collections.abc import Callable
from math import ceil, inf
from typing import NamedTuple

from harness.clock import SECOND
from harness.errors import BenchError
from harness.simulation.circuit import Branch, Circuit
from harness.simulation.kernel import Kernel
from harness.simulation.recording import Recording

MOST_CHANGES_IN_AN_INSTANT = 16
"""How often one condition may change within one instant before that is called an oscillation [P]."""

_HALF_PICOVOLT = 0.5e-12


class Ramp(NamedTuple):
    """A voltage on its way, in a straight line, from `start` at time `begin` to `target` at time `end`."""

    start: float
    target: float
    slew: float
    begin: int
    end: int

    def at(self, time: int) -> float:
        """Return the voltage at `time`, which is not before `begin`."""
        if time >= self.end:
            return self.target
        moved = self.slew * (time - self.begin) / SECOND
        return self.start + moved if self.target > self.start else self.start - moved


class Condition:
    """Something that is so or not, and who is told when that changes."""

    __slots__ = ("_changes", "_instant", "_name", "_on_change", "state")

    def __init__(self, name: str, on_change: Callable[[bool], None], *, state: bool) -> None:
        self._name = name
        self._on_change = on_change
        self._instant = -1
        self._changes = 0
        self.state = state

    def turn(self, now: int) -> None:
        """Turn the state over.

        Raises:
            BenchError: it has changed too often within this instant.
        """
        if now != self._instant:
            self._instant = now
            self._changes = 0
        self._changes += 1
        if self._changes > MOST_CHANGES_IN_AN_INSTANT:
            raise BenchError(
                f"{self._name} does not settle: it changed more than {MOST_CHANGES_IN_AN_INSTANT} times at"
                f" {now / SECOND:.9f} s; what reacts to it undoes it without delay"
            )
        self.state = not self.state

    def tell(self) -> None:
        """Say what the state is now."""
        self._on_change(self.state)


class _Watch(NamedTuple):
    branch: Branch
    floor: float
    above: Condition


class SupplyTree:
    """A circuit in time: the ramp of its reference, and what is told about it."""

    def __init__(self, kernel: Kernel, name: str, on_limit: Callable[[bool], None]) -> None:
        self.circuit = Circuit()
        self.limit = inf
        self.ramp = Ramp(0.0, 0.0, inf, 0, 0)
        self._kernel = kernel
        self._timer = kernel.timer(self._settle)
        self._solved_for: int | None = None
        self._in_limit = Condition(f"the current limit of supply output {name!r}", on_limit, state=False)
        self._watches: list[_Watch] = []
        self._recordings: list[tuple[Branch, Recording]] = []

    def changed(self) -> None:
        """Note that a load, a relay or the reference is no longer what the last solution supposed."""
        self._solved_for = None
        self._timer.start_at(self._kernel.now)

    def move_reference(self, start: float, target: float, slew: float) -> None:
        """Let the reference go from `start` to `target` (V) at `slew` (V/s), from now on."""
        now = self._kernel.now
        self.ramp = Ramp(start, target, slew, now, now + ceil(abs(target - start) * SECOND / slew))

    def reference(self) -> float:
        """Return what the output's voltage would be now without a current limit."""
        return self.ramp.at(self._kernel.now)

    def solved(self) -> Circuit:
        """Return the circuit at its operating point of this moment."""
        time = min(self._kernel.now, self.ramp.end)
        if time != self._solved_for:
            self.circuit.solve(self.ramp.at(time), self.limit)
            self._solved_for = time
        return self.circuit

    def watch(self, node: str, branch: Branch, threshold: float, on_change: Callable[[bool], None]) -> None:
        """Tell `on_change` when `branch`, which messages call `node`, crosses `threshold` (V)."""
        floor = threshold - _HALF_PICOVOLT
        self.solved()
        condition = Condition(f"{node} at its threshold of {threshold} V", on_change, state=branch.voltage >= floor)
        self._watches.append(_Watch(branch, floor, condition))
        self._timer.start_at(self._kernel.now)

    def record(self, branch: Branch, horizon: int) -> Recording:
        """Record the voltage of `branch` from now on, and keep the last `horizon` nanoseconds of it."""
        recording = Recording(horizon)
        self._recordings.append((branch, recording))
        self.solved()
        self._note()
        return recording

    def _note(self) -> None:
        if not self._recordings:
            return
        now, slopes, rate = self._kernel.now, {}, 0.0
        if now < self.ramp.end and not self.circuit.limited:
            slopes = dict(self.circuit.slopes())
            rate = self.ramp.slew if self.ramp.target > self.ramp.start else -self.ramp.slew
        for branch, recording in self._recordings:
            recording.note(now, branch.voltage, rate * slopes.get(branch, 0.0))

    def _settle(self) -> None:
        circuit = self.solved()
        changed = [
            watch.above for watch in self._watches if (watch.branch.voltage >= watch.floor) is not watch.above.state
        ]
        if circuit.limited is not self._in_limit.state:
            changed.insert(0, self._in_limit)
        for condition in changed:
            condition.turn(self._kernel.now)
        self._note()
        self._plan()
        for condition in changed:
            condition.tell()

    def _plan(self) -> None:
        """While the reference moves: come back when it is where something changes."""
        now = self._kernel.now
        if now < self.ramp.end:
            delay = self._way_to_next_change() * SECOND / self.ramp.slew
            self._timer.start_at(min(now + max(1, ceil(delay)), self.ramp.end) if delay < inf else self.ramp.end)

    def _way_to_next_change(self) -> float:
        """Return how far (V) the reference moves until a load, a watch or the limit changes, `inf` if none does."""
        rising = self.ramp.target > self.ramp.start
        circuit = self.circuit
        if circuit.limited:
            return inf if rising else self.reference() - circuit.root.voltage
        ways = [circuit.headroom(self.limit)] if rising else []
        slope_of = {circuit.root: 1.0}
        for branch, slope in circuit.slopes():
            slope_of[branch] = slope
            ways += [abs(sink.knee - branch.voltage) / slope for sink in branch.sinks if sink.saturated is not rising]
        ways += [
            abs(watch.floor - watch.branch.voltage) / slope_of[watch.branch]
            for watch in self._watches
            if watch.above.state is not rising and watch.branch in slope_of
        ]
        ways += circuit.ways_to_limits(slope_of, rising=rising)
        return min(ways, default=inf)
