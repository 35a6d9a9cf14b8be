"""Keywords for buses that fall asleep, stay so, and wake up."""

from typing import TYPE_CHECKING

from robot.api.deco import keyword

from harness.buses.can_bus import ASLEEP_AFTER
from harness.keywords.judgement import Allowed, judge, time_limit, time_to_look
from harness.quantities import Duration, format_quantity

if TYPE_CHECKING:
    from harness.keywords.session import Session

_NEVER_HEARD = ", and none has ever been heard"


class SleepKeywords:
    """Buses, by their names in the vehicle file. What the tester sends does not count."""

    def __init__(self, session: "Session") -> None:
        self._session = session

    @keyword
    def bus_should_fall_asleep(self, bus: str, within: str) -> None:
        """Judges that a bus is silent after a time from now: a duration, or a limit's name.

        It is when no frame comes for 2 s; what is measured is when the last one came. A bus on which nothing has ever
        been heard has not fallen asleep.

        Example:
        | `Switch Ignition`    off
        | `Bus Should Fall Asleep`    body    within=bus_sleep_time
        """
        session = self._session
        found = session.rig.bus(bus)
        longest, limit_source = time_limit(session, within, "within")
        start = session.rig.clock.now / 1e9
        duration = longest + Duration(ASLEEP_AFTER).ns
        with found.recording(duration) as seen:
            session.rig.clock.sleep(duration)
        frames = seen.before + seen.frames
        last = round(frames[-1].timestamp - start, 9) if frames else None
        actual = "none came" if last is None else f"the last one came after {format_quantity(last, 's')}"
        if not found.has_been_heard:
            actual += _NEVER_HEARD
        judge(
            session,
            f"last frame on {bus}",
            value=last,
            allowed=Allowed("s", high=longest / 1e9, source=limit_source),
            holds=found.has_been_heard if last is None else last <= longest / 1e9,
            uncertainty=found.uncertainty,
            actual=actual,
            source=f"can:{bus}",
        )

    @keyword
    def bus_should_stay_asleep(self, bus: str, during: Duration) -> None:
        """Judges that no frame comes on a bus for a time from now. What the tester sends does not count.

        A bus on which nothing has ever been heard fails: nobody knows whether it could be.

        Example:
        | `Switch Ignition`    off
        | `Wait`    15 s
        | `Bus Should Stay Asleep`    body    during=10 s
        """
        session = self._session
        found = session.rig.bus(bus)
        duration = time_to_look(during.ns)
        with found.recording(duration) as seen:
            session.rig.clock.sleep(duration)
        frames = seen.frames
        actual = f"there were {len(frames)}"
        if frames:
            actual += f", the first 0x{frames[0].arbitration_id:X} at {frames[0].timestamp:.6f} s"
        elif not found.has_been_heard:
            actual = f"none came{_NEVER_HEARD}"
        judge(
            session,
            f"frames on {bus} in {during}",
            value=len(frames) if found.has_been_heard else None,
            allowed=Allowed(high=0),
            holds=found.has_been_heard and not frames,
            doubtful=seen.doubtful,
            actual=actual,
            source=f"can:{bus}",
        )

    @keyword
    def bus_should_wake_up(self, bus: str, within: str) -> None:
        """Judges the time from now until a bus wakes up: a duration, or a limit's name.

        That is when the first frame comes after 2 s or more of silence; what the tester sends does not count. What
        wakes a bus may take its time, so it may have woken before now, but no longer ago than ``within``: then the time
        is below 0. A bus that has been awake for longer fails.

        Example:
        | `Switch Ignition`    off
        | `Wait`    15 s
        | `Send Line`    telematics console    wake
        | `Bus Should Wake Up`    body    within=wake_up_time
        """
        session = self._session
        found = session.rig.bus(bus)
        duration, limit_source = time_limit(session, within, "within")
        longest = time_to_look(duration, "within") / 1e9
        start = session.rig.clock.now / 1e9
        with found.recording(duration) as seen:
            woke = found.awake_since
            session.rig.clock.sleep(duration)
        if woke is None:
            woke = next((frame.timestamp for frame in seen.before + seen.frames), None)
        took = None if woke is None else round(woke - start, 9)
        was_awake = took is not None and took < -longest
        if took is None:
            actual = "no frame came"
        elif was_awake:
            actual = f"it was not asleep: it had been awake for {format_quantity(-took, 's')}"
        else:
            actual = f"it was {format_quantity(took, 's')}"
        judge(
            session,
            f"time until {bus} wakes up",
            value=None if was_awake else took,
            allowed=Allowed("s", high=longest, source=limit_source),
            holds=took is not None and abs(took) <= longest,
            uncertainty=found.uncertainty,
            doubtful=took is not None and found.uncertainty > abs(took + longest),
            actual=actual,
            source=f"can:{bus}",
        )
