import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

import harness
from harness.results.run_folder import RunFacts, git_state, installed_versions, new_run_folder, write_run_facts

STARTED = datetime(2026, 5, 4, 12, 0, 1, tzinfo=UTC)


def test_each_run_has_a_folder_of_its_own(tmp_path: Path) -> None:
    names = [new_run_folder(tmp_path / "reports", "rx5-virtual", STARTED).name for _ in range(3)]
    start = "2026-05-04T12-00-01-rx5-virtual"
    assert names == [start, f"{start}-2", f"{start}-3"]
    assert new_run_folder(tmp_path, "../rx5: bench", STARTED).parent == tmp_path


def test_the_facts_of_a_run_are_written_and_replaced(tmp_path: Path) -> None:
    facts = RunFacts(
        rig="rx5-bench",
        virtual=False,
        vehicle="rx5",
        dut={"part": "10449321"},
        dut_read=(),
        instruments={"supply": "ACME,PS1,42,1.0"},
        versions=installed_versions(),
        commit=None,
        dirty=None,
        seed=1,
        started=STARTED,
    )
    write_run_facts(tmp_path, facts)
    write_run_facts(tmp_path, facts)
    written = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    assert facts.rig_kind == "bench"
    assert written["started"] == "2026-05-04T12:00:01+00:00"
    assert written["ended"] is written["exit_code"] is None
    assert written["instruments"] == {"supply": "ACME,PS1,42,1.0"}
    assert written["versions"]["harness"] == harness.__version__
    assert set(written["versions"]) >= {"python", "robotframework", "python-can"}


def _git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_commit_is_known_and_whether_files_differ(tmp_path: Path) -> None:
    _git(tmp_path, "init")
    assert git_state(tmp_path) == (None, None)
    _git(tmp_path, "commit", "--allow-empty", "-m", "first")
    commit = _git(tmp_path, "rev-parse", "HEAD")
    assert git_state(tmp_path) == (commit, False)
    (tmp_path / "suite.robot").write_text("", encoding="utf-8")
    assert git_state(tmp_path) == (commit, True)


def test_no_repository_and_no_git_are_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert git_state(tmp_path) == (None, None)
    assert git_state(tmp_path / "missing") == (None, None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_state(tmp_path) == (None, None)
