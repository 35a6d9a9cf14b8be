"""Hands to the simulation what a client wants of it, no faster than the simulation gets it done."""

import asyncio
from collections.abc import Callable
from functools import partial

from harness.serve.tcp_server import Connection
from harness.transports.paced_kernel import PacedKernel

MOST_POSTED = 100
"""What one client may have posted and the simulation not yet done [P]: about 1 ms of its time, and 45 ms of frames on a
bus of 500 kbit/s that does nothing else."""


class Posts:
    """What one client posts. Whoever waits for `post` reads nothing from the client meanwhile: it has to wait, too.

    Args:
        paced: runs the simulation.
        connection: of the client.
        most: that may have been posted and not been done.
    """

    def __init__(self, paced: PacedKernel, connection: Connection, most: int = MOST_POSTED) -> None:
        self._paced = paced
        self._connection = connection
        self._most = most
        self._posted = 0

    async def post(self, action: Callable[[], None]) -> None:
        """Run `action` in the simulation, soon; return when there is room for another one."""
        self._paced.post(action)
        self._posted += 1
        if self._posted == self._most:
            done = asyncio.Event()
            self._paced.post(partial(self._connection.soon, done.set))
            await done.wait()
            self._posted = 0
