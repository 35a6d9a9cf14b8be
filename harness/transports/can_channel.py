"""The CAN half of the seam between harness and rig."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Protocol

from harness.can_port import ChannelHealth, FrameListener

if TYPE_CHECKING:
    import can


class CanChannel(Protocol):
    """The tester's access to one bus, on a bench an adapter, on a virtual rig a node of the simulated network."""

    def send(self, frame: "can.Message") -> None:
        """Queue a frame.

        Raises:
            BusError: the channel is closed or cannot send.
        """

    def listen(self, listener: FrameListener, identifiers: Collection[int] | None = None) -> Callable[[], None]:
        """Call `listener` with each frame on the bus (of these identifiers); return what ends that.

        Frames sent by the channel itself come back with `is_rx` False once they have been on the bus. Each frame
        carries the rig time of its end, in seconds, stamped by the channel. Frames are shared: never change one.
        """

    @property
    def uncertainty(self) -> float:
        """How far a time stamp may be off rig time, in seconds."""

    @property
    def untold(self) -> tuple[str, ...]:
        """What its health cannot know, in words: not every adapter tells everything."""

    def prove_alive(self) -> None:
        """Make sure that the other side is there now, where it can be asked.

        Raises:
            BusError: it does not answer.
        """

    def health(self) -> ChannelHealth:
        """Return the state of the channel's controller."""

    def close(self) -> None:
        """Leave the bus. Closing twice is harmless."""
