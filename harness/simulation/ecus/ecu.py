"""What every simulated ECU is made of, and how a test reaches it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from harness.can_port import CanPort
from harness.errors import TestError, unknown_name
from harness.protocols.database import Database
from harness.simulation.kernel import Kernel
from harness.simulation.serial_line import SerialLine
from harness.vehicle import Protection, Route


class Pin(Protocol):
    """A supply pin of an ECU."""

    @property
    def voltage(self) -> float:
        """Volts at the pin now."""

    def watch(self, threshold: float, on_change: Callable[[bool], None]) -> None:
        """Call `on_change` with True at the instant the pin rises to `threshold`, with False when it falls below."""

    def draw(self, current: float) -> None:
        """Draw this many amperes from now on."""


@dataclass(frozen=True)
class EcuContext:
    """Where an ECU sits: its clock, ports, databases and pins."""

    name: str
    node: str
    """Name of the ECU in the databases."""
    kernel: Kernel
    ports: Mapping[str, CanPort]
    """By bus."""
    databases: Mapping[str, Database]
    """By bus."""
    pins: Mapping[str, Pin] = field(default_factory=dict)
    """By pin name, such as KL30."""
    protection: Mapping[str, Protection] = field(default_factory=dict)
    """By message name."""
    routes: Mapping[str, Route] = field(default_factory=dict)
    """What the gateway passes on, by name."""
    console: SerialLine | None = None
    phase: int = 0
    """Nanoseconds after its wake-up at which the ECU sends its first cyclic messages."""


class Ecu:
    """Base of all ECU models: named defects."""

    DEFECTS: ClassVar[Mapping[str, str]] = {}
    """Defects that a test can switch on, and what each does."""

    def __init__(self, context: EcuContext) -> None:
        self.name = context.name
        self.kernel = context.kernel
        self._defects: set[str] = set()

    @property
    def defects(self) -> frozenset[str]:
        """The defects that are on."""
        return frozenset(self._defects)

    def has(self, defect: str) -> bool:
        """Say whether a defect of this model is on."""
        return defect in self._defects

    def switch_defect(self, defect: str, *, on: bool) -> None:
        """Switch a defect on or off.

        Raises:
            TestError: the model has no such defect; says which it has.
        """
        if defect not in self.DEFECTS:
            raise TestError(f"{self.name} has {unknown_name('defect', defect, self.DEFECTS)}")
        if on != (defect in self._defects):
            (self._defects.add if on else self._defects.discard)(defect)
            self.defect_changed(defect)

    def defect_changed(self, defect: str) -> None:
        """React to a defect that was switched; most are looked up when they matter and need nothing here."""
