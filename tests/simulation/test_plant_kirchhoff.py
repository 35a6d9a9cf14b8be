"""The plant on random trees, held to Kirchhoff's laws in exact fractions, and to itself run again."""

from fractions import Fraction
from itertools import product
from math import inf
from random import Random
from typing import NamedTuple

import pytest

from harness.clock import MILLISECOND, SECOND
from harness.simulation.kernel import Kernel
from harness.simulation.plant import Load, Net, Plant, Relay


class Wire(NamedTuple):
    """What a random tree is made of; `feed` is the index of a net before it, -1 for the output."""

    feed: int
    resistance: float
    relay: Relay | None


class RandomRig:
    """A tree of up to five nets on one output, and its operating point by Kirchhoff's laws.

    The reference shares nothing with the plant but the physics: it tries every choice of pieces of the load lines,
    solves the node equations of each by elimination in exact fractions, and keeps the one that contradicts nothing.
    """

    def __init__(self, seed: int) -> None:
        self.random = random = Random(seed)
        self.kernel = Kernel()
        plant = Plant(self.kernel)
        self.output = plant.add_output("supply", slew=random.choice([50.0, 1000.0, 123456.7]))
        self.limit = random.choice([1000.0, random.uniform(0.5, 10)])
        self.wires: list[Wire] = []
        self.nets: list[Net] = []
        self.loads: list[tuple[int, Load, float]] = []
        self.currents: list[float] = []
        for index in range(random.randint(1, 5)):
            relay = plant.relay(f"K{random.randrange(3)}") if random.random() < 0.4 else None
            feed = random.randrange(-1, index)
            wire = Wire(feed, random.choice([0.025, 0.1, random.uniform(0.001, 2)]), relay)
            self.wires.append(wire)
            fed_by = self.nets[feed] if feed >= 0 else self.output
            net = plant.add_net(f"net{index}", fed_by=fed_by, resistance=wire.resistance, relay=relay)
            self.nets.append(net)
        for _ in range(random.randint(1, 6)):
            index, knee = random.randrange(len(self.nets)), random.choice([3.0, 3.0, random.uniform(1, 8)])
            self.loads.append((index, plant.add_load(self.nets[index], knee=knee), knee))
            self.currents.append(0.0)
        self.relays = [plant.relay(f"K{number}") for number in range(3)]

    def disturb(self) -> None:
        """Change something, as an ECU, a keyword or a fault box would."""
        random = self.random
        match random.randrange(8):
            case 0:
                self.output.program(voltage=random.uniform(0, 20), on=True)
            case 1:
                self.limit = random.choice([1000.0, random.uniform(0.1, 10)])
                self.output.program(current_limit=self.limit)
            case 2:
                relay = random.choice(self.relays)
                if relay.closed:
                    relay.open()
                else:
                    relay.close()
            case _:
                number = random.randrange(len(self.loads))
                self.currents[number] = random.choice([0.0, random.uniform(0, 5)])
                self.loads[number][1].draw(self.currents[number])

    def start(self) -> None:
        for relay in self.relays:
            relay.close()
        for number, (_, load, _) in enumerate(self.loads):
            self.currents[number] = self.random.uniform(0, 4)
            load.draw(self.currents[number])
        self.output.program(voltage=self.random.uniform(6, 20), current_limit=self.limit, on=True)

    def drawn(self, number: int, voltage: float) -> float:
        """What a load draws at this voltage of its net, by its definition."""
        return self.currents[number] * min(1.0, voltage / self.loads[number][2])

    def live(self) -> list[int]:
        found: list[int] = []
        for index, wire in enumerate(self.wires):
            if (wire.relay is None or wire.relay.closed) and (wire.feed < 0 or wire.feed in found):
                found.append(index)
        return found

    def by_kirchhoff(self, reference: float) -> tuple[Fraction, dict[int, Fraction]]:
        """The voltages at the output and at each live net, exactly."""
        voltages = self._consistent(Fraction(reference), None)
        total = sum((self._exact(number, voltages) for number in self._drawing()), Fraction(0))
        if total > Fraction(self.limit):
            voltages = self._consistent(None, Fraction(self.limit))
        return voltages.pop(-1), voltages

    def _drawing(self) -> list[int]:
        live = self.live()
        return [n for n, (index, _, _) in enumerate(self.loads) if index in live and self.currents[n] > 0]

    def _exact(self, number: int, voltages: dict[int, Fraction]) -> Fraction:
        index, _, knee = self.loads[number]
        return Fraction(self.currents[number]) * min(Fraction(1), voltages[index] / Fraction(knee))

    def _consistent(self, source: Fraction | None, limit: Fraction | None) -> dict[int, Fraction]:
        nodes = [-1, *self.live()]
        size = len(nodes)
        drawing = self._drawing()
        for pieces in product([True, False], repeat=len(drawing)):
            rows = [[Fraction(0)] * (size + 1) for _ in nodes]
            for row, node in enumerate(nodes[1:], start=1):
                feed, conductance = nodes.index(self.wires[node].feed), 1 / Fraction(self.wires[node].resistance)
                rows[row][row] += conductance
                rows[row][feed] -= conductance
                rows[feed][feed] += conductance
                rows[feed][row] -= conductance
            for number, constant in zip(drawing, pieces, strict=True):
                index, _, knee = self.loads[number]
                row = nodes.index(index)
                if constant:
                    rows[row][size] -= Fraction(self.currents[number])
                else:
                    rows[row][row] += Fraction(self.currents[number]) / Fraction(knee)
            if source is not None:
                rows[0] = [Fraction(1), *[Fraction(0)] * (size - 1), source]
            else:
                assert limit is not None
                rows[0][size] += limit
            solution = eliminated(rows)
            if solution is None:
                continue
            voltages = dict(zip(nodes, solution, strict=True))
            if all(
                (voltages[self.loads[number][0]] >= Fraction(self.loads[number][2])) is constant
                for number, constant in zip(drawing, pieces, strict=True)
            ):
                return voltages
        raise AssertionError("no choice of pieces is free of contradiction")


def eliminated(rows: list[list[Fraction]]) -> list[Fraction] | None:
    """Solve linear equations by Gauss and Jordan; None if they have no single solution."""
    size = len(rows)
    for column in range(size):
        pivot = next((row for row in range(column, size) if rows[row][column]), None)
        if pivot is None:
            return None
        rows[column], rows[pivot] = rows[pivot], rows[column]
        head = [value / rows[column][column] for value in rows[column]]
        rows[column] = head
        for row in range(size):
            if row != column and rows[row][column]:
                factor = rows[row][column]
                rows[row] = [value - factor * top for value, top in zip(rows[row], head, strict=True)]
    return [row[size] for row in rows]


class TestAgainstKirchhoff:
    @pytest.mark.parametrize("seed", range(60))
    def test_random_trees_obey_it(self, seed: int) -> None:
        rig = RandomRig(seed)
        rig.start()
        for _ in range(12):
            rig.kernel.sleep(rig.random.choice([0, 1000, MILLISECOND, SECOND]))
            rig.disturb()
            output = rig.output
            source, voltages = rig.by_kirchhoff(output.tree.reference())
            assert output.voltage == pytest.approx(float(source), abs=1e-10)
            for index, net in enumerate(rig.nets):
                assert net.voltage == pytest.approx(float(voltages.get(index, 0)), abs=1e-10)
            assert output.in_current_limit is (source < Fraction(output.tree.reference()))

    @pytest.mark.parametrize("seed", range(60, 90))
    def test_current_is_conserved_at_every_node(self, seed: int) -> None:
        rig = RandomRig(seed)
        rig.start()
        for _ in range(12):
            rig.kernel.sleep(rig.random.choice([0, 1000, MILLISECOND]))
            rig.disturb()
            volts = [net.voltage for net in rig.nets]
            live = rig.live()
            into = {
                index: ((volts[wire.feed] if wire.feed >= 0 else rig.output.voltage) - volts[index]) / wire.resistance
                for index, wire in enumerate(rig.wires)
                if index in live
            }
            drawn = [rig.drawn(number, volts[index]) for number, (index, _, _) in enumerate(rig.loads)]
            assert rig.output.current == pytest.approx(sum(drawn), abs=1e-8)
            assert rig.output.current <= rig.limit + 1e-9
            for index in live:
                own = sum(amps for amps, (at, _, _) in zip(drawn, rig.loads, strict=True) if at == index)
                onward = sum(into[other] for other in live if rig.wires[other].feed == index)
                assert into[index] == pytest.approx(own + onward, abs=1e-8)
            for index, net in enumerate(rig.nets):
                assert net.current == pytest.approx(into.get(index, 0), abs=1e-8)

    @pytest.mark.parametrize("seed", range(150, 250))
    def test_nets_with_a_current_limit_obey_it(self, seed: int) -> None:
        """These laws leave no choice: what flows rises with the voltage, so only one operating point keeps them."""
        rig = RandomRig(seed)
        limits = [rig.random.choice([inf, rig.random.uniform(0.1, 5)]) for _ in rig.nets]
        for net, limit in zip(rig.nets, limits, strict=True):
            net.limit_current(limit)
        rig.start()
        for _ in range(12):
            rig.kernel.sleep(rig.random.choice([0, 1000, MILLISECOND]))
            rig.disturb()
            live = rig.live()
            volts = [net.voltage for net in rig.nets]
            drawn = [rig.drawn(number, volts[index]) for number, (index, _, _) in enumerate(rig.loads)]
            for index in live:
                net, wire = rig.nets[index], rig.wires[index]
                own = sum(amps for amps, (at, _, _) in zip(drawn, rig.loads, strict=True) if at == index)
                onward = sum(rig.nets[other].current for other in live if rig.wires[other].feed == index)
                assert net.current == pytest.approx(own + onward, abs=1e-8)
                behind_wire = (
                    volts[wire.feed] if wire.feed >= 0 else rig.output.voltage
                ) - wire.resistance * net.current
                if net.in_current_limit:
                    assert net.current == limits[index]
                    assert net.voltage <= behind_wire + 1e-9
                else:
                    assert net.current <= limits[index] + 1e-9
                    assert net.voltage == pytest.approx(behind_wire, abs=1e-9)
            total = sum(rig.nets[index].current for index in live if rig.wires[index].feed < 0)
            assert rig.output.current == pytest.approx(total, abs=1e-8)
            assert rig.output.current <= rig.limit + 1e-9

    @pytest.mark.parametrize("seed", range(250, 300))
    def test_a_current_limit_does_not_hide_a_crossing_on_a_ramp(self, seed: int) -> None:
        """Each crossing is told in the nanosecond in which it shows when the same ramp is read step by step."""
        rig = RandomRig(seed)
        rig.nets[0].limit_current(rig.random.uniform(0.5, 3))
        rig.start()
        net, threshold = rig.nets[-1], rig.random.uniform(0.5, 12)
        trace: list[tuple[int, bool]] = []
        net.watch(threshold, lambda above: trace.append((rig.kernel.now, above)))
        seen = net.voltage >= threshold
        for target in (rig.output.tree.ramp.target, 0.0):
            rig.output.program(voltage=target)
            for _ in range(40):
                told = len(trace)
                rig.kernel.sleep(rig.output.tree.ramp.end // 37 + 1)
                now = net.voltage >= threshold - 1e-12
                assert (len(trace) - told) % 2 == (now is not seen)
                seen = now

    @pytest.mark.parametrize("seed", range(90, 130))
    def test_ramps_cross_in_the_nanosecond_in_which_the_reference_does(self, seed: int) -> None:
        rig = RandomRig(seed)
        rig.start()
        index = rig.random.choice(rig.live())
        net, threshold = rig.nets[index], rig.random.uniform(0.5, 12)
        start = rig.kernel.now
        trace: list[tuple[int, bool]] = []
        net.watch(threshold, lambda above: trace.append((rig.kernel.now, above)))
        up = rig.output.tree.ramp
        rig.kernel.sleep(SECOND)
        final = float(rig.by_kirchhoff(up.target)[1][index])
        rig.output.program(voltage=0.0)
        down = rig.output.tree.ramp
        rig.kernel.sleep(SECOND)
        assert start == 0
        assert [state for _, state in trace] == ([True, False] if final >= threshold else [])
        for (time, state), ramp in zip(trace, (up, down), strict=False):
            before, at = (float(rig.by_kirchhoff(ramp.at(t))[1][index]) for t in (time - 1, time))
            near = 2e-12
            if state:
                assert before < threshold + near
                assert at >= threshold - near
            else:
                assert before >= threshold - near
                assert at < threshold + near


class TestDeterminism:
    @staticmethod
    def trace(seed: int, *, reading: bool) -> list[tuple[int, str, float, bool]]:
        rig = RandomRig(seed)
        told: list[tuple[int, str, float, bool]] = []
        for net in rig.nets:
            for threshold in (2.5, 6.0, 9.0):

                def tell(above: bool, name: str = net.name, threshold: float = threshold) -> None:
                    told.append((rig.kernel.now, name, threshold, above))

                net.watch(threshold, tell)
        rig.output.on_current_limit = lambda limited: told.append((rig.kernel.now, "limit", 0.0, limited))
        rig.start()
        for _ in range(60):
            rig.kernel.sleep(rig.random.choice([0, 1000, MILLISECOND, 7 * MILLISECOND]))
            rig.disturb()
            if reading:
                assert [net.voltage for net in rig.nets]
        return told

    def test_the_same_is_told_each_time_whether_voltages_are_read_or_not(self) -> None:
        seeds = range(130, 150)
        first = [self.trace(seed, reading=False) for seed in seeds]
        assert sum(map(len, first)) > 100
        assert [self.trace(seed, reading=False) for seed in seeds] == first
        assert [self.trace(seed, reading=True) for seed in seeds] == first
