"""Each named defect of the body controller is seen with it, not without it, and gone when it is switched off."""

from collections.abc import Callable

import pytest

from harness.simulation.ecus.body_controller import BodyController
from harness.simulation.ecus.network_node import NetworkNode
from tests.simulation.ecus.body import AUTO, BUTTON, DOORS, LEFT, LOCK, LOW, NEXT, NO_REASON, REVERSE, UNLOCK, Body


@pytest.fixture
def body() -> Body:
    return Body()


def _reports_terminal_15_as_on(body: Body) -> bool:
    body.switch("KL15", on=False)
    return body.next("BCM_Terminals")["Terminal15"] == 1


def _misses_the_passengers_door(body: Body) -> bool:
    body.say("PDM_Switches", Door=1)
    return body.next("BCM_Doors")["PassengerDoor"] == 0


def _does_not_lock(body: Body) -> bool:
    body.speed(50)
    return body.locks() == (0, NO_REASON)


def _ignores_the_cloud(body: Body) -> bool:
    body.say("GW_B_Remote", Command=LOCK, CommandNumber=1)
    return body.locks() == (0, NO_REASON)


def _stays_locked(body: Body) -> bool:
    body.button(LOCK)
    body.say("GW_B_Crash", Airbags=1)
    return body.locks() == (1, BUTTON)


def _flashes_150_times_a_minute(body: Body) -> bool:
    body.say("SCM_Stalks", Indicator=LEFT)
    return body.flashes(60_000, "LeftIndicator") in (149, 150)


def _has_no_hazard_lights(body: Body) -> bool:
    body.say("SCM_Stalks", Hazard=1)
    return body.flashes(1_500, "LeftIndicator", "RightIndicator") == 0 == body.light("Hazard")


def _has_no_low_beam_in_the_dark(body: Body) -> bool:
    body.say("RLS_Light", Dark=1)
    body.say("SCM_Stalks", LightSwitch=LOW)
    assert body.light("LowBeam") == 1
    body.say("SCM_Stalks", LightSwitch=AUTO)
    return body.light("LowBeam") == 0


def _has_no_reverse_light(body: Body) -> bool:
    body.gear(REVERSE)
    return body.light("ReverseLight") == 0


def _interior_light_stays(body: Body) -> bool:
    body.say("DDM_Switches", Door=1)
    body.say("DDM_Switches")
    return body.after(60_000, "BCM_Lights")["InteriorLight"] == 1


def _goes_on_wiping(body: Body) -> bool:
    body.say("SCM_Stalks", Wiper=3)
    body.switch("KL15", on=False)
    return body.next("BCM_Wipers")["FrontWiper"] == 3


def _wipes_slowly(body: Body) -> bool:
    body.say("SCM_Stalks", Wiper=3)
    return body.next("BCM_Wipers")["FrontWiper"] == 2


def _passes_keys_on_late(body: Body) -> bool:
    begin = body.kernel.now
    body.say("SCM_Keys", Key=NEXT)
    body.run(600)
    return body.first("BCM_SteeringWheelKeys", begin, Key=NEXT) >= 450


def _passes_bounces_on(body: Body) -> bool:
    begin = body.kernel.now
    for key in (NEXT, 0, NEXT):
        body.say("SCM_Keys", Key=key)
        body.run(30)
    return body.history("BCM_SteeringWheelKeys", "Key", begin)[-3:] == [NEXT, 0, NEXT]


def _trusts_a_stuck_key(body: Body) -> bool:
    body.press(NEXT)
    body.run(300_000)
    return body.key() == (NEXT, 0)


SEEN: dict[str, Callable[[Body], bool]] = {
    "stale terminals": _reports_terminal_15_as_on,
    "misses the passenger's door": _misses_the_passengers_door,
    "does not lock": _does_not_lock,
    "ignores remote commands": _ignores_the_cloud,
    "stays locked in a crash": _stays_locked,
    "flashes fast": _flashes_150_times_a_minute,
    "no hazard lights": _has_no_hazard_lights,
    "no low beam": _has_no_low_beam_in_the_dark,
    "no reverse light": _has_no_reverse_light,
    "interior light stays": _interior_light_stays,
    "wipers stay": _goes_on_wiping,
    "slow wipers": _wipes_slowly,
    "late keys": _passes_keys_on_late,
    "bouncing keys": _passes_bounces_on,
    "trusts a stuck key": _trusts_a_stuck_key,
}
OWN_DEFECTS = [defect for defect in BodyController.DEFECTS if defect not in NetworkNode.DEFECTS]


@pytest.mark.parametrize("defect", OWN_DEFECTS)
def test_a_defect_shows_and_not_without_it(body: Body, defect: str) -> None:
    body.ecu.switch_defect(defect, on=True)
    assert SEEN[defect](body)
    assert not SEEN[defect](Body())


@pytest.mark.parametrize("defect", OWN_DEFECTS)
def test_it_is_healthy_when_a_defect_is_gone(body: Body, defect: str) -> None:
    body.ecu.switch_defect(defect, on=True)
    SEEN[defect](body)
    body.ecu.switch_defect(defect, on=False)
    for message in (*DOORS.values(), "SCM_Stalks", "SCM_Keys", "RLS_Light", "GW_B_Remote", "GW_B_Crash"):
        body.say(message)
    body.switch("KL15", on=True)
    body.gear(1)
    body.button(UNLOCK)
    body.run(15_000)
    assert body.next("BCM_Lights").items() >= dict.fromkeys(("InteriorLight", "LeftIndicator", "Hazard"), 0).items()
    assert body.key() == (0, 0)
    assert not SEEN[defect](body)


def test_stale_terminals_shows_also_after_a_dip_that_terminal_15_outlives(body: Body) -> None:
    body.ecu.switch_defect("stale terminals", on=True)
    body.supply(5.0)
    body.run(100)
    body.supply(13.5)
    body.run(100)
    assert _reports_terminal_15_as_on(body)
