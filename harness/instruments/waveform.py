"""What an oscilloscope captures: the window that is asked for, and the samples that it gives."""

from dataclasses import dataclass

from harness.errors import InstrumentError
from harness.quantities import format_quantity


@dataclass(frozen=True)
class Window:
    """What to capture, and when: a tenth of the duration lies before the crossing."""

    low: float
    """Volts at the lower edge."""
    high: float
    """Volts at the upper edge."""
    duration: float
    """Seconds."""
    level: float
    """Volts whose crossing is the trigger."""
    rising: bool


@dataclass(frozen=True)
class Waveform:
    """Samples of a voltage, at equal intervals. Time 0 is the trigger."""

    start: float
    """Seconds, of the first sample."""
    interval: float
    """Seconds from one sample to the next."""
    volts: tuple[float, ...]
    low: float
    high: float
    """Edges of the window: a sample there may stand for anything beyond."""
    level_uncertainty: float
    """Volts that a sample may be off."""
    difference_uncertainty: float
    """Volts that the difference of two samples may be off."""

    @property
    def before(self) -> float:
        """Mean voltage before the trigger."""
        before = [volt for time, volt in zip(self.times, self.volts, strict=True) if time < -self.interval]
        if not before:
            raise InstrumentError("the capture has no samples from before its trigger")
        return sum(before) / len(before)

    @property
    def times(self) -> list[float]:
        """Seconds after the trigger, of each sample."""
        return [self.start + index * self.interval for index in range(len(self.volts))]

    def time_below(self, level: float) -> float:
        """Return for how long the voltage was below `level` (V), in seconds; see `is_cut_off`."""
        return sum(volt < level for volt in self.volts) * self.interval

    def is_cut_off(self, level: float) -> bool:
        """Say whether the voltage was below `level` (V) at the beginning or the end: then it was so for longer."""
        return self.volts[0] < level or self.volts[-1] < level

    def refuse_beyond_window(self, what: str) -> None:
        """Make sure that nothing was cut off.

        Raises:
            InstrumentError: the voltage went beyond the window.
        """
        if min(self.volts) <= self.low or max(self.volts) >= self.high:
            low, high = format_quantity(self.low, "V"), format_quantity(self.high, "V")
            raise InstrumentError(f"{what}: the voltage went beyond the captured window of {low} to {high}; widen it")
