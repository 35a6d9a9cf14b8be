"""Keywords for messages as a whole: whether they come, and how regularly."""

from itertools import pairwise
from typing import TYPE_CHECKING

from robot.api.deco import keyword

from harness.buses.cycle_times import cycle_times
from harness.errors import TestError
from harness.keywords.judgement import Allowed, allowed_by, judge, time_limit
from harness.quantities import Duration, Ratio, format_quantity

if TYPE_CHECKING:
    from harness.keywords.session import Session
    from harness.protocols.database import Message

_SILENT_FOR_CYCLES = 10
"""Without a frame for this many cycle times, a message has stopped."""


class MessageKeywords:
    """Messages of the buses, by their names in the databases."""

    def __init__(self, session: "Session") -> None:
        self._session = session

    @keyword
    def message_should_be_received(self, message: str, within: str) -> None:
        """Judges that a frame of a message is received within a time from now: a duration, or a limit's name.

        Example:
        | `Message Should Be Received`    HU_Status    within=500 ms
        """
        session = self._session
        bus, found = session.rig.signals.find_message(message)
        timeout, limit_source = time_limit(session, within, "within")
        start = session.rig.clock.now
        frame = bus.watch(found, lambda _: True, timeout).frame
        took = None if frame is None else round(frame.timestamp - start / 1e9, 9)
        judge(
            session,
            f"first frame of {message}",
            value=took,
            allowed=Allowed("s", high=timeout / 1e9, source=limit_source),
            holds=frame is not None,
            actual="none came" if took is None else f"it came after {format_quantity(took, 's')}",
            source=f"can:{bus.name}/0x{found.identifier:X}",
        )

    @keyword
    def message_should_stop(self, message: str, within: str) -> None:
        """Judges that a message is no longer sent after a time from now: a duration, or a limit's name.

        It has stopped when no frame comes for ten of its cycle times; what is measured is when the last one came.

        Example:
        | `Switch Ignition`    off
        | `Message Should Stop`    HU_Status    within=after_run_time
        """
        session = self._session
        bus, found = session.rig.signals.find_message(message)
        cycle = _cycle_time(found)
        timeout, limit_source = time_limit(session, within, "within")
        start = session.rig.clock.now / 1e9
        stamps = [frame.timestamp for frame in bus.record(found, timeout + _SILENT_FOR_CYCLES * cycle)]
        last = round(stamps[-1] - start, 9) if stamps else 0.0
        judge(
            session,
            f"last frame of {message}",
            value=last,
            allowed=Allowed("s", high=timeout / 1e9, source=limit_source),
            holds=last <= timeout / 1e9,
            actual=f"the last one came after {format_quantity(last, 's')}",
            source=f"can:{bus.name}/0x{found.identifier:X}",
        )

    @keyword
    def cycle_time_should_be_kept(self, message: str, during: Duration = Duration(2)) -> None:
        """Judges how regularly a message comes, for a time from now.

        The mean of its cycle times is judged by the vehicle's limit ``cycle_time_mean_deviation``, each single one by
        ``cycle_time_interval_deviation``. The nominal cycle time is the database's.

        Example:
        | `Cycle Time Should Be Kept`    SCS_HSC2_FrP19    during=2 s
        """
        session = self._session
        bus, found = session.rig.signals.find_message(message)
        cycle = _cycle_time(found) / 1e9
        stamps = [frame.timestamp for frame in bus.record(found, during.ns)]
        source = f"can:{bus.name}/0x{found.identifier:X}"
        nominal = format_quantity(cycle, "s")
        if len(stamps) < 2:
            limit = allowed_by(session.rig.limit("cycle_time_mean_deviation"))
            actual = f"{len(stamps)} frames came in {during}"
            judge(
                session,
                f"cycle time of {message}",
                value=None,
                allowed=limit,
                holds=False,
                actual=actual,
                source=source,
            )
            return
        measured = cycle_times(stamps)
        for what, period, limit_name in (
            ("mean cycle time", measured.mean, "cycle_time_mean_deviation"),
            ("longest interval", measured.maximum, "cycle_time_interval_deviation"),
            ("shortest interval", measured.minimum, "cycle_time_interval_deviation"),
        ):
            limit = allowed_by(session.rig.limit(limit_name))
            deviation = round((period / cycle - 1) * 100, 6)
            judge(
                session,
                f"deviation of {what} of {message}",
                value=deviation,
                allowed=limit,
                holds=limit.holds(deviation),
                actual=f"it was {Ratio(deviation)}: {format_quantity(period, 's')} instead of {nominal}, "
                f"in {measured.count} intervals",
                source=source,
            )

    @keyword
    def counters_should_count(self, message: str, during: Duration = Duration(1)) -> None:
        """Judges that the counters of a message go up by one with each frame, for a time from now.

        Which signals are counters is a fact of the vehicle. A receiver takes a frozen counter for a lost message.

        Example:
        | `Counters Should Count`    SCS_HSC2_FrP19
        """
        session = self._session
        bus, found = session.rig.signals.find_message(message)
        protection = session.rig.vehicle.protection.get(message)
        counters = protection.counters if protection else ()
        if not counters:
            raise TestError(f"{session.rig.vehicle.name} names no counter of {message}")
        frames = [bytes(frame.data) for frame in bus.record(found, during.ns)]
        for counter in map(found.signal, counters):
            values = [counter.raw_of(data) for data in frames]
            modulo = 1 << counter.length
            wrong = [(old, new) for old, new in pairwise(values) if new != (old + 1) % modulo]
            actual = f"{len(frames)} frames came in {during}"
            if wrong:
                old, new = wrong[0]
                actual = f"it went from {old} to {new}, {len(wrong)} of {len(values) - 1} steps were wrong"
            judge(
                session,
                f"wrong steps of {counter.full_name}",
                value=len(wrong) if len(values) > 1 else None,
                allowed=Allowed(high=0),
                holds=len(values) > 1 and not wrong,
                actual=actual,
                source=f"can:{bus.name}/0x{found.identifier:X}",
            )


def _cycle_time(message: "Message") -> int:
    if message.cycle_time is None:
        raise TestError(f"{message.name} has no cycle time in its database: it is sent on events")
    return message.cycle_time
