"""Keywords for time: let it pass, and measure how long something takes."""

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

from robot.api.deco import keyword

from harness.can_port import OWN_FRAMES
from harness.errors import TestError
from harness.keywords.judgement import Allowed, judge, limit_of, time_limit
from harness.keywords.received import raw_in, source, text_in
from harness.quantities import Duration, format_quantity

if TYPE_CHECKING:
    from collections.abc import Callable

    import can

    from harness.buses.can_bus import CanBus
    from harness.clock import Event
    from harness.keywords.session import Session


class TimingKeywords:
    """Time of the rig. On a virtual rig it passes only where a keyword waits."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._test = session.test
        """The test that the stopwatch was started in; no other sees it."""
        self._started: float | None = None
        self._stimulus = ""
        self._stimulus_bus: CanBus | None = None
        self._stimulus_came: Event | None = None
        self._stop_looking: Callable[[], None] = lambda: None

    @keyword
    def wait(self, duration: Duration) -> None:
        """Lets time of the rig pass. A virtual rig takes only as long as its events take.

        Robot's own `Sleep` waits on the wall clock, and a virtual rig stands still in it.

        Example:
        | `Wait`    500 ms
        """
        self._session.rig.clock.sleep(duration.ns)

    @keyword
    def start_stopwatch(self, signal: str = "", value: str = "") -> None:
        """Starts the stopwatch: now, or with the first frame from now on that carries a value of a signal.

        With a signal, the time is counted from when the stimulus is on the bus, not from when it was asked for.

        Example:
        | `Start Stopwatch`
        | `Start Stopwatch`    Vehicle.Powertrain.Transmission.SelectedGear    Reverse
        """
        rig = self._session.rig
        self._stop_looking()
        self._test, self._started, self._stimulus = self._session.test, None, ""
        self._stimulus_bus = None
        if not signal:
            self._started = rig.clock.now / 1e9
            return
        found = rig.signals.find(signal)
        raw = found.raw(value)
        self._stimulus = f"{signal} is {found.text(raw)}"
        self._stimulus_bus = found.bus
        came = self._stimulus_came = rig.clock.event()

        def look(frame: "can.Message") -> None:
            if self._started is None and raw_in(found.signal, frame) == raw:
                self._started = frame.timestamp
                came.set()

        self._stop_looking = found.bus.channel.listen(look, (found.message.key,))

    @keyword
    def read_stopwatch(self) -> Annotated[float, Duration]:
        """Returns the seconds of rig time since the stopwatch was started.

        Example:
        | `Start Stopwatch`
        | `Wait`    500 ms
        | ${seconds} =    `Read Stopwatch`
        """
        return round(self._session.rig.clock.now / 1e9 - self._start(), 9)

    @keyword
    def response_time_should_be_below(self, limit: str, signal: str, value: str) -> None:
        """Judges the time from the start of the stopwatch to the first frame from now on with a value of a signal.

        ``limit`` is a duration or the name of a limit of the vehicle. A stimulus that is still to come is waited for,
        as long as the limit says; frames before it are no response.

        Example:
        | `Start Stopwatch`    Vehicle.Powertrain.Transmission.SelectedGear    Reverse
        | `Set Signal`    Vehicle.Powertrain.Transmission.SelectedGear    Reverse
        | `Response Time Should Be Below`    rear_view_time    HeadUnit.RearView    Shown
        """
        session = self._session
        rig = session.rig
        found = rig.signals.find(signal)
        raw = found.raw(value)
        longest, limit_source = time_limit(session, limit, "limit")
        self._check_started_in_this_test()
        responses: list[can.Message] = []

        def is_response(frame: "can.Message") -> bool:
            return frame.is_rx and raw_in(found.signal, frame) == raw

        def keep(frame: "can.Message") -> None:
            if is_response(frame):
                responses.append(frame)

        # From now on, for a response may come as soon as the stimulus.
        stop = found.bus.channel.listen(keep, (found.message.key,))
        try:
            if self._started is None and self._stimulus_came is not None:
                rig.clock.wait(self._stimulus_came, longest)
            started = self._start()
            timeout = max(round(started * 1e9) + longest - rig.clock.now, 0)
            frame, last, seen = self._first(responses, started), None, ""
            if frame is None:
                sighting = found.bus.watch(found.message, is_response, timeout)
                frame, last = self._first(responses, started), sighting.frame
                seen = f"{sighting.count} frames came"
                if last is not None:
                    seen += f", the last with {text_in(found, last)}"
        finally:
            stop()
        took = None if frame is None else round(frame.timestamp - started, 9)
        actual = f"it was not reached: {seen}" if took is None else f"it was {format_quantity(took, 's')}"
        since = f" from when {self._stimulus}" if self._stimulus else ""
        judge(
            session,
            f"response time{since} until {signal} is {found.text(raw)}",
            value=took,
            allowed=Allowed("s", high=longest / 1e9, source=limit_source),
            holds=took is not None and took <= longest / 1e9,
            uncertainty=found.bus.uncertainty + self._uncertainty_beside(found.bus),
            actual=actual,
            source=source(found.bus, found.message, frame or last),
        )

    @keyword
    def period_should_meet(self, signal: str, value: str, limit: str, during: Duration = Duration(5)) -> None:
        """Judges the mean time from one beginning of a value of a signal to the next, by a limit of the vehicle.

        It looks at all frames for a time from now. A value that does not begin at least twice fails. A cyclic message
        shows each beginning late by up to one cycle, by which the first and the last one may be off.

        Example:
        | `Set Signal`    Switches.Indicator    Left
        | `Period Should Meet`    Vehicle.Body.Lights.DirectionIndicator.Left.IsSignaling    On    indicator_period
        """
        session = self._session
        found = session.rig.signals.find(signal)
        raw = found.raw(value)
        allowed = limit_of(session, limit, Duration)
        if not during:
            raise TestError("Argument 'during': nothing can be seen in 0 s")
        frames = found.bus.record(found.message, during.ns).frames
        steps = list(pairwise(frames))
        beginnings = [
            now.timestamp
            for before, now in steps
            if raw_in(found.signal, before) != raw and raw_in(found.signal, now) == raw
        ]
        periods = max(len(beginnings) - 1, 0)
        mean = round((beginnings[-1] - beginnings[0]) / periods, 9) if periods else None
        late = max((now.timestamp - before.timestamp for before, now in steps), default=0.0)
        judge(
            session,
            f"period of {signal} being {found.text(raw)}",
            value=mean,
            allowed=allowed,
            holds=mean is not None and allowed.holds(mean),
            uncertainty=round(late / periods, 9) if periods and found.message.cycle_time else 0.0,
            actual=f"it began {len(beginnings)} times in {len(frames)} frames"
            if mean is None
            else f"it was {format_quantity(mean, 's')}, the mean of {periods}",
            source=source(found.bus, found.message, frames[-1] if frames else None),
        )

    def _uncertainty_beside(self, bus: "CanBus") -> float:
        """Return what the stimulus adds.

        On the same bus what stamps are off cancels out, unless it may be a frame of ours that does not come back.
        """
        other = self._stimulus_bus
        if other is None or (other is bus and OWN_FRAMES not in other.channel.untold):
            return 0.0
        return other.uncertainty

    @staticmethod
    def _first(responses: "list[can.Message]", started: float) -> "can.Message | None":
        return next((frame for frame in tuple(responses) if frame.timestamp >= started), None)

    def _start(self) -> float:
        self._check_started_in_this_test()
        if self._started is None:
            raise TestError(f"the stopwatch has not started: no frame said that {self._stimulus}")
        return self._started

    def _check_started_in_this_test(self) -> None:
        if self._test is not self._session.test or not (self._stimulus or self._started is not None):
            raise TestError("the stopwatch has not started: use `Start Stopwatch` first")
