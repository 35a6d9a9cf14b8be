"""How the car is supplied: terminal 30 from a supply, the other terminals through relays from its rail."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import RigFileError, unknown_name
from harness.instruments.roles import PowerSupply, SwitchMatrix
from harness.rig.rig_file import RigFile, feeding_output, terminal
from harness.yaml_file import error_in

if TYPE_CHECKING:
    from harness.instruments.roles import Instrument


@dataclass(frozen=True)
class SwitchedNet:
    """A net that a relay connects or cuts off."""

    matrix: SwitchMatrix
    channel: int
    is_line: bool
    """Whether it is connected while the relay is at rest: a line that can be interrupted."""


@dataclass(frozen=True)
class CarSupply:
    """The supply output behind terminal 30, and the relays of the other nets."""

    name: str
    """Name of the supply on the rig."""
    supply: PowerSupply
    output: int
    nets: Mapping[str, SwitchedNet]
    """By name."""

    def switch_on(self, voltage: float, current_limit: float) -> None:
        """Set voltage (V) and current limit (A), then switch the output on."""
        self.supply.set_voltage(self.output, voltage)
        self.supply.set_current_limit(self.output, current_limit)
        self.supply.switch_output(self.output, on=True)

    def switch(self, *, on: bool) -> None:
        """Switch the output as it is set."""
        self.supply.switch_output(self.output, on=on)

    @property
    def is_on(self) -> bool:
        """Whether the output is on, as the supply says."""
        return self.supply.output_is_on(self.output)

    def close(self, net: str) -> None:
        """Connect a net to what feeds it."""
        found = self._net(net)
        (found.matrix.open_channel if found.is_line else found.matrix.close_channel)(found.channel)

    def open(self, net: str) -> None:
        """Cut a net off from what feeds it."""
        found = self._net(net)
        (found.matrix.close_channel if found.is_line else found.matrix.open_channel)(found.channel)

    def _net(self, net: str) -> SwitchedNet:
        if net not in self.nets:
            raise RigFileError(unknown_name("net behind a relay", net, self.nets))
        return self.nets[net]


def wire_car_supply(rig: RigFile, instruments: "Mapping[str, Instrument]") -> CarSupply:
    """Find the supply and the relays of the car in the rig's wiring.

    Raises:
        RigFileError: an instrument in the wiring does not fill the role that it has there.
    """
    name, output = feeding_output(rig, rig.supply.net)
    supply = instruments[name]
    if not isinstance(supply, PowerSupply):
        raise error_in(
            rig.path, {("supply", "net"): f"{name}.{output} feeds {rig.supply.net}, but {name} is no supply"}
        )
    nets: dict[str, SwitchedNet] = {}
    for net, facts in rig.nets.items():
        if facts.relay:
            matrix_name, channel = terminal(facts.relay)
            matrix = instruments[matrix_name]
            if not isinstance(matrix, SwitchMatrix):
                raise error_in(rig.path, {("nets", net, "relay"): f"{matrix_name} is no switch matrix"})
            nets[net] = SwitchedNet(matrix, channel, is_line=facts.contact == "normally closed")
    return CarSupply(name, supply, output, nets)
