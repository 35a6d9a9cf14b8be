"""A simulated instrument on a raw TCP socket: SCPI lines in, answers out, as `TCPIP::host::port::SOCKET` has it."""

import asyncio
from contextlib import suppress
from functools import partial

from harness.serve.posts import Posts
from harness.serve.tcp_server import GRACE, MOST_WAITING, Connection, Talk
from harness.simulation.instruments.scpi_instrument import ScpiInstrument
from harness.transports.paced_kernel import PacedKernel

_LAST_ANSWERS = GRACE / 2
"""Seconds that an instrument has for what a client has sent before it went: the next one is waiting [P]."""


def scpi_talk(instrument: ScpiInstrument, paced: PacedKernel) -> Talk:
    """Return what hands the lines of a client to an instrument; they are carried out even if the client goes."""

    async def talk(connection: Connection) -> None:
        client = _Client(instrument, connection)
        posts = Posts(paced, connection)
        while line := await connection.read_line():
            if message := line.decode("latin-1").strip():
                await posts.post(partial(client.send, message))
        # It may have closed its half of the connection only, as `nc` does at the end of its input.
        paced.post(client.end)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_ANSWERS):
                await client.answered.wait()

    return talk


class _Client:
    """What one client has sent and the instrument has not yet worked through. Belongs to the simulation's thread."""

    def __init__(self, instrument: ScpiInstrument, connection: Connection) -> None:
        self._instrument = instrument
        self._connection = connection
        self._waiting = 0
        self._ends = False
        self.answered = asyncio.Event()
        """That all has been worked through; set in the thread of the event loop."""

    def end(self) -> None:
        """Take note that nothing more will come."""
        self._ends = True
        if not self._waiting:
            self._connection.soon(self.answered.set)

    def send(self, message: str) -> None:
        self._waiting += len(message)
        if self._waiting > MOST_WAITING:
            reason = f"the instrument has more than {MOST_WAITING} bytes of its commands to work through"
            self._connection.soon(self._connection.drop, reason)
            return
        self._instrument.receive(message, self._respond).when_set(partial(self._worked_through, len(message)))

    def _respond(self, answer: str) -> None:
        self._connection.soon(self._connection.write, answer.encode("latin-1") + b"\n")

    def _worked_through(self, size: int) -> None:
        self._waiting -= size
        if self._ends and not self._waiting:
            self._connection.soon(self.answered.set)
