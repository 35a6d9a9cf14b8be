"""Which simulated instruments there are, by the model that rig files name. Imported when one is built."""

from collections.abc import Mapping
from importlib import import_module
from typing import cast

from harness.errors import RigFileError, unknown_name
from harness.simulation.instruments.scpi_instrument import ScpiInstrument
from harness.simulation.kernel import Kernel
from harness.simulation.plant import Relay, SupplyOutput

SUPPLIES = {"rohde-schwarz-hmp4040": "harness.simulation.instruments.rohde_schwarz_hmp4040:RohdeSchwarzHMP4040"}
SWITCH_MATRICES = {"keysight-34970a": "harness.simulation.instruments.keysight_34970a:Keysight34970A"}


def build_instrument(
    name: str, model: str, kernel: Kernel, outputs: Mapping[int, SupplyOutput], relays: Mapping[int, Relay]
) -> ScpiInstrument:
    """Build the simulated instrument of a model, wired to these outputs or relays of the plant.

    Raises:
        RigFileError: there is no such model, or it has no such outputs or relays.
    """
    if model in SUPPLIES:
        unfit, kind = list(relays), "relays"
    elif model in SWITCH_MATRICES:
        unfit, kind = list(outputs), "supply outputs"
    else:
        raise RigFileError(f"{name}: {unknown_name('simulated instrument', model, {**SUPPLIES, **SWITCH_MATRICES})}")
    if unfit:
        raise RigFileError(f"{name} is a {model}: it has no {kind}, but the wiring names {sorted(unfit)}")
    module, _, class_name = {**SUPPLIES, **SWITCH_MATRICES}[model].partition(":")
    try:
        return cast("ScpiInstrument", getattr(import_module(module), class_name)(kernel, outputs or relays))
    except ValueError as error:
        raise RigFileError(f"{name}: {error}") from error
