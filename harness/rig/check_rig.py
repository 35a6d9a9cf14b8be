"""Checks a rig file with all that it names, without touching hardware."""

from pathlib import Path

from harness.errors import unknown_name
from harness.protocols.database import read_database
from harness.rig.open_rig import DEFAULT_SEED, read_rig
from harness.rig.rig_file import SIMULATED, TCP, CanAdapterFacts, RigFile
from harness.rig.world import build_world
from harness.vehicle import Vehicle
from harness.yaml_file import KeyPath, error_in

_LAST_PORT = 65535


def check_rig(path: Path) -> tuple[RigFile, Vehicle]:
    """Read a rig file, its vehicle and its databases, and build what is simulated; opens nothing.

    Raises:
        RigFileError: one of the files is missing or damaged, contradicts another, or names a model or an address that
            nothing knows.
    """
    rig, vehicle = read_rig(path)
    if problems := _adapter_problems(rig) | _visa_problems(rig) | _stream_problems(rig):
        raise error_in(path, problems)
    databases = {bus: read_database(vehicle.database_path(bus)) for bus in rig.buses}
    build_world(rig, vehicle, databases, DEFAULT_SEED)
    return rig, vehicle


def _adapter_problems(rig: RigFile) -> dict[KeyPath, str]:
    problems: dict[KeyPath, str] = {}
    for name, bus in rig.buses.items():
        if isinstance(bus.channel, CanAdapterFacts):
            from can.interfaces import BACKENDS  # with those of installed plug-ins

            if bus.channel.interface not in BACKENDS:
                key = ("buses", name, "channel", "interface")
                problems[key] = unknown_name("interface of python-can", bus.channel.interface, BACKENDS)
    return problems


def _visa_problems(rig: RigFile) -> dict[KeyPath, str]:
    problems: dict[KeyPath, str] = {}
    for name, instrument in rig.instruments.items():
        if instrument.resource != SIMULATED:
            from pyvisa.rname import InvalidResourceName, ResourceName, TCPIPSocket

            key = ("instruments", name, "resource")
            try:
                address = ResourceName.from_string(instrument.resource)
            except InvalidResourceName as error:
                problems[key] = f"no VISA resource name and not '{SIMULATED}': {error}"
            else:
                if isinstance(address, TCPIPSocket) and not _is_port(address.port):
                    problems[key] = f"port {address.port}: must be from 1 to {_LAST_PORT}"
    return problems


def _stream_problems(rig: RigFile) -> dict[KeyPath, str]:
    problems: dict[KeyPath, str] = {}
    for name, stream in rig.streams.items():
        port = stream.resource.rpartition(":")[2]
        if stream.resource.startswith(TCP) and not _is_port(port):
            problems["streams", name, "resource"] = f"port {port}: must be from 1 to {_LAST_PORT}"
    return problems


def _is_port(text: str) -> bool:
    return text.isdecimal() and 1 <= int(text) <= _LAST_PORT
