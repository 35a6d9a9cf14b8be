"""Time of a rig: the protocols of its clock and of the events that are waited for.

All times are integer nanoseconds since the rig was opened.
"""

from typing import Protocol

MICROSECOND = 1_000
MILLISECOND = 1_000_000
SECOND = 1_000_000_000


class Event(Protocol):
    """Something that happens once and can be waited for."""

    def set(self) -> None:
        """Let everybody who waits for the event go on."""

    @property
    def is_set(self) -> bool:
        """Whether it has happened."""


class Clock(Protocol):
    """Time of the rig. On a virtual rig waiting runs the simulation to its next event."""

    @property
    def now(self) -> int:
        """Rig time in nanoseconds."""

    def sleep(self, duration: int) -> None:
        """Let `duration` nanoseconds of rig time pass."""

    def event(self) -> Event:
        """Return a new event that can be waited for on this clock."""

    def wait(self, event: Event, timeout: int) -> bool:
        """Wait until the event is set, `timeout` nanoseconds at most; say whether it was set."""
