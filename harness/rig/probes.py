"""What oscilloscopes see on a rig: probes at nets, and what was captured there."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.clock import MILLISECOND, SECOND
from harness.errors import BenchError, TestError
from harness.instruments.roles import Oscilloscope
from harness.instruments.waveform import Waveform, Window
from harness.quantities import format_quantity
from harness.rig.rig_file import RigFile
from harness.yaml_file import error_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.clock import Clock
    from harness.instruments.roles import Instrument

LOOK_AGAIN = 10 * MILLISECOND
"""How long to wait before an oscilloscope is asked again whether it is ready."""
MARGIN = 2 * SECOND
"""How much longer than its window an oscilloscope may take [P]."""


@dataclass
class Probe:
    """A probe at its place, and what it has captured last."""

    name: str
    """What suites call the place."""
    oscilloscope: Oscilloscope
    channel: int
    attenuation: float
    net: str
    beside: list["Probe"] = field(default_factory=list, repr=False)
    """All probes of its oscilloscope, which captures at one of them at a time."""
    window: Window | None = None
    _captured: Waveform | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"the voltage at {self.net}"

    def arm(self, window: Window, clock: "Clock") -> None:
        """Let the oscilloscope wait for the crossing; it does when this returns. Its other captures are forgotten.

        Raises:
            BenchError: it refuses a setting, or does not come to wait.
        """
        for probe in (self, *self.beside):
            probe.forget()
        self.oscilloscope.arm(self.channel, self.attenuation, window)
        if not _becomes(self.oscilloscope.is_armed, clock, window.duration):
            raise BenchError(f"{self.oscilloscope.role}: it is not armed {_patience(window)} after it was told to wait")
        self.window = window

    def forget(self) -> None:
        """Forget what was captured, and that the oscilloscope was armed here."""
        self.window = self._captured = None

    def captured(self, clock: "Clock") -> Waveform:
        """Return what was captured since it was armed; wait for the end of the window.

        Raises:
            TestError: it was not armed.
            BenchError: the crossing did not come, or the voltage left the window.
        """
        if self.window is None:
            raise TestError(f"nothing was captured at {self.name}: arm it first")
        if self._captured is None:
            window = self.window
            if not _becomes(self.oscilloscope.has_captured, clock, window.duration):
                crossing = f"{'risen' if window.rising else 'fallen'} through {format_quantity(window.level, 'V')}"
                raise BenchError(
                    f"{self.oscilloscope.role}: nothing was captured: {self} has not {crossing} since it was armed"
                )
            waveform = self.oscilloscope.waveform(self.channel)
            waveform.refuse_beyond_window(f"{self.oscilloscope.role}, {self}")
            self._captured = waveform
        return self._captured


def _becomes(state: "Callable[[], bool]", clock: "Clock", duration: float) -> bool:
    end = clock.now + round(duration * SECOND) + MARGIN
    while not state():
        if clock.now >= end:
            return False
        clock.sleep(LOOK_AGAIN)
    return True


def _patience(window: Window) -> str:
    return format_quantity(window.duration + MARGIN / SECOND, "s")


def wire_probes(rig: RigFile, instruments: "Mapping[str, Instrument]") -> dict[str, Probe]:
    """Find the probes of the rig's wiring.

    Raises:
        RigFileError: an instrument that is to capture is no oscilloscope.
    """
    probes: dict[str, Probe] = {}
    beside: dict[str, list[Probe]] = {}
    for name, facts in rig.probes.items():
        oscilloscope = instruments[facts.instrument]
        if not isinstance(oscilloscope, Oscilloscope):
            raise error_in(rig.path, {("probes", name, "instrument"): f"{facts.instrument} is no oscilloscope"})
        same = beside.setdefault(facts.instrument, [])
        probes[name] = Probe(name, oscilloscope, facts.channel, facts.attenuation, facts.voltage_at, same)
        same.append(probes[name])
    return probes
