"""Suites whose tests come from a table, of CSV and of Excel: each row is a test, and a wrong cell is named."""

import datetime as dt
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest
from openpyxl.chart import BarChart, Reference
from robot import running

from harness.errors import TestError
from harness.results.outcome import read_outcomes
from harness.results.verdict import Verdict
from harness.table_file import read_table
from harness.tables import make_tests

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/authoring.md"
BIN = Path(sys.executable).parent

SUITE = """\
*** Settings ***
Library       harness.Hil    rig=rx5-virtual
Library       harness.Table    {table}
Test Setup    Power Up

*** Test Cases ***
Supply At <voltage>
    [Documentation]    It is <state>.
    [Tags]    req:T-1    state:<state>
    Set Supply Voltage    <voltage>
    IF    True
        Supply Voltage Should Be Between    <low>    <high>
    END
"""
ROWS: list[list[object]] = [
    ["voltage [V]", "low [V]", "high [V]", "state", "tags"],
    [12, 11.9, 12.1, "good", "needs:supply, slow"],
    [9.5, 9.4, 9.6, "weak", "needs:camera"],
    [13, 14, 15.0, "good", "req:T-2"],
]


def _write_csv(path: Path, rows: list[list[object]], delimiter: str = ",") -> None:
    quoted = [[f'"{cell}"' if delimiter in str(cell) else str(cell) for cell in row] for row in rows]
    path.write_text("\n".join(delimiter.join(row) for row in quoted) + "\n", encoding="utf-8-sig")


def _write_excel(path: Path, rows: list[list[object]], sheet: str = "States") -> None:
    workbook = openpyxl.Workbook()
    table = workbook.worksheets[0]
    table.title = sheet
    for row in rows:
        table.append(row)
    workbook.save(path)


def _write(folder: Path, name: str, rows: list[list[object]]) -> Path:
    path = folder / name
    (_write_csv if name.endswith("csv") else _write_excel)(path, rows)
    return path


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    (tmp_path / "rigs").symlink_to(ROOT / "rigs")
    (tmp_path / "table.robot").write_text(SUITE.format(table="states.csv"), encoding="utf-8")
    return tmp_path


def _run(lab: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / command[0], *command[1:]], cwd=lab, capture_output=True, encoding="utf-8", check=False, timeout=60
    )


HIL = ("hil", "run", "--rig", "rx5-virtual", "--output", "out", "table.robot")
ROBOT = ("robot", "--outputdir", "out/robot", "table.robot")


@pytest.mark.parametrize("command", [HIL, ROBOT], ids=["hil", "robot"])
@pytest.mark.parametrize("table", ["states.csv", "states.xlsx"])
def test_each_row_is_a_test(table: str, command: tuple[str, ...], lab: Path) -> None:
    _write(lab, table, ROWS)
    (lab / "table.robot").write_text(SUITE.format(table=f"{table}    state=good|weak"), encoding="utf-8")
    finished = _run(lab, *command)
    assert finished.returncode == 1, finished.stdout + finished.stderr
    (folder,) = (lab / "out").iterdir()
    found = read_outcomes(folder / "output.xml")
    assert [(it.name, it.verdict) for it in found] == [
        ("Supply At 12 V", Verdict.PASS),
        ("Supply At 9.5 V", Verdict.SKIPPED),
        ("Supply At 13 V", Verdict.FAIL),
    ]
    assert [set(it.requirements) for it in found] == [{"T-1"}, {"T-1"}, {"T-1", "T-2"}]
    assert "state:weak" in found[1].tags
    assert found[1].message.startswith("rig rx5-virtual lacks camera")
    assert "expected 14 V to 15 V, but it was 13 V" in found[2].message


def test_tags_of_rows_choose_tests(lab: Path) -> None:
    _write(lab, "states.csv", ROWS)
    finished = _run(lab, *HIL, "--include", "slow")
    assert finished.returncode == 0
    assert "1 test: 1 PASS" in finished.stdout


WRONG = [  # row, column, what stands there, what is said
    (2, 0, "", "row 2, column A (voltage): the cell is empty; allowed: a number in V, such as 13.5"),
    (3, 1, "9;4", "row 3, column B (low): '9;4' is no number; allowed: a number in V, such as 13.5"),
    (3, 2, "9.6 V", "row 3, column C (high): '9.6 V' is no number; allowed: a number in V, such as 13.5"),
    (4, 3, "god", "row 4, column D (state): 'god' is not allowed; allowed: good, weak"),
    (4, 3, "", "row 4, column D (state): the cell is empty; allowed: good, weak"),
    (1, 1, "", "row 1, column B: the head is empty; row 1 is the head, and a name is needed"),
    (1, 1, "high [V]", "row 1: two columns are called 'high'"),
    (1, 3, "stat", "row 1: no column 'state'; did you mean 'stat'?"),
    (3, 5, "what?", "row 3: 'what?' stands in no column; row 1 is the head, and names all columns"),
    (1, 0, "voltage [Vv]", "row 1, column A (voltage): unknown unit 'Vv'; this needs a unit, such as V, ms or km/h"),
    (3, 2, "1e999", "row 3, column C (high): '1e999' is no number; allowed: a number in V, such as 13.5"),
]


@pytest.mark.parametrize("wrong", WRONG, ids=[said for _, _, _, said in WRONG])
@pytest.mark.parametrize("name", ["states.csv", "states.xlsx"])
def test_a_wrong_cell_is_named(name: str, wrong: tuple[int, int, str, str], tmp_path: Path) -> None:
    row, column, cell, said = wrong
    rows = [[*it] for it in ROWS]
    rows[row - 1][column : column + 1] = [cell]
    with pytest.raises(TestError) as error:
        read_table(_write(tmp_path, name, rows), "", {"state": ["good", "weak"]})
    assert f"{name}: {said}" in str(error.value)


def test_all_wrong_cells_are_named_at_once(tmp_path: Path) -> None:
    path = _write(tmp_path, "states.csv", [["a [V]", "b"], ["x", ""], ["y", "z"]])
    with pytest.raises(TestError) as error:
        read_table(path, "", {})
    assert [line.partition(": ")[2].partition(" (")[0] for line in str(error.value).splitlines()] == [
        "row 2, column A",
        "row 2, column B",
        "row 3, column A",
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_all_that_excel_writes_as_csv_is_read(delimiter: str, tmp_path: Path) -> None:
    path = tmp_path / "states.csv"
    _write_csv(path, [["name", "text"], ["a", f"with{delimiter}it"], ["ä", "2"]], delimiter)
    rows = read_table(path, "", {})
    assert [row.cells for row in rows] == [{"name": "a", "text": f"with{delimiter}it"}, {"name": "ä", "text": "2"}]


def test_rows_have_the_numbers_of_an_editor(tmp_path: Path) -> None:
    path = tmp_path / "states.csv"
    path.write_text('a,b\n\n"1","two\nlines"\n3,4\n', encoding="utf-8")
    rows = read_table(path, "", {})
    assert [row.number for row in rows] == [4, 5]
    assert rows[0].cells["b"] == "two\nlines"


@pytest.mark.parametrize("letter", ["\u2028", "\x0c", "\x0b", "\x85"])
def test_only_ends_of_lines_end_a_row(letter: str, tmp_path: Path) -> None:
    path = tmp_path / "states.csv"
    path.write_text(f"a,b\nx{letter}y,2\n", encoding="utf-8")
    assert [row.cells for row in read_table(path, "", {})] == [{"a": f"x{letter}y", "b": "2"}]


def test_cells_of_tags_may_be_empty(tmp_path: Path) -> None:
    path = _write(tmp_path, "states.csv", [["name", "tags"], ["a", ""], ["b", "slow"]])
    assert [row.cells["tags"] for row in read_table(path, "", {})] == ["", "slow"]


def _damaged(path: Path, part: str, content: bytes | None) -> None:
    """Put something else into a part of an Excel file, or take it away."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            if name != part:
                archive.writestr(name, text)
            elif content is not None:
                archive.writestr(name, content)


PARTS = ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml", "[Content_Types].xml"]


@pytest.mark.parametrize("content", [None, b"", b"<broken", b"<x/>"])
@pytest.mark.parametrize("part", PARTS)
def test_a_damaged_excel_file_is_told(part: str, content: bytes | None, tmp_path: Path) -> None:
    path = _write(tmp_path, "states.xlsx", ROWS)
    _damaged(path, part, content)
    try:
        assert read_table(path, "", {})
    except TestError as error:
        assert str(error).startswith(f"{path}: ")  # noqa: PT017  what openpyxl reads nevertheless is right as well
    else:
        assert part == "xl/styles.xml"


def _book(path: Path) -> openpyxl.Workbook:
    workbook = openpyxl.Workbook()
    table = workbook.worksheets[0]
    table.title = "States"
    for row in (["name", "state"], ["a", "b"], ["c", "d"]):
        table.append(row)
    workbook.save(path)
    return workbook


def test_a_formula_without_a_result_is_told(tmp_path: Path) -> None:
    path = tmp_path / "states.xlsx"
    workbook = _book(path)
    workbook["States"]["B3"] = "=1+1"
    workbook.save(path)
    with pytest.raises(TestError, match="cell B3: the formula has no stored value; open the file in Excel and save it"):
        read_table(path, "", {})


def test_a_formula_that_went_wrong_is_told(tmp_path: Path) -> None:
    path = tmp_path / "states.xlsx"
    workbook = _book(path)
    workbook["States"]["B3"] = "#DIV/0!"
    workbook.save(path)
    with pytest.raises(TestError, match="cell B3: the formula gives #DIV/0!"):
        read_table(path, "", {})


def test_merged_cells_are_told(tmp_path: Path) -> None:
    path = tmp_path / "states.xlsx"
    workbook = _book(path)
    workbook["States"].merge_cells("A2:A3")
    workbook.save(path)
    with pytest.raises(TestError, match="cells A2:A3 are merged; unmerge them, and fill each"):
        read_table(path, "", {})


def test_a_cell_far_away_is_told(tmp_path: Path) -> None:
    path = tmp_path / "states.xlsx"
    workbook = _book(path)
    workbook["States"]["XFD1048576"] = " "
    workbook.save(path)
    with pytest.raises(TestError, match="the table reaches over A1:XFD1048576"):
        read_table(path, "", {})


def test_a_chart_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "states.xlsx"
    workbook = _book(path)
    chart = BarChart()
    chart.add_data(Reference(workbook["States"], min_col=1, min_row=1, max_row=2))
    workbook.create_chartsheet("Picture").add_chart(chart)
    workbook.save(path)
    assert len(read_table(path, "", {})) == 2
    with pytest.raises(TestError, match="sheet 'Picture' is a chart and has no cells; sheets with cells: States"):
        read_table(path, "Picture", {})


def _suite(folder: Path, text: str, table: str = "name,state\na,x\nb,bad\n") -> running.TestSuite:
    """Return a suite with its tests made, as `hil run` does it."""
    (folder / "states.csv").write_text(table, encoding="utf-8")
    path = folder / "table.robot"
    path.write_text(text, encoding="utf-8")
    suite = running.TestSuite.from_file_system(path)
    make_tests(suite)
    return suite


STEPS = {
    "IF": "    IF    '<state>' == 'bad'\n        Fail    it is\n    END",
    "ELSE IF": "    IF    False\n        Log    it\n    ELSE IF    '<state>' == 'bad'\n        Fail    it\n    END",
    "WHILE": "    WHILE    '<state>' == 'bad'\n        Fail    it is\n    END",
    "FOR": "    FOR    ${it}    IN    <state>\n        Should Not Be Equal    ${it}    bad\n    END",
    "VAR": "    VAR    ${it}    <state>\n    Should Not Be Equal    ${it}    bad",
    "TRY": "    TRY\n        Fail    bad\n    EXCEPT    <state>\n        Fail    it is\n"
    "    EXCEPT\n        No Operation\n    END",
    "keyword": "    Should Not Be Equal    <state>    bad",
    "name of a keyword": "    Is <state>",
    "inside": "    GROUP    <state>\n        Should Not Be Equal    <state>    bad\n    END",
    "two comparisons": "    IF    1 < 2 and '<state>' == 'bad' and 2 > 1\n        Fail    it is\n    END",
}


@pytest.mark.parametrize("steps", STEPS.values(), ids=list(STEPS))
def test_columns_are_filled_in_all_steps(steps: str, tmp_path: Path) -> None:
    suite = _suite(
        tmp_path,
        f"*** Settings ***\nLibrary    harness.Table    states.csv\n*** Test Cases ***\nRow <name>\n{steps}\n"
        "*** Keywords ***\nIs x\n    No Operation\nIs bad\n    Fail    it is\n",
    )
    found = suite.run(output=None, console="none")
    assert {test.name: test.status for test in found.suite.all_tests} == {"Row a": "PASS", "Row b": "FAIL"}


@pytest.mark.parametrize(
    "place",
    [
        "*** Settings ***\nSuite Setup    Log    <state>",
        "*** Settings ***\nSuite Teardown    Log    <state>",
        "*** Variables ***\n${IT}    <state>",
        "*** Keywords ***\nOwn\n    IF    '<state>' == 'bad'\n        Log    it is\n    END",
        "*** Keywords ***\nOwn\n    Log    it\n    [Teardown]    Log    <state>",
    ],
)
def test_a_column_outside_of_the_test_is_told(place: str, tmp_path: Path) -> None:
    with pytest.raises(TestError, match=r"table.robot:\d+: <state> stands outside of the test"):
        _suite(
            tmp_path,
            "*** Settings ***\nLibrary    harness.Table    states.csv\n*** Test Cases ***\nRow <name>\n"
            f"    No Operation\n{place}\n",
        )


def test_names_that_are_the_same_are_told_with_what_makes_them(tmp_path: Path) -> None:
    text = (
        "*** Settings ***\nLibrary    harness.Table    states.csv\n*** Test Cases ***\nRow <name>\n    No Operation\n"
    )
    with pytest.raises(TestError, match=r"row 3: .* 'Row a', as that of row 2; .*: <name> says the same in both"):
        _suite(tmp_path, text, "name\na\na\n")


def test_cells_of_excel_are_what_somebody_would_type(tmp_path: Path) -> None:
    path = tmp_path / "states.xlsx"
    cells = [9, 9.0, 0.1 + 0.2, True, dt.date(2026, 11, 23), " x "]
    _write_excel(path, [[f"c{number}" for number in range(len(cells))], [*cells]])
    (row,) = read_table(path, "", {})
    assert list(row.cells.values()) == ["9", "9", "0.3", "True", "2026-11-23T00:00:00", "x"]


def test_a_sheet_is_chosen_by_name(tmp_path: Path) -> None:
    path = tmp_path / "states.xlsx"
    _write_excel(path, [["a"], [1]], "Right")
    assert len(read_table(path, "Right", {})) == 1
    with pytest.raises(TestError, match="no sheet 'Rihgt'; did you mean 'Right'"):
        read_table(path, "Rihgt", {})


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.csv", None, "the table cannot be read"),
        ("none.xlsx", None, "the table cannot be read"),
        ("no.xlsx", b"no archive", r"this is no Excel file \(.xlsx\), or a damaged one: .*; save it as .xlsx in Excel"),
        ("latin.csv", b"a\nb\n\xe4\n", "latin.csv: row 3: the table is not in UTF-8; save it as 'CSV UTF-8' in Excel"),
        ("title.csv", b"Supply states\nname,state\na,b\n", "row 2: 'state' stands in no column; row 1 is the head"),
        ("empty.csv", b"", "the table is empty"),
        ("head.csv", b"a,b\n", "the table has a head and no rows"),
        ("quote.csv", b'a,b\n"1"x,2\n', "row 2: no CSV"),
        ("table.ods", b"", "a table cannot end with '.ods'; allowed: .csv, .xlsx"),
    ],
)
def test_what_is_no_table_is_told(name: str, content: bytes | None, said: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(TestError, match=said):
        read_table(tmp_path / name, "", {})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("    <low>", "    <lwo>", "states.csv: no column 'lwo'; did you mean 'low'?"),
        ("Supply At <voltage>", "Supply", "row 3: its test is called 'Supply', as that of row 2"),
        (
            "*** Test Cases ***",
            "*** Test Cases ***\nAnother\n    No Operation\n",
            "2 tests; a suite with a table has one",
        ),
        ("states.csv", "state.csv", "state.csv: the table cannot be read"),
        ("states.csv", "states.csv    stat=x", "no column 'stat'; did you mean 'state'"),
        ("    states.csv", "", "`Library    harness.Table` has 0 files; it needs one, such as states.csv"),
        ("states.csv", "states.csv    States", "`Library    harness.Table` has 2 files; it needs one"),
        ("states.csv", "broken.xlsx", "broken.xlsx: this is no Excel file"),
        ("IF    True", "IF    '<stat>'", "states.csv: no column 'stat'; did you mean 'state'"),
    ],
)
def test_a_suite_that_does_not_fit_its_table_runs_nothing(old: str, new: str, said: str, lab: Path) -> None:
    _write(lab, "states.csv", ROWS)
    _damaged(_write(lab, "broken.xlsx", ROWS), "xl/worksheets/sheet1.xml", b"<broken")
    text = SUITE.format(table="states.csv")
    assert old in text
    (lab / "table.robot").write_text(text.replace(old, new), encoding="utf-8")
    finished = _run(lab, *HIL)
    assert finished.returncode == 3
    assert said in finished.stderr
    assert not (lab / "out").exists()
    shutil.rmtree(lab / "out", ignore_errors=True)
    finished = _run(lab, *ROBOT)
    assert finished.returncode >= 1
    assert said in (lab / "out/robot/output.xml").read_text(encoding="utf-8").replace("&lt;", "<")
    assert {it.verdict for it in read_outcomes(lab / "out/robot/output.xml")} == {Verdict.ERROR}


def test_the_page_about_tables_is_true(lab: Path) -> None:
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    shutil.copytree(ROOT / "suites/head_unit", lab / "suites/head_unit")
    suite, table = lab / "suites/head_unit/supply_states.robot", lab / "suites/head_unit/supply_states.csv"
    (shown,) = (text for language, text in blocks if language == "robotframework")
    own = suite.read_text(encoding="utf-8").splitlines()
    assert [line for line in shown.splitlines() if line not in own] == []
    rows = next(text for _, text in blocks if text.startswith("name,"))
    assert set(rows.splitlines()) <= set(table.read_text(encoding="utf-8").splitlines())
    said = next(text for _, text in blocks if "Norml" in text)
    lines = table.read_text(encoding="utf-8").splitlines()
    lines[3] = lines[3].replace("Normal", "Norml")
    table.write_text("\n".join(lines), encoding="utf-8")
    finished = _run(lab, "hil", "run", "--rig", "rx5-virtual", "suites")
    assert (finished.returncode, finished.stderr) == (3, said)
