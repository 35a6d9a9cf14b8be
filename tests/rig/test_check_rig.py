"""What is known to be wrong with a rig before anything of it is opened."""

import re
from collections.abc import Callable
from pathlib import Path

import can
import pytest

from harness.errors import RigFileError
from harness.rig.check_rig import check_rig

RIGS = [
    path
    for path in sorted((Path(__file__).parents[2] / "rigs").rglob("*.yaml"))
    if "vehicles" not in path.relative_to(Path(__file__).parents[2]).parts
]
ADAPTER = "{channel: simulated}"
SUPPLY = "    model: rohde-schwarz-hmp4040\n"


@pytest.mark.parametrize("path", RIGS, ids=lambda path: path.stem)
def test_nothing_is_wrong_with_any_rig_of_ours(path: Path) -> None:
    rig, vehicle = check_rig(path)
    assert rig.path == path
    assert set(rig.buses) <= set(vehicle.buses)


def test_there_are_example_benches() -> None:
    examples = [check_rig(path)[0] for path in RIGS if path.parent.name == "examples"]
    assert {rig.name for rig in examples} >= {"rx5-bench-vector", "rx5-bench-peak"}
    assert all(not rig.is_virtual and rig.resources for rig in examples)


MISTAKES = {
    "interface": (
        (ADAPTER, "{channel: {interface: vectr, channel: 0}}"),
        r"buses\.chassis\.channel\.interface: no interface of python-can 'vectr'; did you mean 'vector'\? Known: ",
    ),
    "VISA name": (
        (SUPPLY, SUPPLY + "    resource: TCPIP:192.0.2.1::5025::SOCKET\n"),
        r"instruments\.supply\.resource: no VISA resource name and not 'simulated': Could not parse",
    ),
    "misspelt simulated": (
        (SUPPLY, SUPPLY + "    resource: simulatd\n"),
        r"instruments\.supply\.resource: no VISA resource name and not 'simulated': Could not parse simulatd",
    ),
    "VISA port": (
        (SUPPLY, SUPPLY + "    resource: TCPIP::192.0.2.1::70000::SOCKET\n"),
        r"instruments\.supply\.resource: port 70000: must be from 1 to 65535",
    ),
    "VISA port that is no number": (
        (SUPPLY, SUPPLY + "    resource: TCPIP::192.0.2.1::scpi::SOCKET\n"),
        r"instruments\.supply\.resource: port scpi: must be from 1 to 65535",
    ),
    "port of a stream": (
        ("resource: simulated}", "resource: 'tcp://192.0.2.1:0'}"),
        r"streams\.head unit console\.resource: port 0: must be from 1 to 65535",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_an_address_that_nothing_knows_is_named_with_its_line(mistake: str, change: Callable[..., Path]) -> None:
    changed, reason = MISTAKES[mistake]
    path = change(changed)
    with pytest.raises(RigFileError) as error:
        check_rig(path)
    assert re.search(rf"^{re.escape(str(path))}:[1-9][0-9]+: {reason}", str(error.value)), error.value


@pytest.mark.parametrize("interface", sorted(can.VALID_INTERFACES))
def test_every_interface_of_python_can_may_be_named(interface: str, change: Callable[..., Path]) -> None:
    check_rig(change((ADAPTER, f"{{channel: {{interface: {interface}, channel: 0}}}}")))
