"""Suites whose tests come from a table: each row of it makes a test of the one that the suite has."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from robot.api import SuiteVisitor, TestSuite
from robot.running import Import, Keyword, TestCase  # type: ignore[import-untyped]  # Robot has types for its api only
from robot.utils import escape  # type: ignore[import-untyped]

from harness.errors import TestError, unknown_name
from harness.table_file import Row, read_table

LIBRARY = "harness.Table"
MADE_FROM = "Table"
"""Name of the metadata of a suite that says which table its tests have been made from."""
_TAGS = "tags"
_PLACEHOLDER = re.compile(r"<([^<>]+)>")


def make_tests(suite: TestSuite) -> None:
    """Make the tests of all suites that import a table, as far as the import has no variables.

    Raises:
        TestError: a table is wrong, or a suite does not fit it.
    """
    for imported in suite.resource.imports:
        if imported.type == Import.LIBRARY and imported.name == LIBRARY:
            names = [argument for argument in imported.args if "=" not in argument]
            named = dict(argument.split("=", 1) for argument in imported.args if "=" in argument)
            if "${" not in "".join(imported.args):
                sheet = named.pop("sheet", "")
                make_tests_of(suite, *names[:1], sheet=sheet, allowed=named)
    for child in suite.suites:
        make_tests(child)


def make_tests_of(suite: TestSuite, file: str = "", *, sheet: str, allowed: Mapping[str, str]) -> None:
    """Put a test for each row of a table in the place of the one that a suite has; once only.

    Args:
        suite: has one test, in which `<column>` stands for what the row has there.
        file: of the table, beside that of the suite.
        sheet: of an Excel file; the first one when it is empty.
        allowed: what cells may be, by column, with `|` between.

    Raises:
        TestError: as `make_tests`.
    """
    if MADE_FROM in suite.metadata:
        return
    if len(suite.tests) != 1:
        raise TestError(f"{suite.source}: {len(suite.tests)} tests; a suite with a table has one, which its rows make")
    path = from_here(Path(suite.source).parent / file)
    choices: dict[str, Sequence[str]] = {column: text.split("|") for column, text in allowed.items()}
    rows = read_table(path, sheet, choices)
    model = suite.tests[0]
    tests = [_test(model, row, path) for row in rows]
    numbers: dict[str, int] = {}
    for row, test in zip(rows, tests, strict=True):
        if test.name in numbers:
            raise TestError(
                f"{path}: row {row.number}: its test is called {test.name!r}, as that of row {numbers[test.name]}; "
                f"each needs a name of its own: put a column into the name of the test in {suite.source}"
            )
        numbers[test.name] = row.number
    suite.tests = tests
    suite.metadata[MADE_FROM] = path.name


def from_here(path: Path) -> Path:
    """Return a path as somebody in the working folder would write it, where it is in there."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _test(model: TestCase, row: Row, path: Path) -> TestCase:
    filled = model.deepcopy()
    filled.visit(_Fill(row, path))
    return filled


class _Fill(SuiteVisitor):  # type: ignore[misc]  # Robot has no types
    """Fills what stands for columns in a test, with the cells of a row."""

    def __init__(self, row: Row, path: Path) -> None:
        self._row = row
        self._path = path

    def start_test(self, test: TestCase) -> None:
        test.name = self._filled(test.name)
        test.doc = self._filled(test.doc)
        tags = [tag.strip() for tag in self._row.cells.get(_TAGS, "").split(",") if tag.strip()]
        test.tags = [*map(self._filled, test.tags), *tags]

    def start_keyword(self, keyword: Keyword) -> None:
        keyword.args = [self._filled(it, escaped=True) if isinstance(it, str) else it for it in keyword.args]

    def _filled(self, text: str, *, escaped: bool = False) -> str:
        cells = self._row.cells

        def fill(match: re.Match[str]) -> str:
            name = match[1]
            if name not in cells:
                raise TestError(f"{self._path}: {unknown_name('column', name, cells)}")
            return str(escape(cells[name])) if escaped else cells[name]

        return _PLACEHOLDER.sub(fill, text)
