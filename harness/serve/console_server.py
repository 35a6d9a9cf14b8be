"""The console of a simulated ECU on TCP: raw bytes both ways, as a serial port server has it."""

from functools import partial
from typing import TYPE_CHECKING

from harness.serve.tcp_server import Connection, Talk
from harness.simulation.serial_line import SerialLine
from harness.transports.paced_kernel import PacedKernel

if TYPE_CHECKING:
    from collections.abc import Callable

IN_USE = b"console in use\r\n"
"""What a second client is told."""


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
        while data := await connection.read():
            paced.post(partial(line.send, data))
        paced.post(end)

    return talk
