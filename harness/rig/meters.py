"""What is measured on a rig beside its supply: meters, and the nets that they are connected to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import BenchError, TestError
from harness.instruments.roles import Ammeter, PowerSupply, SwitchMatrix, Voltmeter
from harness.quantities import Current, Quantity, Voltage
from harness.rig.rig_file import MeterFacts, RigFile, feeding_output, terminal
from harness.yaml_file import error_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.clock import Clock
    from harness.instruments.roles import Instrument


@dataclass(frozen=True)
class Bypass:
    """What carries the current around a meter: the normally closed contact of a relay."""

    matrix: SwitchMatrix
    channel: int
    supply: PowerSupply
    """Feeds the net, and so delivers at least what would flow through the meter."""
    output: int
    highest_current: float
    """Amperes that the meter carries."""

    @property
    def is_open(self) -> bool:
        """Whether the current goes through the meter, as the relay says."""
        return self.matrix.is_closed(self.channel)

    @contextmanager
    def opened(self, meter: str) -> Iterator[None]:
        """Let the current go through the meter for the block.

        Raises:
            BenchError: the supply delivers more than the meter carries; the bypass was not opened.
        """
        delivered = self.supply.measure_current(self.output)
        if delivered > self.highest_current:
            raise BenchError(
                f"{meter} carries {Current(self.highest_current)} at most, but {self.supply.role} output "
                f"{self.output} delivers {Current(delivered)}; its bypass was not opened"
            )
        try:
            self.matrix.close_channel(self.channel)
            yield
        finally:
            self.matrix.open_channel(self.channel)


@dataclass(frozen=True)
class Meter:
    """A meter at its place."""

    name: str
    """What suites call the place."""
    instrument: "Instrument"
    read: Callable[[], float]
    """Takes a reading, in amperes or volts."""
    kind: type[Quantity]
    """What it measures there: a current or a voltage."""
    net: str
    bypass: Bypass | None = None

    def __str__(self) -> str:
        return f"the {self.kind.noun()} {'in' if self.kind is Current else 'at'} {self.net}"

    def measure(self, kind: type[Quantity]) -> float:
        """Measure, in amperes or volts.

        Raises:
            TestError: it is connected for another kind of quantity.
            BenchError: more flows than it carries; it was left bypassed.
        """
        with self._inserted(kind):
            return self.read()

    def measure_repeatedly(self, kind: type[Quantity], duration: int, clock: "Clock") -> list[float]:
        """Measure at least once, and again and again for `duration` nanoseconds, in amperes or volts.

        Raises:
            TestError, BenchError: as `measure`.
        """
        with self._inserted(kind):
            end = clock.now + duration
            readings = [self.read()]
            while clock.now < end:
                readings.append(self.read())
        return readings

    @contextmanager
    def _inserted(self, kind: type[Quantity]) -> Iterator[None]:
        if kind is not self.kind:
            raise TestError(f"{self.name} is {self}; a {kind.noun()} cannot be measured there")
        with self.bypass.opened(self.instrument.role) if self.bypass else nullcontext():
            yield


def wire_meters(rig: RigFile, instruments: "Mapping[str, Instrument]") -> dict[str, Meter]:
    """Find the meters of the rig's wiring.

    Raises:
        RigFileError: an instrument does not fill the role that it has there.
    """
    meters: dict[str, Meter] = {}
    for name, facts in rig.meters.items():
        instrument = instruments[facts.instrument]
        if facts.current_in and isinstance(instrument, Ammeter):
            bypass = _wire_bypass(rig, name, facts, instruments, instrument.highest_current) if facts.bypass else None
            meters[name] = Meter(name, instrument, instrument.measure_dc_current, Current, facts.net, bypass)
        elif facts.voltage_at and isinstance(instrument, Voltmeter):
            meters[name] = Meter(name, instrument, instrument.measure_dc_voltage, Voltage, facts.net)
        else:
            raise error_in(rig.path, {("meters", name, "instrument"): f"{facts.instrument} is no {facts.role}"})
    return meters


def _wire_bypass(
    rig: RigFile, name: str, facts: MeterFacts, instruments: "Mapping[str, Instrument]", highest_current: float
) -> Bypass:
    matrix_name, channel = terminal(facts.bypass or "")
    supply_name, output = feeding_output(rig, facts.net)
    matrix, supply = instruments[matrix_name], instruments[supply_name]
    if not isinstance(matrix, SwitchMatrix):
        raise error_in(rig.path, {("meters", name, "bypass"): f"{matrix_name} is no switch matrix"})
    if not isinstance(supply, PowerSupply):
        raise error_in(rig.path, {("meters", name, "bypass"): f"{supply_name} feeds {facts.net}, but is no supply"})
    return Bypass(matrix, channel, supply, output, highest_current)
