"""The simulated HMP4040: driven by pymeasure's driver as it is, and by what its manual says."""

from collections.abc import Iterator

import pytest
from pymeasure.instruments.rohdeschwarz.hmp import HMP4040

from harness.clock import MILLISECOND, SECOND
from harness.simulation.instruments.rohde_schwarz_hmp4040 import RohdeSchwarzHMP4040
from harness.simulation.kernel import Kernel
from harness.simulation.plant import Plant
from tests.simulation.instruments.conversation import answer_to, visa_adapter


class Rig:
    """A supply whose output 1 feeds a net with one load."""

    def __init__(self) -> None:
        self.kernel = Kernel()
        self.plant = Plant(self.kernel)
        self.output = self.plant.add_output("supply.1", slew=1000.0)
        self.net = self.plant.add_net("KL30", fed_by=self.output, resistance=0.1)
        self.load = self.plant.add_load(self.net)
        self.supply = RohdeSchwarzHMP4040(self.kernel, {1: self.output})

    def say(self, message: str) -> str | None:
        return answer_to(message, self.supply, self.kernel)

    def wait(self, duration: int) -> None:
        self.kernel.sleep(duration)


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.fixture
def driver(rig: Rig) -> Iterator[HMP4040]:
    with visa_adapter(rig.supply, rig.kernel) as adapter:
        yield HMP4040(adapter)


def test_pymeasure_sets_and_reads_back(driver: HMP4040) -> None:
    assert driver.id == "ROHDE&SCHWARZ,HMP4040,000000,HW50020003/SW2.70"
    driver.control_method = "REM"
    driver.selected_channel = 3
    driver.voltage = 13.5
    driver.current = 2.25
    assert (driver.selected_channel, driver.voltage, driver.current) == (3, 13.5, 2.25)
    assert driver.voltage_and_current == [13.5, 2.25]
    driver.voltage_and_current = (5, 1)
    assert driver.voltage_and_current == [5, 1]
    assert (driver.min_voltage, driver.max_voltage, driver.min_current, driver.max_current) == (0, 32.05, 0, 10)
    driver.voltage_to_max()
    assert driver.voltage == 32.05
    driver.voltage_to_min()
    driver.voltage_step = 0.5
    driver.step_voltage_up()
    driver.step_voltage_up()
    driver.step_voltage_down()
    assert driver.voltage == 0.5
    driver.current_step = 0.2
    driver.step_current_down()
    assert driver.current == 0.8
    driver.selected_channel = 1
    assert driver.voltage == 0
    driver.beep()
    assert driver.version > 1990
    assert driver.check_errors() == []


def test_pymeasure_measures_under_load(rig: Rig, driver: HMP4040) -> None:
    rig.load.draw(1.5)
    driver.voltage_and_current = (12, 5)
    driver.set_channel_state(1, state=True)
    assert driver.measured_voltage == 0
    assert not driver.output_enabled
    driver.output_enabled = True
    rig.wait(20 * MILLISECOND)
    assert driver.output_enabled
    assert driver.selected_channel_active
    assert driver.measured_voltage == 12.0
    assert driver.measured_current == 1.5
    assert rig.net.voltage == pytest.approx(12 - 0.1 * 1.5)
    driver.output_enabled = False
    assert (driver.measured_voltage, driver.measured_current) == (0, 0)
    assert driver.check_errors() == []


def test_answers_have_the_form_of_the_manual(rig: Rig) -> None:
    assert rig.say("VOLT 12;CURR 1;VOLT?;CURR?;VOLT? MIN;VOLT? MAX;APPL?") == "12.000;1.0000;0.000;32.050;12.000,1.0000"
    assert rig.say("OUTP ON;OUTP?;OUTP:SEL?;OUTPUT:GENERAL?") == "1;1"
    assert rig.say("SYST:ERR?") == '-113,"Undefined header"'  # relative to OUTPut after OUTP:SEL?
    assert rig.say("OUTP?;OUTP:SEL?;GEN?") == "1;1;1"
    assert rig.say("INST OUT2;INST?;INST:NSEL?;NSEL 4;:INST:SEL?") == "OUTP2;2;OUTP4"
    assert rig.say("INST OUTPUT3;INST?;:OUTP?;:MEAS:VOLT?;CURR?;:MEAS?") == "OUTP3;0;0.000;0.0000;0.000"
    assert rig.say("VOLT:PROT:MODE?;:FUSE?;FUSE:DEL?;DEL? MAX;TRIP?") == "measured;0;0;250;0"
    assert rig.say("SOUR:VOLT:LEV:IMM:STEP:INCR?;:SOURCE:CURRENT 500MA;CURR?") == "1.000;0.5000"


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("VOLT 32.06", "-222"),
        ("CURR 10.1", "-222"),
        ("VOLT 5A", "-131"),
        ("VOLT MAX;VOLT UP", "-222"),
        ("INST OUT5", "-224"),
        ("INST:NSEL 5", "-222"),
        ("FUSE:DEL 251", "-222"),
        ("FUSE:LINK 5", "-222"),
        ("OUTP MAYBE", "-224"),
        ("VOLT:PROT:MODE SOUR", "-224"),
        ("STAT:QUES:INST:ISUM5:COND?", "-114"),
        ("*SAV 10", "-222"),
    ],
)
def test_what_is_not_allowed(rig: Rig, message: str, error: str) -> None:
    rig.say(message)
    assert (rig.say("SYST:ERR?") or "").startswith(error)


def test_output_key_and_channel_keys(rig: Rig) -> None:
    rig.say("APPL 12,5;OUTP:SEL ON")
    rig.wait(SECOND)
    assert rig.output.voltage == 0
    rig.say("OUTP:GEN ON")
    rig.wait(SECOND)
    assert rig.output.voltage == 12
    rig.say("OUTP OFF")
    assert rig.output.voltage == 0
    assert rig.say("OUTP:GEN?;SEL?;:OUTP?") == "1;0;0"


def test_constant_current(rig: Rig) -> None:
    """Bits 0 and 1 of the summary: a public driver for the HMP4040 reads CC from 1 and CV from 2."""
    rig.say("APPL 12,2;OUTP ON")
    rig.wait(SECOND)
    assert rig.say("STAT:QUES:INST:ISUM1:COND?") == "2"
    rig.load.draw(2.5)
    assert rig.say("STAT:QUES:INST:ISUM1:COND?;:MEAS:CURR?") == "1;2.0000"
    rig.load.draw(1.0)
    assert rig.say("STAT:QUES:INST:ISUM1:COND?;EVEN?;EVEN?") == "2;3;2"
    assert rig.say("STAT:QUES:INST:ISUM2:COND?") == "0"


def test_one_output_gives_160_watts(rig: Rig) -> None:
    rig.load.draw(9.0)
    rig.say("APPL 32,10;OUTP ON")
    rig.wait(SECOND)
    assert rig.output.in_current_limit
    assert rig.output.current == pytest.approx(5.0)
    assert rig.say("CURR?") == "10.0000"


def test_fuse_trips_after_its_delay(rig: Rig) -> None:
    rig.say("APPL 12,2;FUSE ON;FUSE:DEL 100;:OUTP ON")
    rig.wait(SECOND)
    overload = rig.kernel.now
    rig.load.draw(2.5)
    rig.wait(100 * MILLISECOND - 1)
    assert rig.output.current == pytest.approx(2.0)
    rig.wait(1)
    assert rig.kernel.now == overload + 100 * MILLISECOND
    assert rig.output.current == 0
    assert rig.say("FUSE:TRIP?;:OUTP?;:OUTP:GEN?;:STAT:QUES:INST:ISUM1:COND?") == "1;0;1;1024"
    rig.load.draw(1.0)
    rig.say("OUTP ON")
    assert rig.say("FUSE:TRIP?;:OUTP?") == "0;1"


def test_a_short_overload_does_not_trip_the_fuse(rig: Rig) -> None:
    rig.say("APPL 12,2;FUSE ON;FUSE:DEL 100;:OUTP ON")
    rig.wait(SECOND)
    for _ in range(3):
        rig.load.draw(2.5)
        rig.wait(80 * MILLISECOND)
        rig.load.draw(1.0)
        rig.wait(30 * MILLISECOND)
    assert rig.say("FUSE:TRIP?;:OUTP?") == "0;1"


def test_a_fuse_switched_on_in_an_overload_trips(rig: Rig) -> None:
    rig.load.draw(2.5)
    rig.say("APPL 12,2;OUTP ON")
    rig.wait(SECOND)
    rig.say("FUSE ON")
    assert rig.say("FUSE:TRIP?") == "1"


def test_linked_outputs_are_switched_off_too(rig: Rig) -> None:
    rig.say("INST OUT2;APPL 5,1;OUTP ON")
    rig.say("INST OUT1;APPL 12,2;FUSE ON;FUSE:LINK 2;:OUTP ON;:FUSE:LINK? 2;LINK? 3")
    rig.wait(SECOND)
    assert rig.say("INST OUT2;MEAS:VOLT?;:OUTP?") == "5.000;1"
    rig.load.draw(3)
    rig.wait(MILLISECOND)
    assert rig.say("OUTP?;MEAS:VOLT?;:FUSE:TRIP?") == "0;0.000;1"


def test_overvoltage_protection_trips_as_the_terminals_reach_it(rig: Rig) -> None:
    highest: list[float] = []
    rig.net.watch(9.99, lambda above: highest.append(rig.kernel.now) if above else None)
    rig.say("VOLT:PROT 10;:APPL 9,1;OUTP ON")
    rig.wait(SECOND)
    assert rig.say("VOLT:PROT:TRIP?") == "0"
    rig.say("VOLT 12")
    started = rig.kernel.now
    rig.wait(SECOND)
    assert highest == [started + 990_000]
    assert rig.output.voltage == 0
    assert rig.say("VOLT:PROT:TRIP?;:OUTP?;:STAT:QUES:INST:ISUM1:COND?") == "1;0;512"
    rig.say("OUTP ON")
    rig.wait(SECOND)
    assert rig.output.voltage == 0
    rig.say("VOLT 8;VOLT:PROT:CLE;:OUTP ON")
    rig.wait(SECOND)
    assert rig.output.voltage == 8
    assert rig.say("VOLT:PROT:TRIP?") == "0"


def test_a_voltage_at_its_protection_level_does_not_trip_it(rig: Rig) -> None:
    rig.say("VOLT:PROT 10;:APPL 10,1;OUTP ON")
    rig.wait(SECOND)
    assert rig.output.voltage == 10


def test_a_level_below_the_present_voltage_trips_at_once(rig: Rig) -> None:
    rig.say("APPL 10,1;OUTP ON")
    rig.wait(SECOND)
    rig.say("VOLT:PROT 9")
    assert rig.output.voltage == 0


def test_protected_mode_never_switches_on(rig: Rig) -> None:
    seen: list[bool] = []
    rig.net.watch(0.001, seen.append)
    rig.say("VOLT:PROT 10;PROT:MODE PROT;:APPL 12,1;OUTP ON")
    rig.wait(SECOND)
    assert not seen
    assert rig.say("VOLT:PROT:TRIP?;MODE?") == "1;protected"


def test_reset_and_memory(rig: Rig) -> None:
    rig.say("APPL 12,2;OUTP ON;*SAV 3")
    rig.wait(SECOND)
    rig.say("*RST")
    assert rig.output.voltage == 0
    assert rig.say("VOLT?;OUTP?;OUTP:GEN?") == "0.000;0;0"
    rig.say("*RCL 3")
    assert rig.say("VOLT?;CURR?;OUTP?;:SYST:ERR?") == '12.000;2.0000;0;0,"No error"'


def test_reset_clears_what_has_tripped(rig: Rig) -> None:
    rig.say("VOLT:PROT 10;PROT:MODE PROT;:APPL 12,1;OUTP ON")
    rig.say("*RST")
    assert rig.say("VOLT:PROT:TRIP?;LEV?;MODE?;:FUSE:TRIP?") == "0;32.500;measured;0"


def test_outputs_that_do_not_exist_cannot_be_wired(rig: Rig) -> None:
    with pytest.raises(ValueError, match=r"outputs 1 to 4, not \[5\]"):
        RohdeSchwarzHMP4040(rig.kernel, {5: rig.output})
