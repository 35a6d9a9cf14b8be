"""Puts the results of several runs into one, each under its own name."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from robot import result
from robot.api import ExecutionResult, ResultWriter, SuiteVisitor
from robot.errors import DataError  # type: ignore[import-untyped]  # Robot has types for its api only
from robot.output import LOGGER  # type: ignore[import-untyped]

from harness.errors import HarnessError
from harness.results.cut_off import whole_tests
from harness.results.junit import attached_traces, write_junit
from harness.results.measurement import Measurement, read_measurements
from harness.results.outcome import Outcome, read_outcomes
from harness.results.run_folder import RunFacts

RUN_FOLDER = "Run folder"
"""Name of the metadata that says where the evidence of a part is."""
_ABOUT_RIG = ("Rig", "Vehicle", "Tested: ")
"""Beginnings of the names of metadata that say on what a run was made."""


@dataclass(frozen=True)
class Part:
    """What one run contributes: its name, its folder with the evidence, and its suites."""

    name: str
    folder: Path
    suite: result.TestSuite


def read_result(output_xml: Path, *, steps: bool) -> result.TestSuite:
    """Read the suites of a run, also of one that was killed; the keywords that it ran only with `steps`.

    Raises:
        HarnessError: the file is missing or damaged.
    """
    try:
        return ExecutionResult(whole_tests(output_xml), include_keywords=steps).suite
    except (OSError, DataError) as error:
        raise HarnessError(f"{output_xml}: no result of Robot: {error}") from error


def parts_of(folder: Path, *, steps: bool) -> list[Part]:
    """Return what a folder of a run holds: the run itself, or the parts that it has been put together from.

    Raises:
        HarnessError: its result is missing or damaged.
    """
    suite = read_result(folder / "output.xml", steps=steps)
    combined = [part for part in suite.suites if RUN_FOLDER in part.metadata]
    if not combined:
        return [Part(folder.resolve().name, folder, suite)]
    return [Part(part.name, folder / _target(part.metadata[RUN_FOLDER]), part.suites[0]) for part in combined]


def write_combined(
    name: str,
    parts: Sequence[Part],
    folder: Path,
    facts: RunFacts,
    *,
    doc: str,
    metadata: Mapping[str, str],
    log: bool,
) -> list[Outcome]:
    """Write output.xml, report.html and junit.xml of all parts to a folder, log.html as well if asked for.

    Returns:
        What became of all tests, part by part.

    Raises:
        HarnessError: the measurements of a part are damaged.
    """
    root = result.TestSuite(name=name, doc=doc, metadata=_about(parts) | dict(metadata))
    for part in parts:
        place = Path(os.path.relpath(part.folder, folder)).as_posix()
        links = {RUN_FOLDER: f"[{place}|{place}]"}
        if not log and (part.folder / "log.html").exists():
            links["Log"] = f"[{place}/log.html|{place}/log.html]"
        part.suite.visit(_Links(place))
        root.suites.create(name=part.name, metadata=links).suites.append(part.suite)
    output = folder / "output.xml"
    LOGGER.unregister_console_logger()  # it would print where the reports are
    result.Result(suite=root).save(output)
    pages = {"log": folder / "log.html"} if log else {"log": None}
    ResultWriter(output).write_results(report=folder / "report.html", **pages)
    outcomes = read_outcomes(output)
    traces: dict[str, list[Path]] = {}
    measurements: list[Measurement] = []
    for part in parts:
        beginning = f"{name}.{part.name}."
        measurements += [replace(it, suite=beginning + it.suite) for it in measurements_of(part.folder)]
        own = [replace(it, suite=it.suite.removeprefix(beginning)) for it in outcomes if it.suite.startswith(beginning)]
        traces |= {beginning + test: found for test, found in attached_traces(part.folder, own).items()}
    write_junit(output, measurements, facts, folder / "junit.xml", traces)
    return outcomes


def measurements_of(folder: Path) -> Iterable[Measurement]:
    """Return the measurements of a run; none where it has made none.

    Raises:
        HarnessError: they are damaged.
    """
    log = folder / "measurements.jsonl"
    return read_measurements(log)[0] if log.exists() else ()


def _about(parts: Iterable[Part]) -> dict[str, str]:
    """Return what the parts say of rig, vehicle and tested devices; all of it where they differ."""
    found: dict[str, list[str]] = {}
    for part in parts:
        for name, value in part.suite.metadata.items():
            if name.startswith(_ABOUT_RIG) and value not in found.setdefault(name, []):
                found[name].append(value)
    return {name: ", then ".join(values) for name, values in found.items()}


class _Links(SuiteVisitor):  # type: ignore[misc]  # Robot has no types
    """Lets the links to traces and logs lead to the folder of the run that they are from."""

    def __init__(self, place: str) -> None:
        self._place = place

    def start_suite(self, suite: result.TestSuite) -> None:
        for name, link in list(suite.metadata.items()):
            if name.startswith(("Trace", "Log: ")) and link.startswith("["):
                shown = link.strip("[]").partition("|")[2]  # as it is within its own folder
                suite.metadata[name] = f"[{self._place}/{shown}|{shown}]"

    def visit_test(self, test: result.TestCase) -> None:
        pass


def _target(link: str) -> str:
    """Return where a link of Robot's reports leads to."""
    return link.strip("[]").partition("|")[0]
