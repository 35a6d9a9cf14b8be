"""Tables of CSV and Excel files, with the place of each cell."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path

from harness.errors import TestError, unknown_name

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_DELIMITERS = ";\t,"
"""What separates cells of a CSV file: the first of these in its head line. Excel writes `;` where `,` is decimal."""


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
    (_, head), *rest = lines
    columns = [_column(text, number) for number, text in enumerate(head)]
    names = [column.name for column in columns]
    problems = [f"row 1, column {it.letter}: the head is empty; a name is needed" for it in columns if not it.name]
    problems += [f"row 1: two columns are called {name!r}" for name in sorted(set(names)) if names.count(name) > 1]
    problems += [f"row 1: {unknown_name('column', name, names)}" for name in allowed if name not in names]
    rows = []
    for number, texts in rest:
        cells: dict[str, str] = {}
        for column, text in zip(columns, [*texts, *[""] * len(columns)], strict=False):
            if problem := _problem(column, text, allowed.get(column.name, ())):
                problems.append(f"row {number}, column {column.letter} ({column.name}): {problem}")
            cells[column.name] = f"{text} {column.unit}" if column.unit else text
        problems += [f"row {number}: {text!r} stands in no column" for text in texts[len(columns) :] if text]
        rows.append(Row(number, cells))
    if problems:
        raise TestError("\n".join(f"{path}: {problem}" for problem in problems))
    if not rows:
        raise TestError(f"{path}: the table has a head and no rows")
    return rows


def _problem(column: Column, text: str, allowed: Sequence[str]) -> str:
    if not text:
        return f"the cell is empty; allowed: {', '.join(allowed) or _needed(column)}"
    if column.unit and not _NUMBER.fullmatch(text):
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
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TestError(f"{path}: the table cannot be read: {error}") from error
    head = text.partition("\n")[0]
    delimiter = next((it for it in _DELIMITERS if it in head), ",")
    reader = csv.reader(text.splitlines(), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise TestError(f"{path}: row {reader.line_num}: no CSV: {error}") from error


def _excel_lines(path: Path, sheet: str) -> Iterator[tuple[int, list[str]]]:
    from zipfile import BadZipFile

    from openpyxl import load_workbook

    try:
        workbook = load_workbook(path, read_only=True, data_only=True)
    except (OSError, KeyError, ValueError, BadZipFile) as error:
        raise TestError(f"{path}: the table cannot be read: {error}") from error
    try:
        if sheet and sheet not in workbook.sheetnames:
            raise TestError(f"{path}: {unknown_name('sheet', sheet, workbook.sheetnames)}")
        table = workbook[sheet] if sheet else workbook.worksheets[0]
        for number, cells in enumerate(table.iter_rows(values_only=True), 1):
            texts = [_text(cell) for cell in cells]
            while texts and not texts[-1]:
                texts.pop()
            yield number, texts
    finally:
        workbook.close()


def _text(cell: object) -> str:
    """Return a cell of Excel as it would be typed: 9 and not 9.0, 2026-11-23 and not midnight of that day."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.15g}"
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell).strip()
