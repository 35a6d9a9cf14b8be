"""Body controller: terminals, doors and locks, lights, wipers, keys at the steering wheel.

Its inputs are the messages of door modules, steering column, light sensor and gateway on the body bus, and the gear on
the chassis bus. Times and thresholds are our own [P], but for the rate of the indicators, which lies within the 90 +-
30 a minute of UN R48 [K].
"""

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

from harness.clock import MILLISECOND, SECOND
from harness.simulation.ecus.ecu import EcuContext
from harness.simulation.ecus.network_node import NetworkNode, Values
from harness.simulation.ecus.rest_bus import TERMINAL_ON

REVERSE = 2
FLASH = 340 * MILLISECOND
"""An indicator is on for as long, and then off: 88 times a minute."""
HAZARD = "hazard"
LOCK_SPEED = 15.0
"""km/h at which it locks the doors."""
INTERIOR_LIGHT = 10 * SECOND
"""How long it stays on after the last door is closed."""
BOUNCE = 50 * MILLISECOND
STUCK_AFTER = 60 * SECOND
DOORS = {
    "DriverDoor": "DDM_Switches",
    "PassengerDoor": "PDM_Switches",
    "RearLeftDoor": "RDL_Switches",
    "RearRightDoor": "RDR_Switches",
}
"""Signals of the doors, and the messages of the door modules that say how they are."""
LOCK_REASONS = {"None": 0, "Speed": 1, "Remote": 2, "Crash": 3, "Button": 4}
_LOCK, _UNLOCK = 1, 2
_AUTO, _LOW = 3, 2


class BodyController(NetworkNode):
    """The body controller, as far as its messages on the body bus go. The power mode is what the car is switched to."""

    DEFECTS: ClassVar[Mapping[str, str]] = {
        **NetworkNode.DEFECTS,
        "stale terminals": "goes on reporting terminal 15 as on",
        "misses the passenger's door": "takes the front passenger's door for closed",
        "does not lock": "leaves the doors unlocked at speed",
        "ignores remote commands": "does not lock or unlock for the cloud",
        "stays locked in a crash": "does not unlock when airbags have gone off",
        "flashes fast": "flashes the indicators 150 times a minute",
        "no hazard lights": "ignores the switch of the hazard lights",
        "no low beam": "ignores that it is dark",
        "no reverse light": "ignores reverse gear",
        "interior light stays": "leaves the interior light on",
        "wipers stay": "goes on wiping without terminal 15",
        "slow wipers": "wipes slowly whatever the stalk says",
        "late keys": "passes keys of the steering wheel on 400 ms late",
        "bouncing keys": "passes contacts on as they bounce",
        "trusts a stuck key": "passes a stuck key on for ever",
    }
    RUNNING_CURRENT: ClassVar[float] = 0.05
    SLEEPING_CURRENT: ClassVar[float] = 0.0005

    def begin(self, context: EcuContext) -> None:
        """Listen to switches and sensors, and report what comes of them."""
        self._accessory = context.pins.get("ACC")
        self._forget()
        self._flashing = self.kernel.timer(self._flash)
        self._light_off = self.kernel.timer(self._switch_light_off)
        self._bounce = self.kernel.timer(self._take_key)
        self._stuck = self.kernel.timer(self._key_is_stuck)
        for door, message in DOORS.items():
            self.hear(context, "body", message, partial(self._door, door))
        self.hear(context, "body", "SCM_Stalks", self._stalks_moved)
        self.hear(context, "body", "SCM_Keys", self._key_seen)
        self.hear(context, "body", "RLS_Light", self._brightness)
        self.hear(context, "body", "GW_B_VehicleSpeed", self._speed_heard)
        self.hear(context, "body", "GW_B_Crash", self._crash)
        self.hear(context, "body", "GW_B_Remote", self._remote)
        self.hear(context, "chassis", "GW_HSC2_ECM_FrP04", self._gear)
        self.drive("BCM_Terminals", self._terminals)
        self.drive("BCM_Doors", self._doors_and_locks)
        self.drive("BCM_Lights", self._lights)
        self.drive("BCM_Wipers", self._wipers)
        self.drive("BCM_SteeringWheelKeys", self._keys)

    def _forget(self) -> None:
        self._open = dict.fromkeys(DOORS, False)
        self._locked, self._lock_reason = False, 0
        self._stalks: Values = {}
        self._dark = self._reverse = self._interior = self._was_on = False
        self._lit = ""
        self._contact = self._key = 0
        self._key_fault = False
        self._last_order = 0, 0

    def power_off(self) -> None:
        """Stop at once, and forget all."""
        super().power_off()
        for timer in (self._flashing, self._light_off, self._bounce, self._stuck):
            timer.stop()
        self._forget()

    def terminal_15(self, on: bool) -> None:
        """Unlock the doors with terminal 15 off."""
        super().terminal_15(on)
        if on:
            self._was_on = True
        elif self._lock_reason == LOCK_REASONS["Speed"]:
            self._lock("None", locked=False)
        self._judge_indicators()

    def _terminals(self) -> Values:
        stale = self._was_on and self.has("stale terminals")
        return {
            "Terminal15": int(self.is_terminal_15_on or stale),
            "Accessory": int(self._accessory is not None and self._accessory.voltage >= TERMINAL_ON),
            "Awake": 1,
            "BatteryVoltage": min(max(self._kl30.voltage, 0.0), 25.5),
        }

    # Doors and locks

    def _door(self, door: str, values: Values) -> None:
        was_open = any(self._open.values())
        self._open[door] = bool(values["Door"]) and not (
            door == "PassengerDoor" and self.has("misses the passenger's door")
        )
        if any(self._open.values()):
            self._interior = True
            self._light_off.stop()
        elif was_open:
            self._light_off.start(INTERIOR_LIGHT)
        if door == "DriverDoor" and values["LockButton"]:
            self._lock("Button", locked=values["LockButton"] == _LOCK)

    def _switch_light_off(self) -> None:
        if self.has("interior light stays"):
            self._light_off.start(INTERIOR_LIGHT)
        else:
            self._interior = False

    def _lock(self, reason: str, *, locked: bool) -> None:
        self._locked, self._lock_reason = locked, LOCK_REASONS[reason]

    def _speed_heard(self, values: Values) -> None:
        fast = values["VehSpdAvgHSC2"] >= LOCK_SPEED and not values["VehSpdAvgVHSC2"]
        crashed = self._lock_reason == LOCK_REASONS["Crash"]
        if fast and self.is_terminal_15_on and not (self._locked or crashed or self.has("does not lock")):
            self._lock("Speed", locked=True)

    def _crash(self, values: Values) -> None:
        if values["Airbags"] and not self.has("stays locked in a crash"):
            self._lock("Crash", locked=False)
            self._judge_indicators()

    def _remote(self, values: Values) -> None:
        command = int(values["Command"])
        order = command, int(values["CommandNumber"])
        if order != self._last_order and command in (_LOCK, _UNLOCK) and not self.has("ignores remote commands"):
            self._lock("Remote", locked=command == _LOCK)
        self._last_order = order

    def _doors_and_locks(self) -> Values:
        doors = {door: int(is_open) for door, is_open in self._open.items()}
        return {**doors, "Tailgate": 0, "Bonnet": 0, "Locks": int(self._locked), "LockReason": self._lock_reason}

    # Lights and wipers

    def _brightness(self, values: Values) -> None:
        self._dark = bool(values["Dark"])

    def _gear(self, values: Values) -> None:
        self._reverse = values["TrShftLvrPos_h1HSC2"] == REVERSE and not values["TrShftLvrPosV_h1HSC2"]

    def _stalks_moved(self, values: Values) -> None:
        self._stalks = dict(values)
        self._judge_indicators()

    def _wanted_indicators(self) -> str:
        if self._lock_reason == LOCK_REASONS["Crash"]:
            return HAZARD
        if self._stalks.get("Hazard") and not self.has("no hazard lights"):
            return HAZARD
        return {1: "left", 2: "right"}.get(int(self._stalks.get("Indicator", 0)), "") if self.is_terminal_15_on else ""

    def _judge_indicators(self) -> None:
        if not self._wanted_indicators():
            self._flashing.stop()
            self._lit = ""
        elif self._flashing.due is None:
            self._flash()

    def _flash(self) -> None:
        self._lit = "" if self._lit else self._wanted_indicators()
        self._flashing.start(200 * MILLISECOND if self.has("flashes fast") else FLASH)

    def _lights(self) -> Values:
        stalks, on = self._stalks, self.is_terminal_15_on
        switch = stalks.get("LightSwitch", 0)
        low = on and (switch == _LOW or (switch == _AUTO and self._dark and not self.has("no low beam")))
        return {
            "SideLights": int(bool(switch) and (switch != _AUTO or self._dark)),
            "LowBeam": int(low),
            "HighBeam": int(low and bool(stalks.get("HighBeam"))),
            "FrontFog": int(on and bool(stalks.get("FrontFog"))),
            "RearFog": int(low and bool(stalks.get("RearFog"))),
            "LeftIndicator": int(self._lit in ("left", HAZARD)),
            "RightIndicator": int(self._lit in ("right", HAZARD)),
            "Hazard": int(self._wanted_indicators() == HAZARD),
            "ReverseLight": int(on and self._reverse and not self.has("no reverse light")),
            "InteriorLight": int(self._interior),
        }

    def _wipers(self) -> Values:
        stalks, on = self._stalks, self.is_terminal_15_on or self.has("wipers stay")
        wiper = int(stalks.get("Wiper", 0)) if on else 0
        return {
            "FrontWiper": min(wiper, 2) if self.has("slow wipers") else wiper,
            "RearWiper": int(on and bool(stalks.get("RearWiper"))),
            "Washer": int(on and bool(stalks.get("Washer"))),
        }

    # Keys at the steering wheel

    def _key_seen(self, values: Values) -> None:
        key = int(values["Key"])
        if key == self._contact:
            return
        self._contact = key
        self._bounce.start(
            0 if self.has("bouncing keys") else BOUNCE + (400 * MILLISECOND if self.has("late keys") else 0)
        )

    def _take_key(self) -> None:
        if self._contact == self._key:
            return  # it has bounced
        self._key, self._key_fault = self._contact, False
        if self._key:
            self._stuck.start(STUCK_AFTER)
        else:
            self._stuck.stop()

    def _key_is_stuck(self) -> None:
        if not self.has("trusts a stuck key"):
            self._key_fault = True

    def _keys(self) -> Values:
        return {"Key": 0 if self._key_fault else self._key, "KeyFault": int(self._key_fault)}
