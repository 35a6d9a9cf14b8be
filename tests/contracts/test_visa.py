"""What every VISA session keeps to: to a simulated instrument in this process, and to a served one by pyvisa-py."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.errors import InstrumentError, InstrumentTimeoutError
from harness.instruments.registry import open_driver
from harness.instruments.roles import PowerSupply, SwitchMatrix
from harness.protocols.database import read_database
from harness.quantities import Duration
from harness.rig.open_rig import read_rig
from harness.rig.world import build_world, simulated_resource
from harness.transports.visa import ScpiSession, open_session
from tests.contracts.conftest import ROOT

MODELS = {"supply": "rohde-schwarz-hmp4040", "switches": "keysight-34970a"}

Open = Callable[..., ScpiSession]


@pytest.fixture(params=["virtual", "served"])
def connect(request: pytest.FixtureRequest, served: dict[str, Any]) -> Iterator[Open]:
    opened: list[ScpiSession] = []
    rig, vehicle = read_rig(Path(ROOT, "rigs/rx5-virtual.yaml"))
    databases = {bus: read_database(vehicle.database_path(bus)) for bus in rig.buses}
    world = build_world(rig, vehicle, databases, 1)

    def connect(role: str, timeout: str = "2 s") -> ScpiSession:
        virtual = request.param == "virtual"
        library = world.visa_library if virtual else "@py"
        resource = simulated_resource(role) if virtual else served["resources"][role]
        opened.append(open_session(library, resource, role=role, timeout=Duration.parse(timeout)))
        return opened[-1]

    yield connect
    for session in opened:
        session.close()


@pytest.mark.parametrize(("role", "identity"), [("supply", "ROHDE&SCHWARZ,HMP4040,"), ("switches", ",34970A,")])
def test_an_instrument_says_who_it_is(connect: Open, role: str, identity: str) -> None:
    assert identity in connect(role).query("*IDN?")


def test_an_error_goes_to_the_queue_and_comes_out_once(connect: Open) -> None:
    session = connect("supply")
    session.write("*CLS")
    session.write("NONSENSE 1")
    assert session.query("SYST:ERR?").startswith("-113,")
    assert session.query("SYST:ERR?").startswith("0,")


def test_several_answers_of_one_line_come_as_one(connect: Open) -> None:
    assert connect("switches").query("*OPC?;*ESE?").replace("+", "") == "1;0"


def test_a_question_without_an_answer_ends_and_the_next_answer_is_to_its_own_question(connect: Open) -> None:
    session = connect("supply", "300 ms")
    with pytest.raises(InstrumentTimeoutError, match=r"supply .*asked '\*CLS', no answer within 0\.3 s"):
        session.query("*CLS")
    assert "HMP4040" in session.query("*IDN?")


def test_a_closed_session_refuses(connect: Open) -> None:
    session = connect("supply")
    session.close()
    session.close()
    with pytest.raises(InstrumentError, match="the session is closed"):
        session.query("*IDN?")


def test_the_drivers_drive_it(connect: Open) -> None:
    supply, matrix = (open_driver(model, connect(role)) for role, model in MODELS.items())
    assert isinstance(supply, PowerSupply)
    assert isinstance(matrix, SwitchMatrix)
    supply.set_voltage(1, 12.345)
    supply.set_current_limit(1, 2.5)
    supply.switch_output(1, on=True)
    matrix.close_channel(101)
    assert supply.programmed_voltage(1) == pytest.approx(12.345)
    assert supply.measure_voltage(1) == pytest.approx(12.345, abs=0.01)
    assert (supply.output_is_on(1), matrix.is_closed(101), matrix.is_closed(102)) == (True, True, False)
    supply.switch_output(1, on=False)
    matrix.open_all()
    assert (supply.output_is_on(1), matrix.is_closed(101)) == (False, False)
    assert supply.errors() == matrix.errors() == []
