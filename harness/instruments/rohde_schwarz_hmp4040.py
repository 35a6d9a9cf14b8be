"""Driver for the Rohde & Schwarz (earlier: Hameg) HMP4040, a supply with four outputs.

Sources:

- commands, and what OUTPut:SELect, OUTPut[:STATe] and OUTPut:GENeral do: R&S HMP series, SCPI programmers manual
  5800576002, as public drivers quote it [B];
- the queries OUTP:SEL? and OUTP:GEN?, which it does not list: pymeasure's HMP4040 driver [B].
"""

from typing import ClassVar

from harness.errors import RigFileError
from harness.instruments.scpi_driver import ScpiDriver

OUTPUTS = range(1, 5)


class Hmp4040(ScpiDriver):
    """Fills the role of a power supply.

    An output is live when it is armed (OUTP:SEL) and the general switch (OUTP:GEN) is on. OUTP ON is never used: it
    closes the general switch too, and with it goes live whatever else is armed.
    """

    model: ClassVar[str] = "Rohde & Schwarz HMP4040"
    manufacturers: ClassVar[frozenset[str]] = frozenset({"rohde&schwarz", "rohde & schwarz", "hameg"})
    model_field: ClassVar[str] = "HMP4040"
    outputs: ClassVar[tuple[range, ...]] = (OUTPUTS,)

    def set_voltage(self, output: int, volts: float) -> None:
        """Programme the voltage in volts, with a resolution of 1 mV; it is there at once if the output is on.

        Raises:
            InstrumentError: the instrument refuses it.
        """
        self._select(output)
        self._command(f"VOLT {volts:.3f}")

    def set_current_limit(self, output: int, amperes: float) -> None:
        """Programme the current limit in amperes, with a resolution of 0.1 mA (the instrument's: 0.2 mA or 1 mA).

        Raises:
            InstrumentError: the instrument refuses it.
        """
        self._select(output)
        self._command(f"CURR {amperes:.4f}")

    def switch_output(self, output: int, *, on: bool) -> None:
        """Connect the output or cut it off; no other output changes.

        Raises:
            InstrumentError: the instrument refuses it.
        """
        self._check(output)
        general_is_off = on and not self._ask_bool("OUTP:GEN?")
        if general_is_off:
            for other in OUTPUTS:
                if other != output:
                    self._arm(other, on=False)
        self._arm(output, on=on)
        if general_is_off:
            self._command("OUTP:GEN ON")

    def output_is_on(self, output: int) -> bool:
        """Read back whether the output is live.

        Raises:
            InstrumentError: the instrument does not say.
        """
        self._select(output)
        return self._ask_bool("OUTP:SEL?") and self._ask_bool("OUTP:GEN?")

    def programmed_voltage(self, output: int) -> float:
        """Read back the programmed voltage in volts.

        Raises:
            InstrumentError: the instrument does not say.
        """
        return self._ask_of(output, "VOLT?")

    def programmed_current_limit(self, output: int) -> float:
        """Read back the programmed current limit in amperes.

        Raises:
            InstrumentError: the instrument does not say.
        """
        return self._ask_of(output, "CURR?")

    def measure_voltage(self, output: int) -> float:
        """Measure the voltage at the terminals in volts.

        Raises:
            InstrumentError: the instrument does not say.
        """
        return self._ask_of(output, "MEAS:VOLT?")

    def measure_current(self, output: int) -> float:
        """Measure the current delivered in amperes.

        Raises:
            InstrumentError: the instrument does not say.
        """
        return self._ask_of(output, "MEAS:CURR?")

    def _arm(self, output: int, *, on: bool) -> None:
        self._select(output)
        self._command(f"OUTP:SEL {'ON' if on else 'OFF'}")

    def _ask_of(self, output: int, line: str) -> float:
        self._select(output)
        return self._ask_number(line)

    def _select(self, output: int) -> None:
        """Point the instrument at an output; each time, for its front panel points it too."""
        self._check(output)
        self._command(f"INST:NSEL {output}")

    def _check(self, output: int) -> None:
        if output not in OUTPUTS:
            raise RigFileError(f"{self.role}: no output {output}; the HMP4040 has outputs 1 to 4")
