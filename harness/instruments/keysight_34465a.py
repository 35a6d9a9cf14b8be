"""Driver for the Keysight 34465A multimeter.

Sources: Keysight Truevolt series, operating and service guide, as published on the web [B]: "MEASure:...?" (autorange,
10 power line cycles, 9.9E37 beyond the range), "CONFigure:CURRent:{AC|DC}" (up to 3 A on the 3 A terminals) and
"[SENSe:]CURRent:SWITch:MODE" (by default those terminals stay connected while the range changes).
"""

from typing import ClassVar

from harness.errors import InstrumentError
from harness.instruments.scpi_driver import INFINITY, ScpiDriver
from harness.quantities import format_quantity
from harness.transports.visa import ScpiSession

_LOWEST_SHUNT = "CONF:CURR:DC 3"


class Keysight34465A(ScpiDriver):
    """Fills the roles of a voltmeter and an ammeter. Current goes through its 3 A terminals.

    Between measurements of current it rests in the 3 A range, which has the lowest shunt behind these terminals: what
    is supplied through the meter could not start through the shunt of a small range.
    """

    model: ClassVar[str] = "Keysight 34465A"
    manufacturers: ClassVar[frozenset[str]] = frozenset({"keysight technologies", "keysight"})
    model_field: ClassVar[str] = "34465A"
    highest_current: ClassVar[float] = 3.0

    def __init__(self, session: ScpiSession) -> None:
        """Check who answers, and bring it to rest.

        Raises:
            InstrumentError: another instrument, or it refuses the range.
        """
        super().__init__(session)
        self._command(_LOWEST_SHUNT)

    def measure_dc_voltage(self) -> float:
        """Measure the voltage at its terminals in volts, averaged over 0.2 s (at 50 Hz).

        Raises:
            InstrumentError: it does not say, or the voltage is beyond its largest range.
        """
        return self._measure("VOLT:DC", "V")

    def measure_dc_current(self) -> float:
        """Measure the current through its 3 A terminals in amperes, averaged over 0.2 s (at 50 Hz).

        Raises:
            InstrumentError: it does not say, or the current is beyond its largest range.
        """
        amperes = self._measure("CURR:DC", "A")
        self._command(_LOWEST_SHUNT)
        return amperes

    def _measure(self, function: str, unit: str) -> float:
        reading = self._ask_reading(f"MEAS:{function}?")
        if abs(reading) >= INFINITY:
            largest = format_quantity(self._ask_number(f"{function}:RANG?"), unit)
            raise InstrumentError(f"{self.role}: overload: what it measures is beyond its range of {largest}")
        return reading
