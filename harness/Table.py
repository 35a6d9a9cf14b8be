"""The Robot Framework library of suites whose tests come from a table."""

from typing import TYPE_CHECKING

from robot.utils import escape  # type: ignore[import-untyped]  # Robot has types for its api only

from harness.tables import make_tests_of

if TYPE_CHECKING:
    from robot import result, running


class Table:
    """Makes a test of each row of a CSV or Excel file.

    | Library    harness.Table    supply_states.csv    audio state=Playing|Muted

    The file stands beside the suite; its first line names the columns. The suite has one test. In its name,
    documentation and tags, and in all of its steps, ``<column>`` stands for the cell of the row. A column
    ``tags`` gives a test more tags. In a column ``voltage [V]`` each cell is a number, and ``<voltage>`` has the unit.
    For other columns the import can say what is allowed. A cell that is wrong is told by file, row and column: by
    ``hil run`` before anything runs, by plain ``robot`` as the failure of the test.
    """

    ROBOT_LIBRARY_SCOPE = "SUITE"
    ROBOT_LISTENER_API_VERSION = 3
    ROBOT_LISTENER_PRIORITY = 2
    """Before the listener that looks what the tests of a suite need."""

    def __init__(self, *file: str, sheet: str = "", **allowed: str) -> None:
        self.ROBOT_LIBRARY_LISTENER = self
        self._files = file
        self._sheet = sheet
        self._allowed = allowed

    def _start_suite(self, data: "running.TestSuite", result: "result.TestSuite") -> None:
        """Make the tests, unless `hil run` has."""
        try:
            make_tests_of(data, self._files, sheet=self._sheet, allowed=self._allowed)
        except Exception as error:  # noqa: BLE001  Robot would run the test with nothing filled in
            for test in data.all_tests:
                test.setup.config(name="Fail", args=[escape(str(error))], lineno=None)
                test.teardown.config(name="No Operation", args=[])
        result.metadata.update(data.metadata)
