"""Ctrl-C in the middle of an exchange with a served rig: the next one must work, to bring the rig to its safe state."""

import gc
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from random import Random

import pytest
from robot.errors import ExecutionFailed  # type: ignore[import-untyped]  # types for its api only

from harness.protocols.can_frame import new_frame
from harness.quantities import Duration
from harness.transports.can_adapters import open_can_channel
from harness.transports.visa import open_session
from harness.transports.wall_clock import WallClock
from tests.serve.conftest import ServedProcess

SEED = 20260110
LONGEST = 0.003
"""Seconds that it takes to connect anew and to ask a question."""
LONGEST_PING = 0.0003
"""Seconds that it takes to ask the server of a bus whether it is there."""

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


def test_a_bus_whose_proof_of_life_was_stopped_still_works(tmp_path: Path, stop_in: Callable[[float], None]) -> None:
    random = Random(SEED)
    with closing(ServedProcess(tmp_path / "log", ("rx5-virtual", "--only", "head unit"))) as served:
        host, port = served.can_address
        parameters = {"host": host, "port": str(port)}
        channel = open_can_channel("chassis", "socketcand", "chassis", parameters, bitrate=500_000, clock=WallClock())
        for _ in range(100):
            with suppress(ExecutionFailed):
                stop_in(random.uniform(0, LONGEST_PING))
                channel.prove_alive()
            stop_in(0)
            channel.send(new_frame(0x7DF, b"\x02\x01\x00"))
        channel.close()  # only here: on a bus that was left locked it would wait for ever
