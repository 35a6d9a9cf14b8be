"""The console of a simulated ECU on TCP: raw bytes both ways, as a serial port server has it."""

from functools import partial
from typing import TYPE_CHECKING

from harness.serve.posts import Posts
from harness.serve.tcp_server import Connection, Talk
from harness.simulation.serial_line import SerialLine
from harness.transports.paced_kernel import PacedKernel

if TYPE_CHECKING:
    from collections.abc import Callable

IN_USE = b"console in use\r\n"
"""What a second client is told."""
_AT_ONCE = 256
"""Bytes that an ECU gets in one event of the simulation, at most [P]: each may be a command of its own."""


def console_talk(line: SerialLine, paced: PacedKernel) -> Talk:
    """Return what joins a client to a console. What the ECU writes while nobody is connected is lost, as on a wire."""

    async def talk(connection: Connection) -> None:
        stop: Callable[[], None]

        def begin() -> None:
            nonlocal stop
            stop = line.listen(lambda data, _: connection.soon(connection.write, data))

        def end() -> None:
            stop()

        paced.post(begin)
        posts = Posts(paced, connection, most=1)
        while data := await connection.read(_AT_ONCE):
            await posts.post(partial(line.send, data))
        paced.post(end)

    return talk
