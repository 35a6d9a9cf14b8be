"""What holds for every keyword: its documentation, its arguments, and an example that works as it stands there."""

import inspect
import pkgutil
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from robot import result
from robot.libdoc import LibraryDocumentation  # type: ignore[import-untyped]  # Robot has types for its api only

import harness.keywords
from harness.results.verdict import Verdict, verdict_of

Robot = Callable[..., dict[str, result.TestCase]]

KEYWORDS: dict[str, Any] = {keyword.name: keyword for keyword in LibraryDocumentation("harness.Hil::any").keywords}
TOPICS = [
    kind
    for module in pkgutil.iter_modules(harness.keywords.__path__, "harness.keywords.")
    for name, kind in inspect.getmembers(import_module(module.name), inspect.isclass)
    if name.endswith("Keywords") and kind.__module__ == module.name
]
ANSWERS = "Is the display free of stripes?: yes\n"

keyword = pytest.mark.parametrize("name", KEYWORDS)


def _example(name: str) -> list[str]:
    """Return the lines of the example, as they would stand in a suite."""
    _, _, example = KEYWORDS[name].doc.partition("Example:\n")
    return [line.removeprefix("| ").replace("`", "") for line in example.splitlines()]


@keyword
def test_it_says_in_its_first_line_what_it_does(name: str) -> None:
    first, _, rest = KEYWORDS[name].doc.partition("\n")
    assert re.fullmatch(r"[A-Z][a-z]+s .*\.", first), first
    assert rest.startswith("\n"), "an empty line follows"


@keyword
def test_it_has_one_example_that_uses_it(name: str) -> None:
    documentation = KEYWORDS[name].doc
    assert documentation.count("Example:") == 1
    _, _, example = documentation.partition("Example:\n")
    assert all(line.startswith("| ") for line in example.splitlines())
    assert f"`{name}`" in example


@keyword
def test_all_of_its_arguments_have_types(name: str) -> None:
    for argument in KEYWORDS[name].args:
        assert argument.type is not None, argument


@pytest.mark.parametrize("topic", TOPICS, ids=[topic.__name__ for topic in TOPICS])
def test_every_topic_says_what_it_is_about_and_is_in_the_library(topic: type) -> None:
    assert topic.__doc__
    assert topic.__doc__.splitlines()[0].endswith(".")
    own = {name.replace("_", " ").casefold() for name, _ in inspect.getmembers(topic, _is_keyword)}
    assert own
    assert own <= {name.casefold() for name in KEYWORDS}


def _is_keyword(member: object) -> bool:
    return hasattr(member, "robot_name")


def test_every_example_works(robot: Robot, tmp_path: Path) -> None:
    answers = tmp_path / "answers.yaml"
    answers.write_text(ANSWERS, encoding="utf-8")
    tests = "\n\n".join("\n    ".join([name, *_example(name)]) for name in KEYWORDS)
    booted = "Test Setup    Run Keywords    Power Up    AND    Wait    4 s"
    ran = robot(tests, settings=booted, variables=(f"HIL_ANSWERS:{answers}",))
    assert set(ran) == set(KEYWORDS)
    assert {name: test.message for name, test in ran.items() if verdict_of(test) is not Verdict.PASS} == {}
