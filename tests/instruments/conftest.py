import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import pytest

from harness.quantities import Duration
from harness.transports.visa import ScpiSession, open_session

Answer = str | bytes | None | Callable[[socket.socket], None]
Script = Sequence[tuple[str, Answer]]
"""Lines that must come, in this order, and what is answered: a line, raw bytes, nothing, or what is done instead."""


class ScriptedPeer:
    """A TCP server that plays one script a connection and notes what does not follow it."""

    def __init__(self, connections: Sequence[Script]) -> None:
        self.deviations: list[str] = []
        self._left = list(connections)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.resource = f"TCPIP::127.0.0.1::{self._listener.getsockname()[1]}::SOCKET"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._thread.join(10)  # it ends by itself when all scripts are played
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        if self._left:
            self.deviations.append(f"no connection for {self._left}")

    def _serve(self) -> None:
        while self._left:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # closed while it waits
                return
            with connection, connection.makefile("rb") as lines, suppress(ConnectionResetError):
                self._play(self._left.pop(0), connection, lines.readline)

    def _play(self, script: Script, connection: socket.socket, next_line: Callable[[], bytes]) -> None:
        for expected, answer in script:
            if (line := next_line()) != expected.encode() + b"\n":
                self.deviations.append(f"{line!r} instead of {expected!r}")
                return
            if callable(answer):
                answer(connection)
            elif answer is not None:
                connection.sendall(answer if isinstance(answer, bytes) else answer.encode() + b"\n")
        if line := next_line():
            self.deviations.append(f"{line!r} after the end of the script")


@pytest.fixture
def bench() -> Iterator[Callable[..., ScpiSession]]:
    """Open a session, through pyvisa-py and a real socket, to an instrument that plays a script."""
    opened: list[tuple[ScpiSession, ScriptedPeer]] = []

    def connect(*connections: Script, timeout: str = "10 s") -> ScpiSession:
        peer = ScriptedPeer(connections)
        session = open_session("@py", peer.resource, role="supply", timeout=Duration.parse(timeout))
        opened.append((session, peer))
        return session

    yield connect
    for session, peer in opened:
        session.close()
        peer.close()
        assert not peer.deviations
