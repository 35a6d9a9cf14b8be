"""Checks a rig file with all that it names, without touching hardware."""

from pathlib import Path

from harness.errors import HarnessError, RigFileError, unknown_name
from harness.instruments.registry import DRIVERS
from harness.protocols.database import read_database
from harness.rig.open_rig import DEFAULT_SEED, read_rig
from harness.rig.rig_file import RigFile
from harness.rig.world import build_world
from harness.vehicle import Vehicle


def check_rig(path: Path) -> tuple[RigFile, Vehicle]:
    """Read a rig file, its vehicle and its databases, and build what is simulated; opens nothing.

    Raises:
        RigFileError: one of the files is missing or damaged, contradicts another, or names a model that is unknown.
    """
    rig, vehicle = read_rig(path)
    for name, instrument in rig.instruments.items():
        if instrument.model not in DRIVERS:
            unknown = unknown_name("instrument model", instrument.model, DRIVERS)
            raise RigFileError(f"{path}: instruments.{name}.model: {unknown}")
    databases = {bus: read_database(vehicle.database_path(bus)) for bus in rig.buses}
    try:
        build_world(rig, vehicle, databases, DEFAULT_SEED)
    except HarnessError as error:
        message = str(error)
        raise RigFileError(message if message.startswith(f"{path}:") else f"{path}: {message}") from error
    return rig, vehicle
