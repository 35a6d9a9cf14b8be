"""How tests talk to a simulated instrument: a message and its answer, or pymeasure's drivers through pyvisa."""

from collections.abc import Iterator
from contextlib import contextmanager

from pymeasure.adapters import VISAAdapter
from pyvisa import ResourceManager

from harness.clock import SECOND
from harness.simulation.instruments.scpi_instrument import ScpiInstrument
from harness.simulation.kernel import Kernel
from harness.simulation.visa_library import open_library

_RESOURCE = "TCPIP::instrument::5025::SOCKET"


def answer_to(message: str, instrument: ScpiInstrument, kernel: Kernel) -> str | None:
    """Send a message, wait until it has been worked off, and return what came."""
    answers: list[str] = []
    kernel.wait(instrument.receive(message, answers.append), 60 * SECOND)
    assert len(answers) <= 1
    return answers[0] if answers else None


@contextmanager
def visa_adapter(instrument: ScpiInstrument, kernel: Kernel) -> Iterator[VISAAdapter]:
    """What a driver of pymeasure takes; it waits 9 s of simulated time for an answer."""
    library = open_library(kernel, {_RESOURCE: instrument})
    adapter = VISAAdapter(_RESOURCE, visa_library=library, read_termination="\n", write_termination="\n", timeout=9000)
    yield adapter
    adapter.connection.close()
    ResourceManager(library).close()
