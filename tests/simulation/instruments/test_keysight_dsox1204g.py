"""The simulated DSOX1204G: driven by pymeasure's driver for the DSOX1102G of its series, and by what its guide says."""

from collections.abc import Iterator

import pytest
from pymeasure.instruments.keysight import KeysightDSOX1102G

from harness.clock import MILLISECOND, SECOND
from harness.simulation.instruments.keysight_dsox1204g import KeysightDSOX1204G
from harness.simulation.kernel import Kernel
from harness.simulation.plant import Plant
from tests.simulation.instruments.conversation import answer_to, visa_adapter

SLEW = 1000.0


class Rig:
    """Input 1 is at a net with one load behind 1 ohm; its supply moves at 1 V/ms."""

    def __init__(self) -> None:
        self.kernel = Kernel()
        plant = Plant(self.kernel)
        self.output = plant.add_output("supply.1", slew=SLEW)
        self.net = plant.add_net("KL30", fed_by=self.output, resistance=1.0)
        self.load = plant.add_load(self.net)
        self.scope = KeysightDSOX1204G(self.kernel, {1: self.net})

    def say(self, message: str) -> str | None:
        return answer_to(message, self.scope, self.kernel)

    def volts(self) -> list[float]:
        text = self.say(":WAV:FORM ASC;:WAV:DATA?") or ""
        return [float(value) for value in text[10:].split(",")]


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.fixture
def driver(rig: Rig) -> Iterator[KeysightDSOX1102G]:
    with visa_adapter(rig.scope, rig.kernel) as adapter:
        yield KeysightDSOX1102G(adapter)


@pytest.mark.filterwarnings("ignore:It is not known whether this device support SCPI:FutureWarning")
def test_pymeasure_captures_as_with_a_real_one(rig: Rig, driver: KeysightDSOX1102G) -> None:
    rig.output.program(voltage=12.0, on=True)
    rig.kernel.sleep(SECOND)
    driver.ch1.setup(display=True, coupling="dc", probe_attenuation=10, vertical_range=16.0, offset=8.0)
    assert (driver.ch1.range, driver.ch1.offset, driver.ch1.scale) == (16.0, 8.0, 2.0)
    assert (driver.ch1.probe_attenuation, driver.ch1.display, driver.ch1.coupling) == (10, True, "dc")
    driver.timebase_setup(mode="main", offset=0.0, horizontal_range=10e-3)
    assert (driver.timebase_range, driver.timebase_scale) == (10e-3, 1e-3)
    assert driver.timebase == {"MODE": "MAIN", "REF": "CENT", "MAIN:RANG": 10e-3, "POS": 0.0}
    driver.acquisition_type = "normal"
    driver.write(":TRIGger:MODE EDGE;SWEep NORMal;EDGE:SOURce CHANnel1;SLOPe NEGative;LEVel 10")
    driver.single()
    rig.kernel.sleep(20 * MILLISECOND)
    rig.load.draw(4.0)
    rig.kernel.sleep(20 * MILLISECOND)
    data, preamble = driver.download_data("channel1", points=1000)
    assert (preamble["points"], preamble["type"], preamble["xreference"]) == (1000, "NORMAL", 0)
    assert preamble["xincrement"] == pytest.approx(10e-6)
    assert preamble["xorigin"] == pytest.approx(-5e-3)
    assert data[:500] == pytest.approx([12.0] * 500, abs=16 / 256)
    assert data[500:] == pytest.approx([8.0] * 500, abs=16 / 256)


@pytest.mark.filterwarnings("ignore:It is not known whether this device support SCPI:FutureWarning")
def test_pymeasure_digitizes_without_an_edge(rig: Rig, driver: KeysightDSOX1102G) -> None:
    driver.digitize("channel1")
    rig.kernel.sleep(SECOND)
    data, _ = driver.download_data("channel1", points=100)
    assert set(data) == {0.0}


def armed(rig: Rig, slope: str, level: float, duration: float = 0.02) -> None:
    rig.say(f":CHAN1:PROB 10;RANG 16;OFFS 8;:TIM:REF LEFT;RANG {duration}")
    rig.say(f":TRIG:SWE NORM;EDGE:SLOP {slope};LEV {level};:SING")
    rig.kernel.sleep(round(duration / 10 * SECOND))


def test_a_ramp_of_the_supply_is_seen_as_its_slew_rate_makes_it(rig: Rig) -> None:
    armed(rig, "POS", 6.0)
    rig.output.program(voltage=12.0, on=True)
    rig.kernel.sleep(SECOND)
    first = float(rig.say(":MEAS:TVAL? 5,+1") or "")
    last = float(rig.say(":MEAS:TVAL? 11,+1") or "")
    assert last - first == pytest.approx(6 / SLEW, abs=1e-4)
    assert first == pytest.approx(-1e-3, abs=1e-4)
    assert float(rig.say(":MEAS:VMAX?") or "") == pytest.approx(12.0, abs=16 / 256)
    assert float(rig.say(":MEAS:VMIN? CHAN1") or "") == pytest.approx(4.0, abs=16 / 256), "2 ms before 6 V at 1 V/ms"


def test_samples_are_those_of_the_plant_read_step_by_step(rig: Rig) -> None:
    rig.output.program(voltage=12.0, on=True)
    rig.kernel.sleep(SECOND)
    armed(rig, "NEG", 10.0, 0.01)
    rig.load.draw(3.0)
    truth = [12.0] * 100
    for step in range(900):
        if step == 300:
            rig.output.program(voltage=9.0)
        if step == 700:
            rig.load.draw(0.5)
        truth.append(rig.net.voltage)
        rig.kernel.sleep(10_000)
    rig.kernel.sleep(SECOND)
    assert rig.volts() == pytest.approx(truth, abs=16 / 256 / 2 + 0.011)


def test_a_crossing_in_the_other_direction_or_before_it_is_armed_is_none(rig: Rig) -> None:
    rig.say(":TIM:REF LEFT;RANG 1;:TRIG:SWE NORM;EDGE:SLOP NEG;LEV 5;:SING")
    for volts in (12.0, 0.0):
        rig.output.program(voltage=volts, on=True)
        rig.kernel.sleep(20 * MILLISECOND)
    assert (rig.say(":AER?"), rig.say(":OPER:COND?")) == ("+0", "+8")
    rig.kernel.sleep(100 * MILLISECOND)
    rig.output.program(voltage=12.0)
    rig.kernel.sleep(SECOND)
    assert rig.say(":AER?;:AER?;:TER?;:OPER:COND?") == "+1;+0;+0;+8"
    rig.output.program(voltage=0.0)
    rig.kernel.sleep(SECOND)
    assert rig.say(":TER?;:TER?;:OPER:COND?") == "+1;+0;+0"


def test_the_header_of_a_block_is_that_of_the_guide(rig: Rig) -> None:
    """Guide of the DSOX1204A/G, page 638: "#8", eight digits of the number of bytes, and the bytes."""
    armed(rig, "POS", 6.0)
    rig.output.program(voltage=12.0, on=True)
    rig.kernel.sleep(SECOND)
    block = rig.say(":WAV:FORM BYTE;POIN 1000;:WAV:DATA?") or ""
    assert block[:10] == "#800001000"
    assert len(block) == 1010
    fields = [float(field) for field in (rig.say(":WAV:PRE?") or "").split(",")]
    assert fields[:4] == [0, 0, 1000, 1]
    last = (ord(block[-1]) - fields[9]) * fields[7] + fields[8]
    assert last == pytest.approx(12.0, abs=16 / 256)


def test_what_is_beyond_the_screen_is_at_its_edge(rig: Rig) -> None:
    rig.output.program(voltage=18.0, on=True)
    rig.kernel.sleep(SECOND)
    armed(rig, "NEG", 10.0)
    rig.load.draw(17.0)
    rig.kernel.sleep(SECOND)
    assert max(rig.volts()) == 8 + 127 * 16 / 256


@pytest.mark.parametrize(
    ("asked", "taken"), [("SCAL 0", 8e-3), ("SCAL -1", 8e-3), ("SCAL 2", 16.0), ("SCAL 1E9", 40.0), ("RANG 0", 8e-3)]
)
def test_a_scale_is_clipped_as_its_range_is(rig: Rig, asked: str, taken: float) -> None:
    """8 mV to 40 V at 1:1, as pymeasure's driver for its series has them."""
    rig.say(f":CHAN1:{asked}")
    assert float(rig.say(":CHAN1:RANG?") or "") == taken
    rig.say(":TRIG:SWE AUTO;:SING")
    rig.kernel.sleep(SECOND)
    assert rig.say(":OPER:COND?") == "+0"


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (":WAV:DATA?", '-230,"Data corrupt or stale"'),
        (":MEAS:VMIN? CHAN2", '-230,"Data corrupt or stale"'),
        (":CHAN5:RANG 1", '-114,"Header suffix out of range"'),
        (":CHAN1:PROB 1E6", '-222,"Data out of range"'),
        (":TIM:RANG 1E6", '-222,"Data out of range"'),
        (":TRIG:SWE SOMETIMES", '-224,"Illegal parameter value"'),
        (":WAV:UNS 0", '-224,"Illegal parameter value"'),
        (":CHAN1:COUP AC", '-224,"Illegal parameter value"'),
        (":FFT:ON", '-113,"Undefined header"'),
    ],
)
def test_what_is_not_allowed(rig: Rig, message: str, error: str) -> None:
    assert rig.say(message) is None
    assert (rig.say("SYST:ERR?") or "").replace("+", "") == error


def test_a_crossing_that_is_not_there_is_told_as_the_guide_says(rig: Rig) -> None:
    """Page 384: "+9.9E+37" where the crossing cannot be found."""
    armed(rig, "POS", 6.0)
    rig.output.program(voltage=12.0, on=True)
    rig.kernel.sleep(SECOND)
    assert float(rig.say(":MEAS:TVAL? 6,-1,CHAN1") or "") == 9.9e37


def test_inputs_that_do_not_exist_cannot_be_wired(rig: Rig) -> None:
    with pytest.raises(ValueError, match=r"DSOX1204G has inputs 1 to 4, not \[5\]"):
        KeysightDSOX1204G(rig.kernel, {5: rig.net})
