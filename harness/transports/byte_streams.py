"""Streams of bytes on a bench: TCP connections and serial ports. Each receives on a thread of its own."""

import socket
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from threading import Lock, Thread, current_thread

from harness.errors import StreamError
from harness.transports.stream import StreamListener
from harness.transports.wall_clock import WallClock

TIMEOUT = 2.0
"""Seconds that a connection may take to come about, and the other side to take what is sent [P]."""
_READ_TIMEOUT = 0.2
"""Seconds after which a read on a serial port looks whether it is to end; where it can, it ends at once."""
_AT_ONCE = 65536
"""Bytes of one read, at most."""
_HELD_UP = 0.05
"""Seconds that bytes may spend in an adapter, a network and a busy computer before they are received, at most [P]."""
_KEEPALIVE = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 1, "TCP_KEEPCNT": 3}
"""Seconds of silence, seconds between probes, and probes, after which a peer that has gone without a word, as by a
pulled cable, is taken for lost [P]."""


class ByteStream(ABC):
    """A :class:`harness.transports.stream.Stream` that receives on a thread, from its first listener on.

    Until then the operating system keeps what comes, so that the first bytes are not lost.
    """

    def __init__(self, address: str, clock: WallClock) -> None:
        self.address = address
        self._clock = clock
        self._lock = Lock()
        self._listeners: list[StreamListener] = []
        self._thread: Thread | None = None
        self._problem = ""
        self._closed = False

    @property
    def uncertainty(self) -> float:
        """Seconds that bytes may have been held up before they were received, at most."""
        return _HELD_UP

    def send(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            StreamError: the stream is closed or broken, or the other side has not taken all of it within its time;
                how much it has taken is then not known.
        """
        if problems := self.problems():
            raise StreamError(f"{problems[0]}; {len(data)} bytes could not be sent")
        try:
            self._write(data)
        except TimeoutError:
            raise StreamError(
                f"{self.address}: the other side has not taken all of {len(data)} bytes within {TIMEOUT:g} s"
            ) from None
        except OSError as error:
            self._break(_reason(error))
            raise StreamError(f"{self.address}: {len(data)} bytes could not be sent: {_reason(error)}") from error

    def listen(self, listener: StreamListener) -> Callable[[], None]:
        """Call `listener` on the receive thread with all that comes from now on; return what ends that."""
        with self._lock:
            self._listeners.append(listener)
            if self._thread is None and not self._closed:
                self._thread = Thread(target=self._run, name=f"receives {self.address}", daemon=True)
                self._thread.start()

        def stop() -> None:
            with self._lock, suppress(ValueError):
                self._listeners.remove(listener)

        return stop

    def problems(self) -> list[str]:
        """Return what is wrong with the stream: that it is closed, or why it is broken."""
        problem = "the stream is closed" if self._closed else self._problem
        return [f"{self.address}: {problem}"] if problem else []

    def close(self) -> None:
        """Give the connection or the port back, and end the thread. Closing twice is harmless."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            thread = self._thread
        self._end_read()
        if thread is not None and thread is not current_thread():
            thread.join()
        self._release()

    @abstractmethod
    def _read(self) -> bytes:
        """Return bytes as soon as there are some, none after a time without; raise OSError at the end of the stream."""

    @abstractmethod
    def _write(self, data: bytes) -> None:
        """Send all of it; raise TimeoutError or another OSError."""

    @abstractmethod
    def _end_read(self) -> None:
        """Let a read that is under way in the thread return."""

    @abstractmethod
    def _release(self) -> None:
        """Give the connection or the port back."""

    def _run(self) -> None:
        try:
            while not self._closed:
                if data := self._read():
                    now = self._clock.now
                    with self._lock:
                        listeners = tuple(self._listeners)
                    for listener in listeners:
                        listener(data, now)
        except OSError as error:
            self._break(_reason(error))
        except Exception as error:  # noqa: BLE001  the thread has nobody above it; `problems` tells
            self._break(f"the receive thread has failed: {type(error).__name__}: {error}")

    def _break(self, reason: str) -> None:
        self._problem = self._problem or reason


class TcpStream(ByteStream):
    """A TCP connection, as to a console server."""

    def __init__(self, host: str, port: int, clock: WallClock, *, timeout: float = TIMEOUT) -> None:
        """Connect.

        Args:
            host: name or address.
            port: number.
            clock: stamps what is received.
            timeout: seconds to connect, at most.

        Raises:
            StreamError: the connection did not come about; names the address and the reason.
        """
        super().__init__(f"tcp://{host}:{port}", clock)
        try:
            self._socket = socket.create_connection((host, port), timeout)
        except TimeoutError:
            raise StreamError(f"{self.address}: no answer within {timeout:g} s") from None
        except (OSError, UnicodeError) as error:  # UnicodeError: a name that no host can have
            raise StreamError(f"{self.address}: no connection: {_reason(error)}") from error
        self._socket.settimeout(TIMEOUT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if option := getattr(socket, name, None):
                self._socket.setsockopt(socket.IPPROTO_TCP, option, value)

    def _read(self) -> bytes:
        try:
            data = self._socket.recv(_AT_ONCE)
        except TimeoutError:
            return b""
        if not data:
            raise ConnectionError("the other side has closed the connection")
        return data

    def _write(self, data: bytes) -> None:
        self._socket.sendall(data)

    def _end_read(self) -> None:
        with suppress(OSError):  # the other side has gone already
            self._socket.shutdown(socket.SHUT_RDWR)

    def _release(self) -> None:
        self._socket.close()


class SerialStream(ByteStream):
    """A serial port: 8 data bits, no parity, 1 stop bit, no flow control."""

    def __init__(self, port: str, baud_rate: int, clock: WallClock) -> None:
        """Open the port for this program alone: a second reader would take bytes away.

        Args:
            port: such as `/dev/ttyUSB0` or `COM3`.
            baud_rate: bits per second.
            clock: stamps what is received.

        Raises:
            StreamError: the port does not exist, is in use or cannot do this rate; names it and the reason.
        """
        from serial import Serial, SerialTimeoutException

        super().__init__(port, clock)
        self._timeout_error = SerialTimeoutException
        try:
            self._port = Serial(port, baud_rate, timeout=_READ_TIMEOUT, write_timeout=TIMEOUT, exclusive=True)
        except (OSError, ValueError) as error:
            raise StreamError(f"{port}: the port could not be opened at {baud_rate} bit/s: {_reason(error)}") from error

    def _read(self) -> bytes:
        return bytes(self._port.read(max(1, self._port.in_waiting)))

    def _write(self, data: bytes) -> None:
        try:
            self._port.write(data)
        except self._timeout_error as error:
            raise TimeoutError from error

    def _end_read(self) -> None:
        self._port.cancel_read()

    def _release(self) -> None:
        self._port.close()


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
