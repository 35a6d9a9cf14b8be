"""Keywords for signals: set them, and judge what is received."""

from typing import TYPE_CHECKING

from robot.api.deco import keyword

from harness.errors import TestError
from harness.keywords.judgement import Allowed, judge, time_limit
from harness.quantities import format_quantity, in_unit

if TYPE_CHECKING:
    import can

    from harness.keywords.session import Session
    from harness.rig.signals import RigSignal

_CYCLES_TO_NEXT_FRAME = 3
"""How many cycle times to wait for the next frame of a message before it counts as missing."""
_NEXT_FRAME_WITHOUT_CYCLE = 1_000_000_000


class SignalKeywords:
    """Signals of the buses, by the vehicle's logical names or as `Message.Signal`."""

    def __init__(self, session: "Session") -> None:
        self._session = session

    @keyword
    def set_signal(self, signal: str, value: str) -> None:
        """Lets the simulated ECU that sends a signal send this value from its next frame on.

        ``value`` is one of the signal's texts or a quantity. When the test ends the signal is back at its default.

        Example:
        | `Set Signal`    Vehicle.Speed    50 km/h
        | `Set Signal`    Vehicle.Powertrain.Transmission.SelectedGear    Reverse
        """
        self._session.rig.set_signal(signal, value)

    @keyword
    def get_signal(self, signal: str) -> float | str:
        """Returns the value of a signal in the next frame: its text if it has one, else the number in its unit.

        Example:
        | ${resets} =    `Get Signal`    HeadUnit.ResetCounter
        """
        found = self._session.rig.signals.find(signal)
        frame = self._next_frame(found)
        if frame is None:
            raise TestError(f"{signal} cannot be read: {self._not_seen(found)}")
        return found.value(_raw(found, frame))

    @keyword
    def signal_should_be(self, signal: str, expected: str, tolerance: str = "") -> None:
        """Judges the value of a signal in the next frame.

        ``expected`` is one of the signal's texts or a quantity; ``tolerance`` is a quantity of the same kind.
        Without it the nearest value that the signal can carry is expected.

        Example:
        | `Signal Should Be`    HeadUnit.BootState    Running
        | `Signal Should Be`    Vehicle.LowVoltageBattery.CurrentVoltage    13.4 V    tolerance=0.2 V
        """
        found = self._session.rig.signals.find(signal)
        wanted = _Wanted(found, expected, tolerance)
        frame = self._next_frame(found)
        self._judge_value(found, wanted, frame, holds=frame is not None and wanted.met_by(_raw(found, frame)))

    @keyword
    def signal_should_become(self, signal: str, expected: str, within: str, tolerance: str = "") -> None:
        """Judges that a signal is received with a value within a time from now.

        Only frames that are received after the call count, so a stale value never passes. ``within`` is a duration
        or the name of a limit of the vehicle. What is measured is the time until the value came.

        Example:
        | `Switch Ignition`    on
        | `Signal Should Become`    HeadUnit.BootState    Running    within=2 s
        | `Signal Should Become`    HeadUnit.AudioState    Playing    within=boot_time
        """
        session = self._session
        found = session.rig.signals.find(signal)
        wanted = _Wanted(found, expected, tolerance)
        timeout, limit_source = time_limit(session, within, "within")
        start = session.rig.clock.now
        sighting = found.bus.watch(found.message, lambda frame: wanted.met_by(_raw(found, frame)), timeout)
        limit = format_quantity(timeout / 1e9, "s")
        if sighting.met and sighting.frame is not None:
            took = round(sighting.frame.timestamp - start / 1e9, 9)
            value: float | None = took
            actual = f"it was {format_quantity(took, 's')}"
        elif sighting.frame is not None:
            value = None
            last = found.text(_raw(found, sighting.frame))
            actual = f"it was not reached within {limit}: last {last}, in {sighting.count} frames"
        else:
            value = None
            actual = f"it was not reached within {limit}: {self._not_seen(found)}"
        judge(
            session,
            f"time until {signal} is {wanted.text}",
            value=value,
            allowed=Allowed("s", high=timeout / 1e9, source=limit_source),
            holds=sighting.met,
            actual=actual,
            source=_source(found, sighting.frame),
        )

    @keyword
    def signal_should_stay(self, signal: str, expected: str, during: str, tolerance: str = "") -> None:
        """Judges that a signal has a value in every frame for a time from now. No frame at all is a failure.

        Example:
        | `Signal Should Stay`    HeadUnit.BootState    Running    during=5 s
        """
        session = self._session
        found = session.rig.signals.find(signal)
        wanted = _Wanted(found, expected, tolerance)
        timeout, _ = time_limit(session, during, "during")
        sighting = found.bus.watch(found.message, lambda frame: not wanted.met_by(_raw(found, frame)), timeout)
        self._judge_value(
            found,
            wanted,
            sighting.frame,
            holds=not sighting.met and sighting.count > 0,
            what=f"{signal} during {format_quantity(timeout / 1e9, 's')}",
        )

    def _next_frame(self, signal: "RigSignal") -> "can.Message | None":
        timeout = _CYCLES_TO_NEXT_FRAME * (signal.message.cycle_time or _NEXT_FRAME_WITHOUT_CYCLE)
        return signal.bus.watch(signal.message, lambda _: True, timeout).frame

    def _judge_value(
        self, signal: "RigSignal", wanted: "_Wanted", frame: "can.Message | None", *, holds: bool, what: str = ""
    ) -> None:
        value: float | str | None = None
        actual = self._not_seen(signal)
        if frame is not None:
            raw = _raw(signal, frame)
            value, actual = signal.value(raw), f"it was {signal.text(raw)}"
        judge(
            self._session,
            what or signal.name,
            value=value,
            allowed=wanted.allowed,
            holds=holds,
            actual=actual,
            source=_source(signal, frame),
        )

    def _not_seen(self, signal: "RigSignal") -> str:
        latest = signal.bus.latest(signal.message)
        name = f"no frame of {signal.message.name} (0x{signal.message.identifier:X})"
        return (
            f"{name} has ever been seen" if latest is None else f"{name} has been seen since {latest.timestamp:.3f} s"
        )


class _Wanted:
    """The value that a signal is expected to have."""

    def __init__(self, signal: "RigSignal", expected: str, tolerance: str) -> None:
        self._signal = signal
        self._raw = signal.raw(expected)
        self._low: float | None = None
        self._high: float | None = None
        self.text = signal.text(self._raw)
        self.allowed = Allowed(expected=self.text)
        if tolerance:
            unit = signal.signal.unit
            try:
                centre, width = in_unit(expected, unit), in_unit(tolerance, unit)
            except TestError as error:
                raise TestError(f"tolerance: {error}") from None
            if width < 0:
                raise TestError(f"tolerance: {tolerance} is negative")
            # A reading at the very edge is inside, whatever the last bit of the sum is.
            self._low, self._high = round(centre - width, 9), round(centre + width, 9)
            self.allowed = Allowed(unit, self._low, self._high)

    def met_by(self, raw: int) -> bool:
        """Say whether a raw value is what is expected."""
        if self._low is None or self._high is None:
            return raw == self._raw
        return self._low <= round(self._signal.signal.physical(raw), 9) <= self._high


def _raw(signal: "RigSignal", frame: "can.Message") -> int:
    return signal.signal.raw_of(bytes(frame.data))


def _source(signal: "RigSignal", frame: "can.Message | None") -> str:
    place = f"can:{signal.bus.name}/0x{signal.message.identifier:X}"
    return place if frame is None else f"{place}@{frame.timestamp:.6f} s"
