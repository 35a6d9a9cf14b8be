"""Keywords as a suite calls them, on the virtual rig of the RX5."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import can
import cantools
import pytest
from robot import result
from robot.api import ExecutionResult
from robot.run import run  # type: ignore[import-untyped]  # Robot has types for its api only

from harness.Hil import Hil
from harness.keywords.session import Session
from harness.results.measurement import Measurement, read_measurements

RIG = Path(__file__).parents[2] / "rigs/rx5-virtual.yaml"
DATABASE: Any = cantools.database.load_file(RIG.parent / "vehicles/roewe-rx5/chassis.dbc")

SUITE = """\
*** Settings ***
Library    harness.Hil    rig={rig}
{settings}

*** Test Cases ***
{tests}
"""


@pytest.fixture
def hil() -> Hil:
    return Hil(str(RIG))


@pytest.fixture
def session(hil: Hil, tmp_path: Path) -> Iterator[Session]:
    """The opened rig, in a test that is evidence for IVI-1."""
    listeners: Any = hil.ROBOT_LIBRARY_LISTENER  # robotlibcore has made a list of it
    opened: Session = listeners[0]._session
    opened.open(tmp_path, "Suite", Path(__file__), seed=1)
    assert opened.open_error is None
    opened.begin_test("Test", ("IVI-1",))
    yield opened
    opened.close()
    opened.close_log()


@pytest.fixture
def call(hil: Hil, session: Session) -> Callable[..., Any]:  # noqa: ARG001  the rig is open
    """Call a keyword by its name in suites."""
    names = {name.replace("_", " ").casefold(): name for name in hil.get_keyword_names()}
    return lambda name, *arguments, **named: hil.run_keyword(names[name.casefold()], arguments, named)


@pytest.fixture
def frames(session: Session) -> list[can.Message]:
    """Every frame on the bus, from the first one on."""
    heard: list[can.Message] = []
    session.rig.buses["chassis"].channel.listen(heard.append)
    return heard


@pytest.fixture
def heard(frames: list[can.Message]) -> Callable[..., list[dict[str, Any]]]:
    """Return the frames of a message from a time on (s), decoded by cantools: the harness reads no frames with it."""

    def decoded(message: str, since: float = 0) -> list[dict[str, Any]]:
        found = DATABASE.get_message_by_name(message)
        return [
            {"at": frame.timestamp, **found.decode(bytes(frame.data))}
            for frame in frames
            if frame.arbitration_id == found.frame_id and frame.timestamp >= since
        ]

    return decoded


@pytest.fixture
def booted(call: Callable[..., Any], frames: list[can.Message]) -> Callable[..., Any]:  # noqa: ARG001  from the start
    """Call a keyword, in a car whose head unit runs."""
    call("Power Up")
    call("Wait", "4 s")
    return call


@pytest.fixture
def measured(session: Session, tmp_path: Path) -> Callable[[], Measurement]:  # noqa: ARG001  its log
    """Return the last measurement in the file of the run."""
    return lambda: read_measurements(tmp_path / "measurements.jsonl")[0][-1]


@pytest.fixture
def robot(tmp_path: Path) -> Callable[..., dict[str, result.TestCase]]:
    """Run test cases, written as in a suite, or a folder of suites; return them by name."""

    def run_tests(
        tests: str | Path, settings: str = "", variables: tuple[str, ...] = (), rig: Path = RIG
    ) -> dict[str, result.TestCase]:
        suite = tests
        if isinstance(suite, str):
            suite = tmp_path / "suite.robot"
            suite.write_text(SUITE.format(rig=rig, settings=settings, tests=tests), encoding="utf-8")
        out = tmp_path / "run"
        options = {"outputdir": out, "log": None, "report": None, "console": "none", "stdout": io.StringIO()}
        run(suite, variable=list(variables), **options)
        return {test.name: test for test in ExecutionResult(out / "output.xml").suite.all_tests}

    return run_tests
