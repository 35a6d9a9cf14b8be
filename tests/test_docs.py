"""The documentation is true: its commands, links, files and keywords exist, and its tutorial runs word for word."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
from robot.api import parsing
from robot.libdoc import LibraryDocumentation  # type: ignore[import-untyped]  # Robot has types for its api only
from robot.run import RobotFramework  # type: ignore[import-untyped]

from harness.cli import app

ROOT = Path(__file__).parents[1]
TUTORIAL = ROOT / "docs/first-suite.md"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("reports/*.md"), *ROOT.glob("rigs/**/*.md")])
BIN = Path(sys.executable).parent

page = pytest.mark.parametrize("page", PAGES, ids=[str(path.relative_to(ROOT)) for path in PAGES])


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    text: str


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _blocks(path: Path) -> list[Block]:
    return [Block(*found) for found in re.findall(r"^```(\w*)\n(.*?)^```$", _read(path), re.DOTALL | re.MULTILINE)]


def _prose(path: Path) -> str:
    return re.sub(r"^```.*?^```$", "", _read(path), flags=re.DOTALL | re.MULTILINE)


def _inline_code(path: Path) -> list[str]:
    return re.findall(r"`([^`\n]+)`", _prose(path))


def _commands(path: Path) -> Iterator[list[str]]:
    for block in _blocks(path):
        lines = block.text.splitlines()
        if block.language == "console":
            lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        if block.language in {"console", "bash"}:
            yield from (shlex.split(line, comments=True) for line in lines)


def _hil_command(name: str) -> Any:
    return typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]  # it is a group of commands


@page
def test_commands_are_understood(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", _read(ROOT / "Makefile"), re.MULTILINE))
    for command in _commands(page):
        match command:
            case ["hil", name, "--help"]:
                _hil_command(name)
            case ["hil", name, *arguments]:
                _hil_command(name).make_context(name, arguments)
            case ["robot", *arguments]:
                assert RobotFramework().parse_arguments(arguments)[1], command
            case ["make", *names]:
                assert set(names) <= targets, command
            case _:
                continue


@page
def test_commands_in_the_text_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", _read(ROOT / "Makefile"), re.MULTILINE))
    for code in _inline_code(page):
        match code.split():
            case ["hil", name, *arguments]:
                known = {option for parameter in _hil_command(name).params for option in parameter.opts}
                assert {argument for argument in arguments if re.match("--.", argument)} <= known, code
            case ["make", *names]:
                assert set(names) <= targets, code
            case _:
                continue


def test_links_of_all_pages_lead_somewhere() -> None:
    count = 0
    for path in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", _prose(path)):
            if not re.match(r"https?:", target):
                file, _, heading = target.partition("#")
                linked = (path.parent / file).resolve() if file else path
                assert linked.exists(), f"{path}: {target}"
                assert not heading or heading in _headings(linked), f"{path}: {target}"
                count += 1
    assert count > 20


def _headings(path: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", _prose(path), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


@page
def test_files_that_the_text_names_exist(page: Path) -> None:
    for code in _inline_code(page):
        if re.fullmatch(r"(harness|tests|docs|rigs|suites|benchmarks|\.ci)/[\w./-]*", code):
            made_by_the_reader = page == TUTORIAL and code == "suites/my_first.robot"
            assert made_by_the_reader or (ROOT / code).exists(), code


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs/decisions"
    pages = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    listed = re.findall(r"^\| \[(\d{4})\]\(([^)]+)\) \| (.+) \|$", _read(folder / "README.md"), re.MULTILINE)
    assert [file for _, file, _ in listed] == [path.name for path in pages]
    for number, file, title in listed:
        text = _read(folder / file)
        assert file.startswith(number)
        assert text.startswith(f"# {number} {title}\n")
        assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == ["Context", "Decision", "Consequence"], file


# Keywords


def _keywords(library: str) -> dict[str, Any]:
    return {keyword.name: keyword for keyword in LibraryDocumentation(library).keywords}


OURS = _keywords("harness.Hil::any")


@page
def test_keywords_that_the_text_names_exist(page: Path) -> None:
    resource = parsing.get_resource_model(ROOT / "suites/head_unit/head_unit.resource")
    of_suites = {
        item.name for section in resource.sections for item in section.body if isinstance(item, parsing.Keyword)
    }
    known = {*OURS, *_keywords("BuiltIn"), *of_suites}
    for code in _inline_code(page):
        name = code.split("    ")[0]
        if re.fullmatch(r"[A-Z][a-z]+( [A-Z][A-Za-z]+)+", name):
            assert name.title() in known, code


def _examples(documentation: str) -> list[str]:
    _, _, example = documentation.partition("Example:\n")
    return [line.removeprefix("| ").replace("`", "") for line in example.splitlines() if line.startswith("| ")]


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[parsing.KeywordCall]]:
    """The calls in the example of each keyword, as Robot reads them, after a dry run that finds no fault in them."""
    lines = ["*** Settings ***", "Library    harness.Hil    rig=rx5-virtual", "", "*** Test Cases ***"]
    for name, keyword in OURS.items():
        lines += [name, *(f"    {line}" for line in _examples(keyword.doc))]
    suite = tmp_path_factory.mktemp("examples") / "examples.robot"
    suite.write_text("\n".join(lines) + "\n", encoding="utf-8")
    finished = subprocess.run(
        [sys.executable, "-m", "robot", "--dryrun", "--output", "NONE", suite],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    tests = [
        item
        for section in parsing.get_model(suite).sections
        for item in section.body
        if isinstance(item, parsing.TestCase)
    ]
    return {test.name: [call for call in test.body if isinstance(call, parsing.KeywordCall)] for test in tests}


@pytest.mark.parametrize("name", OURS)
def test_every_keyword_has_an_example_that_robot_understands(
    name: str, calls: dict[str, list[parsing.KeywordCall]]
) -> None:
    text, _, _ = OURS[name].doc.partition("Example:")
    assert text.strip()
    assert name.casefold() in {call.keyword.casefold() for call in calls[name]}
    for call in calls[name]:
        called, arguments = call.keyword, list(call.args)
        by_name = {keyword.casefold(): keyword for keyword in OURS}
        while arguments and arguments[0].casefold() in by_name:  # a keyword that runs another one
            called = arguments.pop(0)
        known = {argument.name for argument in OURS[by_name[called.casefold()]].args}
        named = {match[1] for argument in arguments if (match := re.match(r"(\w+)=", argument))}
        assert named <= known, call


# What the pages say that commands print


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A copy of what a reader of the tutorial works on."""
    for folder in ("rigs", "suites"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / ".venv").symlink_to(BIN.parent)
    return tmp_path


def _same_for_all_runs(line: str) -> str:
    line = re.sub(r"^(\d+) tests: \1 PASS$", "all PASS", line)
    line = re.sub(r"in [\d.]+ s of wall time: \d+ times as fast$", "SPEED", line)
    line = re.sub(r"^\d{3,}\.\d s of rig time", "LONG", line)  # of all suites, of which there are more and more
    line = re.sub(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-([a-z0-9]+-[a-z]+)(-\d+)?", r"TIME-\1", line)
    return line.rstrip()


def _run(commands: str, lab: Path) -> list[str]:
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    finished = subprocess.run(
        ["bash", "-c", commands],
        cwd=lab,
        env=environment | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    return [_same_for_all_runs(line) for line in finished.stdout.splitlines()]


def _pattern(shown: str) -> str:
    """Return the pattern of a line; three dots stand for any lines, or at the end of a line for its rest."""
    if shown == "...":
        return r"(?:.*\n)*"
    line = _same_for_all_runs(shown)
    return re.escape(line.removesuffix(" ...")) + (r" .*\n" if line.endswith(" ...") else r"\n")


def _hold(block: Block, lab: Path) -> None:
    lines = block.text.splitlines()
    commands = "\n".join(line.removeprefix("$ ") for line in lines if line.startswith("$ "))
    shown = [line for line in lines if not line.startswith("$ ")]
    printed = "".join(f"{line}\n" for line in _run(commands, lab))
    assert re.fullmatch("".join(map(_pattern, shown)), printed), "\n".join(["shown:", *shown, "printed:", printed])


def test_the_tutorial_runs_word_for_word(lab: Path) -> None:
    suite = lab / "suites/my_first.robot"
    ran = 0
    for block in _blocks(TUTORIAL):
        match block.language:
            case "robotframework" if block.text.startswith("*** Settings ***"):
                suite.write_text(block.text, encoding="utf-8")
            case "robotframework":
                head, _, _ = _read(suite).partition("*** Test Cases ***")
                suite.write_text(head + block.text, encoding="utf-8")
            case "console":
                _hold(block, lab)
                for read_at in re.findall(r"@(\d+\.\d+) s", block.text):
                    assert f"at {float(read_at):.3f} s of rig time" in _prose(TUTORIAL)
                ran += "$ hil run" in block.text
            case "json":
                _hold_measurement(json.loads(block.text), lab)
            case language:
                pytest.fail(f"nothing holds a block of {language!r} true")
    assert ran >= 4
    assert not suite.exists()


def _hold_measurement(shown: dict[str, Any], lab: Path) -> None:
    (log,) = lab.glob("reports/*/measurements.jsonl")
    kept = [json.loads(line) for line in _read(log).splitlines()]
    assert shown in kept
    assert f"muted {shown['value']:.2f} s after" in _prose(TUTORIAL)


def test_make_run_prints_what_the_readme_shows(lab: Path) -> None:
    (block,) = [block for block in _blocks(ROOT / "README.md") if block.text.startswith("$ make run\n")]
    assert "\n\t$(BIN)/hil run --rig $(RIG) --exclude level:endurance $(SUITES)\n" in _read(ROOT / "Makefile")
    assert "\nRIG ?= rx5-virtual\n" in _read(ROOT / "Makefile")
    assert "\nSUITES ?= suites\n" in _read(ROOT / "Makefile")
    _hold(
        Block(
            "console", block.text.replace("$ make run", "$ hil run --rig rx5-virtual --exclude level:endurance suites")
        ),
        lab,
    )


def test_the_table_of_exit_codes_is_the_commands_own() -> None:
    rows = re.findall(r"^\| (\d) \| ", _read(ROOT / "README.md"), re.MULTILINE)
    assert rows == re.findall(r"(\d) \w+", _hil_command("run").help.partition("Exit code:")[2])
