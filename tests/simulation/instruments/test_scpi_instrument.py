"""What all simulated SCPI instruments have in common, held to IEEE 488.2 and SCPI-99."""

from typing import ClassVar

import pytest

from harness.clock import MILLISECOND, SECOND
from harness.protocols.scpi_faults import ScpiError, ScpiFault
from harness.protocols.scpi_parameters import integer
from harness.simulation.instruments.scpi_instrument import GARBAGE, InstrumentFault, ScpiInstrument, command
from harness.simulation.kernel import Kernel
from tests.simulation.instruments.conversation import answer_to


class Counter(ScpiInstrument):
    identity: ClassVar[str] = "ACME,COUNTER,0,1.0"
    processing_time: ClassVar[int] = 5 * MILLISECOND
    error_queue_length: ClassVar[int] = 3

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(
            kernel,
            {
                "COUNt": command(self._set, integer),
                "COUNt?": command(lambda: str(self.count)),
                "COUNt:SLOW": command(lambda: self.occupy(SECOND)),
                "COUNt:ADD": command(self._add, integer, optional=(integer,)),
            },
        )
        self.count = 0

    def reset(self) -> None:
        self.count = 0

    def _set(self, count: int) -> None:
        if count > 9:
            raise ScpiFault(ScpiError.DATA_OUT_OF_RANGE)
        self.count = count

    def _add(self, first: int, second: int = 0) -> None:
        self.count += first + second


class Bench:
    """An instrument and its kernel, for queries in one go."""

    def __init__(self) -> None:
        self.kernel = Kernel()
        self.instrument = Counter(self.kernel)

    def say(self, message: str) -> str | None:
        return answer_to(message, self.instrument, self.kernel)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_queries_of_one_message_are_answered_together(bench: Bench) -> None:
    assert bench.say("COUN 3;COUN?;*IDN?;COUNT:ADD 1,2;:COUN?") == "3;ACME,COUNTER,0,1.0;6"


def test_a_message_without_a_query_has_no_answer(bench: Bench) -> None:
    assert bench.say("COUN 3") is None
    assert bench.say("") is None


def test_a_message_takes_its_processing_time(bench: Bench) -> None:
    bench.say("COUN 3")
    assert bench.kernel.now == 5 * MILLISECOND


def test_messages_are_worked_through_one_after_the_other(bench: Bench) -> None:
    answers: list[tuple[int, str]] = []
    for message in ("COUN:SLOW;:COUN?", "COUN 7", "COUN?"):
        bench.instrument.receive(message, lambda answer: answers.append((bench.kernel.now, answer)))
    bench.kernel.sleep(2 * SECOND)
    assert answers == [(SECOND + 5 * MILLISECOND, "0"), (SECOND + 15 * MILLISECOND, "7")]


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("COUN", '-109,"Missing parameter"'),
        ("COUN 1,2", '-108,"Parameter not allowed"'),
        ("COUN? 1", '-108,"Parameter not allowed"'),
        ("COUN A", '-104,"Data type error"'),
        ("COUN 10", '-222,"Data out of range"'),
        ("COUNTER 1", '-113,"Undefined header"'),
        ("COUN=1", '-102,"Syntax error"'),
        ("*XYZ", '-113,"Undefined header"'),
    ],
)
def test_errors_are_queued(bench: Bench, message: str, error: str) -> None:
    assert bench.say(message) is None
    assert bench.say("SYST:ERR?") == error
    assert bench.say("SYSTEM:ERROR:NEXT?") == '0,"No error"'


def test_nothing_is_done_after_a_command_error(bench: Bench) -> None:
    assert bench.say("COUN 1;COUN?;BLA;COUN 2") == "1"
    assert bench.instrument.count == 1


def test_an_execution_error_does_not_end_the_message(bench: Bench) -> None:
    bench.say("COUN 10;COUN 2")
    assert bench.instrument.count == 2


def test_a_full_queue_ends_with_queue_overflow(bench: Bench) -> None:
    """SCPI-99 volume 2, 21.8.1: the oldest errors stay, the last one becomes -350."""
    for message in ("COUN", "COUN 10", "COUN A", "COUN 1,2", "COUN=1"):
        bench.say(message)
    numbers = [(bench.say("SYST:ERR?") or "").split(",")[0] for _ in range(4)]
    assert numbers == ["-109", "-222", "-350", "0"]


def test_event_status_register(bench: Bench) -> None:
    """IEEE 488.2, 11.5.1: power on 128, command error 32, execution error 16, operation complete 1."""
    assert bench.say("*ESR?") == "128"
    assert bench.say("*ESR?") == "0"
    bench.say("BLA")
    bench.say("COUN 10")
    assert bench.say("*ESR?") == "48"
    assert bench.say("*OPC;*ESR?;*OPC?;*TST?") == "1;1;0"
    bench.instrument.report(ScpiFault(ScpiError.QUERY_UNTERMINATED))
    bench.instrument.report(ScpiFault(100, "Lamp broken"))
    assert bench.say("*ESR?") == "12"


def test_status_byte_and_service_request(bench: Bench) -> None:
    """IEEE 488.2, 11.2 and 11.3; bit 2 by SCPI-99."""
    assert bench.say("*CLS;*ESE 32;*SRE 255;*ESE?;*SRE?;*STB?") == "32;191;0"
    bench.say("BLA")
    assert bench.say("*STB?") == str(4 + 32 + 64)
    assert bench.instrument.status_byte(message_available=True) == 4 + 16 + 32 + 64
    assert bench.say("*CLS;*STB?;SYST:ERR?") == '0;0,"No error"'
    bench.say("*ESE 256")
    assert bench.say("SYST:ERR?") == '-222,"Data out of range"'


def test_reset_leaves_the_error_queue(bench: Bench) -> None:
    bench.say("COUN 10")
    bench.say("COUN 4;*RST")
    assert bench.instrument.count == 0
    assert bench.say("SYST:ERR?") == '-222,"Data out of range"'


def test_a_silent_instrument_does_nothing(bench: Bench) -> None:
    bench.instrument.fault = InstrumentFault.SILENT
    assert bench.say("COUN 4;COUN?") is None
    assert bench.instrument.count == 0
    bench.instrument.fault = None
    assert bench.say("COUN?") == "0"


def test_an_instrument_that_talks_nonsense_still_acts(bench: Bench) -> None:
    bench.instrument.fault = InstrumentFault.GARBAGE
    assert bench.say("COUN 4;COUN?") == GARBAGE
    assert bench.instrument.count == 4
