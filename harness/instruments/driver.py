"""What a driver states of the instruments that it drives, for rig files to be checked without one."""

from typing import ClassVar


class Driver:
    """Base of all drivers."""

    model: ClassVar[str]
    """What people call it."""
    outputs: ClassVar[tuple[range, ...]] = ()
    """Numbers of the outputs that it has; a supply states them."""
    channels: ClassVar[tuple[range, ...]] = ()
    """Numbers of the relays that it may have, with modules in all its slots; a switch matrix states them."""
    probes: ClassVar[range] = range(0)
    """Numbers of the inputs that it has; an oscilloscope states them."""
