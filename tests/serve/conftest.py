import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import can
import pytest

ROOT = Path(__file__).parents[2]
HIL = shutil.which("hil", path=str(Path(sys.executable).parent)) or "hil"
BOUND = 30.0
"""Seconds after which a test gives up."""

BENCH = """\
description: The RX5 behind sockets.
vehicle: roewe-rx5
ecus:
  head unit: {node: HU, pins: {KL30: KL30}}
nets:
  KL30: {fed_by: supply.1, resistance: 25 mohm}
  ACC: {fed_by: KL30, resistance: 15 mohm, relay: switches.101}
  KL15: {fed_by: KL30, resistance: 15 mohm, relay: switches.102}
buses:
  chassis: {channel: {interface: socketcand, channel: chassis, parameters: {host: bench.lab, port: 29536}}}
  body: {channel: {interface: socketcand, channel: body, parameters: {host: bench.lab, port: 29536}}}
instruments:
  supply:
    model: rohde-schwarz-hmp4040
    limits: {voltage: 18 V, current: 10 A}
    resource: TCPIP::bench.lab::5025::SOCKET
  switches: {model: keysight-34970a, resource: TCPIP0::bench.lab::5026::SOCKET}
  ammeter: {model: keysight-34465a, resource: TCPIP::bench.lab::5028::SOCKET}
  voltmeter: {model: keysight-34465a, resource: TCPIP::bench.lab::5029::SOCKET}
  source meter: {model: keithley-2450, resource: TCPIP::bench.lab::5030::SOCKET}
  scope: {model: keysight-dsox1204g, resource: TCPIP::bench.lab::5031::SOCKET}
  relay card: {model: modbus-relay-card, resource: tcp://bench.lab:5032}
streams:
  head unit console: {ecu: head unit, resource: tcp://bench.lab:5027}
supply: {net: KL30, voltage: 13.5 V, current_limit: 8 A}
"""
"""A rig file of those who connect to a served rig."""


def line_of(process: "subprocess.Popen[str]") -> str:
    """Return the next line that a process prints; it is killed if none comes."""
    assert process.stdout
    bound = threading.Timer(BOUND, process.kill)
    bound.start()
    try:
        return process.stdout.readline()
    finally:
        bound.cancel()


class ServedProcess:
    """`hil serve` as a process of its own; `facts` is what it says of itself."""

    def __init__(self, log: Path, arguments: tuple[str, ...]) -> None:
        self._log = log
        with log.open("w") as errors:
            self.process = subprocess.Popen(
                [HIL, "serve", *arguments, "--json"], cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        line = line_of(self.process)
        assert line, f"it ended before it listened:\n{self.log}"
        self.facts: dict[str, Any] = json.loads(line)

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def can_address(self) -> tuple[str, int]:
        bus = self.facts["buses"]["chassis"]
        return bus["host"], bus["port"]

    def address(self, instrument: str) -> tuple[str, int]:
        _, host, port, _ = self.facts["resources"][instrument].split("::")
        return host, int(port)

    def can_bus(self) -> can.BusABC:
        """python-can's own client of socketcand, untouched."""
        return can.Bus(**self.facts["buses"]["chassis"], ignore_config=True)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.communicate(timeout=BOUND)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.communicate()
                pytest.fail(f"hil serve does not end:\n{self.log}")
        elif self.process.stdout:
            self.process.stdout.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., ServedProcess]]:
    """Start `hil serve` with these arguments."""
    started: list[ServedProcess] = []

    def start(*arguments: str) -> ServedProcess:
        started.append(ServedProcess(tmp_path / f"log{len(started)}", arguments))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedProcess]:
    """The head unit of the RX5 and its instruments, one process for the tests of a file."""
    started = ServedProcess(tmp_path_factory.mktemp("served") / "log", ("rx5-virtual", "--only", "head unit"))
    yield started
    started.close()


class Client:
    """A plain TCP client that waits for what must come."""

    def __init__(self, address: tuple[str, int], buffer: int | None = None) -> None:
        self._socket = socket.socket()
        if buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self._socket.settimeout(BOUND)
        self._socket.connect(address)
        self.received = b""

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def half_close(self) -> None:
        """Send nothing more."""
        self._socket.shutdown(socket.SHUT_WR)

    def expect(self, end: bytes) -> bytes:
        """Return what comes up to and with `end`."""
        while end not in self.received:
            data = self._socket.recv(4096)
            assert data, f"closed after {self.received!r}, before {end!r}"
            self.received += data
        taken, found, self.received = self.received.partition(end)
        return taken + found

    def rest(self) -> bytes:
        """Return what comes until the server closes the connection."""
        received, self.received = self.received, b""
        try:
            while data := self._socket.recv(65536):
                received += data
        except ConnectionError:
            pass
        return received

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def connect() -> Iterator[Callable[..., Client]]:
    """Connect a plain TCP client."""
    clients: list[Client] = []

    def connect(address: tuple[str, int], buffer: int | None = None) -> Client:
        clients.append(Client(address, buffer))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        return int(unused.getsockname()[1])
