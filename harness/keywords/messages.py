"""Keywords for messages as a whole: whether they come, and how regularly."""

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from robot.api.deco import keyword

from harness.buses.cycle_times import cycle_times
from harness.errors import TestError
from harness.keywords.judgement import Allowed, allowed_by, judge, time_limit, time_to_look
from harness.keywords.received import is_missing, raw_in, source
from harness.quantities import Duration, Ratio, format_quantity

if TYPE_CHECKING:
    import can

    from harness.keywords.session import Session
    from harness.protocols.database import Message

NOMINAL = "nominal"
_SILENT_FOR_CYCLES = 10
"""Without a frame for this many cycle times, a message has stopped."""


class MessageKeywords:
    """Messages of the buses, by their names in the databases."""

    def __init__(self, session: "Session") -> None:
        self._session = session

    @keyword
    def send_frame(self, bus: str, identifier: str, data: str) -> None:
        """Sends one frame as a tester on a bus.

        ``identifier`` is hexadecimal: three digits for a base frame, eight for an extended one. ``data`` are up to
        eight bytes in hexadecimal.

        Example:
        | `Send Frame`    chassis    0x123    11 22 33 44
        """
        self._session.rig.bus(bus).channel.send(_frame(identifier, data))

    @keyword
    def frame_should_arrive(self, message: str, within: str) -> None:
        """Judges that a frame of a message arrives within a time from now: a duration, or a limit's name.

        Example:
        | `Frame Should Arrive`    HU_Status    within=500 ms
        """
        session = self._session
        bus, found = session.rig.signals.find_message(message)
        timeout, limit_source = time_limit(session, within, "within")
        start = session.rig.clock.now
        sighting = bus.watch(found, lambda _: True, timeout)
        frame = sighting.frame
        took = None if frame is None else round(frame.timestamp - start / 1e9, 9)
        judge(
            session,
            f"time until a frame of {message} arrives",
            value=took,
            allowed=Allowed("s", high=timeout / 1e9, source=limit_source),
            holds=frame is not None,
            doubtful=frame is None and sighting.doubtful,
            uncertainty=bus.uncertainty,
            actual="none came" if took is None else f"it was {format_quantity(took, 's')}",
            source=source(bus, found, frame),
        )

    @keyword
    def frame_should_not_arrive(self, message: str, during: Duration) -> None:
        """Judges that no frame of a message arrives for a time from now.

        Example:
        | `Switch Ignition`    off
        | `Wait`    5 s
        | `Frame Should Not Arrive`    HU_Status    during=2 s
        """
        session = self._session
        bus, found = session.rig.signals.find_message(message)
        seen = bus.record(found, time_to_look(during.ns))
        stamps = [frame.timestamp for frame in seen.frames]
        first = f", the first at {stamps[0]:.6f} s" if stamps else ""
        judge(
            session,
            f"frames of {message} in {during}",
            value=len(stamps),
            allowed=Allowed(high=0),
            holds=not stamps,
            doubtful=seen.doubtful,
            actual=f"there were {len(stamps)}{first}",
            source=source(bus, found),
        )

    @keyword
    def message_should_stop(self, message: str, within: str) -> None:
        """Judges that a message is no longer sent after a time from now: a duration, or a limit's name.

        It has stopped when no frame comes for ten of its cycle times; what is measured is when the last one came. A
        message that has never been seen has not stopped.

        Example:
        | `Switch Ignition`    off
        | `Message Should Stop`    HU_Status    within=after_run_time
        """
        session = self._session
        bus, found = session.rig.signals.find_message(message)
        cycle = _cycle_time(found)
        timeout, limit_source = time_limit(session, within, "within")
        start = session.rig.clock.now / 1e9
        stamps = [frame.timestamp for frame in bus.record(found, timeout + _SILENT_FOR_CYCLES * cycle).frames]
        last = round(stamps[-1] - start, 9) if stamps else None
        seen_before = bus.latest(found) is not None
        actual = "none came" + ("" if seen_before else ", and none has ever been seen")
        judge(
            session,
            f"last frame of {message}",
            value=last,
            allowed=Allowed("s", high=timeout / 1e9, source=limit_source),
            holds=seen_before if last is None else last <= timeout / 1e9,
            uncertainty=bus.uncertainty,
            actual=actual if last is None else f"the last one came after {format_quantity(last, 's')}",
            source=source(bus, found),
        )

    @keyword
    def cycle_time_should_be(
        self, message: str, expected: str = NOMINAL, tolerance: str = "", during: Duration = Duration(2)
    ) -> None:
        """Judges how regularly a message comes, for a time from now: the mean of its cycle times and each of them.

        ``expected`` is a duration, or ``nominal`` for what the database says. ``tolerance`` is a ratio that holds for
        the mean and for each single one; without it the mean is judged by the vehicle's limit
        ``cycle_time_mean_deviation``, and each single one by ``cycle_time_interval_deviation``.

        Example:
        | `Cycle Time Should Be`    SCS_HSC2_FrP19
        | `Cycle Time Should Be`    SCS_HSC2_FrP19    20 ms    tolerance=10 %    during=5 s
        """
        session = self._session
        bus, found = session.rig.signals.find_message(message)
        cycle = _cycle_time(found) / 1e9 if expected == NOMINAL else _period(expected)
        of_mean, of_intervals = self._deviations(tolerance)
        seen = bus.record(found, time_to_look(during.ns))
        stamps = [frame.timestamp for frame in seen.frames]
        if len(stamps) < 2:
            judge(
                session,
                f"cycle time of {message}",
                value=None,
                allowed=of_mean,
                holds=False,
                actual=f"{len(stamps)} frames came in {during}",
                source=source(bus, found),
            )
            return
        measured = cycle_times(stamps, seen.begin, seen.end)
        for what, period, allowed in (
            ("mean cycle time", measured.mean, of_mean),
            ("longest interval", measured.maximum, of_intervals),
            ("shortest interval", measured.minimum, of_intervals),
        ):
            deviation = round((period / cycle - 1) * 100, 6)
            judge(
                session,
                f"deviation of {what} of {message}",
                value=deviation,
                allowed=allowed,
                holds=allowed.holds(deviation),
                actual=f"it was {Ratio(deviation)}: {format_quantity(period, 's')} instead of "
                f"{format_quantity(cycle, 's')}, in {measured.count} intervals",
                source=source(bus, found),
            )

    def _deviations(self, tolerance: str) -> tuple[Allowed, Allowed]:
        if not tolerance:
            limit = self._session.rig.limit
            return allowed_by(limit("cycle_time_mean_deviation")), allowed_by(limit("cycle_time_interval_deviation"))
        try:
            width = float(Ratio.parse(tolerance))
        except TestError as error:
            raise TestError(f"Argument 'tolerance': {error}") from None
        if width < 0:
            raise TestError(f"Argument 'tolerance': {tolerance} is negative")
        allowed = Allowed("%", -width, width)
        return allowed, allowed

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
            protected = session.rig.vehicle.protection.items()
            known = ", ".join(sorted(name for name, it in protected if it.counters))
            raise TestError(f"{session.rig.vehicle.name} names no counter of {message}. Known: {known or 'none'}")
        seen = bus.record(found, time_to_look(during.ns))
        frames = seen.frames
        ended = found.cycle_time and is_missing(found, seen.end - (frames[-1].timestamp if frames else seen.begin))
        limit = allowed_by(session.rig.limit("counter_errors"))
        for counter in map(found.signal, counters):
            values = [raw_in(counter, frame) for frame in frames]
            modulo = 1 << counter.length
            wrong = [
                (old, new) for old, new in pairwise(values) if old is None or new is None or new != (old + 1) % modulo
            ]
            actual = f"{len(frames)} frames came in {during}"
            if ended and frames:
                actual += f", none since {frames[-1].timestamp:.3f} s"
            if wrong:
                old, new = wrong[0]
                actual = (
                    f"it went from {_shown(old)} to {_shown(new)}, {len(wrong)} of {len(values) - 1} steps were wrong"
                )
            judge(
                session,
                f"wrong steps of {counter.full_name}",
                value=len(wrong) if len(values) > 1 else None,
                allowed=limit,
                holds=len(values) > 1 and not wrong and not ended,
                actual=actual,
                source=source(bus, found),
            )


def _cycle_time(message: "Message") -> int:
    if message.cycle_time is None:
        raise TestError(f"{message.name} has no cycle time in its database: it is sent on events")
    return message.cycle_time


def _shown(counter: int | None) -> str:
    return "nothing, in a frame too short," if counter is None else str(counter)


def _period(expected: str) -> float:
    try:
        period = Duration.parse(expected)
    except TestError as error:
        raise TestError(f"Argument 'expected': {error}, or {NOMINAL!r}") from None
    if not period:
        raise TestError(f"Argument 'expected': {expected} is no cycle time; it must be above 0 s")
    return period


def _frame(identifier: str, data: str) -> "can.Message":
    from harness.protocols.can_frame import new_frame

    if not re.fullmatch(r"(0x)?([0-7][0-9A-Fa-f]{2}|[01][0-9A-Fa-f]{7})", identifier):
        raise TestError(f"Argument 'identifier': {identifier!r} is none; 0x000 to 0x7FF or 0x00000000 to 0x1FFFFFFF")
    if not re.fullmatch(r"([0-9A-Fa-f]{2} ?){0,8}", data):
        raise TestError(f"Argument 'data': {data!r} is not up to eight bytes in hexadecimal, such as '11 22 33'")
    digits = identifier.removeprefix("0x")
    return new_frame(int(digits, 16), bytes.fromhex(data), extended=len(digits) > 3)
