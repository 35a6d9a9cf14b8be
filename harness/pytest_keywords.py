"""The keywords of the library as methods, for tests in Python."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from inspect import Parameter, signature
from typing import Any

import pytest
from robot import result
from robot.api import SkipExecution, TypeInfo

from harness.errors import HarnessError, JudgementFailure, TestError, unknown_name
from harness.Hil import Hil

_LOGGER = logging.getLogger("RobotFramework")
"""Where Robot's logger writes to when Robot does not run."""

Began = Callable[[result.Keyword], None]


class Keywords:
    """The keywords of a library as methods: `Signal Should Become` is `signal_should_become`.

    Args:
        library: where the keywords are.
        began: is told each call when it begins, as a result of Robot that is filled in until the call ends.
        answers_file: what stands in for an operator.
    """

    def __init__(self, library: Hil, began: Began, answers_file: str | None = None) -> None:
        _LOGGER.setLevel(logging.INFO)
        self.answers_file = answers_file
        self._methods = {name.replace(" ", "_").casefold(): _method(library, name, began) for name in library.keywords}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        __tracebackhide__ = True
        methods: dict[str, Callable[..., Any]] = vars(self).get("_methods", {})
        if name not in methods:
            raise AttributeError(unknown_name("keyword", name, methods))
        return methods[name]

    def __dir__(self) -> list[str]:
        return sorted(self._methods)

    def run_keyword(self, name: str, *arguments: str) -> object:
        """Run a keyword by the name that suites have for it, with arguments as suites have them.

        Raises:
            TestError: there is no such keyword.
        """
        __tracebackhide__ = True
        method = self._methods.get(name.replace(" ", "_").casefold())
        if method is None:
            known = [key.replace("_", " ").title() for key in self._methods]
            raise TestError(unknown_name("keyword", name, known))
        names = {key for key, it in signature(method).parameters.items() if it.kind is not Parameter.VAR_POSITIONAL}
        pairs = [argument.partition("=") for argument in arguments]
        named = {key: value for key, equals, value in pairs if equals and key in names}
        return method(*("".join(pair) for pair in pairs if not (pair[1] and pair[0] in names)), **named)


def _method(library: Hil, name: str, began: Began) -> Callable[..., Any]:
    """Return a keyword as a function that converts its arguments as Robot does."""
    keyword: Callable[..., Any] = library.keywords[name]
    called = signature(keyword)
    shown = name if " " in name else name.replace("_", " ").title()
    types = library.get_keyword_types(name)
    # Quantities are shown to Robot by their names; the keyword reads them itself.
    converters = {key: TypeInfo.from_type_hint(kind) for key, kind in types.items() if not isinstance(kind, str)}

    @wraps(keyword)
    def call(*positional: object, **named: object) -> object:
        __tracebackhide__ = True
        arguments = [*map(str, positional), *(f"{key}={value}" for key, value in named.items())]
        with _step(shown, arguments, began):
            if unknown := [key for key in named if key not in called.parameters]:
                raise TestError(f"{shown}: {unknown_name('argument', unknown[0], called.parameters)}")
            try:
                bound = called.bind(*positional, **named)
                for key, value in bound.arguments.items():
                    if key in converters and called.parameters[key].kind is not Parameter.VAR_POSITIONAL:
                        bound.arguments[key] = converters[key].convert(value, key)
            except (TypeError, ValueError) as error:
                raise TestError(f"{shown}: {error}") from None
            try:
                return keyword(*bound.args, **bound.kwargs)
            except SkipExecution as error:
                pytest.skip(str(error))
            except (JudgementFailure, HarnessError) as error:
                error.__traceback__ = None  # where in the harness it comes from says nothing about the product
                raise

    return call


@contextmanager
def _step(name: str, arguments: list[str], began: Began) -> Iterator[None]:
    """Keep what happens in the block, and what is logged in it, as a keyword that was run."""
    __tracebackhide__ = True
    step = result.Keyword(name, owner="harness.Hil", args=arguments, start_time=now())
    log = _StepLog(step)
    began(step)
    _LOGGER.addHandler(log)
    try:
        yield
    except BaseException as error:
        step.status = "SKIP" if isinstance(error, pytest.skip.Exception) else "FAIL"
        step.message = said(error)
        raise
    else:
        step.status = "PASS"
    finally:
        _LOGGER.removeHandler(log)
        step.elapsed_time = now() - step.start_time


class _StepLog(logging.Handler):
    def __init__(self, step: result.Keyword) -> None:
        super().__init__()
        self._step = step

    def emit(self, record: logging.LogRecord) -> None:
        level = "INFO" if record.levelno < logging.WARNING else "WARN"
        self._step.body.create_message(record.getMessage(), level, timestamp=now())


def now() -> datetime:
    """Return the local time of day, without its zone, as results of Robot have it."""
    return datetime.now(UTC).astimezone().replace(tzinfo=None)


def said(error: BaseException) -> str:
    """Return the message of an error; with the name of its class where that is not one of ours."""
    if getattr(error, "ROBOT_SUPPRESS_NAME", False):
        return str(error)
    return f"{type(error).__name__}: {error}".removesuffix(": ")
