"""Electrical plant of a virtual rig: supply outputs, wiring, relays, and the ECUs as loads.

Each supply output feeds a tree of nets through resistances and relays. Between two events everything is constant or
moves along a line, so voltages, currents and the instants of crossings are computed, never stepped to.

What is modelled:

- A load draws a constant current from its knee voltage on, as a switching converter's input does roughly, and
  linearly less below: a solution always exists.
- An output is a laboratory supply whose voltage *reference* moves at its slew rate, up and down alike. Switched on,
  it starts at 0 V, as in the turn-on sequence of the Keysight N69100 series (operating and service manual, [B]).
  To come down as fast as it goes up takes a down-programmer; without one a light load holds the voltage up for a
  while (Agilent 6552A data sheet, E3646A user's guide, "speed of response", both [B]): that is not modelled.
- Above the current limit the output is in constant-current mode: it falls at once to the voltage at which the
  limit flows. It returns at once to its reference, which has moved on meanwhile.
- A net may have a current limit of its own, as behind a source meter in series: above it, the net falls at once to the
  voltage at which the limit flows.
- Nothing stores charge: an output that is switched off, and a net behind an open relay, is at 0 V at once and
  delivers nothing.

Reading a voltage or current gives the state of this very moment. Callbacks (`Net.watch`,
`SupplyOutput.on_current_limit`) never run inside the call that changes something. They run in a kernel event of the
same instant, after those already scheduled for it: the plant is solved once, and all conditions that this one
solution has changed are told, the current limit first, then watches in the order in which they were set. What the
callbacks change is solved and told in a further event of the instant. A condition that so changes more than 16 times
within one instant does not settle: a BenchError names it and ends the simulation.

Voltages are read and compared to the picovolt, so that what is equal on paper compares equal.
"""

from collections.abc import Callable, Mapping
from math import inf
from types import MappingProxyType
from typing import TypeVar

from harness.errors import HarnessError, RigFileError, TestError, unknown_name
from harness.simulation.circuit import Branch, Sink
from harness.simulation.kernel import Kernel
from harness.simulation.recording import Recording
from harness.simulation.supply_tree import SupplyTree

KNEE_VOLTAGE = 3.0
"""V; below it a load draws less than its constant current [P]."""

_DIGITS = 12

_Named = TypeVar("_Named")


class SupplyOutput:
    """One output of a supply, at its terminals. It begins switched off, at 0 V and without a current limit.

    `on_current_limit` is called with True at the instant at which the output goes into constant-current mode, and
    with False when it leaves it.
    """

    def __init__(self, kernel: Kernel, name: str, slew: float) -> None:
        self.name = name
        self.on_current_limit: Callable[[bool], None] | None = None
        self.tree = SupplyTree(kernel, name, self._tell)
        self._slew = slew
        self._set_point = 0.0
        self._on = False

    def program(
        self, *, voltage: float | None = None, current_limit: float | None = None, on: bool | None = None
    ) -> None:
        """Set the voltage (V), the current limit (A) and whether the output is on. What is not given stays.

        It takes effect now. The voltage moves at the slew rate, from 0 V after switching on; switched off, the
        output is at 0 V at once.

        Raises:
            TestError: a voltage or current limit that is negative or not a number.
        """
        for value, name, unit in ((voltage, "voltage", "V"), (current_limit, "current limit", "A")):
            if value is not None:
                _not_negative(value, f"supply output {self.name!r}: {name}", unit, TestError)
        if voltage is not None:
            self._set_point = voltage
        if current_limit is not None:
            self.tree.limit = current_limit
        if on is not None:
            self._on = on
        if not self._on:
            self.tree.move_reference(0.0, 0.0, self._slew)
        elif self._set_point != self.tree.ramp.target:
            self.tree.move_reference(self.tree.reference(), self._set_point, self._slew)
        self.tree.changed()

    @property
    def voltage(self) -> float:
        """V at the terminals now."""
        return round(self.tree.solved().root.voltage, _DIGITS)

    @property
    def current(self) -> float:
        """A delivered now."""
        return self.tree.solved().current

    @property
    def in_current_limit(self) -> bool:
        """Whether the current limit holds the voltage down now (constant-current mode)."""
        return self.tree.solved().limited

    def watch(self, threshold: float, on_change: Callable[[bool], None]) -> None:
        """Call `on_change` when the voltage at the terminals crosses `threshold` (V), as `Net.watch` does.

        Raises:
            TestError: a threshold that is negative or not a number.
        """
        threshold = _not_negative(threshold, f"supply output {self.name!r}: threshold", "V", TestError)
        self.tree.watch(f"supply output {self.name!r}", self.tree.circuit.root, threshold, on_change)

    def _tell(self, limited: bool) -> None:
        if self.on_current_limit is not None:
            self.on_current_limit(limited)


class Relay:
    """A relay, at rest at first. It may switch several nets, by contacts that close with it or open with it."""

    def __init__(self, name: str, contacts: list[tuple[SupplyTree, Branch, bool]]) -> None:
        self.name = name
        self._contacts = contacts
        self._closed = False
        self._told: list[Callable[[bool], None]] = []

    @property
    def closed(self) -> bool:
        """Whether its coil is energised: its normally open contacts are closed, the others open."""
        return self._closed

    def close(self) -> None:
        """Connect the nets behind it, now and without bounce; cut those behind normally closed contacts off."""
        self._switch(closed=True)

    def open(self) -> None:
        """Bring it to rest, now. A net that is cut off is at 0 V and draws nothing."""
        self._switch(closed=False)

    def when_switched(self, action: Callable[[bool], None]) -> None:
        """Call `action` with whether it is closed, each time that it has switched."""
        self._told.append(action)

    def _switch(self, *, closed: bool) -> None:
        if closed is self._closed:
            return
        self._closed = closed
        for action in self._told:
            action(closed)
        for tree, branch, normally_closed in self._contacts:
            branch.closed = closed is not normally_closed
            tree.circuit.rewire()
            tree.changed()


class Net:
    """A piece of wiring that is at one voltage: a terminal, or an ECU's supply pin."""

    def __init__(self, name: str, tree: SupplyTree, branch: Branch) -> None:
        self.name = name
        self._tree = tree
        self._branch = branch

    @property
    def voltage(self) -> float:
        """V against ground now."""
        self._tree.solved()
        return round(self._branch.voltage, _DIGITS)

    @property
    def current(self) -> float:
        """A that flow into it now, through the wire that feeds it: what its loads and the nets behind it draw."""
        self._tree.solved()
        return self._branch.current

    def record(self, horizon: int) -> Recording:
        """Record its voltage from now on; the recording knows the last `horizon` nanoseconds."""
        return self._tree.record(self._branch, horizon)

    def limit_current(self, limit: float) -> None:
        """Let at most `limit` (A) flow into it from now on; `inf` for no limit.

        Raises:
            TestError: a limit that is not above 0.
        """
        if not limit > 0:
            raise TestError(f"net {self.name!r}: current limit of {limit} A; it must be above 0")
        if limit != self._branch.limit:
            self._branch.limit = limit
            self._tree.circuit.rewire()
            self._tree.changed()

    @property
    def in_current_limit(self) -> bool:
        """Whether its own current limit holds its voltage down now."""
        self._tree.solved()
        return self._branch.limited

    def watch(self, threshold: float, on_change: Callable[[bool], None]) -> None:
        """Call `on_change` at the instant, rounded up to 1 ns, at which the voltage crosses `threshold` (V).

        It gets True when the voltage has come to the threshold or above, False when it is below. What one
        simulation event does and undoes is no crossing. It is not called for where the voltage is now: see `voltage`.

        Raises:
            TestError: a threshold that is negative or not a number.
        """
        threshold = _not_negative(threshold, f"net {self.name!r}: threshold", "V", TestError)
        self._tree.watch(f"net {self.name!r}", self._branch, threshold, on_change)


class Load:
    """What one pin of an ECU draws; nothing at first."""

    __slots__ = ("_net", "_sink", "_tree")

    def __init__(self, net: str, tree: SupplyTree, sink: Sink) -> None:
        self._net = net
        self._tree = tree
        self._sink = sink

    def draw(self, current: float) -> None:
        """Draw `current` (A) from now on: constant from the knee voltage on, falling linearly to 0 A at 0 V.

        Raises:
            TestError: a current that is negative or not a number.
        """
        if current != self._sink.current:
            self._sink.current = _not_negative(current, f"load on net {self._net!r}: current", "A", TestError)
            self._tree.changed()


class _ByName(dict[str, _Named]):
    """Things by their names; an unknown name is answered with the known ones."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._kind = kind

    def __missing__(self, name: str) -> _Named:
        raise TestError(unknown_name(self._kind, name, self))

    def refuse_taken(self, name: str) -> None:
        if name in self:
            raise RigFileError(f"{self._kind} {name!r} is declared twice")


class Plant:
    """All outputs, nets, relays and loads of one virtual rig."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._outputs: _ByName[SupplyOutput] = _ByName("supply output")
        self._nets: _ByName[Net] = _ByName("net")
        self._relays: dict[str, Relay] = {}
        self._contacts: dict[Relay, list[tuple[SupplyTree, Branch, bool]]] = {}
        self._nodes: dict[SupplyOutput | Net, tuple[SupplyTree, Branch]] = {}
        self.nets: Mapping[str, Net] = MappingProxyType(self._nets)

    def add_output(self, name: str, *, slew: float) -> SupplyOutput:
        """Add a supply output whose voltage moves at `slew` (V/s), which the supply's manual states.

        Raises:
            RigFileError: the name is taken, or the slew rate is not above 0.
        """
        if not 0 < slew < inf:
            raise RigFileError(f"supply output {name!r}: slew rate of {slew} V/s; it must be above 0")
        self._outputs.refuse_taken(name)
        output = SupplyOutput(self._kernel, name, slew)
        self._outputs[name] = output
        self._nodes[output] = (output.tree, output.tree.circuit.root)
        return output

    def add_net(
        self,
        name: str,
        *,
        fed_by: SupplyOutput | Net,
        resistance: float,
        relay: Relay | None = None,
        normally_closed: bool = False,
    ) -> Net:
        """Add a net that is fed through wiring and contacts of `resistance` (ohm), and a relay if there is one.

        A `normally_closed` contact of the relay cuts the net off when the relay closes.

        Raises:
            RigFileError: the name is taken, the feed or the relay is not of this plant, or the resistance is
                negative or not a number.
        """
        if fed_by not in self._nodes:
            known = [*self._outputs, *self._nets]
            raise RigFileError(f"net {name!r}: {unknown_name('supply output or net', fed_by.name, known)}")
        if relay is not None and relay not in self._contacts:
            raise RigFileError(f"net {name!r}: {unknown_name('relay', relay.name, self._relays)}")
        resistance = _not_negative(resistance, f"net {name!r}: resistance", "ohm", RigFileError)
        self._nets.refuse_taken(name)
        tree, feed = self._nodes[fed_by]
        branch = tree.circuit.add(feed, resistance, closed=relay is None or relay.closed is not normally_closed)
        if relay is not None:
            self._contacts[relay].append((tree, branch, normally_closed))
        net = self._nets[name] = Net(name, tree, branch)
        self._nodes[net] = (tree, branch)
        return net

    def relay(self, name: str) -> Relay:
        """Return the relay of this name. It comes into being, open, when it is first asked for."""
        if name not in self._relays:
            contacts: list[tuple[SupplyTree, Branch, bool]] = []
            relay = self._relays[name] = Relay(name, contacts)
            self._contacts[relay] = contacts
        return self._relays[name]

    def add_load(self, net: Net, *, knee: float = KNEE_VOLTAGE) -> Load:
        """Add a load to `net` that draws less than its constant current below `knee` (V).

        Raises:
            TestError: the net is not of this plant.
            RigFileError: the knee voltage is not above 0.
        """
        if net not in self._nodes:
            raise TestError(unknown_name("net", net.name, self._nets))
        if not 0 < knee < inf:
            raise RigFileError(f"load on net {net.name!r}: knee voltage of {knee} V; it must be above 0")
        tree, branch = self._nodes[net]
        sink = Sink(knee)
        branch.sinks.append(sink)
        return Load(net.name, tree, sink)


def _not_negative(value: float, what: str, unit: str, error: type[HarnessError]) -> float:
    if not 0 <= value < inf:
        raise error(f"{what} of {value} {unit}; it must be 0 or more, and finite")
    return value
