"""What a simulated ECU sees of a CAN bus: the same on a simulated network and on a bench channel."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import can

EXTENDED = 1 << 31
"""Set in the identifiers of extended frames where base and extended ones stand side by side, as in SocketCAN."""

OWN_FRAMES = "own frames"
"""In what a channel does not tell: when a frame that it has sent was on the bus: some time after it was taken."""
NOT_TOLD = "not told"
"""State of a controller whose adapter does not tell it."""

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
        """Call `listener` with each frame received (of these identifiers); return what ends that.

        Identifiers of extended frames have the bit `EXTENDED`.
        """


@dataclass(frozen=True)
class ChannelHealth:
    """State of a channel's controller, its error counters, and how many frames it has lost."""

    state: str = "error active"
    transmit_errors: int = 0
    receive_errors: int = 0
    frames_lost: int = 0
    faults: tuple[str, ...] = ()
    """What has gone wrong since the channel was opened, in words."""

    @property
    def problems(self) -> list[str]:
        """What keeps the channel from working now, in words."""
        if self.state in {"error active", NOT_TOLD}:
            return []
        counts = {"transmit errors": self.transmit_errors, "receive errors": self.receive_errors}
        return [f"controller is {self.state}", *(f"{count} {name}" for name, count in counts.items() if count)]

    def problems_since(self, before: "ChannelHealth") -> list[str]:
        """What is wrong now or has gone wrong since, in words."""
        found = self.problems
        for name in ("transmit_errors", "receive_errors", "frames_lost"):
            more = getattr(self, name) - getattr(before, name)
            if more > 0:
                found.append(f"{more} more {name.replace('_', ' ')}")
        return [*found, *self.faults[len(before.faults) :]]
