"""Quantities as arguments of keywords, through Robot itself."""

from pathlib import Path

import pytest
from robot import running
from robot.api import ExecutionResult

LIBRARY = """
from robot.api.deco import keyword
from robotlibcore import DynamicCore
from harness.keywords.arguments import reads_quantities, shown_arguments, shown_types
from harness.quantities import Duration, Voltage

class supply_library(DynamicCore):
    def __init__(self):
        super().__init__([])
        types = super().get_keyword_types("set_supply")
        self.keywords["set_supply"] = reads_quantities(self.keywords["set_supply"], types)

    def get_keyword_arguments(self, name):
        return shown_arguments(super().get_keyword_arguments(name))

    def get_keyword_types(self, name):
        return shown_types(super().get_keyword_types(name))

    @keyword
    def set_supply(self, voltage: Voltage, *, within: Duration = Duration(0.5)):
        assert (voltage, within) == (13.5, 0.5), (voltage, within)
        assert (type(voltage), type(within)) == (Voltage, Duration)
"""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["13.5 V"], ""),
        (["13.5 V", "within=500 ms"], ""),
        (["13.5 A"], "13.5 A is a current; this needs a voltage, such as '13.5 V'"),
        (["8,0 V"], "'8,0 V' has a comma; a decimal point is expected"),
        (["${13.5}"], "13.5 has no unit; this needs a voltage, such as '13.5 V'"),
        (["13.5 V", "within=500"], "'500' has no unit; this needs a duration, such as '500 ms'"),
        (["13.5 V", "within=nan"], "'nan' is not a decimal number"),
    ],
)
def test_robot_names_the_argument_and_the_reason(tmp_path: Path, arguments: list[str], message: str) -> None:
    library = tmp_path / "supply_library.py"
    library.write_text(LIBRARY, encoding="utf-8")
    suite = running.TestSuite("Quantities")
    suite.resource.imports.library(str(library))
    suite.tests.create("One").body.create_keyword("Set Supply", arguments)
    output = tmp_path / "output.xml"
    suite.run(output=output, log=None, report=None, stdout=None, stderr=None)
    (test,) = ExecutionResult(output).suite.tests
    assert test.passed is not bool(message), test.message
    assert message in test.message
    if message:
        argument = "within" if "=" in arguments[-1] else "voltage"
        assert f"Argument '{argument}': " in test.message
