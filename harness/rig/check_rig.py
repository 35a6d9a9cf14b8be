"""Checks a rig file with all that it names, without touching hardware."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from harness.buses.can_bus import CanBus
from harness.errors import TestError, unknown_name
from harness.instruments.registry import SERIAL_DRIVERS, driver_class
from harness.protocols.database import read_database
from harness.rig.open_rig import DEFAULT_SEED, read_rig
from harness.rig.rig_file import SIMULATED, STREAM_RESOURCE, TCP, CanAdapterFacts, RigFile, terminal
from harness.rig.signals import Signals
from harness.rig.world import build_world
from harness.vehicle import Vehicle
from harness.yaml_file import KeyPath, error_in

_LAST_PORT = 65535


def check_rig(path: Path) -> tuple[RigFile, Vehicle]:
    """Read a rig file, its vehicle and its databases, and build what is simulated; opens nothing.

    Raises:
        RigFileError: one of the files is missing or damaged, contradicts another, or names a model, an address, a
            terminal or a signal that nothing knows.
    """
    rig, vehicle = read_rig(path)
    if problems := _adapter_problems(rig) | _visa_problems(rig) | _stream_problems(rig) | _wiring_problems(rig):
        raise error_in(path, problems)
    databases = {bus: read_database(vehicle.database_path(bus)) for bus in rig.buses}
    world = build_world(rig, vehicle, databases, DEFAULT_SEED)
    buses = {name: CanBus(name, world.channels[name], database, world.kernel) for name, database in databases.items()}
    if problems := _identity_problems(rig, Signals(vehicle, buses)):
        raise error_in(path, problems)
    return rig, vehicle


def _adapter_problems(rig: RigFile) -> dict[KeyPath, str]:
    problems: dict[KeyPath, str] = {}
    for name, bus in rig.buses.items():
        if isinstance(bus.channel, CanAdapterFacts):
            from can.interfaces import BACKENDS  # with those of installed plug-ins

            from harness.transports.can_adapters import SOCKETCAND

            key: KeyPath = ("buses", name, "channel")
            if bus.channel.interface not in BACKENDS:
                problems[*key, "interface"] = unknown_name("interface of python-can", bus.channel.interface, BACKENDS)
            elif bus.channel.interface == SOCKETCAND:
                for parameter, text in _socketcand_problems(bus.channel.parameters).items():
                    problems[*key, "parameters", parameter] = text
    return problems


def _socketcand_problems(parameters: Mapping[str, object]) -> dict[str, str]:
    needed = ("host", "port")
    problems = {key: "missing key; socketcand needs host and port" for key in needed if key not in parameters}
    problems |= {key: unknown_name("parameter of socketcand", key, needed) for key in parameters if key not in needed}
    host, port = parameters.get("host", "host"), parameters.get("port", 1)
    if not (isinstance(host, str) and host):
        problems["host"] = f"must be a name or an address, came {host!r}"
    if not _is_port(str(port)):
        problems["port"] = _no_port(port)
    return problems


def _visa_problems(rig: RigFile) -> dict[KeyPath, str]:
    problems: dict[KeyPath, str] = {}
    for name, instrument in rig.instruments.items():
        if instrument.model in SERIAL_DRIVERS:
            if not re.fullmatch(STREAM_RESOURCE, instrument.resource):
                expected = "'simulated', a serial port such as /dev/ttyUSB1 or COM4, or tcp://host:port"
                problems["instruments", name, "resource"] = f"{instrument.resource!r} is no line; expected {expected}"
            elif instrument.resource.startswith(TCP) and not _is_port(instrument.resource.rpartition(":")[2]):
                problems["instruments", name, "resource"] = _no_port(instrument.resource.rpartition(":")[2])
        elif instrument.resource != SIMULATED:
            from pyvisa.rname import InvalidResourceName, ResourceName, TCPIPSocket

            key = ("instruments", name, "resource")
            try:
                address = ResourceName.from_string(instrument.resource)
            except InvalidResourceName as error:
                problems[key] = f"no VISA resource name and not '{SIMULATED}': {error}"
            else:
                if isinstance(address, TCPIPSocket) and not _is_port(address.port):
                    problems[key] = _no_port(address.port)
    return problems


def _stream_problems(rig: RigFile) -> dict[KeyPath, str]:
    problems: dict[KeyPath, str] = {}
    for name, stream in rig.streams.items():
        port = stream.resource.rpartition(":")[2]
        if stream.resource.startswith(TCP) and not _is_port(port):
            problems["streams", name, "resource"] = _no_port(port)
    return problems


def _wiring_problems(rig: RigFile) -> dict[KeyPath, str]:
    problems: dict[KeyPath, str] = {}

    def look(key: KeyPath, place: str | None, kind: Literal["output", "channel"]) -> None:
        if place is None:
            return
        instrument, number = terminal(place)
        model = rig.instruments[instrument].model
        driver = driver_class(model, instrument)
        there_are = driver.outputs if kind == "output" else driver.channels
        if not any(number in numbers for numbers in there_are):
            known = ", ".join(f"{numbers[0]} to {numbers[-1]}" for numbers in there_are) or "none"
            problems[key] = f"{instrument} is a {model}: it has no {kind} {number}; there are {known}"

    for name, net in rig.nets.items():
        look(("nets", name, "fed_by"), None if net.fed_by in rig.nets else net.fed_by, "output")
        look(("nets", name, "relay"), net.relay, "channel")
    for name, meter in rig.meters.items():
        look(("meters", name, "bypass"), meter.bypass, "channel")
        model = rig.instruments[meter.instrument].model
        verb = "measure_dc_current" if meter.current_in else "measure_dc_voltage"
        if not hasattr(driver_class(model, meter.instrument), verb):
            problems["meters", name, "instrument"] = f"{meter.instrument} is a {model}: it is no {meter.role}"
    for name, probe in rig.probes.items():
        model = rig.instruments[probe.instrument].model
        inputs = driver_class(model, probe.instrument).probes
        if not inputs:
            problems["probes", name, "instrument"] = f"{probe.instrument} is a {model}: it is no oscilloscope"
        elif probe.channel not in inputs:
            there_are = f"there are {inputs[0]} to {inputs[-1]}"
            problems["probes", name, "channel"] = f"{probe.instrument} has no input {probe.channel}; {there_are}"
    return problems


def _identity_problems(rig: RigFile, signals: Signals) -> dict[KeyPath, str]:
    problems: dict[KeyPath, str] = {}
    for name, ecu in rig.ecus.items():
        for field, signal in (ecu.identity_from.signals if ecu.identity_from else {}).items():
            try:
                signals.find(signal)
            except TestError as error:
                problems["ecus", name, "identity_from", "signals", field] = str(error)
    return problems


def _is_port(text: str) -> bool:
    return re.fullmatch("[0-9]{1,5}", text) is not None and 1 <= int(text) <= _LAST_PORT


def _no_port(came: object) -> str:
    return f"port {came}: must be from 1 to {_LAST_PORT}"
