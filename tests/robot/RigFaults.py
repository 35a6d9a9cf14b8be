"""Faults of the rig itself, which no keyword can make."""

from typing import Any

from robot.libraries.BuiltIn import BuiltIn

from harness.instruments.limits import LimitedSupply


class RigFaults:
    def leave_an_error_in_the_supply(self) -> None:
        """As if something else than the harness had sent a wrong command."""
        _supply()._supply._session.write("NONSENSE")  # type: ignore[attr-defined]

    def break_the_supply(self) -> None:
        """As if its cable had been pulled."""
        _supply().close()

    def programmed_voltage_is(self, volts: float) -> None:
        assert _supply().programmed_voltage(1) == volts


def _supply() -> LimitedSupply:
    library: Any = BuiltIn().get_library_instance("harness.Hil")
    (listener,) = library.ROBOT_LIBRARY_LISTENER
    supply = listener._session.rig.instruments["supply"]
    assert isinstance(supply, LimitedSupply)
    return supply
