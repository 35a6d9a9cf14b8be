"""Instruments of a served rig, driven through unmodified pyvisa-py by the drivers that drive real ones."""

from collections.abc import Callable, Iterator
from contextlib import suppress

import cantools
import pytest

from harness.instruments.keysight_34465a import Keysight34465A
from harness.instruments.keysight_34970a import Keysight34970A
from harness.instruments.rohde_schwarz_hmp4040 import Hmp4040
from harness.quantities import Duration
from harness.serve.tcp_server import LONGEST_LINE, MOST_WAITING
from harness.transports.visa import ScpiSession, open_session
from tests.serve.conftest import BOUND, ROOT, Client, ServedProcess

Connect = Callable[..., Client]
Session = Callable[[ServedProcess, str], ScpiSession]
RUNNING = 2


@pytest.fixture
def session() -> Iterator[Session]:
    opened: list[ScpiSession] = []

    def open_one(rig: ServedProcess, instrument: str) -> ScpiSession:
        resource = rig.facts["resources"][instrument]
        opened.append(open_session("@py", resource, role=instrument, timeout=Duration(10)))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


def test_the_head_unit_boots_when_its_supply_and_terminals_are_switched_on(
    rig: ServedProcess, session: Session
) -> None:
    supply, switches = Hmp4040(session(rig, "supply")), Keysight34970A(session(rig, "switches"))
    ammeter, voltmeter = (Keysight34465A(session(rig, name)) for name in ("ammeter", "voltmeter"))
    assert supply.identity.startswith("ROHDE&SCHWARZ,HMP4040,")
    database = cantools.database.Database()
    database.add_dbc_file(ROOT / "rigs/vehicles/roewe-rx5/chassis.dbc")
    status = database.get_message_by_name("HU_Status")
    with rig.can_bus() as bus:
        supply.set_voltage(1, 13.5)
        supply.set_current_limit(1, 8.0)
        supply.switch_output(1, on=True)
        for relay in (101, 102):
            switches.close_channel(relay)
        boot_state = None
        while boot_state != RUNNING:
            message = bus.recv(BOUND)
            assert message, "the head unit does not report that it runs"
            if message.arbitration_id == status.frame_id:
                boot_state = status.decode_simple(bytes(message.data), decode_choices=False)["BootState"]
        assert supply.measure_voltage(1) == pytest.approx(13.5, abs=0.01)
        assert supply.measure_current(1) > 0.5
        assert ammeter.measure_dc_current() > 0.5
        assert voltmeter.measure_dc_voltage() == pytest.approx(13.5, abs=0.1)
        switches.open_all()
        supply.switch_output(1, on=False)
        assert supply.errors() == switches.errors() == ammeter.errors() == voltmeter.errors() == []


def test_lines_may_end_as_on_windows_and_empty_ones_are_nothing(rig: ServedProcess, connect: Connect) -> None:
    client = connect(rig.address("supply"))
    client.send(b"*CLS\r\n\r\n\n*ESE?;*SRE?\r\n")
    assert client.expect(b"\n") == b"0;0\n"


def test_a_second_client_is_turned_away_and_the_next_one_served(rig: ServedProcess, connect: Connect) -> None:
    first = connect(rig.address("supply"))
    first.send(b"*OPC?\n")
    assert first.expect(b"\n") == b"1\n"
    second = connect(rig.address("supply"))
    assert second.rest() == b""
    assert "turned away" in rig.log
    third = connect(rig.address("supply"))
    third.send(b"*OPC?\n")
    first.close()
    assert third.expect(b"\n") == b"1\n"


def test_a_client_that_dies_in_the_middle_of_a_line_leaves_nothing_behind(rig: ServedProcess, connect: Connect) -> None:
    dying = connect(rig.address("switches"))
    dying.send(b"*ESE 4\n*IDN?\n*ESE 12")
    dying.close()
    client = connect(rig.address("switches"))
    client.send(b"*ESE?\n")
    assert client.expect(b"\n") == b"+4\n"  # the answer to *IDN? went with its client
    client.send(b"*ESE 0;:SYST:ERR?\n")
    assert client.expect(b"\n") == b'+0,"No error"\n'


def test_a_client_that_has_said_all_still_gets_its_answers(rig: ServedProcess, connect: Connect) -> None:
    """As `printf '*IDN?\\n' | nc host port` does: it closes its half of the connection at the end of its input."""
    client = connect(rig.address("supply"))
    client.send(b"*IDN?\nSYST:ERR?\n")
    client.half_close()
    assert client.rest().decode().splitlines()[1:] == ['0,"No error"']


def test_garbage_is_an_error_of_the_instrument(rig: ServedProcess, connect: Connect) -> None:
    client = connect(rig.address("switches"))
    client.send(b"\x00\xff\xfe GET / HTTP/1.1\n*CLS\nSYST:ERR?\n")
    assert client.expect(b"\n") == b'+0,"No error"\n'


def test_a_line_without_end_closes_the_connection(rig: ServedProcess, connect: Connect) -> None:
    client = connect(rig.address("supply"))
    with suppress(ConnectionError):
        client.send(b"*IDN?" * LONGEST_LINE)
    assert client.rest() == b""
    assert f"a line of more than {LONGEST_LINE} bytes" in rig.log
    again = connect(rig.address("supply"))
    again.send(b"*OPC?\n")
    assert again.expect(b"\n") == b"1\n"


def test_a_client_that_sends_more_than_the_instrument_works_through_is_dropped(
    rig: ServedProcess, connect: Connect
) -> None:
    client = connect(rig.address("switches"))
    with suppress(ConnectionError):
        client.send((b"*ESE" + b" " * (LONGEST_LINE - 100) + b"0\n") * 400)
    assert client.rest() == b""
    assert f"the instrument has more than {MOST_WAITING} bytes of its commands to work through" in rig.log
