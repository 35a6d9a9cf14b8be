"""Keywords that are typed at a prompt, one a line, written as in a suite."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import signature

from robot.errors import DataError  # type: ignore[import-untyped]  # Robot has types for its api only
from robot.running import TestLibrary  # type: ignore[import-untyped]
from robot.running.namespace import KeywordRecommendationFinder  # type: ignore[import-untyped]

from harness.errors import TestError
from harness.Hil import Hil
from harness.keywords.session import Session

_SEPARATOR = re.compile(r"\t\s*| {2,}")
"""What stands between a keyword and its arguments: two or more spaces, or a tab, as in a suite."""


class TypedKeywords:
    """The keywords of a library by what is typed. Names and arguments are read by Robot's own rules.

    Args:
        library: where the keywords are.
        session: of the library.
    """

    def __init__(self, library: Hil, session: Session) -> None:
        self.session = session
        self._hil = library
        # The class, so that there is no second session; its keywords are those of the instance.
        self._library = TestLibrary.from_class(Hil, name="harness.Hil", args=(session.rig_name,), create_keywords=False)
        self._library.instance = library
        self._library.create_keywords()
        self._methods = {_folded(name): name for name in library.keywords}
        self.answers_file: str | None = None

    @property
    def arguments(self) -> dict[str, list[str]]:
        """Names of the keywords, and of their arguments."""
        return {keyword.name: list(keyword.args.argument_names) for keyword in self._library.keywords}

    def run(self, line: str) -> object:
        """Run a line and return what the keyword returns; what it judges is no evidence for any test.

        Raises:
            TestError: the keyword does not exist, or not with such arguments; in the words of Robot.
        """
        name, *arguments = split(line)
        with _as_runner(self.session, self):
            return self.run_keyword(name, *arguments)

    def run_keyword(self, name: str, *arguments: str) -> object:
        """Run a keyword by the name that suites have for it, with arguments as suites have them.

        Raises:
            TestError: as `run`.
        """
        found = self._library.find_keywords(name)
        if not found:
            if written := self._with_separator(name):
                raise TestError(f"two spaces or more stand between a keyword and its arguments: {written}")
            message = f"No keyword with name '{name}' found."
            finder = KeywordRecommendationFinder(self._library)
            raise TestError(finder.recommend_similar_keywords(name, message))
        try:
            positional, named = found[0].resolve_arguments(arguments)
        except (DataError, ValueError) as error:
            raise TestError(str(error)) from None
        method = self._methods[_folded(found[0].name)]
        run_keyword: Callable[..., object] = self._hil.run_keyword
        return _with_unit(run_keyword(method, positional, dict(named)), self._hil.keywords[method])

    def _with_separator(self, name: str) -> str:
        """Return how to write a keyword whose argument stands behind one space; empty if there is none."""
        words = name.split(" ")
        for number in range(len(words) - 1, 0, -1):
            if self._library.find_keywords(keyword := " ".join(words[:number])):
                return f"{keyword}    {' '.join(words[number:])}"
        return ""


def split(line: str) -> list[str]:
    """Split a line into a keyword and its arguments."""
    return _SEPARATOR.split(line.strip())


def _with_unit(result: object, keyword: Callable[..., object]) -> object:
    """Return what a keyword returns as the quantity that it says it is, which is shown with its unit."""
    for kind in getattr(signature(keyword).return_annotation, "__metadata__", ()):
        result = kind(result)
    return result


def _folded(name: str) -> str:
    return name.replace("_", " ").casefold()


@contextmanager
def _as_runner(session: Session, runner: TypedKeywords) -> Iterator[None]:
    before, session.runner = session.runner, runner
    try:
        yield
    finally:
        session.runner = before
