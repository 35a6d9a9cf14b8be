"""Sessions to SCPI instruments through pyvisa, on a bench and on a virtual rig.

This is the only module that makes a `pyvisa.ResourceManager`.
"""

import re
import socket
from typing import TYPE_CHECKING

from harness.errors import HarnessError, InstrumentError, InstrumentTimeoutError
from harness.interrupts import held_back
from harness.quantities import Duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyvisa.highlevel import VisaLibraryBase
    from pyvisa.resources import MessageBasedResource

_END = "\n"
_LONGEST_ANSWER = 4096
_LONGEST_BLOCK = 1 << 24


def open_session(library: "str | VisaLibraryBase", resource: str, *, role: str, timeout: Duration) -> "ScpiSession":
    """Connect to an instrument.

    Args:
        library: `@py` or another VISA library on a bench, the simulated library on a virtual rig.
        resource: VISA resource name, such as `TCPIP::192.168.0.7::5025::SOCKET`.
        role: what the rig file calls the instrument; messages begin with it.
        timeout: how long to wait for the connection, and then for each answer.

    Raises:
        InstrumentError: the name is none that VISA knows, or nothing can be reached there. pyvisa-py finds a refused
            raw socket only with the first line that is sent.
    """
    return ScpiSession(lambda: _open_resource(library, resource, role, timeout), resource, role, timeout)


class ScpiSession:
    """A line-based dialogue with one instrument.

    After a failed exchange the connection is made anew before the next one: an answer that comes late must never be
    taken for the answer to another question.
    """

    def __init__(
        self,
        connect: "Callable[[], MessageBasedResource]",
        resource: str,
        role: str,
        timeout: Duration,
    ) -> None:
        self.role = role
        self._connect = connect
        self._name = f"{role} ({resource})"
        self._timeout = timeout
        self._resource = connect()
        self._in_step = True
        self._is_closed = False

    def write(self, line: str) -> None:
        """Send a line.

        Raises:
            InstrumentTimeoutError: the instrument did not take it in time.
            InstrumentError: the connection is broken.
        """
        self._exchange(f"sent {line!r}", lambda: self._send(line))

    def query(self, line: str) -> str:
        """Send a question and return the answer without its line end.

        Raises:
            InstrumentTimeoutError: no complete answer came in time.
            InstrumentError: the connection is broken, or the answer is not one line of ASCII.
        """
        answer = self._exchange(f"asked {line!r}", lambda: self._ask(line))
        if len(answer) >= _LONGEST_ANSWER:
            raise self.unusable(line, answer, f"at most {_LONGEST_ANSWER} bytes")
        if not answer.isascii():
            raise self.unusable(line, answer, "ASCII")
        return answer.decode("ascii").rstrip("\r\n")

    def query_block(self, line: str) -> bytes:
        """Send a question and return the data of the definite-length block that answers it: IEEE 488.2, chapter 8.7.9.

        Raises:
            InstrumentTimeoutError: no complete block came in time.
            InstrumentError: the connection is broken, or the answer is no such block.
        """
        head, data = b"", b""

        def ask() -> bytes:
            nonlocal head, data
            self._send(line)
            head = self._resource.read_bytes(2)
            if not re.fullmatch(rb"#[1-9]", head):
                return head
            head += self._resource.read_bytes(int(head[1:]))
            if head[2:].isdigit() and int(head[2:]) <= _LONGEST_BLOCK:
                data = self._resource.read_bytes(int(head[2:]) + len(_END))
            return data

        self._exchange(f"asked {line!r}", ask)
        if not data.endswith(_END.encode()):
            raise self.unusable(line, head + data[-1:], "a block of binary data, such as #800001000 and 1000 bytes")
        return data[: -len(_END)]

    def unusable(self, line: str, answer: str | bytes, expected: str) -> InstrumentError:
        """Return the error for an answer that makes no sense."""
        self._in_step = False
        shown = repr(answer) if len(answer) <= 80 else f"{answer[:80]!r}..."
        return InstrumentError(f"{self._name}: asked {line!r}, answered {shown}; expected {expected}")

    def close(self) -> None:
        """End the session. Closing twice is harmless."""
        self._is_closed = True
        self._resource.close()

    def _exchange(self, what: str, action: "Callable[[], bytes]") -> bytes:
        if self._is_closed:
            raise InstrumentError(f"{self._name}: {what}; the session is closed")
        try:
            if not self._in_step:
                # Cut short, it would leave a connection behind that nobody closes, and an instrument may have only one.
                with held_back(lambda: None):
                    self._resource.close()
                    self._resource = self._connect()
            self._in_step = False  # stays so if Ctrl-C or a time-out of Robot ends the exchange
            answer = action()
        except HarnessError:
            raise
        except Exception as error:  # pyvisa-py lets anything through: socket errors, RuntimeError, bare Exception
            if type(error).__module__.partition(".")[0] == "robot":  # Robot stops the run
                raise
            if _is_timeout(error):
                raise InstrumentTimeoutError(f"{self._name}: {what}, no answer within {self._timeout}") from error
            raise InstrumentError(f"{self._name}: {what}; {_reason(error)}") from error
        self._in_step = True
        return answer

    def _send(self, line: str) -> bytes:
        self._resource.write(line)
        return b""

    def _ask(self, line: str) -> bytes:
        self._send(line)
        return self._resource.read_bytes(_LONGEST_ANSWER, break_on_termchar=True)


def _open_resource(library: "str | VisaLibraryBase", name: str, role: str, timeout: Duration) -> "MessageBasedResource":
    import pyvisa
    from pyvisa.resources import MessageBasedResource

    milliseconds = round(timeout * 1000)
    try:
        pyvisa.rname.ResourceName.from_string(name)
        manager = pyvisa.ResourceManager(library)
        resource = manager.open_resource(name, open_timeout=milliseconds, timeout=milliseconds)
    except HarnessError:
        raise
    except Exception as error:  # pyvisa-py lets anything through
        raise InstrumentError(f"{role}: cannot open {name!r}; {_reason(error)}") from error
    if not isinstance(resource, MessageBasedResource):
        resource.close()
        raise InstrumentError(f"{role}: {name!r} does not exchange messages")
    resource.read_termination = resource.write_termination = _END
    _let_closed_connections_fail(resource)
    return resource


class _EndingSocket(socket.socket):
    """A connection whose end is an error: pyvisa-py takes it for silence, and reads on without rest."""

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        received = super().recv(size, flags)
        if not received:
            raise ConnectionResetError("the other side has closed the connection: it has ended, or is used by others")
        return received


def _let_closed_connections_fail(resource: "MessageBasedResource") -> None:
    session = getattr(resource.visalib, "sessions", {}).get(resource.session)  # pyvisa-py's; other libraries have none
    connection = getattr(session, "interface", None)
    if session is not None and type(connection) is socket.socket:
        session.interface = _EndingSocket(fileno=connection.detach())


def _is_timeout(error: Exception) -> bool:
    from pyvisa import VisaIOError
    from pyvisa.constants import StatusCode

    return isinstance(error, TimeoutError) or (
        isinstance(error, VisaIOError) and error.error_code == StatusCode.error_timeout
    )


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return f"{type(error).__name__}: {error}"
