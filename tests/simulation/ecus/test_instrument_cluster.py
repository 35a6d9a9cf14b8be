"""The instrument cluster by what it shows; a tester is the gateway and the body controller.

Its times and thresholds are our own, but for what it may show of the speed: not less than the car goes, and at most a
tenth and 4 km/h more (UN R39).
"""

from collections.abc import Callable

import pytest

from harness.simulation.ecus.instrument_cluster import InstrumentCluster
from harness.simulation.ecus.network_node import NetworkNode
from tests.simulation.ecus.lone_ecu import LoneEcu

NONE, SEAT_BELT, _, COLLISION = range(4)
EARLY, URGENT = 1, 2
DOORS = ("DriverDoor", "PassengerDoor", "RearLeftDoor", "RearRightDoor")
LAMPS = ("LeftIndicator", "RightIndicator", "HighBeam", "RearFog")
SPEED_CYCLE = 20
"""Milliseconds, as the database says."""


class Cluster(LoneEcu):
    """The instrument cluster, supplied and with terminal 15 on, in a car that drives or not."""

    def __init__(self) -> None:
        super().__init__("instrument-cluster", "IPK")
        self.start()
        self._drive = self.keep_saying("GW_B_VehicleSpeed", SPEED_CYCLE)

    def speed(self, kilometres_per_hour: float, *, invalid: int = 0) -> None:
        self._drive.stop()
        values = {"VehSpdAvgHSC2": kilometres_per_hour, "VehSpdAvgVHSC2": invalid}
        self._drive = self.keep_saying("GW_B_VehicleSpeed", SPEED_CYCLE, **values)
        self.run(5)

    def lose_speed(self) -> None:
        self._drive.stop()

    def shown(self) -> tuple[float, float]:
        """The speed that is shown, and whether it is shown at all."""
        speed = self.next("IPK_Speed")
        return speed["DisplayedSpeed"], speed["DisplayedSpeedValid"]

    def telltale(self, name: str) -> float:
        return self.next("IPK_Telltales")[name]

    def chime(self) -> float:
        return self.next("IPK_Chime")["Chime"]


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def within_r39(shown: float, speed: float) -> bool:
    return speed <= shown <= 1.1 * speed + 4


# Speed


@pytest.mark.parametrize("speed", [0.0, 0.015625, 0.140625, 1.0, 5.0, 39.984375, 40.0, 80.0, 120.0, 250.0, 397.0])
def test_it_shows_a_speed_that_r39_allows(cluster: Cluster, speed: float) -> None:
    cluster.speed(speed)
    shown, valid = cluster.shown()
    assert valid == 1
    assert within_r39(shown, speed)


def test_standstill_is_0_and_the_scale_has_an_end(cluster: Cluster) -> None:
    cluster.speed(0)
    assert cluster.shown() == (0, 1)
    cluster.speed(511.984375)
    assert cluster.shown() == pytest.approx((409.5, 1))


def test_a_speed_that_is_marked_as_invalid_is_not_shown(cluster: Cluster) -> None:
    cluster.speed(50, invalid=1)
    assert cluster.shown() == (0, 0)
    cluster.speed(50)
    assert cluster.shown()[1] == 1


def test_a_speed_is_lost_after_five_cycles_without_a_frame(cluster: Cluster) -> None:
    cluster.speed(50)
    cluster.run(200)
    cluster.lose_speed()
    begin = cluster.kernel.now
    cluster.run(1_000)
    # Five cycles after the last frame, and a cycle of its own message.
    assert 4 * SPEED_CYCLE <= cluster.first("IPK_Speed", begin, DisplayedSpeedValid=0) <= 5 * SPEED_CYCLE + 101
    cluster.speed(50)
    assert cluster.shown()[1] == 1


def test_four_cycles_without_a_frame_are_not_noticed(cluster: Cluster) -> None:
    cluster.lose_speed()
    cluster.keep_saying("GW_B_VehicleSpeed", 5 * SPEED_CYCLE - 1, VehSpdAvgHSC2=50)
    cluster.run(100)
    begin = cluster.kernel.now
    cluster.run(10_000)
    assert cluster.history("IPK_Speed", "DisplayedSpeedValid", begin) == [1]


def test_it_shows_no_speed_before_it_has_heard_one(cluster: Cluster) -> None:
    cluster.lose_speed()
    assert cluster.history("IPK_Speed", "DisplayedSpeedValid") == [0]


# Telltales and chimes


@pytest.mark.parametrize("lamp", LAMPS)
def test_each_telltale_goes_with_its_lamp(cluster: Cluster, lamp: str) -> None:
    cluster.say("BCM_Lights", **{lamp: 1})
    shown = cluster.next("IPK_Telltales")
    assert {name: shown[name] for name in LAMPS} == {name: name == lamp for name in LAMPS}
    cluster.say("BCM_Lights")
    assert cluster.telltale(lamp) == 0


@pytest.mark.parametrize("door", DOORS)
def test_each_door_has_the_telltale(cluster: Cluster, door: str) -> None:
    cluster.say("BCM_Doors", **{door: 1})
    assert cluster.telltale("DoorOpen") == 1
    cluster.say("BCM_Doors", Locks=1, LockReason=1)
    assert cluster.telltale("DoorOpen") == 0


@pytest.mark.parametrize(("speed", "chime"), [(0, NONE), (19.984375, NONE), (20, SEAT_BELT), (120, SEAT_BELT)])
def test_an_open_belt_chimes_from_20_kilometres_an_hour_on(cluster: Cluster, speed: float, chime: int) -> None:
    cluster.say("GW_B_Belts", DriverBelt=0, PassengerBelt=1)
    cluster.speed(speed)
    assert cluster.telltale("SeatBelt") == 1
    assert cluster.chime() == chime
    cluster.say("GW_B_Belts", DriverBelt=1)
    assert (cluster.telltale("SeatBelt"), cluster.chime()) == (0, NONE)


def test_only_an_urgent_collision_warning_is_shown_and_comes_before_the_belt(cluster: Cluster) -> None:
    cluster.speed(50)
    cluster.say("GW_B_Belts", DriverBelt=0)
    cluster.say("GW_B_Warnings", Collision=EARLY)
    assert (cluster.telltale("CollisionWarning"), cluster.chime()) == (0, SEAT_BELT)
    cluster.say("GW_B_Warnings", Collision=URGENT)
    assert (cluster.telltale("CollisionWarning"), cluster.chime()) == (1, COLLISION)
    cluster.say("GW_B_Warnings")
    assert (cluster.telltale("CollisionWarning"), cluster.chime()) == (0, SEAT_BELT)


def test_airbags_have_a_telltale(cluster: Cluster) -> None:
    assert cluster.telltale("Airbag") == 0
    cluster.say("GW_B_Crash", Airbags=1)
    assert cluster.telltale("Airbag") == 1


# Power


def _show_all(cluster: Cluster) -> None:
    cluster.speed(50)
    cluster.say("BCM_Lights", **dict.fromkeys(LAMPS, 1))
    cluster.say("BCM_Doors", DriverDoor=1)
    cluster.say("GW_B_Belts", DriverBelt=0)
    cluster.say("GW_B_Warnings", Collision=URGENT)
    cluster.say("GW_B_Crash", Airbags=1)
    cluster.run(200)
    assert 0 not in cluster.next("IPK_Telltales").values()
    assert cluster.shown()[1] == 1


def _shows_nothing(cluster: Cluster, since: int) -> bool:
    telltales = {
        value for name in cluster.next("IPK_Telltales") for value in cluster.history("IPK_Telltales", name, since)
    }
    others = (("IPK_Speed", "DisplayedSpeedValid"), ("IPK_Speed", "DisplayedSpeed"), ("IPK_Chime", "Chime"))
    return telltales == {0} and all(cluster.history(message, signal, since) == [0] for message, signal in others)


def test_without_its_supply_it_forgets_all(cluster: Cluster) -> None:
    _show_all(cluster)
    cluster.lose_speed()
    cluster.output.program(on=False)
    cluster.run(20)
    begin = cluster.kernel.now
    cluster.supply(13.5)
    cluster.run(1_000)
    assert _shows_nothing(cluster, begin)


def test_asleep_it_forgets_all(cluster: Cluster) -> None:
    _show_all(cluster)
    cluster.lose_speed()
    cluster.switch("KL15", on=False)
    cluster.run(5_000)
    begin = cluster.kernel.now
    cluster.switch("KL15", on=True)
    cluster.run(1_000)
    assert _shows_nothing(cluster, begin)


def test_what_it_shows_outlives_a_dip_to_6_volts(cluster: Cluster) -> None:
    _show_all(cluster)
    begin = cluster.kernel.now
    cluster.supply(6.0)
    cluster.run(1_000)
    cluster.supply(13.5)
    cluster.run(1_000)
    assert cluster.history("IPK_Speed", "DisplayedSpeedValid", begin) == [1]
    assert cluster.history("IPK_Telltales", "SeatBelt", begin) == [1]


# Defects: each is seen with it, not without it, and gone when it is switched off.


def _shows_95_percent(cluster: Cluster) -> bool:
    cluster.speed(100)
    return cluster.shown() == (95, 1) and not within_r39(95, 100)


def _shows_120_percent(cluster: Cluster) -> bool:
    cluster.speed(100)
    return cluster.shown() == (120, 1) and not within_r39(120, 100)


def _shows_a_lost_speed(cluster: Cluster) -> bool:
    cluster.speed(100)
    cluster.run(100)
    cluster.lose_speed()
    cluster.run(5_000)
    speed, valid = cluster.shown()
    return valid == 1 and speed == pytest.approx(103)


def _does_not_warn_of_the_belt(cluster: Cluster) -> bool:
    cluster.speed(50)
    cluster.say("GW_B_Belts", DriverBelt=0)
    return cluster.telltale("SeatBelt") == 0 and cluster.chime() == NONE


def _does_not_warn_of_a_door(cluster: Cluster) -> bool:
    cluster.say("BCM_Doors", RearLeftDoor=1)
    return cluster.telltale("DoorOpen") == 0


def _does_not_warn_of_a_collision(cluster: Cluster) -> bool:
    cluster.say("GW_B_Warnings", Collision=URGENT)
    return cluster.telltale("CollisionWarning") == 0 and cluster.chime() == NONE


def _telltales_stay_dark(cluster: Cluster) -> bool:
    cluster.say("BCM_Lights", **dict.fromkeys(LAMPS, 1))
    shown = cluster.next("IPK_Telltales")
    return [shown[lamp] for lamp in LAMPS] == [0, 0, 0, 0]


SEEN: dict[str, Callable[[Cluster], bool]] = {
    "shows too little": _shows_95_percent,
    "shows too much": _shows_120_percent,
    "stale speed": _shows_a_lost_speed,
    "no belt warning": _does_not_warn_of_the_belt,
    "no door warning": _does_not_warn_of_a_door,
    "no collision warning": _does_not_warn_of_a_collision,
    "dead telltales": _telltales_stay_dark,
}


@pytest.mark.parametrize("defect", [it for it in InstrumentCluster.DEFECTS if it not in NetworkNode.DEFECTS])
def test_a_defect_shows_only_while_it_is_on(cluster: Cluster, defect: str) -> None:
    assert not SEEN[defect](cluster)
    cluster.ecu.switch_defect(defect, on=True)
    assert SEEN[defect](cluster)
    cluster.ecu.switch_defect(defect, on=False)
    assert not SEEN[defect](cluster)


def test_a_speed_that_a_defect_has_kept_goes_with_the_defect(cluster: Cluster) -> None:
    cluster.ecu.switch_defect("stale speed", on=True)
    assert _shows_a_lost_speed(cluster)
    cluster.ecu.switch_defect("stale speed", on=False)
    cluster.run(5 * SPEED_CYCLE)
    assert cluster.shown() == (0, 0)
