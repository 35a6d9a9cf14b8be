"""How the car is supplied: terminal 30 from a supply, the other terminals through relays from its rail."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import RigFileError, unknown_name
from harness.instruments.roles import PowerSupply, SwitchMatrix
from harness.rig.rig_file import RigFile, terminal

if TYPE_CHECKING:
    from harness.instruments.roles import Instrument


@dataclass(frozen=True)
class CarSupply:
    """The supply output behind terminal 30, and the relays of the other nets."""

    name: str
    """Name of the supply on the rig."""
    supply: PowerSupply
    output: int
    relays: Mapping[str, tuple[SwitchMatrix, int]]
    """Net: the switch matrix and channel that connect it."""

    @property
    def matrices(self) -> list[SwitchMatrix]:
        """The switch matrices that the car's relays are on."""
        return list({id(matrix): matrix for matrix, _ in self.relays.values()}.values())

    def switch_on(self, voltage: float, current_limit: float) -> None:
        """Set voltage (V) and current limit (A), then switch the output on."""
        self.supply.set_voltage(self.output, voltage)
        self.supply.set_current_limit(self.output, current_limit)
        self.supply.switch_output(self.output, on=True)

    def switch(self, *, on: bool) -> None:
        """Switch the output as it is set."""
        self.supply.switch_output(self.output, on=on)

    def close(self, net: str) -> None:
        """Connect a net to the rail that feeds it."""
        matrix, channel = self._relay(net)
        matrix.close_channel(channel)

    def open(self, net: str) -> None:
        """Disconnect a net from the rail that feeds it."""
        matrix, channel = self._relay(net)
        matrix.open_channel(channel)

    def _relay(self, net: str) -> tuple[SwitchMatrix, int]:
        if net not in self.relays:
            raise RigFileError(unknown_name("net behind a relay", net, self.relays))
        return self.relays[net]


def wire_car_supply(rig: RigFile, instruments: "Mapping[str, Instrument]") -> CarSupply:
    """Find the supply and the relays of the car in the rig's wiring.

    Raises:
        RigFileError: an instrument in the wiring does not fill the role that it has there.
    """
    feed = rig.supply.net
    while feed in rig.nets:
        feed = rig.nets[feed].fed_by
    name, output = terminal(feed)
    supply = instruments[name]
    if not isinstance(supply, PowerSupply):
        raise RigFileError(f"{rig.path}: {feed} feeds {rig.supply.net}, but {name} is no supply")
    relays: dict[str, tuple[SwitchMatrix, int]] = {}
    for net, facts in rig.nets.items():
        if facts.relay:
            matrix_name, channel = terminal(facts.relay)
            matrix = instruments[matrix_name]
            if not isinstance(matrix, SwitchMatrix):
                raise RigFileError(f"{rig.path}: nets.{net}.relay: {matrix_name} is no switch matrix")
            relays[net] = matrix, channel
    return CarSupply(name, supply, output, relays)
