"""Tells the simulated ECUs of a bench what the real instruments do to the nets that they hang on.

A simulated ECU has no wire to the bench's supply. It follows what the rig has commanded: a rest bus falls silent when
terminal 15 is switched off, and begins when it comes on. Slew, load and faults of the real wiring it does not see.
"""

from collections.abc import Mapping

from harness.instruments.limits import LimitedSupply, SupplyLimits
from harness.instruments.roles import PowerSupply, SwitchMatrix
from harness.simulation.plant import Relay, SupplyOutput
from harness.transports.paced_kernel import PacedKernel


class MirroredSupply(LimitedSupply):
    """A supply that keeps within its limits, and whose outputs the simulated ECUs see."""

    def __init__(
        self, supply: PowerSupply, limits: SupplyLimits, outputs: Mapping[int, SupplyOutput], paced: PacedKernel
    ) -> None:
        super().__init__(supply, limits)
        self._outputs = outputs
        self._paced = paced

    def look(self) -> None:
        """Show how the outputs are programmed now: somebody may have left them on."""
        for number in self._outputs:
            self._show(number, voltage=self.programmed_voltage(number), on=self.output_is_on(number))

    def set_voltage(self, output: int, volts: float) -> None:
        """Programme the voltage in volts.

        Raises:
            TestError: negative, no finite number or above the limit; nothing was sent.
        """
        super().set_voltage(output, volts)
        self._show(output, voltage=volts)

    def switch_output(self, output: int, *, on: bool) -> None:
        """Connect the output or cut it off.

        Raises:
            BenchError: it was to be switched on and is programmed beyond a limit; it was left as it is.
        """
        super().switch_output(output, on=on)
        self._show(output, on=on)

    def _show(self, number: int, *, voltage: float | None = None, on: bool | None = None) -> None:
        if number in self._outputs:
            with self._paced.held():
                self._outputs[number].program(voltage=voltage, on=on)


class MirroredMatrix:
    """A switch matrix whose relays the simulated ECUs see."""

    def __init__(self, matrix: SwitchMatrix, relays: Mapping[int, Relay], paced: PacedKernel) -> None:
        self._matrix = matrix
        self._relays = relays
        self._paced = paced
        self.errors = matrix.errors
        self.close = matrix.close
        self.is_closed = matrix.is_closed

    @property
    def role(self) -> str:
        """What the rig file calls it."""
        return self._matrix.role

    @property
    def identity(self) -> str:
        """Its own answer to `*IDN?`."""
        return self._matrix.identity

    def look(self) -> None:
        """Show how the relays are now."""
        for channel in self._relays:
            self._show(channel, closed=self.is_closed(channel))

    def close_channel(self, channel: int) -> None:
        """Close a relay; it has moved when this returns."""
        self._matrix.close_channel(channel)
        self._show(channel, closed=True)

    def open_channel(self, channel: int) -> None:
        """Open a relay; it has moved when this returns."""
        self._matrix.open_channel(channel)
        self._show(channel, closed=False)

    def open_all(self) -> None:
        """Open all relays."""
        self._matrix.open_all()
        for channel in self._relays:
            self._show(channel, closed=False)

    def _show(self, channel: int, *, closed: bool) -> None:
        if channel in self._relays:
            relay = self._relays[channel]
            with self._paced.held():
                (relay.close if closed else relay.open)()
