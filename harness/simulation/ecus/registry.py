"""Which models of ECUs there are, by the name that rig files use. Imported when one is built."""

from importlib import import_module
from typing import cast

from harness.errors import RigFileError, unknown_name
from harness.simulation.ecus.ecu import EcuContext
from harness.simulation.ecus.rest_bus import RestBus

MODELS = {
    "rest-bus": "harness.simulation.ecus.rest_bus:RestBus",
    "network-node": "harness.simulation.ecus.network_node:NetworkNode",
    "body-controller": "harness.simulation.ecus.body_controller:BodyController",
    "gateway": "harness.simulation.ecus.gateway:Gateway",
    "instrument-cluster": "harness.simulation.ecus.instrument_cluster:InstrumentCluster",
    "telematics-box": "harness.simulation.ecus.telematics_box:TelematicsBox",
    "head-unit": "harness.simulation.ecus.head_unit:HeadUnit",
}


def build_ecu(model: str, context: EcuContext) -> RestBus:
    """Build the model of an ECU; it works as soon as its supply pins have voltage.

    Raises:
        RigFileError: there is no such model; says which there are.
    """
    if model not in MODELS:
        raise RigFileError(f"{context.name}: {unknown_name('ECU model', model, MODELS)}")
    module, _, name = MODELS[model].partition(":")
    return cast("RestBus", getattr(import_module(module), name)(context))
