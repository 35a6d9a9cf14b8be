import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from junitparser import xunit2

from harness.errors import HarnessError
from harness.results.junit import write_junit
from harness.results.measurement import Measurement
from harness.results.run_folder import RunFacts
from harness.results.verdict import Verdict

FACTS = RunFacts(
    rig="rx5-virtual",
    virtual=True,
    vehicle="rx5",
    dut={"part": "10449321", "software": "V2.1\x00"},
    dut_read=(),
    instruments={},
    versions={},
    commit="0a1b2c",
    dirty=False,
    seed=1,
    started=datetime(2026, 5, 4, 12, 0, tzinfo=UTC),
)
MEASUREMENT = Measurement(
    time=12.34,
    suite="Supply",
    test="Fails",
    name="supply \x1b[31mvoltage\ud800\uffff",
    value=8.2,
    unit="V",
    low=None,
    high=8.0,
    expected=None,
    uncertainty=0.0,
    verdict=Verdict.FAIL,
    requirements=("IVI-PWR-017",),
    limit_source="",
    source="can:chassis/0x23C@12.340 s",
    instrument="",
    message="",
)

# What Jenkins' xUnit plugin allows, from its junit-10.xsd
# (jenkinsci/xunit-plugin, src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd).
# Outside of it are `disabled`, which junit-xml always writes, and the properties of a case.
ATTRIBUTES = {
    "testsuites": {"name", "time", "tests", "failures", "errors"} | {"disabled"},
    "testsuite": {"name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp", "hostname"}
    | {"id", "package", "file", "log", "url"}
    | {"disabled"},
    "testcase": {"name", "time", "classname", "group"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"type", "message"},
    "properties": set(),
    "property": {"name", "value"},
    "system-out": set(),
}
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"testsuite", "properties", "testcase", "system-out", "system-err"},
    "testcase": {"skipped", "error", "failure", "system-out", "system-err"} | {"properties"},
    "properties": {"property"},
}
REQUIRED = {"testsuite": {"name", "tests", "failures", "errors"}, "testcase": {"name"}, "property": {"name", "value"}}
SUREFIRE_TIME = re.compile(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?")


@pytest.fixture
def junit_xml(output_xml: Path, tmp_path: Path) -> Path:
    target = tmp_path / "junit.xml"
    traces = {"Supply.Fails": [tmp_path / "trace" / "fails.blf"]}
    write_junit(output_xml, [MEASUREMENT, replace(MEASUREMENT, test="Passes")], FACTS, target, traces)
    return target


@pytest.fixture
def suite(junit_xml: Path) -> xunit2.TestSuite:
    (suite,) = xunit2.JUnitXml.fromfile(str(junit_xml))
    assert isinstance(suite, xunit2.TestSuite)
    return suite


def _properties(element: Any) -> list[tuple[str, str]]:
    return [(item.name, item.value) for item in element.properties()]


def test_each_test_is_a_case_with_its_verdict(suite: xunit2.TestSuite) -> None:
    found = {
        case.name: [(type(result).__name__, result.type, result.message) for result in case.result] for case in suite
    }
    assert found == {
        "Passes": [],
        "Fails": [("Failure", "FAIL", "voltage 8.2 V [above] 8 V")],
        "Fails Without A Word": [("Failure", "FAIL", "AssertionError")],
        "Breaks": [("Error", "ERROR", "no answer")],
        "Is Inconclusive": [("Error", "INCONCLUSIVE", "8.01 V is too near to 8 V")],
        "Is Skipped": [("Skipped", "skipped", "the rig lacks needs:camera")],
        "Is Stopped": [("Error", "ABORTED", "stop")],
        "Is Never Reached": [("Skipped", "skipped", "Test execution stopped due to a fatal error.")],
    }
    assert {case.classname for case in suite} == {"Supply"}
    assert all(case.time is not None for case in suite)
    assert (suite.name, suite.tests, suite.failures, suite.errors, suite.skipped) == ("Supply", 8, 2, 3, 2)
    assert suite.timestamp


def test_the_whole_message_is_kept(suite: xunit2.TestSuite) -> None:
    (failure,) = next(case for case in suite if case.name == "Fails").result
    assert failure.text == 'voltage 8.2 V [above] 8 V\nsource <can> & "more"'


def test_cases_have_tags_requirements_and_the_rig_as_properties(suite: xunit2.TestSuite) -> None:
    case = next(iter(suite))
    assert _properties(case) == [
        ("tag", "needs:supply"),
        ("tag", "req:IVI-PWR-001"),
        ("tag", "req:IVI-PWR-002"),
        ("tag", "verdict:PASS"),
        ("requirement", "IVI-PWR-001"),
        ("requirement", "IVI-PWR-002"),
        ("rig", "rx5-virtual"),
        ("vehicle", "rx5"),
        ("rig-kind", "virtual"),
    ]
    assert dict(_properties(suite)) == {
        "commit": "0a1b2c",
        "seed": "1",
        "dut.part": "10449321",
        "dut.software": "V2.1\ufffd",
    }


def test_measurements_and_traces_are_in_the_output_of_their_test(suite: xunit2.TestSuite, tmp_path: Path) -> None:
    output = {case.name: case.system_out for case in suite}
    line = (
        "12.340 s  FAIL  supply \ufffd[31mvoltage\ufffd\ufffd: 8.2 V  at most 8 V"
        "  from can:chassis/0x23C@12.340 s  IVI-PWR-017"
    )
    assert output["Fails"] == f"{line}\n[[ATTACHMENT|{tmp_path / 'trace' / 'fails.blf'}]]"
    assert output["Passes"] == line
    assert output["Breaks"] is None


def test_the_file_keeps_to_the_schema(junit_xml: Path) -> None:
    root = ET.parse(junit_xml).getroot()  # noqa: S314 - the file is our own
    assert root.tag == "testsuites"
    for element in root.iter():
        assert set(element.attrib) <= ATTRIBUTES[element.tag]
        assert set(element.attrib) >= REQUIRED.get(element.tag, set())
        assert {child.tag for child in element} <= CHILDREN.get(element.tag, set())
        if element.tag != "testcase":
            assert SUREFIRE_TIME.fullmatch(element.get("time", ""))


def test_the_same_result_gives_the_same_file(output_xml: Path, tmp_path: Path) -> None:
    for name in ("one.xml", "two.xml"):
        write_junit(output_xml, [MEASUREMENT], FACTS, tmp_path / name, {})
    assert (tmp_path / "one.xml").read_bytes() == (tmp_path / "two.xml").read_bytes()


def test_a_damaged_result_of_robot_is_refused(output_xml: Path, tmp_path: Path) -> None:
    output_xml.write_text(output_xml.read_text(encoding="utf-8")[:500], encoding="utf-8")
    with pytest.raises(HarnessError, match=r"output\.xml"):
        write_junit(output_xml, [], FACTS, tmp_path / "junit.xml", {})
