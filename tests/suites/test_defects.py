"""Every test of `suites` can fail: for each there is a defect that makes it fail, and leaves the others alone."""

import io
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from robot import result, run, running
from ruamel.yaml import YAML

from harness.results.verdict import Verdict, verdict_of
from harness.simulation.ecus.head_unit import HeadUnit
from harness.vehicle import read_vehicle

ROOT = Path(__file__).parents[2]
RIG = "rx5-virtual"
MATRIX: dict[str, dict[str, list[str]]] = YAML(typ="safe").load(Path(__file__).with_name("defects.yaml"))
CAR = read_vehicle(ROOT / "rigs" / "vehicles" / "roewe-rx5")
LIMITS = CAR.limits
METERS = {"head unit current", "head unit parked current", "head unit terminal 30"}
SUBJECTS = {*CAR.signals, "supply current", *METERS, *CAR.protection, "head unit console"}
"""What a judgement of the suites can be about: signals, currents, messages, and the log."""
BLOCKS_THE_RUN = {"wrong version"}
"""Defects that no test has to find: the rig does not open for a unit that is not the one declared."""
MESSAGE = re.compile(
    r"(?P<subject>.+?): expected (?P<allowed>.+?), but (?P<actual>.+?)"
    r"(; limit (?P<limit>\w+), (?P<limit_source>.+?))?"
    r"; source (can:chassis/0x[0-9A-F]+(@.+ s)?|instrument:supply output 1|console:head unit console(@.+ s)?"
    r"|instrument:(ammeter|source meter, mean of \d+ readings during 20 s), the current in HeadUnit\.KL30"
    r"|instrument:scope input 1, the voltage at HeadUnit\.KL30, captures/Suites\.Power\.Boot_Voltage\.\d\.svg)"
)
CASES = [(ecu, defect, tests) for ecu, defects in MATRIX.items() for defect, tests in defects.items()]


@dataclass
class Results:
    """Listener that keeps the results; the library gives the verdicts after the test has ended for it."""

    ROBOT_LISTENER_API_VERSION = 3
    tests: dict[str, result.TestCase] = field(default_factory=dict)

    def end_test(self, data: running.TestCase, result: result.TestCase) -> None:
        assert data.name not in self.tests, f"two tests are called {data.name!r}"
        self.tests[data.name] = result


def run_suites(folder: Path, defects: str = "") -> dict[str, result.TestCase]:
    rigs = folder / "rigs"
    shutil.copytree(ROOT / "rigs", rigs)
    rig = rigs / f"{RIG}.yaml"
    rig.write_text(rig.read_text(encoding="utf-8") + defects, encoding="utf-8")
    results = Results()
    run(
        str(ROOT / "suites"),
        variable=[f"RIG:{rig}"],
        listener=[results],
        outputdir=str(folder),
        output="NONE",
        log="NONE",
        report="NONE",
        console="none",
        stdout=io.StringIO(),
    )
    return results.tests


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, result.TestCase]:
    return run_suites(tmp_path_factory.mktemp("healthy"))


def test_all_pass_without_defects(healthy: dict[str, result.TestCase]) -> None:
    assert {name: test.message for name, test in healthy.items() if not test.passed} == {}
    assert len(healthy) >= 10


def test_every_test_has_a_defect_and_every_defect_a_test(healthy: dict[str, result.TestCase]) -> None:
    assert {test for _, _, tests in CASES for test in tests} == set(healthy)
    assert set(MATRIX["head unit"]) == set(HeadUnit.DEFECTS) - BLOCKS_THE_RUN
    assert all(tests for _, _, tests in CASES)


def test_every_test_names_requirement_and_system(healthy: dict[str, result.TestCase]) -> None:
    for name, test in healthy.items():
        assert any(tag.startswith("req:") for tag in test.tags), name
        assert any(tag.startswith("system:") for tag in test.tags), name


@pytest.mark.parametrize(("ecu", "defect", "expected"), CASES, ids=[f"{ecu}: {defect}" for ecu, defect, _ in CASES])
def test_defect_fails_exactly_its_tests(ecu: str, defect: str, expected: list[str], tmp_path: Path) -> None:
    tests = run_suites(tmp_path, f"\ndefects: {{{ecu}: [{defect}]}}\n")
    failed = {name: test for name, test in tests.items() if not test.passed}
    assert sorted(failed) == sorted(expected), {name: test.message for name, test in failed.items()}
    for name, test in failed.items():
        assert verdict_of(test) is Verdict.FAIL, f"{name}: {test.message}"
        said = MESSAGE.fullmatch(test.message)
        assert said, test.message
        assert any(known in said["subject"] for known in SUBJECTS), test.message
        if said["allowed"][:1].isdigit() or said["allowed"].startswith(("at most", "at least", "-")):
            limit = LIMITS[said["limit"] or ""]
            assert said["limit_source"] == f"{limit.source} [{limit.tag}]", test.message
