"""Tells the simulated ECUs of a bench what the real instruments do to the nets that they hang on.

A simulated ECU has no wire to the bench's supply. It follows what the rig has commanded: a rest bus falls silent when
terminal 15 is switched off, and begins when it comes on. Slew, load and faults of the real wiring it does not see.

Of a command that failed nobody knows whether it was done. To ask for `errors`, as the rig does after each test, is to
look, and to say so: what was judged meanwhile counts for nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from harness.errors import RigFileError, TestError
from harness.instruments.limits import LimitedSupply, SupplyLimits
from harness.instruments.roles import PowerSupply, SwitchMatrix
from harness.simulation.plant import Relay, SupplyOutput
from harness.transports.paced_kernel import PacedKernel


class _Doubt:
    """Whether the simulated ECUs may see something else than there is."""

    def __init__(self, look: Callable[[], None]) -> None:
        self._look = look
        self._reason = ""

    @contextmanager
    def unless_done(self) -> Iterator[None]:
        """Remember it when a command, or showing it, does not come to its end."""
        try:
            yield
        except (TestError, RigFileError):  # refused here: nothing was sent
            raise
        except BaseException as error:
            self._reason = self._reason or str(error) or type(error).__name__
            raise

    def settle(self) -> list[str]:
        """Look, where there is doubt; return since when the ECUs may have seen something else."""
        if not self._reason:
            return []
        self._look()
        reason, self._reason = self._reason, ""
        return [f"a command has failed, and simulated ECUs may not have seen what it did: {reason}"]


class MirroredSupply(LimitedSupply):
    """A supply that keeps within its limits, and whose outputs the simulated ECUs see."""

    def __init__(
        self, supply: PowerSupply, limits: SupplyLimits, outputs: Mapping[int, SupplyOutput], paced: PacedKernel
    ) -> None:
        super().__init__(supply, limits)
        self._outputs = outputs
        self._paced = paced
        self._doubt = _Doubt(self.look)

    def look(self) -> None:
        """Show how the outputs are programmed now: somebody may have left them on."""
        for number in self._outputs:
            self._show(number, voltage=self.programmed_voltage(number), on=self.output_is_on(number))

    def errors(self) -> list[str]:
        """Read and empty the supply's error queue; where a command has failed, look what has become of it.

        Raises:
            InstrumentError: the supply does not say, and what simulated ECUs see stays in doubt.
        """
        return [*super().errors(), *self._doubt.settle()]

    def set_voltage(self, output: int, volts: float) -> None:
        """Programme the voltage in volts.

        Raises:
            TestError: negative, no finite number or above the limit; nothing was sent.
        """
        with self._doubt.unless_done():
            super().set_voltage(output, volts)
            self._show(output, voltage=volts)

    def switch_output(self, output: int, *, on: bool) -> None:
        """Connect the output or cut it off.

        Raises:
            BenchError: it was to be switched on and is programmed beyond a limit; it was left as it is.
        """
        with self._doubt.unless_done():
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
        self._doubt = _Doubt(self.look)
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

    def errors(self) -> list[str]:
        """Read and empty its error queue; where a command has failed, look what has become of it.

        Raises:
            InstrumentError: it does not say, and what simulated ECUs see stays in doubt.
        """
        return [*self._matrix.errors(), *self._doubt.settle()]

    def close_channel(self, channel: int) -> None:
        """Close a relay; it has moved when this returns."""
        with self._doubt.unless_done():
            self._matrix.close_channel(channel)
            self._show(channel, closed=True)

    def open_channel(self, channel: int) -> None:
        """Open a relay; it has moved when this returns."""
        with self._doubt.unless_done():
            self._matrix.open_channel(channel)
            self._show(channel, closed=False)

    def open_all(self) -> None:
        """Open all relays."""
        with self._doubt.unless_done():
            self._matrix.open_all()
            for channel in self._relays:
                self._show(channel, closed=False)

    def _show(self, channel: int, *, closed: bool) -> None:
        if channel in self._relays:
            relay = self._relays[channel]
            with self._paced.held():
                (relay.close if closed else relay.open)()
