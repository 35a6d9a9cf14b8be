"""Keywords for what multimeters measure in the wiring of the rig."""

from typing import TYPE_CHECKING

from robot.api.deco import keyword

from harness.errors import TestError
from harness.keywords.judgement import Allowed, between, judge, limit_of
from harness.quantities import Current, Quantity, Voltage, format_quantity

if TYPE_CHECKING:
    from harness.keywords.session import Session
    from harness.rig.meters import Meter


class MeasuringKeywords:
    """Currents and voltages that multimeters measure. ``place`` is one of the `meters` of the rig file."""

    def __init__(self, session: "Session") -> None:
        self._session = session

    @keyword
    def measure_current(self, place: str) -> float:
        """Returns the current that a multimeter measures, in amperes.

        Example:
        | ${amperes} =    `Measure Current`    head unit current
        """
        return self._measure(place, Current)[1]

    @keyword
    def measure_voltage(self, place: str) -> float:
        """Returns the voltage against ground that a multimeter measures, in volts.

        Example:
        | ${volts} =    `Measure Voltage`    head unit voltage
        """
        return self._measure(place, Voltage)[1]

    @keyword
    def current_should_be_between(self, place: str, low: Current, high: Current) -> None:
        """Judges the current that a multimeter measures.

        Example:
        | `Current Should Be Between`    head unit current    1 A    1.5 A
        """
        self._judge(place, Current, between(low, high))

    @keyword
    def current_should_meet(self, place: str, limit: str) -> None:
        """Judges the current that a multimeter measures by a limit of the vehicle.

        Example:
        | Switch Ignition    off
        | Wait    10 s
        | `Current Should Meet`    head unit current    quiescent_current
        """
        self._judge(place, Current, limit_of(self._session, limit, Current))

    @keyword
    def voltage_should_be_between(self, place: str, low: Voltage, high: Voltage) -> None:
        """Judges the voltage against ground that a multimeter measures.

        Example:
        | `Voltage Should Be Between`    head unit voltage    13.3 V    13.6 V
        """
        self._judge(place, Voltage, between(low, high))

    @keyword
    def voltage_should_meet(self, place: str, limit: str) -> None:
        """Judges the voltage against ground that a multimeter measures by a limit of the vehicle.

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

    def _judge(self, place: str, kind: type[Quantity], allowed: Allowed) -> None:
        meter, value = self._measure(place, kind)
        judge(
            self._session,
            meter.name,
            value=value,
            allowed=allowed,
            holds=allowed.holds(value),
            actual=f"it was {format_quantity(value, allowed.unit)}",
            source=f"instrument:{meter.multimeter.role}, {meter}",
            instrument=meter.multimeter.identity,
        )
