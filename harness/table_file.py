"""Tables of CSV and Excel files, with the place of each cell."""

import csv
import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import TestError, unknown_name
from harness.quantities import check_unit

if TYPE_CHECKING:
    from openpyxl.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

TAGS = "tags"
"""The column whose cells are more tags of a test; they may be empty."""

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_DELIMITERS = ";\t,"
"""What separates cells of a CSV file: the first of these in its head line. Excel writes `;` where `,` is decimal."""
_MOST_CELLS = 1_000_000
"""How many cells a sheet of Excel may have, the empty ones that it reaches over included [P]."""


@dataclass(frozen=True)
class Column:
    """A column: its name, and the unit of its numbers where the head says one, as in ``voltage [V]``."""

    name: str
    unit: str
    letter: str
    """As Excel shows it."""


@dataclass(frozen=True)
class Row:
    """A row: where it stands, and its cells by column."""

    number: int
    """As an editor or Excel counts, from 1."""
    cells: dict[str, str]


def read_table(path: Path, sheet: str, allowed: dict[str, Sequence[str]]) -> list[Row]:
    """Read a table; its first line is the head.

    Args:
        path: a file whose name ends with `.csv` (UTF-8) or `.xlsx`.
        sheet: of an Excel file; the first one when it is empty.
        allowed: what cells may be, by column.

    Raises:
        TestError: the file cannot be read, or cells are not as they must be: says which, and what is allowed.
    """
    lines = list(_lines(path, sheet))
    if not lines:
        raise TestError(f"{path}: the table is empty; a head line with the names of its columns is needed")
    (first, head), *rest = lines
    columns = [_column(text, number) for number, text in enumerate(head)]
    names = [column.name for column in columns]
    problems = _head_problems(columns, first)
    problems += [f"row {first}: {unknown_name('column', name, names)}" for name in allowed if name not in names]
    rows = []
    for number, texts in rest:
        cells: dict[str, str] = {}
        for column, text in zip(columns, [*texts, *[""] * len(columns)], strict=False):
            if problem := _problem(column, text, allowed.get(column.name, ())):
                problems.append(f"row {number}, column {column.letter} ({column.name}): {problem}")
            cells[column.name] = f"{text} {column.unit}" if column.unit else text
        problems += [
            f"row {number}: {text!r} stands in no column; row {first} is the head, and names all columns"
            for text in texts[len(columns) :]
            if text
        ]
        rows.append(Row(number, cells))
    if problems:
        raise TestError("\n".join(f"{path}: {problem}" for problem in problems))
    if not rows:
        raise TestError(f"{path}: the table has a head and no rows")
    return rows


def _head_problems(columns: Sequence[Column], row: int) -> list[str]:
    names = [column.name for column in columns]
    problems = [
        f"row {row}, column {it.letter}: the head is empty; row {row} is the head, and a name is needed"
        for it in columns
        if not it.name
    ]
    for column in columns:
        try:
            if column.unit:
                check_unit(column.unit)
        except TestError as error:
            problems.append(f"row {row}, column {column.letter} ({column.name}): {error}")
    return problems + [f"row {row}: two columns are called {it!r}" for it in sorted(set(names)) if names.count(it) > 1]


def _problem(column: Column, text: str, allowed: Sequence[str]) -> str:
    if not text:
        return "" if column.name == TAGS else f"the cell is empty; allowed: {', '.join(allowed) or _needed(column)}"
    if column.unit and not (_NUMBER.fullmatch(text) and math.isfinite(float(text))):
        return f"{text!r} is no number; allowed: {_needed(column)}"
    if allowed and text not in allowed:
        return f"{text!r} is not allowed; allowed: {', '.join(allowed)}"
    return ""


def _needed(column: Column) -> str:
    return f"a number in {column.unit}, such as 13.5" if column.unit else "any text"


def _column(head: str, number: int) -> Column:
    name, bracket, unit = head.partition("[")
    letter = chr(ord("A") + number) if number < 26 else f"{number + 1}"
    return Column(name.strip() if bracket else head, unit.rstrip("] ") if bracket else "", letter)


def _lines(path: Path, sheet: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines that are not empty, with their numbers."""
    match path.suffix.casefold():
        case ".csv":
            lines = _csv_lines(path)
        case ".xlsx":
            lines = _excel_lines(path, sheet)
        case ending:
            raise TestError(f"{path}: a table cannot end with {ending!r}; allowed: .csv, .xlsx")
    yield from ((number, texts) for number, texts in lines if any(texts))


def _csv_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise TestError(f"{path}: the table cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise TestError(f"{path}: row {row}: the table is not in UTF-8; save it as 'CSV UTF-8' in Excel") from error
    head = text.partition("\n")[0]
    delimiter = next((it for it in _DELIMITERS if it in head), ",")
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise TestError(f"{path}: row {reader.line_num}: no CSV: {error}") from error


def _excel_lines(path: Path, sheet: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines of a sheet.

    Raises:
        TestError: the file is none of Excel's, the sheet is not there, or cells have no value of their own.
    """
    values, formulas = (_sheet(path, sheet, data_only=data_only) for data_only in (True, False))
    if values.max_row * values.max_column > _MOST_CELLS:
        raise TestError(f"{path}: the table reaches over {values.dimensions}; delete what stands far away from it")
    problems = [f"cells {cells} are merged; unmerge them, and fill each" for cells in values.merged_cells.ranges]
    for number, cells in enumerate(zip(values.iter_rows(), formulas.iter_rows(), strict=True), 1):
        pairs = list(zip(*cells, strict=True))
        problems += [problem for value, formula in pairs if (problem := _formula_problem(value, formula))]
        texts = [_text(value.value) for value, _ in pairs]
        while texts and not texts[-1]:
            texts.pop()
        yield number, texts
    if problems:
        raise TestError("\n".join(f"{path}: {problem}" for problem in problems))


def _sheet(path: Path, name: str, *, data_only: bool) -> "Worksheet":
    """Return a sheet with the values that formulas had when the file was saved, or with the formulas themselves."""
    from openpyxl import load_workbook

    try:
        workbook = load_workbook(path, data_only=data_only, keep_links=False)
    except OSError as error:
        raise TestError(f"{path}: the table cannot be read: {error.strerror or error}") from error
    except Exception as error:  # of a damaged file, openpyxl lets out whatever its parts raise
        raise TestError(
            f"{path}: this is no Excel file (.xlsx), or a damaged one: {error}; save it as .xlsx in Excel"
        ) from error
    sheets = {sheet.title: sheet for sheet in workbook.worksheets}
    if name and name in workbook.sheetnames and name not in sheets:
        raise TestError(f"{path}: sheet {name!r} is a chart and has no cells; sheets with cells: {', '.join(sheets)}")
    if name and name not in sheets:
        raise TestError(f"{path}: {unknown_name('sheet', name, sheets)}")
    if not sheets:
        raise TestError(f"{path}: no sheet of it has cells")
    return sheets[name or next(iter(sheets))]


def _formula_problem(value: "Cell", formula: "Cell") -> str:
    """Say that a formula has no result, which Excel stores and programs that write files often do not."""
    if value.value is None and formula.value is not None:
        return f"cell {formula.coordinate}: the formula has no stored value; open the file in Excel and save it"
    return f"cell {value.coordinate}: the formula gives {value.value}" if value.data_type == "e" else ""


def _text(cell: object) -> str:
    """Return a cell of Excel as it would be typed: 9 and not 9.0, 2026-11-23 and not midnight of that day."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.15g}"
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell).strip()
