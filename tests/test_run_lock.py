"""`hil run` on a rig that somebody else uses: it touches nothing, or waits."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.quantities import Duration
from harness.rig import locks
from harness.rig.locks import ResourceLock, lock_resources
from harness.rig.rig_file import read_rig_file

ROOT = Path(__file__).parents[1]
RUN = """
import sys
from pathlib import Path
from harness.cli import main
from harness.rig import locks

locks.FOLDER = Path("locks")
main()
"""


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A folder with one bench, whose supply is not there."""
    shutil.copytree(ROOT / "rigs", tmp_path / "rigs")
    rig = tmp_path / "rigs/rx5-virtual.yaml"
    with socket.create_server(("127.0.0.1", 0)) as server:
        resource = f"TCPIP::127.0.0.1::{server.getsockname()[1]}::SOCKET"
    text = rig.read_text(encoding="utf-8")
    model = "model: rohde-schwarz-hmp4040"
    assert model in text
    rig.write_text(text.replace(model, f"{model}\n    resource: {resource}"), encoding="utf-8")
    return tmp_path


@pytest.fixture
def held(lab: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ResourceLock]:
    """The lock of that bench, held by another run."""
    monkeypatch.setattr(locks, "FOLDER", lab / "locks")
    with lock_resources(read_rig_file(lab / "rigs/rx5-virtual.yaml"), Duration(0)) as lock:
        yield lock


def _start(lab: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", RUN, "run", "--rig", "rx5-virtual", str(ROOT / "tests/robot/passes.robot")]
    return subprocess.Popen(
        [*command, *arguments], cwd=lab, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )


@pytest.mark.usefixtures("held")
def test_a_rig_in_use_is_exit_code_3_and_nothing_is_touched(lab: Path) -> None:
    with _start(lab) as process:
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (3, "")
    assert errors.startswith("supply (TCPIP::127.0.0.1::")
    assert "is in use: " in errors
    assert "rig rx5-virtual, since " in errors
    assert errors.endswith("; wait for it with --wait 10min\n")
    assert not (lab / "reports").exists()


@pytest.mark.usefixtures("held")
def test_waiting_in_vain_is_the_same(lab: Path) -> None:
    with _start(lab, "--wait", "200 ms") as process:
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 3
    assert output.startswith("waiting up to 0.2 s: supply ")
    assert "is still in use after 0.2 s" in errors
    assert not (lab / "reports").exists()


def test_a_run_that_waits_goes_on_when_the_other_ends(lab: Path, held: ResourceLock) -> None:
    with _start(lab, "--wait", "10min") as process:
        assert process.stdout
        assert process.stdout.readline().startswith("waiting up to 600 s: supply ")
        held.release()
        output, _ = process.communicate(timeout=60)
    assert output.startswith("rx5-virtual: Roewe RX5, bench rig, seed 1\n")
    assert "1 test: 1 ERROR" in output, "the supply is not there"
    assert list((lab / "locks").glob("*.json")) == [], "the run has given it back"


def test_a_time_in_another_unit_is_bad_usage(lab: Path) -> None:
    with _start(lab, "--wait", "10 V") as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "Invalid value for '--wait': 10 V is a voltage; this needs a duration" in errors
