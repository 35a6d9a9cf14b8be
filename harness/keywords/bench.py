"""Keywords for what a rig proves of itself. They do not judge the product: when one fails the verdict is ERROR."""

from typing import TYPE_CHECKING

from robot.api.deco import keyword

from harness.can_port import OWN_FRAMES
from harness.clock import SECOND
from harness.errors import BusError, TestError, unknown_name
from harness.keywords.judgement import time_to_look
from harness.protocols.can_frame import new_frame
from harness.quantities import Duration

if TYPE_CHECKING:
    import can

    from harness.keywords.session import Session

_IDENTIFIER = 0x7F0
"""Of the frame by which the tester proves that it can send [P]: lowest priority, and no message of ours."""
_ON_THE_WAY = 0.05
"""Seconds by which frames of others may come behind our own that were sent later [P], where our own do not come back
from the bus: they are stamped when they are sent."""
_DATA = bytes.fromhex("48 49 4C 20 74 65 73 74")


class BenchKeywords:
    """Instruments and buses of the rig itself, before they are trusted."""

    def __init__(self, session: "Session") -> None:
        self._session = session

    @keyword
    def get_instrument_identity(self, instrument: str) -> str:
        """Returns what an instrument says of itself: manufacturer, model, serial number, version.

        Example:
        | ${identity} =    `Get Instrument Identity`    supply
        """
        instruments = self._session.rig.instruments
        if instrument not in instruments:
            raise TestError(f"Argument 'instrument': {unknown_name('instrument', instrument, instruments)}")
        return instruments[instrument].identity

    @keyword
    def prove_bus_both_ways(self, bus: str, within: Duration = Duration(1)) -> None:
        """Makes sure that a frame of the tester gets onto a bus, and that frames of others come from it.

        The tester sends one frame, 0x7F0, and waits for it to come back from the bus.

        Example:
        | `Prove Bus Both Ways`    chassis
        """
        rig = self._session.rig
        channel = rig.bus(bus).channel
        came = {"its own frame": rig.clock.event(), "a frame of others": rig.clock.event()}

        def look(frame: "can.Message") -> None:
            if frame.is_rx:
                came["a frame of others"].set()
            elif frame.arbitration_id == _IDENTIFIER and bytes(frame.data) == _DATA:
                came["its own frame"].set()

        stop = channel.listen(look)
        try:
            channel.send(new_frame(_IDENTIFIER, _DATA))
            missing = [what for what, event in came.items() if not rig.clock.wait(event, within.ns)]
        finally:
            stop()
        if missing:
            raise BusError(f"bus {bus}: the tester has not heard {' or '.join(missing)} within {within}")

    @keyword
    def prove_time_stamps(self, bus: str, during: Duration = Duration(1)) -> None:
        """Makes sure that the frames of a bus are stamped in their order, and not in the future.

        Example:
        | `Prove Time Stamps`    chassis
        """
        rig = self._session.rig
        found = rig.bus(bus)
        duration = time_to_look(during.ns)
        stamps: list[tuple[float, float]] = []
        stop = found.channel.listen(lambda frame: stamps.append((frame.timestamp, rig.clock.now / SECOND)))
        try:
            rig.clock.sleep(duration)
        finally:
            stop()
        if not stamps:
            raise BusError(f"bus {bus}: no frame came in {during}")
        last = 0.0
        disorder = found.uncertainty + (_ON_THE_WAY if OWN_FRAMES in found.channel.untold else 0)
        for stamp, now in stamps:
            if stamp > now + found.uncertainty:
                raise BusError(f"bus {bus}: a frame is stamped {stamp:.6f} s, but it is {now:.6f} s only")
            if stamp < last - disorder:
                raise BusError(f"bus {bus}: a frame is stamped {stamp:.6f} s, the one before it {last:.6f} s")
            last = stamp
