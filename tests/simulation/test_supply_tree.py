"""When voltages cross thresholds: cases worked out by hand."""

from collections.abc import Callable

import pytest

from harness.clock import MICROSECOND, MILLISECOND, SECOND
from harness.errors import BenchError, TestError
from harness.simulation.kernel import Kernel
from harness.simulation.plant import Load, Net, Plant, SupplyOutput

SLEW = 1000.0
Trace = list[tuple[int, bool]]


def noted(kernel: Kernel, trace: Trace) -> Callable[[bool], None]:
    return lambda state: trace.append((kernel.now, state))


def drawing(plant: Plant, net: Net, current: float, knee: float = 3.0) -> Load:
    load = plant.add_load(net, knee=knee)
    load.draw(current)
    return load


class TestWatch:
    def test_a_ramp_crosses_where_it_should(self, kernel: Kernel, plant: Plant, output: SupplyOutput) -> None:
        # Above the knee 2 A drop 0.1 V: 6 V at the net are 6.1 V at the output.
        net = plant.add_net("KL30", fed_by=output, resistance=0.05)
        drawing(plant, net, 2.0)
        trace: Trace = []
        net.watch(6.0, noted(kernel, trace))
        output.program(voltage=12.0, on=True)
        kernel.sleep(20 * MILLISECOND)
        output.program(voltage=0.0)
        kernel.sleep(20 * MILLISECOND)
        # Down from 12 V at 20 ms. 6 V exactly is not below.
        assert trace == [(6_100 * MICROSECOND, True), (25_900 * MICROSECOND + 1, False)]

    def test_a_ramp_crosses_below_the_knee(self, kernel: Kernel, plant: Plant, output: SupplyOutput) -> None:
        # 3 A / 3 V are 1 ohm, behind 0.5 ohm: 2 V at the net are 3 V at the output; the knee is at 4.5 V.
        net = plant.add_net("KL30", fed_by=output, resistance=0.5)
        drawing(plant, net, 3.0)
        trace: Trace = []
        for threshold in (2.0, 3.0, 3.5):
            net.watch(threshold, noted(kernel, trace))
        output.program(voltage=12.0, on=True)
        kernel.sleep(20 * MILLISECOND)
        assert [time for time, _ in trace] == [3 * MILLISECOND, 4_500 * MICROSECOND, 5 * MILLISECOND]

    def test_an_instant_between_nanoseconds_is_rounded_up(self, kernel: Kernel, plant: Plant) -> None:
        output = plant.add_output("supply.1", slew=7.0)
        net = plant.add_net("KL30", fed_by=output, resistance=0.0)
        trace: Trace = []
        net.watch(1.0, noted(kernel, trace))
        net.watch(2.0, noted(kernel, trace))
        output.program(voltage=5.0, on=True)
        kernel.sleep(SECOND)
        assert trace == [(142_857_143, True), (285_714_286, True)]

    def test_a_voltage_that_stops_at_the_threshold_has_reached_it(
        self, kernel: Kernel, plant: Plant, output: SupplyOutput
    ) -> None:
        net = plant.add_net("KL30", fed_by=output, resistance=0.1)
        drawing(plant, net, 3.0)
        trace: Trace = []
        net.watch(6.1, noted(kernel, trace))
        output.program(voltage=6.4, on=True)
        kernel.sleep(SECOND)
        output.program(voltage=9.0)
        kernel.sleep(SECOND)
        output.program(voltage=6.4)
        kernel.sleep(SECOND)
        assert net.voltage == 6.1
        assert trace == [(6_400 * MICROSECOND, True)]

    def test_rounding_does_not_keep_a_voltage_from_its_threshold(
        self, kernel: Kernel, plant: Plant, output: SupplyOutput
    ) -> None:
        trace: Trace = []
        for tenths in range(1, 60):
            net = plant.add_net(f"net{tenths}", fed_by=output, resistance=0.1)
            drawing(plant, net, float(tenths))
            net.watch((120 - tenths) / 10, noted(kernel, trace))
        output.program(voltage=12.0, on=True)
        kernel.sleep(SECOND)
        assert [(120 - tenths) / 10 for tenths in range(1, 60)] == [net.voltage for net in plant.nets.values()]
        assert trace == [(12 * MILLISECOND, True)] * 59

    def test_a_watch_may_be_set_during_a_ramp(self, kernel: Kernel, plant: Plant, output: SupplyOutput) -> None:
        net = plant.add_net("KL30", fed_by=output, resistance=0.1)
        output.program(voltage=12.0, on=True)
        kernel.sleep(5 * MILLISECOND)
        trace: Trace = []
        net.watch(4.0, noted(kernel, trace))
        net.watch(9.0, noted(kernel, trace))
        kernel.sleep(SECOND)
        assert trace == [(9 * MILLISECOND, True)]

    def test_crossings_at_different_instants_are_no_oscillation(
        self, kernel: Kernel, plant: Plant, output: SupplyOutput
    ) -> None:
        relay = plant.relay("KL15")
        net = plant.add_net("KL15", fed_by=output, resistance=0.1, relay=relay)
        output.program(voltage=12.0, on=True)
        kernel.sleep(SECOND)
        trace: Trace = []
        net.watch(9.0, noted(kernel, trace))
        for _ in range(50):
            relay.close()
            kernel.sleep(1)
            relay.open()
            kernel.sleep(1)
        assert [state for _, state in trace] == [True, False] * 50

    def test_a_load_that_changes_on_the_way_moves_the_crossing(
        self, kernel: Kernel, plant: Plant, output: SupplyOutput
    ) -> None:
        net = plant.add_net("KL30", fed_by=output, resistance=0.1)
        load = drawing(plant, net, 1.0)
        trace: Trace = []
        net.watch(8.0, noted(kernel, trace))
        output.program(voltage=12.0, on=True)
        kernel.at(5 * MILLISECOND, lambda: load.draw(10.0))
        kernel.sleep(SECOND)
        assert trace == [(9 * MILLISECOND, True)]

    def test_a_load_step_crosses_at_once(self, kernel: Kernel, plant: Plant, output: SupplyOutput) -> None:
        net = plant.add_net("KL30", fed_by=output, resistance=0.1)
        load = drawing(plant, net, 1.0)
        output.program(voltage=9.5, on=True)
        kernel.sleep(SECOND)
        trace: Trace = []
        net.watch(9.0, noted(kernel, trace))
        kernel.at(SECOND + 5, lambda: load.draw(6.0))
        kernel.at(SECOND + 9, lambda: load.draw(1.0))
        kernel.sleep(SECOND)
        assert trace == [(SECOND + 5, False), (SECOND + 9, True)]

    def test_a_relay_crosses_at_once(self, kernel: Kernel, plant: Plant, output: SupplyOutput) -> None:
        relay = plant.relay("KL15")
        net = plant.add_net("KL15", fed_by=output, resistance=0.1, relay=relay)
        output.program(voltage=12, on=True)
        trace: Trace = []
        net.watch(9.0, noted(kernel, trace))
        kernel.sleep(SECOND)
        relay.close()
        kernel.sleep(SECOND)
        relay.open()
        kernel.sleep(SECOND)
        assert trace == [(SECOND, True), (2 * SECOND, False)]

    def test_a_relay_that_closes_during_a_ramp_sets_the_crossing(
        self, kernel: Kernel, plant: Plant, output: SupplyOutput
    ) -> None:
        relay = plant.relay("KL15")
        net = plant.add_net("KL15", fed_by=output, resistance=0.1, relay=relay)
        output.program(voltage=12, on=True)
        trace: Trace = []
        net.watch(9.0, noted(kernel, trace))
        kernel.at(4 * MILLISECOND, relay.close)
        kernel.sleep(SECOND)
        assert trace == [(9 * MILLISECOND, True)]

    def test_what_one_event_does_and_undoes_is_no_crossing(
        self, kernel: Kernel, plant: Plant, output: SupplyOutput
    ) -> None:
        net = plant.add_net("KL30", fed_by=output, resistance=0.1)
        load = drawing(plant, net, 1.0)
        output.program(voltage=9.5, on=True)
        kernel.sleep(SECOND)
        trace: Trace = []
        net.watch(9.0, noted(kernel, trace))
        load.draw(6.0)
        assert net.voltage == 8.9
        load.draw(1.0)
        kernel.sleep(SECOND)
        assert trace == []

    def test_a_callback_that_sheds_its_load_is_told_of_the_recovery(
        self, kernel: Kernel, plant: Plant, output: SupplyOutput
    ) -> None:
        # 5 A drop 0.5 V, 1 A drops 0.1 V: the net falls below 9 V at 9.5 V, jumps to 9.4 V, falls again at 9.1 V.
        net = plant.add_net("KL30", fed_by=output, resistance=0.1)
        load = drawing(plant, net, 5.0)
        output.program(voltage=12.0, on=True)
        kernel.sleep(20 * MILLISECOND)
        seen: list[tuple[int, bool, float]] = []

        def react(above: bool) -> None:
            seen.append((kernel.now - 20 * MILLISECOND, above, round(net.voltage, 3)))
            if not above:
                load.draw(1.0)

        net.watch(9.0, react)
        output.program(voltage=8.0)
        kernel.sleep(SECOND)
        assert seen == [
            (2_500 * MICROSECOND + 1, False, 9.0),
            (2_500 * MICROSECOND + 1, True, 9.4),
            (2_900 * MICROSECOND + 1, False, 9.0),
        ]

    def test_all_that_one_change_crossed_is_told_before_what_the_callbacks_change(
        self, kernel: Kernel, plant: Plant, output: SupplyOutput
    ) -> None:
        net = plant.add_net("KL30", fed_by=output, resistance=0.1)
        pin = plant.add_net("HeadUnit.KL30", fed_by=net, resistance=0.1)
        load = drawing(plant, pin, 1.0)
        output.program(voltage=10.0, on=True)
        kernel.sleep(SECOND)
        order: list[tuple[str, bool]] = []

        def first(above: bool) -> None:
            order.append(("first", above))
            load.draw(1.0)

        pin.watch(9.0, first)
        net.watch(9.5, lambda above: order.append(("second", above)))
        load.draw(8.0)
        kernel.sleep(1)
        assert order == [("first", False), ("second", False), ("first", True), ("second", True)]

    def test_an_oscillation_without_delay_ends_with_the_name_of_the_net(
        self, kernel: Kernel, plant: Plant, output: SupplyOutput
    ) -> None:
        net = plant.add_net("KL30", fed_by=output, resistance=0.1)
        load = plant.add_load(net)
        net.watch(9.0, lambda above: load.draw(5.0 if above else 0.0))
        output.program(voltage=9.3, on=True)
        with pytest.raises(BenchError, match=r"net 'KL30' at its threshold of 9\.0 V does not settle"):
            kernel.sleep(SECOND)
        assert kernel.now == 9 * MILLISECOND

    def test_a_fuse_that_switches_on_again_at_once_ends_with_the_name_of_the_output(
        self, kernel: Kernel, plant: Plant
    ) -> None:
        output = plant.add_output("supply.2", slew=1e12)
        net = plant.add_net("KL30", fed_by=output, resistance=0.0)
        drawing(plant, net, 5.0)
        output.on_current_limit = lambda limited: output.program(current_limit=9.0 if limited else 1.0)
        output.program(voltage=12.0, current_limit=1.0, on=True)
        with pytest.raises(BenchError, match=r"current limit of supply output 'supply\.2' does not settle"):
            kernel.sleep(SECOND)


# Watching the terminals of an output


def test_an_output_tells_when_its_terminals_cross_a_voltage(kernel: Kernel, output: SupplyOutput) -> None:
    trace: Trace = []
    output.watch(12.0, noted(kernel, trace))
    output.program(voltage=20.0, on=True)
    kernel.sleep(SECOND)
    output.program(voltage=5.0)
    kernel.sleep(SECOND)
    # 1,000 V/s: 12 V after 12 ms on the way up, 8 V below 20 V after 8 ms on the way down, and a nanosecond.
    assert trace == [(12 * MILLISECOND, True), (SECOND + 8 * MILLISECOND + 1, False)]


def test_an_output_in_current_limit_crosses_where_the_limit_holds_it(
    kernel: Kernel, plant: Plant, output: SupplyOutput
) -> None:
    trace: Trace = []
    load = drawing(plant, plant.add_net("KL30", fed_by=output, resistance=1.0), 2.0)
    output.program(voltage=13.5, current_limit=5.0, on=True)
    kernel.sleep(SECOND)
    output.watch(8.0, noted(kernel, trace))
    load.draw(10.0)
    kernel.sleep(SECOND)
    assert output.voltage == pytest.approx(6.5)  # 5 A are half of what the load wants: 1.5 V of its 3 V knee; and 1 ohm
    load.draw(2.0)
    kernel.sleep(SECOND)
    assert trace == [(SECOND, False), (2 * SECOND, True)]


@pytest.mark.parametrize("threshold", [-1.0, float("nan"), float("inf")])
def test_an_output_cannot_watch_for_an_impossible_voltage(output: SupplyOutput, threshold: float) -> None:
    with pytest.raises(TestError, match=r"supply output 'supply\.1': threshold of .* V; it must be 0 or more"):
        output.watch(threshold, lambda _: None)
