"""The head unit by what can be seen of it: its status message and its supply current.

Its times and thresholds are our own; these tests hold the model to its documentation, and each named defect to what
it says.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import pytest

from harness.clock import MILLISECOND
from harness.errors import RigFileError
from harness.simulation.ecus.head_unit import HeadUnit

if TYPE_CHECKING:
    from tests.simulation.ecus.conftest import Car

OFF, BOOTING, RUNNING, SHUTTING_DOWN = range(4)
NORMAL, UNDERVOLTAGE, OVERVOLTAGE = range(3)
SILENT, PLAYING, MUTED = range(3)
GEAR = "GW_HSC2_ECM_FrP04.TrShftLvrPos_h1HSC2"
GEAR_INVALID = "GW_HSC2_ECM_FrP04.TrShftLvrPosV_h1HSC2"
SPEED = "SCS_HSC2_FrP19.VehSpdAvgHSC2"
SPEED_INVALID = "SCS_HSC2_FrP19.VehSpdAvgVHSC2"
PARK, REVERSE = 1, 2
FRAME = 120
"""Milliseconds in which a status frame is bound to come."""


class Drive:
    """The car with its head unit, and what a driver does with it."""

    def __init__(self, car: "Car") -> None:
        self.car = car
        self.unit = car.add("head-unit", "HU", ("KL30", "KL15"))
        car.add("rest-bus", "GW")
        car.add("rest-bus", "SCSABS")

    def ignition(self, *, on: bool) -> None:
        (self.car.relay.close if on else self.car.relay.open)()

    def start(self) -> None:
        """Supply and ignition on, and time enough to boot."""
        self.car.supply(13.5)
        self.ignition(on=True)
        self.car.run(5_000)

    def status(self) -> dict[str, int]:
        """The next status frame, empty if none comes."""
        begin = self.car.kernel.now
        self.car.run(FRAME)
        frames = self.car.of("HU_Status", since=begin)
        return self.car.raw(frames[-1]) if frames else {}

    def after(self, milliseconds: float) -> dict[str, int]:
        """The first status frame from so many milliseconds on."""
        self.car.run(milliseconds)
        return self.status()

    def first(self, since: int, **values: int) -> int:
        """When the first status frame after `since` with these values came, in milliseconds after it."""
        for frame in self.car.of("HU_Status", since=since):
            if values.items() <= self.car.raw(frame).items():
                return round(frame.timestamp * 1000 - since / MILLISECOND)
        raise AssertionError(f"no status with {values}")

    def gear(self, gear: int, *, invalid: int = 0) -> None:
        self.car.set(GEAR, gear)
        self.car.set(GEAR_INVALID, invalid)

    def speed(self, kilometres_per_hour: float) -> None:
        self.car.set(SPEED, self.car.database.signal(SPEED).raw(kilometres_per_hour))


@pytest.fixture
def drive(car: "Car") -> Drive:
    return Drive(car)


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


# Defects: each is seen with it, and not without it.


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
def test_a_head_unit_without_its_supply_pins_is_refused(car: "Car", pins: tuple[str, ...]) -> None:
    with pytest.raises(RigFileError, match="the HU: a head unit needs the pins KL30 and KL15; missing: KL"):
        car.add("head-unit", "HU", pins)


def test_another_node_is_no_head_unit(car: "Car") -> None:
    with pytest.raises(RigFileError, match="the BCM: a head unit sends HU_Status; BCM does not"):
        car.add("head-unit", "BCM", ("KL30", "KL15"))
