"""The console of an ECU behind a plain socket."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from harness.serve.console_server import IN_USE, console_talk
from harness.serve.tcp_server import OneAtATime, TcpServer
from harness.simulation.kernel import Kernel
from harness.simulation.serial_line import SerialLine
from harness.transports.paced_kernel import PacedKernel
from harness.transports.wall_clock import WallClock
from tests.serve.conftest import BOUND, Client

Connect = Callable[..., Client]


class ServedLine:
    """A console whose ECU answers each piece that comes with the same in capitals."""

    def __init__(self) -> None:
        kernel = Kernel()
        self.log: list[str] = []
        self.line = SerialLine(kernel)
        self.line.on_receive = lambda data: self.line.write(data.upper())
        self.paced = PacedKernel(kernel, WallClock())
        listening = socket.create_server(("127.0.0.1", 0))
        self.address = listening.getsockname()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(listening),))
        self._thread.start()
        assert self._ready.wait(BOUND)

    async def _serve(self, listening: socket.socket) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = TcpServer(
            "console", listening, OneAtATime(console_talk(self.line, self.paced), IN_USE), self.log.append
        )
        await server.start()
        self.paced.start()
        self._ready.set()
        await self._end.wait()
        self.paced.stop()
        await server.close()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(BOUND)
        assert not self._thread.is_alive(), "the server does not end"


@pytest.fixture
def console() -> Iterator[ServedLine]:
    served = ServedLine()
    yield served
    served.close()
    assert served.paced.problems == []


def test_bytes_go_both_ways_as_they_are(console: ServedLine, connect: Connect) -> None:
    client = connect(console.address)
    client.send(b"version\r\n\x00\xff")
    assert client.expect(b"\xff") == b"VERSION\r\n\x00\xff"
    console.paced.post(lambda: console.line.write(b"kernel panic\n"))
    assert client.expect(b"\n") == b"kernel panic\n"


def test_a_second_client_is_told_so(console: ServedLine, connect: Connect) -> None:
    first = connect(console.address)
    first.send(b"a")
    first.expect(b"A")
    assert connect(console.address).rest() == b"console in use\r\n"
    assert "turned away" in console.log[-1]
    first.send(b"b")
    assert first.expect(b"B") == b"B"


def test_what_comes_while_nobody_listens_is_lost(console: ServedLine, connect: Connect) -> None:
    first = connect(console.address)
    first.send(b"a")
    first.expect(b"A")
    first.close()
    second = connect(console.address)
    second.send(b"b")
    assert second.expect(b"B") == b"B"
    assert len(console.line._listeners) == 1


def test_the_end_of_the_server_is_the_end_of_the_connection(connect: Connect) -> None:
    console = ServedLine()
    client = connect(console.address)
    client.send(b"last")
    client.expect(b"LAST")
    console.close()
    assert client.rest() == b""


def test_a_client_that_reads_nothing_is_dropped_and_the_ecu_goes_on(console: ServedLine, connect: Connect) -> None:
    slow = connect(console.address, buffer=4096)
    slow.send(b"a")
    slow.expect(b"A")
    for _ in range(32):
        console.paced.post(lambda: console.line.write(bytes(1024 * 1024)))
    client = connect(console.address)
    client.send(b"b")
    assert client.expect(b"B") == b"B"
    assert any("dropped: it reads nothing" in line for line in console.log)
