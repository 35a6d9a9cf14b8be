"""Keywords by which a rig proves itself, with a rig that has faults."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from robot import result

from harness.errors import TestError
from harness.results.verdict import Verdict, verdict_of
from tests.keywords.conftest import RIG

Robot = Callable[..., dict[str, result.TestCase]]

BOTH_WAYS = "Proof\n    Power Up\n    Wait    1 s\n    Prove Bus Both Ways    chassis\n"
STAMPS = "Proof\n    Power Up\n    Wait    1 s\n    Prove Time Stamps    chassis\n"


@pytest.fixture
def faulty(tmp_path: Path) -> Callable[[str, str], Path]:
    """A rig with a fault."""

    def rig(part: str, defect: str) -> Path:
        shutil.copytree(RIG.parent, tmp_path / "rigs")
        path = tmp_path / "rigs" / RIG.name
        path.write_text(path.read_text(encoding="utf-8") + f"\ndefects: {{{part}: [{defect}]}}\n", encoding="utf-8")
        return path

    return rig


def test_an_instrument_says_who_it_is(call: Callable[..., Any]) -> None:
    assert call("Get Instrument Identity", "supply").startswith("ROHDE&SCHWARZ,HMP4040,")
    with pytest.raises(TestError, match="Argument 'instrument': no instrument 'suply'; did you mean 'supply'"):
        call("Get Instrument Identity", "suply")


def test_a_healthy_rig_proves_itself(robot: Robot) -> None:
    for test in (BOTH_WAYS, STAMPS):
        assert verdict_of(robot(test)["Proof"]) is Verdict.PASS


@pytest.mark.parametrize(
    ("test", "defect", "reason"),
    [
        (BOTH_WAYS, "sends nothing", "bus chassis: the tester has not heard its own frame within 1 s"),
        (BOTH_WAYS, "hears nothing", "bus chassis: the tester has not heard a frame of others within 1 s"),
        (STAMPS, "hears nothing", "bus chassis: no frame came in 1 s"),
        (STAMPS, "stamps late", "bus chassis: a frame is stamped "),
    ],
)
def test_a_fault_of_the_rig_is_an_error(
    robot: Robot, faulty: Callable[[str, str], Path], test: str, defect: str, reason: str
) -> None:
    proof = robot(test, rig=faulty("chassis", defect))["Proof"]
    assert reason in proof.message
    assert verdict_of(proof) is Verdict.ERROR


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("chassis", "bus chassis has no defect 'broken'. Known: hears nothing, sends nothing, stamps late"),
        ("supply", "no defect 'broken'. Known: no serial, reads too little"),
        ("chasis", "no ECU, instrument or bus 'chasis'; did you mean 'chassis'"),
    ],
)
def test_an_unknown_fault_is_named(robot: Robot, faulty: Callable[[str, str], Path], part: str, reason: str) -> None:
    proof = robot(BOTH_WAYS, rig=faulty(part, "broken"))["Proof"]
    assert reason in proof.message
