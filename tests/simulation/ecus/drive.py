"""The car with its head unit, what a driver does with it, and what the head unit's status says."""

from typing import TYPE_CHECKING

from harness.clock import MILLISECOND

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
