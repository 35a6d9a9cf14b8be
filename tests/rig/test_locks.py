"""Locks between real processes: who gets a resource, who is told what, and that nothing outlives its holder."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from harness.errors import BenchError
from harness.quantities import Duration
from harness.rig import locks
from harness.rig.locks import lock_resources
from harness.rig.rig_file import RigFile, read_rig_file

NOT_AT_ALL = Duration(0)
LONG = Duration(60)

HOLDER = """
import sys
from pathlib import Path
from harness.quantities import Duration
from harness.rig import locks
from harness.rig.rig_file import read_rig_file

def say(line):
    print(line, flush=True)

locks.FOLDER = Path(sys.argv[1])
with locks.lock_resources(read_rig_file(Path(sys.argv[2])), Duration(float(sys.argv[3])), say):
    say("held")
    sys.stdin.readline()
"""

Holder = subprocess.Popen[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(locks, "FOLDER", tmp_path / "locks")
    return tmp_path / "locks"


@pytest.fixture
def bench(change: Callable[..., Path]) -> Callable[..., RigFile]:
    """A rig file of this name with these addresses."""

    def bench(name: str, *, supply: str = "", switches: str = "", channel: str = "simulated") -> RigFile:
        path = change()
        text = path.read_text(encoding="utf-8").replace("{channel: simulated}", f"{{channel: {channel}}}")
        for model, resource in (("rohde-schwarz-hmp4040", supply), ("keysight-34970a", switches)):
            if resource:
                text = text.replace(f"model: {model}", f"model: {model}\n    resource: {resource}")
        copy = path.with_name(f"{name}.yaml")
        copy.write_text(text, encoding="utf-8")
        return read_rig_file(copy)

    return bench


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., Holder]]:
    """Let a process lock a rig's resources; it says `held`, and holds them until it is sent a line."""
    started: list[Holder] = []

    def start(rig: RigFile, wait: Duration = NOT_AT_ALL) -> Holder:
        command = [sys.executable, "-c", HOLDER, str(folder), str(rig.path), str(float(wait))]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, encoding="utf-8"))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=60)


def _line(process: Holder) -> str:
    assert process.stdout
    return process.stdout.readline().rstrip("\n")


def _let_go(process: Holder) -> None:
    process.communicate("\n", timeout=60)
    assert process.returncode == 0


SUPPLY = "TCPIP::192.0.2.10::5025::SOCKET"
SWITCHES = "GPIB0::9::INSTR"


def test_who_uses_a_resource_is_named(bench: Callable[..., RigFile], start: Callable[..., Holder]) -> None:
    holder = start(bench("first", supply=SUPPLY))
    assert _line(holder) == "held"
    with pytest.raises(BenchError) as error:
        lock_resources(bench("second", supply=SUPPLY), NOT_AT_ALL)
    expected = (
        rf"supply \({SUPPLY}\) is in use: \S+ on \S+, process {holder.pid}, rig first, since \d\d:\d\d:\d\d; "
        "wait for it with --wait 10min"
    )
    assert re.fullmatch(expected, str(error.value)), error.value
    _let_go(holder)
    lock_resources(bench("second", supply=SUPPLY), NOT_AT_ALL).release()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"supply": SUPPLY}, {"switches": SUPPLY}),
        ({"supply": "TCPIP::Bench-PSU::5025::SOCKET"}, {"supply": "TCPIP0::bench-psu::5025::SOCKET"}),
        ({"supply": "GPIB::9::INSTR"}, {"supply": "GPIB0::9"}),
        ({"supply": "ASRL3::INSTR"}, {"supply": "ASRLCOM3::INSTR"}),
        (
            {"channel": "{interface: pcan, channel: PCAN_USBBUS1}"},
            {"channel": "{interface: pcan, channel: pcan_usbbus1}"},
        ),
        (
            {"channel": "{interface: vector, channel: 0, parameters: {app_name: HIL}}"},
            {"channel": "{interface: vector, channel: '0', parameters: {app_name: HIL, fd: true}}"},
        ),
    ],
)  # fmt: skip
def test_two_names_of_one_thing_collide(
    one: dict[str, str], other: dict[str, str], bench: Callable[..., RigFile], start: Callable[..., Holder]
) -> None:
    holder = start(bench("first", **one))
    assert _line(holder) == "held"
    with pytest.raises(BenchError, match="is in use"):
        lock_resources(bench("second", **other), NOT_AT_ALL)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"supply": SUPPLY}, {"supply": "TCPIP::192.0.2.11::5025::SOCKET"}),
        (
            {"channel": "{interface: socketcand, channel: can0, parameters: {host: h, port: 1}}"},
            {"channel": "{interface: socketcand, channel: can0, parameters: {host: h, port: 2}}"},
        ),
    ],
)
def test_other_things_do_not(
    one: dict[str, str], other: dict[str, str], bench: Callable[..., RigFile], start: Callable[..., Holder]
) -> None:
    holder = start(bench("first", **one))
    assert _line(holder) == "held"
    lock_resources(bench("second", **other), NOT_AT_ALL).release()


@pytest.fixture
def below_dev() -> Iterator[Path]:
    """A folder of our own below /dev, where the names of serial ports are."""
    memory = Path("/dev", "shm")
    if not os.access(memory, os.W_OK):
        pytest.skip(f"there is no {memory} to write to")
    with TemporaryDirectory(dir=memory, prefix="hil-") as folder:
        yield Path(folder)


def test_a_link_to_a_serial_port_is_that_port(
    below_dev: Path, bench: Callable[..., RigFile], start: Callable[..., Holder]
) -> None:
    (below_dev / "ttyUSB0").touch()
    (below_dev / "by-id").symlink_to("ttyUSB0")
    holder = start(bench("first", supply=f"ASRL{below_dev}/ttyUSB0::INSTR"))
    assert _line(holder) == "held"
    for other in (
        {"supply": f"ASRL{below_dev}/by-id::INSTR"},
        {"channel": f"{{interface: slcan, channel: {below_dev}/by-id@115200}}"},
    ):
        with pytest.raises(BenchError, match=rf"is in use: .*process {holder.pid}"):
            lock_resources(bench("second", **other), NOT_AT_ALL)


def test_all_or_nothing(bench: Callable[..., RigFile], start: Callable[..., Holder]) -> None:
    for shared in ({"supply": SUPPLY}, {"switches": SWITCHES}):
        holder = start(bench("first", **shared))
        assert _line(holder) == "held"
        with pytest.raises(BenchError, match="is in use"):
            lock_resources(bench("second", supply=SUPPLY, switches=SWITCHES), NOT_AT_ALL)
        free = start(bench("third", **{"supply": SUPPLY, "switches": SWITCHES} | dict.fromkeys(shared, "")))
        assert _line(free) == "held", "what was free was kept"
        _let_go(free)
        _let_go(holder)


def test_a_holder_that_is_killed_holds_nothing(bench: Callable[..., RigFile], start: Callable[..., Holder]) -> None:
    rig = bench("first", supply=SUPPLY)
    holder = start(rig)
    assert _line(holder) == "held"
    holder.kill()
    holder.wait(60)
    with lock_resources(rig, NOT_AT_ALL):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="names of locks outside of all folders")
def test_a_lock_holds_when_its_file_is_removed(
    bench: Callable[..., RigFile], start: Callable[..., Holder], folder: Path
) -> None:
    """By whoever cleans /tmp up; the second run then locks a file of its own."""
    rig = bench("first", supply=SUPPLY, switches=SWITCHES)
    holder = start(rig)
    assert _line(holder) == "held"
    for path in folder.glob("*.lock"):
        path.unlink()
    for _ in range(2):  # the one who is turned away leaves the holder's note
        with pytest.raises(BenchError, match=rf"is in use, though its lock was removed: .*process {holder.pid}, rig"):
            lock_resources(rig, NOT_AT_ALL)
    _let_go(holder)
    lock_resources(rig, NOT_AT_ALL).release()


def test_waiting_ends_when_the_holder_does(bench: Callable[..., RigFile], start: Callable[..., Holder]) -> None:
    rig = bench("first", supply=SUPPLY, switches=SWITCHES)
    held = lock_resources(rig, NOT_AT_ALL)
    waiting = start(rig, LONG)
    said = _line(waiting)
    assert re.fullmatch(rf"waiting up to 60 s: .* is in use: .*, process {os.getpid()}, rig first, since .*", said)
    held.release()
    assert _line(waiting) == "held"
    _let_go(waiting)


def test_waiting_has_an_end(bench: Callable[..., RigFile], start: Callable[..., Holder]) -> None:
    rig = bench("first", supply=SUPPLY)
    holder = start(rig)
    assert _line(holder) == "held"
    told: list[str] = []
    with pytest.raises(BenchError, match=r"supply .* is still in use after 0\.3 s: .* rig first"):
        lock_resources(rig, Duration.parse("300 ms"), told.append)
    assert len(told) == 1


def test_a_process_may_lock_again_and_the_last_release_counts(
    bench: Callable[..., RigFile], start: Callable[..., Holder]
) -> None:
    rig = bench("first", supply=SUPPLY)
    first = lock_resources(rig, NOT_AT_ALL)
    second = lock_resources(rig, NOT_AT_ALL)
    second.release()
    second.release()
    refused = start(rig)
    assert "is in use" in refused.communicate(timeout=60)[1]
    first.release()
    holder = start(rig)
    assert _line(holder) == "held"


def test_a_virtual_rig_needs_no_lock(bench: Callable[..., RigFile], folder: Path) -> None:
    with lock_resources(bench("virtual"), NOT_AT_ALL), lock_resources(bench("virtual"), NOT_AT_ALL):
        assert not folder.exists()


def test_nothing_is_said_of_who_holds_a_lock_after_its_release(bench: Callable[..., RigFile], folder: Path) -> None:
    with lock_resources(bench("first", supply=SUPPLY), NOT_AT_ALL):
        (note,) = folder.glob("*.json")
        facts = json.loads(note.read_text(encoding="utf-8"))
        assert set(facts) == {"user", "host", "pid", "rig", "command", "since"}
    assert [path.suffix for path in folder.iterdir()] == [".lock"]


GARBAGE = {
    "nothing": b"",
    "no JSON": b"\xff{",
    "a list": b"[]",
    "no time": json.dumps({"user": "a", "host": "b", "pid": 1, "rig": "c", "since": "noon"}).encode(),
    "lacking": b'{"user": "anna", "since": "2026-11-23T14:03:22+01:00"}',
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("content", GARBAGE.values(), ids=GARBAGE)
def test_garbage_beside_a_lock_is_no_problem(
    content: bytes, bench: Callable[..., RigFile], start: Callable[..., Holder], folder: Path
) -> None:
    rig = bench("first", supply=SUPPLY)
    holder = start(rig)
    assert _line(holder) == "held"
    (note,) = folder.glob("*.json")
    note.write_bytes(content)
    with pytest.raises(BenchError, match="is in use: by whom is not known; wait"):
        lock_resources(rig, NOT_AT_ALL)


def test_what_stands_beside_a_lock_does_nothing_to_a_terminal(
    bench: Callable[..., RigFile], start: Callable[..., Holder], folder: Path
) -> None:
    rig = bench("first", supply=SUPPLY)
    holder = start(rig)
    assert _line(holder) == "held"
    (note,) = folder.glob("*.json")
    facts = {"user": "\x1b[2Janna", "host": "bench-pc", "pid": 4711, "rig": "r", "since": "2020-01-02T14:03:22"}
    note.write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(BenchError) as error:
        lock_resources(rig, NOT_AT_ALL)
    assert "is in use: ?[2Janna on bench-pc, process 4711, rig r, since 2020-01-02 14:03:22;" in str(error.value)


@pytest.mark.skipif(os.name != "posix", reason="links and modes of POSIX")
class TestOthersInTheFolder:
    """Anybody may write to the folder."""

    def test_all_users_can_use_it(self, bench: Callable[..., RigFile], folder: Path) -> None:
        before = os.umask(0o077)
        try:
            with lock_resources(bench("first", supply=SUPPLY), NOT_AT_ALL):
                assert folder.stat().st_mode & 0o7777 == 0o777
                assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o666}
        finally:
            os.umask(before)

    @pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="becomes another user")
    def test_the_next_user_can_lock_what_the_last_one_has_left(
        self, bench: Callable[..., RigFile], folder: Path
    ) -> None:
        rig = bench("first", supply=SUPPLY)
        with lock_resources(rig, NOT_AT_ALL):
            (note,) = folder.glob("*.json")
            left = note.read_bytes()
        note.write_bytes(left)  # as a run that was killed leaves it
        script = """
import json, os, pathlib, sys
from harness.quantities import Duration
from harness.rig import locks
from harness.rig.rig_file import read_rig_file

locks.FOLDER, rig = pathlib.Path(sys.argv[1]), read_rig_file(pathlib.Path(sys.argv[2]))
for name in sys.argv[3].split(":"):  # pytest's folders are closed to others
    os.chmod(name, 0o755)
import pyvisa.rname, filelock, filelock.asyncio
os.setuid(65534)
with locks.lock_resources(rig, Duration(0)):
    (note,) = locks.FOLDER.glob("*.json")
    assert json.loads(note.read_text())["pid"] == os.getpid()
"""
        parents = ":".join(
            str(parent) for parent in folder.parents if "pytest" in parent.name or parent.name[-1:].isdigit()
        )
        command: list[str | Path] = [sys.executable, "-c", script, folder, rig.path, parents]
        finished = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        assert finished.returncode == 0, finished.stderr

    def test_a_link_in_place_of_a_lock_is_not_followed(
        self, bench: Callable[..., RigFile], folder: Path, tmp_path: Path
    ) -> None:
        rig = bench("first", supply=SUPPLY)
        lock_resources(rig, NOT_AT_ALL).release()
        (lock,) = folder.iterdir()
        precious = tmp_path / "precious"
        precious.write_text("mine", encoding="utf-8")
        lock.unlink()
        lock.symlink_to(precious)
        with pytest.raises(BenchError, match=r"supply .* cannot be locked: .*\.lock: "):
            lock_resources(rig, NOT_AT_ALL)
        assert precious.read_text(encoding="utf-8") == "mine"

    def test_a_link_in_place_of_a_note_is_replaced(
        self, bench: Callable[..., RigFile], folder: Path, tmp_path: Path
    ) -> None:
        rig = bench("first", supply=SUPPLY)
        lock_resources(rig, NOT_AT_ALL).release()
        (lock,) = folder.iterdir()
        precious = tmp_path / "precious"
        precious.write_text("mine", encoding="utf-8")
        lock.with_name(f"{lock.name}.json").symlink_to(precious)
        with lock_resources(rig, NOT_AT_ALL):
            assert precious.read_text(encoding="utf-8") == "mine"

    @pytest.mark.parametrize("kind", ["link", "pipe"])
    def test_a_note_that_is_no_file_is_not_read(
        self, kind: str, bench: Callable[..., RigFile], start: Callable[..., Holder], folder: Path, tmp_path: Path
    ) -> None:
        rig = bench("first", supply=SUPPLY)
        holder = start(rig)
        assert _line(holder) == "held"
        (note,) = folder.glob("*.json")
        elsewhere = tmp_path / "elsewhere.json"
        note.replace(elsewhere)
        if kind == "link":
            note.symlink_to(elsewhere)
        else:
            os.mkfifo(note)
        with pytest.raises(BenchError, match="by whom is not known"):
            lock_resources(rig, NOT_AT_ALL)

    @pytest.mark.parametrize("target", ["folder", "nothing"])
    def test_a_link_in_place_of_the_folder_is_refused(
        self, target: str, bench: Callable[..., RigFile], folder: Path, tmp_path: Path
    ) -> None:
        elsewhere = tmp_path / "elsewhere"
        if target == "folder":
            elsewhere.mkdir(0o700)
        folder.symlink_to(elsewhere)
        with pytest.raises(BenchError, match="the folder of the locks cannot be used"):
            lock_resources(bench("first", supply=SUPPLY), NOT_AT_ALL)
        assert not elsewhere.exists() or elsewhere.stat().st_mode & 0o777 == 0o700

    def test_ctrl_c_while_waiting_gives_back_what_was_locked(
        self, bench: Callable[..., RigFile], start: Callable[..., Holder]
    ) -> None:
        holder = start(bench("first", supply=SUPPLY))
        assert _line(holder) == "held"
        waiting = start(bench("second", supply=SUPPLY, switches=SWITCHES), LONG)
        assert _line(waiting).startswith("waiting up to")
        waiting.send_signal(signal.SIGINT)
        waiting.communicate(timeout=60)
        assert waiting.returncode not in {0, None}
        with lock_resources(bench("third", switches=SWITCHES), NOT_AT_ALL):
            pass
