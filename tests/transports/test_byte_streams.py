"""Streams over real sockets of this machine, and over a pseudo-terminal in place of a serial port."""

import errno
import os
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from time import process_time

import pytest

from harness.clock import SECOND
from harness.errors import StreamError
from harness.transports import byte_streams
from harness.transports.byte_streams import ByteStream, SerialStream, TcpStream
from harness.transports.stream import Stream
from harness.transports.wall_clock import WallClock

PATIENCE = 10
"""Seconds after which a test has failed."""


class Heard:
    """Keeps what a stream receives, and waits for it."""

    def __init__(self, stream: Stream) -> None:
        self.chunks: list[tuple[bytes, int]] = []
        self._condition = threading.Condition()
        self.stop = stream.listen(self._keep)

    def _keep(self, data: bytes, time: int) -> None:
        with self._condition:
            self.chunks.append((data, time))
            self._condition.notify_all()

    @property
    def data(self) -> bytes:
        return b"".join(data for data, _ in self.chunks)

    def wait_for(self, data: bytes) -> None:
        with self._condition:
            assert self._condition.wait_for(lambda: data in self.data, PATIENCE), self.data


def wait_until(condition: Callable[[], object]) -> None:
    clock = WallClock()
    while not condition():
        assert clock.now < PATIENCE * SECOND, "it did not come about"
        clock.sleep(SECOND // 1000)


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


class Peer:
    """The other side: a TCP server with one connection, or the master of a pseudo-terminal."""

    def __init__(self, stream: ByteStream, address: str) -> None:
        self.stream = stream
        self.address = address

    def write(self, data: bytes) -> None:
        raise NotImplementedError

    def read(self) -> bytes:
        raise NotImplementedError

    def leave(self) -> None:
        raise NotImplementedError


class TcpPeer(Peer):
    def __init__(self, clock: WallClock) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(PATIENCE)
            port = server.getsockname()[1]
            super().__init__(TcpStream("127.0.0.1", port, clock), f"tcp://127.0.0.1:{port}")
            self.socket, _ = server.accept()
        self.socket.settimeout(PATIENCE)

    def write(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read(self) -> bytes:
        return self.socket.recv(1000)

    def leave(self) -> None:
        self.socket.close()


class SerialPeer(Peer):
    def __init__(self, clock: WallClock) -> None:
        if sys.platform == "win32":
            pytest.skip("there are no pseudo-terminals")
        self.master, line = os.openpty()
        name = os.ttyname(line)
        super().__init__(SerialStream(name, 115200, clock), name)
        os.close(line)
        self._left = False

    def write(self, data: bytes) -> None:
        assert os.write(self.master, data) == len(data)

    def read(self) -> bytes:
        return os.read(self.master, 1000)

    def leave(self) -> None:
        if not self._left:
            self._left = True
            os.close(self.master)


@pytest.fixture
def clock() -> WallClock:
    return WallClock()


@pytest.fixture(params=[TcpPeer, SerialPeer])
def peer(request: pytest.FixtureRequest, clock: WallClock) -> Iterator[Peer]:
    found: Peer = request.param(clock)
    yield found
    found.stream.close()
    found.leave()


def test_bytes_come_with_the_time_at_which_they_came(peer: Peer, clock: WallClock) -> None:
    heard = Heard(peer.stream)
    begin = clock.now
    peer.write(b"\x00\r\n\xff\x11\x13\x03\x04")
    heard.wait_for(b"\x00\r\n\xff\x11\x13\x03\x04")
    middle = clock.now
    peer.write(b"second")
    heard.wait_for(b"second")
    times = [time for _, time in heard.chunks]
    assert times == sorted(times)
    assert begin <= times[0] <= middle <= times[-1] <= clock.now
    assert peer.stream.problems() == []


def test_bytes_are_sent(peer: Peer) -> None:
    peer.stream.send(b"version\n\x00\xff")
    assert peer.read() == b"version\n\x00\xff"


def test_what_came_before_anybody_listened_is_not_lost(peer: Peer) -> None:
    peer.write(b"banner")
    Heard(peer.stream).wait_for(b"banner")


def test_each_listener_hears_all_until_it_stops(peer: Peer) -> None:
    first, second = Heard(peer.stream), Heard(peer.stream)
    peer.write(b"one")
    first.wait_for(b"one")
    second.wait_for(b"one")
    first.stop()
    first.stop()
    peer.write(b"two")
    second.wait_for(b"two")
    peer.write(b"three")
    second.wait_for(b"three")
    assert first.data == b"one"


def test_a_peer_that_leaves_is_a_problem_from_then_on(peer: Peer) -> None:
    heard = Heard(peer.stream)
    peer.write(b"last words")
    heard.wait_for(b"last words")
    peer.leave()
    wait_until(peer.stream.problems)
    (problem,) = peer.stream.problems()
    assert problem.startswith(f"{peer.address}: ")
    assert len(problem) > len(peer.address) + 10
    with pytest.raises(StreamError) as refused:
        peer.stream.send(b"1234")
    assert str(refused.value) == f"{problem}; 4 bytes could not be sent"
    assert heard.data == b"last words"
    peer.stream.close()
    assert peer.stream.problems() == [f"{peer.address}: the stream is closed"]


def test_a_peer_that_takes_nothing_is_an_error_in_bounded_time(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    if isinstance(peer.stream, TcpStream):
        peer.stream._socket.settimeout(0.1)
    elif isinstance(peer.stream, SerialStream):
        peer.stream._port.write_timeout = 0.1
    monkeypatch.setattr(byte_streams, "TIMEOUT", 0.1)
    much = bytes(50_000_000)
    with pytest.raises(StreamError) as refused:
        peer.stream.send(much)
    assert str(refused.value) == (f"{peer.address}: the other side has not taken all of {len(much)} bytes within 0.1 s")


def test_a_closed_stream_says_so(peer: Peer) -> None:
    Heard(peer.stream)
    peer.stream.close()
    peer.stream.close()
    with pytest.raises(StreamError, match="the stream is closed; 1 bytes could not be sent"):
        peer.stream.send(b"x")
    heard = Heard(peer.stream)
    heard.stop()
    assert heard.data == b""


def test_it_can_be_closed_without_ever_a_listener(peer: Peer) -> None:
    peer.stream.close()
    assert peer.stream.problems() == [f"{peer.address}: the stream is closed"]


def test_a_blocked_read_ends_when_it_is_closed(peer: Peer) -> None:
    if isinstance(peer.stream, TcpStream):
        peer.stream._socket.settimeout(None)
    elif isinstance(peer.stream, SerialStream):
        peer.stream._port.timeout = None
    heard = Heard(peer.stream)
    peer.write(b"now it waits for more")
    heard.wait_for(b"more")
    closing = threading.Thread(target=peer.stream.close, daemon=True)
    closing.start()
    closing.join(PATIENCE)
    assert not closing.is_alive()


def test_it_can_be_closed_from_a_listener(peer: Peer) -> None:
    closed = threading.Event()

    def close(_data: bytes, _time: int) -> None:
        peer.stream.close()
        closed.set()

    peer.stream.listen(close)
    thread = peer.stream._thread
    assert thread
    peer.write(b"x")
    assert closed.wait(PATIENCE)
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_a_listener_that_fails_is_a_problem(peer: Peer) -> None:
    def fail(_data: bytes, _time: int) -> None:
        raise ValueError("no such colour")

    peer.stream.listen(fail)
    peer.write(b"x")
    wait_until(peer.stream.problems)
    assert peer.stream.problems() == [f"{peer.address}: the receive thread has failed: ValueError: no such colour"]


def test_waiting_takes_no_processor_time(peer: Peer, clock: WallClock) -> None:
    Heard(peer.stream)
    begin = process_time()
    clock.sleep(SECOND)
    assert process_time() - begin < 0.5, "a thread that spins takes the whole second"


# TCP


def test_a_reset_is_a_problem(clock: WallClock) -> None:
    peer = TcpPeer(clock)
    Heard(peer.stream)
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.leave()
    wait_until(peer.stream.problems)
    assert peer.stream.problems() == [f"{peer.address}: {os.strerror(errno.ECONNRESET)}"]
    peer.stream.close()


def test_the_other_side_closes(clock: WallClock) -> None:
    peer = TcpPeer(clock)
    Heard(peer.stream)
    peer.leave()
    wait_until(peer.stream.problems)
    assert peer.stream.problems() == [f"{peer.address}: the other side has closed the connection"]
    peer.stream.close()


def test_a_refused_connection_names_address_and_reason(clock: WallClock) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, but nobody listens
        port = unused.getsockname()[1]
        with pytest.raises(StreamError) as refused:
            TcpStream("127.0.0.1", port, clock)
    assert str(refused.value) == f"tcp://127.0.0.1:{port}: no connection: {os.strerror(errno.ECONNREFUSED)}"


@pytest.mark.skipif(sys.platform != "linux", reason="others refuse what does not fit into the queue")
def test_a_host_that_does_not_answer_is_given_up(clock: WallClock) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        waiting = []
        try:
            for _ in range(4):  # until its queue is full: then it takes no notice of more
                waiting.append(socket.socket())
                waiting[-1].setblocking(False)
                waiting[-1].connect_ex(address)
            with pytest.raises(StreamError) as refused:
                TcpStream("127.0.0.1", address[1], clock, timeout=0.2)
        finally:
            for connection in waiting:
                connection.close()
    assert str(refused.value) == f"tcp://127.0.0.1:{address[1]}: no answer within 0.2 s"


def test_a_name_that_no_host_can_have(clock: WallClock) -> None:
    with pytest.raises(StreamError, match=r"^tcp://a\.\.b:5: no connection: "):
        TcpStream("a..b", 5, clock)


# Serial


def test_a_port_that_does_not_exist_is_named(clock: WallClock) -> None:
    with pytest.raises(StreamError) as refused:
        SerialStream("/dev/no-such-port", 115200, clock)
    message = str(refused.value)
    assert message.startswith("/dev/no-such-port: the port could not be opened at 115200 bit/s: ")
    assert "No such file or directory" in message


def test_a_port_in_use_is_refused(clock: WallClock) -> None:
    peer = SerialPeer(clock)
    with pytest.raises(StreamError, match="the port could not be opened at 9600 bit/s: Could not exclusively lock"):
        SerialStream(peer.address, 9600, clock)
    peer.stream.close()
    SerialStream(peer.address, 9600, clock).close()
    peer.leave()


def test_a_port_is_raw(clock: WallClock) -> None:
    """Nothing is echoed or translated on the way, as a terminal would."""
    peer = SerialPeer(clock)
    heard = Heard(peer.stream)
    peer.write(b"\rroot\n\x03\x1a")
    heard.wait_for(b"\rroot\n\x03\x1a")
    peer.stream.send(b"a\n")
    assert peer.read() == b"a\n"
    peer.stream.close()
    peer.leave()
