"""The simulated 2450: driven by pymeasure's driver for it, and by what its manual says."""

from collections.abc import Iterator

import pytest
from pymeasure.instruments.keithley import Keithley2450 as PymeasureKeithley2450

from harness.clock import MILLISECOND, SECOND
from harness.simulation.instruments.keithley_2450 import Keithley2450
from harness.simulation.kernel import Kernel
from harness.simulation.plant import Plant
from harness.simulation.series_input import SeriesInput
from tests.simulation.instruments.conversation import answer_to, visa_adapter


class Rig:
    """A 2450 in the wire that feeds a net with one load, and a bypass around it."""

    def __init__(self) -> None:
        self.kernel = Kernel()
        plant = Plant(self.kernel)
        self.output = plant.add_output("supply.1", slew=1e6)
        self.net = plant.add_net("KL30", fed_by=self.output, resistance=0.1)
        self.load = plant.add_load(self.net)
        self.relay = plant.relay("K1")
        self.meter = Keithley2450(self.kernel, {"current": SeriesInput(self.net, self.relay)})
        self.output.program(voltage=13.5, on=True)
        self.kernel.sleep(SECOND)

    def say(self, message: str) -> str | None:
        return answer_to(message, self.meter, self.kernel)


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.fixture
def in_line(rig: Rig) -> Rig:
    rig.say("OUTP ON;:SOUR:VOLT:ILIM 1.05")
    rig.relay.close()
    return rig


@pytest.fixture
def driver(rig: Rig) -> Iterator[PymeasureKeithley2450]:
    with visa_adapter(rig.meter, rig.kernel) as adapter:
        yield PymeasureKeithley2450(adapter)


def test_pymeasure_measures_current_as_with_a_real_one(rig: Rig, driver: PymeasureKeithley2450) -> None:
    assert driver.id == "KEITHLEY INSTRUMENTS,MODEL 2450,00000000,1.7.12b"
    driver.apply_voltage(20, compliance_current=1.05)
    driver.source_voltage = 0
    driver.measure_current(nplc=1)
    assert not driver.source_enabled
    driver.enable_source()
    assert driver.source_enabled
    assert (driver.source_mode, driver.source_voltage, driver.source_voltage_range) == ("voltage", 0, 20)
    assert (driver.compliance_current, driver.current_nplc) == (1.05, 1)
    rig.load.draw(0.0004)
    assert driver.current == 0, "the bypass carries it"
    rig.relay.close()
    assert driver.current == pytest.approx(0.0004)
    assert driver.current_range == 1e-3
    driver.current_range = 1e-4
    assert driver.current == 9.9e37
    driver.current_range = 0.5
    assert (driver.current_range, driver.current) == (1, pytest.approx(0.0004))
    assert driver.check_errors() == []


def test_the_example_of_the_manual_for_a_level(rig: Rig) -> None:
    """2450-901-01 Rev. B, page 6-70, "SOUR:FUNC VOLT" and "SOUR:VOLT 1": other levels than 0 V are not simulated."""
    rig.say("SOUR:FUNC VOLT;:SOUR:VOLT 1")
    assert rig.say("SYST:ERR?") == '-221,"Settings conflict"'
    rig.say("SOUR:FUNC VOLT;:SOUR:VOLT 0;:SENS:CURR:RSEN OFF")
    assert rig.say("SYST:ERR?") == '0,"No error"'


@pytest.mark.parametrize(
    ("amperes", "chosen"),
    [(9e-9, 1e-8), (1.05e-6, 1e-6), (1.06e-6, 1e-5), (4e-4, 1e-3), (0.02, 0.1), (1.05, 1.0)],
)
def test_autorange_takes_the_smallest_range_of_the_data_sheet(in_line: Rig, amperes: float, chosen: float) -> None:
    in_line.load.draw(amperes)
    assert float(in_line.say("READ?") or "") == pytest.approx(amperes)
    assert float(in_line.say("CURR:RANG?") or "") == chosen


def test_above_its_limit_it_holds_the_current_and_the_net_loses_its_voltage(in_line: Rig) -> None:
    """A load of 2.1 A from 3 V on takes 1.05 A at 1.5 V: half of the knee of its line."""
    in_line.load.draw(2.1)
    assert in_line.net.voltage == pytest.approx(1.5)
    assert in_line.output.current == pytest.approx(1.05)
    assert in_line.say("SOUR:VOLT:ILIM:TRIP?;:READ?") == "1;1.050000E+00"
    in_line.relay.open()
    assert in_line.net.voltage == pytest.approx(13.5 - 0.21)
    assert in_line.say("SOUR:VOLT:ILIM:TRIP?;:READ?") == "0;0.000000E+00"


def test_with_its_output_off_it_lets_a_tenth_of_its_range_through(rig: Rig) -> None:
    rig.say("CURR:RANG 1")
    rig.relay.close()
    rig.load.draw(0.4)
    assert rig.output.current == pytest.approx(0.1)
    assert rig.say("READ?") is None
    assert rig.say("SYST:ERR?") == '-221,"Settings conflict"'


def test_a_reading_takes_its_line_cycles_twice(in_line: Rig) -> None:
    began = in_line.kernel.now
    in_line.say("CURR:NPLC 5;:READ?")
    assert in_line.kernel.now - began == 2 * MILLISECOND + 2 * 5 * 20 * MILLISECOND


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("SOUR:VOLT:ILIM 1.06", '-222,"Data out of range"'),
        ("SOUR:VOLT:ILIM 0", '-222,"Data out of range"'),
        ("SENS:CURR:RANG 2", '-222,"Data out of range"'),
        ("SENS:CURR:NPLC 11", '-222,"Data out of range"'),
        ('SENS:FUNC "VOLT"', '-224,"Illegal parameter value"'),
        ("SOUR2:FUNC VOLT", '-114,"Header suffix out of range"'),
        ("CONF:CURR", '-113,"Undefined header"'),
    ],
)
def test_what_is_not_allowed(rig: Rig, message: str, error: str) -> None:
    assert rig.say(message) is None
    assert rig.say("SYST:ERR?") == error


def test_only_a_current_can_be_wired(rig: Rig) -> None:
    with pytest.raises(ValueError, match="2450 is a meter of the current in a net here"):
        Keithley2450(rig.kernel, {"voltage": rig.net})
