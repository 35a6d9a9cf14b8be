"""Base of a simulated SCPI instrument: messages in, answers out, in simulated time.

An instrument is one file: a class with a table of command patterns and their handlers.

    class Thermometer(ScpiInstrument):
        identity = "ACME,T1,0,1.0"

        def __init__(self, kernel: Kernel) -> None:
            super().__init__(kernel, {"MEASure:TEMPerature?": command(self._measure)})
            self.reset()

        def reset(self) -> None: ...
        def _measure(self) -> str: ...

It works through one message after the other, each taking its processing time. Registers and common commands follow
IEEE 488.2, chapters 10 and 11, and SCPI-99 volume 1, chapter 9 [K].
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntFlag, StrEnum
from typing import ClassVar

from harness.errors import TestError, unknown_name
from harness.protocols.scpi import HeaderTree, Unit, split_message
from harness.protocols.scpi_faults import ScpiError, ScpiFault
from harness.protocols.scpi_parameters import integer
from harness.simulation.kernel import Kernel, SimulatedEvent

Reader = Callable[[str], object]
"""Reads the text of one parameter; raises ScpiFault."""

GARBAGE = "\x15~#?@!"
"""What an instrument answers that talks nonsense; within ASCII, as any line driver would deliver it."""


class InstrumentFault(StrEnum):
    """What can be wrong with an instrument, for tests of what a rig does about it."""

    SILENT = "silent"
    """It hangs: it takes no command and answers nothing."""
    GARBAGE = "garbage"
    """It does what it is told and answers nonsense."""


class EventStatus(IntFlag):
    """Standard event status register: IEEE 488.2, chapter 11.5.1."""

    OPERATION_COMPLETE = 1
    QUERY_ERROR = 4
    DEVICE_ERROR = 8
    EXECUTION_ERROR = 16
    COMMAND_ERROR = 32
    POWER_ON = 128


class StatusByte(IntFlag):
    """Status byte: IEEE 488.2, chapter 11.2; bit 2 by SCPI-99 volume 1, chapter 9."""

    ERROR_QUEUE = 4
    MESSAGE_AVAILABLE = 16
    EVENT_SUMMARY = 32
    MASTER_SUMMARY = 64


@dataclass(frozen=True, slots=True)
class Command:
    """What a header does: a handler, which gets the numbers of the header's `<n>` and then the parameters."""

    handler: Callable[..., str | None]
    readers: tuple[Reader, ...]
    required: int


def command(handler: Callable[..., str | None], *required: Reader, optional: tuple[Reader, ...] = ()) -> Command:
    """Return the command that calls `handler` with these parameters. A query's handler returns its answer."""
    return Command(handler, required + optional, len(required))


@dataclass(frozen=True, slots=True)
class _Message:
    text: str
    respond: Callable[[str], None]
    done: SimulatedEvent


class ScpiInstrument(ABC):
    """Something that takes SCPI messages.

    Set `fault` to make it fail.
    """

    DEFECTS: ClassVar[Mapping[str, str]] = {"no serial": "does not know its serial number"}
    """Faults of the rig, for tests of what it proves of itself: name, and what each does."""
    identity: ClassVar[str]
    """Its answer to *IDN?."""
    processing_time: ClassVar[int]
    """Nanoseconds from a message's end to its effect."""
    error_queue_length: ClassVar[int] = 20
    integer_format: ClassVar[str] = "d"
    """How it writes the integers of registers and error numbers."""

    def __init__(self, kernel: Kernel, commands: Mapping[str, Command]) -> None:
        self.fault: InstrumentFault | None = None
        self.defects: set[str] = set()
        self._kernel = kernel
        self._commands = HeaderTree({**self._common_commands(), **commands})
        self._inbox: deque[_Message] = deque()
        self._occupied = 0
        self._errors: deque[ScpiFault] = deque()
        self._event_status = EventStatus.POWER_ON
        self._event_enable = 0
        self._service_enable = 0

    def switch_defect_on(self, defect: str) -> None:
        """Give it a defect for good.

        Raises:
            TestError: there is no such defect; says which there are.
        """
        if defect not in self.DEFECTS:
            raise TestError(unknown_name("defect", defect, self.DEFECTS))
        self.defects.add(defect)

    def _answer_identity(self) -> str:
        manufacturer, model, serial, version = self.identity.split(",")
        return ",".join((manufacturer, model, "" if "no serial" in self.defects else serial, version))

    def receive(self, message: str, respond: Callable[[str], None]) -> SimulatedEvent:
        """Take a message without its terminator; return the event that it has been worked through.

        `respond` gets the answers of all its queries, joined by `;`, just before that event. An instrument that
        hangs never comes to it.
        """
        done = self._kernel.event()
        if self.fault is not InstrumentFault.SILENT:
            self._inbox.append(_Message(message, respond, done))
            if len(self._inbox) == 1:
                self._start()
        return done

    def report(self, fault: ScpiFault) -> None:
        """Put an error into the queue, and its class into the event status register.

        In a full queue the newest error gives way to -350.
        """
        if -199 <= fault.number <= -100:
            self._event_status |= EventStatus.COMMAND_ERROR
        elif -299 <= fault.number <= -200:
            self._event_status |= EventStatus.EXECUTION_ERROR
        elif -499 <= fault.number <= -400:
            self._event_status |= EventStatus.QUERY_ERROR
        else:
            self._event_status |= EventStatus.DEVICE_ERROR
        if len(self._errors) == self.error_queue_length:
            self._errors[-1] = ScpiFault(ScpiError.QUEUE_OVERFLOW)
        else:
            self._errors.append(fault)

    def status_byte(self, *, message_available: bool) -> int:
        """Return the status byte, as a serial poll or *STB? reads it."""
        status = StatusByte.MESSAGE_AVAILABLE if message_available else StatusByte(0)
        if self._errors:
            status |= StatusByte.ERROR_QUEUE
        if self._event_status & self._event_enable:
            status |= StatusByte.EVENT_SUMMARY
        if status & self._service_enable:
            status |= StatusByte.MASTER_SUMMARY
        return int(status)

    @abstractmethod
    def reset(self) -> None:
        """Do what *RST does."""

    def clear_status(self) -> None:
        """Do what *CLS does: empty the error queue and the event registers."""
        self._errors.clear()
        self._event_status = EventStatus(0)

    def occupy(self, duration: int) -> None:
        """Keep the instrument busy for `duration` nanoseconds more before this message is done."""
        self._occupied += duration

    def _start(self) -> None:
        self._kernel.at(self._kernel.now + self.processing_time, self._work)

    def _work(self) -> None:
        self._occupied = 0
        answers = self._execute(self._inbox[0].text)
        if self._occupied:
            self._kernel.at(self._kernel.now + self._occupied, lambda: self._finish(answers))
        else:
            self._finish(answers)

    def _finish(self, answers: list[str]) -> None:
        message = self._inbox.popleft()
        if answers and self.fault is not InstrumentFault.SILENT:
            message.respond(GARBAGE if self.fault is InstrumentFault.GARBAGE else ";".join(answers))
        message.done.set()
        if self._inbox:
            self._start()

    def _execute(self, message: str) -> list[str]:
        """Carry a message out up to its first command error: behind one the parser is lost."""
        answers: list[str] = []
        try:
            for unit in split_message(message):
                try:
                    answer = self._carry_out(unit)
                except ScpiFault as fault:
                    if fault.is_command_error:
                        raise
                    self.report(fault)
                else:
                    answers += [] if answer is None else [answer]
        except ScpiFault as fault:
            self.report(fault)
        return answers

    def _carry_out(self, unit: Unit) -> str | None:
        found, numbers = self._commands.find(unit)
        if len(unit.parameters) > len(found.readers):
            raise ScpiFault(ScpiError.PARAMETER_NOT_ALLOWED)
        if len(unit.parameters) < found.required:
            raise ScpiFault(ScpiError.MISSING_PARAMETER)
        values = [read(text) for read, text in zip(found.readers, unit.parameters, strict=False)]
        return found.handler(*numbers, *values)

    def _common_commands(self) -> dict[str, Command]:
        return {
            "*IDN?": command(self._answer_identity),
            "*RST": command(self.reset),
            "*CLS": command(self.clear_status),
            "*ESE": command(self._enable_events, integer),
            "*ESE?": command(lambda: self._integer(self._event_enable)),
            "*ESR?": command(self._read_event_status),
            "*SRE": command(self._enable_service, integer),
            "*SRE?": command(lambda: self._integer(self._service_enable)),
            "*STB?": command(lambda: self._integer(self.status_byte(message_available=False))),
            "*OPC": command(self._complete_operation),
            "*OPC?": command(lambda: "1"),
            "*WAI": command(lambda: None),
            "*TST?": command(lambda: self._integer(0)),
            "SYSTem:ERRor[:NEXT]?": command(self._next_error),
        }

    def _integer(self, value: int) -> str:
        return format(value, self.integer_format)

    def _enable_events(self, mask: int) -> None:
        self._event_enable = _register(mask)

    def _enable_service(self, mask: int) -> None:
        self._service_enable = _register(mask) & (0xFF - StatusByte.MASTER_SUMMARY)

    def _read_event_status(self) -> str:
        status, self._event_status = self._event_status, EventStatus(0)
        return self._integer(int(status))

    def _complete_operation(self) -> None:
        self._event_status |= EventStatus.OPERATION_COMPLETE

    def _next_error(self) -> str:
        error = self._errors.popleft() if self._errors else ScpiFault(ScpiError.NONE)
        return f'{self._integer(error.number)},"{error.text}"'


def _register(mask: int) -> int:
    if not 0 <= mask <= 255:
        raise ScpiFault(ScpiError.DATA_OUT_OF_RANGE)
    return mask
