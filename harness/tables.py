"""Suites whose tests come from a table: each row of it makes a test of the one that the suite has."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from robot.api import SuiteVisitor, TestSuite
from robot.running import Import, TestCase  # type: ignore[import-untyped]  # Robot has types for its api only
from robot.utils import escape  # type: ignore[import-untyped]

from harness.errors import TestError, unknown_name
from harness.table_file import TAGS, Row, read_table

LIBRARY = "harness.Table"
MADE_FROM = "Table"
"""Name of the metadata of a suite that says which table its tests have been made from."""
_PLACEHOLDER = re.compile(r"<([^<>]+)>")


def make_tests(suite: TestSuite) -> None:
    """Make the tests of all suites that import a table, as far as the import has no variables.

    Raises:
        TestError: a table is wrong, or a suite does not fit it.
    """
    for imported in suite.resource.imports:
        if imported.type == Import.LIBRARY and imported.name == LIBRARY:
            files = [argument for argument in imported.args if "=" not in argument]
            named = dict(argument.split("=", 1) for argument in imported.args if "=" in argument)
            if "${" not in "".join(imported.args):
                sheet = named.pop("sheet", "")
                make_tests_of(suite, files, sheet=sheet, allowed=named)
    for child in suite.suites:
        make_tests(child)


def make_tests_of(suite: TestSuite, files: Sequence[str], *, sheet: str, allowed: Mapping[str, str]) -> None:
    """Put a test for each row of a table in the place of the one that a suite has; once only.

    Args:
        suite: has one test, in which `<column>` stands for what the row has there.
        files: that of the table, beside that of the suite; there is one.
        sheet: of an Excel file; the first one when it is empty.
        allowed: what cells may be, by column, with `|` between.

    Raises:
        TestError: as `make_tests`.
    """
    if len(files) != 1:
        raise TestError(
            f"{suite.source}: `Library    {LIBRARY}` has {len(files)} files; it needs one, such as states.csv, and a "
            "sheet of it by sheet=NAME"
        )
    path = from_here(Path(suite.source).parent / files[0])
    if (made_from := suite.metadata.get(MADE_FROM)) == path.name:
        return
    if made_from:
        raise TestError(f"{suite.source}: two tables, {made_from} and {path.name}; a suite can have one")
    if len(suite.tests) != 1:
        raise TestError(f"{suite.source}: {len(suite.tests)} tests; a suite with a table has one, which its rows make")
    choices: dict[str, Sequence[str]] = {column: text.split("|") for column, text in allowed.items()}
    rows = read_table(path, sheet, choices)
    _refuse_outside_of_test(suite, rows[0].cells)
    model = suite.tests[0]
    tests = [_test(model, row, path) for row in rows]
    numbers: dict[str, int] = {}
    for row, test in zip(rows, tests, strict=True):
        if test.name in numbers:
            same = " and ".join(match[0] for match in _PLACEHOLDER.finditer(model.name))
            way_out = f"{same} says the same in both" if same else f"put a column into it, in {suite.source}"
            raise TestError(
                f"{path}: row {row.number}: its test is called {test.name!r}, as that of row {numbers[test.name]}; "
                f"each needs a name of its own: {way_out}"
            )
        numbers[test.name] = row.number
    suite.tests = tests
    suite.metadata[MADE_FROM] = path.name


def from_here(path: Path) -> Path:
    """Return a path as somebody in the working folder would write it, where it is in there."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _test(model: TestCase, row: Row, path: Path) -> TestCase:
    """Return the test of a row."""
    filled = partial(_filled, row.cells, path)
    test = model.deepcopy()
    test.name = " ".join(filled(test.name).split())  # a cell may have several lines
    test.doc = filled(test.doc)
    test.timeout = test.timeout and filled(test.timeout)
    tags = [tag.strip() for tag in row.cells.get(TAGS, "").split(",") if tag.strip()]
    test.tags = [*map(filled, test.tags), *tags]
    test.visit(_Steps(lambda text, _: filled(text, change=escape)))
    return test


def _filled(cells: Mapping[str, str], path: Path, text: str, change: Callable[[str], str] = str) -> str:
    """Return a text with the cells of a row in their places.

    Raises:
        TestError: there is no such column.
    """

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        if name in cells:
            return change(cells[name])
        if name.strip() != name and name.strip() not in cells:  # two comparisons: ${x} < 5 and ${y} > 3
            return match[0]
        raise TestError(f"{path}: {unknown_name('column', name, cells)}")

    return _PLACEHOLDER.sub(fill, text)


def _refuse_outside_of_test(suite: TestSuite, columns: Mapping[str, str]) -> None:
    """Refuse columns where no row fills them."""

    def refuse(text: str, line: int | None) -> str:
        if found := next((match[0] for match in _PLACEHOLDER.finditer(text) if match[1] in columns), ""):
            raise TestError(
                f"{suite.source}:{line}: {found} stands outside of the test, where no row fills it; the test can hand "
                "it over as an argument"
            )
        return text

    steps = _Steps(refuse)
    for owner in (suite, *suite.resource.keywords):
        if owner.has_setup:
            owner.setup.visit(steps)
        if owner.has_teardown:
            owner.teardown.visit(steps)
    for keyword in suite.resource.keywords:
        keyword.body.visit(steps)
    for variable in suite.resource.variables:
        for text in variable.value:
            refuse(text, variable.lineno)


class _Steps(SuiteVisitor):  # type: ignore[misc]  # Robot has no types
    """Changes all texts of keywords, IF, FOR, VAR and their like; `change` is told their line as well."""

    def __init__(self, change: Callable[[str, int | None], str]) -> None:
        self._change = change

    def start_body_item(self, item: Any) -> None:  # noqa: ANN401  Robot has no common type of them
        for name in item.repr_args:
            value = getattr(item, name)
            if isinstance(value, str):
                setattr(item, name, self._change(value, item.lineno))
            elif value:
                setattr(item, name, tuple(self._change(it, item.lineno) if isinstance(it, str) else it for it in value))
