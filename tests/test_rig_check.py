"""`hil check`: what a rig is, or what is wrong with it, with nothing opened."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HIL = shutil.which("hil", path=str(Path(sys.executable).parent)) or "hil"


def _check(*arguments: str | Path, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [HIL, "check", *arguments], cwd=folder, capture_output=True, encoding="utf-8", check=False, timeout=60
    )


def _rows(output: str) -> list[list[str]]:
    """The cells of each line; at least two spaces stand between them."""
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in output.splitlines()]


def test_a_virtual_rig_is_shown_by_its_name() -> None:
    finished = _check("rx5-virtual")
    assert (finished.returncode, finished.stderr) == (0, "")
    lines = finished.stdout.splitlines()
    assert lines[0] == "rx5-virtual: Roewe RX5, virtual rig"
    assert lines[-1] == "nothing wrong was found; nothing was opened"
    rows = _rows(finished.stdout)
    assert ["supply", "rohde-schwarz-hmp4040", "simulated", "at most 18 V, 10 A"] in rows
    assert ["chassis", "simulated", "500 kbit/s"] in rows
    assert ["backbone", "simulated", "500 kbit/s, FD 2 Mbit/s"] in rows
    assert ["head unit current", "ammeter", "current in HeadUnit.KL30"] in rows
    assert ["head unit voltage", "voltmeter", "voltage at HeadUnit.KL30"] in rows


def test_a_bench_is_shown_with_all_its_addresses() -> None:
    finished = _check("rigs/examples/rx5-bench-peak.yaml")
    assert (finished.returncode, finished.stderr) == (0, "")
    rows = _rows(finished.stdout)
    assert rows[0] == ["rx5-bench-peak: Roewe RX5, bench rig"]
    for row in (
        ["chassis", "pcan, channel PCAN_USBBUS1", "500 kbit/s"],
        ["supply", "rohde-schwarz-hmp4040", "TCPIP::192.168.10.21::5025::SOCKET", "at most 18 V, 10 A"],
        ["body controller", "BCM, model rest-bus", "KL30"],
        ["KL15", "fed by KL30, 0.015 ohm", "relay relays.2, normally open"],
        ["KL30", "13.5 V, at most 8 A"],
    ):
        assert row in rows
    place = rows.index(["Under test"])
    assert rows[place + 1][0] == "head unit"
    assert "serial HU-0043" in rows[place + 1][1]
    assert rows[place + 2] == ["read from stream console"]


@pytest.mark.parametrize(
    "rig", [*ROOT.glob("rigs/*.yaml"), *ROOT.glob("rigs/examples/*.yaml")], ids=lambda path: str(path.stem)
)
def test_it_fits_100_columns(rig: Path) -> None:
    assert [line for line in _check(rig).stdout.splitlines() if len(line) > 100] == []


@pytest.mark.skipif(os.name != "posix", reason="names of serial ports")
def test_a_serial_port_that_is_not_there_is_only_a_note(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "rigs", tmp_path / "rigs")
    rig = tmp_path / "rigs/examples/rx5-bench-peak.yaml"
    text = rig.read_text(encoding="utf-8")
    text = text.replace("/dev/ttyUSB0", "/dev/ttyNone").replace("/dev/ttyUSB1", "/dev/null")
    rig.write_text(text, encoding="utf-8")
    finished = _check(rig)
    assert finished.returncode == 0
    rows = _rows(finished.stdout)
    assert ["console", "of head unit", "/dev/ttyNone, 115200 baud (not there now)"] in rows
    assert ["relays", "modbus-relay-card", "/dev/null, 9600 baud, unit 1"] in rows


def test_what_is_wrong_is_said_with_file_and_line(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "rigs", tmp_path / "rigs")
    rig = tmp_path / "rigs/examples/rx5-bench-vector.yaml"
    text = rig.read_text(encoding="utf-8").replace("interface: vector", "interface: vectr")
    rig.write_text(text.replace("GPIB0::9::INSTR", "GPIB9"), encoding="utf-8")
    finished = _check(rig)
    assert (finished.returncode, finished.stdout) == (3, "")
    interface, visa = finished.stderr.splitlines()
    assert interface.startswith(f"{rig}:")
    assert "did you mean 'vector'" in interface
    assert "instruments.switches.resource: no VISA resource name" in visa


def test_an_unknown_rig_is_answered_with_the_known_ones() -> None:
    finished = _check("rx5-virtuel")
    assert (finished.returncode, finished.stdout) == (3, "")
    assert "did you mean 'rx5-virtual'" in finished.stderr


def test_nothing_is_opened(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "rigs", tmp_path / "rigs")
    rig = tmp_path / "rigs/examples/rx5-bench-peak.yaml"
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"127.0.0.1::{server.getsockname()[1]}"
        text = rig.read_text(encoding="utf-8").replace("192.168.10.21::5025", address)
        rig.write_text(text.replace("/dev/ttyUSB0", f"tcp://{address.replace('::', ':')}"), encoding="utf-8")
        assert _check(rig).returncode == 0
        with pytest.raises(BlockingIOError):
            server.accept()
