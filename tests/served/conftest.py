import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from junitparser import JUnitXml
from ruamel.yaml import YAML

from harness.quantities import Duration
from harness.results.outcome import Outcome, read_outcomes
from harness.results.run_folder import read_run_facts
from harness.rig.locks import lock_resources
from harness.rig.rig_file import read_rig_file

ROOT = Path(__file__).parents[2]
SUITE = Path(__file__).with_name("faults.robot")
HIL = shutil.which("hil", path=str(Path(sys.executable).parent)) or "hil"
BOUND = 120.0
"""Seconds after which a test gives up."""
SUPPLY, SWITCHES, CAN, CONSOLE = "supply", "switches", "can", "head unit console"
FEW = ("head unit", "body controller", "front camera")
"""ECUs that do for most tests: 90 frames a second. All send 830, and after 3 s without a server that is more than it
takes at once."""
SMALL_SEGMENT = 536
"""Bytes. With larger segments megabytes fit into a connection that nobody reads."""


class Link:
    """The TCP connections from the runner to one server, which can fail on their way."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._ends: list[socket.socket] = []
        self._flows = threading.Event()
        self._flows.set()
        self._listening = socket.socket()
        self._listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SMALL_SEGMENT)
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._listening.bind(("127.0.0.1", 0))
        self._listening.listen()
        self.address: tuple[str, int] = self._listening.getsockname()
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def cut(self) -> None:
        """Close the connections, and take no new ones."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self.drop()

    def drop(self) -> None:
        """Close the connections that there are."""
        self._flows.set()
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def stop_reading(self) -> None:
        """Take nothing any more from either side."""
        self._flows.clear()

    def close(self) -> None:
        self.cut()
        for thread in self._threads:
            thread.join(BOUND)
        for end in (self._listening, *self._ends):
            end.close()

    def _start(self, target: Callable[..., None], *arguments: socket.socket) -> None:
        self._threads.append(threading.Thread(target=target, args=arguments, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                self._ends.append(client)
                server = socket.create_connection(self._server)
                self._ends.append(server)
                for source, target in ((client, server), (server, client)):
                    source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._start(self._pass_on, source, target)

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(4096):
                self._flows.wait()
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def _killed_after_bound(process: "subprocess.Popen[str]") -> Iterator[None]:
    bound = threading.Timer(BOUND, process.kill)
    bound.start()
    try:
        yield
    finally:
        bound.cancel()


class Run:
    """`hil run` as somebody sees it who watches its output, and afterwards reads its reports."""

    def __init__(self, folder: Path, output: str, tags: tuple[str, ...], seconds: int) -> None:
        chosen = [argument for tag in tags for argument in ("--include", tag)]
        self._reports = folder / output
        self.output = ""
        self.process = subprocess.Popen(
            [HIL, "run", "--rig", "served", "--output", output, *chosen, str(SUITE)],
            cwd=folder,
            env=os.environ | {"SECONDS": str(seconds)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )

    def until(self, word: str) -> None:
        """Return when the run prints a line with a word."""
        assert self.process.stdout
        with _killed_after_bound(self.process):
            line = ""
            while word not in line:
                line = self.process.stdout.readline()
                assert line, f"it ended without {word!r}:\n{self.output}"
                self.output += line

    def end(self) -> int:
        """Return the exit code."""
        assert self.process.stdout
        with _killed_after_bound(self.process):
            self.output += self.process.stdout.read()
            return self.process.wait()

    @property
    def processor_time(self) -> float:
        """Seconds of a core that the run has used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def report(self) -> Path:
        (folder,) = self._reports.iterdir()
        return folder

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """By test."""
        return {outcome.name: outcome for outcome in read_outcomes(self.report / "output.xml")}

    def check_reports(self, code: int) -> None:
        """Make sure that all reports are there, and that they blame nothing on the product."""
        assert {"report.html", "log.html", "junit.xml", "measurements.jsonl"} <= {
            it.name for it in self.report.iterdir()
        }
        assert read_run_facts(self.report).exit_code == code
        failures = sum(suite.failures for suite in JUnitXml.fromfile(str(self.report / "junit.xml")))
        assert not failures, f"{self.output}\n{self.outcomes}"


class Lab:
    """A folder with a rig file, and the rig that is served at its addresses.

    Args:
        folder: where to work.
        linked: whether there are links between runner and servers, which can fail.
        ecus: what the rig consists of.
        after_run: of the car; its own 5 s only cost time.
    """

    def __init__(self, folder: Path, *, linked: bool, ecus: tuple[str, ...] | None, after_run: str) -> None:
        self.folder = folder
        self.usual_effort = 0.2 if ecus is None else 0.05
        """Part of a core that a run of it uses while it waits."""
        self._runs: list[Run] = []
        with (folder / "serve.log").open("w") as log:
            self.server = subprocess.Popen(
                [HIL, "serve", "rx5-virtual", "--only", "head unit", "--json"],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.server.stdout
        with _killed_after_bound(self.server):
            line = self.server.stdout.readline()
        assert line, (folder / "serve.log").read_text()
        self.addresses = _addresses(json.loads(line))
        self.links = {role: Link(address) for role, address in self.addresses.items()} if linked else {}
        shutil.copytree(ROOT / "rigs/vehicles", folder / "rigs/vehicles")
        vehicle = folder / "rigs/vehicles/roewe-rx5/vehicle.yaml"
        text = vehicle.read_text(encoding="utf-8")
        assert "\nafter_run: 5 s\n" in text
        vehicle.write_text(text.replace("\nafter_run: 5 s\n", f"\nafter_run: {after_run}\n"), encoding="utf-8")
        self.rig = folder / "rigs/served.yaml"
        self.rig.write_text(json.dumps(self._rig_file(ecus)), encoding="utf-8")  # JSON is YAML

    def _rig_file(self, ecus: tuple[str, ...] | None) -> dict[str, Any]:
        rig: dict[str, Any] = YAML(typ="safe").load(ROOT / "rigs/rx5-served.yaml")
        rig["ecus"] = {name: facts for name, facts in rig["ecus"].items() if ecus is None or name in ecus}
        del rig["ecus"]["head unit"]["identity_from"]  # takes a second to be asked
        host, port = self.address(CAN)
        for bus in ("chassis", "body"):
            rig["buses"][bus]["channel"]["parameters"] = {"host": host, "port": port}
        rig["streams"] = {name: facts for name, facts in rig["streams"].items() if facts["ecu"] in rig["ecus"]}
        del rig["meters"], rig["probes"]
        rig["instruments"] = {name: rig["instruments"][name] for name in (SUPPLY, SWITCHES)}
        for name, instrument in rig["instruments"].items():
            instrument["resource"] = self.visa_name(name)
        host, port = self.address(CONSOLE)
        rig["streams"][CONSOLE]["resource"] = f"tcp://{host}:{port}"
        return rig

    def address(self, role: str) -> tuple[str, int]:
        """Where the runner looks for something."""
        return self.links[role].address if self.links else self.addresses[role]

    def visa_name(self, instrument: str) -> str:
        host, port = self.address(instrument)
        return f"TCPIP::{host}::{port}::SOCKET"

    def run(self, *tags: str, seconds: int = 3) -> Run:
        """Start a run of the tests with these tags, which take so long."""
        self._runs.append(Run(self.folder, f"reports{len(self._runs)}", tags, seconds))
        return self._runs[-1]

    def stop_server_for(self, seconds: float) -> None:
        self.server.send_signal(signal.SIGSTOP)
        sleep(seconds)
        self.server.send_signal(signal.SIGCONT)

    def check_lock_is_free(self) -> None:
        lock_resources(read_rig_file(self.rig), Duration(0)).release()

    def close(self) -> None:
        for run in self._runs:
            run.process.kill()
            run.process.wait()
            if run.process.stdout:
                run.process.stdout.close()
        self.server.kill()
        self.server.communicate()
        for link in self.links.values():
            link.close()


def _addresses(facts: dict[str, Any]) -> dict[str, tuple[str, int]]:
    found = {}
    for name, resource in facts["resources"].items():
        if not resource.startswith("tcp://"):
            _, host, port, _ = resource.split("::")
            found[name] = host, int(port)
    for name, resource in facts["streams"].items():
        host, _, port = resource.removeprefix("tcp://").rpartition(":")
        found[name] = host, int(port)
    found[CAN] = facts["buses"]["chassis"]["host"], facts["buses"]["chassis"]["port"]
    return found


Labs = Callable[..., Lab]


@pytest.fixture
def labs(tmp_path: Path) -> Iterator[Labs]:
    """Serve a rig; from any thread."""
    opened: list[Lab] = []
    lock = threading.Lock()

    def serve(*, linked: bool = False, ecus: tuple[str, ...] | None = FEW, after_run: str = "500 ms") -> Lab:
        with lock:
            folder = tmp_path / str(len(list(tmp_path.iterdir())))
            folder.mkdir()
        lab = Lab(folder, linked=linked, ecus=ecus, after_run=after_run)
        opened.append(lab)
        return lab

    yield serve
    for lab in opened:
        lab.close()


class Effort:
    """What a run has worked since a moment: one that waits for something broken must not do so in a loop."""

    def __init__(self, lab: Lab, run: Run) -> None:
        self._run, self._usual = run, lab.usual_effort
        self._began, self._used = monotonic(), run.processor_time

    def check(self) -> None:
        """Make sure that it was less than half a second of one core more than usual."""
        used, passed = self._run.processor_time - self._used, monotonic() - self._began
        assert used < self._usual * passed + 0.5, f"{used:.1f} s of a core in {passed:.1f} s"
