"""Keywords for what oscilloscopes capture in the wiring of the rig."""

from typing import TYPE_CHECKING, Literal

from robot.api import logger
from robot.api.deco import keyword

from harness.errors import TestError
from harness.instruments.waveform import Window
from harness.keywords.judgement import Allowed, between, judge, limit_of
from harness.quantities import Duration, Voltage, format_quantity

if TYPE_CHECKING:
    from harness.instruments.waveform import Waveform
    from harness.keywords.session import Session
    from harness.rig.probes import Probe


class CapturingKeywords:
    """Voltages that oscilloscopes capture once. ``place`` is one of the `probes` of the rig file.

    `Arm Capture` lets the oscilloscope wait; then comes what the voltage reacts to, and then the judgements. The first
    of them reads the capture back, and puts its picture into the log and into the folder ``captures`` of the run.

    An oscilloscope waits for one crossing at a time: to arm it at another place forgets what it has captured before. So
    does the end of a test.
    """

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._shown: tuple[Waveform, str] | None = None
        """The last capture, and where its picture is."""

    @keyword
    def arm_capture(
        self,
        place: str,
        edge: Literal["falling", "rising"],
        level: Voltage,
        *,
        lasting: Duration = Duration(0.1),
        low: Voltage = Voltage(-1),
        high: Voltage = Voltage(20),
    ) -> None:
        """Lets an oscilloscope wait until a voltage falls or rises through a level, and then capture it once.

        ``lasting`` is the time that is captured, a tenth of it before the crossing. ``low`` and ``high`` bound the
        voltages that can be seen; the nearer they are, the finer are the steps, of which there are 256. ``level`` lies
        between them. A voltage that leaves them is an error, and so is a crossing that does not come.

        Example:
        | `Arm Capture`    head unit terminal 30    falling    13.45 V    lasting=50 ms    low=13 V    high=14 V
        | Interrupt Line For    HeadUnit.KL30    1 ms
        """
        if not low < level < high:
            raise TestError(f"Argument 'level': {level} is not between low, {low}, and high, {high}")
        if not lasting > 0:
            raise TestError("Argument 'lasting': it must be longer than 0 s")
        window = Window(low, high, lasting, level, edge == "rising")
        self._probe(place).arm(window, self._session.rig.clock)

    @keyword
    def captured_minimum_should_be_between(self, place: str, low: Voltage, high: Voltage) -> None:
        """Judges the lowest voltage of a capture, as the oscilloscope measures it.

        Example:
        | `Arm Capture`    head unit terminal 30    falling    12.5 V
        | Set Supply Voltage    12 V
        | `Captured Minimum Should Be Between`    head unit terminal 30    10 V    14 V
        """
        probe, waveform = self._captured(place)
        lowest = probe.oscilloscope.measure_minimum(probe.channel)
        self._judge(probe, "lowest voltage", lowest, between(low, high), waveform.level_uncertainty)

    @keyword
    def captured_maximum_should_be_between(self, place: str, low: Voltage, high: Voltage) -> None:
        """Judges the highest voltage of a capture, as the oscilloscope measures it.

        Example:
        | `Arm Capture`    head unit terminal 30    rising    15 V
        | Set Supply Voltage    16 V
        | `Captured Maximum Should Be Between`    head unit terminal 30    14 V    18 V
        """
        probe, waveform = self._captured(place)
        highest = probe.oscilloscope.measure_maximum(probe.channel)
        self._judge(probe, "highest voltage", highest, between(low, high), waveform.level_uncertainty)

    @keyword
    def captured_drop_should_meet(self, place: str, limit: str) -> None:
        """Judges how far the voltage falls in a capture, from its mean before the crossing, by a limit of the vehicle.

        Example:
        | Switch Ignition    off
        | Wait    10 s
        | `Arm Capture`    head unit terminal 30    falling    13.46 V    lasting=100 ms    low=13 V    high=14 V
        | Switch Ignition    on
        | `Captured Drop Should Meet`    head unit terminal 30    boot_voltage_drop
        """
        allowed = limit_of(self._session, limit, Voltage)
        probe, waveform = self._captured(place)
        drop = waveform.before - min(waveform.volts)
        self._judge(probe, "drop", drop, allowed, waveform.difference_uncertainty)

    @keyword
    def captured_time_below_should_meet(self, place: str, level: Voltage, limit: str) -> None:
        """Judges for how long the voltage is below a level in a capture, by a limit of the vehicle.

        A voltage that is below at the beginning or the end of the capture was so for longer than it shows. That fails
        where what it shows is too long already; else nobody can tell, and a longer capture is needed.

        Example:
        | `Arm Capture`    head unit terminal 30    falling    10 V    lasting=100 ms
        | Interrupt Line For    HeadUnit.KL30    1 ms
        | `Captured Time Below Should Meet`    head unit terminal 30    10 V    inrush_time
        """
        allowed = limit_of(self._session, limit, Duration)
        probe, waveform = self._captured(place)
        self._judge(
            probe,
            f"time below {level}",
            waveform.time_below(level),
            allowed,
            waveform.interval,
            at_least=waveform.is_cut_off(level),
        )

    def _probe(self, place: str) -> "Probe":
        try:
            return self._session.rig.probe(place)
        except TestError as error:
            raise TestError(f"Argument 'place': {error}") from None

    def _captured(self, place: str) -> "tuple[Probe, Waveform]":
        probe = self._probe(place)
        waveform = probe.captured(self._session.rig.clock)
        if self._shown is None or self._shown[0] is not waveform:
            self._shown = waveform, self._show(probe, waveform)
        return probe, waveform

    def _show(self, probe: "Probe", waveform: "Waveform") -> str:
        from harness.results.capture_picture import draw_capture

        level = probe.window.level if probe.window else 0.0
        title = f"{probe.name}: {probe}"
        picture = draw_capture(title, waveform.times, waveform.volts, low=waveform.low, high=waveform.high, level=level)
        path = self._session.draw(picture).as_posix()
        logger.info(f'<a href="{path}"><img src="{path}" alt="{title}"></a>', html=True)
        return path

    def _judge(
        self,
        probe: "Probe",
        what: str,
        value: float,
        allowed: Allowed,
        uncertainty: float,
        *,
        at_least: bool = False,
    ) -> None:
        picture = self._shown[1] if self._shown else ""
        shown = format_quantity(value, allowed.unit)
        judge(
            self._session,
            f"{probe.name}, {what}",
            value=value,
            allowed=allowed,
            holds=allowed.holds(value),
            actual=f"it was {shown} or more: it was so where the capture begins or ends"
            if at_least
            else f"it was {shown}",
            source=f"instrument:{probe.oscilloscope.role} input {probe.channel}, {probe}, {picture}",
            instrument=probe.oscilloscope.identity,
            uncertainty=uncertainty,
            at_least=at_least,
        )
