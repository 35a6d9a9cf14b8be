import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from harness.errors import InstrumentError, InstrumentTimeoutError
from harness.quantities import Duration
from harness.simulation.kernel import Kernel
from harness.simulation.visa_library import open_library
from harness.transports.visa import ScpiSession, open_session

Bench = Callable[..., ScpiSession]
SECOND = Duration(1)


def test_each_line_goes_out_and_comes_in_as_it_is(bench: Bench) -> None:
    session = bench([("*CLS", None), ("MEAS:VOLT?", "13.500"), ("MEAS:CURR?", b"1.2500\r\n")])
    session.write("*CLS")
    assert session.query("MEAS:VOLT?") == "13.500"
    assert session.query("MEAS:CURR?") == "1.2500"


def test_an_answer_that_comes_in_pieces_is_one_answer(bench: Bench) -> None:
    def in_pieces(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in (b"13", b".5", b"00\n"):
            connection.sendall(piece)

    assert bench([("MEAS:VOLT?", in_pieces)]).query("MEAS:VOLT?") == "13.500"


def test_silence_is_a_time_out_that_names_the_question(bench: Bench) -> None:
    session = bench([("MEAS:VOLT?", None)], timeout="200 ms")
    with pytest.raises(InstrumentTimeoutError) as raised:
        session.query("MEAS:VOLT?")
    assert str(raised.value).startswith("supply (TCPIP::127.0.0.1::")
    assert str(raised.value).endswith("::SOCKET): asked 'MEAS:VOLT?', no answer within 0.2 s")
    assert isinstance(raised.value, TimeoutError)


def test_half_an_answer_is_none(bench: Bench) -> None:
    session = bench([("MEAS:VOLT?", b"13.5")], timeout="200 ms")
    with pytest.raises(InstrumentTimeoutError, match="no answer within"):
        session.query("MEAS:VOLT?")


def test_a_late_answer_is_not_taken_for_the_next_one(bench: Bench) -> None:
    session = bench([("MEAS:VOLT?", None)], [("MEAS:CURR?", "1.2500")], timeout="200 ms")
    with pytest.raises(InstrumentTimeoutError):
        session.query("MEAS:VOLT?")
    assert session.query("MEAS:CURR?") == "1.2500"


def test_a_connection_that_is_closed_is_made_anew(bench: Bench) -> None:
    def hang_up(connection: socket.socket) -> None:
        connection.shutdown(socket.SHUT_RDWR)

    session = bench([("MEAS:VOLT?", hang_up)], [("MEAS:VOLT?", "13.500")], timeout="10 min")
    with pytest.raises(InstrumentError, match="asked 'MEAS:VOLT\\?'; the other side has closed the connection"):
        session.query("MEAS:VOLT?")
    assert session.query("MEAS:VOLT?") == "13.500"


def test_after_an_interrupted_exchange_its_answer_is_dropped(bench: Bench) -> None:
    main = threading.main_thread().ident
    assert main

    def interrupt(_: socket.socket) -> None:
        signal.pthread_kill(main, signal.SIGINT)

    session = bench([("MEAS:VOLT?", interrupt)], [("MEAS:CURR?", "1.2500")])
    with pytest.raises(KeyboardInterrupt):
        session.query("MEAS:VOLT?")
    assert session.query("MEAS:CURR?") == "1.2500"


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (b"\xff\xfe\x00\n", r"b'\\xff\\xfe\\x00\\n'; expected ASCII"),
        ("ü" * 200, r"b'(\\xc3\\xbc){40}'\.\.\.; expected ASCII"),
        ("1" * 5000, r"b'1{80}'\.\.\.; expected at most 4096 bytes"),
    ],
)
def test_what_is_no_line_of_ascii_is_refused_and_shown(bench: Bench, answer: str | bytes, shown: str) -> None:
    session = bench([("*IDN?", answer)], [("*IDN?", "A,B,0,1")])
    with pytest.raises(InstrumentError, match=rf"asked '\*IDN\?', answered {shown}$"):
        session.query("*IDN?")
    assert session.query("*IDN?") == "A,B,0,1"


def test_closing_twice_is_harmless(bench: Bench) -> None:
    session = bench([])
    session.close()
    session.close()
    with pytest.raises(InstrumentError, match=r"sent '\*CLS'; the session is closed"):
        session.write("*CLS")


def test_a_refused_socket_shows_with_the_first_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        resource = f"TCPIP::127.0.0.1::{unused.getsockname()[1]}::SOCKET"
    session = open_session("@py", resource, role="supply", timeout=SECOND)
    with pytest.raises(InstrumentError, match=r"^supply \(TCPIP::127.0.0.1::\d+::SOCKET\): asked '\*IDN\?'; .*refused"):
        session.query("*IDN?")
    session.close()


@pytest.mark.parametrize(
    ("library", "resource", "reason"),
    [
        ("@py", "supply over there", "[Ii]nvalid"),
        ("@py", "ASRL/dev/no-such-port::INSTR", "No such file"),
        ("@nope", "TCPIP::127.0.0.1::5025::SOCKET", "pyvisa_nope"),
    ],
)
def test_what_cannot_be_opened_is_named(library: str, resource: str, reason: str) -> None:
    with pytest.raises(InstrumentError, match=f"^supply: cannot open '{resource}'; .*{reason}"):
        open_session(library, resource, role="supply", timeout=SECOND)


def test_a_virtual_rig_without_the_instrument_says_so() -> None:
    with pytest.raises(InstrumentError, match=r"^supply: cannot open .*VI_ERROR_RSRC_NFOUND"):
        open_session(open_library(Kernel(), {}), "TCPIP::supply::5025::SOCKET", role="supply", timeout=SECOND)


def test_pyvisa_is_imported_only_when_a_session_is_opened() -> None:
    code = "import sys, harness.transports.visa, harness.instruments.registry; print('pyvisa' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
