"""What a client that goes without a word leaves behind."""

import socket
import sys
from collections.abc import Callable
from time import monotonic

import pytest

from tests.serve.conftest import BOUND, ServedProcess

TCP_REPAIR = 19
"""Linux, include/uapi/linux/tcp.h: a socket that is closed in this mode sends nothing."""


@pytest.mark.skipif(sys.platform != "linux", reason="lets a connection vanish by TCP_REPAIR")
def test_an_instrument_is_free_again_when_its_client_has_vanished(serve: Callable[..., ServedProcess]) -> None:
    """As a computer does that loses power."""
    rig = serve("rx5-virtual", "--only", "head unit")
    with socket.create_connection(rig.address("supply"), BOUND) as gone:
        gone.sendall(b"*OPC?\n")
        assert gone.recv(100) == b"1\n"
        try:
            gone.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        except PermissionError:
            pytest.skip("TCP_REPAIR is for those who may administer the network")
    answer, end = b"", monotonic() + BOUND
    while not answer and monotonic() < end:
        with socket.create_connection(rig.address("supply"), BOUND) as client:
            try:
                client.sendall(b"*OPC?\n")
                answer = client.recv(100)
            except ConnectionError:
                pass  # turned away
    assert answer == b"1\n", rig.log
