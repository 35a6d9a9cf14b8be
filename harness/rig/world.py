"""Builds the simulated part of a rig: kernel, buses, electrical plant, instruments and ECUs, wired as the file says."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from random import Random

from harness.can_port import CanPort
from harness.clock import MILLISECOND
from harness.errors import RigFileError, TestError, unknown_name
from harness.protocols.database import Database
from harness.rig.paced_world import Bench, PacedClock
from harness.rig.rig_file import SIMULATED, MeterFacts, RigFile, terminal
from harness.simulation.can_network import CanNetwork, SimulatedCanChannel
from harness.simulation.ecus.ecu import EcuContext
from harness.simulation.ecus.registry import build_ecu
from harness.simulation.ecus.rest_bus import RestBus
from harness.simulation.instruments.modbus_relay_card import ModbusRelayCard
from harness.simulation.instruments.registry import RELAY_CARDS, build_instrument, build_relay_card
from harness.simulation.instruments.scpi_instrument import ScpiInstrument
from harness.simulation.kernel import Kernel
from harness.simulation.plant import Load, Net, Plant, Relay, SupplyOutput
from harness.simulation.serial_line import SerialLine
from harness.simulation.series_input import SeriesInput
from harness.simulation.visa_library import SimulatedVisaLibrary, open_library
from harness.transports.bench_can import BenchCanPort
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
    networks: Mapping[str, CanNetwork]
    """By bus."""
    channels: Mapping[str, SimulatedCanChannel]
    """By bus."""
    instruments: Mapping[str, ScpiInstrument]
    relay_cards: Mapping[str, ModbusRelayCard]
    """Those on serial lines, by name."""
    ecus: Mapping[str, RestBus]
    consoles: Mapping[str, SerialLine]
    """By stream."""
    outputs: Mapping[str, Mapping[int, SupplyOutput]]
    """By supply and number: also of the real ones, as far as the simulated ECUs see them."""
    relays: Mapping[str, Mapping[int, Relay]]
    """By switch matrix and channel, likewise."""
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


def build_world(
    rig: RigFile,
    vehicle: Vehicle,
    databases: Mapping[str, Database],
    seed: int,
    *,
    only: Collection[str] | None = None,
    bench: Bench | None = None,
) -> World:
    """Build what the rig file declares as simulated. Nothing happens before its kernel is run.

    Args:
        rig: what there is, and how it is wired.
        vehicle: the car.
        databases: by bus.
        seed: of the random numbers.
        only: names of the ECUs to build; all that have a model when it is None.
        bench: where the simulated part is of a rig that runs in wall time.

    Raises:
        RigFileError: the file names something that does not exist or does not fit.
    """
    kernel = bench.kernel if bench else Kernel()
    real = bench.channels if bench else {}
    _refuse_fd_on_classic_buses(vehicle, databases)
    networks = {
        bus: CanNetwork(kernel, bus, vehicle.buses[bus].bitrate, vehicle.buses[bus].data_bitrate)
        for bus in rig.buses
        if bus not in real
    }

    def port(bus: str, ecu: str) -> CanPort:
        return (
            networks[bus].node(ecu) if bench is None or bus in networks else BenchCanPort(real[bus], bench.paced.post)
        )

    plant = Plant(kernel)
    outputs, relays = _wire(rig, plant)
    instruments: dict[str, ScpiInstrument] = {}
    relay_cards: dict[str, ModbusRelayCard] = {}
    for name, instrument in rig.instruments.items():
        if instrument.resource == SIMULATED and instrument.model in RELAY_CARDS:
            with _blaming(rig, "instruments", name):
                relay_cards[name] = build_relay_card(name, instrument.model, kernel, relays.get(name, {}))
        elif instrument.resource == SIMULATED:
            with _blaming(rig, "instruments", name):
                instruments[name] = build_instrument(
                    name,
                    instrument.model,
                    kernel,
                    outputs=outputs.get(name, {}),
                    relays=relays.get(name, {}),
                    inputs={
                        meter.kind.noun(): _input(plant, meter)
                        for meter in rig.meters.values()
                        if meter.instrument == name
                    },
                    probes={
                        probe.channel: plant.nets[probe.voltage_at]
                        for probe in rig.probes.values()
                        if probe.instrument == name
                    },
                )
    consoles = {name: SerialLine(kernel) for name, facts in rig.streams.items() if facts.resource == SIMULATED}
    ecus: dict[str, RestBus] = {}
    for name, facts in rig.ecus.items():
        if facts.model is None or (only is not None and name not in only):
            continue
        buses = [bus for bus, database in databases.items() if facts.node in database.nodes]
        if not buses:
            nodes = {node for database in databases.values() for node in database.nodes}
            raise error_in(rig.path, {("ecus", name, "node"): unknown_name("node that sends", facts.node, nodes)})
        context = EcuContext(
            name=name,
            node=facts.node,
            kernel=kernel,
            ports={bus: port(bus, name) for bus in buses},
            databases=databases,
            pins={pin: WiredPin(plant.nets[net], plant.add_load(plant.nets[net])) for pin, net in facts.pins.items()},
            protection=vehicle.protection,
            routes=vehicle.routes,
            console=next((line for stream, line in consoles.items() if rig.streams[stream].ecu == name), None),
            phase=Random(f"{seed} {name}").randrange(LATEST_FIRST_MESSAGE),  # noqa: S311  no secrets here
        )
        with _blaming(rig, "ecus", name, "model"):
            ecus[name] = build_ecu(facts.model, context)
    channels = {}
    for bus, network in networks.items():
        with _blaming(rig, "defects", bus):
            channels[bus] = SimulatedCanChannel(network, rig.defects.get(bus, ()))
    with_defects: dict[str, ScpiInstrument | ModbusRelayCard] = {**instruments, **relay_cards}
    for name, simulated in with_defects.items():
        for index, defect in enumerate(rig.defects.get(name, ())):
            with _blaming(rig, "defects", name, index):
                simulated.switch_defect_on(defect)
    for name, defects in rig.defects.items():
        for index, defect in enumerate(defects if name in ecus else ()):
            with _blaming(rig, "defects", name, index):
                ecus[name].switch_defect(defect, on=True)
    return World(
        kernel=kernel,
        networks=networks,
        channels=channels,
        instruments=instruments,
        relay_cards=relay_cards,
        ecus=ecus,
        consoles=consoles,
        outputs=outputs,
        relays=relays,
        visa_library=open_library(
            PacedClock(bench.clock, bench.paced) if bench else kernel,
            {simulated_resource(name): instrument for name, instrument in instruments.items()},
            bench.paced.held if bench else nullcontext,
        ),
    )


def _refuse_fd_on_classic_buses(vehicle: Vehicle, databases: Mapping[str, Database]) -> None:
    for bus, database in databases.items():
        fd = next((message.name for message in database.messages.values() if message.is_fd), None)
        if fd and vehicle.buses[bus].data_bitrate is None:
            problem = f"{database.path.name} has the CAN FD message {fd}; that needs a bus with data_bitrate"
            raise error_in(vehicle.folder / "vehicle.yaml", {("buses", bus): problem})


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
    for meter in rig.meters.values():
        if meter.bypass:
            instrument, channel = terminal(meter.bypass)
            relays.setdefault(instrument, {})[channel] = plant.relay(meter.bypass)
    return outputs, relays


def _input(plant: Plant, meter: MeterFacts) -> Net | SeriesInput:
    net = plant.nets[meter.net]
    if meter.current_in is None:
        return net
    return SeriesInput(net, plant.relay(meter.bypass) if meter.bypass else None)
