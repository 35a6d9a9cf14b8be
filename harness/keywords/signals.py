"""Keywords for signals: set them, and judge what is received."""

from typing import TYPE_CHECKING

from robot.api import logger
from robot.api.deco import keyword

from harness.errors import TestError
from harness.keywords.judgement import Allowed, allowed_by, is_name, judge, named_limit, time_limit, time_to_look
from harness.keywords.received import MISSING_AFTER_CYCLES, raw_in, source, text_in
from harness.quantities import format_quantity, in_unit

if TYPE_CHECKING:
    import can

    from harness.buses.can_bus import Sighting
    from harness.keywords.session import Session
    from harness.rig.signals import RigSignal

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
        frame = self._next_frame(found).frame
        if frame is None:
            raise TestError(f"{signal} cannot be read: {self._not_seen(found)}")
        raw = raw_in(found.signal, frame)
        if raw is None:
            raise TestError(f"{signal} cannot be read: it is {text_in(found, frame)}")
        return found.value(raw)

    @keyword
    def signal_should_be(self, signal: str, expected: str, tolerance: str = "") -> None:
        """Judges the value of a signal in the next frame.

        ``expected`` is one of the signal's texts or a quantity; ``tolerance`` is a quantity of the same kind, or the
        name of a limit of the vehicle. Without it the nearest value that the signal can carry is expected.

        Example:
        | `Signal Should Be`    HeadUnit.BootState    Running
        | `Signal Should Be`    Vehicle.LowVoltageBattery.CurrentVoltage    13.4 V    tolerance=0.2 V
        """
        session = self._session
        found = session.rig.signals.find(signal)
        wanted = _Wanted(session, found, expected, tolerance)
        next_one = self._next_frame(found)
        self._judge_value(
            found,
            wanted,
            next_one.frame,
            holds=next_one.frame is not None and wanted.met_by(next_one.frame),
            doubtful=next_one.frame is None and next_one.doubtful,
        )

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
        wanted = _Wanted(session, found, expected, tolerance)
        timeout, limit_source = time_limit(session, within, "within")
        start = session.rig.clock.now
        sighting = found.bus.watch(found.message, wanted.met_by, timeout)
        limit = format_quantity(timeout / 1e9, "s")
        if sighting.met and sighting.frame is not None:
            took = round(sighting.frame.timestamp - start / 1e9, 9)
            value: float | None = took
            actual = f"it was {format_quantity(took, 's')}"
        elif sighting.frame is not None:
            value = None
            last = text_in(found, sighting.frame)
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
            source=source(found.bus, found.message, sighting.frame),
            uncertainty=found.bus.uncertainty,
            doubtful=not sighting.met and sighting.doubtful,
        )

    @keyword
    def signal_should_stay(self, signal: str, expected: str, during: str, tolerance: str = "") -> None:
        """Judges that a signal has a value in every frame for a time from now.

        No frame at all is a failure, and so is a cyclic message of which three frames in a row are missing.

        Example:
        | `Signal Should Stay`    HeadUnit.BootState    Running    during=5 s
        """
        session = self._session
        found = session.rig.signals.find(signal)
        wanted = _Wanted(session, found, expected, tolerance)
        timeout, _ = time_limit(session, during, "during")
        sighting = found.bus.watch(found.message, lambda frame: not wanted.met_by(frame), time_to_look(timeout))
        cycle = (found.message.cycle_time or 0) / 1e9
        missing = cycle > 0 and sighting.longest_gap > MISSING_AFTER_CYCLES * cycle
        self._judge_value(
            found,
            wanted,
            sighting.frame,
            holds=not sighting.met and sighting.count > 0 and not missing,
            gap=sighting.longest_gap if missing and not sighting.met else None,
            what=f"{signal} during {format_quantity(timeout / 1e9, 's')}",
            doubtful=sighting.doubtful,
        )

    def _next_frame(self, signal: "RigSignal") -> "Sighting":
        timeout = MISSING_AFTER_CYCLES * (signal.message.cycle_time or _NEXT_FRAME_WITHOUT_CYCLE)
        return signal.bus.watch(signal.message, lambda _: True, timeout)

    def _judge_value(
        self,
        signal: "RigSignal",
        wanted: "_Wanted",
        frame: "can.Message | None",
        *,
        holds: bool,
        what: str = "",
        gap: float | None = None,
        doubtful: bool = False,
    ) -> None:
        value: float | str | None = None
        actual = self._not_seen(signal)
        if frame is not None:
            raw = raw_in(signal.signal, frame)
            value = None if raw is None else signal.value(raw)
            actual = f"it was {text_in(signal, frame)}"
            if gap is not None:
                actual += f", and no frame came for {format_quantity(gap, 's')}"
        judge(
            self._session,
            what or signal.name,
            value=value,
            allowed=wanted.allowed,
            holds=holds,
            doubtful=doubtful,
            actual=actual,
            source=source(signal.bus, signal.message, frame),
        )

    def _not_seen(self, signal: "RigSignal") -> str:
        latest = signal.bus.latest(signal.message)
        name = f"no frame of {signal.message.name} (0x{signal.message.identifier:X})"
        return (
            f"{name} has ever been seen" if latest is None else f"{name} has been seen since {latest.timestamp:.3f} s"
        )


class _Wanted:
    """The value that a signal is expected to have."""

    def __init__(self, session: "Session", signal: "RigSignal", expected: str, tolerance: str) -> None:
        if not signal.is_logical:
            logger.info(
                f"{signal.name} is a name of this car's database: the test is tied to {session.rig.vehicle.name}"
            )
        self._signal = signal
        self._raw = signal.raw(expected)
        self._low: float | None = None
        self._high: float | None = None
        self.text = signal.text(self._raw)
        self.allowed = Allowed(expected=self.text)
        if tolerance:
            unit = signal.signal.unit
            width, limit_source = _width(session, tolerance, unit)
            centre = _centre(expected, unit)
            # A reading at the very edge is inside, whatever the last bit of the sum is.
            self._low, self._high = round(centre - width, 9), round(centre + width, 9)
            self.allowed = Allowed(unit, self._low, self._high, source=limit_source)

    def met_by(self, frame: "can.Message") -> bool:
        """Say whether a frame has the value that is expected."""
        raw = raw_in(self._signal.signal, frame)
        if raw is None or self._low is None or self._high is None:
            return raw == self._raw
        return self._low <= round(self._signal.signal.physical(raw), 9) <= self._high


def _centre(expected: str, unit: str) -> float:
    try:
        return in_unit(expected, unit)
    except TestError as error:
        raise TestError(f"Argument 'tolerance': {expected} has none: {error}") from None


def _width(session: "Session", tolerance: str, unit: str) -> tuple[float, str]:
    """Return how far a value may be off, in the unit of its signal, and where that comes from."""
    text, limit_source = tolerance, ""
    if is_name(tolerance):
        limit = named_limit(session, tolerance, "tolerance")
        if limit.high is None:
            raise TestError(
                f"Argument 'tolerance': limit {limit.name} is {allowed_by(limit)}; a limit at most is needed"
            )
        text, limit_source = format_quantity(limit.high, limit.unit), allowed_by(limit).source
    try:
        width = in_unit(text, unit)
    except TestError as error:
        raise TestError(f"Argument 'tolerance': {error}") from None
    if width < 0:
        raise TestError(f"Argument 'tolerance': {tolerance} is negative")
    return width, limit_source
