"""Finds what somebody has left on, and switches it off: nothing of a rig is live before a test has asked for it."""

from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.instruments.registry import SERIAL_DRIVERS, driver_class
from harness.instruments.roles import PowerSupply, SwitchMatrix
from harness.rig.rig_file import RigFile, terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.instruments.roles import Instrument


def switch_off(facts: RigFile, instruments: "Mapping[str, Instrument]") -> str:
    """Switch off the outputs that feed a net, then open the relays, where they are on; say what was found.

    Of a relay card all relays count, as its safe state opens all of them. Each instrument that has been opened is
    asked; one that fails does not keep the next from being switched off.

    Returns:
        What was live, and what could not be switched off, in words; empty when all was off.
    """
    found: list[str] = []
    outputs = {net.fed_by for net in facts.nets.values() if net.fed_by not in facts.nets}
    relays = {net.relay for net in facts.nets.values() if net.relay}
    relays |= {
        f"{name}.{number}"
        for name, entry in facts.instruments.items()
        if entry.model in SERIAL_DRIVERS
        for numbers in driver_class(entry.model, name).channels
        for number in numbers
    }
    relays |= {meter.bypass for meter in facts.meters.values() if meter.bypass}
    for place in sorted(outputs) + sorted(relays):
        name, number = terminal(place)
        instrument = instruments.get(name)
        try:
            if isinstance(instrument, PowerSupply) and instrument.output_is_on(number):
                instrument.switch_output(number, on=False)
                found.append(f"{name} output {number} was on and was switched off")
            elif isinstance(instrument, SwitchMatrix) and instrument.is_closed(number):
                instrument.open_channel(number)
                found.append(f"relay {place} was closed and was opened")
        except HarnessError as error:
            found.append(f"{place} may be on: {error}")
    return "; ".join(found)
