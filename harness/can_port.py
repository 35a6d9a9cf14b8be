"""What a simulated ECU sees of a CAN bus: the same on a simulated network and on a bench channel."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
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

    def listen(self, listener: FrameListener, identifiers: Collection[int] | None = None) -> Callable[[], None]:
        """Call `listener` with each frame received (of these identifiers); return what ends that."""


@dataclass(frozen=True)
class ChannelHealth:
    """State of a channel and what it has lost; anything but zeros and `error active` is not healthy."""

    state: str = "error active"
    transmit_errors: int = 0
    receive_errors: int = 0
    frames_lost: int = 0

    @property
    def problems(self) -> list[str]:
        """What is wrong, in words; empty when the channel is healthy."""
        found = [] if self.state == "error active" else [f"controller is {self.state}"]
        counters = {"transmit errors": self.transmit_errors, "receive errors": self.receive_errors}
        found += [f"{count} {name}" for name, count in counters.items() if count]
        return found + ([f"{self.frames_lost} frames lost"] if self.frames_lost else [])
