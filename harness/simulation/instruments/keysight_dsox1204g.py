"""Simulated Keysight DSOX1204G: an oscilloscope with four inputs, as far as single-shot captures of voltages go.

Sources: InfiniiVision DSOX1204A/G programmer's guide, its pages as published by easymanua.ls [B]: ":TRIGger Commands"
(page 585), ":OPERegister" (152), ":MEASure:TVALue" (384), ":WAVeform Commands" (638: formats, blocks, formulas for
time and voltage). pymeasure's driver for the DSOX1102G of the same series [B]: ranges of 8 mV to 40 V at 1:1, points
that may be asked for, forms of ":TIMebase?". From memory [K]: what *RST sets, the reference LEFT is one division from
the left. Proposed [P]: 2 ms for each message, 50 ms until AUTO triggers by itself, offsets within 20 ranges, the
spelling of the identity.

It samples the plant exactly: no noise, no bandwidth, no hysteresis of the trigger; 8 bits, as a real one.

Not simulated: other triggers than an edge, the format WORD, AC coupling, the display, averaging, peak detection,
functions, digital channels.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, ClassVar

from harness.clock import MILLISECOND, SECOND
from harness.protocols.scpi_faults import ScpiError, ScpiFault
from harness.protocols.scpi_parameters import boolean, choice, integer, number
from harness.simulation.instruments.scpi_instrument import Command, ScpiInstrument, command
from harness.simulation.kernel import Kernel
from harness.simulation.plant import Net

CHANNELS = range(1, 5)
POINTS = (100, 250, 500, 1000, 2000, 5000, 10000, 20000, 50000, 62500)
STEPS = 256
DIVISIONS = 10
VERTICAL = 8.0
"""Divisions from the lower edge of the screen to the upper one."""
AUTO_TRIGGER = 50 * MILLISECOND
NOT_FOUND = 9.9e37

_RUN = 8
_SHARE_BEFORE = {"LEFT": 0.1, "CENT": 0.5, "RIGH": 0.9}
_FORMATS = {"BYTE": 0, "ASC": 4}


class _Input:
    """One input: its settings, and what it has captured, in steps of its converter."""

    def __init__(self, net: Net | None, horizon: int) -> None:
        self.net = net
        self.recording = net.record(horizon) if net else None
        self.samples: list[int] = []
        self.preset()

    def preset(self) -> None:
        self.range, self.offset, self.probe = 40.0, 0.0, 1.0
        self.displayed, self.coupling = False, "DC"

    @property
    def step(self) -> float:
        return self.range / STEPS

    def voltage_at(self, time: int) -> float:
        return self.recording.at(time) if self.recording else 0.0

    def convert(self, voltage: float) -> int:
        return min(max(round((voltage - self.offset) / self.step) + STEPS // 2, 0), STEPS - 1)

    def volts(self) -> list[float]:
        return [(sample - STEPS // 2) * self.step + self.offset for sample in self.samples]


class KeysightDSOX1204G(ScpiInstrument):
    """Captures the inputs when the voltage at one of them crosses the trigger level."""

    identity: ClassVar[str] = "KEYSIGHT TECHNOLOGIES,DSOX1204G,CN00000000,02.12.2021071625"
    processing_time: ClassVar[int] = 2 * MILLISECOND  # [P]
    error_queue_length: ClassVar[int] = 30
    integer_format: ClassVar[str] = "+d"

    def __init__(self, kernel: Kernel, probes: Mapping[int, Net]) -> None:
        """Connect inputs 1 to 4 to nets of the plant; one that is not named is open, and sees 0 V.

        Raises:
            ValueError: an input that the DSOX1204G does not have.
        """
        if not probes.keys() <= set(CHANNELS):
            raise ValueError(f"DSOX1204G has inputs 1 to 4, not {sorted(probes.keys() - set(CHANNELS))}")
        self._inputs = {channel: _Input(probes.get(channel), SECOND) for channel in CHANNELS}
        self._watched: set[tuple[int, float]] = set()
        self._filled = kernel.timer(self._arm)
        self._forced = kernel.timer(self._trigger)
        self._complete = kernel.timer(self._acquire)
        super().__init__(kernel, self._table())
        self.reset()

    def reset(self) -> None:
        """Stop; 100 µs a division around the trigger, an edge of input 1 through 0 V, triggering by itself."""
        for channel, entry in self._inputs.items():
            entry.preset()
            entry.displayed = channel == 1
        self._time_range, self._position, self._reference = 1e-3, 0.0, "CENT"
        self._source, self._level, self._slope, self._sweep = 1, 0.0, "POS", "AUTO"
        self._wave_source, self._format, self._points, self._points_mode = 1, "BYTE", 1000, "NORM"
        self._armed_event = self._trigger_event = False
        self._triggered_at = 0
        self._stop()

    def _table(self) -> dict[str, Command]:
        channel = choice({f"CHANnel{each}": each for each in CHANNELS})
        edge = "TRIGger[:EDGE]"
        return {
            "SINGle": command(self._begin),
            "DIGitize": command(lambda _=None: self._begin(), optional=(channel,)),
            "STOP": command(self._stop),
            "AER?": command(lambda: self._read_event("_armed_event")),
            "TER?": command(lambda: self._read_event("_trigger_event")),
            "OPERegister:CONDition?": command(lambda: self._integer(_RUN if self._runs else 0)),
            **self._channel("RANGe", _volts, _range),
            **self._channel(
                "SCALe",
                _volts,
                lambda entry, asked: _range(entry, asked * VERTICAL) / VERTICAL,
                name="range",
                factor=VERTICAL,
            ),
            **self._channel("OFFSet", _volts, lambda entry, asked: _clip(asked, -20 * entry.range, 20 * entry.range)),
            **self._channel("PROBe", number, _probe),
            **self._channel("DISPlay", boolean, lambda _, asked: asked, name="displayed"),
            **self._channel("COUPling", choice({"AC": "AC", "DC": "DC"}), _coupling),
            **self._setting("TIMebase:RANGe", "_time_range", _seconds(5e-8, 500.0)),
            **self._setting("TIMebase:SCALe", "_time_range", _seconds(5e-9, 50.0), factor=DIVISIONS),
            **self._setting("TIMebase:POSition", "_position", _seconds(-500.0, 500.0)),
            **self._setting(
                "TIMebase:REFerence", "_reference", choice({"LEFT": "LEFT", "CENTer": "CENT", "RIGHt": "RIGH"})
            ),
            "TIMebase:MODE": command(lambda _: None, choice({"MAIN": None})),
            "TIMebase:MODE?": command(lambda: "MAIN"),
            "TIMebase?": command(self._describe_timebase),
            "TRIGger:MODE": command(lambda _: None, choice({"EDGE": None})),
            "TRIGger:MODE?": command(lambda: "EDGE"),
            **self._setting("TRIGger:SWEep", "_sweep", choice({"AUTO": "AUTO", "NORMal": "NORM"})),
            **self._setting(f"{edge}:SLOPe", "_slope", choice({"POSitive": "POS", "NEGative": "NEG"})),
            **self._setting(f"{edge}:LEVel", "_level", _volts),
            f"{edge}:SOURce": command(lambda asked: self._set("_source", asked), channel),
            f"{edge}:SOURce?": command(lambda: f"CHAN{self._source}"),
            "ACQuire:TYPE": command(lambda _: None, choice({"NORMal": None})),
            "ACQuire:TYPE?": command(lambda: "NORM"),
            "WAVeform:SOURce": command(lambda asked: self._set("_wave_source", asked), channel),
            "WAVeform:SOURce?": command(lambda: f"CHAN{self._wave_source}"),
            **self._setting("WAVeform:FORMat", "_format", choice({"BYTE": "BYTE", "ASCii": "ASC"})),
            **self._setting("WAVeform:POINts", "_points", _points),
            **self._setting("WAVeform:POINts:MODE", "_points_mode", choice({"NORMal": "NORM", "RAW": "RAW"})),
            "WAVeform:UNSigned": command(lambda _: None, _unsigned),
            "WAVeform:UNSigned?": command(lambda: "1"),
            "WAVeform:PREamble?": command(self._preamble),
            "WAVeform:DATA?": command(self._data),
            "MEASure:VMAX?": command(lambda asked=1: _number(max(self._captured(asked))), optional=(channel,)),
            "MEASure:VMIN?": command(lambda asked=1: _number(min(self._captured(asked))), optional=(channel,)),
            "MEASure:TVALue?": command(self._crossing, number, integer, optional=(channel,)),
            "SYSTem:VERSion?": command(lambda: "1999.0"),  # [P]
        }

    # Acquisition

    @property
    def _runs(self) -> bool:
        return self._filled.due is not None or self._waits or self._complete.due is not None

    @property
    def _before(self) -> int:
        """Nanoseconds of the window that lie before the trigger; negative where it lies behind the trigger."""
        return round((_SHARE_BEFORE[self._reference] * self._time_range - self._position) * SECOND)

    def _begin(self) -> None:
        self._stop()
        self._watch()
        for entry in self._inputs.values():
            entry.samples = []
            if entry.recording:
                entry.recording.horizon = round(1.1 * self._time_range * SECOND)
        self._filled.start(max(self._before, 0))

    def _stop(self) -> None:
        self._waits = False
        for timer in (self._filled, self._forced, self._complete):
            timer.stop()

    def _arm(self) -> None:
        self._waits = self._armed_event = True
        if self._sweep == "AUTO":
            self._forced.start(AUTO_TRIGGER)

    def _watch(self) -> None:
        source, level = self._source, self._level
        net = self._inputs[source].net
        if net is None or (source, level) in self._watched or level < 0:
            return
        self._watched.add((source, level))

        def crossed(above: bool) -> None:
            is_meant = (source, level, "POS" if above else "NEG") == (self._source, self._level, self._slope)
            if is_meant and self._waits:
                self._trigger()

        net.watch(level, crossed)

    def _trigger(self) -> None:
        self._forced.stop()
        self._waits, self._trigger_event = False, True
        self._triggered_at = self._kernel.now
        self._complete.start(max(round(self._time_range * SECOND) - self._before, 0))

    def _acquire(self) -> None:
        start, interval = self._triggered_at - self._before, self._time_range * SECOND / self._points
        for entry in self._inputs.values():
            if entry.displayed:
                times = (start + round(index * interval) for index in range(self._points))
                entry.samples = [entry.convert(entry.voltage_at(time)) for time in times]
        self._kept = (-self._before / SECOND, interval / SECOND)

    # Read-back

    def _samples(self, channel: int) -> list[int]:
        samples = self._inputs[channel].samples
        if not samples:
            raise ScpiFault(-230, "Data corrupt or stale")
        return samples

    def _captured(self, channel: int) -> list[float]:
        self._samples(channel)
        return self._inputs[channel].volts()

    def _preamble(self) -> str:
        entry, points = self._inputs[self._wave_source], len(self._samples(self._wave_source))
        start, interval = self._kept
        whole = [_FORMATS[self._format], 0, points, 1]
        horizontal = f"{_number(interval)},{_number(start)},+0"
        vertical = f"{_number(entry.step)},{_number(entry.offset)},{self._integer(STEPS // 2)}"
        return ",".join([*map(self._integer, whole), horizontal, vertical])

    def _data(self) -> str:
        samples = self._samples(self._wave_source)
        if self._format == "ASC":
            text = ",".join(f" {_number(value)}" for value in self._captured(self._wave_source))
        else:
            text = "".join(map(chr, samples))
        return f"#8{len(text):08d}{text}"

    def _crossing(self, level: float, occurrence: int, channel: int = 1) -> str:
        volts, (start, interval) = self._captured(channel), self._kept
        rising, left = occurrence > 0, abs(occurrence)
        for index, (before, after) in enumerate(pairwise(volts)):
            crosses = before < level <= after if rising else before >= level > after
            left -= crosses
            if crosses and left == 0:
                return _number(start + interval * (index + (level - before) / (after - before)))
        return _number(NOT_FOUND)

    # Settings

    def _channel(
        self,
        mnemonic: str,
        read: Callable[[str], object],
        settle: Callable[[_Input, Any], object],
        *,
        name: str = "",
        factor: float = 1.0,
    ) -> dict[str, Command]:
        attribute = name or mnemonic.lower()

        def write(channel: int, asked: object) -> None:
            entry = self._input(channel)
            value = settle(entry, asked)
            setattr(entry, attribute, value * factor if isinstance(value, float) else value)

        def tell(channel: int) -> str:
            value = getattr(self._input(channel), attribute)
            return _shown(value / factor if isinstance(value, float) else value)

        return {f"CHANnel<n>:{mnemonic}": command(write, read), f"CHANnel<n>:{mnemonic}?": command(tell)}

    def _setting(
        self, pattern: str, name: str, read: Callable[[str], object], *, factor: float = 1.0
    ) -> dict[str, Command]:
        def write(asked: object) -> None:
            self._set(name, asked * factor if isinstance(asked, float) else asked)

        def tell() -> str:
            value = getattr(self, name)
            return _shown(value / factor if isinstance(value, float) else value)

        return {pattern: command(write, read), f"{pattern}?": command(tell)}

    def _set(self, name: str, value: object) -> None:
        setattr(self, name, value)

    def _input(self, channel: int) -> _Input:
        if channel not in self._inputs:
            raise ScpiFault(ScpiError.HEADER_SUFFIX_OUT_OF_RANGE)
        return self._inputs[channel]

    def _read_event(self, name: str) -> str:
        state = getattr(self, name)
        setattr(self, name, False)
        return self._integer(int(state))

    def _describe_timebase(self) -> str:
        where = f"MAIN:RANG {_number(self._time_range)};POS {_number(self._position)}"
        return f":TIM:MODE MAIN;REF {self._reference};{where}"


def _number(value: float) -> str:
    return f"{value + 0.0:+.8E}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int):
        return f"{value:+d}"
    return _number(value) if isinstance(value, float) else str(value)


def _clip(asked: float, low: float, high: float) -> float:
    return min(max(asked, low), high)


def _range(entry: _Input, asked: float) -> float:
    return _clip(asked, 8e-3 * entry.probe, 40 * entry.probe)


def _probe(_: _Input, asked: float) -> float:
    if not 0.1 <= asked <= 10_000:
        raise ScpiFault(ScpiError.DATA_OUT_OF_RANGE)
    return asked


def _coupling(_: _Input, asked: str) -> str:
    if asked != "DC":
        raise ScpiFault(ScpiError.ILLEGAL_PARAMETER_VALUE)
    return asked


def _unsigned(text: str) -> bool:
    if not boolean(text):
        raise ScpiFault(ScpiError.ILLEGAL_PARAMETER_VALUE)
    return True


def _volts(text: str) -> float:
    return number(text, "V")


def _seconds(low: float, high: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        value = number(text, "S")
        if not low <= value <= high:
            raise ScpiFault(ScpiError.DATA_OUT_OF_RANGE)
        return value

    return read


def _points(text: str) -> int:
    asked = integer(text)
    return max((points for points in POINTS if points <= asked), default=POINTS[0])
