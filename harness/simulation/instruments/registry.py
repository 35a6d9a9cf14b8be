"""Which simulated instruments there are, by the model that rig files name. Imported when one is built."""

from collections.abc import Mapping
from importlib import import_module
from typing import cast

from harness.errors import RigFileError, unknown_name
from harness.simulation.instruments.scpi_instrument import ScpiInstrument
from harness.simulation.kernel import Kernel
from harness.simulation.plant import Net, Relay, SupplyOutput
from harness.simulation.series_input import SeriesInput

SUPPLIES = {"rohde-schwarz-hmp4040": "harness.simulation.instruments.rohde_schwarz_hmp4040:RohdeSchwarzHMP4040"}
SWITCH_MATRICES = {"keysight-34970a": "harness.simulation.instruments.keysight_34970a:Keysight34970A"}
METERS = {
    "keithley-2450": "harness.simulation.instruments.keithley_2450:Keithley2450",
    "keysight-34465a": "harness.simulation.instruments.keysight_34465a:Keysight34465A",
}


def build_instrument(
    name: str,
    model: str,
    kernel: Kernel,
    *,
    outputs: Mapping[int, SupplyOutput],
    relays: Mapping[int, Relay],
    inputs: Mapping[str, Net | SeriesInput],
) -> ScpiInstrument:
    """Build the simulated instrument of a model, wired to these outputs, relays or nets of the plant.

    Raises:
        RigFileError: there is no such model, or it has no such outputs, relays or inputs.
    """
    known = {**SUPPLIES, **SWITCH_MATRICES, **METERS}
    if model not in known:
        raise RigFileError(f"{name}: {unknown_name('simulated instrument', model, known)}")
    wiring: Mapping[int, object] | Mapping[str, object] = {}
    for models, kind, wired in (
        (SUPPLIES, "supply outputs", outputs),
        (SWITCH_MATRICES, "relays", relays),
        (METERS, "inputs of a meter", inputs),
    ):
        if model in models:
            wiring = wired
        elif wired:
            raise RigFileError(f"{name} is a {model}: it has no {kind}, but the wiring names {sorted(wired)}")
    module, _, class_name = known[model].partition(":")
    try:
        return cast("ScpiInstrument", getattr(import_module(module), class_name)(kernel, wiring))
    except ValueError as error:
        raise RigFileError(f"{name}: {error}") from error
