"""What is simulated on a rig that runs in wall time, as the rest of the harness may use it from its own threads."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import can

from harness.can_port import ChannelHealth, FrameListener
from harness.clock import Event
from harness.errors import BenchError
from harness.simulation.can_network import SimulatedCanChannel
from harness.simulation.kernel import Kernel, SimulatedEvent
from harness.simulation.serial_line import SerialLine
from harness.transports.bench_can import BenchCanChannel
from harness.transports.paced_kernel import PacedKernel
from harness.transports.stream import StreamListener
from harness.transports.wall_clock import WallClock


class PacedClock:
    """The wall clock, which can wait for events of a simulation that is paced as well."""

    def __init__(self, clock: WallClock, paced: PacedKernel) -> None:
        self._clock = clock
        self._paced = paced
        self.sleep = clock.sleep
        self.event = clock.event

    @property
    def now(self) -> int:
        """Rig time in nanoseconds."""
        return self._clock.now

    def wait(self, event: Event, timeout: int) -> bool:
        """Wait until the event is set, `timeout` nanoseconds at most; say whether it was set."""
        if isinstance(event, SimulatedEvent):
            simulated, event = event, self._clock.event()
            with self._paced.held():
                simulated.when_set(event.set)
        return self._clock.wait(event, timeout)


@dataclass(frozen=True)
class Bench:
    """What a rig that runs in wall time gives to its simulated part."""

    kernel: Kernel
    clock: WallClock
    paced: PacedKernel
    channels: Mapping[str, BenchCanChannel]
    """The real buses."""


class PacedCanChannel:
    """The tester's channel on a simulated bus that is paced."""

    def __init__(self, channel: SimulatedCanChannel, paced: PacedKernel) -> None:
        self._channel = channel
        self._paced = paced

    @property
    def uncertainty(self) -> float:
        """Seconds by which time stamps may be off: none."""
        return self._channel.uncertainty

    def send(self, frame: can.Message) -> None:
        """Queue a frame.

        Raises:
            BusError: the channel is closed, or this is no classic data frame.
        """
        with self._paced.held():
            self._channel.send(frame)

    def listen(self, listener: FrameListener, identifiers: Collection[int] | None = None) -> Callable[[], None]:
        """Call `listener` with each frame on the bus (of these identifiers); return what ends that."""
        with self._paced.held():
            return _held(self._channel.listen(listener, identifiers), self._paced)

    @property
    def untold(self) -> tuple[str, ...]:
        """What its health cannot know: nothing."""
        return self._channel.untold

    def prove_alive(self) -> None:
        """Make sure that the simulation runs.

        Raises:
            BenchError: it has failed.
        """
        self._paced.check()

    def health(self) -> ChannelHealth:
        """Return the state of the channel's controller."""
        with self._paced.held():
            return self._channel.health()

    def close(self) -> None:
        """Leave the bus."""
        with self._paced.held():
            self._channel.close()


class PacedStream:
    """The console of a simulated ECU that is paced."""

    def __init__(self, line: SerialLine, paced: PacedKernel) -> None:
        self._line = line
        self._paced = paced

    @property
    def uncertainty(self) -> float:
        """Seconds that bytes may have been held up: they never are."""
        return self._line.uncertainty

    def send(self, data: bytes) -> None:
        """Send bytes to the ECU."""
        with self._paced.held():
            self._line.send(data)

    def listen(self, listener: StreamListener) -> Callable[[], None]:
        """Call `listener` with all that the ECU sends from now on; return what ends that."""
        with self._paced.held():
            return _held(self._line.listen(listener), self._paced)

    def problems(self) -> list[str]:
        """Return what is wrong with the line: nothing ever is."""
        return self._line.problems()

    def close(self) -> None:
        """Let nobody listen any more."""
        with self._paced.held():
            self._line.close()


def _held(stop: Callable[[], None], paced: PacedKernel) -> Callable[[], None]:
    def held_stop() -> None:
        try:
            with paced.held():
                stop()
        except BenchError:
            if not paced.problems:  # one that has failed calls nobody any more
                raise

    return held_stop
