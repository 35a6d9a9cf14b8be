"""Keywords for the buses as a whole: load, sleep and wake-up, regularity, and what the gateway passes on."""

from itertools import pairwise
from typing import TYPE_CHECKING

from robot.api import logger
from robot.api.deco import keyword

from harness.errors import TestError, unknown_name
from harness.keywords.judgement import Allowed, allowed_by, judge, limit_of, time_limit
from harness.keywords.received import source
from harness.protocols.checksums import CHECKSUMS
from harness.quantities import Duration, Ratio, format_quantity

if TYPE_CHECKING:
    from collections.abc import Sequence

    import can

    from harness.buses.can_bus import CanBus
    from harness.keywords.session import Session
    from harness.protocols.database import Message
    from harness.vehicle import Route

_WINDOW = 0.1
"""Seconds of which the highest load of a bus is a mean."""
_SILENCE = Duration(2)
"""Without a frame for so long, a bus has gone to sleep [P]: four times the cycle of network management."""
_LONGEST_WAY = Duration(0.2)
"""Within this time a frame has been passed on, or it is lost [P]."""


class NetworkKeywords:
    """Buses as a whole, by their names in the vehicle file, and the routes of the gateway."""

    def __init__(self, session: "Session") -> None:
        self._session = session

    @keyword
    def bus_load_should_meet(
        self, bus: str, mean: str = "bus_load_mean", peak: str = "bus_load_peak", during: Duration = Duration(2)
    ) -> None:
        """Judges the load of a bus for a time from now: its mean, and the highest one in any 100 ms.

        The load is the time that frames take, the space behind each included, as a part of all time. ``mean`` and
        ``peak`` are limits of the vehicle. A bus without a frame fails.

        Example:
        | `Bus Load Should Meet`    body    during=2 s
        """
        session = self._session
        found = session.rig.bus(bus)
        limits = {what: limit_of(session, name, Ratio) for what, name in (("mean", mean), ("highest", peak))}
        frames = self._record(found, during)
        times = [(frame.timestamp, self._time_of(found, frame)) for frame in frames]
        loads = {"mean": sum(time for _, time in times) / during, "highest": _highest(times)}
        for what, load in loads.items():
            percent = round(load * 100, 6)
            judge(
                session,
                f"{what} load of {bus}",
                value=percent if frames else None,
                allowed=limits[what],
                holds=bool(frames) and limits[what].holds(percent),
                actual=f"it was {Ratio(percent)}, {len(frames)} frames in {during}" if frames else "no frame came",
                source=f"can:{bus}",
            )

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
        frames = self._heard(found, Duration(longest / 1e9 + _SILENCE))
        last = round(frames[-1].timestamp - start, 9) if frames else None
        actual = "none came" if last is None else f"the last one came after {format_quantity(last, 's')}"
        if not found.has_been_heard:
            actual += ", and none has ever been heard"
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

        Example:
        | `Switch Ignition`    off
        | `Wait`    15 s
        | `Bus Should Stay Asleep`    body    during=10 s
        """
        session = self._session
        found = session.rig.bus(bus)
        frames = self._heard(found, during)
        first = f", the first 0x{frames[0].arbitration_id:X} at {frames[0].timestamp:.6f} s" if frames else ""
        judge(
            session,
            f"frames on {bus} in {during}",
            value=len(frames),
            allowed=Allowed(high=0),
            holds=not frames,
            actual=f"there were {len(frames)}{first}",
            source=f"can:{bus}",
        )

    @keyword
    def bus_should_wake_up(self, bus: str, within: str) -> None:
        """Judges the time from now until the first frame comes on a bus: a duration, or a limit's name.

        What the tester sends does not count.

        Example:
        | `Switch Ignition`    off
        | `Wait`    15 s
        | `Send Line`    telematics console    wake
        | `Bus Should Wake Up`    body    within=wake_up_time
        """
        session = self._session
        found = session.rig.bus(bus)
        longest, limit_source = time_limit(session, within, "within")
        start = session.rig.clock.now / 1e9
        frames = self._heard(found, Duration(longest / 1e9))
        took = round(frames[0].timestamp - start, 9) if frames else None
        judge(
            session,
            f"time until {bus} wakes up",
            value=took,
            allowed=Allowed("s", high=longest / 1e9, source=limit_source),
            holds=took is not None and took <= longest / 1e9,
            uncertainty=found.uncertainty,
            actual="no frame came" if took is None else f"it was {format_quantity(took, 's')}",
            source=f"can:{bus}",
        )

    @keyword
    def all_messages_should_be_regular(self, bus: str, during: Duration = Duration(5)) -> None:
        """Judges the cycle times of all cyclic messages of a bus at once, for a time from now.

        The means are judged by the vehicle's limit ``cycle_time_mean_deviation``, each single one by
        ``cycle_time_interval_deviation``; the worst message of each is named. A message of which fewer than two frames
        come fails. On a bench single cycle times of the rest bus, which the harness sends itself, are not judged: they
        tell how busy the computer is.

        Example:
        | `All Messages Should Be Regular`    body    during=5 s
        """
        session = self._session
        found = session.rig.bus(bus)
        wanted = {key: it for key, it in found.database.by_key.items() if it.cycle_time}
        stamps: dict[int, list[float]] = {key: [] for key in wanted}
        by_identifier = {message.identifier: key for key, message in wanted.items()}
        for frame in self._record(found, during):
            if frame.is_rx and frame.arbitration_id in by_identifier:
                stamps[by_identifier[frame.arbitration_id]].append(frame.timestamp)
        missing = [wanted[key].name for key, seen in stamps.items() if len(seen) < 2]
        judge(
            session,
            f"messages missing on {bus}",
            value=len(missing),
            allowed=Allowed(high=0),
            holds=not missing,
            actual=f"{len(missing)} of {len(wanted)} were: {', '.join(missing)}"
            if missing
            else f"all {len(wanted)} came",
            source=f"can:{bus}",
        )
        of_the_car = {key for key, message in wanted.items() if not session.rig.is_rest_bus(message.name)}
        for what, limit, deviations, judged in (
            ("mean cycle time", "cycle_time_mean_deviation", _mean_deviations, wanted.keys()),
            ("single cycle time", "cycle_time_interval_deviation", _single_deviations, of_the_car),
        ):
            if not judged:
                logger.info(f"no {what} on {bus} is judged: the harness sends all of its messages itself")
                continue
            allowed = allowed_by(session.rig.limit(limit))
            worst, message = max(
                ((deviation, wanted[key]) for key in judged for deviation in deviations(stamps[key], wanted[key])),
                key=lambda entry: abs(entry[0]),
            )
            percent = round(worst * 100, 6)
            judge(
                session,
                f"worst deviation of a {what} on {bus}",
                value=percent,
                allowed=allowed,
                holds=allowed.holds(percent),
                actual=f"it was {Ratio(percent)}, of {message.name}",
                source=source(found, message),
            )

    @keyword
    def checksums_should_be_right(self, message: str, during: Duration = Duration(1)) -> None:
        """Judges the checksum of each frame of a message for a time from now.

        Which signal is the checksum, and how it is worked out, are facts of the vehicle.

        Example:
        | `Checksums Should Be Right`    BCM_Doors    during=1 s
        """
        session = self._session
        bus, found = session.rig.signals.find_message(message)
        protection = session.rig.vehicle.protection.get(message)
        checksum = protection.checksum if protection else None
        if checksum is None:
            raise TestError(f"{session.rig.vehicle.name} names no checksum of {message}")
        frames = bus.record(found, during.ns).frames
        wrong = 0
        for frame in frames:
            if len(frame.data) < found.length:
                wrong += 1
                continue
            raw = {name: signal.raw_of(bytes(frame.data)) for name, signal in found.signals.items()}
            without = found.encode_raw({**raw, checksum.signal: 0})
            wrong += raw[checksum.signal] != CHECKSUMS[checksum.algorithm](raw, without, checksum.data_id)
        judge(
            session,
            f"wrong checksums of {message}",
            value=wrong if frames else None,
            allowed=allowed_by(session.rig.limit("checksum_errors")),
            holds=bool(frames) and not wrong,
            actual=f"{wrong} of {len(frames)} were" if frames else f"no frame came in {during}",
            source=source(bus, found),
        )

    @keyword
    def gateway_latency_should_meet(
        self, route: str, limit: str = "gateway_latency", during: Duration = Duration(1)
    ) -> None:
        """Judges a route of the gateway for a time from now: the longest latency, and that no frame is lost or changed.

        The latency is from the end of a frame to the end of its copy on the other bus. A frame has been lost when no
        copy with the same data comes within 200 ms; how many may be is the vehicle's limit ``gateway_lost``. ``route``
        is one of the vehicle's, of those that pass whole frames on.

        Example:
        | `Gateway Latency Should Meet`    vehicle speed to body    gateway_latency
        """
        session = self._session
        rig = session.rig
        facts = self._route(route)
        allowed = limit_of(session, limit, Duration)
        lost_allowed = allowed_by(rig.limit("gateway_lost"))
        source_bus, target_bus = rig.bus(facts.source.bus), rig.bus(facts.target.bus)
        original = source_bus.database.message(facts.source.message)
        copied = target_bus.database.message(facts.target.message)
        with source_bus.recording((original.key,)) as sent, target_bus.recording((copied.key,)) as passed_on:
            rig.clock.sleep(during.ns)
            end = rig.clock.now / 1e9
            rig.clock.sleep(_LONGEST_WAY.ns)
        latencies = _latencies([frame for frame in sent if frame.timestamp <= end], passed_on)
        found = [latency for latency in latencies if latency is not None]
        lost = len(latencies) - len(found)
        longest = round(max(found), 9) if found else None
        none = f"{len(latencies)} frames were sent and none passed on" if latencies else "no frame was sent"
        place = source(target_bus, copied)
        judge(
            session,
            f"latency of route {route}",
            value=longest,
            allowed=allowed,
            holds=longest is not None and allowed.holds(longest),
            uncertainty=source_bus.uncertainty + target_bus.uncertainty,
            actual=none if longest is None else f"it was up to {format_quantity(longest, 's')} in {len(found)} frames",
            source=place,
        )
        judge(
            session,
            f"frames lost on route {route}",
            value=lost,
            allowed=lost_allowed,
            holds=lost_allowed.holds(lost),
            actual=f"{lost} of {len(latencies)} were",
            source=place,
        )

    def _route(self, name: str) -> "Route":
        routes = {key: route for key, route in self._session.rig.vehicle.routes.items() if not route.signals}
        if name not in routes:
            raise TestError(f"Argument 'route': {unknown_name('route of whole frames', name, routes)}")
        return routes[name]

    def _record(self, bus: "CanBus", during: Duration) -> "list[can.Message]":
        """Return the frames of a bus in a time from now."""
        if not during:
            raise TestError("Argument 'during': nothing can be seen in 0 s")
        clock = self._session.rig.clock
        end = clock.now / 1e9 + during + bus.uncertainty
        with bus.recording() as frames:
            clock.sleep(during.ns)
        return [frame for frame in frames if frame.timestamp <= end]

    def _heard(self, bus: "CanBus", during: Duration) -> "list[can.Message]":
        return [frame for frame in self._record(bus, during) if frame.is_rx]

    def _time_of(self, bus: "CanBus", frame: "can.Message") -> float:
        """Return how long a frame keeps its bus busy, in seconds."""
        from harness.protocols.can_fd_frame import fd_frame_bits
        from harness.protocols.can_frame import frame_bits

        facts = self._session.rig.vehicle.buses[bus.name]
        data = bytes(frame.data)
        if not frame.is_fd:
            return frame_bits(frame.arbitration_id, data, frame.is_extended_id) / facts.bitrate
        slow, fast = fd_frame_bits(frame.arbitration_id, data, frame.is_extended_id, frame.bitrate_switch)
        return slow / facts.bitrate + fast / (facts.data_bitrate or facts.bitrate)


def _highest(times: "Sequence[tuple[float, float]]") -> float:
    """Return the highest load in any window, from ends and durations of frames."""
    highest = busy = 0.0
    oldest = 0
    for end, time in times:
        busy += time
        while times[oldest][0] <= end - _WINDOW:
            busy -= times[oldest][1]
            oldest += 1
        highest = max(highest, busy)
    return highest / _WINDOW


def _mean_deviations(stamps: "Sequence[float]", message: "Message") -> list[float]:
    cycle = (message.cycle_time or 0) / 1e9
    return [(stamps[-1] - stamps[0]) / (len(stamps) - 1) / cycle - 1] if len(stamps) > 1 else []


def _single_deviations(stamps: "Sequence[float]", message: "Message") -> list[float]:
    cycle = (message.cycle_time or 0) / 1e9
    return [(later - earlier) / cycle - 1 for earlier, later in pairwise(stamps)]


def _latencies(sent: "Sequence[can.Message]", passed_on: "Sequence[can.Message]") -> list[float | None]:
    """Return for each frame how long it took to its copy; None where there is none."""
    latencies: list[float | None] = []
    copies = list(passed_on)
    for frame in sent:
        earliest, latest = frame.timestamp, frame.timestamp + _LONGEST_WAY
        for index, copy in enumerate(copies):
            if earliest < copy.timestamp <= latest and bytes(copy.data) == bytes(frame.data):
                latencies.append(copy.timestamp - earliest)
                del copies[: index + 1]
                break
        else:
            latencies.append(None)
    return latencies
