"""Ctrl-C while a session connects anew: an instrument that serves one client only must not be left with a lost one."""

import gc
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from random import Random

import pytest
from robot.errors import ExecutionFailed  # type: ignore[import-untyped]  # types for its api only

from harness.quantities import Duration
from harness.transports.visa import open_session
from tests.serve.conftest import ServedProcess

SEED = 20260110
LONGEST = 0.003
"""Seconds that it takes to connect anew and to ask a question."""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends signals")


@pytest.fixture
def stop_in() -> Iterator[Callable[[float], None]]:
    """Raise what Robot's handler raises, after so many seconds."""

    def stop(_number: int, _frame: object) -> None:
        raise ExecutionFailed("Execution terminated by signal", exit=True)

    before = signal.signal(signal.SIGALRM, stop)
    gc.disable()  # other packages are called back by it, and an exception in there would only be a warning
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds) and None
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
    gc.enable()


def test_a_session_that_was_stopped_while_it_connected_anew_works(
    tmp_path: Path, stop_in: Callable[[float], None]
) -> None:
    random = Random(SEED)
    with closing(ServedProcess(tmp_path / "log", ("rx5-virtual", "--only", "head unit"))) as served:
        resource = served.facts["resources"]["supply"]
        with closing(open_session("@py", resource, role="supply", timeout=Duration(5))) as session:
            for _ in range(200):
                session.unusable("*IDN?", "nonsense", "an identity")
                with suppress(ExecutionFailed):
                    stop_in(random.uniform(0, LONGEST))
                    session.query("*IDN?")
                stop_in(0)
                assert "HMP4040" in session.query("*IDN?")
