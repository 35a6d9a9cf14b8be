"""The socketcand server against python-can's own client and the examples of socketcand's doc/protocol.md."""

import re
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import can
import pytest
from can.interfaces.socketcand import socketcand as python_can
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import TestError
from harness.serve.socketcand_server import LONGEST_MESSAGE, frame_message, frame_to_send
from harness.serve.tcp_server import MOST_WAITING
from tests.serve.conftest import BOUND, Client, ServedProcess, line_of

Connect = Callable[..., Client]
Serve = Callable[..., ServedProcess]


@pytest.mark.parametrize(
    ("text", "identifier", "extended", "data"),
    [
        ("123 0 ", 0x123, False, ""),
        ("1AAAAAAA 2 1 F1 ", 0x1AAAAAAA, True, "01F1"),
        ("123 8 11 22 33 44 55 66 77 88 ", 0x123, False, "1122334455667788"),
    ],
)
def test_the_examples_of_the_protocol_are_read(text: str, identifier: int, extended: bool, data: str) -> None:
    frame = frame_to_send(text)
    assert (frame.arbitration_id, frame.is_extended_id, frame.data.hex()) == (identifier, extended, data.lower())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "identifier, length and bytes are needed"),
        ("123", "identifier, length and bytes are needed"),
        ("800 0", "the highest is 7FF"),
        ("20000000 0", "the highest is 1FFFFFFF"),
        ("12345 0", "3 hexadecimal digits, an extended one 8"),
        ("-12 0", "3 hexadecimal digits"),
        ("123 9 1 2 3 4 5 6 7 8 9", "length '9'; allowed are 0 to 8"),
        ("123 2 11", "1 bytes of data, but length 2"),
        ("123 1 100", "byte '100'"),
        ("123 1 0x", "byte '0x'"),
    ],
)
def test_what_is_no_frame_is_refused(text: str, reason: str) -> None:
    with pytest.raises(TestError, match=re.escape(reason)):
        frame_to_send(text)


frames = st.builds(
    lambda extended, number, data: can.Message(
        arbitration_id=number if extended else number & 0x7FF, is_extended_id=extended, data=data
    ),
    st.booleans(),
    st.integers(0, 0x1FFFFFFF),
    st.binary(max_size=8),
)


@given(frames)
def test_what_python_can_sends_is_what_is_read(frame: can.Message) -> None:
    text = python_can.convert_can_message_to_ascii_message(frame)
    read = frame_to_send(text.removeprefix("< send ").removesuffix(" >"))
    assert read.equals(frame, timestamp_delta=None, check_channel=False)


@given(frames, st.integers(0, 4_000_000_000_000))
def test_python_can_reads_what_is_written(frame: can.Message, microseconds: int) -> None:
    frame.timestamp = microseconds / 1e6
    read = python_can.convert_ascii_message_to_can_message(frame_message(frame, 0).decode())
    assert read.equals(frame, timestamp_delta=1.1e-6, check_channel=False)


def test_a_frame_is_written_as_socketcand_writes_it() -> None:
    """Format strings of its src/state_raw.c: `< frame %03X %ld.%06ld `, `%02X` for each byte, ` >`."""
    base = can.Message(arbitration_id=0x12, is_extended_id=False, data=b"\x01\xf1", timestamp=23.000042)
    extended = can.Message(arbitration_id=0x12, is_extended_id=True, timestamp=0.5)
    assert frame_message(base, 1_700_000_000_000_000_000) == b"< frame 012 1700000023.000042 01F1 >"
    assert frame_message(extended, 0) == b"< frame 00000012 0.500000  >"


def test_frames_go_to_all_other_clients_of_a_bus_and_not_back(rig: ServedProcess) -> None:
    before = time.time()
    with rig.can_bus() as first, rig.can_bus() as second, rig.can_bus() as third:
        first.send(can.Message(arbitration_id=0x123, is_extended_id=False, data=b"\x01\x02"))
        second.send(can.Message(arbitration_id=0x1ABCDEF, is_extended_id=True))
        seen = {bus: [bus.recv(BOUND) for _ in range(frames)] for bus, frames in ((first, 1), (second, 1), (third, 2))}
        assert all(message for messages in seen.values() for message in messages)
        ids = {bus: {message.arbitration_id for message in messages if message} for bus, messages in seen.items()}
        assert ids == {first: {0x1ABCDEF}, second: {0x123}, third: {0x123, 0x1ABCDEF}}
        message = seen[second][0]
        assert message
        assert bytes(message.data) == b"\x01\x02"
        assert before - 1 < message.timestamp < time.time() + 1


def test_stamps_are_those_of_the_bus(serve: Serve, connect: Connect) -> None:
    """Frames of 8 bytes back to back: 111 bits and up to 24 stuff bits each, at 500 kbit/s (ISO 11898-1)."""
    rig = serve("rx5-virtual", "--only", "head unit")
    sender, receiver = connect(rig.can_address), connect(rig.can_address)
    sender.send(
        b"< open chassis >" + b"".join(b"< send 200 8 1 2 3 4 5 6 %X %X >" % divmod(n, 256) for n in range(800))
    )
    sender.send(b"< echo >")
    sender.expect(b"< echo >")  # they all wait: nobody is there to acknowledge
    receiver.send(b"< open chassis >< rawmode >")
    frames = [line.split() for line in receiver.expect(b"031F >").split(b"< frame ")[1:]]
    assert [int(frame[2][12:], 16) for frame in frames] == [*range(800)][-len(frames) :]
    stamps = [float(frame[1]) for frame in frames]
    gaps = [later - earlier for earlier, later in pairwise(stamps)]
    assert gaps
    assert all(111 / 500e3 - 2e-6 < gap < 135 / 500e3 + 2e-6 for gap in gaps), gaps


def test_the_dialogue_is_that_of_the_protocol(rig: ServedProcess, connect: Connect) -> None:
    client = connect(rig.can_address)
    assert client.expect(b">") == b"< hi >"
    client.send(b"< open chassis >")
    assert client.expect(b">") == b"< ok >"
    client.send(b"\n< ec")
    client.send(b"ho >< rawmode >\n")
    assert client.expect(b">") == b"< echo >"
    assert client.expect(b">") == b"< ok >"
    other = connect(rig.can_address)
    other.send(b"<open chassis><send 7FF 3 0 a FF>")
    assert re.fullmatch(rb"< frame 7FF \d{10}\.\d{6} 000AFF >", client.expect(b">"))


def test_an_unknown_bus_ends_the_connection(rig: ServedProcess, connect: Connect) -> None:
    client = connect(rig.can_address)
    client.send(b"< open chasis >")
    assert client.rest() == b"< hi >< error could not open bus >"
    assert "no bus 'chasis'; did you mean 'chassis'?" in rig.log


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"< send 123 0 >", b"no bus is open yet"),
        (b"< rawmode >", b"no bus is open yet"),
        (b"< opne chassis >", b"no command 'opne'; did you mean 'open'?"),
        (b"< \xff\x00 >", b"no command"),
        (b"<>", b"no command"),
        (b"< open chassis >< open chassis >", b"a bus is open already"),
        (b"< open chassis >< rawmode >< rawmode >", b"raw mode already"),
        (b"< open chassis >< send 123 8 >", b"0 bytes of data, but length 8"),
        (b"< open chassis >< sendrtr 123 0 >", b"no remote frames"),
        (b"< open chassis >< fdsend 123 0 1 AA >", b"no CAN FD frames"),
        (b"< open chassis >< subscribe 0 0 123 >", b"no broadcast mode"),
        (b"< open chassis >< bcmmode >", b"no broadcast mode"),
    ],
)
def test_what_cannot_be_done_is_answered_and_the_connection_stays(
    rig: ServedProcess, connect: Connect, message: bytes, reason: bytes
) -> None:
    client = connect(rig.can_address)
    client.send(message)
    client.expect(b"< error ")
    assert reason in client.expect(b" >")
    client.send(b"< echo >")
    assert client.expect(b"< echo >").endswith(b"< echo >")


def test_garbage_without_end_closes_the_connection(rig: ServedProcess, connect: Connect) -> None:
    client = connect(rig.can_address)
    with suppress(ConnectionError):
        client.send(b"<" + b"x" * 2 * LONGEST_MESSAGE)
    assert client.rest() in {b"< hi >", b""}  # what was not read yet is lost with a broken connection
    assert f"no message < ... > in {LONGEST_MESSAGE} bytes" in rig.log


def test_python_can_hears_of_a_frame_that_cannot_be_sent(rig: ServedProcess) -> None:
    with rig.can_bus() as bus:
        bus.send(can.Message(arbitration_id=0x123, is_extended_id=False, is_remote_frame=True, dlc=4))
        with pytest.raises(can.CanError):
            bus.recv(BOUND)


def test_a_client_that_reads_nothing_is_dropped_while_others_go_on(rig: ServedProcess, connect: Connect) -> None:
    slow = connect(rig.can_address, buffer=4096)
    with suppress(ConnectionError):
        slow.send(b"< echo >" * 2_000_000)  # 16 MB of answers, far more than any socket holds
    assert f"dropped: it reads nothing, and more than {MOST_WAITING} bytes wait for it" in rig.log
    with rig.can_bus() as first, rig.can_bus() as second:
        first.send(can.Message(arbitration_id=0x42, is_extended_id=False))
        message = second.recv(BOUND)
        assert message
        assert message.arbitration_id == 0x42


def test_more_frames_than_the_bus_takes_are_refused(serve: Serve, connect: Connect) -> None:
    client = connect(serve("rx5-virtual", "--only", "head unit").can_address)
    client.send(b"< open chassis >" + b"< send 100 0 >" * 1001)  # alone on the bus: nobody acknowledges
    client.expect(b"< error frame not sent: 1000 frames wait for the bus already >")


def test_a_client_that_goes_leaves_the_bus_and_its_last_frames_go_out(rig: ServedProcess, connect: Connect) -> None:
    with rig.can_bus() as listener:
        client = connect(rig.can_address)
        client.send(b"< open chassis >" + b"< send 321 8 1 2 3 4 5 6 7 8 >" * 20 + b"< send 32")
        client.close()
        for _ in range(20):
            message = listener.recv(BOUND)
            assert message
            assert message.arbitration_id == 0x321
        assert listener.recv(0.1) is None


def test_logger_and_player_of_python_can_work(rig: ServedProcess, tmp_path: Path) -> None:
    host, port = rig.can_address
    bus = ["--bus-kwargs", f"host={host}", f"port={port}", "-i", "socketcand", "-c", "chassis"]
    played = tmp_path / "played.asc"
    with can.ASCWriter(played) as writer:
        for number in range(20):
            data = bytes([number] * 8)
            writer.on_message_received(
                can.Message(arbitration_id=0x300 + number, is_extended_id=False, data=data, timestamp=1 + number / 100)
            )
    logger = subprocess.Popen([sys.executable, "-u", "-m", "can.logger", *bus], stdout=subprocess.PIPE, text=True)
    try:
        assert "Connected to SocketCanDaemonBus" in line_of(logger)
        assert "Can Logger" in line_of(logger)
        player = [sys.executable, "-m", "can.player", *bus, str(played)]
        subprocess.run(player, check=True, capture_output=True, timeout=BOUND)
        heard = [line_of(logger) for _ in range(20)]
    finally:
        logger.terminate()
        logger.communicate(timeout=BOUND)
    found = [re.search(r"ID: +([0-9a-f]+) +S Rx +DL: +8 +((?:[0-9a-f]{2} ){8})", line) for line in heard]
    assert [(match[1], match[2].split()) for match in found if match] == [
        (f"{0x300 + number:x}", [f"{number:02x}"] * 8) for number in range(20)
    ], heard
