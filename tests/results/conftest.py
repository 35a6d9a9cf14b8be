from pathlib import Path

import pytest
from robot import running

SUITE = r"""
*** Settings ***
Suite Teardown    Run Keyword If    '${TEARDOWN}' == 'fails'    Fail    supply stays on

*** Variables ***
${TEARDOWN}    works

*** Test Cases ***
Passes
    [Tags]    req:IVI-PWR-001    req:IVI-PWR-002    needs:supply    verdict:PASS
    No Operation

Fails
    [Tags]    req:IVI-PWR-017    verdict:FAIL
    Fail    voltage 8.2 V [above] 8 V\nsource <can> & "more"

Fails Without A Word
    [Tags]    verdict:FAIL
    Fail    ${EMPTY}

Breaks
    Fail    no answer

Is Inconclusive
    [Tags]    verdict:INCONCLUSIVE
    Fail    8.01 V is too near to 8 V

Is Skipped
    Skip    the rig lacks needs:camera

Is Stopped
    [Tags]    verdict:ABORTED
    Fatal Error    stop

Is Never Reached
    No Operation
"""


class Listener:
    ROBOT_LISTENER_API_VERSION = 3

    def end_test(self, data: running.TestCase, result: object) -> None:
        if data.name == "Passes":
            result.metadata["Rig seconds"] = "600.5"  # type: ignore[attr-defined]  # Robot has no types


@pytest.fixture
def output_xml(tmp_path: Path) -> Path:
    """What Robot makes of the suite above."""
    return _run(tmp_path, teardown="works")


@pytest.fixture
def output_xml_of_failed_teardown(tmp_path: Path) -> Path:
    """What Robot makes of it when the suite's teardown fails."""
    return _run(tmp_path, teardown="fails")


def _run(folder: Path, teardown: str) -> Path:
    source = folder / "supply.robot"
    source.write_text(SUITE, encoding="utf-8")
    output = folder / "output.xml"
    running.TestSuite.from_file_system(source).run(
        output=output, listener=Listener(), variable=[f"TEARDOWN:{teardown}"], console="none"
    )
    return output
