"""Keywords for time: let it pass, and measure how long something takes."""

from typing import TYPE_CHECKING

from robot.api.deco import keyword

from harness.errors import TestError
from harness.keywords.judgement import Allowed, judge, time_limit
from harness.keywords.received import raw_in, source, text_in
from harness.quantities import Duration, format_quantity

if TYPE_CHECKING:
    from collections.abc import Callable

    import can

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
        if not signal:
            self._started = rig.clock.now / 1e9
            return
        found = rig.signals.find(signal)
        raw = found.raw(value)
        self._stimulus = f"{signal} is {found.text(raw)}"
        came = self._stimulus_came = rig.clock.event()

        def look(frame: "can.Message") -> None:
            if self._started is None and raw_in(found.signal, frame) == raw:
                self._started = frame.timestamp
                came.set()

        self._stop_looking = found.bus.channel.listen(look, (found.message.key,))

    @keyword
    def read_stopwatch(self) -> float:
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
        if self._started is None and self._stimulus_came is not None:
            rig.clock.wait(self._stimulus_came, longest)
        started = self._start()
        timeout = max(round(started * 1e9) + longest - rig.clock.now, 0)
        sighting = found.bus.watch(found.message, lambda frame: raw_in(found.signal, frame) == raw, timeout)
        took = None
        actual = f"it was not reached: {sighting.count} frames came"
        if sighting.met and sighting.frame is not None:
            took = round(sighting.frame.timestamp - started, 9)
            actual = f"it was {format_quantity(took, 's')}"
        elif sighting.frame is not None:
            actual += f", the last with {text_in(found, sighting.frame)}"
        since = f" from when {self._stimulus}" if self._stimulus else ""
        judge(
            session,
            f"response time{since} until {signal} is {found.text(raw)}",
            value=took,
            allowed=Allowed("s", high=longest / 1e9, source=limit_source),
            holds=took is not None and took <= longest / 1e9,
            uncertainty=found.bus.uncertainty,
            actual=actual,
            source=source(found.bus, found.message, sighting.frame),
        )

    def _start(self) -> float:
        self._check_started_in_this_test()
        if self._started is None:
            raise TestError(f"the stopwatch has not started: no frame said that {self._stimulus}")
        return self._started

    def _check_started_in_this_test(self) -> None:
        if self._test is not self._session.test or not (self._stimulus or self._started is not None):
            raise TestError("the stopwatch has not started: use `Start Stopwatch` first")
