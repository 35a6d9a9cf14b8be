"""The simulated 34970A with its 34903A actuator, held to its user's guide and to what real units have answered."""

import pytest

from harness.clock import MILLISECOND, SECOND
from harness.simulation.instruments.keysight_34970a import OPERATE_TIME, Keysight34970A
from harness.simulation.kernel import Kernel
from harness.simulation.plant import Plant
from tests.simulation.instruments.conversation import answer_to


class Rig:
    """A switch unit whose channels 101 and 102 are relays of the plant."""

    def __init__(self) -> None:
        self.kernel = Kernel()
        plant = Plant(self.kernel)
        self.first, self.second = plant.relay("KL15"), plant.relay("ACC")
        self.unit = Keysight34970A(self.kernel, {101: self.first, 102: self.second})

    def contacts(self) -> tuple[bool, bool]:
        return self.first.closed, self.second.closed

    def say(self, message: str) -> str | None:
        return answer_to(message, self.unit, self.kernel)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_identity_and_modules(rig: Rig) -> None:
    """Answers as logged from real units."""
    assert rig.say("*IDN?") == "HEWLETT-PACKARD,34970A,0,13-2-2"
    assert rig.say("SYST:CTYPE? 100") == "HEWLETT-PACKARD,34903A,0,1.0"
    assert rig.say("SYST:CTYP? 300") == "HEWLETT-PACKARD,0,0,0"
    assert rig.say("SYST:ERR?") == '+0,"No error"'
    assert rig.say("*TST?;*ESR?;*OPC?") == "+0;+128;1"


def test_close_and_open(rig: Rig) -> None:
    rig.say("ROUT:CLOS (@101,103:105)")
    assert rig.contacts() == (True, False)
    assert rig.say("ROUT:CLOS? (@101:106)") == "1,0,1,1,1,0"
    assert rig.say("ROUTe:OPEN? (@101:106)") == "0,1,0,0,0,1"
    rig.say("rout:open (@101)")
    assert rig.contacts() == (False, False)
    assert rig.say("ROUT:CLOS? (@101)") == "0"


def test_contacts_move_some_time_after_the_command(rig: Rig) -> None:
    done = rig.unit.receive("ROUT:CLOS (@101,102)", print)
    rig.kernel.sleep(3 * MILLISECOND + OPERATE_TIME - 1)
    assert rig.contacts() == (False, False)
    rig.kernel.sleep(1)
    assert rig.contacts() == (True, False)
    rig.kernel.sleep(OPERATE_TIME)
    assert rig.contacts() == (True, True)
    assert done.is_set


def test_operation_complete_waits_for_the_contacts(rig: Rig) -> None:
    answers: list[str] = []
    rig.unit.receive("ROUT:CLOS (@101)", answers.append)
    rig.unit.receive("*OPC?", lambda answer: answers.append(f"{answer} {rig.first.closed}"))
    rig.kernel.sleep(SECOND)
    assert answers == ["1 True"]


def test_exclusive_close_opens_all_others_first(rig: Rig) -> None:
    rig.say("ROUT:CLOS (@101,110)")
    rig.unit.receive("ROUT:CLOS:EXCL (@102)", print)
    seen = []
    for _ in range(40):
        rig.kernel.sleep(MILLISECOND)
        seen.append(rig.contacts())
    assert list(dict.fromkeys(seen)) == [(True, False), (False, False), (False, True)]
    assert rig.say("ROUT:CLOS? (@101,102,110)") == "0,1,0"


@pytest.mark.parametrize("message", ["*RST", "SYST:CPON 100", "SYST:CPON ALL"])
def test_reset_opens_all(rig: Rig, message: str) -> None:
    rig.say("ROUT:CLOS (@101:120)")
    rig.say(message)
    assert not rig.first.closed
    assert rig.say("ROUT:CLOS? (@101:103)") == "0,0,0"


def test_an_empty_slot_has_nothing_to_reset(rig: Rig) -> None:
    rig.say("ROUT:CLOS (@101)")
    rig.say("SYST:CPON 200")
    assert rig.first.closed


def test_relay_cycles(rig: Rig) -> None:
    rig.say("ROUT:CLOS (@101);CLOS (@101);OPEN (@101);CLOS (@101)")
    assert rig.say("DIAG:REL:CYCL? (@101,102)") == "+2,+0"


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("ROUT:CLOS (@121)", '+112,"Channel list: channel number out of range"'),
        ("ROUT:CLOS (@100)", '+112,"Channel list: channel number out of range"'),
        ("ROUT:CLOS (@101,201)", '+112,"Channel list: channel number out of range"'),
        ("ROUT:CLOS (@401)", '+111,"Channel list: slot number out of range"'),
        ("ROUT:CLOS (@101:999999999)", '+111,"Channel list: slot number out of range"'),
        ("ROUT:CLOS 101", '-104,"Data type error"'),
        ("ROUT:CLOS", '-109,"Missing parameter"'),
        ("ROUT:CLOS (@101", '-102,"Syntax error"'),
        ("SYST:CTYP? 150", '-222,"Data out of range"'),
    ],
)
def test_what_is_not_there(rig: Rig, message: str, error: str) -> None:
    rig.say(message)
    assert not rig.first.closed
    assert rig.say("SYST:ERR?") == error


def test_the_error_queue_holds_ten(rig: Rig) -> None:
    for _ in range(12):
        rig.say("ROUT:CLOS 101")
    errors = [rig.say("SYST:ERR?") for _ in range(11)]
    assert errors == ['-104,"Data type error"'] * 9 + ['-350,"Queue overflow"', '+0,"No error"']


def test_a_relay_that_is_closed_already_is_known(rig: Rig) -> None:
    rig.first.close()
    assert Keysight34970A(rig.kernel, {101: rig.first})._closed == {101}


def test_channels_that_do_not_exist_cannot_be_wired(rig: Rig) -> None:
    with pytest.raises(ValueError, match=r"channels 101 to 120, not \[121\]"):
        Keysight34970A(rig.kernel, {121: rig.first})
