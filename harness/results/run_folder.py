"""The folder of a run, and the facts about the run that are kept in its run.json."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from harness import __version__
from harness.errors import HarnessError

_GIT_SECONDS = 5
_PACKAGES = ("cantools", "python-can", "pyvisa", "pyvisa-py", "robotframework")


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What a run was made with.

    Attributes:
        rig: name of the rig.
        virtual: whether every ECU of it is simulated.
        vehicle: name of the vehicle.
        dut: identity of the device under test: part, serial, versions.
        dut_read: which of it the device has said itself; all else is declared in the rig file only.
        instruments: role of each instrument and its identity.
        versions: versions of Python and of the packages that matter, as from `installed_versions`.
        commit: git commit of the suites, None where there is none.
        dirty: whether files differed from that commit, None where there is none.
        seed: seed of the random numbers.
        started: when the run began.
        ended: when it ended, None while it runs or when it was cut off.
        exit_code: its exit code, None likewise.
        rig_seconds: rig time of all its suites together.
    """

    rig: str
    virtual: bool
    vehicle: str
    dut: Mapping[str, str]
    dut_read: Sequence[str]
    instruments: Mapping[str, str]
    versions: Mapping[str, str]
    commit: str | None
    dirty: bool | None
    seed: int
    started: datetime
    ended: datetime | None = None
    exit_code: int | None = None
    rig_seconds: float = 0.0

    @property
    def rig_kind(self) -> str:
        """``virtual`` or ``bench``."""
        return "virtual" if self.virtual else "bench"


def new_run_folder(parent: Path, rig: str, started: datetime) -> Path:
    """Make the folder ``<time>-<rig>``, numbered where another run of the same second has it."""
    name = f"{started:%Y-%m-%dT%H-%M-%S}-{re.sub(r'[^A-Za-z0-9._-]+', '-', rig)}"
    folder = parent / name
    number = 1
    while True:
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
            folder = parent / f"{name}-{number}"
        else:
            return folder


def write_run_facts(folder: Path, facts: RunFacts) -> None:
    """Write run.json, in place of an earlier one; there is no moment without a whole file."""
    text = json.dumps(asdict(facts), indent=2, ensure_ascii=False, default=datetime.isoformat)
    draft = folder / "run.json.part"
    draft.write_text(text + "\n", encoding="utf-8", newline="\n")
    draft.replace(folder / "run.json")


def read_run_facts(folder: Path) -> RunFacts:
    """Read run.json back.

    Raises:
        HarnessError: it is missing or damaged.
    """
    path = folder / "run.json"
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        for name in ("started", "ended"):
            fields[name] = fields[name] and datetime.fromisoformat(fields[name])
        return RunFacts(**fields)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise HarnessError(f"{path}: no facts about a run: {error}") from error


def trace_path(folder: Path, suite: str) -> Path:
    """Return the file that the trace of a suite, given by its label, goes to."""
    return folder / "traces" / f"{_file_name(suite) or 'suite'}.blf"


def capture_path(folder: Path, suite: str, number: int) -> Path:
    """Return the file that the picture of a capture of a suite, given by its label, goes to."""
    return folder / "captures" / f"{_file_name(suite) or 'suite'}.{number}.svg"


def log_path(folder: Path, suite: str, console: str) -> Path:
    """Return the file that the lines of a console go to while a suite, given by its label, runs."""
    return folder / "logs" / f"{_file_name(suite) or 'suite'}.{_file_name(console)}.log"


def _file_name(text: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-." else "_" if letter == " " else "-" for letter in text)


def installed_versions() -> dict[str, str]:
    """Return the versions of Python, the harness, Robot Framework and the packages that touch a rig."""
    import platform
    from importlib.metadata import version

    return {
        "harness": __version__,
        "python": platform.python_version(),
        **{package: version(package) for package in _PACKAGES},
    }


def git_state(folder: Path) -> tuple[str | None, bool | None]:
    """Return the commit that is checked out at `folder` and whether files differ from it.

    Both are None where git is not installed, does not answer within 5 s, or the folder is in no repository.
    """
    git = shutil.which("git")
    if git is None:
        return None, None
    try:
        status = subprocess.run(  # noqa: S603 - fixed arguments
            [git, "-C", folder, "--no-optional-locks", "status", "--porcelain=v2", "--branch"],
            capture_output=True,
            check=True,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=_GIT_SECONDS,
            env=os.environ | {"LC_ALL": "C"},
        ).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return None, None
    commit = next((line.split()[-1] for line in status if line.startswith("# branch.oid ")), "(initial)")
    if commit == "(initial)":
        return None, None
    return commit, any(not line.startswith("#") for line in status)
