"""The simulated relay card: what it does with requests, as the standard has it."""

import pytest

from harness.clock import MILLISECOND, SECOND
from harness.errors import TestError
from harness.simulation.instruments.modbus_relay_card import ModbusRelayCard
from harness.simulation.kernel import Kernel
from harness.simulation.plant import Plant


class Rig:
    def __init__(self) -> None:
        self.kernel = Kernel()
        self.relay = Plant(self.kernel).relay("KL15")
        self.card = ModbusRelayCard(self.kernel, {2: self.relay})
        self.came = b""
        self.card.line.listen(self._keep)

    def _keep(self, data: bytes, _time: int) -> None:
        self.came += data

    def say(self, *parts: str) -> str:
        self.came = b""
        for part in parts:
            self.card.line.send(bytes.fromhex(part))
            self.kernel.sleep(10 * MILLISECOND)
        self.kernel.sleep(SECOND)
        return self.came.hex(" ").upper()


@pytest.fixture
def rig() -> Rig:
    return Rig()


CLOSE_SECOND = "01 05 00 01 FF 00 DD FA"
READ = "01 01 00 00 00 08 3D CC"


def test_a_coil_moves_its_relay_and_the_request_comes_back(rig: Rig) -> None:
    seen = []
    assert rig.say(CLOSE_SECOND) == CLOSE_SECOND
    seen.append(rig.relay.closed)
    assert rig.say(READ) == "01 01 01 02 D0 49"
    assert rig.say("01 0F 00 00 00 08 01 00 FE 95") == "01 0F 00 00 00 08 54 0D"
    seen.append(rig.relay.closed)
    assert seen == [True, False]
    assert rig.say(READ) == "01 01 01 00 51 88"


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ("01 05 00 08 FF 00 0D F8", "01 85 02 C3 51"),
        ("01 05 00 00 12 34 C0 BD", "01 85 03 02 91"),
        ("01 05 00 50 12 34 C0 AC", "01 85 03 02 91"),
        ("01 01 00 00 00 09 FC 0C", "01 81 02 C1 91"),
        ("01 01 00 00 07 D1 FE 66", "01 81 03 00 51"),
        ("01 0F 00 00 00 08 00 0C FF", "01 8F 03 04 31"),
        ("01 0F 00 00 00 08 02 FF FF E5 30", "01 8F 03 04 31"),
        ("01 0F 00 50 00 00 00 1A 3F", "01 8F 03 04 31"),
        ("01 0F 00 01 00 08 01 FF 83 15", "01 8F 02 C5 F1"),
        ("01 01 00 00 00 00 3C 0A", "01 81 03 00 51"),
        ("01 03 00 00 00 01 84 0A", "01 83 01 80 F0"),
    ],
)
def test_what_it_does_not_have_is_refused_with_the_exception_of_the_standard(
    rig: Rig, request_: str, answer: str
) -> None:
    assert rig.say(request_) == answer


@pytest.mark.parametrize("request_", ["01 05 00 01 FF 00 DD FB", "02 05 00 01 FF 00 DD C9", "01", "01 05 00"])
def test_a_damaged_request_and_one_for_another_unit_get_no_answer_and_move_nothing(rig: Rig, request_: str) -> None:
    assert rig.say(request_) == ""
    assert not rig.relay.closed
    assert rig.say(CLOSE_SECOND) == CLOSE_SECOND


def test_a_request_may_come_in_pieces(rig: Rig) -> None:
    assert rig.say(CLOSE_SECOND[:8], CLOSE_SECOND[8:]) == CLOSE_SECOND


def test_relays_that_do_not_exist_cannot_be_wired(rig: Rig) -> None:
    with pytest.raises(ValueError, match=r"the card has relays 1 to 8, not \[9\]"):
        ModbusRelayCard(rig.kernel, {9: rig.relay})


def test_contacts_that_weld_stay_where_they_are_and_nothing_says_so(rig: Rig) -> None:
    rig.card.switch_defect_on("contacts weld")
    assert rig.say(CLOSE_SECOND) == CLOSE_SECOND
    assert rig.say(READ) == "01 01 01 02 D0 49"
    assert not rig.relay.closed


def test_a_defect_that_it_does_not_have_is_named(rig: Rig) -> None:
    with pytest.raises(TestError, match=r"^no defect 'contact welds'; did you mean 'contacts weld'"):
        rig.card.switch_defect_on("contact welds")
