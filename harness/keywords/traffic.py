"""Keywords for the traffic on the buses: load, regularity, checksums, and what the gateway passes on."""

from typing import TYPE_CHECKING

from robot.api import logger
from robot.api.deco import keyword

from harness.buses.cycle_times import cycle_times
from harness.can_port import EXTENDED
from harness.errors import TestError, unknown_name
from harness.keywords.judgement import Allowed, allowed_by, judge, limit_of, time_to_look
from harness.keywords.received import is_missing, source
from harness.protocols.checksums import CHECKSUMS
from harness.quantities import Duration, Ratio, format_quantity

if TYPE_CHECKING:
    from collections.abc import Sequence

    import can

    from harness.buses.can_bus import CanBus, Recording
    from harness.keywords.session import Session
    from harness.protocols.database import Message
    from harness.vehicle import Route

_WINDOW = 0.1
"""Seconds of which the highest load of a bus is a mean."""
_LONGEST_WAY = 0.2
"""Seconds within which a frame has been passed on, or it is lost [P]."""


class TrafficKeywords:
    """Buses and routes of the gateway, by their names in the vehicle file."""

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
        limits = {
            "mean": limit_of(session, mean, Ratio, "mean"),
            "highest": limit_of(session, peak, Ratio, "peak"),
        }
        duration = time_to_look(during.ns)
        with found.recording(duration, own=True) as seen:
            session.rig.clock.sleep(duration)
        frames = seen.frames
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
                doubtful=seen.doubtful,
                actual=f"it was {Ratio(percent)}, {len(frames)} frames in {during}" if frames else "no frame came",
                source=f"can:{bus}",
            )

    @keyword
    def all_messages_should_be_regular(self, bus: str, during: Duration = Duration(5)) -> None:
        """Judges the cycle times of all cyclic messages of a bus at once, for a time from now.

        The means are judged by the vehicle's limit ``cycle_time_mean_deviation``, each single one by
        ``cycle_time_interval_deviation``; the worst message of each is named. Silence before the first frame and
        behind the last counts, too. A message of which fewer than two frames come, or none for more than three cycle
        times at the beginning or the end, is missing and fails. On a bench single cycle times of the rest bus, which
        the harness sends itself, are not judged: they tell how busy the computer is.

        Example:
        | `All Messages Should Be Regular`    body    during=5 s
        """
        session = self._session
        found = session.rig.bus(bus)
        duration = time_to_look(during.ns)
        wanted = {key: it for key, it in found.database.by_key.items() if it.cycle_time}
        if not wanted:
            raise TestError(f"Argument 'bus': no message of {bus} has a cycle time in its database")
        stamps: dict[int, list[float]] = {key: [] for key in wanted}
        with found.recording(duration, wanted.keys()) as seen:
            session.rig.clock.sleep(duration)
        for frame in seen.frames:
            key = frame.arbitration_id | EXTENDED if frame.is_extended_id else frame.arbitration_id
            stamps[key].append(frame.timestamp)
        missing = [lack for key, message in wanted.items() if (lack := _lack(message, stamps[key], seen))]
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
        times = {key: cycle_times(it, seen.begin, seen.end) for key, it in stamps.items() if len(it) > 1}
        of_the_car = {key: it for key, it in times.items() if not session.rig.is_rest_bus(wanted[key].name)}
        for what, limit, judged, periods in (
            ("mean cycle time", "cycle_time_mean_deviation", times, lambda it: (it.mean,)),
            ("single cycle time", "cycle_time_interval_deviation", of_the_car, lambda it: (it.minimum, it.maximum)),
        ):
            if not judged:
                logger.info(f"no {what} on {bus} is judged: nothing came but what the harness sends itself")
                continue
            allowed = allowed_by(session.rig.limit(limit))
            worst, message = max(
                (
                    (period * 1e9 / (wanted[key].cycle_time or 0) - 1, wanted[key])
                    for key, it in judged.items()
                    for period in periods(it)
                ),
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

        Which signal is the checksum, and how it is worked out, are facts of the vehicle. A message of which no frame
        comes fails.

        Example:
        | `Checksums Should Be Right`    BCM_Doors    during=1 s
        """
        session = self._session
        bus, found = session.rig.signals.find_message(message)
        protection = session.rig.vehicle.protection.get(message)
        checksum = protection.checksum if protection else None
        if checksum is None:
            raise TestError(f"{session.rig.vehicle.name} names no checksum of {message}")
        seen = bus.record(found, time_to_look(during.ns))
        frames = seen.frames
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
            doubtful=seen.doubtful,
            actual=f"{wrong} of {len(frames)} were" if frames else f"no frame came in {during}",
            source=source(bus, found),
        )

    @keyword
    def gateway_latency_should_meet(
        self, route: str, limit: str = "gateway_latency", during: Duration = Duration(1)
    ) -> None:
        """Judges a route of the gateway for a time from now: that no frame is lost or changed, and the longest latency.

        The latency is from the end of a frame to the end of its copy on the other bus. A frame has been lost when no
        copy with the same data comes within 200 ms; how many may be is the vehicle's limit ``gateway_lost``. A route
        of which no frame is sent fails; what the tester sends counts on neither bus. ``route`` is one of the vehicle's,
        of those that pass whole frames on; ``limit`` is one of its limits of a duration.

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
        duration = time_to_look(during.ns)
        uncertainty = source_bus.uncertainty + target_bus.uncertainty
        # The last frame that counts may have ended two uncertainties late, and its copy has all its time from there.
        behind = Duration(_LONGEST_WAY + 2 * source_bus.uncertainty).ns
        with (
            source_bus.recording(duration, (original.key,)) as sent,
            target_bus.recording(duration + behind, (copied.key,)) as passed_on,
        ):
            rig.clock.sleep(duration + behind)
        latencies = _latencies(sent.frames, passed_on.before + passed_on.frames, uncertainty)
        found = [latency for latency in latencies if latency is not None]
        lost = len(latencies) - len(found)
        longest = round(max(found), 9) if found else None
        unsure = sum(latency > _LONGEST_WAY - uncertainty for latency in found) if uncertainty else 0
        place = source(target_bus, copied)
        judge(
            session,
            f"frames lost on route {route}",
            value=lost if latencies else None,
            allowed=lost_allowed,
            holds=bool(latencies) and lost_allowed.holds(lost),
            doubtful=sent.doubtful or (lost_allowed.holds(lost) and not lost_allowed.holds(lost + unsure)),
            actual=f"{lost} of {len(latencies)} were" if latencies else f"no frame was sent in {during}",
            source=place,
        )
        judge(
            session,
            f"latency of route {route}",
            value=longest,
            allowed=allowed,
            holds=longest is not None and allowed.holds(longest),
            uncertainty=uncertainty,
            actual=f"it was up to {format_quantity(longest, 's')} in {len(found)} frames"
            if longest is not None
            else "no frame was passed on",
            source=place,
        )

    def _route(self, name: str) -> "Route":
        routes = {key: route for key, route in self._session.rig.vehicle.routes.items() if not route.signals}
        if name not in routes:
            raise TestError(f"Argument 'route': {unknown_name('route of whole frames', name, routes)}")
        return routes[name]

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


def _lack(message: "Message", stamps: "Sequence[float]", seen: "Recording") -> str:
    """Return the name of a message that was missing, and since or until when; empty for one that came all the time."""
    if len(stamps) < 2:
        return message.name
    if is_missing(message, stamps[0] - seen.begin):
        return f"{message.name} (until {stamps[0]:.3f} s)"
    if is_missing(message, seen.end - stamps[-1]):
        return f"{message.name} (since {stamps[-1]:.3f} s)"
    return ""


def _latencies(
    sent: "Sequence[can.Message]", passed_on: "Sequence[can.Message]", uncertainty: float = 0.0
) -> list[float | None]:
    """Return for each frame how long it took to its copy; None where there is none, wherever the stamps may be off."""
    latencies: list[float | None] = []
    copies = list(passed_on)
    for frame in sent:
        earliest, latest = frame.timestamp - uncertainty, frame.timestamp + _LONGEST_WAY + uncertainty
        for index, copy in enumerate(copies):
            if earliest < copy.timestamp <= latest and bytes(copy.data) == bytes(frame.data):
                latencies.append(copy.timestamp - frame.timestamp)
                del copies[: index + 1]
                break
        else:
            latencies.append(None)
    return latencies
