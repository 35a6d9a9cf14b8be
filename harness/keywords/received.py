"""What the frames that were received say of a signal, and where they were read."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import can

    from harness.buses.can_bus import CanBus
    from harness.protocols.database import Message, Signal
    from harness.rig.signals import RigSignal

MISSING_AFTER_CYCLES = 3
"""Without a frame for this many cycle times, a message that should come is missing."""


def is_missing(message: "Message", silence: float) -> bool:
    """Say whether a cyclic message is missing, after so many seconds without a frame."""
    return silence > MISSING_AFTER_CYCLES * (message.cycle_time or 0) / 1e9


def raw_in(signal: "Signal", frame: "can.Message") -> int | None:
    """Return the raw value of a signal; None where the frame is too short to hold it."""
    try:
        return signal.raw_of(bytes(frame.data))
    except ValueError:
        return None


def text_in(signal: "RigSignal", frame: "can.Message") -> str:
    """Return what a frame says of a signal, as a report shows it."""
    raw = raw_in(signal.signal, frame)
    return f"not in its frame of {len(frame.data)} bytes" if raw is None else signal.text(raw)


def source(bus: "CanBus", message: "Message", frame: "can.Message | None" = None) -> str:
    """Return where a reading comes from: the message on its bus, and the frame where it is one frame's."""
    place = f"can:{bus.name}/0x{message.identifier:X}"
    return place if frame is None else f"{place}@{frame.timestamp:.6f} s"
