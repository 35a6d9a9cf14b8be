"""Instrument cluster: speed, telltales and chimes. Its times and thresholds are our own [P]."""

from collections.abc import Mapping
from math import ceil
from typing import ClassVar

from harness.simulation.ecus.ecu import EcuContext
from harness.simulation.ecus.network_node import NetworkNode, Values

SPEED = "GW_B_VehicleSpeed"
SPEED_LOST_AFTER = 5
"""Cycles of the speed message without a frame."""
OVERREADING = 1.03
"""What it shows more: a speedometer must never show less than the car goes (UN R39, 5.4 [K])."""
BELT_SPEED = 20.0
"""km/h from which on it chimes for an open belt."""
_CHIMES = {"None": 0, "SeatBelt": 1, "DoorOpen": 2, "Collision": 3}
_URGENT = 2


class InstrumentCluster(NetworkNode):
    """The instrument cluster of the car."""

    DEFECTS: ClassVar[Mapping[str, str]] = {
        **NetworkNode.DEFECTS,
        "shows too little": "shows the speed 5 % too low",
        "shows too much": "shows the speed 20 % too high",
        "stale speed": "goes on showing the last speed when its message is lost",
        "no belt warning": "does not warn of an open seat belt",
        "no door warning": "does not warn of an open door",
        "no collision warning": "does not show what the driver assistance warns of",
        "dead telltales": "leaves the telltales of the lights dark",
    }
    RUNNING_CURRENT: ClassVar[float] = 0.1
    SLEEPING_CURRENT: ClassVar[float] = 0.0002

    def begin(self, context: EcuContext) -> None:
        """Listen to what it shows."""
        self._forget()
        self._speed_timeout = 0
        if "body" in context.ports and SPEED in context.databases["body"].messages:
            self._speed_timeout = SPEED_LOST_AFTER * (context.databases["body"].messages[SPEED].cycle_time or 0)
        self._speed_watchdog = self.kernel.timer(self._lose_speed)
        self.hear(context, "body", SPEED, self._speed_heard)
        self.hear(context, "body", "BCM_Lights", self._lights_heard)
        self.hear(context, "body", "BCM_Doors", self._doors_heard)
        self.hear(context, "body", "GW_B_Belts", self._belts_heard)
        self.hear(context, "body", "GW_B_Crash", self._crash_heard)
        self.hear(context, "body", "GW_B_Warnings", self._warnings_heard)
        self.drive("IPK_Speed", self._shown_speed)
        self.drive("IPK_Telltales", self._telltales)
        self.drive("IPK_Chime", self._chime)

    def _forget(self) -> None:
        self._speed: float | None = None
        self._lights: Values = {}
        self._door_open = self._belt_open = self._airbag = False
        self._collision = 0

    def power_off(self) -> None:
        """Stop at once, and forget all."""
        super().power_off()
        self._speed_watchdog.stop()
        self._forget()

    def fallen_asleep(self) -> None:
        """Forget what was on the bus."""
        self._speed_watchdog.stop()
        self._forget()

    def _speed_heard(self, values: Values) -> None:
        self._speed = None if values["VehSpdAvgVHSC2"] else values["VehSpdAvgHSC2"]
        self._speed_watchdog.start(self._speed_timeout)

    def _lose_speed(self) -> None:
        if self.has("stale speed"):
            self._speed_watchdog.start(self._speed_timeout)
        else:
            self._speed = None

    def _lights_heard(self, values: Values) -> None:
        self._lights = values

    def _doors_heard(self, values: Values) -> None:
        self._door_open = any(values[door] for door in ("DriverDoor", "PassengerDoor", "RearLeftDoor", "RearRightDoor"))

    def _belts_heard(self, values: Values) -> None:
        self._belt_open = not values["DriverBelt"]

    def _crash_heard(self, values: Values) -> None:
        self._airbag = bool(values["Airbags"])

    def _warnings_heard(self, values: Values) -> None:
        self._collision = int(values["Collision"])

    def _shown_speed(self) -> Values:
        factor = OVERREADING
        if self.has("shows too little"):
            factor = 0.95
        elif self.has("shows too much"):
            factor = 1.2
        known = self._speed is not None
        # Rounded up to a tenth of a km/h: to the nearest one, 0.14 km/h would be shown as 0.1.
        tenths = ceil(round((self._speed or 0.0) * factor * 10, 6))
        return {"DisplayedSpeed": min(tenths, 4095) / 10, "DisplayedSpeedValid": int(known)}

    @property
    def _warns_of_belt(self) -> bool:
        return self._belt_open and not self.has("no belt warning")

    @property
    def _warns_of_collision(self) -> bool:
        return self._collision == _URGENT and not self.has("no collision warning")

    def _telltales(self) -> Values:
        lights = {} if self.has("dead telltales") else self._lights
        return {
            "LeftIndicator": lights.get("LeftIndicator", 0),
            "RightIndicator": lights.get("RightIndicator", 0),
            "HighBeam": lights.get("HighBeam", 0),
            "RearFog": lights.get("RearFog", 0),
            "DoorOpen": int(self._door_open and not self.has("no door warning")),
            "SeatBelt": int(self._warns_of_belt),
            "Airbag": int(self._airbag),
            "CollisionWarning": int(self._warns_of_collision),
        }

    def _chime(self) -> Values:
        chime = "None"
        if self._warns_of_collision:
            chime = "Collision"
        elif self._warns_of_belt and (self._speed or 0.0) >= BELT_SPEED:
            chime = "SeatBelt"
        return {"Chime": _CHIMES[chime]}
