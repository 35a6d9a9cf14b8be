"""Operating point of a tree of conductors and loads behind one supply output, in closed form. It knows no time.

A load's current is constant from its knee voltage on, and proportional to the voltage below. Either piece of that
line, drawn on, lies nowhere under the true current. With each load taken on one of its pieces the tree is linear:
one pass from the leaves to the root and one back solve it, and no voltage so found lies above the true one. A load
that reaches its knee there reaches it in truth. So moving such loads to their constant piece and solving again
climbs to the exact operating point, in no more steps than there are loads, and in a single step from the pieces
of the last operating point if they still hold. A current limit at the root only replaces the root's voltage by
the one at which the linear tree draws the limit: that is not above the true one either.

A conductor may have a current limit of its own: the compliance of a source meter in series. What it draws, with all
behind it, is again the lower one of two pieces: the limit, and what would flow without it. So it climbs like a load,
always from the bottom; as loads reach their knees, a conductor may be freed of its limit again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import inf

_ROUNDING = 1 + 1e-12


@dataclass(slots=True, eq=False)
class Sink:
    """A load: `current` (A) from `knee` (V) on, in proportion to the voltage below."""

    knee: float
    current: float = 0.0
    saturated: bool = False


@dataclass(slots=True, eq=False)
class Branch:
    """A node of the tree, with the conductor (ohm) that feeds it and conducts while it is `closed`.

    In the present pieces the node and all behind it draw `conductance * voltage + constant`.
    """

    feed: "Branch | None"
    resistance: float
    closed: bool = True
    sinks: list[Sink] = field(default_factory=list)
    limit: float = inf
    limited: bool = False
    voltage: float = 0.0
    conductance: float = 0.0
    constant: float = 0.0

    @property
    def current(self) -> float:
        """A through the conductor that feeds it."""
        return self.limit if self.limited else self.conductance * self.voltage + self.constant


class Circuit:
    """The tree behind one output, at the operating point that was solved for last."""

    def __init__(self) -> None:
        self.root = Branch(None, 0.0)
        self.current = 0.0
        self.limited = False
        self._branches: list[Branch] = []
        self._live: list[tuple[Branch, Branch]] = []
        self._limiting: list[tuple[Branch, Branch]] = []

    def add(self, feed: Branch, resistance: float, *, closed: bool) -> Branch:
        """Hang a new node on `feed`."""
        branch = Branch(feed, resistance, closed)
        self._branches.append(branch)
        self.rewire()
        return branch

    def rewire(self) -> None:
        """Take note of conductors that opened or closed. A node with no way to the root is at 0 V and draws nothing."""
        reached = {self.root}
        self._live = []
        for branch in self._branches:
            branch.limited = False
            if branch.closed and branch.feed in reached:
                reached.add(branch)
                self._live.append((branch, branch.feed))
            else:
                branch.voltage = branch.conductance = branch.constant = 0.0
        self._limiting = [(branch, feed) for branch, feed in self._live if branch.limit < inf]

    def solve(self, reference: float, limit: float) -> None:
        """Find the operating point: `reference` (V) at the root, or less where `limit` (A) would be exceeded."""
        root = self.root
        climbing = bool(self._limiting)
        if climbing:
            self._begin_at_the_bottom()
        while True:
            self._sum_up()
            self.current = root.constant + root.conductance * reference
            self.limited = self.current > limit
            if not self.limited:
                root.voltage = reference
            elif root.conductance > 0:
                self.current = limit
                root.voltage = (limit - root.constant) / root.conductance
            elif climbing:
                # What all loads want equals the limit but for rounding: the voltage found in the last step holds.
                self.current = limit
            else:
                # All on their constant piece would never come down to the limit: climb from the bottom.
                self._begin_at_the_bottom()
                climbing = True
                continue
            if not self._spread_down(climbing=climbing):
                return
            climbing = True

    def slopes(self) -> Iterator[tuple[Branch, float]]:
        """Yield each live node with the volts it moves per volt of the root, in the present pieces."""
        slope_of = {self.root: 1.0}
        for branch, feed in self._live:
            if feed in slope_of and not branch.limited:  # behind a limit nothing moves
                slope_of[branch] = slope_of[feed] / (1.0 + branch.resistance * branch.conductance)
                yield branch, slope_of[branch]

    def ways_to_limits(self, slope_of: Mapping[Branch, float], *, rising: bool) -> Iterator[float]:
        """Yield how far (V) the root may move until a conductor comes to its limit, or leaves it."""
        for branch, feed in self._limiting:
            if rising and branch in slope_of and branch.conductance > 0:
                yield (branch.limit - branch.current) / (branch.conductance * slope_of[branch])
            elif branch.limited and not rising and feed in slope_of:
                yield (feed.voltage - branch.resistance * branch.limit - branch.voltage) / slope_of[feed]

    def headroom(self, limit: float) -> float:
        """Return how far (V) the root may rise until the limit is met, in the present pieces."""
        return (limit - self.current) / self.root.conductance if self.root.conductance > 0 else inf

    def _begin_at_the_bottom(self) -> None:
        for branch, _ in self._live:
            branch.limited = False
            for sink in branch.sinks:
                sink.saturated = False

    def _sum_up(self) -> None:
        live = self._live
        self.root.conductance = self.root.constant = 0.0
        for branch, _ in live:
            conductance = constant = 0.0
            for sink in branch.sinks:
                if sink.saturated:
                    constant += sink.current
                else:
                    conductance += sink.current / sink.knee
            branch.conductance = conductance
            branch.constant = constant
        for branch, feed in reversed(live):
            if branch.limited:
                feed.constant += branch.limit
                continue
            share = 1.0 + branch.resistance * branch.conductance
            feed.conductance += branch.conductance / share
            feed.constant += branch.constant / share

    def _spread_down(self, *, climbing: bool) -> bool:
        """Set the voltages from the root on; say whether a load changed piece (while climbing: only upwards)."""
        changed = False
        for branch, feed in self._live:
            voltage = (feed.voltage - branch.resistance * branch.constant) / (
                1.0 + branch.resistance * branch.conductance
            )
            if branch.limit < inf:
                unlimited = branch.conductance * voltage + branch.constant
                limited = unlimited > branch.limit * (1.0 if branch.limited else _ROUNDING)
                changed |= limited is not branch.limited
                branch.limited = limited
                if limited and branch.conductance > 0:
                    voltage = (branch.limit - branch.constant) / branch.conductance
            branch.voltage = voltage
            for sink in branch.sinks:
                if sink.saturated:
                    if voltage < sink.knee and not climbing:
                        sink.saturated = False
                        changed = True
                elif voltage >= sink.knee:
                    sink.saturated = True
                    changed = True
        return changed
