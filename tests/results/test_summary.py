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
        "Supply.Passes",
        "PASS",
        "IVI-PWR-001, IVI-PWR-002",
        "600.500",
    ]
    assert "FAIL" in fails
    assert "voltage 8.2 V [above] 8 V" in fails
    assert sum("Supply." in line for line in lines) == 8
