"""Checks a rig file with all that it names, without touching hardware."""

from pathlib import Path

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
    databases = {bus: read_database(vehicle.database_path(bus)) for bus in rig.buses}
    build_world(rig, vehicle, databases, DEFAULT_SEED)
    return rig, vehicle
