"""A kernel, a plant on it, and one output of a supply."""

import pytest

from harness.simulation.kernel import Kernel
from harness.simulation.plant import Plant, SupplyOutput

SLEW = 1000.0


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


@pytest.fixture
def plant(kernel: Kernel) -> Plant:
    return Plant(kernel)


@pytest.fixture
def output(plant: Plant) -> SupplyOutput:
    return plant.add_output("supply.1", slew=SLEW)
