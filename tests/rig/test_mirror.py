"""Simulated ECUs of a bench follow what the rig tells its real instruments.

The instruments are those of one simulated world, the ECUs those of another.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.errors import InstrumentTimeoutError, RigFileError, TestError
from harness.instruments.limits import SupplyLimits
from harness.instruments.registry import open_driver
from harness.instruments.roles import PowerSupply, SwitchMatrix
from harness.protocols.database import read_database
from harness.quantities import Current, Duration, Voltage
from harness.rig.left_on import switch_off
from harness.rig.mirror import MirroredMatrix, MirroredSupply
from harness.rig.open_rig import read_rig
from harness.rig.paced_world import Bench
from harness.rig.world import World, build_world, simulated_resource
from harness.simulation.instruments.scpi_instrument import InstrumentFault
from harness.simulation.kernel import Kernel
from harness.transports.paced_kernel import PacedKernel
from harness.transports.visa import open_session
from harness.transports.wall_clock import WallClock

LIMITS = SupplyLimits(Voltage(18), Current(10), "a rig file")


class Bridge:
    def __init__(self, rig_path: Path) -> None:
        facts, vehicle = read_rig(rig_path)
        databases = {bus: read_database(vehicle.database_path(bus)) for bus in facts.buses}
        self.bench = build_world(facts, vehicle, databases, 1, only=())
        clock, kernel = WallClock(), Kernel()
        self.paced = PacedKernel(kernel, clock)
        self.rest_bus: World = build_world(
            facts, vehicle, databases, 1, bench=Bench(kernel, clock, self.paced, channels={})
        )
        supply, matrix = (self.driver(role, facts.instruments[role].model) for role in ("supply", "switches"))
        assert isinstance(supply, PowerSupply)
        assert isinstance(matrix, SwitchMatrix)
        self.real_supply, self.real_matrix = supply, matrix
        self.supply = MirroredSupply(supply, LIMITS, self.rest_bus.outputs["supply"], self.paced)
        self.matrix = MirroredMatrix(matrix, self.rest_bus.relays["switches"], self.paced)

    def driver(self, role: str, model: str) -> object:
        session = open_session(self.bench.visa_library, simulated_resource(role), role=role, timeout=Duration(2))
        return open_driver(model, session)

    @property
    def voltage(self) -> float:
        """Of the output that the simulated ECUs see."""
        with self.paced.held():
            return self.rest_bus.outputs["supply"][1].voltage

    def is_closed(self, channel: int) -> bool:
        return self.rest_bus.relays["switches"][channel].closed


@pytest.fixture
def bridge(rig_path: Path) -> Iterator[Bridge]:
    bridge = Bridge(rig_path)
    bridge.paced.start()
    yield bridge
    bridge.paced.stop()


def wait_for_the_slew(bridge: Bridge) -> None:
    bridge.paced._clock.sleep(50_000_000)


def test_what_is_commanded_is_seen(bridge: Bridge) -> None:
    bridge.supply.set_voltage(1, 12.5)
    assert bridge.voltage == 0
    bridge.supply.switch_output(1, on=True)
    wait_for_the_slew(bridge)
    assert bridge.voltage == 12.5
    bridge.supply.set_voltage(1, 9)
    wait_for_the_slew(bridge)
    assert bridge.voltage == 9
    bridge.supply.switch_output(1, on=False)
    assert bridge.voltage == 0


def test_relays_are_seen(bridge: Bridge) -> None:
    bridge.matrix.close_channel(102)
    assert (bridge.is_closed(101), bridge.is_closed(102)) == (False, True)
    bridge.matrix.open_channel(102)
    assert not bridge.is_closed(102)
    bridge.matrix.close_channel(101)
    bridge.matrix.open_all()
    assert not bridge.is_closed(101)
    assert not bridge.real_matrix.is_closed(101)


def test_what_somebody_has_left_on_is_seen_when_one_looks(bridge: Bridge) -> None:
    bridge.real_supply.set_voltage(1, 13.5)
    bridge.real_supply.switch_output(1, on=True)
    bridge.real_matrix.close_channel(101)
    assert (bridge.voltage, bridge.is_closed(101)) == (0, False)
    bridge.supply.look()
    bridge.matrix.look()
    wait_for_the_slew(bridge)
    assert (bridge.voltage, bridge.is_closed(101)) == (13.5, True)


def test_what_is_refused_is_not_seen(bridge: Bridge) -> None:
    bridge.supply.set_voltage(1, 12)
    bridge.supply.switch_output(1, on=True)
    with pytest.raises(TestError, match="this rig allows at most 18 V"):
        bridge.supply.set_voltage(1, 18.1)
    wait_for_the_slew(bridge)
    assert bridge.voltage == 12


def test_outputs_and_relays_that_no_ecu_hangs_on_are_commanded_all_the_same(bridge: Bridge) -> None:
    bridge.supply.set_voltage(3, 5)
    bridge.matrix.close_channel(120)
    assert bridge.real_supply.programmed_voltage(3) == 5
    assert bridge.real_matrix.is_closed(120)


def test_it_is_the_instrument_to_all_who_ask(bridge: Bridge) -> None:
    assert (bridge.matrix.role, bridge.matrix.identity) == ("switches", bridge.real_matrix.identity)
    assert isinstance(bridge.matrix, SwitchMatrix)
    assert isinstance(bridge.supply, PowerSupply)
    assert bridge.matrix.errors() == []


# A command that fails half-way


@contextmanager
def hanging(bridge: Bridge, role: str, *, after: str) -> Iterator[None]:
    """Let an instrument do what it is told by the line `after`, and then hang, until the end of the block."""
    instrument: Any = bridge.bench.instruments[role]
    execute = instrument._execute

    def execute_and_hang(line: str) -> object:
        done = execute(line)
        if line.startswith(after):
            instrument.fault = InstrumentFault.SILENT
        return done

    instrument._execute = execute_and_hang
    yield
    instrument._execute, instrument.fault = execute, None


IN_DOUBT = "a command has failed, and simulated ECUs may not have seen what it did: "


def test_a_relay_that_has_moved_without_a_word_is_seen_when_the_rig_is_looked_at(bridge: Bridge) -> None:
    with hanging(bridge, "switches", after="ROUT:CLOS ("):
        with pytest.raises(InstrumentTimeoutError) as failed:
            bridge.matrix.close_channel(102)
        with pytest.raises(InstrumentTimeoutError):
            bridge.matrix.errors()
    assert bridge.real_matrix.is_closed(102)
    assert not bridge.is_closed(102)
    assert bridge.matrix.errors() == [f"{IN_DOUBT}{failed.value}"], "the first time it can be read"
    assert bridge.is_closed(102)
    assert bridge.matrix.errors() == []


def test_opening_all_relays_without_a_word_is_seen_as_well(bridge: Bridge) -> None:
    bridge.matrix.close_channel(102)
    with hanging(bridge, "switches", after="ROUT:OPEN ("), pytest.raises(InstrumentTimeoutError):
        bridge.matrix.open_all()
    assert len(bridge.matrix.errors()) == 1
    assert not bridge.is_closed(102)


def test_an_output_that_has_come_on_without_a_word_is_seen_when_the_rig_is_looked_at(bridge: Bridge) -> None:
    bridge.supply.set_voltage(1, 12.5)
    with hanging(bridge, "supply", after="OUTP:GEN ON"), pytest.raises(InstrumentTimeoutError) as failed:
        bridge.supply.switch_output(1, on=True)
    assert bridge.supply.errors() == [f"{IN_DOUBT}{failed.value}"]
    wait_for_the_slew(bridge)
    assert bridge.voltage == 12.5
    with hanging(bridge, "supply", after="VOLT 9"), pytest.raises(InstrumentTimeoutError):
        bridge.supply.set_voltage(1, 9)
    assert len(bridge.supply.errors()) == 1
    wait_for_the_slew(bridge)
    assert bridge.voltage == 9
    assert bridge.supply.errors() == []


def test_what_has_not_left_for_the_instrument_leaves_no_doubt(bridge: Bridge) -> None:
    with pytest.raises(TestError):
        bridge.supply.set_voltage(1, 18.1)
    with pytest.raises(RigFileError):
        bridge.supply.switch_output(5, on=True)
    with pytest.raises(RigFileError):
        bridge.matrix.close_channel(999)
    assert bridge.supply.errors() == bridge.matrix.errors() == []


def test_what_somebody_has_left_on_is_switched_off_on_opening(bridge: Bridge, rig_path: Path) -> None:
    facts, _ = read_rig(rig_path)
    bridge.real_supply.set_voltage(1, 13.5)
    bridge.real_supply.switch_output(1, on=True)
    bridge.real_matrix.close_channel(102)
    bridge.supply.look()
    bridge.matrix.look()
    found = switch_off(facts, {"supply": bridge.supply, "switches": bridge.matrix})
    assert found == ("supply output 1 was on and was switched off; relay switches.102 was closed and was opened")
    assert not bridge.real_supply.output_is_on(1)
    assert not bridge.real_matrix.is_closed(102)
    assert (bridge.voltage, bridge.is_closed(102)) == (0, False)
    assert switch_off(facts, {"supply": bridge.supply, "switches": bridge.matrix}) == ""
