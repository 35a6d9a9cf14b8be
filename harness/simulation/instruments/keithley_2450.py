"""Simulated Keithley 2450 SourceMeter, as far as it is a meter of current in series: a source of 0 V.

Sources: Model 2450 reference manual 2450-901-01 Rev. B, its pages as published by easymanua.ls, manualslib.com and
manualshive.com [B]: commands, ranges, source limits, identity, `*LANG`; forms of answers from the drivers of pymeasure
and QCoDeS for it [B]. Ranges of current and a voltage burden below 100 µV: data sheet SPEC-2450 Rev. A, as published by
manualshelf.com [B]; the burden is taken as none.

From memory [K]: ranges reach 105 %, what *RST sets, 9.9E37 beyond a fixed range, error queue. In its normal output-off
state it is a source of 0 V too, with a limit of 10 % of the range [K]. Proposed [P]: 2 ms for each message, autozero
doubles the time of a reading, autorange without time for it.

Above its limit it holds the current, and the net that it feeds falls to the voltage at which the limit flows.

Not simulated: sourcing anything but 0 V, other measurements, TSP and the command set of the 2400, buffers, triggers,
noise, averaging (a reading is the value at the instant at which it begins).
"""

from collections.abc import Callable, Mapping
from math import copysign
from typing import ClassVar

from harness.clock import MILLISECOND
from harness.protocols.scpi_faults import ScpiError, ScpiFault
from harness.protocols.scpi_parameters import Numeric, Quantity, boolean, choice, string
from harness.simulation.instruments.scpi_instrument import Command, ScpiInstrument, command
from harness.simulation.kernel import Kernel
from harness.simulation.plant import Net
from harness.simulation.series_input import SeriesInput

RANGES = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0)
"""A."""
REACH = 1.05
OFF_STATE_LIMIT = 0.1
"""Of the range, while the output is off."""
LINE_CYCLE = 20 * MILLISECOND
OVERFLOW = 9.9e37
SETTINGS_CONFLICT = -221

_RANGE = Quantity("A", -REACH, REACH, 1e-4)
_LIMIT = Quantity("A", -REACH, REACH, 1.05e-4)
_LEVEL = Quantity("V", -210.0, 210.0, 0.0)
_SOURCE_RANGE = Quantity("V", -210.0, 210.0, 0.02)
_CYCLES = Quantity(None, 0.01, 10.0, 1.0)
_ROUNDING = 1 + 1e-9


class Keithley2450(ScpiInstrument):
    """A meter of what flows into one net. It begins as it leaves *RST: output off."""

    identity: ClassVar[str] = "KEITHLEY INSTRUMENTS,MODEL 2450,00000000,1.7.12b"
    processing_time: ClassVar[int] = 2 * MILLISECOND  # [P]

    def __init__(self, kernel: Kernel, inputs: Mapping[str, Net | SeriesInput]) -> None:
        """Wire it into the wire that feeds a net, as the input `current`; if it is not named, it is open.

        Raises:
            ValueError: another input.
        """
        through = inputs.get("current")
        if not inputs.keys() <= {"current"} or isinstance(through, Net):
            raise ValueError(f"2450 is a meter of the current in a net here, not of {sorted(inputs)}")
        self._through = through
        super().__init__(kernel, self._table())
        self.reset()

    def reset(self) -> None:
        """Switch the output off; source 0 V, measure current, autorange, 1 power line cycle."""
        self._on = False
        self._limit = _LIMIT.default
        self._source_range = 0.02
        self._source_automatic = True
        self._range = len(RANGES) - 1
        self._automatic = True
        self._cycles = _CYCLES.default
        self._remote_sense = False
        self._drive()

    def _table(self) -> dict[str, Command]:
        source, level = "SOURce<n>:", "[:LEVel][:IMMediate][:AMPLitude]"
        sense = "[SENSe<n>:]"
        current = f"{sense}CURRent[:DC]"
        limit = f"{source}VOLTage:ILIMit[:LEVel]"
        return {
            "*LANG?": command(lambda: "SCPI"),
            "*LANG": command(lambda _: None, choice({"SCPI": None})),
            f"{source}FUNCtion[:MODE]": command(_of_one(lambda _: None), choice({"VOLTage": None})),
            f"{source}FUNCtion[:MODE]?": command(_of_one(lambda: "VOLT")),
            f"{source}VOLTage{level}": command(_of_one(_source_nothing), _LEVEL.read),
            f"{source}VOLTage{level}?": command(_of_one(lambda: _number(0.0))),
            f"{source}VOLTage:RANGe": command(_of_one(self._set_source_range), _SOURCE_RANGE.read),
            f"{source}VOLTage:RANGe?": command(_of_one(lambda: _number(self._source_range))),
            f"{source}VOLTage:RANGe:AUTO": command(_of_one(self._set_source_automatic), boolean),
            f"{source}VOLTage:RANGe:AUTO?": command(_of_one(lambda: str(int(self._source_automatic)))),
            limit: command(_of_one(self._set_limit), _LIMIT.read),
            f"{limit}?": command(
                _of_one(lambda bound=None: _number(self._limit if bound is None else bound)), optional=(_LIMIT.limit,)
            ),
            f"{limit}:TRIPped?": command(_of_one(lambda: str(int(self._trips)))),
            f"{sense}FUNCtion[:ON]": command(_of_one(lambda _: None), _current),
            f"{sense}FUNCtion[:ON]?": command(_of_one(lambda: '"CURR:DC"')),
            f"{current}:RANGe[:UPPer]": command(_of_one(self._set_range), _RANGE.read),
            f"{current}:RANGe[:UPPer]?": command(_of_one(lambda: _number(RANGES[self._range]))),
            f"{current}:RANGe:AUTO": command(_of_one(self._set_automatic), boolean),
            f"{current}:RANGe:AUTO?": command(_of_one(lambda: str(int(self._automatic)))),
            f"{current}:NPLCycles": command(_of_one(self._set_cycles), _CYCLES.read),
            f"{current}:NPLCycles?": command(_of_one(lambda: _number(self._cycles))),
            f"{current}:RSENse": command(_of_one(self._set_remote_sense), boolean),
            f"{current}:RSENse?": command(_of_one(lambda: str(int(self._remote_sense)))),
            "OUTPut<n>[:STATe]": command(_of_one(self._switch), boolean),
            "OUTPut<n>[:STATe]?": command(_of_one(lambda: str(int(self._on)))),
            "READ?": command(self._read),
            "MEASure:CURRent[:DC]?": command(self._read),
            "SYSTem:VERSion?": command(lambda: "1999.0"),  # [P]
        }

    @property
    def _trips(self) -> bool:
        return self._on and self._through is not None and self._through.in_limit

    def _drive(self) -> None:
        if self._through:
            self._through.limit(self._limit if self._on else OFF_STATE_LIMIT * RANGES[self._range])

    def _switch(self, on: bool) -> None:
        self._on = on
        self._drive()

    def _set_limit(self, asked: Numeric) -> None:
        limit = abs(_LIMIT.settle(asked))
        if not limit:
            raise ScpiFault(ScpiError.DATA_OUT_OF_RANGE)
        self._limit = limit
        self._drive()

    def _set_range(self, asked: Numeric) -> None:
        expected = abs(_RANGE.settle(asked))
        self._range = next(index for index, most in enumerate(RANGES) if expected <= most * REACH * _ROUNDING)
        self._automatic = False
        self._drive()

    def _set_automatic(self, on: bool) -> None:
        self._automatic = on

    def _set_source_range(self, asked: Numeric) -> None:
        expected = abs(_SOURCE_RANGE.settle(asked))
        self._source_range = next(most for most in (0.02, 0.2, 2.0, 20.0, 200.0) if expected <= most * REACH)
        self._source_automatic = False

    def _set_source_automatic(self, on: bool) -> None:
        self._source_automatic = on

    def _set_cycles(self, asked: Numeric) -> None:
        self._cycles = _CYCLES.settle(asked)

    def _set_remote_sense(self, on: bool) -> None:
        self._remote_sense = on

    def _read(self) -> str:
        if not self._on:
            raise ScpiFault(SETTINGS_CONFLICT, "Settings conflict")
        value = self._through.current if self._through else 0.0
        if self._automatic:
            reaches = (index for index, most in enumerate(RANGES) if abs(value) <= most * REACH * _ROUNDING)
            self._range = next(reaches, len(RANGES) - 1)
        self.occupy(round(2 * self._cycles * LINE_CYCLE))
        beyond = abs(value) > RANGES[self._range] * REACH * _ROUNDING
        return _number(copysign(OVERFLOW, value) if beyond else value)


def _of_one(handler: Callable[..., str | None]) -> Callable[..., str | None]:
    """Return the handler of a header with a number: there is one source, one sense and one output."""

    def handle(number: int, *values: object) -> str | None:
        if number != 1:
            raise ScpiFault(ScpiError.HEADER_SUFFIX_OUT_OF_RANGE)
        return handler(*values)

    return handle


def _source_nothing(asked: Numeric) -> None:
    if _LEVEL.settle(asked):
        raise ScpiFault(SETTINGS_CONFLICT, "Settings conflict")


def _number(value: float) -> str:
    return f"{value + 0.0:.6E}"


def _current(text: str) -> None:
    if string(text).upper() not in {"CURR", "CURRENT", "CURR:DC", "CURRENT:DC"}:
        raise ScpiFault(ScpiError.ILLEGAL_PARAMETER_VALUE)
