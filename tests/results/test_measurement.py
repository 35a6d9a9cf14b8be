import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import BenchError, HarnessError
from harness.quantities import Voltage
from harness.results.measurement import Measurement, MeasurementLog, read_measurements
from harness.results.verdict import Verdict

MEASUREMENT = Measurement(
    time=12.34,
    suite="Supply",
    test="Fails",
    name="supply current",
    value=3.2,
    unit="A",
    low=0.5,
    high=3.0,
    expected=None,
    uncertainty=0.0,
    verdict=Verdict.FAIL,
    requirements=("IVI-PWR-001",),
    limit_source="data sheet 4.2",
    source="instrument:supply",
    instrument="ACME,PS1,42,1.0",
    message="",
)
LINE = (
    '{"time": 12.34, "suite": "Supply", "test": "Fails", "name": "supply current", "value": 3.2, "unit": "A",'
    ' "low": 0.5, "high": 3.0, "expected": null, "uncertainty": 0.0, "verdict": "FAIL",'
    ' "requirements": ["IVI-PWR-001"],'
    ' "limit_source": "data sheet 4.2", "source": "instrument:supply", "instrument": "ACME,PS1,42,1.0",'
    ' "message": ""}\n'
)
BROKEN_TEXT = "25 °C\n\x00 \x1b[31m \ud800 \uffff"


def test_a_measurement_is_a_line_of_json(tmp_path: Path) -> None:
    path = tmp_path / "measurements.jsonl"
    with MeasurementLog(path) as log:
        log.append(MEASUREMENT)
        log.append(replace(MEASUREMENT, unit="°C", value=Voltage(13.5)))
        assert path.read_bytes().count(b"\n") == 2  # they are in the file before it is closed
    first, second = path.read_bytes().splitlines(keepends=True)
    assert first == LINE.encode()
    assert '"value": 13.5, "unit": "°C"'.encode() in second


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"value": None},
        {"value": "Running", "expected": "Running", "low": None, "high": None},
        {"message": BROKEN_TEXT, "requirements": ()},
        {"verdict": Verdict.NOT_RUN},
    ],
)
def test_what_is_written_is_read_back(tmp_path: Path, changes: dict[str, object]) -> None:
    measurement = replace(MEASUREMENT, **changes)  # type: ignore[arg-type]  # one of the cases above
    with MeasurementLog(tmp_path / "log") as log:
        log.append(measurement)
    assert read_measurements(tmp_path / "log") == ([measurement], "")


@pytest.mark.parametrize("reading", ["nan", "inf", "-inf"])
def test_readings_that_json_has_no_number_for_are_kept_as_text(tmp_path: Path, reading: str) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    with MeasurementLog(tmp_path / "log") as log:
        log.append(replace(MEASUREMENT, value=Voltage(reading)))
    fields = json.loads((tmp_path / "log").read_bytes(), parse_constant=refuse)
    assert fields["value"] == reading


def test_a_cut_last_line_is_reported(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(LINE + LINE[:50], encoding="utf-8")
    assert read_measurements(tmp_path / "log") == ([MEASUREMENT], LINE[:50])


@pytest.mark.parametrize("damaged", ["no json", "{}", "[]", '{"requirements": [], "verdict": "PERHAPS"}'])
def test_any_other_damaged_line_is_refused(tmp_path: Path, damaged: str) -> None:
    (tmp_path / "log").write_text(f"{LINE}{damaged}\n{LINE}", encoding="utf-8")
    with pytest.raises(HarnessError, match=r"log:2: no measurement"):
        read_measurements(tmp_path / "log")


def test_a_killed_run_leaves_whole_lines(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from harness.results.measurement import MeasurementLog, read_measurements
(measurement,), _ = read_measurements(Path(sys.argv[1]))
log = MeasurementLog(Path(sys.argv[2]))
for number in range(10**9):
    log.append(measurement)
    if number == 200:
        print(flush=True)
"""
    (tmp_path / "one").write_text(LINE, encoding="utf-8")
    arguments = [sys.executable, "-c", code, str(tmp_path / "one"), str(tmp_path / "log")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as run:
        assert run.stdout
        run.stdout.readline()
        run.kill()
    measurements, rest = read_measurements(tmp_path / "log")
    assert len(measurements) > 200
    assert set(measurements) == {MEASUREMENT}
    assert rest == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_an_error_of_the_bench() -> None:
    with MeasurementLog(Path("/dev/full")) as log, pytest.raises(BenchError, match="could not be kept"):
        log.append(MEASUREMENT)


def test_a_reader_sees_value_limits_and_source() -> None:
    assert str(MEASUREMENT) == (
        "12.340 s  FAIL  supply current: 3.2 A  at least 0.5 A, at most 3 A (data sheet 4.2)"
        "  from instrument:supply  IVI-PWR-001"
    )
    state = replace(MEASUREMENT, name="state", value="Booting", expected="Running", low=None, high=None)
    assert "state: Booting  expected Running (data sheet 4.2)" in str(state)
    assert "supply current: no value" in str(replace(MEASUREMENT, value=None))
