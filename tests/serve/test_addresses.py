"""Where a served rig listens, as the command line or the rig file of the other side has it."""

import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import BenchError, RigFileError, TestError
from harness.rig.rig_file import read_rig_file
from harness.serve.addresses import Addresses, addresses_in, given_addresses, open_socket
from tests.serve.conftest import BENCH, ROOT

SERVERS = ["supply", "switches", "can"]

Find = Callable[..., Addresses]


@pytest.fixture
def find(tmp_path: Path) -> Find:
    """Look for addresses in the file of the bench; a text that is in it once gives way to another."""

    def find(*changes: tuple[str, str]) -> Addresses:
        shutil.copytree(ROOT / "rigs/vehicles", tmp_path / "vehicles")
        text = BENCH
        for before, after in changes:
            assert text.count(before) == 1, before
            text = text.replace(before, after)
        path = tmp_path / "rx5-served.yaml"
        path.write_text(text, encoding="utf-8")
        return addresses_in(read_rig_file(path), ["supply", "switches"], ["head unit console"], ["chassis"])

    return find


def test_ports_are_read_from_the_command_line() -> None:
    assert given_addresses(None, [], SERVERS) == Addresses("127.0.0.1", {})
    assert given_addresses("0.0.0.0", ["supply=5025", "can=29536"], SERVERS) == Addresses(  # noqa: S104
        "0.0.0.0",  # noqa: S104
        {"supply": 5025, "can": 29536},
    )


@pytest.mark.parametrize(
    ("ports", "reason"),
    [
        (["suply=1"], "did you mean 'supply'"),
        (["supply"], "no instrument, stream or can ''"),
        (["supply=http"], "'http' is no port"),
        (["supply=0"], "ports go from 1 to 65535"),
        (["supply=65536"], "ports go from 1 to 65535"),
        (["supply=-1"], "'-1' is no port"),
        (["supply=1", "supply=2"], "supply has port 1 already"),
    ],
)
def test_a_port_that_makes_no_sense_is_refused(ports: list[str], reason: str) -> None:
    with pytest.raises(TestError) as raised:
        given_addresses(None, ports, SERVERS)
    assert reason in str(raised.value)


@pytest.mark.parametrize(
    ("host", "open_to_others"),
    [("127.0.0.1", False), ("localhost", False), ("127.0.1.1", False), ("0.0.0.0", True), ("192.168.0.7", True)],  # noqa: S104
)
def test_only_loopback_is_closed_to_others(host: str, *, open_to_others: bool) -> None:
    assert Addresses(host).is_open_to_others is open_to_others


def test_addresses_are_those_of_the_other_sides_rig_file(find: Find) -> None:
    ports = {"supply": 5025, "switches": 5026, "head unit console": 5027, "can": 29536}
    assert find() == Addresses("bench.lab", ports)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("resource: TCPIP0::bench.lab::5026::SOCKET", "resource: GPIB::9::INSTR", "switches is served, so TCPIP::host"),
        ("resource: tcp://bench.lab:5027", "resource: /dev/ttyUSB0", "head unit console is served, so tcp://host:port"),
        (
            "interface: socketcand, channel: chassis",
            "interface: socketcan, channel: chassis",
            "chassis is served, so interface socketcand",
        ),
        ("channel: chassis,", "channel: can0,", "channel chassis"),
        (
            "channel: chassis, parameters: {host: bench.lab, port: 29536}",
            "channel: chassis, parameters: {host: bench.lab}",
            "host and port are needed",
        ),
        (
            "TCPIP::bench.lab::5025",
            "TCPIP::other.lab::5025",
            "one host, but this file looks for it at bench.lab, other",
        ),
    ],
)
def test_a_file_that_looks_elsewhere_is_refused(find: Find, before: str, after: str, reason: str) -> None:
    with pytest.raises(RigFileError) as raised:
        find((before, after))
    assert "rx5-served.yaml" in str(raised.value)
    assert reason in str(raised.value)


def test_an_address_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as used:
        port = used.getsockname()[1]
        with pytest.raises(BenchError, match=f"^supply: cannot listen on 127.0.0.1:{port}: Address already in use$"):
            open_socket("supply", Addresses("127.0.0.1", {"supply": port}))


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_of_another_computer_is_named(host: str) -> None:
    """192.0.2.0/24 and .invalid belong to nobody: RFC 5737 and RFC 2606."""
    with pytest.raises(BenchError, match=f"^can: cannot listen on {host}:0: "):
        open_socket("can", Addresses(host))
