import io
from pathlib import Path

from rich.console import Console

from harness.results.outcome import read_outcomes
from harness.results.summary import verdict_table


def test_the_table_has_a_line_for_each_test(output_xml: Path) -> None:
    output = io.StringIO()
    Console(file=output, width=160).print(verdict_table(read_outcomes(output_xml)))
    lines = output.getvalue().splitlines()
    (passes,) = [line for line in lines if "Supply.Passes" in line]
    (fails,) = [line for line in lines if "Supply.Fails " in line and "Word" not in line]
    assert [cell.strip() for cell in passes.split("│")][1:5] == [
        "PASS",
        "Supply.Passes",
        "IVI-PWR-001, IVI-PWR-002",
        "600.500",
    ]
    assert "FAIL" in fails
    assert "voltage 8.2 V" not in fails, "the list above has said it"
    assert sum("Supply." in line for line in lines) == 7
    assert not any("NOT RUN" in line for line in lines)


def test_the_table_fits_a_narrow_terminal(output_xml: Path) -> None:
    output = io.StringIO()
    Console(file=output, width=80).print(verdict_table(read_outcomes(output_xml)))
    (passes,) = [line for line in output.getvalue().splitlines() if "Supply.Passes" in line]
    assert "IVI-PWR-001, IVI-PWR-002" in passes
