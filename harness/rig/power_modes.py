"""Switches the car off, to accessory or on, step by step as its `vehicle.yaml` says."""

from collections.abc import Callable

from harness.clock import Clock
from harness.rig.car_supply import CarSupply
from harness.vehicle import CloseStep, OpenStep, PowerStep, SignalStep, SupplyStep, Vehicle, WaitStep


def take_steps(
    steps: tuple[PowerStep, ...], supply: CarSupply, clock: Clock, set_signal: Callable[[str, str], None]
) -> None:
    """Take the steps of a power mode, in their order: supply output, relays, signals on the bus, delays."""
    for step in steps:
        match step:
            case SupplyStep():
                supply.switch(on=step.supply == "on")
            case CloseStep():
                supply.close(step.close)
            case OpenStep():
                supply.open(step.open)
            case WaitStep():
                clock.sleep(step.wait.ns)
            case SignalStep():
                for name, value in step.signal.items():
                    set_signal(name, str(value))


def check_steps(vehicle: Vehicle, nets: frozenset[str]) -> list[str]:
    """Return what the vehicle's power modes need and the rig does not have."""
    return [
        f"power mode {mode!r} switches {net}, but no relay of the rig does"
        for mode, steps in vehicle.power_modes.items()
        for net in (
            step.close if isinstance(step, CloseStep) else step.open if isinstance(step, OpenStep) else None
            for step in steps
        )
        if net is not None and net not in nets
    ]
