"""Where a served rig listens: what the command line says, or what the rig file of those who connect says."""

import os
import re
import socket
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from harness.errors import BenchError, RigFileError, TestError, unknown_name
from harness.instruments.registry import SERIAL_DRIVERS
from harness.rig.rig_file import CanAdapterFacts, RigFile
from harness.yaml_file import KeyPath, error_in

CAN = "can"
"""What the one socketcand server for all buses is called among the ports."""
LOOPBACK = "127.0.0.1"

_VISA_SOCKET = re.compile(r"TCPIP\d*::(?P<host>[^:]+)::(?P<port>\d+)::SOCKET", re.IGNORECASE)
_TCP_STREAM = re.compile(r"tcp://(?P<host>.+):(?P<port>\d+)")


@dataclass(frozen=True)
class Addresses:
    """The host, and the ports that are given; all others are free ones."""

    host: str = LOOPBACK
    ports: Mapping[str, int] = field(default_factory=dict)
    """By instrument or stream, and `can`."""

    @property
    def is_open_to_others(self) -> bool:
        """Whether other computers can connect."""
        return not (self.host == "localhost" or self.host.startswith("127."))


def given_addresses(host: str | None, ports: Iterable[str], servers: Collection[str]) -> Addresses:
    """Read ports as the command line has them, such as `supply=5025`.

    Args:
        host: where to listen; only this computer when it is None.
        ports: pairs of a name and a number.
        servers: names that there are.

    Raises:
        TestError: a name is unknown or comes twice, or a number is no port.
    """
    read: dict[str, int] = {}
    for text in ports:
        name, _, number = text.rpartition("=")
        if name not in servers:
            raise TestError(f"--port {text}: {unknown_name('instrument, stream or can', name, servers)}")
        if name in read:
            raise TestError(f"--port {text}: {name} has port {read[name]} already")
        if not (number.isdecimal() and 0 < int(number) < 1 << 16):
            raise TestError(f"--port {text}: {number!r} is no port; ports go from 1 to 65535")
        read[name] = int(number)
    return Addresses(host or LOOPBACK, read)


def addresses_in(rig: RigFile, instruments: Iterable[str], streams: Iterable[str], buses: Iterable[str]) -> Addresses:
    """Return where a rig file looks for these instruments, streams and buses.

    Raises:
        RigFileError: it has no socket's address for one of them, several hosts, or several ports for the buses.
    """
    found: dict[KeyPath, tuple[str, str, int]] = {}
    problems: dict[KeyPath, str] = {}

    def look(key: KeyPath, server: str, address: re.Match[str] | None, expected: str) -> None:
        if address:
            found[key] = server, address["host"], int(address["port"])
        else:
            problems[key] = f"{server} is served, so {expected} is needed here"

    for name in instruments:
        facts = rig.instruments.get(name)
        is_serial = facts is not None and facts.model in SERIAL_DRIVERS
        address = (_TCP_STREAM if is_serial else _VISA_SOCKET).fullmatch(facts.resource) if facts else None
        expected = "tcp://host:port" if is_serial else "TCPIP::host::port::SOCKET"
        look(("instruments", name, "resource"), name, address, expected)
    for name in streams:
        stream = rig.streams.get(name)
        address = _TCP_STREAM.fullmatch(stream.resource) if stream else None
        look(("streams", name, "resource"), name, address, "tcp://host:port")
    for bus in buses:
        key = ("buses", bus, "channel")
        channel = rig.buses[bus].channel if bus in rig.buses else None
        served = _socketcand_address(channel, bus)
        if served is None:
            problems[key] = (
                f"{bus} is served, so interface socketcand, channel {bus}, and host and port are needed here"
            )
        else:
            found[key] = CAN, *served
    if problems:
        raise error_in(rig.path, problems)
    return _joined(rig, found)


def _socketcand_address(channel: str | CanAdapterFacts | None, bus: str) -> tuple[str, int] | None:
    if not isinstance(channel, CanAdapterFacts) or (channel.interface, channel.channel) != ("socketcand", bus):
        return None
    host, port = channel.parameters.get("host"), channel.parameters.get("port")
    return (host, port) if isinstance(host, str) and type(port) is int else None


def _joined(rig: RigFile, found: Mapping[KeyPath, tuple[str, str, int]]) -> Addresses:
    hosts = sorted({host for _, host, _ in found.values()})
    if len(hosts) > 1:
        raise RigFileError(f"{rig.path}: a served rig has one host, but this file looks for it at {', '.join(hosts)}")
    ports: dict[str, int] = {}
    for key, (server, _, port) in found.items():
        if ports.setdefault(server, port) != port:
            reason = f"port {port}, but one server has all buses, and another bus looks for it at {ports[server]}"
            raise error_in(rig.path, {key: reason})
    return Addresses(hosts[0] if hosts else LOOPBACK, ports)


def open_socket(server: str, addresses: Addresses) -> socket.socket:
    """Return a socket that takes connections for a server. IPv4, as python-can's socketcand is.

    Raises:
        BenchError: the address is in use, or not this computer's.
    """
    port = addresses.ports.get(server, 0)
    try:
        return socket.create_server((addresses.host, port))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error
        raise BenchError(f"{server}: cannot listen on {addresses.host}:{port}: {reason}") from error
