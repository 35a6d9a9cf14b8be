"""Probes of a rig: what each captures, where several are at one oscilloscope."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import TestError
from harness.instruments.waveform import Window
from harness.rig.open_rig import open_rig

WINDOW = Window(low=-1.0, high=20.0, duration=0.1, level=10.0, rising=False)
SECOND_PROBE = ("probes:\n", "probes:\n  rail: {instrument: scope, channel: 2, voltage_at: KL30}\n")
INTERRUPTION = 20_000_000


def test_a_probe_that_is_armed_disarms_the_others_of_its_oscilloscope(change: Callable[..., Path]) -> None:
    rig = open_rig(change(SECOND_PROBE))
    rig.power_up()
    rig.clock.sleep(4_000_000_000)
    line, rail = rig.probe("head unit terminal 30"), rig.probe("rail")
    for probe in (rail, line):
        probe.arm(WINDOW, rig.clock)
    rig.open_line("HeadUnit.KL30")
    rig.clock.sleep(INTERRUPTION)
    rig.close_line("HeadUnit.KL30")
    assert line.captured(rig.clock).time_below(10.0) > 0
    with pytest.raises(TestError, match=r"^nothing was captured at rail: arm it first$"):
        rail.captured(rig.clock)
    rail.arm(WINDOW, rig.clock)
    with pytest.raises(TestError, match=r"^nothing was captured at head unit terminal 30: arm it first$"):
        line.captured(rig.clock)
    rig.close()
