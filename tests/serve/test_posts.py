"""Nobody can post more to a served simulation than it gets done: whoever sends more has to wait."""

import asyncio
import socket
import threading
from collections.abc import Callable

import pytest

from harness.serve.served_rig import ServedRig, plan, served
from tests.serve.conftest import BOUND, ROOT

MORE_THAN_SOCKETS_HOLD = 32 * 1024 * 1024
"""Bytes."""
FRAME = b"< send 7FF 1 00 >"
Address = Callable[[ServedRig], tuple[str, int]]


def _port(name: str) -> Address:
    return lambda rig: (rig.addresses.host, rig.addresses.ports[name])


def _send_until_nobody_reads(address: tuple[str, int], greeting: bytes, line: bytes) -> bool:
    """Send lines; say whether it came to an end because nobody took them any more."""
    with socket.create_connection(address, timeout=1.0) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        client.sendall(greeting)
        many = line * 1000
        try:
            for _ in range(MORE_THAN_SOCKETS_HOLD // len(many)):
                client.sendall(many)
        except TimeoutError:
            return True
    return False


@pytest.mark.parametrize(
    ("address", "greeting", "line"),
    [
        pytest.param(_port("can"), b"< open chassis >", FRAME, id="can"),
        pytest.param(_port("supply"), b"", b"*CLS\n", id="instrument"),
        pytest.param(_port("head unit console"), b"", b"version\n", id="console"),
    ],
)
def test_nobody_reads_from_a_client_while_the_simulation_has_not_done_what_it_has_sent(
    address: Address, greeting: bytes, line: bytes
) -> None:
    log: list[str] = []

    async def serve() -> bool:
        planned = plan(str(ROOT / "rigs/rx5-virtual.yaml"), only=(), host=None, ports=(), at=None, seed=1)
        async with served(planned, log.append) as rig:
            with rig.paced.held():
                return await asyncio.to_thread(_send_until_nobody_reads, address(rig), greeting, line)

    assert asyncio.run(serve())
    assert not [line for line in log if "dropped" in line]


def test_a_client_goes_on_when_the_simulation_does() -> None:
    """More frames than may be posted at once, all of which arrive."""

    async def serve() -> None:
        planned = plan(str(ROOT / "rigs/rx5-virtual.yaml"), only=("head unit",), host=None, ports=(), at=None, seed=1)
        async with served(planned, lambda _: None) as rig:
            await asyncio.to_thread(_send_and_hear, _port("can")(rig))

    asyncio.run(serve())


def _send_and_hear(address: tuple[str, int]) -> None:
    with socket.create_connection(address, BOUND) as listener, socket.create_connection(address, BOUND) as sender:
        listener.sendall(b"< open chassis >< rawmode >")
        received = b""
        while received.count(b"< ok >") < 2:
            received += listener.recv(4096)
        thread = threading.Thread(target=sender.sendall, args=(b"< open chassis >" + FRAME * 950,))
        thread.start()
        while received.count(b"< frame 7FF ") < 950:
            data = listener.recv(4096)
            assert data
            received += data
        thread.join(BOUND)
