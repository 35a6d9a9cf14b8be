"""The body controller by what it says on the body bus; a tester is the switches, the gateway and the other nodes.

Its times and thresholds are our own; these tests hold the model to its documentation. From outside come the limits of
the rate of indicators, 90 +- 30 a minute (UN R48).
"""

import pytest

from tests.simulation.ecus.body import (
    AUTO,
    BUTTON,
    CRASH,
    DOORS,
    FIND,
    FRAME,
    LEFT,
    LOCK,
    LOW,
    MUTE,
    NEXT,
    NO_REASON,
    OFF,
    REMOTE,
    REVERSE,
    RIGHT,
    SIDE,
    SPEED,
    UNLOCK,
    Body,
)
from tests.simulation.ecus.lone_ecu import LoneEcu


@pytest.fixture
def body() -> Body:
    return Body()


# Terminals


def test_it_reports_its_terminals_with_the_next_frame(body: Body) -> None:
    for terminal, signal in (("KL15", "Terminal15"), ("ACC", "Accessory")):
        for on in (False, True):
            begin = body.kernel.now
            body.switch(terminal, on=on)
            body.run(200)
            assert body.first("BCM_Terminals", begin, **{signal: on}) <= FRAME + 1


@pytest.mark.parametrize(("volts", "sent"), [(6.04, 6.0), (8.46, 8.5), (13.5, 13.5), (25.5, 25.5), (30.0, 25.5)])
def test_it_reports_its_supply_voltage_up_to_the_end_of_the_scale(body: Body, volts: float, sent: float) -> None:
    body.supply(volts)
    assert body.next("BCM_Terminals")["BatteryVoltage"] == pytest.approx(sent)


def test_without_a_pin_the_accessory_terminal_is_off() -> None:
    body = LoneEcu("body-controller", "BCM", ("KL30", "KL15"))
    body.switch("ACC", on=True)
    body.start()
    assert body.next("BCM_Terminals")["Accessory"] == 0


# Doors and locks


@pytest.mark.parametrize("door", DOORS)
def test_each_door_is_reported_and_lights_the_cabin(body: Body, door: str) -> None:
    body.say(DOORS[door], Door=1)
    assert {name: body.next("BCM_Doors")[name] for name in DOORS} == {name: name == door for name in DOORS}
    assert body.light("InteriorLight") == 1
    body.say(DOORS[door])
    assert body.next("BCM_Doors")[door] == 0


def test_the_interior_light_stays_for_ten_seconds_after_the_last_door(body: Body) -> None:
    body.say("DDM_Switches", Door=1)
    body.say("RDL_Switches", Door=1)
    body.run(60_000)
    body.say("DDM_Switches")
    body.run(60_000)
    assert body.light("InteriorLight") == 1
    begin = body.kernel.now
    body.say("RDL_Switches")
    body.run(5_000)
    body.say("RDL_Switches")  # that it is closed still is nothing new
    body.run(6_000)
    assert 10_000 <= body.first("BCM_Lights", begin, InteriorLight=0) <= 10_000 + FRAME + 1


def test_a_door_that_opens_again_keeps_the_interior_light_on(body: Body) -> None:
    for door_open in (1, 0, 1):
        body.say("DDM_Switches", Door=door_open)
        body.run(6_000)
    body.run(20_000)
    assert body.light("InteriorLight") == 1


@pytest.mark.parametrize(("speed", "locked"), [(0, 0), (14.984375, 0), (15, 1), (120, 1)])
def test_it_locks_from_15_kilometres_an_hour_on(body: Body, speed: float, locked: int) -> None:
    body.speed(speed)
    assert body.locks() == (locked, SPEED if locked else NO_REASON)


def test_an_invalid_speed_or_one_without_terminal_15_does_not_lock(body: Body) -> None:
    body.speed(120, invalid=1)
    assert body.locks() == (0, NO_REASON)
    body.switch("KL15", on=False)
    body.speed(120)
    assert body.locks() == (0, NO_REASON)


def test_what_the_speed_has_locked_opens_with_terminal_15_off(body: Body) -> None:
    body.speed(50)
    body.speed(0)
    assert body.locks() == (1, SPEED)
    body.switch("KL15", on=False)
    assert body.locks() == (0, NO_REASON)


def test_what_somebody_has_locked_stays_so_with_terminal_15_off(body: Body) -> None:
    body.button(LOCK)
    body.speed(50)
    body.switch("KL15", on=False)
    assert body.locks() == (1, BUTTON)
    body.button(UNLOCK)
    assert body.locks() == (0, BUTTON)


def test_only_the_buttons_of_the_drivers_door_lock(body: Body) -> None:
    body.say("PDM_Switches", LockButton=LOCK)
    assert body.locks() == (0, NO_REASON)


def test_a_crash_unlocks_and_flashes_and_no_speed_locks_again(body: Body) -> None:
    body.speed(50)
    body.say("GW_B_Crash", Airbags=1)
    assert body.locks() == (0, CRASH)
    body.speed(50)
    body.switch("KL15", on=False)
    assert body.locks() == (0, CRASH)
    assert body.light("Hazard") == 1
    assert body.flashes(1_500, "LeftIndicator", "RightIndicator") >= 2


def test_whoever_locks_after_a_crash_ends_the_hazard_lights(body: Body) -> None:
    body.say("GW_B_Crash", Airbags=1)
    body.button(LOCK)
    assert body.locks() == (1, BUTTON)
    body.run(700)
    assert body.light("Hazard") == 0
    assert body.flashes(3_000, "LeftIndicator", "RightIndicator") == 0


def test_the_cloud_locks_and_unlocks_once_a_command(body: Body) -> None:
    body.say("GW_B_Remote", Command=LOCK, CommandNumber=1)
    assert body.locks() == (1, REMOTE)
    body.button(UNLOCK)
    body.say("GW_B_Remote", Command=LOCK, CommandNumber=1)
    assert body.locks() == (0, BUTTON)
    body.say("GW_B_Remote", CommandNumber=1)
    body.say("GW_B_Remote", Command=FIND, CommandNumber=2)
    assert body.locks() == (0, BUTTON)
    body.say("GW_B_Remote", Command=UNLOCK, CommandNumber=3)
    assert body.locks() == (0, REMOTE)


def test_the_same_command_anew_has_another_number(body: Body) -> None:
    body.say("GW_B_Remote", Command=LOCK, CommandNumber=255)
    body.button(UNLOCK)
    body.say("GW_B_Remote", Command=LOCK, CommandNumber=0)
    assert body.locks() == (1, REMOTE)


# Lights and wipers


@pytest.mark.parametrize(("indicator", "lamp", "other"), [(LEFT, "Left", "Right"), (RIGHT, "Right", "Left")])
def test_indicators_flash_within_the_limits_of_r48(body: Body, indicator: int, lamp: str, other: str) -> None:
    body.say("SCM_Stalks", Indicator=indicator)
    assert body.light(f"{lamp}Indicator") == 1
    begin = body.kernel.now
    assert 60 <= body.flashes(60_000, f"{lamp}Indicator") <= 120
    assert body.history("BCM_Lights", f"{other}Indicator", begin) == [0]
    assert body.history("BCM_Lights", "Hazard", begin) == [0]


def test_indicators_need_terminal_15(body: Body) -> None:
    body.say("SCM_Stalks", Indicator=LEFT)
    body.switch("KL15", on=False)
    assert body.flashes(1_500, "LeftIndicator") == 0
    body.switch("KL15", on=True)
    assert body.light("LeftIndicator") == 1
    body.say("SCM_Stalks")
    assert body.flashes(1_500, "LeftIndicator") == 0


def test_hazard_lights_do_not_need_terminal_15_and_come_before_an_indicator(body: Body) -> None:
    body.say("SCM_Stalks", Indicator=LEFT, Hazard=1)
    assert body.flashes(5_900, "LeftIndicator", "RightIndicator") == 8
    body.switch("KL15", on=False)
    assert body.flashes(1_000, "LeftIndicator", "RightIndicator") >= 1
    assert body.light("Hazard") == 1


@pytest.mark.parametrize(
    ("switch", "dark", "side", "low"),
    [(OFF, 1, 0, 0), (SIDE, 0, 1, 0), (LOW, 0, 1, 1), (AUTO, 0, 0, 0), (AUTO, 1, 1, 1)],
)
def test_the_light_switch(body: Body, switch: int, dark: int, side: int, low: int) -> None:
    body.say("RLS_Light", Dark=dark)
    body.say("SCM_Stalks", LightSwitch=switch, HighBeam=1, FrontFog=1, RearFog=1)
    lights = body.next("BCM_Lights")
    assert (lights["SideLights"], lights["LowBeam"]) == (side, low)
    assert (lights["HighBeam"], lights["RearFog"], lights["FrontFog"]) == (low, low, 1)
    body.switch("KL15", on=False)
    lights = body.next("BCM_Lights")
    assert [lights[it] for it in ("SideLights", "LowBeam", "HighBeam", "RearFog", "FrontFog")] == [side, 0, 0, 0, 0]


def test_the_reverse_light_comes_with_a_valid_reverse_gear_and_terminal_15(body: Body) -> None:
    lit = []
    for gear, invalid in ((1, 0), (REVERSE, 1), (REVERSE, 0)):
        body.gear(gear, invalid=invalid)
        lit.append(body.light("ReverseLight"))
    body.switch("KL15", on=False)
    assert [*lit, body.light("ReverseLight")] == [0, 0, 1, 0]


@pytest.mark.parametrize("wiper", range(4))
def test_wipers_follow_the_stalk_and_stop_with_terminal_15(body: Body, wiper: int) -> None:
    body.say("SCM_Stalks", Wiper=wiper, RearWiper=1, Washer=1)
    assert body.next("BCM_Wipers") == {"FrontWiper": wiper, "RearWiper": 1, "Washer": 1}
    body.switch("KL15", on=False)
    assert body.next("BCM_Wipers") == {"FrontWiper": 0, "RearWiper": 0, "Washer": 0}


# Keys at the steering wheel


def test_a_key_is_passed_on_when_its_contact_has_been_steady_for_50_milliseconds(body: Body) -> None:
    begin = body.kernel.now
    body.say("SCM_Keys", Key=NEXT)
    body.run(200)
    assert 50 <= body.first("BCM_SteeringWheelKeys", begin, Key=NEXT) <= 71
    begin = body.kernel.now
    body.say("SCM_Keys")
    body.run(200)
    assert 50 <= body.first("BCM_SteeringWheelKeys", begin, Key=0) <= 71


def test_a_contact_that_bounces_is_one_touch(body: Body) -> None:
    begin = body.kernel.now
    for key in (NEXT, 0, NEXT, 0, NEXT):
        body.say("SCM_Keys", Key=key)
        body.run(20)
    body.run(500)
    for key in (0, NEXT, 0):
        body.say("SCM_Keys", Key=key)
        body.run(20)
    body.run(500)
    assert body.history("BCM_SteeringWheelKeys", "Key", begin) == [0, NEXT, 0]


def test_a_key_that_stays_pressed_for_a_minute_is_broken_until_it_is_released(body: Body) -> None:
    body.press(NEXT)
    body.run(59_800)
    assert body.key() == (NEXT, 0)
    body.run(1_000)
    assert body.key() == (0, 1)
    body.press(0)
    assert body.key() == (0, 0)
    body.press(NEXT)
    assert body.key() == (NEXT, 0)


@pytest.mark.parametrize("wait", [30_000, 61_000])
def test_a_bounce_of_a_stuck_key_does_not_mend_it(body: Body, wait: int) -> None:
    body.press(NEXT)
    body.run(wait)
    body.say("SCM_Keys")
    body.run(20)
    body.press(NEXT)
    body.run(61_000 - wait)
    assert body.key() == (0, 1)


def test_another_key_counts_anew(body: Body) -> None:
    body.press(NEXT)
    body.run(40_000)
    body.press(MUTE)
    body.run(40_000)
    assert body.key() == (MUTE, 0)
    body.run(30_000)
    assert body.key() == (0, 1)


# Power


def test_without_its_supply_it_stops_in_the_middle_of_all_and_forgets(body: Body) -> None:
    body.say("SCM_Stalks", Indicator=LEFT, Hazard=1, LightSwitch=LOW, Wiper=3)
    body.say("DDM_Switches", Door=1, LockButton=LOCK)
    body.gear(REVERSE)
    body.say("RLS_Light", Dark=1)
    body.press(NEXT)
    body.say("SCM_Keys", Key=MUTE)
    body.output.program(on=False)
    body.run(20)
    begin = body.kernel.now
    body.supply(13.5)
    body.run(2_000)
    lights = ("LowBeam", "SideLights", "LeftIndicator", "RightIndicator", "Hazard", "ReverseLight", "InteriorLight")
    for message, signals in (
        ("BCM_Lights", lights),
        ("BCM_Doors", ("DriverDoor", "Locks", "LockReason")),
        ("BCM_Wipers", ("FrontWiper",)),
        ("BCM_SteeringWheelKeys", ("Key", "KeyFault")),
    ):
        for signal in signals:
            assert body.history(message, signal, begin) == [0], signal


def test_what_it_does_outlives_a_dip_to_6_volts(body: Body) -> None:
    body.speed(50)
    body.say("SCM_Stalks", Indicator=RIGHT, LightSwitch=LOW, Wiper=3)
    body.run(100)
    begin = body.kernel.now
    body.supply(6.0)
    assert body.flashes(5_900, "RightIndicator") == 8
    assert body.history("BCM_Doors", "Locks", begin) == [1]
    assert body.history("BCM_Wipers", "FrontWiper", begin) == [3]
    assert body.history("BCM_Lights", "LowBeam", begin) == [1]
    assert body.history("BCM_Terminals", "Terminal15", begin) == [1]


def test_asleep_it_is_silent_whatever_its_switches_do(body: Body) -> None:
    body.switch("KL15", on=False)
    body.run(5_000)
    begin = body.kernel.now
    body.say("SCM_Stalks", Hazard=1)
    body.button(LOCK)
    body.run(5_000)
    assert body.all_frames(begin) == []
    body.say("TST_Nm")
    assert body.locks() == (1, BUTTON)
    assert body.light("Hazard") == 1
