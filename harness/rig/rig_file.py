"""The rig file: what there is on a rig, and how it is wired. Facts only, no behaviour."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, PrivateAttr, StringConstraints, Tag, model_validator

from harness.errors import RigFileError, unknown_name
from harness.quantities import Current, Quantity, Resistance, Voltage
from harness.yaml_file import KeyPath, read_yaml_file, refuse

SIMULATED = "simulated"
TCP = "tcp://"
"""Begins the resource of a stream that is a TCP connection."""
VALUE = "*"
"""Stands for the value in a line of an answer."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$")]
Terminal = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _-]*\.[0-9]+$")]
"""An instrument and one of its outputs or channels: `supply.1`, `switches.101`."""
STREAM_RESOURCE = r"^(simulated|tcp://[A-Za-z0-9.:_-]+:[0-9]{1,5}|/dev/[A-Za-z0-9._/-]+|COM[0-9]+)$"
StreamResource = Annotated[str, StringConstraints(pattern=STREAM_RESOURCE)]
IdentityField = Literal["part", "serial", "hardware", "software"]


class _Facts(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DutIdentity(_Facts):
    """What the device under test is. Every report prints it."""

    part: str
    serial: str = ""
    hardware: str = ""
    software: str = ""


class IdentitySource(_Facts):
    """Where the identity of a device under test is read before the first test: its console, or signals."""

    stream: Name | None = None
    """Of `streams`."""
    ask: str = ""
    """Line that is sent to the stream."""
    answers: dict[IdentityField, str] = Field(default_factory=dict)
    """Lines of the answer as texts that they contain, with `*` for the value: `part *`, `SW=*;`."""
    signals: dict[IdentityField, str] = Field(default_factory=dict)
    """Names of signals."""


class EcuFacts(_Facts):
    """One ECU: real, or simulated by a model."""

    model: Name | None = None
    """Name of the model that simulates the ECU; none for a real ECU."""
    node: Name
    """Name of the ECU in the databases."""
    pins: dict[Name, Name] = Field(default_factory=dict)
    """Supply pin: net."""
    identity: DutIdentity | None = None
    """Given for the device under test."""
    identity_from: IdentitySource | None = None
    """Where it says so itself; what is declared must agree."""


class NetFacts(_Facts):
    """One net of the wiring: what feeds it, through which wire and which relay."""

    fed_by: Name
    """A supply output such as `supply.1`, or another net."""
    resistance: Resistance
    """Of wiring and contacts on the way."""
    relay: Terminal | None = None
    """Channel of a switch matrix that connects the net, such as `switches.101`."""
    contact: Literal["normally open", "normally closed"] = "normally open"
    """Of the relay. Behind a normally closed one the net is a line that `Open Line` interrupts."""


class CanAdapterFacts(_Facts):
    """A CAN adapter, as python-can opens it. The bit rate is the vehicle's."""

    interface: Name
    """python-can's name, such as `socketcan`, `pcan`, `vector`, `socketcand`."""
    channel: str | int
    parameters: dict[str, str | int | float | bool] = Field(default_factory=dict)
    """What else the interface needs, such as `app_name`, or `host` and `port`."""


class BusFacts(_Facts):
    """One bus, by the vehicle's name for it."""

    channel: Annotated[
        Annotated[Literal["simulated"], Tag("simulated")] | Annotated[CanAdapterFacts, Tag("adapter")],
        Discriminator(lambda value: "adapter" if isinstance(value, dict | CanAdapterFacts) else "simulated"),
    ]


class StreamFacts(_Facts):
    """A stream of bytes of an ECU, such as its serial console."""

    ecu: Name
    resource: StreamResource
    """`simulated`, `tcp://host:port`, or a serial port such as `/dev/ttyUSB0` or `COM3`."""
    baud_rate: int = Field(default=115200, gt=0)
    """Of a serial port."""


class SupplyLimitFacts(_Facts):
    """What a supply may be set to on this rig; checked before a command leaves."""

    voltage: Voltage
    current: Current


class InstrumentFacts(_Facts):
    """One instrument: its model, where it is, and what it may be set to."""

    model: Name
    resource: str = SIMULATED
    """VISA resource name, such as `TCPIP::192.168.0.10::5025::SOCKET`, or `simulated`; of a relay card on a serial line
    the port, `/dev/ttyUSB1` or `COM4`, or `tcp://host:port`."""
    baud_rate: int = Field(default=9600, gt=0)
    """Of a relay card on a serial port."""
    unit: int = Field(default=1, ge=1, le=247)
    """Address of a relay card on its line."""
    limits: SupplyLimitFacts | None = None
    """Needed for a supply."""


class MeterFacts(_Facts):
    """What a meter measures: the current in a net, or the voltage at it against ground; one of the two."""

    instrument: Name
    """It has one place only."""
    current_in: Name | None = None
    """Net: the meter is in the wire that feeds it."""
    voltage_at: Name | None = None
    """Net."""
    bypass: Terminal | None = None
    """Relay whose normally closed contact lets the current pass the meter by while it is at rest."""

    @property
    def net(self) -> str:
        """The net that it is connected to."""
        return self.current_in or self.voltage_at or ""

    @property
    def kind(self) -> type[Quantity]:
        """What it measures there."""
        return Current if self.current_in else Voltage

    @property
    def role(self) -> str:
        """What the instrument must be."""
        return "ammeter" if self.current_in else "voltmeter"


class ProbeFacts(_Facts):
    """What an input of an oscilloscope sees: the voltage at a net against ground."""

    instrument: Name
    channel: int = Field(ge=1)
    voltage_at: Name
    """Net."""
    attenuation: float = Field(default=10.0, gt=0)
    """Of the probe's tip: 10 for a 10:1 probe."""


class NominalSupply(_Facts):
    """What `Power Up` sets the supply of the car to."""

    net: Name
    """The rail of terminal 30."""
    voltage: Voltage
    current_limit: Current


class RigFile(_Facts):
    """What a rig consists of, and how it is wired."""

    description: str
    vehicle: Name
    ecus: dict[Name, EcuFacts]
    nets: dict[Name, NetFacts]
    buses: dict[Name, BusFacts]
    instruments: dict[Name, InstrumentFacts]
    meters: dict[Name, MeterFacts] = Field(default_factory=dict)
    """What is measured: multimeter and net, by the name that suites use."""
    probes: dict[Name, ProbeFacts] = Field(default_factory=dict)
    """What is captured: oscilloscope, input and net, by the name that suites use."""
    streams: dict[Name, StreamFacts] = Field(default_factory=dict)
    supply: NominalSupply
    defects: dict[Name, tuple[str, ...]] = Field(default_factory=dict)
    """ECU, or simulated instrument or bus: named defects that are on from the start, and stay on."""

    _path: Path = PrivateAttr(default=Path())

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._path

    @property
    def name(self) -> str:
        """Name of the rig: its file's."""
        return self._path.stem

    @property
    def is_virtual(self) -> bool:
        """Whether nothing on the rig is real."""
        return all(ecu.model for ecu in self.ecus.values()) and not self.resources

    @property
    def resources(self) -> dict[str, str]:
        """What the rig reaches outside of the process, and its address."""
        buses = {f"bus {name}": bus.channel for name, bus in self.buses.items()}
        return {
            **{
                name: f"{channel.interface}:{channel.channel}"
                + "".join(f" {key}={value}" for key, value in sorted(channel.parameters.items()))
                for name, channel in buses.items()
                if not isinstance(channel, str)
            },
            **{name: facts.resource for name, facts in self.instruments.items() if facts.resource != SIMULATED},
            **{name: facts.resource for name, facts in self.streams.items() if facts.resource != SIMULATED},
        }

    @property
    def duts(self) -> dict[str, DutIdentity]:
        """The devices under test."""
        return {name: ecu.identity for name, ecu in self.ecus.items() if ecu.identity}

    def shown_in_reports(
        self, vehicle: str, identities: Mapping[str, Mapping[str, str]] | None = None
    ) -> dict[str, str]:
        """Return what every report says of the rig: whether it is virtual, and what was tested.

        Args:
            vehicle: its name.
            identities: what devices under test say of themselves, by ECU; None where they have not been asked.
        """
        kind = "virtual: every ECU and instrument is simulated" if self.is_virtual else "bench"
        shown = {"Rig": f"{self.name} ({kind})", "Vehicle": vehicle}
        for name, identity in self.duts.items():
            said = (identities or {}).get(name, {})
            known = {key: said.get(key, value) for key, value in identity.model_dump().items()}
            text = ", ".join(f"{key} {value}" for key, value in known.items() if value)
            is_real = self.ecus[name].model is None
            how = f"{', '.join(said)} read from it" if said else "declared, not read from it"
            shown[f"Tested: {name}"] = f"{text} ({'real' if is_real else 'virtual'}; {how})"
        return shown

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        problems: dict[KeyPath, str] = {}
        for name, ecu in self.ecus.items():
            for pin, net in ecu.pins.items():
                if net not in self.nets:
                    problems["ecus", name, "pins", pin] = unknown_name("net", net, self.nets)
        for name, net_facts in self.nets.items():
            problems |= self._feed_problems(name, net_facts)
        problems |= self._limit_problems()
        problems |= self._meter_problems()
        problems |= self._probe_problems()
        problems |= self._stream_problems()
        problems |= self._sharing_problems()
        if self.supply.net not in self.nets:
            problems["supply", "net"] = unknown_name("net", self.supply.net, self.nets)
        problems |= self._defect_problems()
        refuse(problems)
        return self

    def _defect_problems(self) -> dict[KeyPath, str]:
        is_simulated = {name: bool(ecu.model) for name, ecu in self.ecus.items()}
        is_simulated |= {name: it.resource == SIMULATED for name, it in self.instruments.items()}
        is_simulated |= {name: bus.channel == SIMULATED for name, bus in self.buses.items()}
        problems: dict[KeyPath, str] = {}
        for name in self.defects:
            if name not in is_simulated:
                problems["defects", name] = unknown_name("ECU, instrument or bus", name, is_simulated)
            elif not is_simulated[name]:
                problems["defects", name] = f"{name} is real; only what is simulated has named defects"
        return problems

    def _sharing_problems(self) -> dict[KeyPath, str]:
        problems: dict[KeyPath, str] = {}
        nodes: dict[str, str] = {}
        for name, ecu in self.ecus.items():
            if ecu.node in nodes:
                problems["ecus", name, "node"] = f"{nodes[ecu.node]} is {ecu.node} already"
            nodes.setdefault(ecu.node, name)
        relays: dict[str, str] = {}
        for name, net in self.nets.items():
            if net.relay and net.relay in relays:
                problems["nets", name, "relay"] = f"{net.relay} switches {relays[net.relay]} already"
            relays.setdefault(net.relay or "", name)
        for name, meter in self.meters.items():
            if meter.bypass and meter.bypass in relays:
                problems["meters", name, "bypass"] = f"{meter.bypass} switches {relays[meter.bypass]} already"
            relays.setdefault(meter.bypass or "", f"the bypass of {name}")
        return problems

    def _meter_problems(self) -> dict[KeyPath, str]:
        problems: dict[KeyPath, str] = {}
        measures: dict[str, str] = {}
        for name, meter in self.meters.items():
            if meter.instrument not in self.instruments:
                problems["meters", name, "instrument"] = unknown_name("instrument", meter.instrument, self.instruments)
            elif meter.instrument in measures:
                taken = f"{meter.instrument} measures {measures[meter.instrument]} already; a meter has one place"
                problems["meters", name, "instrument"] = taken
            measures.setdefault(meter.instrument, name)
            if (meter.current_in is None) is (meter.voltage_at is None):
                problems["meters", name] = "give either `current_in` or `voltage_at`"
            elif meter.net not in self.nets:
                key = "current_in" if meter.current_in else "voltage_at"
                problems["meters", name, key] = unknown_name("net", meter.net, self.nets)
            matrix = (meter.bypass or "").rpartition(".")[0]
            if meter.bypass and meter.voltage_at:
                problems["meters", name, "bypass"] = "only a meter of current has a bypass"
            elif meter.bypass and matrix not in self.instruments:
                problems["meters", name, "bypass"] = unknown_name("instrument", matrix, self.instruments)
        return problems

    def _probe_problems(self) -> dict[KeyPath, str]:
        problems: dict[KeyPath, str] = {}
        inputs: dict[tuple[str, int], str] = {}
        for name, probe in self.probes.items():
            key, place = ("probes", name), (probe.instrument, probe.channel)
            if name in self.meters:
                problems[key] = f"a meter is called {name} already"
            if probe.instrument not in self.instruments:
                problems[*key, "instrument"] = unknown_name("instrument", probe.instrument, self.instruments)
            if place in inputs:
                problems[*key, "channel"] = f"{probe.instrument} sees {inputs[place]} there already"
            if probe.voltage_at not in self.nets:
                problems[*key, "voltage_at"] = unknown_name("net", probe.voltage_at, self.nets)
            inputs.setdefault(place, name)
        return problems

    def _stream_problems(self) -> dict[KeyPath, str]:
        problems: dict[KeyPath, str] = {}
        for name, stream in self.streams.items():
            if name in self.instruments:
                problems["streams", name] = f"an instrument is called {name} already"
            if stream.ecu not in self.ecus:
                problems["streams", name, "ecu"] = unknown_name("ECU", stream.ecu, self.ecus)
        for name, ecu in self.ecus.items():
            source, key = ecu.identity_from, ("ecus", name, "identity_from")
            if source is None:
                continue
            if ecu.identity is None:
                problems[key] = "there is no identity to compare with; give `identity` as well"
            if source.stream is not None and source.stream not in self.streams:
                problems[*key, "stream"] = unknown_name("stream", source.stream, self.streams)
            console = {"stream": source.stream, "ask": source.ask, "answers": source.answers}
            if not (source.signals or (source.stream and source.answers)):
                problems[key] = "give `signals`, or `stream` and `answers` with what to `ask`"
            elif any(console.values()):
                for missing in (name for name, given in console.items() if not given):
                    problems[*key, missing] = "missing key; a console needs `stream`, `ask` and `answers`"
            for field, answer in source.answers.items():
                if answer.count(VALUE) != 1 or answer.startswith(VALUE):
                    problems[*key, "answers", field] = (
                        f"{answer!r} needs a text, and one {VALUE} behind it for the value"
                    )
        return problems

    def _limit_problems(self) -> dict[KeyPath, str]:
        problems: dict[KeyPath, str] = {}
        for net in self.nets.values():
            supply = net.fed_by.rpartition(".")[0]
            if net.fed_by not in self.nets and supply in self.instruments:
                limits = self.instruments[supply].limits
                if limits is None:
                    problems["instruments", supply, "limits"] = (
                        f"missing key; {supply} feeds a net, and a supply needs limits"
                    )
                    continue
                for key, asked, limit in (
                    ("voltage", self.supply.voltage, limits.voltage),
                    ("current_limit", self.supply.current_limit, limits.current),
                ):
                    if asked > limit:
                        problems["supply", key] = f"{asked} is above the limit of {supply}, {limit}"
        return problems

    def _feed_problems(self, name: str, net: NetFacts) -> dict[KeyPath, str]:
        problems: dict[KeyPath, str] = {}
        instrument, _, number = net.fed_by.rpartition(".")
        if net.fed_by not in self.nets and not (number.isdigit() and instrument in self.instruments):
            known = [*self.nets, *(f"{supply}.1" for supply in self.instruments)]
            problems["nets", name, "fed_by"] = unknown_name("net or supply output", net.fed_by, known)
        elif self._is_fed_by_itself(name):
            problems["nets", name, "fed_by"] = f"{name} feeds itself"
        if net.relay and net.relay.rpartition(".")[0] not in self.instruments:
            problems["nets", name, "relay"] = unknown_name("instrument", net.relay.rpartition(".")[0], self.instruments)
        return problems

    def _is_fed_by_itself(self, name: str) -> bool:
        seen = {name}
        feed = self.nets[name].fed_by
        while feed in self.nets and feed not in seen:
            seen.add(feed)
            feed = self.nets[feed].fed_by
        return feed == name


def feeding_output(rig: RigFile, net: str) -> tuple[str, int]:
    """Return the supply, and the number of its output, that feeds a net."""
    feed = net
    while feed in rig.nets:
        feed = rig.nets[feed].fed_by
    return terminal(feed)


def terminal(text: str) -> tuple[str, int]:
    """Return instrument and number of a terminal such as `supply.1`."""
    instrument, _, number = text.rpartition(".")
    return instrument, int(number)


def find_rig(rig: str, folder: Path | None = None) -> Path:
    """Return the file of a rig: a path to it, or a name looked up in `rigs` of the working folder.

    Raises:
        RigFileError: there is no such file; says which rigs there are.
    """
    folder = folder or Path("rigs")
    if re.search(r"[/\\]|\.ya?ml$", rig):
        if Path(rig).is_file():
            return Path(rig)
        raise RigFileError(f"{rig}: there is no such rig file")
    path = folder / f"{rig}.yaml"
    if path.is_file():
        return path
    known = [candidate.stem for candidate in sorted(folder.glob("*.yaml"))]
    raise RigFileError(f"{folder.resolve()}: {unknown_name('rig', rig, known)}")


def read_rig_file(path: Path) -> RigFile:
    """Read and check a rig file.

    Raises:
        RigFileError: the file is missing, or says what is not allowed; one line a problem.
    """
    rig = read_yaml_file(path, RigFile)
    rig._path = path  # noqa: SLF001  a model's private attribute cannot be given to its constructor
    return rig
