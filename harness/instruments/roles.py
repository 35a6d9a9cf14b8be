"""Roles of instruments: the verbs that the rest of the harness knows."""

from typing import Protocol, runtime_checkable

from harness.instruments.waveform import Waveform, Window


class Instrument(Protocol):
    """What every instrument can do. All verbs raise InstrumentError where it does not do what it is asked."""

    @property
    def role(self) -> str:
        """What the rig file calls it."""

    @property
    def identity(self) -> str:
        """Manufacturer, model, serial number and firmware as it states them itself: its answer to `*IDN?`."""

    def errors(self) -> list[str]:
        """Read and empty its error queue."""

    def close(self) -> None:
        """End the session; outputs and relays stay as they are. Closing twice is harmless."""


@runtime_checkable
class PowerSupply(Instrument, Protocol):
    """A supply with numbered outputs."""

    def set_voltage(self, output: int, volts: float) -> None:
        """Programme the voltage in volts; it is at the terminals at once if the output is on."""

    def set_current_limit(self, output: int, amperes: float) -> None:
        """Programme the current in amperes above which the output lowers its voltage."""

    def switch_output(self, output: int, *, on: bool) -> None:
        """Connect the output or cut it off; no other output changes."""

    def output_is_on(self, output: int) -> bool:
        """Read back whether the output is on."""

    def programmed_voltage(self, output: int) -> float:
        """Read back the programmed voltage in volts."""

    def programmed_current_limit(self, output: int) -> float:
        """Read back the programmed current limit in amperes."""

    def measure_voltage(self, output: int) -> float:
        """Measure the voltage at the terminals in volts."""

    def measure_current(self, output: int) -> float:
        """Measure the current delivered in amperes."""


@runtime_checkable
class SwitchMatrix(Instrument, Protocol):
    """Relays, each with a channel number."""

    def close_channel(self, channel: int) -> None:
        """Close a relay; it has moved when this returns."""

    def open_channel(self, channel: int) -> None:
        """Open a relay; it has moved when this returns."""

    def is_closed(self, channel: int) -> bool:
        """Read back what the relay was last told; a welded contact does not show."""

    def open_all(self) -> None:
        """Open all relays."""


@runtime_checkable
class Voltmeter(Instrument, Protocol):
    """A meter of voltage, connected to one place. Its verbs have other names than those of a supply."""

    def measure_dc_voltage(self) -> float:
        """Measure the voltage at its terminals in volts."""


@runtime_checkable
class Ammeter(Instrument, Protocol):
    """A meter of current, connected to one place. A multimeter is a voltmeter and an ammeter."""

    @property
    def highest_current(self) -> float:
        """Amperes that may flow through it."""

    def measure_dc_current(self) -> float:
        """Measure the current through its terminals in amperes."""


@runtime_checkable
class Oscilloscope(Instrument, Protocol):
    """Numbered inputs, of which one is captured once, when its voltage crosses a level."""

    def arm(self, channel: int, attenuation: float, window: Window) -> None:
        """Set up one input, behind a probe that divides the voltage by `attenuation`, and begin to wait."""

    def is_armed(self) -> bool:
        """Read once whether it has come to wait for the crossing; it first fills the time before."""

    def has_captured(self) -> bool:
        """Read whether the crossing came, and all of the window was captured."""

    def waveform(self, channel: int) -> Waveform:
        """Read back what was captured."""

    def measure_minimum(self, channel: int) -> float:
        """Let it measure the lowest voltage captured, in volts."""

    def measure_maximum(self, channel: int) -> float:
        """Let it measure the highest voltage captured, in volts."""
