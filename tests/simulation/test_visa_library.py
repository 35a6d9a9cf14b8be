"""Unmodified pyvisa on simulated instruments: streams, message exchange, time-outs, faults."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
from pyvisa import ResourceManager, VisaIOError
from pyvisa.constants import BufferOperation, ResourceAttribute, StatusCode
from pyvisa.resources import MessageBasedResource

from harness.clock import MILLISECOND, SECOND
from harness.simulation.instruments.keysight_34970a import Keysight34970A
from harness.simulation.instruments.scpi_instrument import GARBAGE, InstrumentFault
from harness.simulation.kernel import Kernel
from harness.simulation.visa_library import open_library

STREAM = "TCPIP::switch::5025::SOCKET"
MESSAGES = "TCPIP::switch::hislip0::INSTR"
IDENTITY = "HEWLETT-PACKARD,34970A,0,13-2-2"


class Rig:
    def __init__(self) -> None:
        self.kernel = Kernel()
        self.unit = Keysight34970A(self.kernel, {})
        self.manager = ResourceManager(open_library(self.kernel, {STREAM: self.unit, MESSAGES: self.unit}))

    def open(self, name: str, **settings: Any) -> MessageBasedResource:
        return cast(MessageBasedResource, self.manager.open_resource(name, **settings))

    def stream(self) -> MessageBasedResource:
        return self.open(STREAM, read_termination="\n", write_termination="\n", timeout=500)


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    yield rig
    rig.manager.close()


def error_of(raised: pytest.ExceptionInfo[VisaIOError]) -> StatusCode:
    return StatusCode(raised.value.error_code)


@pytest.mark.parametrize("name", [STREAM, MESSAGES])
def test_query(rig: Rig, name: str) -> None:
    with rig.open(name, read_termination="\n") as session:
        assert session.query("*IDN?") == IDENTITY
        assert session.query("ROUT:CLOS? (@101);*IDN?") == f"0;{IDENTITY}"


def test_each_rig_has_a_library_of_its_own(rig: Rig) -> None:
    other = Rig()
    assert other.manager is not rig.manager
    with other.stream() as session:
        session.write("ROUT:CLOS (@101)")
        session.query("*OPC?")
        assert session.query("ROUT:CLOS? (@101)") == "1"
    with rig.stream() as session:
        assert session.query("ROUT:CLOS? (@101)") == "0"
    other.manager.close()


def test_writing_takes_the_time_that_the_instrument_needs(rig: Rig) -> None:
    with rig.stream() as session:
        session.write("*CLS")
    assert rig.kernel.now == Keysight34970A.processing_time


def test_nothing_to_read_is_a_time_out_in_simulated_time(rig: Rig) -> None:
    with rig.stream() as session:
        with pytest.raises(VisaIOError) as raised:
            session.read()
        assert error_of(raised) == StatusCode.error_timeout
        assert rig.kernel.now == 500 * MILLISECOND
        session.timeout = 10_000
        with pytest.raises(VisaIOError):
            session.read()
        assert rig.kernel.now == 500 * MILLISECOND + 10 * SECOND
        assert session.query("SYST:ERR?") == '+0,"No error"'


def test_an_answer_that_comes_late_is_waited_for(rig: Rig) -> None:
    with rig.stream() as session:
        session.write("ROUT:CLOS (@101:120);*OPC?")
        assert session.read() == "1"


def test_a_stream_without_read_termination_times_out(rig: Rig) -> None:
    """pyvisa-py and NI-VISA read a raw socket up to the time-out if nothing says where the answer ends."""
    with rig.open(STREAM) as session:
        with pytest.raises(VisaIOError) as raised:
            session.query("*IDN?")
        assert error_of(raised) == StatusCode.error_timeout


def test_a_stream_without_write_termination_says_nothing(rig: Rig) -> None:
    with rig.stream() as session:
        session.write("ROUT:CLOS ", termination="")
        session.write("(@101)")
        assert session.query("ROUT:CLOS? (@101)") == "1"


def test_messages_end_without_a_terminator(rig: Rig) -> None:
    with rig.open(MESSAGES, write_termination="") as session:
        assert session.query("*IDN?") == IDENTITY + "\n"


def test_answers_pile_up_on_a_stream(rig: Rig) -> None:
    with rig.stream() as session:
        session.write("*IDN?")
        session.write("*OPC?")
        assert [session.read(), session.read()] == [IDENTITY, "1"]


@pytest.mark.parametrize("name", [STREAM, MESSAGES])
def test_reading_in_pieces(rig: Rig, name: str) -> None:
    with rig.open(name, read_termination="\n") as session:
        session.write("*IDN?")
        assert session.read_bytes(7) == b"HEWLETT"
        session.chunk_size = 5
        assert session.read() == IDENTITY[7:]


def test_a_piece_that_ends_with_the_message(rig: Rig) -> None:
    with rig.open(MESSAGES) as session:
        session.chunk_size = 2
        assert session.query("*OPC?") == "1\n"


def test_a_message_before_the_last_answer_was_read_interrupts(rig: Rig) -> None:
    """IEEE 488.2, 6.3.2.3: the answer is lost and -410 is reported."""
    with rig.open(MESSAGES, read_termination="\n") as session:
        session.write("*IDN?")
        assert session.query("*OPC?") == "1"
        assert session.query("SYST:ERR?") == '-410,"Query INTERRUPTED"'
        assert session.query("*ESR?") == "+132"


def test_reading_without_a_question_is_unterminated(rig: Rig) -> None:
    """IEEE 488.2, 6.3.2.2: -420 is reported and nothing comes."""
    with rig.open(MESSAGES, read_termination="\n", timeout=500) as session:
        with pytest.raises(VisaIOError):
            session.read()
        assert session.query("SYST:ERR?") == '-420,"Query UNTERMINATED"'


def test_serial_poll(rig: Rig) -> None:
    with rig.open(MESSAGES, read_termination="\n") as session:
        assert session.read_stb() == 0
        session.write("*IDN?")
        assert session.stb == 16
        session.clear()
        assert session.stb == 0
        session.write("BLA")
        assert session.stb == 4
    with rig.stream() as session, pytest.raises(VisaIOError) as raised:
        session.read_stb()
    assert error_of(raised) == StatusCode.error_nonsupported_operation


@pytest.mark.parametrize("name", [STREAM, MESSAGES])
def test_clear_drops_what_was_answered(rig: Rig, name: str) -> None:
    with rig.open(name, read_termination="\n") as session:
        for drop in (session.clear, lambda: session.flush(BufferOperation.discard_read_buffer)):
            session.write("*IDN?")
            drop()
            assert session.query("*OPC?") == "1"


@pytest.mark.parametrize("name", [STREAM, MESSAGES])
def test_a_silent_instrument_times_out(rig: Rig, name: str) -> None:
    rig.unit.fault = InstrumentFault.SILENT
    with rig.open(name, read_termination="\n", timeout=2000) as session:
        with pytest.raises(VisaIOError) as raised:
            session.query("*IDN?")
        assert error_of(raised) == StatusCode.error_timeout
        assert rig.kernel.now == 2 * SECOND + Keysight34970A.processing_time
        rig.unit.fault = None
        assert session.query("SYST:ERR?") == '+0,"No error"'


def test_a_serial_poll_of_a_silent_instrument_times_out(rig: Rig) -> None:
    rig.unit.fault = InstrumentFault.SILENT
    with rig.open(MESSAGES) as session, pytest.raises(VisaIOError) as raised:
        session.read_stb()
    assert error_of(raised) == StatusCode.error_timeout


def test_garbage_comes_through(rig: Rig) -> None:
    rig.unit.fault = InstrumentFault.GARBAGE
    with rig.stream() as session:
        assert session.query("*IDN?") == GARBAGE


def test_names(rig: Rig) -> None:
    assert rig.manager.list_resources() == ("TCPIP0::switch::hislip0::INSTR",)
    assert rig.manager.list_resources("?*") == ("TCPIP0::switch::5025::SOCKET", "TCPIP0::switch::hislip0::INSTR")
    with pytest.raises(VisaIOError) as raised:
        rig.open("TCPIP::nobody::5025::SOCKET")
    assert error_of(raised) == StatusCode.error_resource_not_found


def test_attributes(rig: Rig) -> None:
    with rig.stream() as session:
        assert session.timeout == 500
        assert session.resource_name == "TCPIP0::switch::5025::SOCKET"
        del session.timeout
        assert session.timeout == float("inf")
        for attribute in (ResourceAttribute.gpib_primary_address, ResourceAttribute.resource_name):
            with pytest.raises(VisaIOError) as raised:
                session.set_visa_attribute(attribute, 1)
            assert error_of(raised) == StatusCode.error_nonsupported_attribute
        with pytest.raises(VisaIOError):
            session.get_visa_attribute(ResourceAttribute.gpib_primary_address)


def test_a_closed_session_is_refused(rig: Rig) -> None:
    session = rig.stream()
    handle = session.session
    session.close()
    with pytest.raises(VisaIOError) as raised:
        rig.manager.visalib.write(handle, b"*IDN?\n")
    assert error_of(raised) == StatusCode.error_invalid_object
