"""A CAN bus behind a socketcand server: a client for python-can that ends well when the server does not.

Source of the protocol: linux-can/socketcand, doc/protocol.md, and its src/state_raw.c where they differ [V].
"""

import re
import socket
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from threading import Lock
from time import monotonic

import can
from can.interfaces.socketcand import SocketCanDaemonBus

from harness.can_port import OWN_FRAMES

UNKNOWN = ("controller state", "error counters", OWN_FRAMES, "remote frames", "CAN FD frames", "overruns")
"""What the socketcand protocol does not tell about a bus; see :class:`SocketcandBus`."""

_LONGEST_MESSAGE = 200
_LONGEST_SHOWN = 80
_CHUNK = 65536
_MOST_DATA = 8
_HIGHEST_BASE = 0x7FF
_HIGHEST_EXTENDED = 0x1FFFFFFF

_CHANNEL = re.compile(r"[!-;=?-~]{1,16}")
_MESSAGE = re.compile(rb"\s*(<[^<>]*>)")
_UNFINISHED = re.compile(rb"<[^<>]*")
_ECHO = re.compile(rb"<\s*echo\s*>")
_STAMP = rb"\s+(\d{1,12}\.\d{1,9})"
_STAMPED = rb"\s+([0-7][0-9A-Fa-f]{2}|[01][0-9A-Fa-f]{7})" + _STAMP + rb"\s+"
_DATA_FRAME = re.compile(rb"<\s*frame" + _STAMPED + rb"((?:[0-9A-Fa-f]{2}\s*){0,8})>")
_REMOTE_FRAME = re.compile(rb"<\s*rtr" + _STAMPED + rb"([0-8])\s*>")
_ERROR_FRAME = re.compile(rb"<\s*error\s+([0-9A-Fa-f]{3,8})" + _STAMP + rb"\s*>")
_REFUSAL = re.compile(rb"<\s*error\s+([A-Za-z][^<>]*?)\s*>")
"""In words, unlike an error frame; its class is a number that begins with a digit."""
_HERE = ("127.0.0.1", "localhost", "::1")
_MOST_REFUSALS = 20


class SocketcandBus(SocketCanDaemonBus):
    """A channel of a socketcand server, in raw mode.

    Frames carry the server's own time, in seconds since 1970. One thread may receive while others send. Once the
    connection is lost, or the server has said what nobody understands, every further call says so.

    What nobody can know over this protocol (`UNKNOWN`):

    - `state` is always active: neither the controller's state nor its error counters are told. Error frames come
      with their class (linux/can/error.h) as identifier, and without their data.
    - A frame that was sent never comes back, so it is not known when it was on the bus, or whether it was: the
      server's socket does not receive its own frames, and `send` ends when the network has taken the text.
    - The protocol has a message for remote frames received, `rtr`, and it is understood; but the server that the
      protocol comes from drops them.
    - CAN FD frames are not part of the protocol. Newer servers send them as `fdframe` if the interface is set up for
      CAN FD: that counts as a message that nobody understands. Older ones drop them.
    - Frames that the server has lost are not counted.
    """

    def __init__(self, channel: str, host: str, port: int, *, timeout: float = 2.0) -> None:
        """Connect, open the channel and switch to raw mode.

        Frames on the bus are sure to be received from the first answer to a `ping` on: the server opens its own
        socket after it has said that it is in raw mode.

        Args:
            channel: as the server calls it, at most 16 characters, such as `can0`.
            host: name or address of the server.
            port: of the server, usually 29536.
            timeout: seconds that the server may take to accept the connection (at each address of the host), for
                each answer, and to take a frame.

        Raises:
            can.CanInitializationError: the server cannot be reached, refuses, or does not answer as it must.
        """
        self.channel = channel
        self.channel_info = f"socketcand {host}:{port}, channel {channel}"
        self.round_trip: float | None = None
        """Shortest time in seconds from a `ping` to its answer's receipt; None before the first."""
        self._timeout = timeout
        self._sending = Lock()
        self._receiving = Lock()
        self._rest = b""
        self._messages: deque[bytes] = deque()
        self._frames: deque[can.Message] = deque()
        self._pings: deque[float] = deque()
        self.refusals: deque[str] = deque(maxlen=_MOST_REFUSALS)
        """What the server has refused of late, in its words; the connection goes on."""
        self._fault = ""
        self._at_end = False
        if not _CHANNEL.fullmatch(channel):
            raise can.CanInitializationError(
                f"{self.channel_info}: a channel has 1 to 16 printable ASCII characters, no blank, '<' or '>'"
            )
        try:
            self._connection = _Connection(host, port, timeout)
        except (OSError, UnicodeError, OverflowError) as error:
            hint = "; is `hil serve` running?" if isinstance(error, ConnectionRefusedError) and host in _HERE else ""
            raise can.CanInitializationError(f"{self.channel_info}: cannot connect: {error}{hint}") from error
        try:
            self._ask("", "< hi >")
            self._ask(f"< open {channel} >", "< ok >")
            self._ask("< rawmode >", "< ok >")
            self._sort_messages()
            can.BusABC.__init__(self, channel=channel)
        except BaseException:
            self._connection.close()
            raise

    @property
    def unanswered(self) -> float:
        """Seconds since the oldest `ping` that has no answer yet; 0.0 if there is none. Answers come with `recv`."""
        try:
            return monotonic() - self._pings[0]
        except IndexError:
            return 0.0

    def ping(self) -> None:
        """Ask the server for an answer, which shows in `round_trip` and `unanswered` when it has been received.

        Raises:
            can.CanOperationError: as `send`.
        """
        with self._turn(None) as deadline:
            self._pings.append(monotonic())
            self._put("< echo >", deadline)

    def send(self, msg: can.Message, timeout: float | None = None) -> None:
        """Send a classic data frame.

        Args:
            msg: the frame.
            timeout: seconds that the server may take nothing; None for those of the bus.

        Raises:
            can.CanOperationError: it is another kind of frame, or the connection is broken. It is, too, when the
                server has taken nothing for so long: half a frame may be out.
        """
        if obstacle := _obstacle(msg):
            raise self._error(f"cannot send {obstacle}")
        identifier = f"{msg.arbitration_id:08X}" if msg.is_extended_id else f"{msg.arbitration_id:03X}"
        data = "".join(f"{byte:02X} " for byte in msg.data)
        with self._turn(timeout) as deadline:
            self._put(f"< send {identifier} {len(msg.data)} {data}>", deadline)

    def shutdown(self) -> None:
        """Close the connection; whoever waits in `recv` or `send` gets an error at once. Twice is harmless."""
        if self._is_shutdown:
            return
        can.BusABC.shutdown(self)
        self._break("the bus is shut down")
        with self._receiving, self._sending:
            self._frames.clear()
            self._at_end = True
            self._connection.close()

    def _recv_internal(self, timeout: float | None) -> tuple[can.Message | None, bool]:
        """Return the next frame, or None if none came; what else the server sends may end the wait early.

        Raises:
            can.CanOperationError: all that was received has been returned, and nothing more will come.
        """
        with self._receiving:
            if not self._frames and not self._at_end:
                self._receive(timeout)
            if self._frames:
                return self._frames.popleft(), False
            if self._at_end:
                raise self._error(self._fault)
            return None, False

    def _receive(self, timeout: float | None) -> None:
        try:
            received = self._connection.read(timeout)
        except OSError as error:
            self._end(f"the connection is lost: {error}")
            return
        if received == b"":
            self._end("the server has closed the connection")
        elif received:
            self._split(received)
            self._sort_messages()

    def _split(self, received: bytes) -> None:
        """Put the messages that are whole into `_messages`."""
        text = self._rest + received
        position = 0
        while match := _MESSAGE.match(text, position):
            self._messages.append(match[1])
            position = match.end()
        self._rest = text[position:].lstrip()

    @property
    def _rest_is_damaged(self) -> bool:
        return bool(self._rest) and (len(self._rest) > _LONGEST_MESSAGE or not _UNFINISHED.fullmatch(self._rest))

    def _sort_messages(self) -> None:
        while self._messages:
            message = self._messages.popleft()
            if self._pings and _ECHO.fullmatch(message):
                trip = monotonic() - self._pings.popleft()
                self.round_trip = trip if self.round_trip is None else min(trip, self.round_trip)
            elif (frame := _frame(message, self.channel)) is not None:
                self._frames.append(frame)
            elif refusal := _REFUSAL.fullmatch(message):
                self.refusals.append(refusal[1].decode("ascii", "backslashreplace"))
            else:
                self._end(f"the server sent {_shown(message)}; expected a frame")
                return
        if self._rest_is_damaged:
            self._end(f"the server sent {_shown(self._rest)}, which is no message of at most {_LONGEST_MESSAGE} bytes")

    def _ask(self, question: str, expected: str) -> None:
        deadline = monotonic() + self._timeout
        try:
            self._connection.write(question.encode("ascii"), deadline)
            came = self._answer(deadline)
        except OSError as error:
            came = f"an error of the connection ({error})"
        if came != repr(expected):
            asked = f"asked {question!r}" if question else "connected"
            raise can.CanInitializationError(f"{self.channel_info}: {asked}, came {came}; expected {expected!r}")

    def _answer(self, deadline: float) -> str:
        """Return what came in answer, in words."""
        while not self._messages:
            if self._rest_is_damaged:
                return _shown(self._rest)
            left = deadline - monotonic()
            if left <= 0:
                return f"no answer within {self._timeout:g} s"
            received = self._connection.read(left)
            if received == b"":
                return "the end of the connection"
            self._split(received or b"")
        return _shown(self._messages.popleft())

    @contextmanager
    def _turn(self, timeout: float | None) -> Iterator[float]:
        """Keep other threads from sending; give the time until which the server may take nothing."""
        limit = self._timeout if timeout is None else max(timeout, 0.0)
        deadline = monotonic() + limit
        if not self._sending.acquire(timeout=limit):
            raise self._error(f"another thread has been sending for {limit:g} s")
        try:
            yield deadline
        finally:
            self._sending.release()

    def _put(self, text: str, deadline: float) -> None:
        if self._fault:
            raise self._error(self._fault)
        began = monotonic()
        fault = "a frame was cut short while it was sent"  # by Ctrl-C, if nothing below says otherwise
        try:
            taken = self._connection.write(text.encode("ascii"), deadline)
            fault = "" if taken else f"the server takes no frames for {max(deadline - began, 0.0):.3g} s"
        except OSError as error:
            fault = f"the connection is lost: {error}"
        finally:
            if fault:
                self._break(fault)
        if fault:
            raise self._error(self._fault)

    def _break(self, fault: str) -> None:
        """Let nothing more be sent, and whoever waits for the connection go on."""
        self._fault = self._fault or fault
        self._connection.end()

    def _end(self, fault: str) -> None:
        """Let nothing more be received either."""
        self._at_end = True
        self._break(fault)

    def _error(self, what: str) -> can.CanOperationError:
        return can.CanOperationError(f"{self.channel_info}: {what}")


class _Connection:
    """A TCP connection that one thread reads while another writes."""

    def __init__(self, host: str, port: int, timeout: float) -> None:
        self._socket = socket.create_connection((host, port), timeout)
        self._socket.settimeout(0.0)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._readable = DefaultSelector()
        self._readable.register(self._socket, EVENT_READ)
        self._writable = DefaultSelector()
        self._writable.register(self._socket, EVENT_WRITE)

    def read(self, timeout: float | None) -> bytes | None:
        """Return what has come, b"" at the end of the connection, None if nothing comes in `timeout` seconds."""
        if self._readable.select(timeout):
            with suppress(BlockingIOError):
                return self._socket.recv(_CHUNK)
        return None

    def write(self, data: bytes, deadline: float) -> bool:
        """Say whether all of `data` was taken before `deadline` of the monotonic clock."""
        left = memoryview(data)
        while left:
            with suppress(BlockingIOError):
                left = left[self._socket.send(left) :]
                continue
            time_left = deadline - monotonic()
            if time_left <= 0:
                return False
            self._writable.select(time_left)
        return True

    def end(self) -> None:
        """End the connection both ways, which lets go on who waits for it."""
        with suppress(OSError):  # it has ended already
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give everything back; nobody may be waiting."""
        self._readable.close()
        self._writable.close()
        self._socket.close()


def _obstacle(frame: can.Message) -> str:
    """Return why the protocol has no way to send a frame, in words; nothing if it has."""
    if frame.is_fd:
        return "a CAN FD frame; allowed are classic data frames"
    if frame.is_remote_frame:
        return "a remote frame; allowed are classic data frames"
    if frame.is_error_frame:
        return "an error frame; allowed are classic data frames"
    if not frame.dlc == len(frame.data) <= _MOST_DATA:
        return f"{len(frame.data)} bytes with length code {frame.dlc}; allowed are equal ones up to {_MOST_DATA}"
    highest = _HIGHEST_EXTENDED if frame.is_extended_id else _HIGHEST_BASE
    if not 0 <= frame.arbitration_id <= highest:
        return f"identifier 0x{frame.arbitration_id:X}; allowed are 0 to 0x{highest:X}"
    return ""


def _frame(message: bytes, channel: str) -> can.Message | None:
    """Return the frame that a message tells of; None if it tells of none."""
    if match := _DATA_FRAME.fullmatch(message):
        identifier, stamp, data = match.groups()
        return can.Message(
            timestamp=float(stamp),
            arbitration_id=int(identifier, 16),
            is_extended_id=len(identifier) == 8,
            data=bytes.fromhex(data.decode("ascii")),
            channel=channel,
        )
    if match := _REMOTE_FRAME.fullmatch(message):
        identifier, stamp, length = match.groups()
        return can.Message(
            timestamp=float(stamp),
            arbitration_id=int(identifier, 16),
            is_extended_id=len(identifier) == 8,
            is_remote_frame=True,
            dlc=int(length),
            channel=channel,
        )
    if match := _ERROR_FRAME.fullmatch(message):
        error_class, stamp = match.groups()
        return can.Message(
            timestamp=float(stamp),
            arbitration_id=int(error_class, 16) & _HIGHEST_EXTENDED,
            is_error_frame=True,
            channel=channel,
        )
    return None


def _shown(text: bytes) -> str:
    return repr(text[:_LONGEST_SHOWN])[1:] + ("..." if len(text) > _LONGEST_SHOWN else "")
