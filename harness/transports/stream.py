"""The third part of the seam: bytes to and from an ECU, such as its serial console."""

from collections.abc import Callable
from typing import Protocol

StreamListener = Callable[[bytes, int], None]
"""Gets bytes as they come, and the rig time in nanoseconds at which they were received."""


class Stream(Protocol):
    """A serial line, a TCP connection, or the console of a simulated ECU in the same process."""

    @property
    def uncertainty(self) -> float:
        """Seconds that bytes may have been held up before they were received, at most."""

    def send(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            StreamError: the stream is closed or broken, or the other side takes nothing within its time-out.
        """

    def listen(self, listener: StreamListener) -> Callable[[], None]:
        """Call `listener` with all that is received from now on; return what ends that."""

    def problems(self) -> list[str]:
        """Return what is wrong with the stream, in words; empty while it works."""

    def close(self) -> None:
        """Give the stream back. Closing twice is harmless."""
