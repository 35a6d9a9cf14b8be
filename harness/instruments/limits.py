"""Limits of a rig, held before a command leaves for the instrument."""

from dataclasses import dataclass

from harness.errors import BenchError, TestError
from harness.instruments.roles import PowerSupply
from harness.quantities import Current, Quantity, Voltage


@dataclass(frozen=True)
class SupplyLimits:
    """What any output of a supply may be programmed to at most, and which file says so."""

    voltage: Voltage
    current: Current
    source: str


class LimitedSupply:
    """A supply that keeps within the limits of its rig.

    An output is switched on only when what is programmed in the instrument is within the limits too: somebody else
    may have left it there.
    """

    def __init__(self, supply: PowerSupply, limits: SupplyLimits) -> None:
        self._supply = supply
        self._limits = limits

    @property
    def role(self) -> str:
        """What the rig file calls the supply."""
        return self._supply.role

    @property
    def identity(self) -> str:
        """The supply's own answer to `*IDN?`."""
        return self._supply.identity

    def errors(self) -> list[str]:
        """Read and empty the supply's error queue."""
        return self._supply.errors()

    def close(self) -> None:
        """End the session; the outputs stay as they are."""
        self._supply.close()

    def set_voltage(self, output: int, volts: float) -> None:
        """Programme the voltage in volts.

        Raises:
            TestError: negative, no finite number or above the limit; nothing was sent.
        """
        self._check(output, Voltage(volts), self._limits.voltage)
        self._supply.set_voltage(output, volts)

    def set_current_limit(self, output: int, amperes: float) -> None:
        """Programme the current limit in amperes.

        Raises:
            TestError: negative, no finite number or above the limit; nothing was sent.
        """
        self._check(output, Current(amperes), self._limits.current)
        self._supply.set_current_limit(output, amperes)

    def switch_output(self, output: int, *, on: bool) -> None:
        """Connect the output or cut it off.

        Raises:
            BenchError: it was to be switched on and is programmed beyond a limit; it was left as it is.
        """
        if on:
            self._check_programmed(output, Voltage(self._supply.programmed_voltage(output)), self._limits.voltage)
            self._check_programmed(output, Current(self._supply.programmed_current_limit(output)), self._limits.current)
        self._supply.switch_output(output, on=on)

    def output_is_on(self, output: int) -> bool:
        """Read back whether the output is on."""
        return self._supply.output_is_on(output)

    def programmed_voltage(self, output: int) -> float:
        """Read back the programmed voltage in volts."""
        return self._supply.programmed_voltage(output)

    def programmed_current_limit(self, output: int) -> float:
        """Read back the programmed current limit in amperes."""
        return self._supply.programmed_current_limit(output)

    def measure_voltage(self, output: int) -> float:
        """Measure the voltage at the terminals in volts."""
        return self._supply.measure_voltage(output)

    def measure_current(self, output: int) -> float:
        """Measure the current delivered in amperes."""
        return self._supply.measure_current(output)

    def _check(self, output: int, asked: Quantity, limit: Quantity) -> None:
        if not 0 <= asked <= limit:
            allowed = f"at most {limit}" if asked > limit else f"0 to {limit}"
            raise TestError(
                f"{self.role} output {output}: {asked} asked; this rig allows {allowed} ({self._limits.source}); "
                "nothing was sent"
            )

    def _check_programmed(self, output: int, programmed: Quantity, limit: Quantity) -> None:
        if programmed > limit:
            raise BenchError(
                f"{self.role} output {output}: {programmed} is programmed in the instrument; this rig allows at most "
                f"{limit} ({self._limits.source}); the output was not switched on"
            )
