"""Keywords for what meters measure in the wiring of the rig."""

from typing import TYPE_CHECKING, Annotated

from robot.api.deco import keyword

from harness.errors import TestError
from harness.keywords.judgement import Allowed, between, judge, limit_of
from harness.quantities import Current, Duration, Quantity, Voltage, format_quantity

if TYPE_CHECKING:
    from harness.keywords.session import Session
    from harness.rig.meters import Meter


class MeasuringKeywords:
    """Currents and voltages that meters measure. ``place`` is one of the `meters` of the rig file.

    Where the current passes a meter by through a bypass, the bypass is open for the measurement only. It stays closed,
    and the keyword fails, while the supply delivers more than the meter carries.
    """

    def __init__(self, session: "Session") -> None:
        self._session = session

    @keyword
    def measure_current(self, place: str) -> Annotated[float, Current]:
        """Returns the current that a meter measures, in amperes.

        Where the current passes the meter by, and the supply delivers more than the meter carries, it fails.

        Example:
        | ${amperes} =    `Measure Current`    head unit current
        """
        return self._measure(place, Current)[1]

    @keyword
    def measure_voltage(self, place: str) -> Annotated[float, Voltage]:
        """Returns the voltage against ground that a meter measures, in volts. A meter of a current has none.

        Example:
        | ${volts} =    `Measure Voltage`    head unit voltage
        """
        return self._measure(place, Voltage)[1]

    @keyword
    def current_should_be_between(self, place: str, low: Current, high: Current) -> None:
        """Judges the current that a meter measures.

        Example:
        | `Current Should Be Between`    head unit current    1 A    1.5 A
        """
        self._judge(place, Current, between(low, high))

    @keyword
    def current_should_meet(self, place: str, limit: str) -> None:
        """Judges the current that a meter measures by a limit of the vehicle.

        Example:
        | Switch Ignition    off
        | Wait    10 s
        | `Current Should Meet`    head unit current    quiescent_current
        """
        self._judge(place, Current, limit_of(self._session, limit, Current))

    @keyword
    def measure_mean_current(self, place: str, during: Duration = Duration(10)) -> Annotated[float, Current]:
        """Returns the mean of all currents that a meter measures one after the other during a time, in amperes.

        Example:
        | ${amperes} =    `Measure Mean Current`    head unit current    during=5 s
        """
        return self._mean(place, during)[1]

    @keyword
    def mean_current_should_meet(self, place: str, limit: str, during: Duration = Duration(10)) -> None:
        """Judges the mean of all currents that a meter measures during a time by a limit of the vehicle.

        It finds what a single reading misses: an ECU that wakes up for moments.

        Example:
        | Switch Ignition    off
        | Wait    10 s
        | `Mean Current Should Meet`    head unit parked current    quiescent_current    during=20 s
        """
        allowed = limit_of(self._session, limit, Current)
        meter, value, readings = self._mean(place, during)
        self._judge_reading(meter, value, allowed, f"mean of {readings} readings during {during}")

    @keyword
    def voltage_should_be_between(self, place: str, low: Voltage, high: Voltage) -> None:
        """Judges the voltage against ground that a meter measures.

        Example:
        | `Voltage Should Be Between`    head unit voltage    13.3 V    13.6 V
        """
        self._judge(place, Voltage, between(low, high))

    @keyword
    def voltage_should_meet(self, place: str, limit: str) -> None:
        """Judges the voltage against ground that a meter measures by a limit of the vehicle.

        Example:
        | `Voltage Should Meet`    head unit voltage    supply_voltage
        """
        self._judge(place, Voltage, limit_of(self._session, limit, Voltage))

    def _measure(self, place: str, kind: type[Quantity]) -> "tuple[Meter, float]":
        try:
            meter = self._session.rig.meter(place)
            return meter, meter.measure(kind)
        except TestError as error:
            raise TestError(f"Argument 'place': {error}") from None

    def _mean(self, place: str, during: Duration) -> "tuple[Meter, float, int]":
        try:
            meter = self._session.rig.meter(place)
            readings = meter.measure_repeatedly(Current, during.ns, self._session.rig.clock)
        except TestError as error:
            raise TestError(f"Argument 'place': {error}") from None
        return meter, sum(readings) / len(readings), len(readings)

    def _judge(self, place: str, kind: type[Quantity], allowed: Allowed) -> None:
        self._judge_reading(*self._measure(place, kind), allowed, "")

    def _judge_reading(self, meter: "Meter", value: float, allowed: Allowed, how: str) -> None:
        judge(
            self._session,
            meter.name,
            value=value,
            allowed=allowed,
            holds=allowed.holds(value),
            actual=f"it was {format_quantity(value, allowed.unit)}",
            source=f"instrument:{meter.instrument.role}, {how and f'{how}, '}{meter}",
            instrument=meter.instrument.identity,
        )
