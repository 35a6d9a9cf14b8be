"""`hil serve` as a whole: what it says, how it ends, and its exit code."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.interrupts import STOP_SIGNALS
from harness.rig.rig_file import read_rig_file
from harness.rig.world import World, build_world
from harness.serve import served_rig
from harness.serve.served_rig import Plan, plan, serve
from tests.serve.conftest import BENCH, BOUND, HIL, ROOT, Client, ServedProcess

Connect = Callable[..., Client]
Serve = Callable[..., ServedProcess]
RIG = str(ROOT / "rigs/rx5-virtual.yaml")
ECUS = set(read_rig_file(Path(RIG)).ecus)


def _hil_serve(*arguments: str, rig: str = RIG) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [HIL, "serve", rig, *arguments], capture_output=True, encoding="utf-8", check=False, timeout=BOUND
    )


def _planned(*, only: tuple[str, ...] = (), **changes: Any) -> Plan:
    return plan(RIG, **{"only": only, "host": None, "ports": (), "at": None, "seed": 1, **changes})


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_ends_it_cleanly(serve: Serve, connect: Connect, number: signal.Signals) -> None:
    rig = serve("rx5-virtual", "--only", "head unit")
    assert rig.facts["rig"] == "rx5-virtual"
    assert rig.facts["ecus"] == ["head unit"]
    supply, bus = connect(rig.address("supply")), connect(rig.can_address)
    supply.send(b"*OPC?\n")
    supply.expect(b"\n")
    bus.send(b"< open chassis >< rawmode >")
    bus.expect(b"< ok >< ok >")
    rig.process.send_signal(number)
    assert supply.rest() == b""
    assert bus.rest() == b""
    rig.process.communicate(timeout=BOUND)
    assert rig.process.returncode == 0, rig.log
    unserved, line = rig.log.splitlines()
    assert unserved == "Bus backbone is not served: it carries CAN FD, and socketcand classic frames only."
    assert line.startswith("rx5-virtual was served: ")
    assert "late on average" in line


def test_without_only_all_ecus_are_simulated_and_talk(serve: Serve) -> None:
    rig = serve("rx5-virtual")
    assert set(rig.facts["ecus"]) == ECUS


def test_for_people_there_is_a_line_each() -> None:
    finished = _hil_serve("--host", "127.0.0.1", "--", sys.executable, "-c", "print('out')")
    assert (finished.returncode, finished.stdout) == (0, "out\n")
    title, *lines, ecus, unserved, late = finished.stderr.splitlines()
    assert title == "rx5-virtual is served:"
    assert any(line.startswith("supply ") and line.endswith("ROHDE&SCHWARZ HMP4040") for line in lines)
    assert any(line.startswith("chassis ") and "socketcand 127.0.0.1:" in line for line in lines)
    assert set(ecus.removeprefix("ECUs simulated: ").split(", ")) == ECUS
    assert "backbone is not served" in unserved
    assert not any(line.startswith("backbone ") for line in lines)
    assert "late" in late


def test_whoever_opens_it_to_others_is_warned() -> None:
    finished = _hil_serve("--host", "0.0.0.0", "--", sys.executable, "-c", "")  # noqa: S104
    assert finished.returncode == 0
    assert "Warning: whoever reaches 0.0.0.0 can switch outputs" in finished.stderr


def test_json_is_one_line_also_beside_a_command() -> None:
    finished = _hil_serve("--json", "--", sys.executable, "-c", "print('out')")
    assert finished.stdout == "out\n"
    facts = json.loads(finished.stderr.splitlines()[0])
    assert set(facts) == {"rig", "host", "resources", "buses", "streams", "ecus"}


@pytest.mark.parametrize(("script", "code"), [("raise SystemExit(7)", 7), ("raise SystemExit(130)", 130)])
def test_the_exit_code_of_a_command_is_passed_on(script: str, code: int) -> None:
    assert _hil_serve("--", sys.executable, "-c", script).returncode == code


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_a_command_that_a_signal_killed_has_the_exit_code_of_a_shell() -> None:
    assert _hil_serve("--", "sh", "-c", "kill -KILL $$").returncode == 128 + signal.SIGKILL


WAITS = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
signal.signal(signal.SIGINT, lambda *_: sys.exit(6))
signal.signal(signal.SIGHUP, lambda *_: sys.exit(7))
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be sent them")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 5), (signal.SIGINT, 6), (signal.SIGHUP, 7)])
def test_a_signal_is_passed_on_to_the_command(number: signal.Signals, code: int) -> None:
    # In a session of its own there is no terminal whose Ctrl-C would reach both.
    with subprocess.Popen(
        [HIL, "serve", RIG, "--", sys.executable, "-c", WAITS],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        process.communicate(timeout=BOUND)
        assert process.returncode == code


@pytest.mark.skipif(shutil.which("nohup") is None, reason="starts it by nohup")
def test_with_nohup_it_outlives_the_terminal() -> None:
    with subprocess.Popen(
        ["nohup", HIL, "serve", RIG, "--", sys.executable, "-c", WAITS],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=BOUND)
        assert process.returncode == 5


def test_a_command_that_does_not_exist_is_named() -> None:
    finished = _hil_serve("--", "no-such-command")
    assert finished.returncode == 3
    assert "cannot start 'no-such-command': No such file or directory" in finished.stderr


def test_a_port_in_use_is_named(serve: Serve) -> None:
    _, port = serve("rx5-virtual", "--only", "head unit").address("supply")
    finished = _hil_serve("--port", f"switches={port}")
    assert (finished.returncode, finished.stdout) == (3, "")
    assert finished.stderr == f"switches: cannot listen on 127.0.0.1:{port}: Address already in use\n"


def test_a_port_can_be_given(serve: Serve, free_port: int) -> None:
    rig = serve("rx5-virtual", "--port", f"can={free_port}", "--only", "head unit")
    assert rig.can_address == ("127.0.0.1", free_port)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"only": ("hed unit",)}, "--only hed unit: no simulated ECU 'hed unit'; did you mean 'head unit'?"),
        ({"ports": ("dmm=1",)}, "no instrument, stream or can 'dmm'"),
        ({"at": "nowhere"}, "no rig 'nowhere'"),
        ({"at": RIG, "host": "127.0.0.1"}, "leave --host and --port out"),
        ({"at": RIG, "ports": ("can=1",)}, "leave --host and --port out"),
        ({"at": RIG}, "supply is served, so TCPIP::host::port::SOCKET is needed here"),
    ],
)
def test_bad_usage_is_an_error(arguments: dict[str, Any], reason: str) -> None:
    with pytest.raises(HarnessError) as raised:
        _planned(**arguments)
    assert reason in str(raised.value)


def test_an_unknown_ecu_is_exit_code_3() -> None:
    finished = _hil_serve("--only", "hed unit")
    assert (finished.returncode, finished.stdout) == (3, "")
    assert "did you mean 'head unit'?" in finished.stderr


def _bench(folder: Path, text: str) -> str:
    shutil.copytree(ROOT / "rigs/vehicles", folder / "vehicles")
    (folder / "rx5-served.yaml").write_text(text, encoding="utf-8")
    return str(folder / "rx5-served.yaml")


def test_only_a_simulated_rig_is_served(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="only a rig that is simulated can be served, but there is"):
        plan(_bench(tmp_path, BENCH), only=(), host=None, ports=(), at=None, seed=1)


def test_it_listens_where_another_rig_file_looks_for_it(serve: Serve, connect: Connect, tmp_path: Path) -> None:
    ports = serve("rx5-virtual", "--only", "head unit")  # free ones, as long as nobody takes them
    instruments = ("supply", "switches", "ammeter", "voltmeter", "source meter", "scope")
    addresses = [*map(ports.address, instruments), ports.can_address]
    lines = (ports.facts["streams"]["head unit console"], ports.facts["resources"]["relay card"])
    streams = [line.removeprefix("tcp://").split(":") for line in lines]
    ports.close()
    text = BENCH.replace("bench.lab", "127.0.0.1")
    looked_for = ("5025", "5026", "5028", "5029", "5030", "5031", "29536", "5027", "5032")
    for before, (_, after) in zip(looked_for, [*addresses, *streams], strict=True):
        text = text.replace(before, str(after))
    rig = serve("rx5-virtual", "--only", "head unit", "--at", _bench(tmp_path, text))
    assert [*map(rig.address, instruments), rig.can_address] == addresses
    client = connect(addresses[0])
    client.send(b"*OPC?\n")
    assert client.expect(b"\n") == b"1\n"


@pytest.mark.parametrize("command", [(), (sys.executable, "-c", "import time; time.sleep(60)")])
def test_a_simulation_that_fails_is_exit_code_2(monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]) -> None:
    empty: dict[str, None] = {}

    def build_a_bomb(*arguments: Any, **names: Any) -> World:
        world = build_world(*arguments, **names)
        world.kernel.at(10_000_000, lambda: empty["bomb"])
        return world

    monkeypatch.setattr(served_rig, "build_world", build_a_bomb)
    shown: list[str] = []
    log: list[str] = []
    handlers = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    assert serve(_planned(), as_json=True, command=command, show=shown.append, log=log.append) == 2
    assert log[-1] == "the simulation has stopped: KeyError: 'bomb'"
    assert len(shown) == 1
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == handlers
