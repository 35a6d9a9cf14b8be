"""Every test of `suites` can fail: for each there is a defect that makes it fail, and leaves the others alone.

With each defect the suites are run that have tests for it; all suites are run in the soak tests, where defects that
take the ground from under other tests fail those, too.
"""

import io
import re
import shutil
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from robot import result, running
from robot.run import run  # type: ignore[import-untyped]  # Robot has types for its api only
from ruamel.yaml import YAML

from harness.results.verdict import Verdict, verdict_of
from harness.simulation.ecus.body_controller import BodyController
from harness.simulation.ecus.gateway import Gateway
from harness.simulation.ecus.head_unit import HeadUnit
from harness.simulation.ecus.instrument_cluster import InstrumentCluster
from harness.simulation.ecus.network_node import NetworkNode
from harness.simulation.ecus.rest_bus import RestBus
from harness.simulation.ecus.telematics_box import TelematicsBox
from harness.tables import make_tests
from harness.vehicle import read_vehicle

ROOT = Path(__file__).parents[2]
RIG = "rx5-virtual"
MATRIX: dict[str, dict[str, list[str]]] = YAML(typ="safe").load(Path(__file__).with_name("defects.yaml"))
ELSEWHERE: dict[str, dict[str, list[str]]] = YAML(typ="safe").load(Path(__file__).with_name("defects_elsewhere.yaml"))
CAR = read_vehicle(ROOT / "rigs" / "vehicles" / "roewe-rx5")
LIMITS = CAR.limits
METERS = {"head unit current", "head unit parked current", "head unit terminal 30"}
SUBJECTS = {
    *(*CAR.signals, *CAR.protection, *CAR.buses, *CAR.routes),
    *("supply current", *METERS, "head unit console", "telematics console"),
    *("DrvrDoorOpenStsHSC2", "DipdBeamLghtOnHSC2", "DrvrSbltAtcHSC2", "AirbagDplHSC2", "DDM_Switches"),
}
"""What a judgement of the suites can be about: signals, messages, buses, routes, currents, and logs."""
BLOCKS_THE_RUN = {"wrong version"}
"""Defects that no test has to find: the rig does not open for a unit that is not the one declared."""
MESSAGE = re.compile(
    r"(?P<subject>.+?): expected (?P<allowed>.+?), but (?P<actual>.+?)"
    r"(; limit (?P<limit>\w+), (?P<limit_source>.+?))?"
    r"; source (can:(chassis|body|backbone)(/0x[0-9A-F]+)?(@.+ s)?|instrument:supply output 1"
    r"|console:(head unit|telematics) console(@.+ s)?"
    r"|instrument:(ammeter|source meter, mean of \d+ readings during 20 s), the current in HeadUnit\.KL30"
    r"|instrument:scope input 1, the voltage at HeadUnit\.KL30, captures/Suites[\w.]*\.\d\.svg)"
)
CASES = [(part, defect, tests) for part, defects in MATRIX.items() for defect, tests in defects.items()]
IDS = [f"{part}: {defect}" for part, defect, _ in CASES]
OWN_DEFECTS = {
    "head unit": set(HeadUnit.DEFECTS) - BLOCKS_THE_RUN,
    "body controller": set(BodyController.DEFECTS) - set(NetworkNode.DEFECTS),
    "gateway": set(Gateway.DEFECTS) - set(NetworkNode.DEFECTS),
    "instrument cluster": set(InstrumentCluster.DEFECTS) - set(NetworkNode.DEFECTS),
    "telematics box": set(TelematicsBox.DEFECTS) - set(NetworkNode.DEFECTS),
}
OF_THE_RIG = {"supply", "voltmeter", "relay card", *CAR.buses}
"""What the car does not consist of: its defects are ERROR, by Robot's own words."""
FEW_CYCLES = "CYCLES:2"
"""Of the endurance test: a defect shows in the first one."""


@dataclass
class Results:
    """Listener that keeps the results; the library gives the verdicts after the test has ended for it."""

    ROBOT_LISTENER_API_VERSION = 3
    tests: dict[str, result.TestCase] = field(default_factory=dict)

    def end_test(self, data: running.TestCase, result: result.TestCase) -> None:
        assert data.name not in self.tests, f"two tests are called {data.name!r}"
        self.tests[data.name] = result


def _tests() -> dict[str, running.TestCase]:
    whole = running.TestSuite.from_file_system(ROOT / "suites")
    make_tests(whole)
    return {test.name: test for test in whole.all_tests}


TESTS = _tests()
SUITES = {name: test.source.relative_to(ROOT / "suites").as_posix() for name, test in TESTS.items()}
"""The file of each test, from `suites` on."""


def run_suites(folder: Path, defects: str = "", suites: Collection[str] = (".",)) -> dict[str, result.TestCase]:
    rigs = folder / "rigs"
    shutil.copytree(ROOT / "rigs", rigs)
    rig = rigs / f"{RIG}.yaml"
    rig.write_text(rig.read_text(encoding="utf-8") + defects, encoding="utf-8")
    results = Results()
    run(
        *(str(ROOT / "suites" / suite) for suite in sorted(suites)),
        name="Suites",
        variable=[f"RIG:{rig}", FEW_CYCLES],
        listener=[results],
        outputdir=str(folder),
        output="NONE",
        log="NONE",
        report="NONE",
        console="none",
        stdout=io.StringIO(),
    )
    return results.tests


def test_all_pass_without_defects(tmp_path: Path) -> None:
    healthy = run_suites(tmp_path)
    assert {name: test.message for name, test in healthy.items() if not test.passed} == {}
    assert len(healthy) >= 10


def test_every_test_has_a_defect_and_every_defect_a_test() -> None:
    assert {test for _, _, tests in CASES for test in tests} == set(SUITES)
    assert {part: own - set(MATRIX[part]) for part, own in OWN_DEFECTS.items()} == {part: set() for part in OWN_DEFECTS}
    assert set(MATRIX["head unit"]) == OWN_DEFECTS["head unit"]
    of_networks = set(NetworkNode.DEFECTS) - set(RestBus.DEFECTS)
    assert of_networks <= {defect for _, defect, _ in CASES}
    assert all(tests for _, _, tests in CASES)


def test_every_test_names_requirement_and_system() -> None:
    for name, test in TESTS.items():
        assert any(tag.startswith("req:") for tag in test.tags), name
        assert any(tag.startswith("system:") for tag in test.tags), name


def check(part: str, defect: str, expected: list[str], folder: Path, suites: Collection[str]) -> None:
    tests = run_suites(folder, f"\ndefects: {{{part}: [{defect}]}}\n", suites)
    failed = {name: test for name, test in tests.items() if not test.passed}
    assert sorted(failed) == sorted(expected), {name: test.message for name, test in failed.items()}
    for name, test in failed.items():
        if part in OF_THE_RIG:
            assert verdict_of(test) is Verdict.ERROR, f"{name}: {test.message}"
            continue
        assert verdict_of(test) is Verdict.FAIL, f"{name}: {test.message}"
        said = MESSAGE.fullmatch(test.message.removeprefix("Setup failed:\n"))
        assert said, test.message
        assert any(known in said["subject"] for known in SUBJECTS), test.message
        if said["allowed"].startswith(("at most", "at least")) or " to " in said["allowed"]:
            assert said["limit"] or needs_no_limit(said["subject"]), test.message
            limit = LIMITS.get(said["limit"] or "")
            assert limit is None or said["limit_source"] == f"{limit.source} [{limit.tag}]", test.message


def needs_no_limit(subject: str) -> bool:
    """Say whether the suite itself may give the bound: what must never be, or a step on the way to what is judged."""
    return subject.startswith(("frames on", "messages missing on", "time until", "last frame", "InstrumentCluster"))


@pytest.mark.parametrize(("part", "defect", "expected"), CASES, ids=IDS)
def test_defect_fails_its_tests_and_no_other_of_their_suites(
    part: str, defect: str, expected: list[str], tmp_path: Path
) -> None:
    check(part, defect, expected, tmp_path, {SUITES[test] for test in expected})


@pytest.mark.soak
@pytest.mark.parametrize(("part", "defect", "expected"), CASES, ids=IDS)
def test_defect_fails_its_tests_and_no_other(part: str, defect: str, expected: list[str], tmp_path: Path) -> None:
    tests = run_suites(tmp_path, f"\ndefects: {{{part}: [{defect}]}}\n")
    failed = {name: test for name, test in tests.items() if not test.passed}
    elsewhere = ELSEWHERE.get(part, {}).get(defect, [])
    assert sorted(failed) == sorted([*expected, *elsewhere]), {name: test.message for name, test in failed.items()}
    assert {verdict_of(test) for test in failed.values()} <= {Verdict.FAIL, Verdict.ERROR}
