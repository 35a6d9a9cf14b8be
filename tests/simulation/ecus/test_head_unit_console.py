"""What the head unit prints on its console, when, and what it answers. The texts are our own."""

from typing import TYPE_CHECKING

import pytest

from harness.clock import MILLISECOND
from harness.rig.rig_file import read_rig_file
from harness.simulation.ecus.head_unit import IDENTITY
from tests.simulation.ecus.conftest import VEHICLE

if TYPE_CHECKING:
    from tests.simulation.ecus.conftest import Car

GEAR = "GW_HSC2_ECM_FrP04.TrShftLvrPos_h1HSC2"
PARK, REVERSE = 1, 2
BOOT = ["boot: started", "boot: complete", "audio: playing"]


class Desk:
    """The car, and somebody at the console of its head unit."""

    def __init__(self, car: "Car") -> None:
        self.car = car
        self.unit = car.add("head-unit", "HU", ("KL30", "KL15"))
        car.add("rest-bus", "GW")
        self.line = car.consoles["HU"]
        self._printed = ""
        self.times: list[float] = []
        self.line.listen(self._listen)

    def _listen(self, data: bytes, time: int) -> None:
        self._printed += data.decode("ascii")
        self.times.append(time / MILLISECOND)

    def ignition(self, *, on: bool) -> None:
        (self.car.relay.close if on else self.car.relay.open)()

    def start(self) -> list[str]:
        self.car.supply(13.5)
        self.ignition(on=True)
        return self.lines(5_000)

    def lines(self, milliseconds: float) -> list[str]:
        """What is printed in a time."""
        self._printed = ""
        self.times.clear()
        self.car.run(milliseconds)
        assert self._printed.replace("\r\n", "").isprintable()
        return self._printed.split("\r\n")[:-1]

    def ask(self, *commands: str) -> list[str]:
        for command in commands:
            self.line.send(command.encode())
        return self.lines(100)


@pytest.fixture
def desk(car: "Car") -> Desk:
    return Desk(car)


def test_it_prints_its_boot(desk: Desk) -> None:
    assert desk.start() == ["head unit: power on, reset counter 0", *BOOT]
    on, started, complete, playing = desk.times
    assert on == started
    assert complete - started == pytest.approx(1_400)
    assert playing == complete


def test_it_prints_its_way_to_sleep_and_back(desk: Desk) -> None:
    desk.start()
    desk.ignition(on=False)
    assert desk.lines(2_000) == ["power: shutting down"]
    desk.ignition(on=True)
    assert desk.lines(1_000) == ["power: normal"]
    desk.ignition(on=False)
    assert desk.lines(10_000) == ["power: shutting down", "power: off"]
    assert desk.times[1] - desk.times[0] == pytest.approx(4_000)
    desk.ignition(on=True)
    assert desk.lines(5_000) == BOOT


def test_it_prints_a_reset(desk: Desk) -> None:
    desk.start()
    desk.car.output.program(voltage=13.5, on=False)
    assert desk.lines(1_000) == ["power: shutting down"], "its capacitors outlast terminal 15"
    desk.car.output.program(voltage=13.5, on=True)
    assert desk.lines(5_000) == ["head unit: power on, reset counter 1", *BOOT]


@pytest.mark.parametrize(("voltage", "name"), [(8.5, "undervoltage"), (17.0, "overvoltage")])
def test_it_prints_what_its_supply_does_to_it(desk: Desk, voltage: float, name: str) -> None:
    desk.start()
    desk.car.supply(voltage)
    assert desk.lines(1_000) == [f"power: {name}", "audio: muted"]
    desk.car.supply(13.5)
    assert desk.lines(1_000) == ["power: normal", "audio: playing"]


def test_it_boots_in_undervoltage_and_says_so(desk: Desk) -> None:
    desk.car.supply(8.5)
    desk.car.run(1_000)
    desk.ignition(on=True)
    assert desk.lines(5_000) == ["boot: started", "power: undervoltage", "boot: complete", "audio: muted"]


def test_a_supply_out_of_range_is_not_told_while_it_sleeps(desk: Desk) -> None:
    desk.car.supply(13.5)
    desk.car.run(1_000)
    desk.car.supply(8.5)
    assert desk.lines(1_000) == []


def test_it_prints_its_rear_view(desk: Desk) -> None:
    desk.start()
    desk.car.set(GEAR, REVERSE)
    assert desk.lines(1_000) == ["camera: rear view shown"]
    desk.car.set(GEAR, PARK)
    assert desk.lines(1_000) == ["camera: rear view hidden"]


def test_the_defect_stays_muted_can_be_heard(desk: Desk) -> None:
    desk.start()
    desk.unit.switch_defect("stays muted", on=True)
    desk.car.supply(8.5)
    desk.car.run(1_000)
    desk.car.supply(13.5)
    assert desk.lines(1_000) == ["power: normal"]
    desk.unit.switch_defect("stays muted", on=False)
    assert desk.lines(1_000) == []
    assert desk.ask("version\n"), "lines that a defect has held back are not lost for good"


def test_nothing_is_repeated_when_the_console_is_no_longer_silent(desk: Desk) -> None:
    desk.start()
    desk.unit.switch_defect("silent console", on=True)
    desk.car.supply(8.5)
    desk.car.run(1_000)
    assert desk.ask("version\n", "help\n") == []
    desk.unit.switch_defect("silent console", on=False)
    assert desk.lines(1_000) == []
    desk.car.supply(13.5)
    assert desk.lines(1_000) == ["power: normal", "audio: playing"]


# Commands


def test_it_answers_with_what_the_rig_file_declares(desk: Desk) -> None:
    desk.start()
    declared = read_rig_file(VEHICLE.parents[1] / "rx5-virtual.yaml").duts["head unit"]
    assert {name: value for name, value in declared.model_dump().items() if value} == IDENTITY
    assert desk.ask("version\n") == [f"{name} {value}" for name, value in IDENTITY.items()]
    assert min(desk.times) > desk.car.kernel.now / MILLISECOND - 100, "a command takes time"


@pytest.mark.parametrize("pieces", [("version\n",), ("version\r",), (" version \r\n",), ("ver", "", "sion", "\r\n")])
def test_a_command_ends_with_its_line(desk: Desk, pieces: tuple[str, ...]) -> None:
    desk.start()
    assert len(desk.ask(*pieces)) == 3


def test_commands_are_answered_in_their_order(desk: Desk) -> None:
    desk.start()
    answers = desk.ask("help\nversion\n\n", "b\xc3\n")
    assert answers[0] == "unknown command: help"
    assert answers[4:] == ["unknown command: b\\xc3\\x83"]


def test_without_an_end_of_line_it_waits(desk: Desk) -> None:
    desk.start()
    assert desk.ask("version") == []
    assert len(desk.ask("\n")) == 3
    assert desk.ask("x" * 10_000) == []
    assert desk.ask("\n") == ["unknown command: " + "x" * 256]


def test_asleep_or_without_supply_it_does_not_answer(desk: Desk) -> None:
    assert desk.ask("version\n") == []
    desk.car.supply(13.5)
    desk.car.run(1_000)
    assert desk.ask("version\n", "vers") == []
    desk.ignition(on=True)
    desk.car.run(1_000)
    assert desk.ask("ion\n") == ["unknown command: ion"]
    desk.ignition(on=False)
    desk.car.run(100)
    assert len(desk.ask("version\n")) == 3, "in its after-run it is awake"
    desk.car.run(5_000)
    assert desk.ask("version\n") == []


def test_an_answer_does_not_outlive_the_supply(desk: Desk) -> None:
    desk.start()
    desk.line.send(b"version\n")
    desk.car.output.program(voltage=0, on=False)
    assert desk.lines(100) == ["power: shutting down"]


def test_with_another_version_only_the_software_differs(desk: Desk) -> None:
    desk.start()
    desk.unit.switch_defect("wrong version", on=True)
    part, hardware, software = desk.ask("version\n")
    assert (part, hardware) == (f"part {IDENTITY['part']}", f"hardware {IDENTITY['hardware']}")
    assert software.startswith("software ")
    assert software != f"software {IDENTITY['software']}"
