"""Each named defect of the head unit is seen with it, not without it, and gone when it is switched off."""

from collections.abc import Callable
from typing import cast

import pytest

from harness.simulation.ecus.head_unit import HeadUnit
from tests.simulation.ecus.drive import (
    BOOTING,
    MUTED,
    NORMAL,
    OVERVOLTAGE,
    PARK,
    PLAYING,
    REVERSE,
    RUNNING,
    UNDERVOLTAGE,
    Drive,
)


def _booted_reverse(drive: Drive, milliseconds: int) -> int:
    drive.start()
    drive.gear(REVERSE)
    return drive.after(milliseconds)["RearView"]


def _is_silent(drive: Drive) -> bool:
    drive.start()
    return not drive.car.of("HU_Status")


def _is_slow(drive: Drive) -> bool:
    drive.start()
    begin = drive.car.kernel.now
    drive.car.run(3_000)
    return len(drive.car.of("HU_Status", since=begin)) == 20


def _counter_is_frozen(drive: Drive) -> bool:
    drive.start()
    return drive.status()["Counter"] == drive.status()["Counter"]


def _boots_late(drive: Drive) -> bool:
    drive.start()
    return drive.first(0, BootState=RUNNING) >= 3_000


def _never_boots(drive: Drive) -> bool:
    drive.start()
    return drive.after(10_000)["BootState"] == BOOTING


def _first_frame_is_late(drive: Drive) -> bool:
    drive.start()
    return drive.first(0) >= 800


def _image_is_late(drive: Drive) -> bool:
    return _booted_reverse(drive, 2_200) == 0 and drive.after(300)["RearView"] == 1


def _image_never_comes(drive: Drive) -> bool:
    return _booted_reverse(drive, 10_000) == 0


def _image_comes_for_an_invalid_gear(drive: Drive) -> bool:
    drive.start()
    drive.gear(REVERSE, invalid=1)
    return drive.after(1_000)["RearView"] == 1


def _image_stays(drive: Drive) -> bool:
    assert _booted_reverse(drive, 1_000) == 1
    drive.gear(PARK)
    return drive.after(5_000)["RearView"] == 1


def _supply_state_at(drive: Drive, voltage: float) -> int:
    drive.start()
    drive.car.supply(voltage)
    return drive.after(500)["SupplyState"]


def _stays_muted(drive: Drive) -> bool:
    assert _supply_state_at(drive, 8.0) == UNDERVOLTAGE
    drive.car.supply(13.5)
    status = drive.after(2_000)
    return (status["SupplyState"], status["AudioState"]) == (NORMAL, MUTED)


def _resets_below_9_2_volts(drive: Drive) -> bool:
    drive.start()
    drive.car.supply(9.1)
    return drive.after(3_000)["ResetCounter"] == 1


def _stays_off(drive: Drive) -> bool:
    drive.start()
    drive.car.output.program(on=False)
    drive.car.run(100)
    drive.car.output.program(on=True)
    return drive.after(10_000) == {}


def _does_not_sleep(drive: Drive) -> bool:
    drive.start()
    drive.ignition(on=False)
    return drive.after(10_000) != {}


def _resets_in_after_run(drive: Drive) -> bool:
    drive.start()
    drive.ignition(on=False)
    drive.car.run(1_000)
    drive.ignition(on=True)
    status = drive.after(300)
    return (status["BootState"], status["ResetCounter"]) == (BOOTING, 1)


def _draws_too_much(drive: Drive) -> bool:
    drive.start()
    return drive.car.output.current > 2


def _draws_current_asleep(drive: Drive) -> bool:
    drive.start()
    drive.ignition(on=False)
    drive.after(10_000)
    return drive.car.output.current >= 0.02


def _boot_currents(drive: Drive) -> list[float]:
    """Return what it draws in each of the first 100 ms from terminal 15 on."""
    drive.car.supply(13.5)
    drive.ignition(on=True)
    drawn = []
    for _ in range(100):
        drive.car.run(1)
        drawn.append(drive.car.output.current)
    return drawn


def _wakes_up_while_parked(drive: Drive) -> bool:
    drive.start()
    drive.ignition(on=False)
    drive.after(10_000)
    drawn = []
    for _ in range(50):
        drive.car.run(50)
        drawn.append(drive.car.output.current)
    return max(drawn) > 0.09


def _reads_a_volt_less(drive: Drive) -> bool:
    drive.start()
    return drive.status()["SupplyVoltage"] == 125


def _shows_a_lost_speed(drive: Drive) -> bool:
    drive.start()
    drive.speed(50)
    drive.car.run(300)
    drive.car.ecus["SCSABS"].silence()
    status = drive.after(5_000)
    return (status["DisplayedSpeed"], status["DisplayedSpeedValid"]) == (500, 1)


def _shows_5_percent_more(drive: Drive) -> bool:
    drive.start()
    drive.speed(100)
    return drive.after(300)["DisplayedSpeed"] == 1050


def _prints_nothing(drive: Drive) -> bool:
    printed: list[bytes] = []
    drive.car.consoles["HU"].listen(lambda data, _: printed.append(data))
    drive.start()
    return not printed


def _answers_another_version(drive: Drive) -> bool:
    printed: list[bytes] = []
    drive.start()
    drive.car.consoles["HU"].listen(lambda data, _: printed.append(data))
    drive.car.consoles["HU"].send(b"version\n")
    drive.car.run(100)
    return b"software model of this harness\r\n" not in printed


def _hangs_for_ever(drive: Drive) -> bool:
    drive.start()
    drive.car.consoles["HU"].send(b"hang\n")
    drive.car.run(6_000)
    return drive.after(2_000)["ResetCounter"] == 0


def _press(drive: Drive, key: int, milliseconds: int = 300) -> None:
    """Hold a key at the steering wheel for a time, and let it go."""
    unit = cast("HeadUnit", drive.unit)
    unit._controls.key_heard(key)
    drive.car.run(milliseconds)
    unit._controls.key_heard(0)


def _volume(drive: Drive) -> int:
    return cast("HeadUnit", drive.unit)._controls.volume


def _ignores_keys(drive: Drive) -> bool:
    drive.start()
    _press(drive, 1, 1_000)
    return _volume(drive) == 15


def _is_slow_with_keys(drive: Drive) -> bool:
    drive.start()
    _press(drive, 1, 200)
    return _volume(drive) == 15


def _jumps(drive: Drive) -> bool:
    drive.start()
    _press(drive, 2)
    return _volume(drive) == 10


def _cannot_mute(drive: Drive) -> bool:
    drive.start()
    _press(drive, 3)
    return not cast("HeadUnit", drive.unit)._controls.is_muted


def _forgets_its_volume(drive: Drive) -> bool:
    drive.start()
    _press(drive, 1)
    drive.ignition(on=False)
    drive.car.run(6_000)
    drive.ignition(on=True)
    drive.car.run(3_000)
    return _volume(drive) == 15


def _video(drive: Drive, speed: float) -> float:
    drive.speed(speed)
    drive.car.run(300)
    return cast("HeadUnit", drive.unit)._controls.display()["Video"]


def _shows_video_at_speed(drive: Drive) -> bool:
    drive.start()
    return _video(drive, 30) == 0


def _blocks_video_for_ever(drive: Drive) -> bool:
    drive.start()
    assert _video(drive, 30) == 1
    return _video(drive, 0) == 1


SEEN: dict[str, Callable[[Drive], bool]] = {
    "silent": _is_silent,
    "slow": _is_slow,
    "frozen counter": _counter_is_frozen,
    "boots slowly": _boots_late,
    "hangs while booting": _never_boots,
    "late first frame": _first_frame_is_late,
    "late rear view": _image_is_late,
    "no rear view": _image_never_comes,
    "trusts invalid gear": _image_comes_for_an_invalid_gear,
    "rear view stays": _image_stays,
    "no undervoltage reaction": lambda drive: _supply_state_at(drive, 8.0) == NORMAL,
    "stays muted": _stays_muted,
    "no overvoltage reaction": lambda drive: _supply_state_at(drive, 17.0) == NORMAL,
    "mutes early": lambda drive: _supply_state_at(drive, 15.7) == OVERVOLTAGE,
    "resets early": _resets_below_9_2_volts,
    "does not restart": _stays_off,
    "does not sleep": _does_not_sleep,
    "resets in after-run": _resets_in_after_run,
    "high running current": _draws_too_much,
    "high inrush current": lambda drive: max(_boot_currents(drive)) > 6,
    "long inrush current": lambda drive: sum(drawn > 3 for drawn in _boot_currents(drive)) > 30,
    "draws current asleep": _draws_current_asleep,
    "wakes up while parked": _wakes_up_while_parked,
    "wrong voltage": _reads_a_volt_less,
    "stale speed": _shows_a_lost_speed,
    "wrong speed": _shows_5_percent_more,
    "silent console": _prints_nothing,
    "wrong version": _answers_another_version,
    "no watchdog": _hangs_for_ever,
    "ignores keys": _ignores_keys,
    "slow keys": _is_slow_with_keys,
    "volume jumps": _jumps,
    "cannot mute": _cannot_mute,
    "forgets its volume": _forgets_its_volume,
    "no speed lock-out": _shows_video_at_speed,
    "lock-out stays": _blocks_video_for_ever,
}


@pytest.mark.parametrize("defect", HeadUnit.DEFECTS)
def test_a_defect_shows(drive: Drive, defect: str) -> None:
    drive.unit.switch_defect(defect, on=True)
    assert SEEN[defect](drive)


@pytest.mark.parametrize("defect", HeadUnit.DEFECTS)
def test_without_the_defect_it_does_not_show(drive: Drive, defect: str) -> None:
    assert not SEEN[defect](drive)


@pytest.mark.parametrize("defect", HeadUnit.DEFECTS)
def test_it_is_healthy_when_a_defect_is_gone(drive: Drive, defect: str) -> None:
    drive.unit.switch_defect(defect, on=True)
    SEEN[defect](drive)
    drive.unit.switch_defect(defect, on=False)
    drive.car.ecus["SCSABS"].resume()
    drive.gear(PARK)
    drive.speed(50)
    drive.car.supply(13.5)
    drive.ignition(on=True)
    status = drive.after(5_000)
    assert status["BootState"] == RUNNING
    assert (status["SupplyState"], status["AudioState"], status["SupplyVoltage"]) == (NORMAL, PLAYING, 135)
    assert (status["RearView"], status["Display"]) == (0, 1)
    assert (status["DisplayedSpeed"], status["DisplayedSpeedValid"]) == (500, 1)
    assert drive.car.output.current == pytest.approx(1.2)
    drive.ignition(on=False)
    assert drive.after(10_000) == {}
