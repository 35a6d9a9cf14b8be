"""The body controller alone on its buses, and what people in the car do."""

from itertools import pairwise

from tests.simulation.ecus.lone_ecu import LoneEcu, read

NO_REASON, SPEED, REMOTE, CRASH, BUTTON = range(5)
OFF, SIDE, LOW, AUTO = range(4)
LEFT, RIGHT = 1, 2
LOCK, UNLOCK, FIND = 1, 2, 3
NEXT, MUTE = 4, 3
REVERSE = 2
DOORS = {
    "DriverDoor": "DDM_Switches",
    "PassengerDoor": "PDM_Switches",
    "RearLeftDoor": "RDL_Switches",
    "RearRightDoor": "RDR_Switches",
}
FRAME = 50
"""Milliseconds in which a message of the lights is bound to come."""


class Body(LoneEcu):
    """The body controller, supplied and with terminal 15 on, and what people in the car do."""

    def __init__(self) -> None:
        super().__init__("body-controller", "BCM")
        self.start()

    def speed(self, kilometres_per_hour: float, *, invalid: int = 0) -> None:
        self.say("GW_B_VehicleSpeed", VehSpdAvgHSC2=kilometres_per_hour, VehSpdAvgVHSC2=invalid)

    def button(self, button: int) -> None:
        self.say("DDM_Switches", LockButton=button)
        self.say("DDM_Switches")

    def gear(self, gear: int, *, invalid: int = 0) -> None:
        self.say("GW_HSC2_ECM_FrP04", TrShftLvrPos_h1HSC2=gear, TrShftLvrPosV_h1HSC2=invalid)

    def locks(self) -> tuple[float, float]:
        """Whether the doors are locked, and why."""
        doors = self.next("BCM_Doors")
        return doors["Locks"], doors["LockReason"]

    def key(self) -> tuple[float, float]:
        """Key at the steering wheel that it passes on, and whether it is broken."""
        keys = self.next("BCM_SteeringWheelKeys")
        return keys["Key"], keys["KeyFault"]

    def press(self, key: int) -> None:
        """Press a key at the steering wheel, or with 0 let it go, and wait until it is passed on."""
        self.say("SCM_Keys", Key=key)
        self.run(100)

    def light(self, name: str) -> float:
        return self.next("BCM_Lights")[name]

    def flashes(self, milliseconds: float, *lamps: str) -> int:
        """How often the lamps go on in a time; all of them at once."""
        begin = self.kernel.now
        self.run(milliseconds)
        frames = [read("BCM_Lights", frame) for frame in self.frames("BCM_Lights", begin)]
        assert all(len({frame[lamp] for lamp in lamps}) == 1 for frame in frames)
        return sum(before[lamps[0]] < now[lamps[0]] for before, now in pairwise(frames))
