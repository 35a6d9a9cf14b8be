"""TCP connections of a served rig: bounded in what they hold, and all of them closed at the end."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

Log = Callable[[str], None]
"""Takes a line for the one who runs the server."""

LONGEST_LINE = 64 * 1024
"""Bytes."""
MOST_WAITING = 1024 * 1024
"""Bytes that may wait to be written to a client, or to be worked through for it."""
_AT_ONCE = 4096
"""Bytes of one read, at most."""
GRACE = 0.5
"""Seconds that a client waits for the one before it to go: enough for one that connects anew [P]."""
_FLUSH = 1.0
"""Seconds that a client has to take what was written before its connection was closed [P]."""
_KEEPALIVE = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 1, "TCP_KEEPCNT": 3}
"""Seconds of silence, seconds between probes, and probes, after which a client that has gone without a word, as by a
loss of power, is taken for lost [P]: an instrument takes nobody else while it is connected."""


class Connection:
    """One client. All but `soon` belongs to the thread of the event loop."""

    def __init__(self, server: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, log: Log) -> None:
        peer = writer.get_extra_info("peername")  # None if it has gone already
        self.peer = f"{peer[0]}:{peer[1]}" if peer else "gone"
        self._server = server
        self._reader = reader
        self._writer = writer
        self._log = log
        self._loop = asyncio.get_running_loop()

    async def read(self, most: int = _AT_ONCE) -> bytes:
        """Return what has come, so many bytes at most; nothing when the client has gone."""
        try:
            data = await self._reader.read(most)
        except OSError:
            return b""
        if len(data) == most:
            await asyncio.sleep(0)  # there may be more, and a reader that has some lets nobody else have a turn
        return data

    async def read_line(self) -> bytes:
        """Return a line with its end; nothing when the client has gone, be it in the middle of a line."""
        try:
            line = await self._reader.readline()
        except ValueError:
            self.drop(f"a line of more than {LONGEST_LINE} bytes")
            return b""
        except OSError:
            return b""
        return line if line.endswith(b"\n") else b""

    def write(self, data: bytes) -> None:
        """Send bytes; a client that has gone gets nothing, one that reads nothing is dropped."""
        if self._writer.is_closing():
            return
        self._writer.write(data)
        if self._writer.transport.get_write_buffer_size() > MOST_WAITING:
            self.drop(f"it reads nothing, and more than {MOST_WAITING} bytes wait for it")

    def soon(self, action: Callable[..., None], *arguments: object) -> None:
        """Do something with the connection on its own thread; from any thread."""
        self._loop.call_soon_threadsafe(action, *arguments)

    def log(self, event: str) -> None:
        """Tell of something that has happened to this client."""
        self._log(f"{self._server}: client {self.peer}: {event}")

    def drop(self, reason: str) -> None:
        """Break the connection at once."""
        if not self._writer.is_closing():
            self.log(f"dropped: {reason}")
            self._writer.transport.abort()

    def close(self) -> None:
        """End the connection; what was written still goes out."""
        self._writer.close()

    def abort(self) -> None:
        """End the connection at once."""
        self._writer.transport.abort()

    async def closed(self) -> None:
        """Close, and wait for the end within a bound."""
        self.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_FLUSH):
                await self._writer.wait_closed()
        self.abort()


Talk = Callable[[Connection], Awaitable[None]]
"""Serves one client until it goes."""


class TcpServer:
    """Serves the clients of one socket."""

    def __init__(self, name: str, listening: socket.socket, talk: Talk, log: Log) -> None:
        self._name = name
        self._listening = listening
        self._talk = talk
        self._log = log
        self._clients: dict[asyncio.Task[None], Connection] = {}

    async def start(self) -> None:
        """Accept clients from now on."""
        self._server = await asyncio.start_server(self._accept, sock=self._listening, limit=LONGEST_LINE)

    async def close(self) -> None:
        """Accept nobody any more, and close all connections."""
        self._server.close()
        for connection in self._clients.values():
            connection.close()
        if self._clients:
            await asyncio.wait(self._clients, timeout=_FLUSH)
        for task, connection in self._clients.items():
            connection.abort()
            task.cancel()  # it may wait for a simulation that has stopped
        if self._clients:
            await asyncio.wait(self._clients)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _keep_alive(writer.get_extra_info("socket"))
        connection = Connection(self._name, reader, writer, self._log)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  the event loop runs this as one
        self._clients[task] = connection
        try:
            with suppress(asyncio.CancelledError):  # the server closes
                await self._talk(connection)
        finally:
            await connection.closed()
            del self._clients[task]


def _keep_alive(accepted: socket.socket) -> None:
    with suppress(OSError):  # the client has gone already
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if option := getattr(socket, name, None):
                accepted.setsockopt(socket.IPPROTO_TCP, option, value)


class OneAtATime:
    """Lets one client talk; another one waits for a moment and is then turned away."""

    def __init__(self, talk: Talk, farewell: bytes = b"") -> None:
        self._talk = talk
        self._farewell = farewell
        self._free = asyncio.Lock()
        self._served = ""

    async def __call__(self, connection: Connection) -> None:
        """Serve a client until it goes, or turn it away."""
        try:
            async with asyncio.timeout(GRACE):
                await self._free.acquire()
        except TimeoutError:
            connection.log(f"turned away: {self._served} is connected")
            connection.write(self._farewell)
            return
        self._served = connection.peer
        try:
            await self._talk(connection)
        finally:
            self._free.release()
