"""The client is held to the protocol's document and source, and to python-can's own client, not to our own server."""

import random
import re
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import can
import pytest
from can.interfaces.socketcand.socketcand import convert_ascii_message_to_can_message

from harness.transports.socketcand_bus import UNKNOWN, SocketcandBus
from tests.transports.socketcand_peer import (
    HELLO,
    PATIENCE,
    Background,
    Peer,
    Step,
    crowd,
    facts,
    opened,
    pause,
    received,
    reset,
    until,
)

# doc/protocol.md: `< send can_id can_dlc [data]* >`
SEND = re.compile(r"< send ([0-9A-F]{3}|[0-9A-F]{8}) ([0-8])((?: [0-9A-F]{1,2})*) >")


# --- the handshake


def test_the_bus_opens_in_the_order_of_the_protocol() -> None:
    with opened(Peer(*HELLO)) as bus:
        assert isinstance(bus, can.BusABC)
        assert bus.state is can.BusState.ACTIVE
        assert "can0" in str(bus)


def test_frames_in_the_packet_of_the_handshake_are_kept() -> None:
    with opened(Peer(*HELLO[:-1], b"< ok >< frame 123 23.424242 11223344 >< frame 124 23.5 ")) as bus:
        assert facts(received(bus, 1)[0]) == (23.424242, 0x123, False, bytes.fromhex("11223344"))


def test_answers_may_come_in_one_packet() -> None:
    with opened(Peer(b"< hi >< ok >< ok >< frame 123 1.000001 >")) as bus:
        assert received(bus, 1)[0].arbitration_id == 0x123


STREAM = b"< hi >< ok >< ok >< frame 123 1.000001 1122 >\n< frame 1AAAAAAA 1.000002 01F1 >"


@pytest.mark.parametrize("split", range(1, len(STREAM)))
def test_packets_may_be_split_anywhere(split: int) -> None:
    with opened(Peer(STREAM[:split], pause, STREAM[split:])) as bus:
        assert [facts(frame) for frame in received(bus, 2)] == [
            (1.000001, 0x123, False, b"\x11\x22"),
            (1.000002, 0x1AAAAAAA, True, b"\x01\xf1"),
        ]


def test_bytes_may_come_one_by_one() -> None:
    steps = [step for byte in STREAM for step in (bytes([byte]), pause)]
    with opened(Peer(*steps)) as bus:
        assert len(received(bus, 2)) == 2


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (
            (b"< hi >", "< open can0 >", b"< error could not open bus >"),
            r"asked '< open can0 >', came '< error could not open bus >'; expected '< ok >'",
        ),
        ((*HELLO[:-1], b"< error unknown command >"), r"asked '< rawmode >', came '< error unknown command >'"),
        ((b"SSH-2.0-OpenSSH_9.2\r\n",), r"connected, came 'SSH-2\.0-OpenSSH_9\.2\\r\\n'; expected '< hi >'"),
        ((b"< ok >",), r"connected, came '< ok >'; expected '< hi >'"),
        ((b"< hi " + b"x" * 300,), r"connected, came '< hi x{75}'\.\.\.; expected"),
        ((b"< hi >", "< open can0 >", socket.socket.close), r"asked '< open can0 >', came the end of the connection"),
        ((b"< hi >", "< open can0 >", reset), r"asked '< open can0 >', came an error of the connection \(.*reset"),
    ],
)
def test_a_handshake_that_goes_wrong_is_named(steps: tuple[Step, ...], message: str) -> None:
    with Peer(*steps) as peer, pytest.raises(can.CanInitializationError, match=message) as caught:
        SocketcandBus("can0", "127.0.0.1", peer.port, timeout=PATIENCE)
    assert f"127.0.0.1:{peer.port}" in str(caught.value)


@pytest.mark.parametrize("steps", [(), (b"< h",), (b"< hi >",)])
def test_a_server_without_an_answer_is_not_waited_for(steps: tuple[Step, ...]) -> None:
    with Peer(*steps) as peer, pytest.raises(can.CanInitializationError, match=r"came no answer within 0\.1 s"):
        SocketcandBus("can0", "127.0.0.1", peer.port, timeout=0.1)


def test_nobody_at_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(
        can.CanInitializationError,
        match=rf"127\.0\.0\.1:{port}, channel can0: cannot connect: .*refused; is `hil serve` running",
    ):
        SocketcandBus("can0", "127.0.0.1", port)


@pytest.mark.parametrize("channel", ["", "can 0", "can0 >< rawmode", "c" * 17, "cän0"])
def test_a_channel_that_the_protocol_cannot_name_is_refused(channel: str) -> None:
    with pytest.raises(can.CanInitializationError, match="1 to 16 printable ASCII characters"):
        SocketcandBus(channel, "127.0.0.1", 1)


# --- receiving


def test_frames_are_read_as_by_the_stock_client() -> None:
    rng = random.Random(20)
    messages = []
    for _ in range(500):
        identifier = f"{rng.randrange(1 << 29):08X}" if rng.random() < 0.5 else f"{rng.randrange(1 << 11):03X}"
        stamp = f"{rng.randrange(2_000_000_000)}.{rng.randrange(1_000_000):06d}"
        # as src/state_raw.c prints it: compact, and two blanks where there is no data
        messages.append(f"< frame {identifier} {stamp} {rng.randbytes(rng.randrange(9)).hex().upper()} >")
    with opened(Peer(*HELLO, "".join(messages).encode())) as bus:
        frames = received(bus, len(messages))
    for message, frame in zip(messages, frames, strict=True):
        stock = convert_ascii_message_to_can_message(message)
        assert frame.equals(stock, timestamp_delta=0.0, check_channel=False), f"{message}: {frame} is not {stock}"
        assert frame.channel == "can0"


@pytest.mark.parametrize(
    ("message", "data"),
    [
        (b"< frame 123 23.424242 11 22 33 44 >", "11223344"),  # the example of doc/protocol.md
        (b"< frame 123 23.424242 11 22 33 44  >", "11223344"),  # as src/state_bcm.c prints it
        (b"< frame 123 23.424242 11223344 >", "11223344"),  # as src/state_raw.c prints it
        (b"< frame 123 23.424242 aBCdef >", "abcdef"),
        (b"< frame 123 23.424242  >", ""),
        (b"< frame 123 23.424242 >", ""),
    ],
)
def test_data_comes_with_blanks_and_without(message: bytes, data: str) -> None:
    with opened(Peer(*HELLO, message)) as bus:
        assert facts(received(bus, 1)[0]) == (23.424242, 0x123, False, bytes.fromhex(data))


def test_the_length_of_an_identifier_tells_its_kind() -> None:
    with opened(Peer(*HELLO, b"< frame 7FF 1.0 >< frame 000007FF 1.0 >< frame 1FFFFFFF 1.0 >")) as bus:
        assert [(frame.arbitration_id, frame.is_extended_id) for frame in received(bus, 3)] == [
            (0x7FF, False),
            (0x7FF, True),
            (0x1FFFFFFF, True),
        ]


def test_a_stamp_keeps_its_microseconds() -> None:
    with opened(Peer(*HELLO, b"< frame 123 1795000000.123457 >")) as bus:
        assert round(received(bus, 1)[0].timestamp * 1_000_000) == 1_795_000_000_123_457


def test_an_error_frame_is_read_as_by_the_stock_client_but_for_data_that_nobody_sent() -> None:
    message = "< error 004 1795000000.123457 >"
    stock = convert_ascii_message_to_can_message(message)
    with opened(Peer(*HELLO, message.encode())) as bus:
        frame = received(bus, 1)[0]
    assert frame.is_error_frame
    assert frame.data == b""
    assert (frame.arbitration_id, frame.timestamp) == (stock.arbitration_id, stock.timestamp)
    assert (frame.is_extended_id, frame.is_rx) == (stock.is_extended_id, stock.is_rx)


def test_a_remote_frame_is_read() -> None:
    with opened(Peer(*HELLO, b"< rtr 123 23.424242 4 >")) as bus:  # the example of doc/protocol.md
        frame = received(bus, 1)[0]
    assert frame.is_remote_frame
    assert (frame.arbitration_id, frame.dlc, frame.timestamp, frame.is_extended_id) == (0x123, 4, 23.424242, False)


def test_many_frames_come_in_order() -> None:
    text = b"".join(b"< frame %08X 1.%06d %04X >" % (index, index, index) for index in range(5000))
    with opened(Peer(*HELLO, text)) as bus:
        frames = received(bus, 5000)
    assert [frame.arbitration_id for frame in frames] == list(range(5000))
    assert [bytes(frame.data) for frame in frames] == [struct.pack(">H", index) for index in range(5000)]


def test_nothing_to_receive_is_no_error() -> None:
    peer = Peer(*HELLO)
    with opened(peer) as bus:
        assert bus.recv(0) is None
        assert bus.recv(0.02) is None
        peer.send(b"< frame 123 1.0 ")
        assert bus.recv(0.02) is None
        peer.send(b">")
        assert received(bus, 1)[0].arbitration_id == 0x123


def test_a_notifier_hands_the_frames_over() -> None:
    peer = Peer(*HELLO, b"".join(b"< frame 123 1.0 %02X >" % index for index in range(100)))
    reader = can.BufferedReader()
    with opened(peer) as bus:
        notifier = can.Notifier(bus, [reader], timeout=0.1)
        try:
            frames = [reader.get_message(PATIENCE) for _ in range(100)]
        finally:
            notifier.stop(PATIENCE)
    assert [frame.data[0] for frame in frames if frame] == list(range(100))


# --- a server that does not do as it should


@pytest.mark.parametrize("ending", [socket.socket.close, reset])
def test_a_dead_server_is_an_error_in_every_call(ending: Callable[[socket.socket], object]) -> None:
    with opened(Peer(*HELLO, "< echo >", b"< frame 123 1.0 >" if ending is not reset else b"", ending)) as bus:
        bus.ping()
        if ending is not reset:
            assert received(bus, 1)[0].arbitration_id == 0x123
        for timeout in [PATIENCE, 0, 0.01, 3600.0, None] * 20:  # an hour each, were it not for the error
            with pytest.raises(can.CanOperationError, match=r"closed the connection|connection is lost.*reset"):
                bus.recv(timeout)
        for _ in range(3):
            with pytest.raises(can.CanOperationError, match=r"127\.0\.0\.1.*(closed the connection|reset)"):
                bus.send(can.Message(arbitration_id=1))
        with pytest.raises(can.CanOperationError):
            bus.ping()


def test_sending_to_a_dead_server_ends_with_an_error_and_what_it_sent_is_still_received() -> None:
    with opened(Peer(*HELLO, b"< frame 123 1.0 >", socket.socket.close)) as bus:
        with pytest.raises(can.CanOperationError, match="connection is lost"):
            crowd(bus)
        with suppress(can.CanOperationError):  # a reset takes what the system had received with it
            assert received(bus, 1)[0].arbitration_id == 0x123
        with pytest.raises(can.CanOperationError, match="connection is lost"):
            bus.recv(PATIENCE)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"garbage", "'garbage'"),
        (b"garbage < frame 124 1.0 >", "'garbage < frame 124 1.0 >'"),
        (b"< frame 124 1.0 < frame 124 1.0 >", "'< frame 124 1.0 < frame 124 1.0 >'"),
        (b">", "'>'"),
        (b"\xff\x00", r"'\xff\x00'"),
        (b"< frame 800 1.0 >", "'< frame 800 1.0 >'"),
        (b"< frame 20000000 1.0 >", "'< frame 20000000 1.0 >'"),
        (b"< frame 1234 1.0 >", "'< frame 1234 1.0 >'"),
        (b"< frame 124 1 >", "'< frame 124 1 >'"),
        (b"< frame 124 nan >", "'< frame 124 nan >'"),
        (b"< frame 124 -1.0 >", "'< frame 124 -1.0 >'"),
        (b"< frame 124 1.0 1 >", "'< frame 124 1.0 1 >'"),
        (b"< frame 124 1.0 112233445566778899 >", "'< frame 124 1.0 112233445566778899 >'"),
        (b"< rtr 124 1.0 9 >", "'< rtr 124 1.0 9 >'"),
        (b"< fdframe 124 01 1.000000 00 >", "'< fdframe 124 01 1.000000 00 >'"),
        (b"< error 004 >", "'< error 004 >'"),
        (b"< error >", "'< error >'"),
        (b"< echo >", "'< echo >'"),  # nobody has asked
        (b"< ok >", "'< ok >'"),
        (b"<>", "'<>'"),
        (b"< " + b"x" * 300 + b" >", "'< " + "x" * 78 + "'..."),
        (b"< " + b"x" * 199, "'< " + "x" * 78 + "'..."),
        (b"x" * 100, "'" + "x" * 80 + "'..."),
    ],
)
@pytest.mark.parametrize("apart", [False, True])
def test_what_is_no_message_is_named_behind_the_frames_before_it(text: bytes, shown: str, apart: bool) -> None:
    if re.fullmatch(rb"<[^<>]*>", text):
        text += b"< frame 125 1.0 >"
    steps: tuple[Step, ...] = (b"< frame 123 1.0 >", pause, text) if apart else (b"< frame 123 1.0 >" + text,)
    with opened(Peer(*HELLO, *steps)) as bus:
        assert received(bus, 1)[0].arbitration_id == 0x123
        for _ in range(3):
            with pytest.raises(can.CanOperationError, match=re.escape(f"the server sent {shown}")):
                received(bus, 1)
        with pytest.raises(can.CanOperationError, match=re.escape(shown)):
            bus.send(can.Message(arbitration_id=1))


def test_what_the_server_refuses_is_kept_and_the_connection_goes_on() -> None:
    refusals = b"".join(b"< error frame not sent: %d >" % number for number in range(30))
    with opened(Peer(*HELLO, b"< frame 123 1.0 >" + refusals, b"< frame 124 1.0 >")) as bus:
        assert [frame.arbitration_id for frame in received(bus, 2)] == [0x123, 0x124]
        assert list(bus.refusals) == [f"frame not sent: {number}" for number in range(10, 30)]
        bus.send(can.Message(arbitration_id=1))


def test_a_message_may_be_as_long_as_200_bytes() -> None:
    blanks = b" " * 170
    with opened(Peer(*HELLO, b"< frame 123 1.0 " + blanks, pause, b">")) as bus:
        assert received(bus, 1)[0].arbitration_id == 0x123


# --- sending


def test_sent_text_is_that_of_the_protocol() -> None:
    for example in ("< send 123 0 >", "< send 1AAAAAAA 2 1 F1 >"):
        assert SEND.fullmatch(example), f"the expression does not take the document's own example {example}"
    rng = random.Random(21)
    peer = Peer(*HELLO)
    with opened(peer) as bus:
        for _ in range(300):
            extended = rng.random() < 0.5
            identifier, data = rng.randrange(1 << 29 if extended else 1 << 11), rng.randbytes(rng.randrange(9))
            bus.send(can.Message(arbitration_id=identifier, is_extended_id=extended, data=data))
            match = SEND.fullmatch(peer.hear(b">").decode())
            assert match
            assert (int(match[1], 16), len(match[1]) == 8) == (identifier, extended)
            assert (int(match[2]), bytes.fromhex(match[3])) == (len(data), data)


def test_a_frame_goes_out_in_one_piece() -> None:
    """src/socketcand.c, receive_command, hangs up on a message that comes in two."""
    pieces: list[bytes] = []
    with opened(Peer(*HELLO, lambda connection: pieces.append(connection.recv(4096)))) as bus:
        bus.send(can.Message(arbitration_id=0x1AAAAAAA, data=bytes(8)))
    assert pieces == [b"< send 1AAAAAAA 8 00 00 00 00 00 00 00 00 >"]


def test_small_messages_are_not_held_back() -> None:
    with opened(Peer(*HELLO)) as bus:
        assert bus._connection._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (can.Message(arbitration_id=1, is_fd=True), "a CAN FD frame"),
        (can.Message(arbitration_id=1, is_remote_frame=True, dlc=2), "a remote frame"),
        (can.Message(arbitration_id=1, is_error_frame=True), "an error frame"),
        (can.Message(arbitration_id=1, data=bytes(9)), "9 bytes with length code 9; allowed are equal ones up to 8"),
        (can.Message(arbitration_id=1, data=bytes(2), dlc=3), "2 bytes with length code 3"),
        (can.Message(arbitration_id=0x800, is_extended_id=False), "identifier 0x800; allowed are 0 to 0x7FF"),
        (can.Message(arbitration_id=1 << 29), "identifier 0x20000000; allowed are 0 to 0x1FFFFFFF"),
    ],
)
def test_what_the_protocol_cannot_say_is_refused_before_anything_is_sent(frame: can.Message, message: str) -> None:
    peer = Peer(*HELLO)
    with opened(peer) as bus:
        with pytest.raises(can.CanOperationError, match=f"cannot send {message}"):
            bus.send(frame)
        bus.send(can.Message(arbitration_id=2, is_extended_id=False))
        assert peer.hear(b">") == b"< send 002 0 >"


def test_a_server_that_takes_nothing_breaks_the_connection() -> None:
    with opened(Peer(*HELLO, b"< frame 123 1.0 >", buffer=4096), timeout=0.2) as bus:
        with pytest.raises(can.CanOperationError, match=r"127\.0\.0\.1.*takes no frames for 0\.2 s"):
            crowd(bus)
        for timeout in (None, 0.0, 3600.0):
            with pytest.raises(can.CanOperationError, match=r"takes no frames for 0\.2 s"):
                bus.send(can.Message(arbitration_id=1), timeout)
        assert received(bus, 1)[0].arbitration_id == 0x123
        with pytest.raises(can.CanOperationError, match=r"takes no frames for 0\.2 s"):
            bus.recv(None)


def test_a_send_has_its_own_bound() -> None:
    its_own = pytest.raises(can.CanOperationError, match=r"takes no frames for 0\.1 s")
    with opened(Peer(*HELLO, buffer=4096), timeout=3600.0) as bus, its_own:
        crowd(bus, 0.1)


def test_a_send_does_not_wait_for_another_without_a_bound() -> None:
    peer = Peer(*HELLO)
    with opened(peer) as bus:
        with bus._sending, pytest.raises(can.CanOperationError, match=r"another thread has been sending for 0\.05 s"):
            bus.send(can.Message(arbitration_id=1), 0.05)
        bus.send(can.Message(arbitration_id=2, is_extended_id=False))
        assert peer.hear(b">") == b"< send 002 0 >"


def test_a_receiver_is_told_when_the_connection_breaks_while_it_waits() -> None:
    with opened(Peer(*HELLO, buffer=4096)) as bus:
        receiver = Background(lambda: bus.recv(None))
        with pytest.raises(can.CanOperationError):
            crowd(bus, 0.1)
        assert "takes no frames" in str(receiver.error())


def test_threads_may_send_while_one_receives() -> None:
    senders, each = 4, 250
    peer = Peer(*HELLO, b"".join(b"< frame %03X 1.0 >" % (index % 2048) for index in range(3000)))
    with opened(peer) as bus:

        def send(number: int) -> None:
            for index in range(each):
                bus.send(can.Message(arbitration_id=number, is_extended_id=False, data=struct.pack(">H", index)))

        receiver = Background(lambda: received(bus, 3000))
        threads = [Background(partial(send, number)) for number in range(senders)]
        matches = [SEND.fullmatch(peer.hear(b">").decode()) for _ in range(senders * each)]
        assert [thread.error() for thread in (receiver, *threads)] == [None] * (senders + 1)
    assert all(matches), "messages of several threads were mixed up"
    for number in range(senders):
        indices = [int(match[3].replace(" ", ""), 16) for match in matches if match and int(match[1], 16) == number]
        assert indices == list(range(each))


# --- pings


def test_an_answered_ping_gives_the_round_trip() -> None:
    answered: tuple[Step, ...] = ("< echo >", b"< echo >")
    with opened(Peer(*HELLO, *answered * 3)) as bus:
        assert (bus.round_trip, bus.unanswered) == (None, 0.0)
        trips = []
        for _ in range(3):
            bus.ping()
            while bus.unanswered:
                assert bus.unanswered < PATIENCE
                bus.recv(0.1)
            assert bus.round_trip is not None
            trips.append(bus.round_trip)
        assert trips == sorted(trips, reverse=True)  # the shortest so far
        assert 0.0 < trips[0] < PATIENCE


def test_an_unanswered_ping_shows() -> None:
    peer = Peer(*HELLO, "< echo >< echo >", b"< frame 123 1.0 >")
    with opened(peer) as bus:
        bus.ping()
        bus.ping()
        received(bus, 1)
        first = bus.unanswered
        assert 0.0 < first < bus.unanswered
        assert bus.round_trip is None
        peer.send(b"< echo >< echo >< frame 124 1.0 >")
        assert received(bus, 1)[0].arbitration_id == 0x124
        assert bus.unanswered == 0.0
        assert (bus.round_trip or 0.0) > first


# --- the end


def test_shutting_down_twice_is_harmless() -> None:
    with opened(Peer(*HELLO, b"< frame 123 1.0 >")) as bus:
        received(bus, 1)
        bus.shutdown()
        bus.shutdown()
        for _ in range(2):
            with pytest.raises(can.CanOperationError, match="the bus is shut down"):
                bus.recv(None)
            with pytest.raises(can.CanOperationError, match="the bus is shut down"):
                bus.send(can.Message(arbitration_id=1))
            with pytest.raises(can.CanOperationError, match="the bus is shut down"):
                bus.ping()


def test_the_server_sees_the_end() -> None:
    ends: list[bytes] = []
    with opened(Peer(*HELLO, lambda connection: ends.append(connection.recv(100)))) as bus:
        bus.shutdown()
    assert ends == [b""]


@pytest.mark.parametrize("timeout", [None, 3600.0])
def test_shutting_down_ends_a_receive_that_waits(timeout: float | None) -> None:
    with opened(Peer(*HELLO)) as bus:
        receiver = Background(lambda: bus.recv(timeout))
        until(bus._receiving.locked)
        bus.shutdown()
        error = receiver.error()
    assert isinstance(error, can.CanOperationError)
    assert "the bus is shut down" in str(error)


def test_shutting_down_ends_a_send_that_waits() -> None:
    peer = Peer(*HELLO, buffer=4096)
    with opened(peer) as bus:
        sender = Background(lambda: crowd(bus, 3600.0))
        peer.hear(b">")
        until(lambda: not bus._connection._writable.select(0))
        bus.shutdown()
        error = sender.error()
    assert isinstance(error, can.CanOperationError)
    assert "the bus is shut down" in str(error)


def test_what_the_protocol_does_not_tell_has_a_name() -> None:
    assert "error counters" in UNKNOWN
    assert (SocketcandBus.__doc__ or "").count("`UNKNOWN`") == 1
