"""A server of CAN by TCP that plays a script, and what tests do with a client of it."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

import can

from harness.transports.socketcand_bus import SocketcandBus

PATIENCE = 10.0
HELLO = (b"< hi >", "< open can0 >", b"< ok >", "< rawmode >", b"< ok >")

Step = bytes | str | Callable[[socket.socket], object]


class Peer:
    """Plays a server: sends what is bytes, waits to hear what is text, calls what is neither; then stays connected."""

    def __init__(self, *steps: Step, buffer: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        if buffer:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self._listener.settimeout(PATIENCE)
        self.port: int = self._listener.getsockname()[1]
        self._steps = steps
        self._heard = b""
        self._error: BaseException | None = None
        self._connection: socket.socket | None = None
        self.has_played = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the peer has not come to the end of its script"
        if self._connection:
            self._connection.close()
        self._listener.close()
        if self._error and kind is None:
            raise self._error

    def send(self, text: bytes) -> None:
        """Send once the script has been played."""
        assert self.has_played.wait(PATIENCE)
        assert self._connection
        self._connection.sendall(text)

    def hear(self, text: bytes) -> bytes:
        """Return what came up to the end of `text`, once the script has been played."""
        assert self.has_played.wait(PATIENCE)
        assert self._connection
        return self._wait_for(self._connection, text)

    def _run(self) -> None:
        try:
            self._connection = self._listener.accept()[0]
            self._connection.settimeout(PATIENCE)
            self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for step in self._steps:
                if isinstance(step, bytes):
                    self._connection.sendall(step)
                elif isinstance(step, str):
                    self._wait_for(self._connection, step.encode())
                else:
                    step(self._connection)
        except BaseException as error:  # noqa: BLE001  raised in the test
            self._error = error
        finally:
            self.has_played.set()

    def _wait_for(self, connection: socket.socket, text: bytes) -> bytes:
        while text not in self._heard:
            received = connection.recv(4096)
            assert received, f"the client closed; heard {self._heard!r}"
            self._heard += received
        heard, _, self._heard = self._heard.partition(text)
        return heard + text


@contextmanager
def opened(peer: Peer, timeout: float = PATIENCE) -> Iterator[SocketcandBus]:
    with peer, SocketcandBus("can0", "127.0.0.1", peer.port, timeout=timeout) as bus:
        yield bus


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def pause(_: socket.socket) -> None:
    """Let a packet go out on its own. No test depends on it."""
    time.sleep(0.002)


def received(bus: SocketcandBus, count: int) -> list[can.Message]:
    frames: list[can.Message] = []
    while len(frames) < count:
        frame = bus.recv(PATIENCE)
        assert frame is not None, f"{len(frames)} of {count} frames came"
        frames.append(frame)
    return frames


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def facts(frame: can.Message) -> tuple[float, int, bool, bytes]:
    return frame.timestamp, frame.arbitration_id, frame.is_extended_id, bytes(frame.data)


class Background:
    """Runs something that may block, in a thread."""

    def __init__(self, action: Callable[[], object]) -> None:
        self._action = action
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._action()
        except Exception as error:  # noqa: BLE001  handed over by `error`
            self._error = error

    def error(self) -> Exception | None:
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "still blocked"
        return self._error


def crowd(bus: SocketcandBus, timeout: float | None = None) -> None:
    """Send more than there is room for."""
    bus._connection._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    for _ in range(1_000_000):
        bus.send(can.Message(arbitration_id=1, data=bytes(8)), timeout)
