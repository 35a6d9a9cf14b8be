"""pytest plug-in: tests in Python on a rig. Without `--rig` it adds nothing but two marks and a clear message.

pytest imports it at every start, whatever is tested; all that is slow to import is imported when a rig is named.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from robot import result

    from harness.pytest_keywords import Keywords
    from harness.pytest_run import PytestRun

RUN: "pytest.StashKey[PytestRun]" = pytest.StashKey()
"""Where the configuration of pytest keeps the run, if a rig is named."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that names the rig."""
    group = parser.getgroup("hil")
    group.addoption(
        "--rig",
        help="Rig for the tests that take the fixture 'rig': a rig file, or the name of one in the folder rigs.",
    )
    group.addoption("--answers", help="Answers of the operator, a YAML file.")


def pytest_configure(config: pytest.Config) -> None:
    """Take up the run on a rig, if one is named.

    Raises:
        pytest.UsageError: the rig's files, or the one of answers, are missing or damaged; nothing has been opened.
    """
    config.addinivalue_line("markers", "req(*ids): requirements that the test is evidence for")
    config.addinivalue_line(
        "markers", "needs(*names): instruments, buses, consoles or ECUs without which the test is skipped"
    )
    rig = config.getoption("rig")
    if rig:
        from harness import pytest_run
        from harness.errors import HarnessError

        try:
            run = pytest_run.PytestRun(rig, config.getoption("answers"), config.invocation_params.dir)
        except HarnessError as error:
            raise pytest.UsageError(str(error)) from error
        config.stash[RUN] = run
        config.pluginmanager.register(run, "hil run")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse tests on a rig where none is named: their failure would look like one of the product.

    Raises:
        pytest.UsageError: there are such tests, and they are to run.
    """
    if RUN in session.config.stash or session.config.getoption("collectonly"):
        return
    if on_rig := [item.nodeid for item in session.items if "_opened_rig" in getattr(item, "fixturenames", ())]:
        raise pytest.UsageError(
            f"no rig is named, and {len(on_rig)} of the tests take it, such as {on_rig[0]}: python -m pytest --rig RIG"
        )


@pytest.fixture(scope="module")
def _opened_rig(request: pytest.FixtureRequest) -> "Iterator[result.TestSuite]":
    """The rig of a module; a virtual rig starts each in a new world."""
    run = request.config.stash.get(RUN, None)
    if run is None:
        pytest.fail("no rig is named: python -m pytest --rig RIG", pytrace=False)
    yield from run.module(request.node)


@pytest.fixture
def rig(request: pytest.FixtureRequest, _opened_rig: "result.TestSuite") -> "Iterator[Keywords]":
    """The rig: each keyword is a method. After the test, what it has changed is taken back."""
    yield from request.config.stash[RUN].test(request.node, _opened_rig)
