"""The head unit by what can be seen of it: its status message and its supply current.

Its times and thresholds are our own; these tests hold the model to its documentation.
"""

import pytest

from harness.clock import MILLISECOND
from harness.errors import RigFileError
from tests.simulation.ecus.conftest import Car
from tests.simulation.ecus.drive import (
    BOOTING,
    MUTED,
    NORMAL,
    OVERVOLTAGE,
    PARK,
    PLAYING,
    REVERSE,
    RUNNING,
    SHUTTING_DOWN,
    SPEED_INVALID,
    UNDERVOLTAGE,
    Drive,
)

# Supply, boot, after-run


def test_without_terminal_15_it_sleeps(drive: Drive) -> None:
    drive.car.supply(13.5)
    assert drive.after(5_000) == {}
    assert drive.car.output.current == pytest.approx(0.0004)


def test_it_boots_from_terminal_15(drive: Drive) -> None:
    drive.car.supply(13.5)
    drive.car.run(1_000)
    begin = drive.car.kernel.now
    drive.ignition(on=True)
    drive.car.run(1_000)
    assert drive.car.output.current == pytest.approx(1.8)
    drive.car.run(1_000)
    assert 150 <= drive.first(begin, BootState=BOOTING) <= 151
    assert 1_400 <= drive.first(begin, BootState=RUNNING) <= 1_500
    assert drive.car.output.current == pytest.approx(1.2)
    status = drive.status()
    assert (status["AudioState"], status["Display"], status["SupplyVoltage"]) == (PLAYING, 1, 135)
    assert status["ResetCounter"] == 0


def test_it_runs_on_after_terminal_15_then_sleeps(drive: Drive) -> None:
    drive.start()
    begin = drive.car.kernel.now
    drive.ignition(on=False)
    assert drive.after(500)["BootState"] == SHUTTING_DOWN
    assert drive.car.output.current == pytest.approx(0.6)
    drive.car.run(5_000)
    last = drive.car.of("HU_Status")[-1]
    assert 3_900 <= last.timestamp * 1000 - begin / MILLISECOND <= 4_001
    assert drive.car.output.current == pytest.approx(0.0004)


def test_it_returns_at_once_during_its_after_run(drive: Drive) -> None:
    drive.start()
    drive.ignition(on=False)
    drive.car.run(2_000)
    drive.ignition(on=True)
    status = drive.status()
    assert (status["BootState"], status["ResetCounter"]) == (RUNNING, 0)
    assert drive.after(6_000)["BootState"] == RUNNING


@pytest.mark.parametrize("on_for", [100, 500, 1_000])
def test_a_boot_that_was_cut_short_begins_anew(drive: Drive, on_for: int) -> None:
    drive.car.supply(13.5)
    drive.ignition(on=True)
    drive.car.run(on_for)
    drive.ignition(on=False)
    drive.car.run(200)
    begin = drive.car.kernel.now
    drive.ignition(on=True)
    drive.car.run(3_000)
    assert 1_400 <= drive.first(begin, BootState=RUNNING) <= 1_520


@pytest.mark.parametrize(("microseconds", "resets"), [(400, 0), (600, 1)])
def test_it_survives_interruptions_as_long_as_its_capacitors_hold(drive: Drive, microseconds: int, resets: int) -> None:
    drive.start()
    drive.car.output.program(on=False)
    drive.car.run(microseconds / 1000)
    drive.car.output.program(on=True)
    assert drive.after(3_000)["ResetCounter"] == resets


def test_it_works_down_to_6_volts_and_comes_back_at_6_5(drive: Drive) -> None:
    drive.start()
    drive.car.supply(6.1)
    assert drive.after(1_000)["BootState"] == RUNNING
    drive.car.supply(5.9)
    assert drive.after(1_000) == {}
    drive.car.supply(6.4)
    assert drive.after(3_000) == {}
    drive.car.supply(6.6)
    status = drive.after(3_000)
    assert (status["BootState"], status["ResetCounter"]) == (RUNNING, 1)


def test_it_judges_its_supply_with_hysteresis(drive: Drive) -> None:
    drive.start()
    judged = []
    for voltage in (9.0, 8.7, 9.2, 9.4, 16.0, 16.3, 15.8, 15.6):
        drive.car.supply(voltage)
        status = drive.after(300)
        judged.append((voltage, status["SupplyState"], status["AudioState"]))
    assert judged == [
        (9.0, NORMAL, PLAYING),
        (8.7, UNDERVOLTAGE, MUTED),
        (9.2, UNDERVOLTAGE, MUTED),
        (9.4, NORMAL, PLAYING),
        (16.0, NORMAL, PLAYING),
        (16.3, OVERVOLTAGE, MUTED),
        (15.8, OVERVOLTAGE, MUTED),
        (15.6, NORMAL, PLAYING),
    ]


def test_a_short_dip_of_its_supply_is_no_undervoltage(drive: Drive) -> None:
    drive.start()
    begin = drive.car.kernel.now
    drive.car.supply(8.0)
    drive.car.run(90)
    drive.car.supply(13.5)
    drive.car.run(1_000)
    frames = [drive.car.raw(frame) for frame in drive.car.of("HU_Status", since=begin)]
    assert {frame["SupplyState"] for frame in frames} == {NORMAL}


@pytest.mark.parametrize(("volts", "sent"), [(8.04, 80), (13.46, 135), (25.4, 254), (25.5, 255), (30.0, 255)])
def test_it_reports_its_supply_voltage_up_to_the_end_of_the_scale(drive: Drive, volts: float, sent: int) -> None:
    drive.start()
    drive.car.supply(volts)
    assert drive.after(100)["SupplyVoltage"] == sent


# Rear view and speed


def test_it_shows_the_rear_view_in_reverse_gear(drive: Drive) -> None:
    drive.start()
    drive.gear(REVERSE)
    assert drive.after(600)["RearView"] == 1
    assert drive.car.output.current == pytest.approx(1.5)
    drive.gear(PARK)
    assert drive.after(500)["RearView"] == 0
    assert drive.car.output.current == pytest.approx(1.2)


def test_it_shows_the_rear_view_while_it_still_boots(drive: Drive) -> None:
    drive.gear(REVERSE)
    drive.car.supply(13.5)
    begin = drive.car.kernel.now
    drive.ignition(on=True)
    drive.car.run(3_000)
    assert 1_300 <= drive.first(begin, RearView=1) <= 1_400
    assert drive.first(begin, RearView=1, BootState=BOOTING, Display=1)


def test_a_short_touch_of_reverse_gear_shows_nothing(drive: Drive) -> None:
    drive.start()
    begin = drive.car.kernel.now
    drive.gear(REVERSE)
    drive.car.run(300)
    drive.gear(PARK)
    drive.car.run(1_000)
    assert not any(drive.car.raw(frame)["RearView"] for frame in drive.car.of("HU_Status", since=begin))


def test_the_rear_view_goes_with_the_after_run(drive: Drive) -> None:
    drive.start()
    drive.gear(REVERSE)
    drive.car.run(1_000)
    drive.ignition(on=False)
    status = drive.after(500)
    assert (status["RearView"], status["Display"]) == (0, 0)


@pytest.mark.parametrize(("speed", "shown"), [(0, 0), (50, 500), (130.5, 1305), (409.5, 4095), (511, 4095)])
def test_it_shows_the_speed_up_to_the_end_of_the_scale(drive: Drive, speed: float, shown: int) -> None:
    drive.start()
    drive.speed(speed)
    status = drive.after(300)
    assert (status["DisplayedSpeed"], status["DisplayedSpeedValid"]) == (shown, 1)


def test_an_invalid_or_lost_speed_is_not_shown(drive: Drive) -> None:
    drive.start()
    drive.speed(50)
    drive.car.set(SPEED_INVALID, 1)
    assert drive.after(200)["DisplayedSpeedValid"] == 0
    drive.car.set(SPEED_INVALID, 0)
    assert drive.after(200)["DisplayedSpeedValid"] == 1
    drive.car.ecus["SCSABS"].silence()
    lost = drive.after(150)
    assert (lost["DisplayedSpeed"], lost["DisplayedSpeedValid"]) == (0, 0)


def test_the_reset_counter_wraps(drive: Drive) -> None:
    drive.start()
    for _ in range(256):
        drive.car.output.program(on=False)
        drive.car.run(1)
        drive.car.output.program(on=True)
        drive.car.run(1)
    assert drive.after(3_000)["ResetCounter"] == 0


# What does not fit


@pytest.mark.parametrize("pins", [(), ("KL30",), ("KL15",)])
def test_a_head_unit_without_its_supply_pins_is_refused(car: Car, pins: tuple[str, ...]) -> None:
    with pytest.raises(RigFileError, match="the HU: a head unit needs the pins KL30 and KL15; missing: KL"):
        car.add("head-unit", "HU", pins)


def test_another_node_is_no_head_unit(car: Car) -> None:
    with pytest.raises(RigFileError, match="the BCM: a head unit sends HU_Status; BCM does not"):
        car.add("head-unit", "BCM", ("KL30", "KL15"))
