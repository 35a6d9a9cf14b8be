"""The command `hil` as a shell sees it: what it prints where, and its exit code."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

import harness

ROOT = Path(__file__).parents[1]
HIL = shutil.which("hil", path=str(Path(sys.executable).parent)) or "hil"


def _hil(*arguments: str | Path, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [HIL, *arguments], cwd=folder, capture_output=True, encoding="utf-8", check=False, timeout=120
    )


def test_the_version_is_that_of_the_package() -> None:
    finished = _hil("--version")
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, f"hil {harness.__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Usage: hil"),
        (("rnu",), "No such command 'rnu'. Did you mean 'run'?"),
        (("run", "--sed", "1"), "No such option: --sed"),
        (("run", "--seed", "lucky"), "Invalid value for '--seed'"),
        (("run", "--rig"), "Option '--rig' requires an argument"),
        (("rigs", "surplus"), "(surplus)"),
    ],
)
def test_bad_usage_is_exit_code_3(arguments: tuple[str, ...], message: str) -> None:
    finished = _hil(*arguments)
    assert finished.returncode == 3
    assert message in finished.stderr + finished.stdout


def test_a_crash_of_the_command_itself_is_no_verdict_on_the_product(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    finished = _hil("schema", "--output", tmp_path / "file/below")
    assert finished.returncode == 2
    assert "NotADirectoryError" in finished.stderr


def test_rigs_are_listed_and_broken_ones_with_their_error(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "rigs", tmp_path / "rigs")
    text = (ROOT / "rigs/rx5-virtual.yaml").read_text(encoding="utf-8")
    listed = _hil("rigs", folder=tmp_path)
    assert listed.returncode == 0
    assert all(word in listed.stdout for word in ("rx5-virtual", "virtual", "Roewe RX5"))

    (tmp_path / "rigs/wrong.yaml").write_text(text.replace("voltage: 13.5 V,", "voltage: 13.5 A,"), encoding="utf-8")
    bench = text.replace("model: keysight-34970a", "model: keysight-34970a\n    resource: GPIB::9::INSTR")
    (tmp_path / "rigs/rx5-bench.yaml").write_text(bench, encoding="utf-8")
    listed = _hil("rigs", "--folder", "rigs", folder=tmp_path)
    assert listed.returncode == 3
    (broken,) = [line for line in listed.stdout.splitlines() if "broken" in line]
    assert broken.split()[1] == "wrong"
    assert "13.5 A is a current" in listed.stdout
    assert any("rx5-bench" in line and "bench " in line for line in listed.stdout.splitlines())
    assert "rigs/examples/rx5-bench-vector.yaml" in listed.stdout, "by what --rig takes"


def test_a_folder_without_rigs_is_an_error(tmp_path: Path) -> None:
    listed = _hil("rigs", folder=tmp_path)
    assert (listed.returncode, listed.stderr) == (3, "rigs: there are no rig files here\n")


def test_the_documentation_of_the_keywords_is_one_page(tmp_path: Path) -> None:
    page = tmp_path / "new/keywords.html"
    finished = _hil("docs", "--output", page)
    assert (finished.returncode, finished.stdout) == (0, f"{page}\n")
    text = page.read_text(encoding="utf-8")
    assert "Supply Voltage Should Be Between" in text
    assert ">Importing</h2>" not in text, "Robot's own heading has that name"


def test_the_published_schemas_are_up_to_date(tmp_path: Path) -> None:
    assert _hil("schema", "--output", tmp_path).returncode == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == sorted(path.name for path in (ROOT / "docs/schema").iterdir())
    for name in names:
        published = (ROOT / "docs/schema" / name).read_text(encoding="utf-8")
        assert published == (tmp_path / name).read_text(encoding="utf-8"), f"{name}: run `hil schema`"


_FILES = [
    (path, "vehicle" if "vehicles" in path.relative_to(ROOT).parts else "rig")
    for path in sorted((ROOT / "rigs").rglob("*.yaml"))
]


@pytest.mark.parametrize(("path", "kind"), _FILES, ids=[str(path.relative_to(ROOT)) for path, _ in _FILES])
def test_every_file_fits_the_schema_that_its_first_line_names(path: Path, kind: str) -> None:
    text = path.read_text(encoding="utf-8")
    named = text.partition("\n")[0].removeprefix("# yaml-language-server: $schema=")
    schema = (path.parent / named).resolve()
    assert schema == ROOT / f"docs/schema/{kind}.schema.json"
    validator = Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))
    data: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    validator.validate(data)
    assert not validator.is_valid(data | {"unknown": 1})
    assert not validator.is_valid({key: value for key, value in data.items() if key != "buses"})
    assert not validator.is_valid(data | {"buses": {"chassis": {"chanel": "simulated"}}})
