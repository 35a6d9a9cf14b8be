"""The simulated 34465A: driven by pymeasure's drivers for its elder sisters as they are, and by what its guide says."""

from collections.abc import Iterator

import pytest
from pymeasure.adapters import VISAAdapter
from pymeasure.instruments.agilent import Agilent34410A
from pymeasure.instruments.hp import HP34401A

from harness.clock import MILLISECOND, SECOND
from harness.simulation.instruments.keysight_34465a import Keysight34465A
from harness.simulation.kernel import Kernel
from harness.simulation.plant import Plant
from tests.simulation.instruments.conversation import answer_to, visa_adapter

pymeasure_is_unsure = pytest.mark.filterwarnings(
    "ignore:It is not known whether this device support SCPI:FutureWarning"
)


class Rig:
    """A meter of voltage and current on a net with one load."""

    def __init__(self) -> None:
        self.kernel = Kernel()
        plant = Plant(self.kernel)
        self.output = plant.add_output("supply.1", slew=1e6)
        self.net = plant.add_net("KL30", fed_by=self.output, resistance=0.1)
        self.load = plant.add_load(self.net)
        self.meter = Keysight34465A(self.kernel, {"voltage": self.net, "current": self.net})
        self.supply(12.1, 1.0)

    def supply(self, volts: float, amperes: float) -> None:
        self.output.program(voltage=volts, on=True)
        self.load.draw(amperes)
        self.kernel.sleep(SECOND)

    def say(self, message: str) -> str | None:
        return answer_to(message, self.meter, self.kernel)


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.fixture
def adapter(rig: Rig) -> Iterator[VISAAdapter]:
    with visa_adapter(rig.meter, rig.kernel) as adapter:
        yield adapter


@pymeasure_is_unsure
def test_pymeasure_measures_with_its_34410a(rig: Rig, adapter: VISAAdapter) -> None:
    driver = Agilent34410A(adapter)
    assert driver.id == "Keysight Technologies,34465A,MY00000000,A.02.14-02.40-02.14-00.49-02-01"
    assert driver.voltage_dc == pytest.approx(12.0)
    assert driver.current_dc == pytest.approx(1.0)
    rig.load.draw(0.0004)
    assert driver.current_dc == pytest.approx(0.0004)
    assert driver.check_errors() == []


@pymeasure_is_unsure
def test_pymeasure_sets_and_reads_back_with_its_34401a(rig: Rig, adapter: VISAAdapter) -> None:
    driver = HP34401A(adapter)
    assert (driver.function_, driver.autorange, driver.nplc) == ("DCV", True, 10)
    assert driver.reading == pytest.approx(12.0)
    driver.range_ = 10
    assert (driver.range_, driver.autorange) == (10, False)
    assert driver.reading == pytest.approx(12.0), "within 120 % of the range"
    driver.range_ = 1
    assert driver.reading == 9.9e37
    driver.range_ = "MAX"
    assert (driver.range_, driver.reading) == (1000, pytest.approx(12.0))
    driver.function_ = "DCI"
    driver.nplc = 0.2
    assert (driver.function_, driver.nplc, driver.autorange) == ("DCI", 0.2, True)
    driver.init_trigger()
    rig.load.draw(0.5)
    assert driver.stored_reading == pytest.approx(1.0)
    assert driver.reading == pytest.approx(0.5)
    driver.autorange = False
    assert (driver.range_, driver.autorange) == (3, False)
    driver.reset()
    assert (driver.function_, driver.autorange, driver.nplc) == ("DCV", True, 10)
    assert driver.self_test_result == 0
    assert driver.check_errors() == []


def test_answers_have_the_form_of_the_manual(rig: Rig) -> None:
    rig.supply(13.5, 1.23456789)
    assert rig.say("MEAS:CURR:DC?") == "+1.23456789E+00"
    assert rig.say("CONF:CURR:DC;:CURR:DC:NPLC 1;NPLC?;:READ?") == "+1.00000000E+00;+1.23456789E+00"
    assert rig.say("MEAS:CURR:DC? 0.001") == "+9.90000000E+37"
    assert rig.say("MEASURE:VOLTAGE:DC? AUTO,DEF;:SENS:FUNC?;:VOLT:RANG:AUTO?") == '+1.33765432E+01;"VOLT";1'
    assert rig.say('FUNC "CURR:DC";FUNC?;:SYST:ERR?') == '"CURR";+0,"No error"'


@pytest.mark.parametrize(
    ("amperes", "chosen"),
    [
        (1e-5, 1e-4),
        (1.2e-4, 1e-4),
        (1.21e-4, 1e-3),
        (4e-4, 1e-3),
        (0.02, 0.1),
        (1.0, 1.0),
        (1.21, 3.0),
        (3.0, 3.0),
    ],
)
def test_autorange_takes_the_smallest_range_with_overrange(rig: Rig, amperes: float, chosen: float) -> None:
    rig.supply(13.5, amperes)
    rig.say('FUNC "CURR";:CURR:RANG 1E-4;RANG:AUTO ON')
    assert float(rig.say("READ?") or "") == pytest.approx(amperes)
    assert float(rig.say("CURR:RANG?") or "") == chosen


def test_autorange_goes_down_below_a_tenth_only(rig: Rig) -> None:
    rig.supply(13.5, 0.31)
    rig.say("CONF:CURR:DC")
    rig.say("READ?")
    assert rig.say("CURR:RANG?") == "+3.00000000E+00"
    rig.load.draw(0.29)
    rig.say("READ?")
    assert rig.say("CURR:RANG?") == "+1.00000000E+00"


@pytest.mark.parametrize(
    ("volts", "amperes", "message", "answer"),
    [
        (1001.0, 0.0, "MEAS:VOLT:DC?", "+9.90000000E+37"),
        (1000.0, 0.0, "MEAS:VOLT:DC?", "+1.00000000E+03"),
        (13.5, 3.01, "MEAS:CURR:DC?", "+9.90000000E+37"),
        (13.5, 1.0, "MEAS:CURR:DC? 10", "+0.00000000E+00"),  # nothing is connected to the 10 A terminals
        (13.5, 1.0, "MEAS:CURR:DC? MAX", "+0.00000000E+00"),
    ],
)
def test_the_largest_ranges(rig: Rig, volts: float, amperes: float, message: str, answer: str) -> None:
    rig.supply(volts, amperes)
    assert rig.say(message) == answer


def test_the_range_of_10_amperes_is_not_one_of_sense_and_does_not_affect_it(rig: Rig) -> None:
    """Guide, "[SENSe:]CURRent:{AC|DC}:RANGe": unlike CONFigure and MEASure?, it does not support the 10 A range."""
    rig.supply(13.5, 1.0)
    rig.say("CONF:CURR:DC 10")
    assert rig.say("CURR:DC:RANG:AUTO?;:CURR:DC:RANG? MAX") == "1;+3.00000000E+00"
    assert rig.say("CURR:DC:RANG?;:READ?") == "+3.00000000E+00;+0.00000000E+00"
    assert rig.say("MEAS:CURR:DC? 3") == "+1.00000000E+00"


def test_a_resolution_is_taken_as_in_the_example_of_the_guide(rig: Rig) -> None:
    """Guide, "CONFigure:CURRent:{AC|DC}": the 1 A range with 1 mA resolution."""
    rig.supply(13.5, 0.5)
    rig.say("CONF:CURR:DC 1,0.001")
    assert rig.say("CURR:DC:RANG?;:READ?") == "+1.00000000E+00;+5.00000000E-01"
    assert rig.say("MEAS:CURR:DC? 1,MAX") == "+5.00000000E-01"
    assert rig.say("MEAS:VOLT:DC? 100 V,10 mV") == "+1.34500000E+01"
    assert rig.say("SYST:ERR?") == '+0,"No error"'


@pytest.mark.parametrize(("asked", "cycles"), [("10", 10), ("0.02", 0.02), ("MAX", 100), ("2", 10), ("DEF", 10)])
def test_a_reading_takes_its_line_cycles_twice(rig: Rig, asked: str, cycles: float) -> None:
    """At 50 Hz; the second time for the zero: "10 PLC" are 0.2 s in the manual's table."""
    rig.say(f"CONF:VOLT:DC;:VOLT:NPLC {asked}")
    began = rig.kernel.now
    assert rig.say("READ?") == "+1.20000000E+01"
    assert rig.kernel.now - began == 2 * MILLISECOND + 2 * cycles * 20 * MILLISECOND


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("CONF:CURR:DC 11", '-222,"Data out of range"'),
        ("CURR:DC:RANG 10", '-222,"Data out of range"'),
        ("CONF:CURR:DC AUTO,0.001", '-221,"Settings conflict"'),
        ("MEAS:CURR:DC? DEF,MIN", '-221,"Settings conflict"'),
        ("CONF:VOLT:DC 1001", '-222,"Data out of range"'),
        ("VOLT:NPLC 101", '-222,"Data out of range"'),
        ("VOLT:NPLC 0.001", '-222,"Data out of range"'),
        ("CONF:CURR:DC 1V", '-131,"Invalid suffix"'),
        ('FUNC "POTATO"', '-224,"Illegal parameter value"'),
        ("FUNC CURR", '-104,"Data type error"'),
        ("FETC?", '-230,"Data corrupt or stale"'),
        ("INIT;:CONF:VOLT:DC;:FETC?", '-230,"Data corrupt or stale"'),
        ("MEAS:CURR:DC", '-113,"Undefined header"'),
    ],
)
def test_what_is_not_allowed(rig: Rig, message: str, error: str) -> None:
    assert rig.say(message) is None
    assert rig.say("SYST:ERR?") == error


def test_the_error_queue_holds_twenty(rig: Rig) -> None:
    for _ in range(22):
        rig.say("BLA")
    errors = [rig.say("SYST:ERR?") for _ in range(21)]
    assert errors == ['-113,"Undefined header"'] * 19 + ['-350,"Queue overflow"', '+0,"No error"']


def test_open_inputs_read_nothing(rig: Rig) -> None:
    loose = Keysight34465A(rig.kernel, {})
    answers: list[str] = []
    rig.kernel.wait(loose.receive("MEAS:VOLT:DC?;:MEAS:CURR:DC?", answers.append), 10 * SECOND)
    assert answers == ["+0.00000000E+00;+0.00000000E+00"]


def test_inputs_that_do_not_exist_cannot_be_wired(rig: Rig) -> None:
    with pytest.raises(ValueError, match=r"inputs for voltage and current, not \['resistance'\]"):
        Keysight34465A(rig.kernel, {"resistance": rig.net})
