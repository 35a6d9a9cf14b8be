"""junit.xml for CI servers, built from Robot's output.xml and the measurements."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

import junit_xml

from harness.results.measurement import Measurement, read_measurements
from harness.results.outcome import Outcome, read_outcomes
from harness.results.run_folder import RunFacts, trace_path
from harness.results.verdict import Verdict

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What is no ``Char`` of XML 1.0 (https://www.w3.org/TR/xml/#charsets)."""


def write_junit_of_run(folder: Path, facts: RunFacts) -> None:
    """Write the `junit.xml` of a run from what is in its folder.

    Raises:
        HarnessError: `output.xml` or `measurements.jsonl` is damaged.
    """
    output, log = folder / "output.xml", folder / "measurements.jsonl"
    measurements, _ = read_measurements(log) if log.exists() else ([], "")
    write_junit(output, measurements, facts, folder / "junit.xml", attached_traces(folder, read_outcomes(output)))


def attached_traces(folder: Path, outcomes: Iterable[Outcome]) -> dict[str, list[Path]]:
    """Return the traces in the folder of a run by long name of the test, as `write_junit` attaches them."""
    traces = {f"{it.suite}.{it.name}": trace_path(folder, it.suite) for it in outcomes}
    return {test: [trace] for test, trace in traces.items() if trace.exists()}


def write_junit(
    output_xml: Path,
    measurements: Iterable[Measurement],
    facts: RunFacts,
    target: Path,
    attachments: Mapping[str, Sequence[Path]],
) -> None:
    """Write `target`: a test suite for each Robot suite that has tests.

    FAIL is a ``<failure>``; ERROR, INCONCLUSIVE and ABORTED are an ``<error>`` of that type; SKIPPED and NOT RUN are
    ``<skipped>``. Tags, requirements, rig and vehicle are properties of each case. They are no part of the schema
    that Jenkins' xUnit plugin checks (junit-10.xsd); its JUnit plugin and others read them.

    Args:
        output_xml: result of Robot.
        measurements: listed in the output of the test that made them.
        facts: about the run.
        target: file to write.
        attachments: long name of a test (``Suite.Test``) -> its trace files, named in its output in the form that
            Jenkins' JUnit Attachments plugin reads (https://plugins.jenkins.io/junit-attachments/).

    Raises:
        HarnessError: `output_xml` is missing or damaged.
    """
    lines: dict[tuple[str, str], list[str]] = defaultdict(list)
    for measurement in measurements:
        lines[measurement.suite, measurement.test].append(str(measurement))
    suites = []
    for name, group in groupby(read_outcomes(output_xml), key=lambda outcome: outcome.suite):
        outcomes = list(group)
        cases = [
            _case(
                outcome,
                lines[outcome.suite, outcome.name],
                attachments.get(f"{outcome.suite}.{outcome.name}", ()),
            )
            for outcome in outcomes
        ]
        suites.append(_Suite(name, outcomes, cases, facts))
    target.write_bytes(junit_xml.to_xml_report_string(suites, encoding="utf-8").encode("utf-8"))


class _Suite(junit_xml.TestSuite):  # type: ignore[misc]  # the package has no types
    """A suite whose cases have properties, which junit-xml does not know."""

    def __init__(self, name: str, outcomes: list[Outcome], cases: list[junit_xml.TestCase], facts: RunFacts) -> None:
        started = outcomes[0].started
        device = {f"dut.{key}": _legal(value) for key, value in facts.dut.items()}
        super().__init__(
            _legal(name),
            cases,
            timestamp=started.isoformat(timespec="seconds") if started else None,
            properties={"commit": facts.commit or "unknown", "seed": facts.seed} | device,
        )
        self._case_properties = [
            [
                *(("tag", tag) for tag in outcome.tags),
                *(("requirement", requirement) for requirement in outcome.requirements),
                *(("rig", facts.rig), ("vehicle", facts.vehicle), ("rig-kind", facts.rig_kind)),
            ]
            for outcome in outcomes
        ]

    def build_xml_doc(self, encoding: str | None = None) -> Element:
        """Build the element of the suite."""
        suite: Element = super().build_xml_doc(encoding)
        for case, named in zip(suite.iter("testcase"), self._case_properties, strict=True):
            properties = Element("properties")
            for name, value in named:
                SubElement(properties, "property", name=name, value=_legal(value))
            case.insert(0, properties)
            case.attrib.setdefault("time", "0")
        return suite


def _case(outcome: Outcome, lines: list[str], attachments: Sequence[Path]) -> junit_xml.TestCase:
    output = [*lines, *(f"[[ATTACHMENT|{path.resolve()}]]" for path in attachments)]
    case = junit_xml.TestCase(
        _legal(outcome.name),
        classname=_legal(outcome.suite),
        elapsed_sec=round(outcome.seconds, 3),
        stdout=_legal("\n".join(output)),
    )
    # junit-xml drops a failure without a message.
    summary, text = _legal(outcome.first_line) or outcome.verdict.value, _legal(outcome.message)
    match outcome.verdict:
        case Verdict.PASS:
            pass
        case Verdict.FAIL:
            case.add_failure_info(summary, text, outcome.verdict.value)
        case Verdict.SKIPPED | Verdict.NOT_RUN:
            case.add_skipped_info(summary, text)
        case Verdict.ERROR | Verdict.INCONCLUSIVE | Verdict.ABORTED:
            case.add_error_info(summary, text, outcome.verdict.value)
    return case


def _legal(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", text)
