"""Opens a rig: reads its files, builds what is simulated, opens what is real."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from harness.buses.can_bus import CanBus
from harness.errors import unknown_name
from harness.instruments.registry import DRIVERS
from harness.protocols.database import read_database
from harness.quantities import Duration
from harness.rig.car_supply import wire_car_supply
from harness.rig.power_modes import check_steps
from harness.rig.rig import Rig
from harness.rig.rig_file import SIMULATED, RigFile, read_rig_file
from harness.rig.signals import Signals
from harness.vehicle import Vehicle, read_vehicle
from harness.yaml_file import KeyPath, error_in

if TYPE_CHECKING:
    from pyvisa.highlevel import VisaLibraryBase

    from harness.instruments.roles import Instrument
    from harness.rig.world import World

DEFAULT_SEED = 1
ANSWER_TIMEOUT = Duration(2)
"""How long an instrument may take to answer."""


def read_rig(path: Path) -> tuple[RigFile, Vehicle]:
    """Read a rig file and its vehicle; opens nothing.

    Raises:
        RigFileError: one of them is missing, damaged or contradicts the other.
    """
    facts = read_rig_file(path)
    folder = path.parent / "vehicles" / facts.vehicle
    if not folder.is_dir():
        known = [found.name for found in (path.parent / "vehicles").glob("*") if found.is_dir()]
        raise error_in(path, {("vehicle",): unknown_name("vehicle", facts.vehicle, known)})
    vehicle = read_vehicle(folder)
    problems: dict[KeyPath, str] = {
        ("buses", bus): f"{vehicle.name} has {unknown_name('bus', bus, vehicle.buses)}"
        for bus in facts.buses
        if bus not in vehicle.buses
    }
    for name, entry in facts.instruments.items():
        if entry.model not in DRIVERS:
            problems["instruments", name, "model"] = unknown_name("instrument model", entry.model, DRIVERS)
    relays = frozenset(name for name, net in facts.nets.items() if net.relay)
    if lacking := check_steps(vehicle, relays):
        problems["nets",] = "; ".join(lacking)
    if problems:
        raise error_in(path, problems)
    return facts, vehicle


def open_rig(path: Path, seed: int = DEFAULT_SEED) -> Rig:
    """Open the rig that a file describes. Nothing is energised yet.

    Raises:
        RigFileError: a file is missing, damaged or contradicts another.
        BenchError: an instrument does not answer or is not the one that was declared; all others are given back.
    """
    from harness.rig.world import build_world

    facts, vehicle = read_rig(path)
    databases = {bus: read_database(vehicle.database_path(bus)) for bus in facts.buses}
    world = build_world(facts, vehicle, databases, seed)
    buses = {bus: CanBus(bus, world.channels[bus], database, world.kernel) for bus, database in databases.items()}
    signals = Signals(vehicle, buses)
    release: list[Callable[[], None]] = []
    try:
        instruments = _open_instruments(facts, world, release)
        supply = wire_car_supply(facts, instruments)
    except BaseException:
        with ExitStack() as closing:
            for give_back in release:
                closing.callback(give_back)
        raise
    release += [bus.channel.close for bus in buses.values()]
    return Rig(facts, vehicle, seed, world.kernel, buses, signals, instruments, supply, world.ecus, tuple(release))


def _open_instruments(facts: RigFile, world: "World", release: list[Callable[[], None]]) -> "dict[str, Instrument]":
    from harness.instruments.limits import LimitedSupply, SupplyLimits
    from harness.instruments.registry import open_driver
    from harness.instruments.roles import PowerSupply
    from harness.rig.world import simulated_resource
    from harness.transports.visa import open_session

    instruments: dict[str, Instrument] = {}
    for name, entry in facts.instruments.items():
        library: str | VisaLibraryBase = "@py"
        resource = entry.resource
        if resource == SIMULATED:
            library, resource = world.visa_library, simulated_resource(name)
        driver = open_driver(entry.model, open_session(library, resource, role=name, timeout=ANSWER_TIMEOUT))
        release.append(driver.close)
        if isinstance(driver, PowerSupply):
            if entry.limits is None:
                raise error_in(facts.path, {("instruments", name, "limits"): "missing key; a supply needs limits"})
            limits = SupplyLimits(entry.limits.voltage, entry.limits.current, str(facts.path))
            driver = LimitedSupply(driver, limits)
        instruments[name] = driver
    return instruments
