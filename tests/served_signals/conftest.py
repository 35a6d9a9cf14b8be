import shutil
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pyvisa
from pyvisa.resources import MessageBasedResource

from tests.serve.conftest import BOUND, HIL, ROOT, ServedProcess, line_of

SUITE = Path(__file__).with_name("busy.robot")
LANES = 6
TIMEOUT = 60.0
"""Seconds after which a run should have ended, on a busy computer too."""
_RELAYS = range(101, 105)


@dataclass(frozen=True)
class Run:
    """A run that has ended."""

    exit_code: int
    output: str
    errors: str
    folder: Path
    """Where its reports are made."""
    began: datetime
    """When it printed its first line."""
    signalled: datetime | None
    """When it was sent a signal; None if it had ended before."""
    group: int
    """Of its processes."""


class Lane:
    """A served rig, and the rig file of those who run on it. One run at a time."""

    def __init__(self, folder: Path, *, asks_identities: bool) -> None:
        self.served = ServedProcess(folder / "served.log", ("rx5-virtual", "--only", "head unit"))
        self.rig = folder / "rigs/rx5-served.yaml"
        self.duration = 0.0
        """Seconds that a run takes from its first line on, if nobody stops it."""
        self._folder = folder
        self._runs = 0
        vehicle = folder / "rigs/vehicles/roewe-rx5"
        shutil.copytree(ROOT / "rigs/vehicles/roewe-rx5", vehicle)
        shutil.copy(ROOT / "rigs/rx5-served.yaml", self.rig)
        _change(vehicle / "vehicle.yaml", {"after_run: 5 s": "after_run: 300 ms"})
        facts = self.served.facts
        _change(
            self.rig,
            {
                "channel: body, parameters: {host: 127.0.0.1, port: 29536}": "channel: body, parameters: "
                f"{{host: 127.0.0.1, port: {facts['buses']['body']['port']}}}"
            },
        )
        changes = {
            "port: 29536": f"port: {facts['buses']['chassis']['port']}",
            "tcp://127.0.0.1:29540": facts["streams"]["head unit console"],
            "TCPIP::127.0.0.1::29541::SOCKET": facts["resources"]["supply"],
            "TCPIP::127.0.0.1::29542::SOCKET": facts["resources"]["switches"],
            "TCPIP::127.0.0.1::29543::SOCKET": facts["resources"]["ammeter"],
            "TCPIP::127.0.0.1::29544::SOCKET": facts["resources"]["voltmeter"],
            "TCPIP::127.0.0.1::29545::SOCKET": facts["resources"]["source meter"],
            "TCPIP::127.0.0.1::29546::SOCKET": facts["resources"]["scope"],
            "tcp://127.0.0.1:29547": facts["resources"]["relay card"],
        }
        if not asks_identities:
            _, begin, rest = self.rig.read_text(encoding="utf-8").partition("    identity_from:\n")
            asked, _, _ = rest.partition("  body controller:")
            changes[begin + asked] = ""
        _change(self.rig, changes)

    def run(self, number: signal.Signals | None = None, moment: float = 0.0) -> Run:
        """Run the suite to its end; send it a signal `moment` seconds after its first line, if it still runs then."""
        self._runs += 1
        folder = self._folder / f"run {self._runs}"
        command = [HIL, "run", "--rig", str(self.rig), "--output", str(folder), str(SUITE)]
        pipe = subprocess.PIPE
        signalled = None
        with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
            first_line = line_of(process)
            began = datetime.now(UTC)
            try:
                if number is not None:
                    process.wait(moment)
            except subprocess.TimeoutExpired:
                signalled = datetime.now(UTC)
                process.send_signal(number or 0)
            try:
                output, errors = process.communicate(timeout=TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                output, errors = process.communicate()
                errors += f"\nIt did not end within {TIMEOUT:g} s, and was killed."
        return Run(process.returncode, first_line + output, errors, folder, began, signalled, process.pid)

    def read_back(self) -> dict[str, str]:
        """Ask the instruments, as another client of them, what is live."""
        with closing(self.instrument("supply")) as supply:
            supply.write("INST:NSEL 1")
            found = {question: supply.query(question).strip() for question in ("OUTP:SEL?", "OUTP:GEN?")}
        with closing(self.instrument("switches")) as switches:
            relays = [f"ROUT:CLOS? (@{relay})" for relay in _RELAYS]
            return found | {question: switches.query(question).strip() for question in relays}

    def instrument(self, role: str) -> MessageBasedResource:
        """Connect to an instrument, as anybody may. It serves one client only."""
        manager = pyvisa.ResourceManager("@py")
        session = manager.open_resource(self.served.facts["resources"][role], timeout=round(BOUND * 1000))
        assert isinstance(session, MessageBasedResource)
        session.read_termination = session.write_termination = "\n"
        return session


def _change(path: Path, changes: dict[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def lanes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Lane]]:
    """Served rigs that can be used at the same time. On every second one the head unit is asked who it is."""

    started: list[Lane] = []

    def start(number: int) -> None:
        started.append(Lane(tmp_path_factory.mktemp("lane"), asks_identities=number % 2 == 0))

    try:
        with ThreadPoolExecutor(LANES) as threads:
            list(threads.map(start, range(LANES)))
        yield started
    finally:
        for lane in started:
            lane.served.close()
