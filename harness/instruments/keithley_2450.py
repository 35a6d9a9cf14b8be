"""Driver for the Keithley 2450 SourceMeter, as a meter of small currents: it sources 0 V and measures what flows.

Sources [B]: Model 2450 reference manual 2450-901-01 Rev. B, as published by easymanua.ls, manualslib.com and
manualshive.com: `*IDN?` and `*LANG?` (page B-5), ":SOURce[1]:<function>[:LEVel]" (6-70), ":SOURce[1]:VOLTage:ILIMit"
(6-71: -1.05 A to 1.05 A) and its ":TRIPped?" (6-72), "[:SENSe[1]]:<function>:RANGe" (6-51: 10 nA to 1 A), source
limits (2-100: the source is clamped at the limit). Data sheet SPEC-2450 Rev. A, as published by manualshelf.com: a
voltage burden below 100 µV in all ranges of current.
"""

from typing import ClassVar

from harness.errors import InstrumentError
from harness.instruments.scpi_driver import INFINITY, ScpiDriver
from harness.quantities import format_quantity
from harness.transports.visa import ScpiSession

_LARGEST_RANGE = "SENS:CURR:RANG 1"
_LIMIT = 1.05


class Keithley2450(ScpiDriver):
    """Fills the role of an ammeter. It lies in series and takes less than 0.1 mV of the voltage.

    It carries 1.05 A at most: beyond that it limits the current, and what it feeds loses its voltage. A line that
    draws more at times needs a bypass around it. Between measurements it rests in its largest range.
    """

    model: ClassVar[str] = "Keithley 2450"
    manufacturers: ClassVar[frozenset[str]] = frozenset({"keithley instruments", "keithley instruments inc."})
    model_field: ClassVar[str] = "MODEL 2450"
    highest_current: ClassVar[float] = _LIMIT

    def __init__(self, session: ScpiSession) -> None:
        """Check who answers and which language it speaks, then let it source 0 V, so that current flows through it.

        Raises:
            InstrumentError: another instrument, another command set than SCPI, or it refuses a setting.
        """
        super().__init__(session)
        language = session.query("*LANG?").strip()
        if language != "SCPI":
            raise InstrumentError(f"{self.role}: its command set is {language!r}; it needs SCPI: send *LANG SCPI once")
        for line in (
            "SOUR:FUNC VOLT",
            "SOUR:VOLT 0",
            f"SOUR:VOLT:ILIM {_LIMIT}",
            'SENS:FUNC "CURR"',
            _LARGEST_RANGE,
            "OUTP ON",
        ):
            self._command(line)

    def measure_dc_current(self) -> float:
        """Measure the current through it in amperes, in the range that fits, averaged over 20 ms (at 50 Hz).

        Raises:
            InstrumentError: it does not say, or it limits the current: what it feeds wants more than it carries.
        """
        self._command("SENS:CURR:RANG:AUTO ON")
        amperes = self._ask_reading("READ?")
        limits = self._ask_bool("SOUR:VOLT:ILIM:TRIP?")
        self._command(_LARGEST_RANGE)
        if limits or abs(amperes) >= INFINITY:
            raise InstrumentError(
                f"{self.role}: overload: what it measures is beyond its range of {format_quantity(_LIMIT, 'A')}, at "
                "which it limits the current; what it feeds had too low a voltage"
            )
        return amperes
