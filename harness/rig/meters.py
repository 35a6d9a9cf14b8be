"""What is measured on a rig beside its supply: multimeters, and the nets that they are connected to."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import TestError
from harness.instruments.roles import Multimeter
from harness.quantities import Current, Quantity
from harness.rig.rig_file import RigFile
from harness.yaml_file import error_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.instruments.roles import Instrument


@dataclass(frozen=True)
class Meter:
    """A multimeter at its place."""

    name: str
    """What suites call the place."""
    multimeter: Multimeter
    kind: type[Quantity]
    """What it measures there: a current or a voltage."""
    net: str

    def __str__(self) -> str:
        return f"the {self.kind.noun()} {'in' if self.kind is Current else 'at'} {self.net}"

    def measure(self, kind: type[Quantity]) -> float:
        """Measure, in amperes or volts.

        Raises:
            TestError: it is connected for another kind of quantity.
        """
        if kind is not self.kind:
            raise TestError(f"{self.name} is {self}; a {kind.noun()} cannot be measured there")
        meter = self.multimeter
        return meter.measure_dc_current() if kind is Current else meter.measure_dc_voltage()


def wire_meters(rig: RigFile, instruments: "Mapping[str, Instrument]") -> dict[str, Meter]:
    """Find the multimeters of the rig's wiring.

    Raises:
        RigFileError: an instrument that is to measure is no multimeter.
    """
    meters: dict[str, Meter] = {}
    for name, facts in rig.meters.items():
        multimeter = instruments[facts.instrument]
        if not isinstance(multimeter, Multimeter):
            raise error_in(rig.path, {("meters", name, "instrument"): f"{facts.instrument} is no multimeter"})
        meters[name] = Meter(name, multimeter, facts.kind, facts.net)
    return meters
