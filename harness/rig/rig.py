"""An opened rig: what keywords work with."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from harness.buses.can_bus import CanBus
from harness.can_port import ChannelHealth
from harness.clock import MILLISECOND, Clock
from harness.errors import BenchError, HarnessError, TestError, unknown_name
from harness.instruments.roles import SwitchMatrix
from harness.rig.car_supply import CarSupply
from harness.rig.meters import Meter
from harness.rig.power_modes import take_steps
from harness.rig.probes import Probe
from harness.rig.rig_file import RigFile
from harness.rig.signals import Signals
from harness.transports.paced_kernel import LATE, PacedKernel
from harness.vehicle import Limit, PowerMode, Vehicle

if TYPE_CHECKING:
    from harness.consoles.console import Console
    from harness.instruments.roles import Instrument
    from harness.simulation.ecus.rest_bus import RestBus


@dataclass(frozen=True)
class RigHealth:
    """How a rig does at a time."""

    channels: Mapping[str, ChannelHealth] = field(default_factory=dict)
    """By bus."""
    too_late: int = 0
    """Events of the simulated ECUs that have come too late."""


@dataclass(frozen=True)
class Rig:
    """A rig with all its instruments, buses and simulated ECUs, ready to be used."""

    facts: RigFile
    vehicle: Vehicle
    seed: int
    clock: Clock
    buses: Mapping[str, CanBus]
    signals: Signals
    instruments: "Mapping[str, Instrument]"
    supply: CarSupply
    ecus: "Mapping[str, RestBus]"
    """The simulated ones."""
    release: tuple[Callable[[], None], ...] = field(default=())
    """What gives back sessions and channels, in this order."""
    meters: Mapping[str, Meter] = field(default_factory=dict)
    """By what suites call their places."""
    probes: Mapping[str, Probe] = field(default_factory=dict)
    """By what suites call their places."""
    consoles: "Mapping[str, Console]" = field(default_factory=dict)
    """By stream."""
    paced: PacedKernel | None = None
    """What keeps the simulated ECUs in step with the wall clock; none on a virtual rig."""
    found_live: str = ""
    """What somebody had left on when the rig was opened, and what became of it."""
    open_lines: set[str] = field(default_factory=set)
    """Nets of the lines that a test has opened."""
    mode_signals: dict[str, str] = field(default_factory=dict)
    """Signals that the power mode has set, and their values."""

    @property
    def capabilities(self) -> frozenset[str]:
        """What a test can ask for by a `needs:` tag: instruments, meters, probes, buses, streams and ECUs by name."""
        names = {"supply", *self.instruments, *self.meters, *self.probes, *self.buses, *self.consoles, *self.facts.ecus}
        return frozenset(map(capability, names))

    def power_up(self) -> None:
        """Set the supply to its nominal voltage and current limit, and switch terminal 30 on."""
        nominal = self.facts.supply
        self.supply.switch_on(nominal.voltage, nominal.current_limit)

    def switch_power_mode(self, mode: PowerMode) -> None:
        """Take the steps of a power mode of the vehicle."""
        self.mode_signals.clear()

        def set_signal(name: str, value: str) -> None:
            self.mode_signals[name] = value
            self.set_signal(name, value)

        take_steps(self.vehicle.power_modes[mode], self.supply, self.clock, set_signal)

    def set_signal(self, name: str, value: str) -> None:
        """Let the simulated ECU that sends a signal send this value from its next frame on.

        Raises:
            TestError: there is no such signal, the value does not fit, or the sender is not simulated.
        """
        signal = self.signals.find(name)
        for ecu in self.ecus.values():
            if signal.message.name in ecu.messages:
                raw = signal.raw(value)
                with self.held():
                    ecu.set_raw(signal.signal, raw)
                return
        raise TestError(f"{name} is sent by {signal.message.sender}, which is not simulated on this rig")

    def held(self) -> AbstractContextManager[None]:
        """Keep the simulated ECUs still while they are changed: on a bench they live on a thread of their own."""
        return self.paced.held() if self.paced else nullcontext()

    def open_line(self, name: str) -> None:
        """Interrupt a line.

        Raises:
            TestError: there is no such line on the rig.
        """
        net = self._line(name)
        self.open_lines.add(net)
        self.supply.open(net)

    def close_line(self, name: str) -> None:
        """Connect a line again.

        Raises:
            TestError: there is no such line on the rig.
        """
        net = self._line(name)
        self.supply.close(net)
        self.open_lines.discard(net)

    def _line(self, name: str) -> str:
        lines = {net for net, switched in self.supply.nets.items() if switched.is_line}
        ecus = self.facts.ecus.items()
        pins = {_folded(f"{ecu}.{pin}"): net for ecu, facts in ecus for pin, net in facts.pins.items()}
        net = pins.get(_folded(name), name)
        if net not in lines:
            raise TestError(unknown_name("line that can be opened", name, lines))
        return net

    def bus(self, name: str) -> CanBus:
        """Return a bus.

        Raises:
            TestError: there is no such bus.
        """
        if name not in self.buses:
            raise TestError(unknown_name("bus", name, self.buses))
        return self.buses[name]

    def ecu(self, name: str) -> "RestBus":
        """Return a simulated ECU.

        Raises:
            TestError: there is no such ECU, or it is real.
        """
        if name in self.ecus:
            return self.ecus[name]
        if name in self.facts.ecus:
            raise TestError(f"{name} is real on this rig; only simulated ECUs can do this")
        raise TestError(unknown_name("ECU", name, self.facts.ecus))

    def console(self, name: str) -> "Console":
        """Return a console, by the name of its stream, or of its ECU where that has only one.

        Raises:
            TestError: there is no such console.
        """
        of_ecu = [stream for stream, facts in self.facts.streams.items() if facts.ecu == name]
        stream = of_ecu[0] if len(of_ecu) == 1 else name
        if stream not in self.consoles:
            raise TestError(unknown_name("console", name, self.consoles))
        return self.consoles[stream]

    def meter(self, name: str) -> Meter:
        """Return a meter, by what suites call its place.

        Raises:
            TestError: there is no such meter.
        """
        if name not in self.meters:
            raise TestError(unknown_name("meter", name, self.meters))
        return self.meters[name]

    def probe(self, name: str) -> Probe:
        """Return a probe, by what suites call its place.

        Raises:
            TestError: there is no such probe.
        """
        if name not in self.probes:
            raise TestError(unknown_name("probe", name, self.probes))
        return self.probes[name]

    def limit(self, name: str) -> Limit:
        """Return a limit of the vehicle.

        Raises:
            TestError: there is no such limit; says which one was probably meant.
        """
        limits = self.vehicle.limits
        key = name.strip().replace(" ", "_")
        if key not in limits:
            raise TestError(f"{self.vehicle.name} has {unknown_name('limit', name, limits)}")
        return limits[key]

    def restoring(self) -> Iterator[Callable[[], None]]:
        """Yield the steps that take back what tests have changed; each is worth taking when another has failed.

        Lines are closed, captures forgotten, defects are those of the rig file, ECUs speak, and signals are at their
        defaults, but for those that the power mode has set.
        """
        for probe in self.probes.values():
            yield probe.forget
        for line in sorted(self.open_lines):
            yield partial(self.close_line, line)
        for name, ecu in self.ecus.items():
            lasting = self.facts.defects.get(name, ())
            for defect in sorted(ecu.defects | set(lasting)):
                yield self._held(partial(ecu.switch_defect, defect, on=defect in lasting))
            yield self._held(ecu.resume)
            yield self._held(ecu.reset_signals)
        for signal, value in self.mode_signals.items():
            yield partial(self.set_signal, signal, value)

    def _held(self, action: Callable[[], None]) -> Callable[[], None]:
        def act() -> None:
            with self.held():
                action()

        return act

    def health(self) -> RigHealth:
        """Return how the rig does now, to be compared with later."""
        channels = {name: bus.channel.health() for name, bus in self.buses.items()}
        return RigHealth(channels, self.paced.lateness.too_late if self.paced else 0)

    @property
    def times_late(self) -> int:
        """How often the simulated ECUs of a bench have been so late that a cycle time may be broken by it."""
        return self.paced.lateness.beyond_limit if self.paced else 0

    def is_rest_bus(self, message: str) -> bool:
        """Say whether the runner itself sends a message beside a real car: nobody tests how regularly it does."""
        return self.paced is not None and any(message in ecu.messages for ecu in self.ecus.values())

    def told_at_the_end(self) -> dict[str, str]:
        """Return what a report says of how well a rig in wall time has kept time, and of what cannot be known."""
        if self.paced is None:
            return {}
        told = {"Simulated ECUs": str(self.paced.lateness)}
        if self.found_live:
            told["Found on opening"] = self.found_live
        for name, bus in self.buses.items():
            told[f"Bus {name}"] = f"time stamps off by {bus.uncertainty * 1e3:.3f} ms at most"
            if bus.channel.untold:
                told[f"Bus {name}"] += f"; its adapter does not tell: {', '.join(bus.channel.untold)}"
        return told

    def problems(self, before: RigHealth | None = None) -> list[str]:
        """Return what is wrong with the rig itself; empty when it is healthy. Reads every error queue.

        Args:
            before: how the rig did at a time; what has gone wrong since counts. None: since it was opened.
        """
        before, now = before or RigHealth(), self.health()
        found = [
            f"bus {name}: {problem}"
            for name, health in now.channels.items()
            for problem in health.problems_since(before.channels.get(name, ChannelHealth()))
        ]
        for name, console in self.consoles.items():
            found += [f"{name}: {problem}" for problem in console.problems()]
        if self.paced:
            found += self.paced.problems
            if now.too_late > before.too_late:
                found.append(
                    f"the simulated ECUs were more than {LATE // MILLISECOND} ms late {now.too_late - before.too_late} "
                    f"times since the test began; in all: {self.paced.lateness}"
                )
        for name, instrument in self.instruments.items():
            try:
                found += [f"{name}: {error}" for error in instrument.errors()]
            except HarnessError as error:
                found.append(str(error))
        return found

    def power_down(self) -> None:
        """Take the orderly path: ignition off, the after-run of the ECUs, terminal 30 off."""
        if self.supply.is_on:
            self.switch_power_mode("off")
            self.clock.sleep(self.vehicle.after_run.ns)
        self.supply.switch(on=False)

    def close(self) -> None:
        """Bring the rig to its safe state by the orderly path, then give back all sessions and channels.

        Raises:
            HarnessError: something could not be reached; everything else was done all the same.
        """
        failed: list[Exception] = []
        steps: tuple[Callable[[], None], ...] = (
            *(partial(self.close_line, line) for line in sorted(self.open_lines)),
            self.power_down,
            lambda: self.supply.switch(on=False),
            *(matrix.open_all for matrix in self._matrices),
            self._check_safe,
            *self.release,
        )
        for step in steps:
            try:
                step()
            except Exception as error:  # noqa: BLE001  whatever it is, the steps behind it still count
                failed.append(error)
        if failed:
            raise HarnessError("the rig did not close cleanly: " + "; ".join(dict.fromkeys(map(str, failed))))

    @property
    def _matrices(self) -> list[SwitchMatrix]:
        return [instrument for instrument in self.instruments.values() if isinstance(instrument, SwitchMatrix)]

    def _check_safe(self) -> None:
        """Read back that the supply is off and the relays are at rest."""
        live = [f"{self.supply.name} output {self.supply.output} is still on"] if self.supply.is_on else []
        for net, switched in self.supply.nets.items():
            if switched.matrix.is_closed(switched.channel):
                live.append(f"the relay of {net} is still closed")
        for name, meter in self.meters.items():
            if meter.bypass and meter.bypass.is_open:
                live.append(f"the bypass of {name} is still open")
        if live:
            raise BenchError(", ".join(live))


def capability(name: str) -> str:
    """Return a name as `needs:` tags have it: `head unit` and `head_unit` are `head-unit`."""
    return "-".join(name.casefold().replace("_", " ").split())


def _folded(name: str) -> str:
    """Return a name as it compares: `HeadUnit.KL30` is the pin KL30 of the ECU `head unit`."""
    return name.replace(" ", "").casefold()
