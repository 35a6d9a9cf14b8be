"""What `hil new` writes runs, and is clean by the linters of this project, as it stands."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.new import new_ecu, new_suite

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
RIG = "rx5-virtual"


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A folder as one who writes suites has it."""
    (tmp_path / "rigs").symlink_to(ROOT / "rigs")
    return tmp_path


@pytest.fixture
def checkout(lab: Path) -> Path:
    """A copy of what the models of ECUs and their tests need."""
    without_caches = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "harness", lab / "harness", ignore=without_caches)
    shutil.copytree(ROOT / "tests/simulation/ecus", lab / "tests/simulation/ecus", ignore=without_caches)
    shutil.copy(ROOT / "pyproject.toml", lab)
    return lab


def _run(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
        timeout=300,
    )


def _new(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return _run(folder, BIN / "hil", "new", *arguments)


# Suites


def test_a_new_suite_passes_and_fails_with_the_defect_that_it_is_told_to_try(lab: Path) -> None:
    made = _new(lab, "suite", "Rear-view camera")
    suite = lab / "suites/rear_view_camera.robot"
    assert made.returncode == 0, made.stdout
    assert made.stdout.startswith("suites/rear_view_camera.robot\nWhat is left to do:\n1. Run it: ")
    command = next(line.partition(": ")[2] for line in made.stdout.splitlines() if line.startswith("1. "))
    assert command == f"hil run --rig {RIG} suites/rear_view_camera.robot"
    assert "defects.yaml" not in made.stdout, "that is for suites of the harness itself"

    ran = _run(lab, BIN / "hil", *command.split()[1:])
    assert ran.returncode == 0, ran.stdout
    assert "PASS          Example Of Rear View Camera\n" in ran.stdout
    assert "NAME-THE-REQUIREMENT" in ran.stdout
    plain = _run(lab, sys.executable, "-m", "robot", "--output", "NONE", "--log", "NONE", "--report", "NONE", suite)
    assert plain.returncode == 0, plain.stdout

    text, step = suite.read_text(encoding="utf-8"), made.stdout.partition("`Switch")[2].partition("`")[0]
    first = "    Signal Should Become"
    suite.write_text(text.replace(first, f"    Switch{step}\n{first}"), encoding="utf-8")
    failed = _run(lab, BIN / "hil", *command.split()[1:])
    assert failed.returncode == 1, failed.stdout
    assert "FAIL          Example Of Rear View Camera\n" in failed.stdout


def test_a_new_suite_is_clean_by_robocop(lab: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", lab)
    for name in ("rear view", "x" * 60):
        assert _new(lab, "suite", name, "--folder", "new/suites").returncode == 0
    found = _run(lab, BIN / "robocop", "check", "new/suites")
    assert (found.returncode, found.stdout.strip()) == (0, "No issues found."), found.stdout


def test_a_suite_of_the_harness_needs_its_place_among_the_defects(lab: Path) -> None:
    (lab / "tests/suites").mkdir(parents=True)
    shutil.copy(ROOT / "tests/suites/defects.yaml", lab / "tests/suites")
    assert "4. List each of its tests in tests/suites/defects.yaml" in _new(lab, "suite", "rear view").stdout


def test_nothing_is_overwritten(lab: Path) -> None:
    suite = lab / "suites/mine.robot"
    suite.parent.mkdir()
    suite.write_text("mine", encoding="utf-8")
    refused = _new(lab, "suite", "Mine")
    assert refused.returncode == 3
    assert refused.stdout == "suites/mine.robot is there already, and is not overwritten; take another name\n"
    assert suite.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", ["", " ", "../boot", "a/b", "1st", "boot.robot", "Wärme", "aux", "x", "x" * 61])
def test_names_that_make_no_file_name_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(HarnessError) as refused:
        new_suite(name, tmp_path / "suites")
    assert str(refused.value).startswith(f"suite {name!r}: this makes no file name; allowed are 2 to 60 letters")
    assert not (tmp_path / "suites").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "suites").write_text("a file", encoding="utf-8")
    with pytest.raises(HarnessError, match=r"suites/boot\.robot cannot be written: "):
        new_suite("boot", tmp_path / "suites")


# ECUs


def test_a_new_ecu_is_clean_by_ruff_and_mypy_and_passes_its_test(checkout: Path) -> None:
    made = _new(checkout, "ecu", "Seat heater")
    assert made.returncode == 0, made.stdout
    model, test, registry = (line.partition(":")[0] for line in made.stdout.splitlines()[:3])
    assert (model, test) == ("harness/simulation/ecus/seat_heater.py", "tests/simulation/ecus/test_seat_heater.py")
    assert "What is left to do:\n" in made.stdout
    for command in (
        (BIN / "ruff", "format", "--check"),
        (BIN / "ruff", "check"),
        (BIN / "mypy", "--cache-dir", os.devnull),
    ):
        found = _run(checkout, *command, model, test, registry)
        assert found.returncode == 0, found.stdout
    tested = _run(checkout, sys.executable, "-m", "pytest", "-p", "no:cacheprovider", test)
    assert tested.returncode == 0, tested.stdout
    assert "2 passed" in tested.stdout

    again = _new(checkout, "ecu", "seat-heater")
    assert again.returncode == 3
    assert "there is a model 'seat-heater' already" in again.stdout


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("head unit", "there is a model 'head-unit' already"),
        ("registry", "harness/simulation/ecus/registry.py is there already, and is not overwritten"),
        ("class", "Python has this name for something else"),
        ("class var", "Python has this name for something else"),
        ("exception", "Python has this name for something else"),
        ("lüfter", "allowed are 2 to 24 letters"),
        ("x" * 25, "allowed are 2 to 24 letters"),
    ],
)
def test_a_name_that_makes_no_model_is_refused_and_nothing_is_written(
    name: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "harness/simulation/ecus", tmp_path / "harness/simulation/ecus")
    (tmp_path / "tests/simulation/ecus").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    with pytest.raises(HarnessError, match=re.escape(reason)):
        new_ecu(name)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_the_longest_name_is_clean_by_ruff(checkout: Path) -> None:
    assert _new(checkout, "ecu", "x" * 24).returncode == 0
    folders = ("harness/simulation/ecus", "tests/simulation/ecus")
    for command in (("format", "--check"), ("check",)):
        found = _run(checkout, BIN / "ruff", *command, *folders)
        assert found.returncode == 0, found.stdout


def test_outside_of_a_checkout_there_is_no_ecu_to_write(lab: Path) -> None:
    refused = _new(lab, "ecu", "seat heater")
    assert refused.returncode == 3
    assert refused.stdout.startswith(
        f"{lab}: no checkout of the harness, which has harness/simulation/ecus/registry.py"
    )
    assert [path.name for path in lab.iterdir()] == ["rigs"]
