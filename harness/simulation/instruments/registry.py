"""Which simulated instruments there are, by the model that rig files name. Imported when one is built."""

from collections.abc import Mapping
from importlib import import_module
from typing import cast

from harness.errors import RigFileError, unknown_name
from harness.simulation.instruments.modbus_relay_card import ModbusRelayCard
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
RELAY_CARDS = {"modbus-relay-card": "harness.simulation.instruments.modbus_relay_card:ModbusRelayCard"}
"""Those on serial lines."""
OSCILLOSCOPES = {"keysight-dsox1204g": "harness.simulation.instruments.keysight_dsox1204g:KeysightDSOX1204G"}


def build_relay_card(name: str, model: str, kernel: Kernel, relays: Mapping[int, Relay]) -> ModbusRelayCard:
    """Build the simulated relay card of a model, wired to these relays of the plant.

    Raises:
        RigFileError: it has no such relays.
    """
    module, _, class_name = RELAY_CARDS[model].partition(":")
    try:
        return cast("ModbusRelayCard", getattr(import_module(module), class_name)(kernel, relays))
    except ValueError as error:
        raise RigFileError(f"{name}: {error}") from error


def build_instrument(
    name: str,
    model: str,
    kernel: Kernel,
    *,
    outputs: Mapping[int, SupplyOutput],
    relays: Mapping[int, Relay],
    inputs: Mapping[str, Net | SeriesInput],
    probes: Mapping[int, Net],
) -> ScpiInstrument:
    """Build the simulated instrument of a model, wired to these outputs, relays or nets of the plant.

    Raises:
        RigFileError: there is no such model, or it has no such outputs, relays or inputs.
    """
    known = {**SUPPLIES, **SWITCH_MATRICES, **METERS, **OSCILLOSCOPES}
    if model not in known:
        raise RigFileError(f"{name}: {unknown_name('simulated instrument', model, known)}")
    wiring: Mapping[int, object] | Mapping[str, object] = {}
    for models, kind, wired in (
        (SUPPLIES, "supply outputs", outputs),
        (SWITCH_MATRICES, "relays", relays),
        (METERS, "inputs of a meter", inputs),
        (OSCILLOSCOPES, "probes", probes),
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
