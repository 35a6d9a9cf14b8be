"""What a run is to do, kept in its plan.json: so that a run that was interrupted can be gone on with."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from robot.api import TestSuite
from robot.errors import DataError  # type: ignore[import-untyped]  # Robot has types for its api only
from robot.output import LOGGER  # type: ignore[import-untyped]
from robot.running import ResourceFile  # type: ignore[import-untyped]

from harness.errors import HarnessError
from harness.keywords.runner import ANSWERS_VARIABLE
from harness.listener import SEED_VARIABLE
from harness.tables import from_here, make_tests
from harness.vehicle import Vehicle

_FILE = "plan.json"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What was asked for on the command line.

    Attributes:
        rig: file of the rig.
        suites: files and folders.
        include: patterns of tags, one of which a test needs to run.
        exclude: patterns of tags that a test must not have.
        seed: of the random numbers; of the first repetition, where there are several.
        answers: file that stands in for an operator.
        repetitions: how often it was to run; None for until the first failure.
    """

    rig: str
    suites: Sequence[str]
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    seed: int = 1
    answers: str | None = None
    repetitions: int | None = 1

    def variables(self, seed: int) -> list[str]:
        """Return the variables that Robot is given."""
        variables = [f"RIG:{self.rig}", f"{SEED_VARIABLE.strip('${}')}:{seed}"]
        if self.answers:
            variables.append(f"{ANSWERS_VARIABLE.strip('${}')}:{self.answers}")
        return variables


def read_suites(plan: Plan) -> TestSuite:
    """Return the suites of a plan, for Robot to run.

    Raises:
        HarnessError: there is nothing to run, or a table is wrong.
    """
    LOGGER.unregister_console_logger()  # it would print what the listener shows
    try:
        suite = TestSuite.from_file_system(*plan.suites)
        make_tests(suite)
        suite.configure(include_tags=plan.include or None, exclude_tags=plan.exclude or None)
    except DataError as error:
        raise HarnessError(f"nothing to run: {error}") from error
    return suite


def write_plan(folder: Path, plan: Plan, files: Mapping[str, str]) -> None:
    """Write plan.json.

    Args:
        folder: of the run.
        plan: what the run is to do.
        files: what it depends on, from `fingerprints`.
    """
    text = json.dumps(asdict(plan) | {"files": dict(files)}, indent=2, ensure_ascii=False)
    (folder / _FILE).write_text(text + "\n", encoding="utf-8", newline="\n")


def read_plan(folder: Path) -> tuple[Plan, dict[str, str]]:
    """Return the plan of a run, and the fingerprints of its files when it began.

    Raises:
        HarnessError: the file is missing or damaged.
    """
    path = folder / _FILE
    try:
        fields = TypeAdapter(dict[str, object]).validate_json(path.read_bytes())
        files = TypeAdapter(dict[str, str]).validate_python(fields.pop("files", None))
        return TypeAdapter(Plan).validate_python(fields), files
    except OSError as error:
        raise HarnessError(
            f"{path}: {error.strerror or error}; name the folder of a run of `hil run`, as its last lines say it"
        ) from error
    except ValidationError as error:
        problems = (
            f"{'.'.join(map(str, it['loc'])) or 'all of it'}: {it['msg']}" for it in error.errors(include_url=False)
        )
        raise HarnessError(f"{path}: not the plan of a run of `hil run`: {'; '.join(problems)}") from error


def fingerprints(plan: Plan, vehicle: Vehicle, suite: TestSuite) -> dict[str, str]:
    """Return the SHA-256 of each file that a run depends on: rig, vehicle, suites, their resources and tables, answers.

    Of a suite's folder all files count. A resource elsewhere counts if its path has no variables but those of Robot
    itself.
    """
    files = {Path(plan.rig), *map(from_here, _files_in(vehicle.folder))}
    for given in map(Path, plan.suites):
        files.update(_files_in(given) if given.is_dir() else [given])
    files.update(_imported(suite, set()))
    if plan.answers:
        files.add(Path(plan.answers))
    return {path.as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)}


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return what has become of the files since, in words; empty if nothing."""
    return [
        f"{path} {'is new' if path not in before else 'is gone' if path not in now else 'has changed'}"
        for path in sorted(before.keys() | now.keys())
        if before.get(path) != now.get(path)
    ]


def _files_in(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith((".", "__pycache__")) for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden:
            yield path


def _imported(suite: TestSuite, seen: set[Path]) -> set[Path]:
    """Return the files that suites import, directly or by each other."""
    if suite.resource:
        _follow(suite.resource, seen)
    for child in suite.suites:
        _imported(child, seen)
    return seen


def _follow(resource: ResourceFile, seen: set[Path]) -> None:
    for imported in resource.imports:
        folder = Path(imported.directory or "")
        names = [it.replace("${/}", "/").replace("${CURDIR}", str(folder)) for it in (imported.name, *imported.args)]
        for path in (from_here((folder / name).resolve()) for name in names if name and "${" not in name):
            if path.is_file() and path not in seen:
                seen.add(path)
                if imported.type == imported.RESOURCE:
                    _follow(ResourceFile.from_file_system(path), seen)
