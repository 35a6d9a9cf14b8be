"""Builds the simulated part of a rig: kernel, buses, electrical plant, instruments and ECUs, wired as the file says."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

from harness.clock import MILLISECOND
from harness.errors import RigFileError, TestError, unknown_name
from harness.protocols.database import Database
from harness.rig.rig_file import SIMULATED, RigFile, terminal
from harness.simulation.can_network import CanNetwork, SimulatedCanChannel
from harness.simulation.ecus.ecu import EcuContext
from harness.simulation.ecus.registry import build_ecu
from harness.simulation.ecus.rest_bus import RestBus
from harness.simulation.instruments.registry import build_instrument
from harness.simulation.instruments.scpi_instrument import ScpiInstrument
from harness.simulation.kernel import Kernel
from harness.simulation.plant import Load, Net, Plant, Relay, SupplyOutput
from harness.simulation.visa_library import SimulatedVisaLibrary, open_library
from harness.vehicle import Vehicle
from harness.yaml_file import error_in

SLEW = 1000.0
"""Volts per second at which a simulated supply moves its output [P]."""
LATEST_FIRST_MESSAGE = 20 * MILLISECOND
"""How long after its wake-up an ECU sends its first cyclic messages at the latest [P]; the seed decides."""


@dataclass(frozen=True)
class World:
    """The simulated part of a rig."""

    kernel: Kernel
    channels: Mapping[str, SimulatedCanChannel]
    """By bus."""
    instruments: Mapping[str, ScpiInstrument]
    ecus: Mapping[str, RestBus]
    visa_library: SimulatedVisaLibrary


class WiredPin:
    """A pin of an ECU on a net of the plant: the net's voltage, and a load of its own."""

    def __init__(self, net: Net, load: Load) -> None:
        self._net = net
        self.watch = net.watch
        self.draw = load.draw

    @property
    def voltage(self) -> float:
        """Volts at the pin now."""
        return self._net.voltage


def build_world(rig: RigFile, vehicle: Vehicle, databases: Mapping[str, Database], seed: int) -> World:
    """Build what the rig file declares as simulated. Nothing happens before its kernel is run.

    Raises:
        RigFileError: the file names something that does not exist or does not fit.
    """
    kernel = Kernel()
    networks = {bus: CanNetwork(kernel, bus, vehicle.buses[bus].bitrate) for bus in rig.buses}
    plant = Plant(kernel)
    outputs, relays = _wire(rig, plant)
    instruments: dict[str, ScpiInstrument] = {}
    for name, instrument in rig.instruments.items():
        if instrument.resource == SIMULATED:
            with _blaming(rig, "instruments", name):
                instruments[name] = build_instrument(
                    name, instrument.model, kernel, outputs.get(name, {}), relays.get(name, {})
                )
    ecus: dict[str, RestBus] = {}
    for name, facts in rig.ecus.items():
        if facts.model is None:
            continue
        buses = [bus for bus, database in databases.items() if facts.node in database.nodes]
        if not buses:
            nodes = {node for database in databases.values() for node in database.nodes}
            raise error_in(rig.path, {("ecus", name, "node"): unknown_name("node that sends", facts.node, nodes)})
        context = EcuContext(
            name=name,
            node=facts.node,
            kernel=kernel,
            ports={bus: networks[bus].node(name) for bus in buses},
            databases=databases,
            pins={pin: WiredPin(plant.nets[net], plant.add_load(plant.nets[net])) for pin, net in facts.pins.items()},
            protection=vehicle.protection,
            phase=Random(f"{seed} {name}").randrange(LATEST_FIRST_MESSAGE),  # noqa: S311  no secrets here
        )
        with _blaming(rig, "ecus", name, "model"):
            ecus[name] = build_ecu(facts.model, context)
    for name, defects in rig.defects.items():
        for index, defect in enumerate(defects):
            with _blaming(rig, "defects", name, index):
                ecus[name].switch_defect(defect, on=True)
    return World(
        kernel=kernel,
        channels={bus: SimulatedCanChannel(network) for bus, network in networks.items()},
        instruments=instruments,
        ecus=ecus,
        visa_library=open_library(kernel, {simulated_resource(name): it for name, it in instruments.items()}),
    )


@contextmanager
def _blaming(rig: RigFile, *key: str | int) -> Iterator[None]:
    try:
        yield
    except (RigFileError, TestError) as error:
        raise error_in(rig.path, {key: str(error)}) from error


def simulated_resource(instrument: str) -> str:
    """Return the VISA resource name of a simulated instrument."""
    return f"TCPIP::{instrument.replace(' ', '-')}::5025::SOCKET"


def _wire(rig: RigFile, plant: Plant) -> tuple[dict[str, dict[int, SupplyOutput]], dict[str, dict[int, Relay]]]:
    outputs: dict[str, dict[int, SupplyOutput]] = {}
    relays: dict[str, dict[int, Relay]] = {}

    def feed(name: str) -> SupplyOutput | Net:
        if name in rig.nets:
            return net(name)
        instrument, number = terminal(name)
        known = outputs.setdefault(instrument, {})
        if number not in known:
            known[number] = plant.add_output(name, slew=SLEW)
        return known[number]

    def net(name: str) -> Net:
        if name not in plant.nets:
            facts = rig.nets[name]
            relay = None
            if facts.relay:
                relay = plant.relay(facts.relay)
                instrument, channel = terminal(facts.relay)
                relays.setdefault(instrument, {})[channel] = relay
            plant.add_net(
                name,
                fed_by=feed(facts.fed_by),
                resistance=facts.resistance,
                relay=relay,
                normally_closed=facts.contact == "normally closed",
            )
        return plant.nets[name]

    for name in rig.nets:
        net(name)
    return outputs, relays
