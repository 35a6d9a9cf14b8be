"""The whole car leaves nothing behind: memory stays flat however long it runs."""

import gc
import tracemalloc
from pathlib import Path

import pytest

from harness.buses.trace import Trace
from harness.clock import SECOND
from harness.rig.open_rig import open_rig
from harness.rig.rig import Rig

RIG = Path(__file__).parents[2] / "rigs/rx5-virtual.yaml"
HOUR = 3600 * SECOND
SPREAD = 100_000
"""Bytes by which two hours may differ: frames under way, and what the trace has not written yet."""


def _drive(rig: Rig, duration: int) -> None:
    rig.switch_power_mode("on")
    rig.set_signal("Vehicle.Speed", "50 km/h")
    rig.clock.sleep(duration)
    rig.set_signal("Vehicle.Speed", "0 km/h")
    rig.switch_power_mode("off")


def _hour(rig: Rig, drive: int) -> int:
    """Drive, sleep and be woken by the cloud; return the bytes in use at the end of the hour."""
    end = rig.clock.now + HOUR
    _drive(rig, drive)
    rig.clock.sleep(HOUR // 2)
    rig.console("telematics console").send_line("wake")
    rig.clock.sleep(end - rig.clock.now)
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


@pytest.mark.parametrize(
    ("hours", "drive"),
    [(2, SECOND), pytest.param(24, 120 * SECOND, marks=pytest.mark.soak)],
    ids=["sample", "24 hours"],
)
def test_memory_stays_flat(hours: int, drive: int, tmp_path: Path) -> None:
    rig = open_rig(RIG)
    trace = Trace(tmp_path / "day.blf")
    for number, bus in enumerate(rig.buses.values(), 1):
        trace.record(bus.channel, number)
    rig.power_up()
    _hour(rig, drive)  # what is worked out once is kept
    tracemalloc.start()
    try:
        used = [_hour(rig, drive) for _ in range(hours)]
    finally:
        tracemalloc.stop()
        trace.close()
        rig.close()
    assert abs(used[-1] - used[0]) < SPREAD, used
    assert max(used) - min(used) < 5 * SPREAD, used
