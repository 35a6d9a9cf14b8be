"""Simulated Rohde & Schwarz HMP4040: a supply with four outputs of 0 to 32.05 V, 0 to 10 A and 160 W.

Sources:

- commands: R&S HMP series, SCPI programmers manual 5800576002, as pymeasure's and other public drivers for the
  HMP4040 use it [B];
- bits of the questionable registers: R&S NGL200/NGM200 user manual 1178.8736.02, table A-5, the same as in
  Keysight E3634A, table 4-3 [B]; that bits 9 and 10 of the HMP are those too is supposed [P];
- MEASured and PROTected: R&S HMC804x, as a public driver quotes its manual [B];
- from memory or proposed [P]: the fuse's delay of 0 to 250 ms, the range of the over-voltage protection, what *RST
  sets, that UP and DOWN beyond the range are refused, that a linked fuse counts as tripped too.

The common limit of 384 W for all outputs is not simulated: each output keeps to its own 160 W.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from harness.clock import MILLISECOND
from harness.protocols.scpi_faults import ScpiError, ScpiFault
from harness.protocols.scpi_parameters import Numeric, Quantity, boolean, choice, integer
from harness.simulation.instruments.scpi_instrument import Command, ScpiInstrument, command
from harness.simulation.kernel import Kernel
from harness.simulation.plant import SupplyOutput

OUTPUTS = range(1, 5)
VOLTAGE = Quantity("V", 0.0, 32.05, 0.0)
CURRENT = Quantity("A", 0.0, 10.0, 0.1)
PROTECTION = Quantity("V", 0.0, 32.5, 32.5)
FUSE_DELAY = Quantity(None, 0.0, 250.0, 0.0)
"""Milliseconds."""
VOLTAGE_STEP = Quantity("V", 0.0, 32.05, 1.0)
CURRENT_STEP = Quantity("A", 0.0, 10.0, 0.1)
POWER = 160.0
"""W that one output delivers at most; above 16 V its current limit is lower than what is set."""

_IDLE_SLEW = 1000.0
"""V/s of an output that nothing is wired to [P]."""

_CONSTANT_CURRENT = 1
_CONSTANT_VOLTAGE = 2
_OVERVOLTAGE_TRIPPED = 512
_FUSE_TRIPPED = 1024


@dataclass(frozen=True)
class _Settings:
    voltage: float = VOLTAGE.default
    current: float = CURRENT.default
    voltage_step: float = VOLTAGE_STEP.default
    current_step: float = CURRENT_STEP.default
    protection: float = PROTECTION.default
    protection_mode: str = "measured"
    fuse: bool = False
    fuse_delay: float = FUSE_DELAY.default
    fuse_links: frozenset[int] = frozenset()


class _Output:
    """One output: what is set, and what its protections make of it."""

    def __init__(self, kernel: Kernel, terminals: SupplyOutput, on_fuse: Callable[["_Output"], None]) -> None:
        self.settings = _Settings()
        self.terminals = terminals
        self.selected = False
        self.overvoltage_tripped = False
        self.fuse_tripped = False
        self.events = 0
        self._general = False
        self._watched: set[float] = set()
        self._fuse_timer = kernel.timer(lambda: on_fuse(self))
        terminals.on_current_limit = lambda _: self._follow()

    @property
    def is_on(self) -> bool:
        return self.selected and self._general and not self.overvoltage_tripped

    @property
    def condition(self) -> int:
        bits = _OVERVOLTAGE_TRIPPED * self.overvoltage_tripped | _FUSE_TRIPPED * self.fuse_tripped
        if self.is_on:
            bits |= _CONSTANT_CURRENT if self.terminals.in_current_limit else _CONSTANT_VOLTAGE
        return bits

    def select(self, *, on: bool) -> None:
        self.selected = on
        self.fuse_tripped = self.fuse_tripped and not on

    def drive(self, *, general: bool) -> None:
        """Bring the terminals to what is set."""
        self._general = general
        settings = self.settings
        limit = min(settings.current, POWER / settings.voltage) if settings.voltage else settings.current
        if self.is_on and settings.protection_mode == "protected" and settings.voltage > settings.protection:
            self._trip_on_overvoltage()
        self.terminals.program(voltage=settings.voltage, current_limit=limit, on=self.is_on)
        self._watch_overvoltage()
        self._follow()

    def trip_fuse(self) -> None:
        self.fuse_tripped = True
        self.selected = False
        self.drive(general=self._general)

    def _follow(self) -> None:
        self.events |= self.condition
        if not (self.settings.fuse and self.condition & _CONSTANT_CURRENT):
            self._fuse_timer.stop()
        elif self._fuse_timer.due is None:
            self._fuse_timer.start(round(self.settings.fuse_delay * MILLISECOND))

    def _watch_overvoltage(self) -> None:
        level = self.settings.protection
        if not self.is_on or self.settings.voltage <= level:
            return
        if self.terminals.voltage > level:
            self._on_overvoltage(above=True)
        elif level not in self._watched:
            self._watched.add(level)
            self.terminals.watch(level, lambda above: self._on_overvoltage(above=above))

    def _on_overvoltage(self, *, above: bool) -> None:
        level = self.settings.protection
        if above and self.is_on and self.settings.voltage > level and self.terminals.voltage >= level:
            self._trip_on_overvoltage()
            self.drive(general=self._general)

    def _trip_on_overvoltage(self) -> None:
        self.overvoltage_tripped = True
        self.selected = False


class RohdeSchwarzHMP4040(ScpiInstrument):
    """Four outputs; most commands act on the one that INSTrument has selected.

    OUTPut:SELect arms an output, OUTPut:GENeral is the key that switches all armed ones; OUTPut[:STATe] ON does both.
    The over-voltage protection and the electronic fuses switch their outputs off and disarm them.
    """

    DEFECTS: ClassVar[Mapping[str, str]] = {
        **ScpiInstrument.DEFECTS,
        "reads too little": "measures the voltage of its outputs 5 % too low",
    }
    identity: ClassVar[str] = "ROHDE&SCHWARZ,HMP4040,000000,HW50020003/SW2.70"
    processing_time: ClassVar[int] = 10 * MILLISECOND  # [P]

    def __init__(self, kernel: Kernel, outputs: Mapping[int, SupplyOutput]) -> None:
        """Wire outputs 1 to 4 to the plant; one that is not named is idle.

        Raises:
            ValueError: an output that the HMP4040 does not have.
        """
        if not outputs.keys() <= set(OUTPUTS):
            raise ValueError(f"HMP4040 has outputs 1 to 4, not {sorted(outputs.keys() - set(OUTPUTS))}")
        super().__init__(kernel, self._table())
        self._outputs = {
            number: _Output(
                kernel,
                outputs.get(number) or SupplyOutput(kernel, f"HMP4040 output {number}", _IDLE_SLEW),
                self._on_fuse,
            )
            for number in OUTPUTS
        }
        self._number = 1
        self._general = False
        self._memory: dict[int, tuple[_Settings, ...]] = {}

    def reset(self) -> None:
        """Switch all outputs off and set them to their defaults."""
        self._recall((_Settings(),) * len(OUTPUTS))
        self._number = 1

    def clear_status(self) -> None:
        """Do what *CLS does."""
        super().clear_status()
        for output in self._outputs.values():
            output.events = 0

    def _table(self) -> dict[str, Command]:
        name = choice({f"{word}{number}": number for word in ("OUTPut", "OUT") for number in OUTPUTS})
        mode = choice({"MEASured": "measured", "PROTected": "protected"})
        source, level = "[SOURce:]", "[:LEVel][:IMMediate]"
        protection = f"{source}VOLTage:PROTection"
        summary = "STATus:QUEStionable:INSTrument:ISUMmary<n>"
        return {
            "INSTrument[:SELect]": command(self._address, name),
            "INSTrument[:SELect]?": command(lambda: f"OUTP{self._number}"),
            "INSTrument:NSELect": command(self._address, integer),
            "INSTrument:NSELect?": command(lambda: str(self._number)),
            **self._quantity(f"{source}VOLTage{level}[:AMPLitude]", "voltage", VOLTAGE, 3),
            **self._quantity(f"{source}VOLTage{level}:STEP[:INCRement]", "voltage_step", VOLTAGE_STEP, 3),
            **self._quantity(f"{source}CURRent{level}[:AMPLitude]", "current", CURRENT, 4),
            **self._quantity(f"{source}CURRent{level}:STEP[:INCRement]", "current_step", CURRENT_STEP, 4),
            **self._quantity(f"{protection}[:LEVel]", "protection", PROTECTION, 3),
            f"{protection}:MODE": command(lambda value: self._change(protection_mode=value), mode),
            f"{protection}:MODE?": command(lambda: self._output.settings.protection_mode),
            f"{protection}:TRIPped?": command(lambda: _flag(self._output.overvoltage_tripped)),
            f"{protection}:CLEar": command(self._clear_protection),
            "APPLy": command(self._apply, VOLTAGE.read, optional=(CURRENT.read,)),
            "APPLy?": command(self._applied),
            "OUTPut[:STATe]": command(self._switch, boolean),
            "OUTPut[:STATe]?": command(lambda: _flag(self._output.is_on)),
            "OUTPut:SELect": command(self._arm, boolean),
            "OUTPut:SELect?": command(lambda: _flag(self._output.selected)),
            "OUTPut:GENeral": command(self._switch_all, boolean),
            "OUTPut:GENeral?": command(lambda: _flag(self._general)),
            "MEASure[:SCALar][:VOLTage][:DC]?": command(self._measure_voltage),
            "MEASure[:SCALar]:CURRent[:DC]?": command(lambda: _fixed(self._output.terminals.current, 4)),
            "FUSE[:STATe]": command(lambda on: self._change(fuse=on), boolean),
            "FUSE[:STATe]?": command(lambda: _flag(self._output.settings.fuse)),
            "FUSE:TRIPped?": command(lambda: _flag(self._output.fuse_tripped)),
            **self._quantity("FUSE:DELay", "fuse_delay", FUSE_DELAY, 0),
            "FUSE:LINK": command(self._link_fuse, integer),
            "FUSE:LINK?": command(
                lambda other: _flag(_output_number(other) in self._output.settings.fuse_links), integer
            ),
            "FUSE:UNLink": command(self._unlink_fuse, integer),
            f"{summary}:CONDition?": command(lambda number: str(self._outputs[_suffix(number)].condition)),
            f"{summary}[:EVENt]?": command(self._read_events),
            "SYSTem:BEEPer[:IMMediate]": command(_do_nothing),
            "SYSTem:LOCal": command(_do_nothing),
            "SYSTem:REMote": command(_do_nothing),
            "SYSTem:RWLock": command(_do_nothing),
            "SYSTem:MIX": command(_do_nothing),
            "SYSTem:VERSion?": command(lambda: "1995.0"),  # [P]
            "*SAV": command(self._save, integer),
            "*RCL": command(lambda place: self._recall(self._memory.get(_memory_place(place), ())), integer),
        }

    def _quantity(self, pattern: str, name: str, quantity: Quantity, digits: int) -> dict[str, Command]:
        """Return command and query of a setting that is a number."""

        def write(asked: Numeric) -> None:
            settings = self._output.settings
            step = getattr(settings, f"{name}_step", None)
            value = quantity.settle(asked, now=getattr(settings, name), step=step)
            self._change(**{name: round(value, digits)})

        def read(limit: float | None = None) -> str:
            return _fixed(getattr(self._output.settings, name) if limit is None else limit, digits)

        return {
            pattern: command(write, quantity.read),
            f"{pattern}?": command(read, optional=(quantity.limit,)),
        }

    @property
    def _output(self) -> _Output:
        return self._outputs[self._number]

    def _change(self, **settings: Any) -> None:  # noqa: ANN401 - each field has a type of its own
        self._output.settings = replace(self._output.settings, **settings)
        self._output.drive(general=self._general)

    def _address(self, number: int) -> None:
        self._number = _output_number(number)

    def _measure_voltage(self) -> str:
        volts = self._output.terminals.voltage
        return _fixed(volts * 0.95 if "reads too little" in self.defects else volts, 3)

    def _apply(self, voltage: Numeric, current: Numeric | None = None) -> None:
        settings = self._output.settings
        volts = VOLTAGE.settle(voltage)
        amperes = settings.current if current is None else CURRENT.settle(current)
        self._change(voltage=round(volts, 3), current=round(amperes, 4))

    def _applied(self) -> str:
        settings = self._output.settings
        return f"{_fixed(settings.voltage, 3)},{_fixed(settings.current, 4)}"

    def _switch(self, on: bool) -> None:
        self._output.select(on=on)
        self._switch_all(self._general or on)

    def _arm(self, on: bool) -> None:
        self._output.select(on=on)
        self._output.drive(general=self._general)

    def _switch_all(self, on: bool) -> None:
        self._general = on
        for output in self._outputs.values():
            output.drive(general=on)

    def _clear_protection(self) -> None:
        self._output.overvoltage_tripped = False

    def _link_fuse(self, other: int) -> None:
        self._change(fuse_links=self._output.settings.fuse_links | {_output_number(other)})

    def _unlink_fuse(self, other: int) -> None:
        self._change(fuse_links=self._output.settings.fuse_links - {_output_number(other)})

    def _on_fuse(self, tripped: _Output) -> None:
        tripped.trip_fuse()
        for number in sorted(tripped.settings.fuse_links):
            self._outputs[number].trip_fuse()

    def _read_events(self, number: int) -> str:
        output = self._outputs[_suffix(number)]
        events, output.events = output.events | output.condition, 0
        return str(events)

    def _save(self, place: int) -> None:
        self._memory[_memory_place(place)] = tuple(output.settings for output in self._outputs.values())

    def _recall(self, settings: tuple[_Settings, ...]) -> None:
        self._general = False
        for output, setting in zip(self._outputs.values(), settings or (_Settings(),) * len(OUTPUTS), strict=True):
            output.settings = setting
            output.selected = output.overvoltage_tripped = output.fuse_tripped = False
            output.drive(general=False)


def _flag(state: bool) -> str:
    return "1" if state else "0"


def _fixed(value: float, digits: int) -> str:
    return f"{round(value, digits) + 0.0:.{digits}f}"


def _do_nothing() -> None:
    """Accept a command whose effect shows on the front panel only."""


def _output_number(number: int) -> int:
    if number not in OUTPUTS:
        raise ScpiFault(ScpiError.DATA_OUT_OF_RANGE)
    return number


def _suffix(number: int) -> int:
    if number not in OUTPUTS:
        raise ScpiFault(ScpiError.HEADER_SUFFIX_OUT_OF_RANGE)
    return number


def _memory_place(place: int) -> int:
    if not 0 <= place <= 9:
        raise ScpiFault(ScpiError.DATA_OUT_OF_RANGE)
    return place
