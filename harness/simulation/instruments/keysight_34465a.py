"""Simulated Keysight 34465A: a multimeter of 6½ digits, as far as DC voltage and DC current go.

Sources: Keysight Truevolt series, operating and service guide, its pages as published by manualshive.com, easymanua.ls
and manualslib.com [B]:

- "MEASure:CURRent:{AC|DC}?" and "CONFigure:CURRent:{AC|DC}": ranges, autorange as the default, 10 power line cycles,
  the 10 A range on terminals of its own, an error for a resolution with autorange, autorange down below 10 % of the
  range and up above 120 %, 9.9E37 beyond a range; "[SENSe:]CURRent:{AC|DC}:RANGe": without the 10 A range, which does
  not affect it; "[SENSe:]VOLTage:{AC|DC}:RANGe:AUTO", "[SENSe:]CURRent[:DC]:NPLC", the form of all answers;
- "[SENSe:]CURRent[:DC]:ZERO:AUTO": with each reading a measurement of zero, which takes as long again.

The identity has the form that public logs of real units show [B]. From memory [K]: ranges of DC voltage, no overrange
at 1000 V, 3 A and 10 A, -230 for a reading that was never made, error queue of 20. Proposed [P]: 2 ms for each message,
autorange from the largest range down and without time for it, an integration time between two steps is rounded up,
-221 for a resolution with autorange.

A resolution is taken and changes nothing: in a real one it sets the integration time, here that stays at 10 cycles.

Not simulated: other functions, triggers, autozero off, noise, averaging (a reading is the value at the instant at which
it begins), and the burden: the resistance that a real shunt adds to the line.
"""

from collections.abc import Callable, Mapping
from math import copysign
from typing import ClassVar

from harness.clock import MILLISECOND
from harness.protocols.scpi_faults import ScpiError, ScpiFault
from harness.protocols.scpi_parameters import Numeric, Quantity, boolean, choice, forms, number, string
from harness.simulation.instruments.scpi_instrument import Command, Reader, ScpiInstrument, command
from harness.simulation.kernel import Kernel
from harness.simulation.plant import Net
from harness.simulation.series_input import SeriesInput

VOLTAGE_RANGES = {0.1: 0.12, 1.0: 1.2, 10.0: 12.0, 100.0: 120.0, 1000.0: 1000.0}
CURRENT_RANGES = {1e-4: 1.2e-4, 1e-3: 1.2e-3, 0.01: 0.012, 0.1: 0.12, 1.0: 1.2, 3.0: 3.0, 10.0: 10.0}
"""How far each reaches."""
AUTORANGE_DOWN = 0.1
INTEGRATION = (0.02, 0.06, 0.2, 1.0, 10.0, 100.0)
"""Power line cycles, without the option DIG."""
LINE_CYCLE = 20 * MILLISECOND
"""At 50 Hz, as in China."""
OVERLOAD = 9.9e37
SETTINGS_CONFLICT = -221

_AUTO = -1
_CYCLES = Quantity(None, INTEGRATION[0], INTEGRATION[-1], 10.0)
_ROUNDING = 1 + 1e-9


class _Function:
    """A measuring function: how it is set, and what it reads."""

    def __init__(self, ranges: Mapping[float, float], connected: int, value: Callable[[], float]) -> None:
        """Only the first `connected` ranges are behind the terminals that something is wired to."""
        self.all_ranges = tuple(ranges)
        self.ranges = self.all_ranges[:connected]
        self._reaches = tuple(ranges.values())
        self._value = value
        self.preset()

    def preset(self) -> None:
        self.index = len(self.ranges) - 1
        self.is_automatic = True
        self.on_other_terminals = False
        self.cycles = _CYCLES.default

    @property
    def range(self) -> float:
        return self.ranges[self.index]

    def configure(self, index: int) -> None:
        """Begin again with this range; one beyond those that are wired selects its terminals, and none of them."""
        self.preset()
        self.on_other_terminals = index >= len(self.ranges)
        if not self.on_other_terminals:
            self.set_range(index)

    def set_range(self, index: int) -> None:
        self.is_automatic = index == _AUTO
        if not self.is_automatic:
            self.index = index

    def reading(self) -> float:
        if self.on_other_terminals:
            return 0.0
        if self.is_automatic:
            self._choose_range()
        value = self._value()
        return value if abs(value) <= self._reaches[self.index] else copysign(OVERLOAD, value)

    def _choose_range(self) -> None:
        value = abs(self._value())
        while value > self._reaches[self.index] and self.index < len(self.ranges) - 1:
            self.index += 1
        while value < AUTORANGE_DOWN * self.range and self.index > 0:
            self.index -= 1


class Keysight34465A(ScpiInstrument):
    """A multimeter on one net: its voltage against ground, or what flows into it through the 3 A terminals."""

    DEFECTS: ClassVar[Mapping[str, str]] = {
        **ScpiInstrument.DEFECTS,
        "reads too much": "measures 3 % too much",
    }
    identity: ClassVar[str] = "Keysight Technologies,34465A,MY00000000,A.02.14-02.40-02.14-00.49-02-01"
    processing_time: ClassVar[int] = 2 * MILLISECOND  # [P]
    error_queue_length: ClassVar[int] = 20  # [K]
    integer_format: ClassVar[str] = "+d"

    def __init__(self, kernel: Kernel, inputs: Mapping[str, Net | SeriesInput]) -> None:
        """Wire the inputs `voltage` and `current` to the plant; one that is not named is open, and reads 0.

        Raises:
            ValueError: an input that the 34465A does not have.
        """
        at, through = inputs.get("voltage"), inputs.get("current")
        if not inputs.keys() <= {"voltage", "current"} or isinstance(at, SeriesInput):
            raise ValueError(f"34465A has inputs for voltage and current, not {sorted(inputs)}")
        self._functions = {
            "VOLT": _Function(VOLTAGE_RANGES, len(VOLTAGE_RANGES), lambda: self._gain * at.voltage if at else 0.0),
            "CURR": _Function(
                CURRENT_RANGES, len(CURRENT_RANGES) - 1, lambda: self._gain * through.current if through else 0.0
            ),
        }
        self._selected = "VOLT"
        self._stored: str | None = None
        super().__init__(
            kernel,
            {
                **self._table("VOLT", "VOLTage", "V"),
                **self._table("CURR", "CURRent", "A"),
                "[SENSe:]FUNCtion[:ON]": command(self._select, _function_name),
                "[SENSe:]FUNCtion[:ON]?": command(lambda: f'"{self._selected}"'),
                "INITiate[:IMMediate]": command(self._initiate),
                "FETCh?": command(self._fetch),
                "READ?": command(self._read),
                "SYSTem:VERSion?": command(lambda: "1994.0"),  # [P]
            },
        )

    @property
    def _gain(self) -> float:
        return 1.03 if "reads too much" in self.defects else 1.0

    def reset(self) -> None:
        """Measure DC voltage again, with autorange and 10 power line cycles."""
        for function in self._functions.values():
            function.preset()
        self._select("VOLT")

    def _table(self, name: str, mnemonic: str, unit: str) -> dict[str, Command]:
        function = self._functions[name]
        asked = (_range(function.all_ranges, unit), _resolution(unit))
        limit = Quantity(unit, function.ranges[0], function.ranges[-1], function.ranges[-1]).limit
        sense = f"[SENSe:]{mnemonic}[:DC]"

        def configure(index: int = _AUTO, resolution: float | None = None) -> None:
            if index == _AUTO and resolution is not None:
                raise ScpiFault(SETTINGS_CONFLICT, "Settings conflict")
            function.configure(index)
            self._select(name)

        def measure(index: int = _AUTO, resolution: float | None = None) -> str:
            configure(index, resolution)
            return self._read()

        def set_cycles(asked: Numeric) -> None:
            least = _CYCLES.settle(asked)
            function.cycles = next(cycles for cycles in INTEGRATION if least <= cycles * _ROUNDING)

        return {
            f"CONFigure:{mnemonic}:DC": command(configure, optional=asked),
            f"MEASure:{mnemonic}:DC?": command(measure, optional=asked),
            f"{sense}:RANGe[:UPPer]": command(function.set_range, _range(function.ranges, unit)),
            f"{sense}:RANGe[:UPPer]?": command(
                lambda bound=None: _number(function.range if bound is None else bound), optional=(limit,)
            ),
            f"{sense}:RANGe:AUTO": command(
                lambda on: function.set_range(_AUTO if on else function.index),
                boolean,
            ),
            f"{sense}:RANGe:AUTO?": command(lambda: str(int(function.is_automatic))),
            f"{sense}:NPLC": command(set_cycles, _CYCLES.read),
            f"{sense}:NPLC?": command(
                lambda bound=None: _number(function.cycles if bound is None else bound), optional=(_CYCLES.limit,)
            ),
        }

    def _select(self, name: str) -> None:
        self._selected = name
        self._stored = None

    def _initiate(self) -> None:
        function = self._functions[self._selected]
        self._stored = _number(function.reading())
        self.occupy(round(2 * function.cycles * LINE_CYCLE))

    def _fetch(self) -> str:
        if self._stored is None:
            raise ScpiFault(-230, "Data corrupt or stale")
        return self._stored

    def _read(self) -> str:
        self._initiate()
        return self._fetch()


def _number(value: float) -> str:
    return f"{value + 0.0:+.8E}"


def _range(ranges: tuple[float, ...], unit: str) -> Reader:
    """Return the reader of a range: the largest value that is expected, or a word."""
    words = {"MIN": 0, "MINIMUM": 0, "MAX": len(ranges) - 1, "MAXIMUM": len(ranges) - 1}
    words |= dict.fromkeys(("AUTO", "DEF", "DEFAULT"), _AUTO)

    def read(text: str) -> int:
        if text.upper() in words:
            return words[text.upper()]
        expected = abs(number(text, unit))
        for index, most in enumerate(ranges):
            if expected <= most * _ROUNDING:
                return index
        raise ScpiFault(ScpiError.DATA_OUT_OF_RANGE)

    return read


def _resolution(unit: str) -> Reader:
    """Return the reader of a resolution, None for the default one; MIN and MAX are some."""
    word = choice({"DEFault": None, "MINimum": 0.0, "MAXimum": 0.0})

    def read(text: str) -> float | None:
        return word(text) if text[:1].isalpha() else number(text, unit)

    return read


_FUNCTIONS = {
    spelling: name
    for name, mnemonic in (("VOLT", "VOLTage"), ("CURR", "CURRent"))
    for form in forms(mnemonic)
    for spelling in (form, f"{form}:DC")
}


def _function_name(text: str) -> str:
    try:
        return _FUNCTIONS[string(text).upper()]
    except KeyError:
        raise ScpiFault(ScpiError.ILLEGAL_PARAMETER_VALUE) from None
