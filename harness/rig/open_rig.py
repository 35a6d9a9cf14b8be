"""Opens a rig: reads its files, builds what is simulated, opens what is real."""

import gc
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from harness.buses.can_bus import CanBus
from harness.clock import Clock
from harness.errors import HarnessError, InstrumentError, StreamError, unknown_name
from harness.instruments.registry import DRIVERS, SERIAL_DRIVERS
from harness.protocols.database import Database, read_database
from harness.quantities import Duration
from harness.rig.car_supply import wire_car_supply
from harness.rig.left_on import switch_off
from harness.rig.meters import wire_meters
from harness.rig.power_modes import check_steps
from harness.rig.probes import wire_probes
from harness.rig.rig import Rig
from harness.rig.rig_file import SIMULATED, TCP, CanAdapterFacts, InstrumentFacts, RigFile, read_rig_file
from harness.rig.signals import Signals
from harness.vehicle import Vehicle, read_vehicle
from harness.yaml_file import KeyPath, error_in

if TYPE_CHECKING:
    from pyvisa.highlevel import VisaLibraryBase

    from harness.consoles.console import Console
    from harness.instruments.roles import Instrument
    from harness.rig.paced_world import Bench
    from harness.rig.world import World
    from harness.transports.can_channel import CanChannel
    from harness.transports.modbus import ModbusSession
    from harness.transports.stream import Stream
    from harness.transports.wall_clock import WallClock

DEFAULT_SEED = 1
ANSWER_TIMEOUT = Duration(2)
"""How long an instrument may take to answer."""
LATE_BY_CYCLES = Fraction(2, 5)
"""Lateness of simulated ECUs, in the shortest of their cycle times, from which on a failure may be due to it [P].

Vehicles allow an interval to be half a cycle too long; an event may have several frames to send, one after the other.
"""


def read_rig(path: Path) -> tuple[RigFile, Vehicle]:
    """Read a rig file and its vehicle; opens nothing.

    Raises:
        RigFileError: one of them is missing, damaged or contradicts the other.
    """
    facts = read_rig_file(path)
    vehicle = read_vehicle(_vehicle_folder(facts))
    problems: dict[KeyPath, str] = {
        ("buses", bus): f"{vehicle.name} has {unknown_name('bus', bus, vehicle.buses)}"
        for bus in facts.buses
        if bus not in vehicle.buses
    }
    for name, bus in facts.buses.items():
        is_fd = name in vehicle.buses and vehicle.buses[name].data_bitrate is not None
        if is_fd and isinstance(bus.channel, CanAdapterFacts) and bus.channel.parameters.get("fd") is not True:
            problems["buses", name, "channel"] = (
                f"{vehicle.name} has CAN FD on {name}, and {bus.channel.interface} is opened for classic frames only; "
                "allowed is 'simulated', or an adapter that its parameters, with fd: true, open for CAN FD"
            )
    for name, entry in facts.instruments.items():
        if entry.model not in DRIVERS | SERIAL_DRIVERS:
            known = DRIVERS | SERIAL_DRIVERS
            problems["instruments", name, "model"] = unknown_name("instrument model", entry.model, known)
    relays = frozenset(name for name, net in facts.nets.items() if net.relay)
    if lacking := check_steps(vehicle, relays):
        problems["nets",] = "; ".join(lacking)
    if problems:
        raise error_in(path, problems)
    return facts, vehicle


def _vehicle_folder(facts: RigFile) -> Path:
    """Return the folder of a vehicle: in `vehicles` beside the rig file, or else beside the nearest folder above it."""
    above = [*facts.path.parents, *facts.path.absolute().parents]
    for folder in above:
        if (found := folder / "vehicles" / facts.vehicle).is_dir():
            return found
    known = {found.name for folder in above for found in folder.glob("vehicles/*/") if found.is_dir()}
    raise error_in(facts.path, {("vehicle",): unknown_name("vehicle", facts.vehicle, known)})


def open_rig(path: Path, seed: int = DEFAULT_SEED) -> Rig:
    """Open the rig that a file describes. Nothing is energised yet.

    A rig that reaches anything outside of the process runs in wall time, and what is simulated on it is paced.

    Raises:
        RigFileError: a file is missing, damaged or contradicts another.
        BenchError: an instrument, bus or stream cannot be reached or is not the one that was declared; all others
            are given back.
    """
    facts, vehicle = read_rig(path)
    databases = {bus: read_database(vehicle.database_path(bus)) for bus in facts.buses}
    release: list[Callable[[], None]] = []
    instruments: dict[str, Instrument] = {}
    try:
        bench = _open_bench(facts, vehicle, release) if facts.resources else None
        return _open_parts(facts, vehicle, databases, seed=seed, bench=bench, instruments=instruments, release=release)
    except BaseException as error:
        with ExitStack() as closing:
            for give_back in release:
                closing.callback(give_back)
            if live := switch_off(facts, instruments):
                error.add_note(live)
                if isinstance(error, HarnessError):
                    error.args = (f"{error}; {live}", *error.args[1:])
        raise


def _open_bench(facts: RigFile, vehicle: Vehicle, release: list[Callable[[], None]]) -> "Bench":
    from harness.rig.paced_world import Bench
    from harness.simulation.kernel import Kernel
    from harness.transports.can_adapters import open_can_channel
    from harness.transports.paced_kernel import PacedKernel
    from harness.transports.wall_clock import WallClock

    gc.collect()  # what an earlier rig has left: once a simulation is paced, the collector looks at nothing old
    kernel, clock = Kernel(), WallClock()
    channels = {}
    for name, bus in facts.buses.items():
        if isinstance(adapter := bus.channel, CanAdapterFacts):
            channels[name] = open_can_channel(
                name,
                adapter.interface,
                adapter.channel,
                adapter.parameters,
                bitrate=vehicle.buses[name].bitrate,
                clock=clock,
            )
            release.append(channels[name].close)
    return Bench(kernel, clock, PacedKernel(kernel, clock), channels)


def _open_parts(
    facts: RigFile,
    vehicle: Vehicle,
    databases: Mapping[str, Database],
    *,
    seed: int,
    bench: "Bench | None",
    instruments: "dict[str, Instrument]",
    release: list[Callable[[], None]],
) -> Rig:
    from harness.rig.mirror import MirroredMatrix, MirroredSupply
    from harness.rig.paced_world import PacedCanChannel
    from harness.rig.world import build_world

    world = build_world(facts, vehicle, databases, seed, bench=bench)
    clock: Clock = bench.clock if bench else world.kernel
    channels: dict[str, CanChannel] = dict(world.channels)
    if bench:
        channels = {name: PacedCanChannel(channel, bench.paced) for name, channel in world.channels.items()}
        channels |= bench.channels
        bench.paced.lateness.limit = _unnoticed(world)
        bench.paced.start()
        release.append(bench.paced.stop)
    release += [channel.close for name, channel in channels.items() if bench is None or name not in bench.channels]
    buses = {bus: CanBus(bus, channels[bus], database, clock) for bus, database in databases.items()}
    signals = Signals(vehicle, buses)
    _open_instruments(facts, world, bench, instruments, release)
    consoles = _open_consoles(facts, world, bench, clock, release)
    supply = wire_car_supply(facts, instruments)
    meters = wire_meters(facts, instruments)
    probes = wire_probes(facts, instruments)
    for instrument in instruments.values():
        if isinstance(instrument, MirroredSupply | MirroredMatrix):
            instrument.look()
    found_live = switch_off(facts, instruments) if bench else ""
    return Rig(
        facts=facts,
        vehicle=vehicle,
        seed=seed,
        clock=clock,
        buses=buses,
        signals=signals,
        instruments=instruments,
        supply=supply,
        ecus=world.ecus,
        release=tuple(reversed(release)),
        meters=meters,
        probes=probes,
        consoles=consoles,
        paced=bench.paced if bench else None,
        found_live=found_live,
    )


def _unnoticed(world: "World") -> int:
    """Return by how many nanoseconds the simulated ECUs of a bench may be late and nobody notices."""
    from harness.transports.paced_kernel import LATE

    messages = [cyclic.message for ecu in world.ecus.values() for cyclic in ecu.messages.values()]
    return min([LATE, *(int(message.cycle_time * LATE_BY_CYCLES) for message in messages if message.cycle_time)])


def _open_instruments(
    facts: RigFile,
    world: "World",
    bench: "Bench | None",
    instruments: "dict[str, Instrument]",
    release: list[Callable[[], None]],
) -> None:
    from harness.instruments.limits import LimitedSupply, SupplyLimits
    from harness.instruments.registry import open_driver, open_serial_driver
    from harness.instruments.roles import PowerSupply, SwitchMatrix
    from harness.rig.mirror import MirroredMatrix, MirroredSupply
    from harness.rig.world import simulated_resource
    from harness.transports.visa import open_session

    for name, entry in facts.instruments.items():
        library: str | VisaLibraryBase = "@py"
        resource = entry.resource
        mirrored = bench.paced if bench and resource != SIMULATED else None
        driver: Instrument
        if entry.model in SERIAL_DRIVERS:
            driver = open_serial_driver(entry.model, _open_modbus(name, entry, world, bench))
        else:
            if resource == SIMULATED:
                library, resource = world.visa_library, simulated_resource(name)
            driver = open_driver(entry.model, open_session(library, resource, role=name, timeout=ANSWER_TIMEOUT))
        release.append(driver.close)
        if isinstance(driver, PowerSupply):
            if entry.limits is None:
                raise error_in(facts.path, {("instruments", name, "limits"): "missing key; a supply needs limits"})
            limits = SupplyLimits(entry.limits.voltage, entry.limits.current, str(facts.path))
            outputs = world.outputs.get(name, {})
            driver = MirroredSupply(driver, limits, outputs, mirrored) if mirrored else LimitedSupply(driver, limits)
        elif isinstance(driver, SwitchMatrix) and mirrored:
            driver = MirroredMatrix(driver, world.relays.get(name, {}), mirrored)
        instruments[name] = driver


def _open_modbus(name: str, entry: InstrumentFacts, world: "World", bench: "Bench | None") -> "ModbusSession":
    from harness.rig.paced_world import PacedStream
    from harness.transports.modbus import ModbusSession

    clock: Clock = bench.clock if bench else world.kernel
    stream: Stream
    if bench is None:
        stream = world.relay_cards[name].line
    elif entry.resource == SIMULATED:
        stream = PacedStream(world.relay_cards[name].line, bench.paced)
    else:
        try:
            stream = _open_stream(entry.resource, entry.baud_rate, bench.clock)
        except StreamError as error:
            raise InstrumentError(f"{name}: {error}") from error
    return ModbusSession(stream, clock, role=name, address=entry.resource, unit=entry.unit, timeout=ANSWER_TIMEOUT)


def _open_consoles(
    facts: RigFile, world: "World", bench: "Bench | None", clock: Clock, release: list[Callable[[], None]]
) -> "dict[str, Console]":
    from harness.consoles.console import Console
    from harness.rig.paced_world import PacedStream

    consoles = {}
    for name, entry in facts.streams.items():
        stream: Stream
        if bench is None:
            stream = world.consoles[name]
        elif entry.resource == SIMULATED:
            stream = PacedStream(world.consoles[name], bench.paced)
        else:
            stream = _open_stream(entry.resource, entry.baud_rate, bench.clock)
        release.append(stream.close)
        consoles[name] = Console(name, stream, clock)
    return consoles


def _open_stream(resource: str, baud_rate: int, clock: "WallClock") -> "Stream":
    from harness.transports.byte_streams import SerialStream, TcpStream

    if resource.startswith(TCP):
        host, _, port = resource.removeprefix(TCP).rpartition(":")
        return TcpStream(host, int(port), clock)
    return SerialStream(resource, baud_rate, clock)
