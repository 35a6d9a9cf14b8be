"""What `hil check` shows: what a rig is, after its files were checked."""

import re
import textwrap
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.text import Text

from harness.rig.check_rig import check_rig
from harness.rig.rig_file import (
    SIMULATED,
    TCP,
    CanAdapterFacts,
    EcuFacts,
    InstrumentFacts,
    MeterFacts,
    NetFacts,
    RigFile,
    StreamFacts,
    find_rig,
)
from harness.vehicle import Bus, Vehicle

_WIDTH = 100
"""Of the description; rows are as long as what they say."""


def show_rig(rig: str, console: Console) -> None:
    """Check a rig, a file or the name of one, and show what it is. Opens nothing.

    Raises:
        RigFileError: something is wrong; says all of it.
    """
    facts, vehicle = check_rig(find_rig(rig))

    def say(line: str) -> None:
        console.print(Text(line), soft_wrap=True)

    say(f"{facts.name}: {vehicle.name}, {'virtual' if facts.is_virtual else 'bench'} rig")
    say(textwrap.fill(facts.description, _WIDTH))
    for title, rows in _parts(facts, vehicle).items():
        if rows:
            say("")
            say(title)
            for row in _aligned(rows):
                say(f"  {row}")
    say("")
    say("nothing wrong was found; nothing was opened")


def _parts(rig: RigFile, vehicle: Vehicle) -> dict[str, list[tuple[str, ...]]]:
    nominal = rig.supply
    return {
        "ECUs": [(name, _ecu(ecu), _pins(ecu)) for name, ecu in rig.ecus.items()],
        "Under test": [row for name, ecu in rig.ecus.items() for row in _identity(name, ecu)],
        "Buses": [(name, _channel(bus.channel), _bit_rate(vehicle.buses[name])) for name, bus in rig.buses.items()],
        "Instruments": [
            (name, instrument.model, _address(instrument), _limits(instrument))
            for name, instrument in rig.instruments.items()
        ],
        "Meters": [(name, meter.instrument, _place(meter)) for name, meter in rig.meters.items()],
        "Probes": [
            (name, f"{probe.instrument}.{probe.channel}", f"voltage at {probe.voltage_at}, {probe.attenuation:g}:1")
            for name, probe in rig.probes.items()
        ],
        "Streams": [(name, f"of {stream.ecu}", _stream(stream)) for name, stream in rig.streams.items()],
        "Nets": [(name, _feed(net), _relay(net)) for name, net in rig.nets.items()],
        "Supply": [(nominal.net, f"{nominal.voltage}, at most {nominal.current_limit}")],
        "Defects that are on": [(name, ", ".join(defects)) for name, defects in rig.defects.items()],
    }


def _aligned(rows: list[tuple[str, ...]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def _ecu(ecu: EcuFacts) -> str:
    return f"{ecu.node}, {f'model {ecu.model}' if ecu.model else 'real'}"


def _pins(ecu: EcuFacts) -> str:
    return ", ".join(pin if pin == net else f"{pin}: {net}" for pin, net in ecu.pins.items())


def _identity(name: str, ecu: EcuFacts) -> list[tuple[str, ...]]:
    if not ecu.identity:
        return []
    rows: list[tuple[str, ...]] = [
        (name, ", ".join(f"{key} {value}" for key, value in ecu.identity.model_dump().items() if value))
    ]
    if source := ecu.identity_from:
        where = [f"stream {source.stream}"] if source.stream else []
        rows.append(("", f"read from {' and '.join([*where, *source.signals.values()])}"))
    return rows


def _channel(channel: str | CanAdapterFacts) -> str:
    if isinstance(channel, str):
        return channel
    parameters = "".join(f", {key} {value}" for key, value in channel.parameters.items())
    return f"{channel.interface}, channel {channel.channel}{parameters}{_whether_there(str(channel.channel))}"


def _bit_rate(bus: Bus) -> str:
    rate = f"{bus.bitrate / 1000:g} kbit/s"
    return rate if bus.data_bitrate is None else f"{rate}, FD {bus.data_bitrate / 1e6:g} Mbit/s"


def _address(instrument: InstrumentFacts) -> str:
    resource = instrument.resource
    line = f", {instrument.baud_rate} baud, unit {instrument.unit}" if re.match("/dev/|COM[0-9]", resource) else ""
    return resource + line + _whether_there(resource.removeprefix("ASRL").removesuffix("::INSTR"))


def _limits(instrument: InstrumentFacts) -> str:
    limits = instrument.limits
    return f"at most {limits.voltage}, {limits.current}" if limits else ""


def _place(meter: MeterFacts) -> str:
    bypass = f", bypass {meter.bypass}" if meter.bypass else ""
    return f"current in {meter.current_in}{bypass}" if meter.current_in else f"voltage at {meter.voltage_at}"


def _stream(stream: StreamFacts) -> str:
    if stream.resource == SIMULATED or stream.resource.startswith(TCP):
        return stream.resource
    return f"{stream.resource}, {stream.baud_rate} baud{_whether_there(stream.resource)}"


def _feed(net: NetFacts) -> str:
    return f"fed by {net.fed_by}, {net.resistance}"


def _relay(net: NetFacts) -> str:
    return f"relay {net.relay}, {net.contact}" if net.relay else ""


def _whether_there(port: str) -> str:
    """Say that a serial port is not there; a rig may be checked on another computer, so that is no mistake."""
    if port.startswith("/dev/"):
        is_there = Path(port).exists()
    elif port.startswith("COM") and port[3:].isdecimal():
        from serial.tools.list_ports import comports

        is_there = port in {found.device for found in comports()}
    else:
        return ""
    return "" if is_there else " (not there now)"
