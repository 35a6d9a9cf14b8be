"""A small car: two supply terminals, one bus with a tester on it, and ECUs from the database of the RX5."""

from collections.abc import Mapping
from pathlib import Path

import can
import pytest

from harness.clock import MILLISECOND, SECOND
from harness.protocols.database import Database, read_database
from harness.rig.world import WiredPin
from harness.simulation.can_network import CanNetwork, SimulatedCanChannel
from harness.simulation.ecus.ecu import EcuContext
from harness.simulation.ecus.registry import build_ecu
from harness.simulation.ecus.rest_bus import RestBus
from harness.simulation.kernel import Kernel
from harness.simulation.plant import Plant
from harness.simulation.serial_line import SerialLine
from harness.vehicle import Protection, read_vehicle
from tests.simulation.ecus.drive import Drive

VEHICLE = Path(__file__).parents[3] / "rigs/vehicles/roewe-rx5"


class Car:
    """Terminal 30 from a supply, terminal 15 through a relay from it, and a tester who keeps all frames."""

    def __init__(self, database: Database, protection: Mapping[str, Protection]) -> None:
        self.kernel = Kernel()
        self.database = database
        self.network = CanNetwork(self.kernel, "chassis", 500_000)
        self.channel = SimulatedCanChannel(self.network)
        self.frames: list[can.Message] = []
        self.channel.listen(self.frames.append)
        self.ecus: dict[str, RestBus] = {}
        self.consoles: dict[str, SerialLine] = {}
        self._protection = protection
        plant = Plant(self.kernel)
        self.output = plant.add_output("supply.1", slew=1e6)
        self.relay = plant.relay("KL15")
        kl30 = plant.add_net("KL30", fed_by=self.output, resistance=0)
        kl15 = plant.add_net("KL15", fed_by=kl30, resistance=0, relay=self.relay)
        self._plant = plant
        self._nets = {"KL30": kl30, "KL15": kl15}

    def add(self, model: str, node: str, pins: tuple[str, ...] = (), phase: int = 0) -> RestBus:
        """Add the ECU of a node of the database."""
        self.consoles[node] = SerialLine(self.kernel)
        context = EcuContext(
            name=f"the {node}",
            node=node,
            kernel=self.kernel,
            ports={"chassis": self.network.node(node)},
            databases={"chassis": self.database},
            pins={pin: WiredPin(self._nets[pin], self._plant.add_load(self._nets[pin])) for pin in pins},
            protection=self._protection,
            console=self.consoles[node],
            phase=phase,
        )
        self.ecus[node] = build_ecu(model, context)
        return self.ecus[node]

    def supply(self, voltage: float) -> None:
        """Switch terminal 30 on at a voltage (V)."""
        self.output.program(voltage=voltage, on=True)

    def run(self, milliseconds: float) -> None:
        self.kernel.sleep(round(milliseconds * MILLISECOND))

    def of(self, message: str, since: int = 0) -> list[can.Message]:
        """The frames of a message, those that ended after `since`."""
        identifier = self.database.message(message).identifier
        return [f for f in self.frames if f.arbitration_id == identifier and stamp(f) > since]

    def set(self, signal: str, raw: int) -> None:
        """Let the ECU of a signal send another raw value."""
        found = self.database.signal(signal)
        self.ecus[self.database.message(found.message).sender].set_raw(found, raw)

    def raw(self, frame: can.Message) -> dict[str, int]:
        """Raw values of a frame's signals."""
        message = self.database.by_key[frame.arbitration_id]
        return {name: signal.raw_of(bytes(frame.data)) for name, signal in message.signals.items()}


def stamp(frame: can.Message) -> int:
    """Nanoseconds."""
    return round(frame.timestamp * SECOND)


@pytest.fixture(scope="session")
def database() -> Database:
    return read_database(VEHICLE / "chassis.dbc")


@pytest.fixture
def car(database: Database) -> Car:
    return Car(database, read_vehicle(VEHICLE).protection)


@pytest.fixture
def drive(car: Car) -> Drive:
    return Drive(car)
