"""What a simulated ECU sees of a CAN bus: the same on a simulated network and on a bench channel."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import can

FrameListener = Callable[["can.Message"], None]
"""Called with each frame received. The frame is shared by all who listen: it must not be changed."""


class CanPort(Protocol):
    """A controller on a CAN bus."""

    def join(self) -> None:
        """Take part in the bus: acknowledge and receive frames."""

    def leave(self) -> None:
        """Leave the bus, as an ECU does that sleeps or has no supply: frames not yet sent are dropped."""

    def send(self, frame: "can.Message") -> None:
        """Queue a frame. It goes out when it wins arbitration; the bus stamps it with the rig time then."""

    def listen(
        self, listener: FrameListener, identifiers: Collection[int] | None = None
    ) -> Callable[[], None]:
        """Call `listener` with each frame received (of these identifiers); return what ends that."""
