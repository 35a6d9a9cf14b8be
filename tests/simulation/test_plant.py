"""The plant against cases worked out by hand."""

from collections.abc import Callable
from math import nextafter

import pytest

from harness.clock import MICROSECOND, MILLISECOND, SECOND
from harness.errors import RigFileError, TestError
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


class TestOperatingPoint:
    def test_each_resistance_drops_what_flows_through_it(
        self, kernel: Kernel, plant: Plant, output: SupplyOutput
    ) -> None:
        kl15_relay = plant.relay("KL15")
        kl30 = plant.add_net("KL30", fed_by=output, resistance=0.025)
        kl15 = plant.add_net("KL15", fed_by=kl30, resistance=0.05, relay=kl15_relay)
        drawing(plant, kl30, 1.0)
        drawing(plant, kl15, 2.0)
        drawing(plant, kl15, 1.0)
        kl15_relay.close()
        output.program(voltage=13.5, current_limit=10, on=True)
        kernel.sleep(SECOND)
        assert output.voltage == 13.5
        assert output.current == 4.0
        assert (kl30.voltage, kl30.current) == (13.4, 4.0)
        assert (kl15.voltage, kl15.current) == (13.25, 3.0)
        kl15_relay.open()
        assert (kl30.current, kl15.current) == (1.0, 0.0)

    def test_a_load_draws_in_proportion_below_its_knee(
        self, kernel: Kernel, plant: Plant, output: SupplyOutput
    ) -> None:
        net = plant.add_net("KL30", fed_by=output, resistance=0.5)
        drawing(plant, net, 3.0)
        output.program(voltage=2.0, on=True)
        kernel.sleep(SECOND)
        assert net.voltage == pytest.approx(4 / 3)
        assert output.current == pytest.approx(4 / 3)

    def test_loads_of_one_net_have_knees_of_their_own(self, kernel: Kernel, plant: Plant, output: SupplyOutput) -> None:
        net = plant.add_net("KL30", fed_by=output, resistance=0.0)
        drawing(plant, net, 3.0, knee=3.0)
        drawing(plant, net, 6.0, knee=6.0)
        output.program(voltage=4.0, on=True)
        kernel.sleep(SECOND)
        assert output.current == pytest.approx(3.0 + 4.0)

    def test_behind_an_open_relay_there_is_nothing(self, kernel: Kernel, plant: Plant, output: SupplyOutput) -> None:
        relay = plant.relay("KL15")
        kl30 = plant.add_net("KL30", fed_by=output, resistance=0.1)
        kl15 = plant.add_net("KL15", fed_by=kl30, resistance=0.1, relay=relay)
        pin = plant.add_net("HeadUnit.KL15", fed_by=kl15, resistance=0.1)
        drawing(plant, kl30, 1.0)
        drawing(plant, pin, 2.0)
        output.program(voltage=12.0, on=True)
        kernel.sleep(SECOND)

        def state() -> tuple[bool, float, float, float, float]:
            return relay.closed, kl30.voltage, kl15.voltage, pin.voltage, output.current

        assert state() == (False, 11.9, 0.0, 0.0, 1.0)
        relay.close()
        relay.close()
        assert state() == (True, 11.7, 11.5, 11.3, 3.0)
        relay.open()
        assert state() == (False, 11.9, 0.0, 0.0, 1.0)

    def test_one_relay_switches_nets_of_several_outputs(
        self, kernel: Kernel, plant: Plant, output: SupplyOutput
    ) -> None:
        other = plant.add_output("supply.2", slew=SLEW)
        relay = plant.relay("main")
        assert plant.relay("main") is relay
        nets = [plant.add_net(f"{out.name}.net", fed_by=out, resistance=0.1, relay=relay) for out in (output, other)]
        output.program(voltage=12, on=True)
        other.program(voltage=5, on=True)
        relay.close()
        kernel.sleep(SECOND)
        assert [net.voltage for net in nets] == [12, 5]


class TestOutput:
    def test_the_voltage_moves_in_a_line(self, kernel: Kernel, output: SupplyOutput) -> None:
        output.program(voltage=12.0, on=True)
        assert output.voltage == 0.0
        kernel.sleep(3 * MILLISECOND)
        assert output.voltage == 3.0
        output.program(voltage=1.0)
        kernel.sleep(500 * MICROSECOND)
        assert output.voltage == 2.5
        kernel.sleep(SECOND)
        assert output.voltage == 1.0

    def test_switched_off_it_is_at_nothing_at_once_and_begins_again_from_there(
        self, kernel: Kernel, output: SupplyOutput
    ) -> None:
        output.program(voltage=12.0, on=True)
        kernel.sleep(SECOND)
        output.program(on=False)
        assert output.voltage == 0.0
        output.program(voltage=5.0)
        kernel.sleep(SECOND)
        assert output.voltage == 0.0
        output.program(on=True)
        kernel.sleep(2 * MILLISECOND)
        assert output.voltage == 2.0
        output.program(on=True)
        kernel.sleep(2 * MILLISECOND)
        assert output.voltage == 4.0

    def test_switched_off_on_its_way_down_it_does_not_go_on_down(self, kernel: Kernel, output: SupplyOutput) -> None:
        output.program(voltage=12.0, on=True)
        kernel.sleep(SECOND)
        output.program(voltage=0.0)
        kernel.sleep(MILLISECOND)
        output.program(on=False)
        assert output.voltage == 0.0

    @pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
    def test_it_refuses_what_no_supply_can_be_set_to(self, output: SupplyOutput, value: float) -> None:
        with pytest.raises(TestError, match=r"'supply\.1': voltage of .* V; it must be 0 or more"):
            output.program(voltage=value, on=True)
        with pytest.raises(TestError, match=r"'supply\.1': current limit of .* A"):
            output.program(voltage=3.0, current_limit=value, on=True)
        assert output.tree.ramp.target == 0.0


class TestCurrentLimit:
    def test_the_voltage_falls_to_where_the_limit_flows(
        self, kernel: Kernel, plant: Plant, output: SupplyOutput
    ) -> None:
        # 2 A of the 4 A wanted: the load stands at half its knee, 1.5 V; 0.25 ohm drop another 0.5 V.
        net = plant.add_net("KL30", fed_by=output, resistance=0.25)
        load = drawing(plant, net, 4.0)
        output.program(voltage=13.5, current_limit=2.0, on=True)
        kernel.sleep(SECOND)
        assert (output.in_current_limit, net.voltage, output.voltage, output.current) == (True, 1.5, 2.0, 2.0)
        load.draw(1.0)
        assert (output.in_current_limit, net.voltage, output.voltage, output.current) == (False, 13.25, 13.5, 1.0)

    def test_the_limit_itself_may_flow(self, kernel: Kernel, plant: Plant, output: SupplyOutput) -> None:
        net = plant.add_net("KL30", fed_by=output, resistance=0.25)
        drawing(plant, net, 2.0)
        output.program(voltage=13.5, current_limit=2.0, on=True)
        kernel.sleep(SECOND)
        assert not output.in_current_limit
        assert net.voltage == 13.0

    def test_a_limit_below_the_demand_by_rounding_only_holds_the_load_at_its_knee(
        self, kernel: Kernel, plant: Plant, output: SupplyOutput
    ) -> None:
        net = plant.add_net("KL30", fed_by=output, resistance=1.0)
        drawing(plant, net, 0.2)
        output.program(voltage=13.5, current_limit=nextafter(0.2, 0.0), on=True)
        kernel.sleep(SECOND)
        assert output.in_current_limit
        assert (net.voltage, output.voltage) == (3.0, 3.2)

    def test_a_limit_of_nothing_lets_nothing_flow(self, kernel: Kernel, plant: Plant, output: SupplyOutput) -> None:
        net = plant.add_net("KL30", fed_by=output, resistance=0.25)
        drawing(plant, net, 2.0)
        output.program(voltage=13.5, current_limit=0.0, on=True)
        kernel.sleep(SECOND)
        assert (net.voltage, output.current, output.in_current_limit) == (0.0, 0.0, True)

    def test_it_is_told_of_at_the_instant(self, kernel: Kernel, plant: Plant, output: SupplyOutput) -> None:
        # 4 A / 3 V behind 0.25 ohm are 1 ohm: 2 A flow at 2 V, in the third millisecond of the ramp.
        net = plant.add_net("KL30", fed_by=output, resistance=0.25)
        load = drawing(plant, net, 4.0)
        trace: Trace = []
        output.on_current_limit = noted(kernel, trace)
        output.program(voltage=10.0, current_limit=2.0, on=True)
        kernel.sleep(20 * MILLISECOND)
        assert trace == [(2 * MILLISECOND + 1, True)]
        output.program(voltage=1.0)
        kernel.sleep(20 * MILLISECOND)
        assert trace[1:] == [(28 * MILLISECOND, False)]
        output.program(voltage=10.0)
        kernel.sleep(20 * MILLISECOND)
        load.draw(0.5)
        kernel.sleep(1)
        assert trace[2:] == [(41 * MILLISECOND + 1, True), (60 * MILLISECOND, False)]

    def test_the_reference_moves_on_behind_the_limit(self, kernel: Kernel, plant: Plant, output: SupplyOutput) -> None:
        net = plant.add_net("KL30", fed_by=output, resistance=0.0)
        load = drawing(plant, net, 4.0)
        output.program(voltage=10.0, current_limit=2.0, on=True)
        kernel.sleep(7 * MILLISECOND)
        assert net.voltage == 1.5
        load.draw(0.0)
        assert net.voltage == 7.0

    def test_it_is_told_before_the_voltages_it_takes_down(
        self, kernel: Kernel, plant: Plant, output: SupplyOutput
    ) -> None:
        net = plant.add_net("KL30", fed_by=output, resistance=0.1)
        load = drawing(plant, net, 1.0)
        output.program(voltage=12.0, current_limit=5.0, on=True)
        kernel.sleep(SECOND)
        order: list[str] = []
        net.watch(9.0, lambda _: order.append("watch"))
        output.on_current_limit = lambda _: order.append("limit")
        load.draw(6.0)
        kernel.sleep(1)
        assert order == ["limit", "watch"]

    def test_a_fuse_can_switch_off_in_that_instant(self, kernel: Kernel, plant: Plant, output: SupplyOutput) -> None:
        net = plant.add_net("KL30", fed_by=output, resistance=0.1)
        load = drawing(plant, net, 1.0)
        limited: Trace = []
        above: Trace = []

        def blow(state: bool) -> None:
            limited.append((kernel.now, state))
            if state:
                output.program(on=False)

        output.on_current_limit = blow
        net.watch(6.0, noted(kernel, above))
        output.program(voltage=12.0, current_limit=5.0, on=True)
        kernel.sleep(20 * MILLISECOND)
        load.draw(6.0)
        kernel.sleep(SECOND)
        now = 20 * MILLISECOND
        assert limited == [(now, True), (now, False)]
        assert above == [(6_100 * MICROSECOND, True), (now, False)]
        assert (net.voltage, output.current) == (0.0, 0.0)


class TestNames:
    def test_an_unknown_net_is_answered_with_the_known_ones(self, plant: Plant, output: SupplyOutput) -> None:
        plant.add_net("KL30", fed_by=output, resistance=0.0)
        with pytest.raises(TestError, match="no net 'KL3'; did you mean 'KL30'"):
            plant.nets["KL3"]

    def test_names_are_given_once(self, plant: Plant, output: SupplyOutput) -> None:
        plant.add_net("KL30", fed_by=output, resistance=0.0)
        with pytest.raises(RigFileError, match="net 'KL30' is declared twice"):
            plant.add_net("KL30", fed_by=output, resistance=0.0)
        with pytest.raises(RigFileError, match=r"supply output 'supply\.1' is declared twice"):
            plant.add_output("supply.1", slew=1.0)

    def test_what_belongs_to_another_plant_is_unknown(self, kernel: Kernel, plant: Plant, output: SupplyOutput) -> None:
        other = Plant(kernel)
        net = plant.add_net("KL30", fed_by=output, resistance=0.0)
        with pytest.raises(RigFileError, match=r"net 'KL15': no supply output or net 'KL30'"):
            other.add_net("KL15", fed_by=net, resistance=0.0)
        with pytest.raises(RigFileError, match=r"net 'KL15': no relay 'R1'"):
            plant.add_net("KL15", fed_by=net, resistance=0.0, relay=other.relay("R1"))
        with pytest.raises(TestError, match="no net 'KL30'"):
            other.add_load(net)

    @pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
    def test_values_that_make_no_sense_are_refused(self, plant: Plant, output: SupplyOutput, value: float) -> None:
        net = plant.add_net("KL30", fed_by=output, resistance=0.0)
        load = plant.add_load(net)
        with pytest.raises(RigFileError, match="slew rate"):
            plant.add_output("supply.2", slew=value)
        with pytest.raises(RigFileError, match="net 'KL15': resistance"):
            plant.add_net("KL15", fed_by=net, resistance=value)
        with pytest.raises(RigFileError, match="knee"):
            plant.add_load(net, knee=value)
        with pytest.raises(TestError, match="load on net 'KL30': current"):
            load.draw(value)
        with pytest.raises(TestError, match="net 'KL30': threshold"):
            net.watch(value, lambda _: None)
        assert list(plant.nets) == ["KL30"]
        assert output.current == 0.0
