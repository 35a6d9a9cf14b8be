"""The whole car: three buses, gateway and recording; power cycles; a night asleep."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import can

from benchmarks.measure import in_turn, report, seconds
from harness.buses.trace import Trace
from harness.clock import MILLISECOND, SECOND
from harness.rig.open_rig import open_rig
from harness.rig.rig import Rig

RIG = Path(__file__).parents[1] / "rigs/rx5-virtual.yaml"
RIG_SECONDS = 20
CYCLES = 500
WAKE_UPS = 10
NIGHT = 12 * 3600 * SECOND
BOOTED = 1_600 * MILLISECOND
"""From terminal 30 until the head unit says that it runs, and a bit."""
RUNS = 3


@contextmanager
def _recorded_rig(folder: Path) -> Iterator[Rig]:
    """Open the rig, record all its buses, and switch the car on."""
    rig = open_rig(RIG)
    trace = Trace(folder / "car.blf")
    for number, bus in enumerate(rig.buses.values(), 1):
        trace.record(bus.channel, number)
    rig.power_up()
    rig.switch_power_mode("on")
    rig.clock.sleep(4 * SECOND)
    try:
        yield rig
    finally:
        trace.close()
        rig.close()


def _drive(folder: Path) -> float:
    with _recorded_rig(folder) as rig:
        return seconds(lambda: rig.clock.sleep(RIG_SECONDS * SECOND))


def _cycle(folder: Path) -> float:
    with _recorded_rig(folder) as rig:

        def cycle() -> None:
            for _ in range(CYCLES):
                rig.supply.switch(on=False)
                rig.clock.sleep(200 * MILLISECOND)
                rig.supply.switch(on=True)
                rig.clock.sleep(BOOTED)

        return seconds(cycle)


def _sleep_through_a_night(folder: Path) -> float:
    with _recorded_rig(folder) as rig:
        rig.switch_power_mode("off")

        def night() -> None:
            for _ in range(WAKE_UPS):
                rig.clock.sleep(NIGHT // WAKE_UPS)
                rig.console("telematics console").send_line("wake")
            rig.clock.sleep(30 * SECOND)

        return seconds(night)


def _traffic(folder: Path) -> tuple[int, float]:
    """Return how many messages there are, and how many frames a second."""
    seen: set[tuple[str, int]] = set()
    count = 0
    with _recorded_rig(folder) as rig:
        for name, bus in rig.buses.items():

            def listen(frame: can.Message, name: str = name) -> None:
                nonlocal count
                count += 1
                seen.add((name, frame.arbitration_id))

            bus.channel.listen(listen)
        rig.clock.sleep(10 * SECOND)
        return len(seen), count / 10


def run(folder: Path) -> bool:
    """Measure and report; return whether all goals are met."""
    messages, rate = _traffic(folder)
    (took,) = in_turn(lambda: _drive(folder), runs=5)
    met = report(
        f"the whole car: 3 buses, {messages} messages, {rate:.0f} frames/s, gateway, recorded",
        RIG_SECONDS / took,
        "rig seconds per second",
        peer="none",
        peer_value=None,
        ratio=None,
        goal="at least 40",
        met=RIG_SECONDS / took >= 40,
    )
    (took,) = in_turn(lambda: _cycle(folder), runs=RUNS)
    met &= report(
        f"{CYCLES} power cycles of the whole car, recorded",
        took,
        "s",
        peer="none",
        peer_value=None,
        ratio=None,
        goal="under 20 s",
        met=took < 20,
    )
    (took,) = in_turn(lambda: _sleep_through_a_night(folder), runs=RUNS)
    return met & report(
        f"12 h asleep with {WAKE_UPS} wake-ups, recorded",
        took,
        "s",
        peer="none",
        peer_value=None,
        ratio=None,
        goal="under 3 s",
        met=took < 3,
    )
