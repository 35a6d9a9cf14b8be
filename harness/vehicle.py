"""Facts of a vehicle: its buses, signals, message protection, power modes and limits, from its `vehicle.yaml`."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    StrictFloat,
    StrictInt,
    StrictStr,
    Tag,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from harness.errors import RigFileError, TestError, unknown_name
from harness.quantities import QUANTITIES, Duration
from harness.yaml_file import KeyPath, read_yaml_file, refuse

PowerMode = Literal["off", "accessory", "on"]
Sureness = Literal["V", "K", "B", "P"]
"""How sure a number is: verified, known from a standard not at hand, from a secondary source, proposed by us."""


class _Facts(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Bus(_Facts):
    """A CAN bus of the vehicle: bit rate in bit/s, and the file of its database in the vehicle's folder.

    A bus with a `data_bitrate` carries CAN FD frames beside classic ones.
    """

    bitrate: Annotated[int, Field(strict=True, ge=10_000, le=1_000_000)]
    data_bitrate: Annotated[int, Field(strict=True, le=8_000_000)] | None = None
    database: Annotated[str, Field(pattern=r"^\w[\w.-]*$")]

    @model_validator(mode="after")
    def _data_are_not_slower(self) -> Self:
        if self.data_bitrate is not None and self.data_bitrate < self.bitrate:
            raise ValueError(f"data_bitrate, {self.data_bitrate}, is below bitrate, {self.bitrate}")
        return self


@dataclass(frozen=True)
class SignalAddress:
    """Where a signal is found: the name of the bus, and message and signal as its database calls them."""

    bus: str
    message: str
    signal: str

    def __str__(self) -> str:
        return f"{self.bus} {self.message}.{self.signal}"


class Checksum(_Facts):
    """The signal that carries a checksum, and the algorithm by the name it has in the harness."""

    signal: str
    algorithm: str
    data_id: Annotated[int, Field(strict=True, ge=0, le=255)] = 0
    """What tells the message from others of the same content, where the algorithm takes one."""


class Protection(_Facts):
    """What lets a receiver notice a lost, repeated or damaged message: the counters' signals and the checksum."""

    counters: tuple[str, ...] = ()
    checksum: Checksum | None = None


@dataclass(frozen=True)
class MessageAddress:
    """Where a message is found: the name of the bus, and what its database calls the message."""

    bus: str
    message: str

    def __str__(self) -> str:
        return f"{self.bus} {self.message}"


class SupplyStep(_Facts):
    """Switch the supply's output."""

    supply: Literal["on", "off"]


class CloseStep(_Facts):
    """Close the relay that feeds a net."""

    close: str


class OpenStep(_Facts):
    """Open the relay that feeds a net."""

    open: str


class WaitStep(_Facts):
    """Let time pass."""

    wait: Duration


class SignalStep(_Facts):
    """Set signals, by their logical names."""

    signal: Annotated[Mapping[str, StrictStr | StrictInt | StrictFloat], Field(min_length=1)]


def _only_key(step: object) -> str | None:
    return str(next(iter(step))) if isinstance(step, dict) and len(step) == 1 else None


PowerStep = Annotated[
    Annotated[SupplyStep, Tag("supply")]
    | Annotated[CloseStep, Tag("close")]
    | Annotated[OpenStep, Tag("open")]
    | Annotated[WaitStep, Tag("wait")]
    | Annotated[SignalStep, Tag("signal")],
    Discriminator(
        _only_key,
        custom_error_type="step",
        custom_error_message="a step has exactly one of these keys: supply, close, open, wait, signal",
    ),
]


def _message_address(text: object) -> MessageAddress:
    words = text.split() if isinstance(text, str) else []
    if len(words) != 2 or "." in words[1]:
        reason = f"must be a bus and a message, such as 'chassis HU_Status', came {text!r}"
        raise PydanticCustomError("message_address", "{reason}", {"reason": reason})
    return MessageAddress(*words)


_MessageAddress = Annotated[
    MessageAddress,
    PlainValidator(_message_address),
    WithJsonSchema({"type": "string", "pattern": r"^\S+ +[^\s.]+$"}),
]


class Route(_Facts):
    """What the gateway passes on from one bus to another, and how long it takes from frame to sending.

    Without `signals` each frame goes on as it is, as a frame of the other message. With them, their raw values go into
    signals of a message that the gateway sends at a cycle time of its own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    source: Annotated[_MessageAddress, Field(alias="from")]
    target: Annotated[_MessageAddress, Field(alias="to")]
    delay: Duration
    signals: Mapping[str, str] = {}
    """Signal of the source: signal of the target."""


@dataclass(frozen=True)
class Limit:
    """A limit that a measurement is judged by; `low` and `high` are in `unit`, and at least one of them is there."""

    name: str
    low: float | None
    high: float | None
    unit: str
    source: str
    tag: Sureness
    description: str


@dataclass(frozen=True)
class Vehicle:
    """A vehicle, as its folder describes it. `synthetic` says which of it does not come from a real car."""

    folder: Path
    name: str
    synthetic: str
    buses: Mapping[str, Bus]
    signals: Mapping[str, SignalAddress]
    protection: Mapping[str, Protection]
    power_modes: Mapping[PowerMode, tuple[PowerStep, ...]]
    after_run: Duration
    """How long ECUs go on after terminal 15 is off; terminal 30 must not be cut before."""
    limits: Mapping[str, Limit]
    routes: Mapping[str, Route] = field(default_factory=dict)
    """What the gateway passes on, by name."""

    def database_path(self, bus: str) -> Path:
        """Return the file of a bus's database.

        Raises:
            RigFileError: the vehicle has no such bus.
        """
        if bus not in self.buses:
            raise RigFileError(f"vehicle {self.name}: {unknown_name('bus', bus, self.buses)}")
        return self.folder / self.buses[bus].database


def read_vehicle(folder: Path) -> Vehicle:
    """Read the `vehicle.yaml` of a vehicle's folder. The databases that it names are not opened.

    A file that has not changed is not read again: each suite opens the rig.

    Raises:
        RigFileError: the file is missing, damaged or contradicts itself; each problem with its line and key.
    """
    try:
        changed = (folder / "vehicle.yaml").stat().st_mtime_ns
    except OSError:
        changed = 0  # reading it says why
    return _read_vehicle(folder, changed)


@lru_cache(maxsize=16)
def _read_vehicle(folder: Path, changed: int) -> Vehicle:  # noqa: ARG001  a file of another time is another file
    file = read_yaml_file(folder / "vehicle.yaml", VehicleFile)
    return Vehicle(
        folder=folder,
        name=file.name,
        synthetic=file.synthetic,
        buses=file.buses,
        signals=file.signals,
        protection=file.protection,
        power_modes=file.power_modes,
        after_run=file.after_run,
        limits={name: entry.limit(name) for name, entry in file.limits.items()},
        routes=file.routes,
    )


def _signal_address(text: object) -> SignalAddress:
    bus, _, place = text.partition(" ") if isinstance(text, str) else ("", "", "")
    message, _, signal = place.strip().partition(".")
    if not (bus and message and signal) or "." in signal:
        reason = f"must be a bus, a message and a signal, such as 'chassis HU_Status.Display', came {text!r}"
        raise PydanticCustomError("signal_address", "{reason}", {"reason": reason})
    return SignalAddress(bus, message, signal)


def _limit_value(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    text = str(value)
    # First the kind whose unit ends alike: the others would import pint to find out that they do not fit.
    for kind in sorted(QUANTITIES, key=lambda kind: not text.endswith(kind.unit)):
        with suppress(TestError):
            return kind.parse(text)
    kinds = ", ".join(kind.noun() for kind in QUANTITIES)
    reason = f"must be a quantity with its unit ({kinds}) or a plain number that counts something, came {value!r}"
    raise PydanticCustomError("quantity", "{reason}", {"reason": reason})


_LimitValue = Annotated[
    float, PlainValidator(_limit_value), WithJsonSchema({"type": ["string", "number"], "examples": ["2 s", 5]})
]
_Address = Annotated[
    SignalAddress,
    PlainValidator(_signal_address),
    WithJsonSchema({"type": "string", "pattern": r"^\S+ +[^\s.]+\.[^\s.]+$"}),
]


class LimitEntry(_Facts):
    """A limit as it stands in the file, with units. Without one, it counts something."""

    low: _LimitValue | None = None
    high: _LimitValue | None = None
    source: Annotated[str, Field(min_length=1)]
    tag: Sureness
    description: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        units = {getattr(bound, "unit", "") for bound in (self.low, self.high) if bound is not None}
        if not units:
            raise ValueError("has neither low nor high; one of them is needed")
        if len(units) > 1:
            raise ValueError(f"low is {self.low} and high is {self.high}: they need the same kind of unit")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"low, {self.low}, is above high, {self.high}")
        return self

    def limit(self, name: str) -> Limit:
        """Return the limit under its name, its bounds as plain numbers."""
        low = None if self.low is None else float(self.low)
        high = None if self.high is None else float(self.high)
        unit = getattr(self.high if self.low is None else self.low, "unit", "")
        return Limit(name, low, high, unit, self.source, self.tag, self.description)


class VehicleFile(_Facts):
    """What a `vehicle.yaml` holds. Its JSON Schema is published for editors."""

    name: str
    synthetic: str
    buses: Annotated[Mapping[str, Bus], Field(min_length=1)]
    signals: Mapping[str, _Address] = {}
    protection: Mapping[str, Protection] = {}
    power_modes: Mapping[PowerMode, tuple[PowerStep, ...]]
    after_run: Duration
    limits: Mapping[str, LimitEntry] = {}
    routes: Mapping[str, Route] = {}

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        problems: dict[KeyPath, str] = {
            ("signals", name): unknown_name("bus", address.bus, self.buses)
            for name, address in self.signals.items()
            if address.bus not in self.buses
        }
        for name, route in self.routes.items():
            for key, bus in (("from", route.source.bus), ("to", route.target.bus)):
                if bus not in self.buses:
                    problems["routes", name, key] = unknown_name("bus", bus, self.buses)
        for mode, steps in self.power_modes.items():
            for index, step in enumerate(steps):
                for name in step.signal if isinstance(step, SignalStep) else ():
                    if name not in self.signals:
                        path = ("power_modes", mode, index, "signal", name)
                        problems[path] = unknown_name("signal", name, self.signals)
        for mode in get_args(PowerMode):
            if mode not in self.power_modes:
                problems["power_modes", mode] = "missing key"
        refuse(problems)
        return self
