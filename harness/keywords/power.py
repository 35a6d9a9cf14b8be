"""Keywords for the supply of the car: terminals, supply voltage, supply current."""

from typing import TYPE_CHECKING, Annotated, Literal

from robot.api.deco import keyword

from harness.keywords.judgement import Allowed, between, judge, limit_of
from harness.quantities import Current, Duration, Voltage, format_quantity

if TYPE_CHECKING:
    from harness.keywords.session import Session


class PowerKeywords:
    """The supply and the terminals of the car."""

    def __init__(self, session: "Session") -> None:
        self._session = session

    @keyword
    def power_up(self) -> None:
        """Sets the supply to the rig's nominal voltage and current limit, and switches terminal 30 and ignition on.

        What a test needs first, as its setup.

        Example:
        | `Power Up`
        """
        rig = self._session.rig
        rig.power_up()
        rig.switch_power_mode("on")

    @keyword
    def power_down(self) -> None:
        """Switches the ignition off, waits for the after-run of the ECUs, then switches terminal 30 off at the supply.

        Example:
        | `Power Down`
        """
        self._session.rig.power_down()

    @keyword
    def switch_ignition(self, mode: Literal["off", "accessory", "on"]) -> None:
        """Takes the steps of the vehicle for a power mode: relays, messages and delays, as its `vehicle.yaml` says.

        Example:
        | `Switch Ignition`    on
        """
        self._session.rig.switch_power_mode(mode)

    @keyword
    def set_supply_voltage(self, voltage: Voltage) -> None:
        """Sets the voltage of terminal 30 at the output of the supply.

        It is refused beyond the limit of the rig, before anything is sent.

        Example:
        | `Set Supply Voltage`    8.5 V
        """
        supply = self._session.rig.supply
        supply.supply.set_voltage(supply.output, voltage)

    @keyword
    def set_current_limit(self, current: Current) -> None:
        """Sets the current at which the supply begins to reduce its voltage.

        Example:
        | `Set Current Limit`    4 A
        """
        supply = self._session.rig.supply
        supply.supply.set_current_limit(supply.output, current)

    @keyword
    def interrupt_supply(self, duration: Duration) -> None:
        """Switches terminal 30 off at the supply for a time, then on again.

        The supply takes some milliseconds for each command; the interruption is longer by that. A line with a relay
        is interrupted faster: `Interrupt Line For`.

        Example:
        | `Interrupt Supply`    200 ms
        """
        rig = self._session.rig
        rig.supply.switch(on=False)
        rig.clock.sleep(duration.ns)
        rig.supply.switch(on=True)

    @keyword
    def open_line(self, line: str) -> None:
        """Interrupts a line of the rig, such as the supply of one ECU, until `Close Line` or the end of the test.

        ``line`` is an ECU and its pin, or the net that the rig file names. It needs a relay in the line.

        Example:
        | `Open Line`    HeadUnit.KL30
        """
        self._session.rig.open_line(line)

    @keyword
    def close_line(self, line: str) -> None:
        """Connects a line again.

        Example:
        | `Close Line`    HeadUnit.KL30
        """
        self._session.rig.close_line(line)

    @keyword
    def interrupt_line_for(self, line: str, duration: Duration) -> None:
        """Interrupts a line for a time.

        The relay takes some milliseconds to move; the interruption differs by that.

        Example:
        | `Interrupt Line For`    HeadUnit.KL30    100 ms
        """
        rig = self._session.rig
        rig.open_line(line)
        rig.clock.sleep(duration.ns)
        rig.close_line(line)

    @keyword
    def measure_supply_voltage(self) -> Annotated[float, Voltage]:
        """Returns the voltage at the output of the supply, in volts.

        Example:
        | ${volts} =    `Measure Supply Voltage`
        """
        supply = self._session.rig.supply
        return supply.supply.measure_voltage(supply.output)

    @keyword
    def measure_supply_current(self) -> Annotated[float, Current]:
        """Returns the current that the supply delivers, in amperes.

        Example:
        | ${amperes} =    `Measure Supply Current`
        """
        supply = self._session.rig.supply
        return supply.supply.measure_current(supply.output)

    @keyword
    def supply_voltage_should_be_between(self, low: Voltage, high: Voltage) -> None:
        """Judges the voltage that the supply measures at its output.

        Example:
        | `Supply Voltage Should Be Between`    13.4 V    13.6 V
        """
        self._judge("supply voltage", self.measure_supply_voltage(), between(low, high))

    @keyword
    def supply_voltage_should_meet(self, limit: str) -> None:
        """Judges the voltage at the output of the supply by a limit of the vehicle.

        Example:
        | `Supply Voltage Should Meet`    supply_voltage
        """
        self._judge("supply voltage", self.measure_supply_voltage(), limit_of(self._session, limit, Voltage))

    @keyword
    def supply_current_should_be_between(self, low: Current, high: Current) -> None:
        """Judges the current that the supply delivers.

        Example:
        | `Supply Current Should Be Between`    0.5 A    3 A
        """
        self._judge("supply current", self.measure_supply_current(), between(low, high))

    @keyword
    def supply_current_should_meet(self, limit: str) -> None:
        """Judges the current that the supply delivers by a limit of the vehicle.

        Example:
        | `Supply Current Should Meet`    running_current
        """
        self._judge("supply current", self.measure_supply_current(), limit_of(self._session, limit, Current))

    def _judge(self, name: str, value: float, allowed: Allowed) -> None:
        supply = self._session.rig.supply
        judge(
            self._session,
            name,
            value=value,
            allowed=allowed,
            holds=allowed.holds(value),
            actual=f"it was {format_quantity(value, allowed.unit)}",
            source=f"instrument:{supply.name} output {supply.output}",
            instrument=supply.supply.identity,
        )
