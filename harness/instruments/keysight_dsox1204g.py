"""Driver for the Keysight DSOX1204G oscilloscope of the InfiniiVision 1000 X-Series: single-shot captures.

Sources [B]: InfiniiVision DSOX1204A/G programmer's guide, as published by easymanua.ls: "Root (:) Commands"
(:OPERegister, page 152: the Run bit is 8; :AER?, :SINGle), ":TRIGger Commands" (585), ":MEASure:TVALue" (384: +9.9E+37
for what is not there), ":WAVeform Commands" (638: blocks begin "#8" and eight digits; time and voltage from
the preamble). pymeasure's driver for the DSOX1102G of the same series. Accuracy: data sheet of the series, from
memory [K]: gain 3 % of full scale, offset 0.1 division and 2 mV and 1 % of the offset, resolution between two cursors
0.5 % of full scale.
"""

from typing import ClassVar

from harness.errors import InstrumentError, RigFileError
from harness.instruments.scpi_driver import INFINITY, ScpiDriver
from harness.instruments.waveform import Waveform, Window
from harness.quantities import format_quantity

_RUNNING = 8
_POINTS = 1000
_DIVISIONS = 8
_STEPS = 256
_NEAR = 0.01
"""Share of the window that a setting may differ from what was asked: more means that the instrument has clipped it."""


class KeysightDsox1204g(ScpiDriver):
    """Fills the role of an oscilloscope with four inputs."""

    model: ClassVar[str] = "Keysight DSOX1204G"
    manufacturers: ClassVar[frozenset[str]] = frozenset({"keysight technologies", "keysight"})
    model_field: ClassVar[str] = "DSOX1204G"
    probes: ClassVar[range] = range(1, 5)

    def arm(self, channel: int, attenuation: float, window: Window) -> None:
        """Set up one input, behind a probe that divides the voltage by `attenuation`, and begin to wait.

        Raises:
            InstrumentError: it refuses a setting, or takes another one: a window that it cannot show.
        """
        source = f"CHAN{self._checked(channel)}"
        span, middle = window.high - window.low, (window.high + window.low) / 2
        self._command(":STOP")
        for line in (f":{source}:DISP ON", f":{source}:COUP DC", f":{source}:PROB {attenuation:g}"):
            self._command(line)
        self._set(f":{source}:RANG", span, near=span, unit="V")
        self._set(f":{source}:OFFS", middle, near=span, unit="V")
        self._command(":TIM:REF LEFT;POS 0")
        self._set(":TIM:RANG", window.duration, near=window.duration, unit="s")
        self._command(f":TRIG:MODE EDGE;SWE NORM;EDGE:SOUR {source};SLOP {'POS' if window.rising else 'NEG'}")
        self._set(":TRIG:EDGE:LEV", window.level, near=span, unit="V")
        self._ask_integer(":AER?")  # reading clears it
        self._command(":SING")

    def is_armed(self) -> bool:
        """Read once whether it has come to wait for the crossing; it first fills the time before.

        Raises:
            InstrumentError: it does not say.
        """
        return self._ask_bool(":AER?")

    def has_captured(self) -> bool:
        """Read whether the crossing came, and all of the window was captured.

        Raises:
            InstrumentError: it does not say.
        """
        return not self._ask_integer(":OPER:COND?") & _RUNNING

    def waveform(self, channel: int) -> Waveform:
        """Read back what was captured.

        Raises:
            InstrumentError: the instrument gives no waveform, or one that its preamble does not fit.
        """
        self._command(f":WAV:SOUR CHAN{self._checked(channel)};FORM BYTE;UNS 1;POIN:MODE NORM;:WAV:POIN {_POINTS}")
        question = ":WAV:PRE?"
        answer = self._session.query(question)
        try:
            fields = [float(field) for field in answer.split(",")]
            kind, _, points, _, x_step, x_origin, x_reference, y_step, y_origin, y_reference = fields
        except ValueError:
            raise self._session.unusable(question, answer, "the ten numbers of a preamble") from None
        question = ":WAV:DATA?"
        data = self._session.query_block(question)
        if kind != 0 or len(data) != points or not data:
            raise self._session.unusable(question, f"{len(data)} bytes", f"{points:g} bytes, as its preamble says")
        span = y_step * _STEPS
        offset = abs(y_origin)
        return Waveform(
            start=x_origin - x_reference * x_step,
            interval=x_step,
            volts=tuple((byte - y_reference) * y_step + y_origin for byte in data),
            low=(0 - y_reference) * y_step + y_origin,
            high=(_STEPS - 1 - y_reference) * y_step + y_origin,
            level_uncertainty=0.03 * span + 0.1 * span / _DIVISIONS + 0.002 + 0.01 * offset,
            difference_uncertainty=0.035 * span,
        )

    def measure_minimum(self, channel: int) -> float:
        """Let it measure the lowest voltage captured, in volts.

        Raises:
            InstrumentError: it cannot.
        """
        return self._measure(f":MEAS:VMIN? CHAN{self._checked(channel)}", "the lowest voltage")

    def measure_maximum(self, channel: int) -> float:
        """Let it measure the highest voltage captured, in volts.

        Raises:
            InstrumentError: it cannot.
        """
        return self._measure(f":MEAS:VMAX? CHAN{self._checked(channel)}", "the highest voltage")

    def _measure(self, line: str, what: str) -> float:
        value = self._ask_reading(line)
        if abs(value) >= INFINITY:
            raise InstrumentError(f"{self.role}: {what} is not in what it has captured")
        return value

    def _set(self, header: str, value: float, *, near: float, unit: str) -> None:
        self._command(f"{header} {value:.6g}")
        taken = self._ask_number(f"{header}?")
        if abs(taken - value) > _NEAR * near:
            asked, is_now = format_quantity(value, unit), format_quantity(taken, unit)
            raise InstrumentError(f"{self.role}: sent {header!r} with {asked}, the instrument has taken {is_now}")

    def _checked(self, channel: int) -> int:
        if channel not in self.probes:
            raise RigFileError(
                f"{self.role}: no input {channel}; there are {self.probes.start} to {self.probes.stop - 1}"
            )
        return channel
