"""Opening a rig: all or nothing."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from harness.clock import MILLISECOND
from harness.errors import BenchError, InstrumentError, InstrumentTimeoutError, RigFileError
from harness.quantities import Duration
from harness.rig import open_rig as open_rig_module
from harness.rig.open_rig import open_rig
from harness.rig.rig import Rig
from harness.simulation.ecus.rest_bus import RestBus

RIGS = sorted(
    path for path in (Path(__file__).parents[2] / "rigs").rglob("*.yaml") if "vehicles" not in path.parent.parts
)
SUPPLY = "    limits: {voltage: 18 V"
MATRIX = "    model: keysight-34970a\n"


class Peer:
    """An instrument on the loopback interface that answers each question with one line, or not at all."""

    def __init__(self, answers: dict[str, str], *, default: str | None = None) -> None:
        self.lines: list[str] = []
        self.left = threading.Event()
        self._answers = answers
        self._default = default
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.resource = f"TCPIP::127.0.0.1::{self._listener.getsockname()[1]}::SOCKET"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        with connection, connection.makefile("rb") as stream:
            for raw in stream:
                line = raw.decode().strip()
                self.lines.append(line)
                answer = self._answers.get(line, self._default)
                if answer is not None and line.endswith("?"):
                    connection.sendall(answer.encode() + b"\n")
        self.left.set()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)


@pytest.fixture
def peer() -> Iterator[Callable[..., Peer]]:
    opened: list[Peer] = []

    def open_peer(answers: dict[str, str], default: str | None = None) -> Peer:
        opened.append(Peer(answers, default=default))
        return opened[-1]

    yield open_peer
    for one in opened:
        one.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_rig_module, "ANSWER_TIMEOUT", Duration.parse("200 ms"))


def good_supply(peer: Callable[..., Peer]) -> Peer:
    return peer({"*IDN?": "ROHDE&SCHWARZ,HMP4040,1,2.70", "SYST:ERR?": '0,"No error"'})


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("answers", "error", "reason"),
    [
        ({}, InstrumentTimeoutError, r"switches \(TCPIP::127.*asked '\*IDN\?', no answer within"),
        ({"*IDN?": "\x15~#?@!"}, InstrumentError, "switches: declared as .*34970A, but the instrument says"),
        (
            {"*IDN?": "KEYSIGHT,34972A,MY1,1.0"},
            InstrumentError,
            "switches: declared as .*34970A, but the instrument says 'KEYSIGHT,34972A,MY1,1.0'",
        ),
        ({"*IDN?": "HEWLETT-PACKARD,34970A,0,1", "SYST:ERR?": "what?"}, InstrumentError, "switches .*what?"),
    ],
    ids=["dead", "garbage", "another model", "garbage in its error queue"],
)
def test_an_instrument_that_is_not_what_was_declared_stops_all_and_the_others_are_given_back(
    change: Callable[..., Path],
    peer: Callable[..., Peer],
    answers: dict[str, str],
    error: type[BenchError],
    reason: str,
) -> None:
    supply, matrix = good_supply(peer), peer(answers)
    path = change(
        (SUPPLY, f"    resource: {supply.resource}\n{SUPPLY}"), (MATRIX, f"{MATRIX}    resource: {matrix.resource}\n")
    )
    with pytest.raises(error, match=reason):
        open_rig(path)
    assert supply.left.wait(10), "the session to the supply was left open"
    assert matrix.left.wait(10), "the session to the switch matrix was left open"
    known = {"*CLS", "INST:NSEL 1"}  # which output a question is about
    assert not [line for line in supply.lines if not line.endswith("?") and line not in known], "nothing but questions"


@pytest.mark.usefixtures("impatient")
def test_an_instrument_that_is_not_there_is_named(change: Callable[..., Path], peer: Callable[..., Peer]) -> None:
    gone = socket.create_server(("127.0.0.1", 0))
    resource = f"TCPIP::127.0.0.1::{gone.getsockname()[1]}::SOCKET"
    gone.close()
    supply = good_supply(peer)
    path = change(
        (SUPPLY, f"    resource: {supply.resource}\n{SUPPLY}"), (MATRIX, f"{MATRIX}    resource: {resource}\n")
    )
    with pytest.raises(InstrumentError, match="switches"):
        open_rig(path)
    assert supply.left.wait(10)


def test_a_contradiction_found_late_gives_the_sessions_back_too(
    change: Callable[..., Path], peer: Callable[..., Peer]
) -> None:
    supply = good_supply(peer)
    path = change((SUPPLY, f"    resource: {supply.resource}\n{SUPPLY}"), ("relay: switches.101", "relay: supply.101"))
    with pytest.raises(RigFileError, match=r"nets\.ACC\.relay: supply is no switch matrix"):
        open_rig(path)
    assert supply.left.wait(10)


def test_a_real_instrument_that_is_to_measure_and_cannot_is_named(
    change: Callable[..., Path], peer: Callable[..., Peer]
) -> None:
    supply = good_supply(peer)
    path = change(
        (SUPPLY, f"    resource: {supply.resource}\n{SUPPLY}"), ("instrument: voltmeter", "instrument: supply")
    )
    with pytest.raises(RigFileError, match=r"meters\.head unit voltage\.instrument: supply is no voltmeter"):
        open_rig(path)
    assert supply.left.wait(10)


def test_an_interrupted_opening_gives_the_sessions_back(
    change: Callable[..., Path], peer: Callable[..., Peer], monkeypatch: pytest.MonkeyPatch
) -> None:
    supply = good_supply(peer)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(open_rig_module, "wire_car_supply", interrupted)
    path = change((SUPPLY, f"    resource: {supply.resource}\n{SUPPLY}"))
    with pytest.raises(KeyboardInterrupt):
        open_rig(path)
    assert supply.left.wait(10)


@pytest.mark.parametrize(
    ("simulated", "limit"),
    [("gateway", 4), ("brake booster", 8), ("rain and light sensor", 40)],
    ids=["10 ms", "20 ms", "100 ms"],
)
def test_how_late_a_rest_bus_may_be_follows_its_shortest_cycle_time(simulated: str, limit: int, rig_path: Path) -> None:
    """So that no lateness that is in order breaks a cycle time by half."""
    text = rig_path.read_text(encoding="utf-8")
    for bus in ("chassis", "body", "backbone"):
        parameters = "{fd: true}" if bus == "backbone" else "{}"
        facts_of_channel = f"interface: virtual, channel: {bus}-{os.getpid()}, parameters: {parameters}"
        channel = f"{{channel: {{{facts_of_channel}}}}}"
        text = text.replace(f"  {bus}: {{channel: simulated}}", f"  {bus}: {channel}")
    facts = YAML(typ="safe").load(text)
    facts["ecus"] = {simulated: facts["ecus"][simulated]}
    facts.pop("streams")
    rig_path.write_text(json.dumps(facts), encoding="utf-8")  # JSON is YAML
    rig = open_rig(rig_path)
    try:
        assert rig.paced
        assert rig.paced.lateness.limit == limit * MILLISECOND
    finally:
        rig.close()


def test_opening_energises_nothing(rig: Rig) -> None:
    assert not rig.supply.is_on
    assert not rig.supply.supply.measure_voltage(rig.supply.output)
    assert not any(net.matrix.is_closed(net.channel) for net in rig.supply.nets.values())


def test_a_signal_of_the_vehicle_that_its_database_lacks_is_refused(rig_path: Path) -> None:
    vehicle = rig_path.parent / "vehicles/roewe-rx5/vehicle.yaml"
    text = vehicle.read_text(encoding="utf-8")
    vehicle.write_text(text.replace("HU_Status.BootState", "HU_Status.BootStat"), encoding="utf-8")
    with pytest.raises(RigFileError, match=r"vehicle\.yaml.*HeadUnit\.BootState: HU_Status has no signal 'BootStat'"):
        open_rig(rig_path)


def test_a_damaged_database_is_refused(rig_path: Path) -> None:
    database = rig_path.parent / "vehicles/roewe-rx5/chassis.dbc"
    database.write_bytes(database.read_bytes()[:3000])
    with pytest.raises(RigFileError, match=r"chassis\.dbc: this is no valid CAN database: .*line \d+"):
        open_rig(rig_path)


# What holds for every rig file


@pytest.mark.parametrize("path", [path for path in RIGS if "virtual" in path.stem], ids=lambda path: path.stem)
def test_every_virtual_rig_opens_and_its_car_starts(path: Path) -> None:
    rig = open_rig(path)
    assert rig.facts.is_virtual
    rig.power_up()
    rig.switch_power_mode("on")
    rig.clock.sleep(5_000_000_000)
    assert rig.problems() == []
    assert rig.supply.is_on
    assert rig.supply.supply.measure_voltage(rig.supply.output) == pytest.approx(rig.facts.supply.voltage, abs=0.1)
    for name, ecu in rig.ecus.items():
        assert isinstance(ecu, RestBus)
        cyclic = [cyclic.message for cyclic in ecu.messages.values() if cyclic.message.cycle_time]
        assert cyclic, name
        for message in cyclic:
            bus, _ = rig.signals.find_message(message.name)
            assert bus.latest(message) is not None, f"{name} does not send {message.name}"
    for mode in ("accessory", "off"):
        rig.switch_power_mode(mode)
        rig.clock.sleep(1_000_000_000)
    rig.close()


@pytest.mark.parametrize("path", RIGS, ids=lambda path: path.stem)
def test_every_rig_file_is_read(path: Path) -> None:
    facts, vehicle = open_rig_module.read_rig(path)
    assert facts.description
    assert facts.duts, "a rig has a device under test"
    assert set(facts.buses) <= set(vehicle.buses)


def test_a_vehicle_is_looked_for_beside_the_rig_file_and_then_above_it(
    rig_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = rig_path.parent / "labs/one"
    below.mkdir(parents=True)
    moved = rig_path.rename(below / rig_path.name)
    above = rig_path.parent / "vehicles"
    assert open_rig_module.read_rig(moved)[1].database_path("chassis") == above / "roewe-rx5/chassis.dbc"
    monkeypatch.chdir(below)
    assert open_rig_module.read_rig(Path(moved.name))[1].database_path("chassis") == above / "roewe-rx5/chassis.dbc"
    shutil.copytree(above, rig_path.parent / "labs/vehicles")
    nearest = rig_path.parent / "labs/vehicles/roewe-rx5/chassis.dbc"
    assert open_rig_module.read_rig(moved)[1].database_path("chassis") == nearest
    shutil.rmtree(rig_path.parent / "labs/vehicles")
    above.rename(rig_path.parent / "cars")
    with pytest.raises(RigFileError, match=r"vehicle: no vehicle 'roewe-rx5'\. Known: none"):
        open_rig_module.read_rig(moved)


def test_the_seed_decides_the_phases_and_nothing_else_does(rig_path: Path) -> None:
    def first_frames(seed: int) -> list[tuple[float, int]]:
        rig, frames = open_rig(rig_path, seed), list[tuple[float, int]]()
        rig.buses["chassis"].channel.listen(lambda frame: frames.append((frame.timestamp, frame.arbitration_id)))
        rig.power_up()
        rig.switch_power_mode("on")
        rig.clock.sleep(300_000_000)
        rig.close()
        return frames

    assert first_frames(1) == first_frames(1)
    assert first_frames(1) != first_frames(2)


TRACE_OF_A_RUN = """
import hashlib, pathlib, sys
from harness.rig.open_rig import open_rig

rig, digest = open_rig(pathlib.Path(sys.argv[1])), hashlib.sha256()
rig.buses["chassis"].channel.listen(
    lambda frame: digest.update(repr((frame.timestamp, frame.arbitration_id, bytes(frame.data))).encode())
)
rig.power_up()
rig.switch_power_mode("on")
for defect in sorted(rig.ecu("head unit").DEFECTS):
    rig.ecu("head unit").switch_defect(defect, on=True)
    rig.clock.sleep(50_000_000)
for step in rig.restoring():
    step()
rig.clock.sleep(5_000_000_000)
rig.close()
print(digest.hexdigest())
"""


def test_the_hash_seed_of_python_changes_nothing(rig_path: Path) -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", TRACE_OF_A_RUN, str(rig_path)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(digests) == 1
