"""The telematics box by its messages on the backbone and by its console; a tester is the gateway and the airbags.

Its times are our own; these tests hold the model to its documentation.
"""

from collections.abc import Callable

import pytest

from harness.clock import MILLISECOND
from harness.simulation.ecus.network_node import NetworkNode
from harness.simulation.ecus.telematics_box import TelematicsBox
from tests.simulation.ecus.lone_ecu import LoneEcu

OFF, REGISTERING, ONLINE = range(3)
NO_REASON, TERMINAL_15, NETWORK, CLOUD, CRASH = range(5)
IDLE, DIALLING, CONNECTED = range(3)
NO_TRIGGER, AUTOMATIC = range(2)
LOCK, UNLOCK, FIND, CLIMATE = range(1, 5)
SHANGHAI = {"Longitude": 121.473701, "Latitude": 31.230416, "Height": 4.0}
FRAME = 101
"""Milliseconds until the next frame of a message that comes each 100 ms."""


class Box(LoneEcu):
    """The telematics box, and whoever types at its console."""

    def __init__(self) -> None:
        super().__init__("telematics-box", "TBOX")

    def start_up(self) -> None:
        """Supply and terminal 15 on, and time enough to be online and to have a position."""
        self.start()
        self.run(4_000)

    def fall_asleep(self) -> None:
        self.switch("KL15", on=False)
        self.run(5_000)
        assert not self.next("TBOX_Status")

    def status(self, signal: str) -> float:
        return self.next("TBOX_Status")[signal]

    def call(self) -> tuple[float, float]:
        """State of the emergency call, and what has triggered it."""
        call = self.next("TBOX_EmergencyCall")
        return call["State"], call["Trigger"]

    def crash(self) -> None:
        self.say("SDM_Crash", Airbags=1, Severity=7)

    def answer(self, command: str) -> list[str]:
        self.printed.clear()
        self.ask(command)
        return self.printed.copy()


@pytest.fixture
def box() -> Box:
    box = Box()
    box.start_up()
    return box


# Network of the phone, satellites


def test_it_registers_two_seconds_after_terminal_30_whether_the_car_is_on_or_not() -> None:
    for terminal_15 in (True, False):
        box = Box()
        box.switch("KL15", on=terminal_15)
        box.supply(13.5)
        box.keep_saying("GW_F_Nm", 500)
        begin = box.kernel.now
        box.run(5_000)
        assert box.history("TBOX_Status", "State") == [REGISTERING, ONLINE]
        assert 2_000 <= box.first("TBOX_Status", begin, State=ONLINE) <= 2_000 + FRAME
        assert box.history("TBOX_Status", "SignalStrength") == [0, -80]
        assert 2_000 <= box.first("TBOX_Time", begin, TimeValid=0) <= 3_010
        assert "telematics: online" in box.printed


def test_it_has_a_position_three_seconds_after_terminal_30() -> None:
    box = Box()
    box.switch("KL15", on=True)
    box.supply(13.5)
    begin = box.kernel.now
    box.run(5_000)
    assert 3_000 <= box.first("TBOX_Status", begin, GnssFix=1, Satellites=9) <= 3_000 + FRAME
    assert box.history("TBOX_Position", "Latitude") == pytest.approx([0, SHANGHAI["Latitude"]])
    position = box.next("TBOX_Position")
    assert {name: position[name] for name in SHANGHAI} == pytest.approx(SHANGHAI)


def test_it_keeps_its_position_without_satellites(box: Box) -> None:
    assert box.answer("gnss off") == ["gnss: antenna off"]
    status, position = box.next("TBOX_Status"), box.next("TBOX_Position")
    assert (status["GnssFix"], status["Satellites"]) == (0, 0)
    assert {name: position[name] for name in SHANGHAI} == pytest.approx(SHANGHAI)
    begin = box.kernel.now
    assert box.answer("gnss on") == ["gnss: antenna on"]
    box.run(4_000)
    assert 3_000 <= box.first("TBOX_Status", begin, GnssFix=1) <= 3_005 + FRAME


def test_satellites_that_are_lost_before_they_are_found_give_no_position() -> None:
    box = Box()
    box.start()
    box.ask("gnss off")
    box.run(10_000)
    assert box.history("TBOX_Status", "GnssFix") == [0]
    assert box.next("TBOX_Position")["Latitude"] == 0


def test_it_counts_seconds_since_terminal_30(box: Box) -> None:
    box.run(60_000)
    assert box.history("TBOX_Time", "Uptime")[:60] == list(range(60))


# Waking up, and why


def test_terminal_15_wakes_it_and_is_the_reason(box: Box) -> None:
    assert box.status("WakeReason") == TERMINAL_15
    box.fall_asleep()
    assert box.printed[-1] == "telematics: asleep"
    box.switch("KL15", on=True)
    box.run(100)
    assert box.printed[-1] == "telematics: awake, terminal 15"


def test_the_network_wakes_it_and_is_the_reason(box: Box) -> None:
    box.fall_asleep()
    box.say("GW_F_Nm")
    assert box.status("WakeReason") == NETWORK
    assert box.printed[-1] == "telematics: awake, network"
    box.switch("KL15", on=True)
    assert box.status("WakeReason") == NETWORK, "it was awake already"


def test_the_cloud_wakes_it_for_ten_seconds(box: Box) -> None:
    box.fall_asleep()
    begin = box.kernel.now
    assert box.answer("wake") == ["telematics: awake, cloud", "cloud: session"]
    assert box.status("WakeReason") == CLOUD
    box.run(30_000)
    asked = box.frames("TBOX_Nm", begin)[-1]
    assert 9_500 <= asked.timestamp * 1_000 - begin / MILLISECOND <= 10_006
    assert box.printed[-1] == "telematics: asleep"
    assert box.current == 0.003


def test_a_second_session_prolongs_the_first(box: Box) -> None:
    box.fall_asleep()
    box.ask("wake")
    box.run(8_000)
    box.ask("wake")
    box.run(9_000)
    assert box.status("WakeReason") == CLOUD


def test_it_answers_its_console_asleep_but_not_without_a_supply(box: Box) -> None:
    box.fall_asleep()
    assert "software model of this harness" in box.answer("version")
    assert box.answer("verison") == ["unknown command: verison"]
    box.output.program(on=False)
    assert box.answer("version") == []


# Commands of the cloud


@pytest.mark.parametrize(
    ("command", "number"), [("lock", LOCK), ("unlock", UNLOCK), ("find", FIND), ("climate", CLIMATE)]
)
def test_it_sends_a_command_for_a_second(box: Box, command: str, number: int) -> None:
    begin = box.kernel.now
    assert box.answer(command) == ["cloud: session", f"cloud: {command}"]
    box.run(3_000)
    assert box.history("TBOX_Remote", "Command", begin)[-2:] == [number, 0]
    assert box.history("TBOX_Remote", "CommandNumber", begin)[-1] == 1
    sent = [frame for frame in box.frames("TBOX_Remote", begin) if frame.data[2] >> 5 == number]
    assert len(sent) == 10


def test_each_command_has_a_number_of_its_own(box: Box) -> None:
    begin = box.kernel.now
    for _ in range(257):
        box.ask("lock")
        box.run(200)
    assert [it % 256 for it in range(258)] == box.history("TBOX_Remote", "CommandNumber", begin - 200 * MILLISECOND)


def test_a_command_wakes_the_car(box: Box) -> None:
    box.fall_asleep()
    begin = box.kernel.now
    box.ask("unlock")
    box.run(500)
    assert box.first("TBOX_Remote", begin, Command=UNLOCK) < 200
    assert box.frames("TBOX_Nm", begin)


# Emergency call


def test_it_calls_a_second_after_airbags_and_is_connected_three_later(box: Box) -> None:
    assert box.call() == (IDLE, NO_TRIGGER)
    begin = box.kernel.now
    box.crash()
    box.run(6_000)
    assert 1_000 <= box.first("TBOX_EmergencyCall", begin, State=DIALLING, Trigger=AUTOMATIC) <= 1_000 + FRAME
    assert 4_000 <= box.first("TBOX_EmergencyCall", begin, State=CONNECTED, Trigger=AUTOMATIC) <= 4_000 + FRAME


def test_it_calls_once_however_often_the_crash_is_told(box: Box) -> None:
    begin = box.kernel.now
    told = box.keep_saying("SDM_Crash", 50, Airbags=1)
    box.run(10_000)
    told.stop()
    box.run(60_000)
    assert box.history("TBOX_EmergencyCall", "State", begin) == [IDLE, DIALLING, CONNECTED]
    assert box.printed.count("emergency call: dialling") == 1


def test_a_crash_message_without_airbags_is_none(box: Box) -> None:
    begin = box.kernel.now
    box.say("SDM_Crash", Severity=7)
    box.run(10_000)
    assert box.history("TBOX_EmergencyCall", "State", begin) == [IDLE]


@pytest.mark.parametrize("after", [0, 500, 2_500])
def test_a_call_goes_on_without_terminal_15_and_keeps_the_network_awake(box: Box, after: int) -> None:
    begin = box.kernel.now
    box.crash()
    box.run(after)
    box.switch("KL15", on=False)
    box.run(120_000)
    assert box.history("TBOX_EmergencyCall", "State", begin) == [IDLE, DIALLING, CONNECTED]
    assert box.call() == (CONNECTED, AUTOMATIC)


def test_a_crash_wakes_it_and_is_the_reason(box: Box) -> None:
    box.fall_asleep()
    box.crash()
    assert box.status("WakeReason") == CRASH
    box.run(5_000)
    assert box.call() == (CONNECTED, AUTOMATIC)


# Power


def test_without_its_supply_it_stops_in_the_middle_of_all_and_forgets(box: Box) -> None:
    box.crash()
    box.run(2_000)
    box.ask("lock")
    box.output.program(on=False)
    box.run(100)
    begin = box.kernel.now
    box.supply(13.5)
    box.run(1_500)
    for message, signal in (
        ("TBOX_EmergencyCall", "State"),
        ("TBOX_Remote", "Command"),
        ("TBOX_Remote", "CommandNumber"),
        ("TBOX_Status", "GnssFix"),
        ("TBOX_Position", "Latitude"),
    ):
        assert box.history(message, signal, begin) == [0], signal
    assert box.status("State") == REGISTERING
    box.run(30_000)
    assert box.call() == (IDLE, NO_TRIGGER)


def test_half_a_command_does_not_outlive_its_supply(box: Box) -> None:
    box.console.send(b"wa")
    box.output.program(on=False)
    box.run(100)
    box.supply(13.5)
    box.run(100)
    assert box.answer("ke") == ["unknown command: ke"]


def test_it_stays_online_through_a_dip_to_6_volts(box: Box) -> None:
    box.crash()
    box.run(1_500)
    box.printed.clear()
    begin = box.kernel.now
    box.supply(6.0)
    box.run(1_000)
    box.supply(13.5)
    box.run(4_000)
    assert box.history("TBOX_Status", "State", begin) == [ONLINE]
    assert box.history("TBOX_EmergencyCall", "State", begin) == [DIALLING, CONNECTED]
    assert box.printed == ["emergency call: connected"]
    assert box.history("TBOX_Time", "Uptime", begin)[0] >= 6


# Defects: each is seen with it from the beginning, and not without it.


def _registers_late(box: Box) -> bool:
    box.run(33_000)
    before = box.status("State")
    box.run(4_000)
    return (before, box.status("State")) == (REGISTERING, ONLINE)


def _does_not_call(box: Box) -> bool:
    box.crash()
    return box.after(30_000, "TBOX_EmergencyCall")["State"] == IDLE


def _calls_late(box: Box) -> bool:
    begin = box.kernel.now
    box.crash()
    box.run(7_900)
    before = box.history("TBOX_EmergencyCall", "State", begin)
    box.run(300)
    return before == [IDLE] and box.call() == (DIALLING, AUTOMATIC)


def _forgets_its_position(box: Box) -> bool:
    box.ask("gnss off")
    position = box.next("TBOX_Position")
    return [position[name] for name in SHANGHAI] == [0, 0, 0]


def _sends_no_command(box: Box) -> bool:
    begin = box.kernel.now
    box.ask("lock")
    box.run(2_000)
    return box.history("TBOX_Remote", "Command", begin) == [0]


def _ignores_the_cloud(box: Box) -> bool:
    box.fall_asleep()
    box.ask("wake")
    asleep = not box.next("TBOX_Status")
    box.ask("lock")
    return asleep and not box.next("TBOX_Status")


def _prints_nothing(box: Box) -> bool:
    return box.answer("version") == []


SEEN: dict[str, Callable[[Box], bool]] = {
    "registers late": _registers_late,
    "no emergency call": _does_not_call,
    "late emergency call": _calls_late,
    "forgets its position": _forgets_its_position,
    "sends no commands": _sends_no_command,
    "ignores wake-ups": _ignores_the_cloud,
    "silent console": _prints_nothing,
}


@pytest.mark.parametrize("defect", [it for it in TelematicsBox.DEFECTS if it not in NetworkNode.DEFECTS])
def test_a_defect_shows_and_not_without_it(box: Box, defect: str) -> None:
    assert not SEEN[defect](box)
    defective = Box()
    defective.ecu.switch_defect(defect, on=True)
    defective.start_up()
    assert SEEN[defect](defective)
    defective.ecu.switch_defect(defect, on=False)
    defective.output.program(on=False)
    defective.run(100)
    defective.start_up()
    assert not SEEN[defect](defective)
