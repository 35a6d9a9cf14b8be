"""What holds for every driver in the registry, on its simulated instrument."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from harness.errors import InstrumentError, InstrumentTimeoutError, RigFileError, TestError
from harness.instruments.limits import LimitedSupply, SupplyLimits
from harness.instruments.registry import DRIVERS, driver_class, open_driver
from harness.instruments.roles import Ammeter, Instrument, Oscilloscope, PowerSupply, SwitchMatrix, Voltmeter
from harness.instruments.waveform import Window
from harness.protocols.scpi_faults import ScpiError, ScpiFault
from harness.quantities import Current, Duration, Voltage
from harness.simulation.instruments.registry import METERS, OSCILLOSCOPES, SUPPLIES, SWITCH_MATRICES, build_instrument
from harness.simulation.instruments.scpi_instrument import InstrumentFault
from harness.simulation.kernel import Kernel
from harness.simulation.plant import Net, Plant
from harness.simulation.series_input import SeriesInput
from harness.simulation.visa_library import open_library
from harness.transports.visa import ScpiSession, open_session

STREAM = "TCPIP::instrument::5025::SOCKET"
MESSAGES = "TCPIP::instrument::hislip0::INSTR"
SECOND = 1_000_000_000

WINDOW = Window(low=-1.0, high=15.0, duration=0.02, level=6.0, rising=True)

VERBS: dict[type, list[Callable[..., object]]] = {
    PowerSupply: [
        lambda supply: supply.set_voltage(1, 12.0),
        lambda supply: supply.set_current_limit(1, 1.0),
        lambda supply: supply.switch_output(1, on=True),
        lambda supply: supply.switch_output(1, on=False),
        lambda supply: supply.output_is_on(1),
        lambda supply: supply.programmed_voltage(1),
        lambda supply: supply.programmed_current_limit(1),
        lambda supply: supply.measure_voltage(1),
        lambda supply: supply.measure_current(1),
    ],
    SwitchMatrix: [
        lambda switch: switch.close_channel(101),
        lambda switch: switch.open_channel(101),
        lambda switch: switch.is_closed(101),
        lambda switch: switch.open_all(),
    ],
    Voltmeter: [lambda meter: meter.measure_dc_voltage()],
    Ammeter: [lambda meter: meter.measure_dc_current()],
    Oscilloscope: [
        lambda scope: scope.has_captured(),
        lambda scope: scope.waveform(1),
        lambda scope: scope.measure_minimum(1),
        lambda scope: scope.measure_maximum(1),
        lambda scope: scope.arm(1, 10.0, WINDOW),
        lambda scope: scope.is_armed(),
    ],
}


class Rig:
    """One simulated instrument: outputs 1 and 2 of a supply feed a net and a load each; channel 101 is a relay.

    A meter is connected to the first net.
    """

    def __init__(self, model: str, resource: str = STREAM) -> None:
        self.kernel = Kernel()
        plant = Plant(self.kernel)
        self.outputs = {number: plant.add_output(f"supply.{number}", slew=1e6) for number in (1, 2)}
        nets = [plant.add_net(f"N{number}", fed_by=output, resistance=0.1) for number, output in self.outputs.items()]
        self.loads = [plant.add_load(net) for net in nets]
        self.relay = plant.relay("KL15")
        inputs: dict[str, Net | SeriesInput] = {"current": SeriesInput(nets[0])}
        if hasattr(driver_class(model, "instrument"), "measure_dc_voltage"):
            inputs["voltage"] = nets[0]
        self.simulated = build_instrument(
            "instrument",
            model,
            self.kernel,
            outputs=self.outputs if model in SUPPLIES else {},
            relays={101: self.relay} if model in SWITCH_MATRICES else {},
            inputs=inputs if model in METERS else {},
            probes={1: nets[0]} if model in OSCILLOSCOPES else {},
        )
        self._library = open_library(self.kernel, {resource: self.simulated})
        self._resource = resource
        self._opened: list[ScpiSession] = []

    def session(self) -> ScpiSession:
        session = open_session(self._library, self._resource, role="instrument", timeout=Duration(2))
        self._opened.append(session)
        return session

    def close(self) -> None:
        for session in self._opened:
            session.close()


@dataclass
class Opened:
    model: str
    rig: Rig
    driver: Instrument

    @property
    def verbs(self) -> list[Callable[..., object]]:
        return [verb for role, verbs in VERBS.items() if isinstance(self.driver, role) for verb in verbs]


@pytest.fixture(params=[STREAM, MESSAGES], ids=["socket", "hislip"])
def resource(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=sorted(DRIVERS))
def opened(request: pytest.FixtureRequest, resource: str) -> Iterator[Opened]:
    rig = Rig(request.param, resource)
    driver = open_driver(request.param, rig.session())
    if isinstance(driver, Oscilloscope):
        capture(rig, driver)
    yield Opened(request.param, rig, driver)
    rig.close()


def capture(rig: Rig, scope: Oscilloscope) -> None:
    """Capture the supply as it comes on: from 0 V to 12 V at once."""
    rig.outputs[1].program(on=False)
    scope.arm(1, 10.0, WINDOW)
    while not scope.is_armed():
        rig.kernel.sleep(SECOND)
    rig.outputs[1].program(voltage=12.0, on=True)
    rig.kernel.sleep(SECOND)


@pytest.fixture(params=sorted(SUPPLIES))
def rig_with_supply(request: pytest.FixtureRequest) -> Iterator[tuple[Rig, PowerSupply]]:
    rig = Rig(request.param)
    supply = open_driver(request.param, rig.session())
    assert isinstance(supply, PowerSupply)
    yield rig, supply
    rig.close()


@pytest.fixture(params=sorted(SWITCH_MATRICES))
def rig_with_switch(request: pytest.FixtureRequest) -> Iterator[tuple[Rig, SwitchMatrix]]:
    rig = Rig(request.param)
    switch = open_driver(request.param, rig.session())
    assert isinstance(switch, SwitchMatrix)
    yield rig, switch
    rig.close()


@pytest.fixture(params=sorted(METERS))
def rig_with_meter(request: pytest.FixtureRequest) -> Iterator[tuple[Rig, Instrument]]:
    rig = Rig(request.param)
    yield rig, open_driver(request.param, rig.session())
    rig.close()


def test_every_driver_has_a_simulated_instrument() -> None:
    assert DRIVERS.keys() == SUPPLIES.keys() | SWITCH_MATRICES.keys() | METERS.keys() | OSCILLOSCOPES.keys()


def test_every_driver_has_a_role_and_a_name(opened: Opened) -> None:
    roles = {role for role in VERBS if isinstance(opened.driver, role)}
    assert len(roles) == 1 or roles == {Voltmeter, Ammeter}
    assert opened.driver.role == "instrument"
    assert opened.driver.identity == opened.rig.simulated.identity
    assert opened.driver.errors() == []


def test_every_verb_works_and_leaves_no_error(opened: Opened) -> None:
    for verb in opened.verbs:
        verb(opened.driver)
    assert opened.driver.errors() == []


def test_errors_are_read_once(opened: Opened) -> None:
    opened.rig.simulated.report(ScpiFault(ScpiError.QUEUE_OVERFLOW))
    opened.rig.simulated.report(ScpiFault(-221, "Settings conflict"))
    first, second = opened.driver.errors()
    assert first.startswith("-350 ")
    assert second == "-221 Settings conflict"
    assert opened.driver.errors() == []


def test_opening_clears_what_others_left(opened: Opened) -> None:
    opened.rig.simulated.report(ScpiFault(-221, "Settings conflict"))
    assert open_driver(opened.model, opened.rig.session()).errors() == []


def test_another_model_is_refused(opened: Opened) -> None:
    for other in DRIVERS.keys() - {opened.model}:
        with pytest.raises(InstrumentError, match=r"instrument: declared as .*, but the instrument says '"):
            open_driver(other, opened.rig.session())


def test_silence_is_a_time_out_for_every_verb_and_ends_with_it(opened: Opened) -> None:
    for verb in opened.verbs:
        opened.rig.simulated.fault = InstrumentFault.SILENT
        began = opened.rig.kernel.now
        with pytest.raises(InstrumentTimeoutError, match=r"instrument \(TCPIP::.*\): asked '.*', no answer within 2 s"):
            verb(opened.driver)
        assert 2 * SECOND <= opened.rig.kernel.now - began < 3 * SECOND
        opened.rig.simulated.fault = None
        verb(opened.driver)


def test_nonsense_is_an_error_for_every_verb_and_ends_with_it(opened: Opened) -> None:
    for verb in opened.verbs:
        opened.rig.simulated.fault = InstrumentFault.GARBAGE
        with pytest.raises(InstrumentError, match=r"instrument \(TCPIP::.*\): asked '.*', answered '.*'; expected "):
            verb(opened.driver)
        opened.rig.simulated.fault = None
        verb(opened.driver)


@pytest.mark.parametrize("fault", InstrumentFault)
def test_a_broken_instrument_does_not_open(opened: Opened, fault: InstrumentFault) -> None:
    opened.rig.simulated.fault = fault
    with pytest.raises(InstrumentError):
        open_driver(opened.model, opened.rig.session())


def test_closing_twice_is_harmless(opened: Opened) -> None:
    opened.driver.close()
    opened.driver.close()


def test_a_supply_delivers_what_it_is_told(rig_with_supply: tuple[Rig, PowerSupply]) -> None:
    rig, supply = rig_with_supply
    supply.set_voltage(1, 13.5)
    supply.set_current_limit(1, 2.0)
    assert rig.outputs[1].voltage == 0.0
    supply.switch_output(1, on=True)
    rig.loads[0].draw(1.25)
    rig.kernel.sleep(SECOND)
    assert rig.outputs[1].voltage == pytest.approx(13.5)
    assert supply.output_is_on(1)
    assert supply.programmed_voltage(1) == 13.5
    assert supply.programmed_current_limit(1) == 2.0
    assert supply.measure_voltage(1) == pytest.approx(13.5, abs=0.001)
    assert supply.measure_current(1) == pytest.approx(1.25, abs=0.001)


def test_a_supply_limits_its_current(rig_with_supply: tuple[Rig, PowerSupply]) -> None:
    rig, supply = rig_with_supply
    supply.set_voltage(1, 13.5)
    supply.set_current_limit(1, 0.5)
    supply.switch_output(1, on=True)
    rig.loads[0].draw(1.25)
    rig.kernel.sleep(SECOND)
    assert supply.measure_current(1) == pytest.approx(0.5, abs=0.001)


def test_switching_an_output_leaves_the_others_as_they_are(rig_with_supply: tuple[Rig, PowerSupply]) -> None:
    rig, supply = rig_with_supply
    for output in (1, 2):
        supply.set_voltage(output, 12.0)
    for switched, other in ((1, 2), (2, 1)):
        for state in (True, False):
            supply.switch_output(other, on=state)
            for on in (True, False, True):
                supply.switch_output(switched, on=on)
                rig.kernel.sleep(SECOND)
                assert supply.output_is_on(switched) is on
                assert supply.output_is_on(other) is state
                assert rig.outputs[switched].voltage == pytest.approx(12.0 * on)
                assert rig.outputs[other].voltage == pytest.approx(12.0 * state)


def test_an_output_that_somebody_armed_does_not_come_with_another() -> None:
    rig = Rig("rohde-schwarz-hmp4040")
    front_panel = rig.session()
    for line in ("INST OUT2", "VOLT 12", "OUTP ON", "OUTP:GEN OFF"):
        front_panel.write(line)
    supply = open_driver("rohde-schwarz-hmp4040", rig.session())
    assert isinstance(supply, PowerSupply)
    supply.switch_output(1, on=True)
    rig.kernel.sleep(SECOND)
    assert rig.outputs[2].voltage == 0.0
    rig.close()


def test_what_a_supply_refuses_is_an_error(rig_with_supply: tuple[Rig, PowerSupply]) -> None:
    _, supply = rig_with_supply
    with pytest.raises(InstrumentError, match=r"instrument: sent '.*1000.*', the instrument reports -222 "):
        supply.set_voltage(1, 1000.0)
    assert supply.errors() == []


def test_limits_of_the_rig_hold_on_a_supply(rig_with_supply: tuple[Rig, PowerSupply]) -> None:
    rig, supply = rig_with_supply
    limited: PowerSupply = LimitedSupply(supply, SupplyLimits(Voltage(18), Current(5), "rigs/test.yaml"))
    limited.set_voltage(1, 18.0)
    limited.set_current_limit(1, 5.0)
    with pytest.raises(TestError):
        limited.set_voltage(1, 18.1)
    limited.switch_output(1, on=True)
    rig.kernel.sleep(SECOND)
    assert rig.outputs[1].voltage == pytest.approx(18.0)


def test_a_relay_has_moved_when_its_verb_returns(rig_with_switch: tuple[Rig, SwitchMatrix]) -> None:
    rig, switch = rig_with_switch
    seen = []
    for verb in (switch.close_channel, switch.open_channel, switch.close_channel, lambda _: switch.open_all()):
        verb(101)
        seen.append((rig.relay.closed, switch.is_closed(101), switch.is_closed(102)))
    assert seen == [(True, True, False), (False, False, False)] * 2


def test_a_meter_reads_what_there_is(rig_with_meter: tuple[Rig, Instrument]) -> None:
    rig, meter = rig_with_meter
    rig.outputs[1].program(voltage=13.5, on=True)
    rig.kernel.sleep(SECOND)
    for amperes in (0.0, 1.0, 0.0004, 0.5, 0.02):
        rig.loads[0].draw(amperes)
        if isinstance(meter, Voltmeter):
            assert meter.measure_dc_voltage() == pytest.approx(13.5 - 0.1 * amperes, rel=1e-6)
        if isinstance(meter, Ammeter):
            assert meter.measure_dc_current() == pytest.approx(amperes, rel=1e-6)


def test_an_ammeter_says_truly_what_it_carries(rig_with_meter: tuple[Rig, Instrument]) -> None:
    rig, meter = rig_with_meter
    assert isinstance(meter, Ammeter)
    rig.outputs[1].program(voltage=13.5, on=True)
    rig.kernel.sleep(SECOND)
    rig.loads[0].draw(meter.highest_current)
    assert meter.measure_dc_current() == pytest.approx(meter.highest_current)
    rig.loads[0].draw(meter.highest_current * 1.01)
    with pytest.raises(InstrumentError, match="overload"):
        meter.measure_dc_current()


def test_what_is_beyond_a_meter_is_an_error_that_names_its_range(rig_with_meter: tuple[Rig, Instrument]) -> None:
    rig, meter = rig_with_meter
    rig.outputs[1].program(voltage=2000.0, on=True)
    rig.loads[0].draw(20.0)
    rig.kernel.sleep(SECOND)
    if isinstance(meter, Ammeter):
        with pytest.raises(InstrumentError, match=r"^instrument: overload: .* beyond its range of [\d.]+ A"):
            meter.measure_dc_current()
    rig.outputs[1].program(voltage=2000.0 if isinstance(meter, Voltmeter) else 12.0)
    rig.loads[0].draw(1.0)
    if isinstance(meter, Voltmeter):
        with pytest.raises(InstrumentError, match=r"^instrument: overload: .* beyond its range of \d+ V$"):
            meter.measure_dc_voltage()
        rig.outputs[1].program(voltage=12.0)
        rig.kernel.sleep(SECOND)
        assert meter.measure_dc_voltage() == pytest.approx(11.9)
    rig.kernel.sleep(SECOND)
    if isinstance(meter, Ammeter):
        assert meter.measure_dc_current() == pytest.approx(1.0)
    assert meter.errors() == []


@pytest.mark.parametrize("model", sorted(OSCILLOSCOPES))
def test_an_oscilloscope_captures_what_there_is(model: str) -> None:
    rig = Rig(model, MESSAGES)
    scope = open_driver(model, rig.session())
    assert isinstance(scope, Oscilloscope)
    capture(rig, scope)
    assert scope.has_captured()
    waveform = scope.waveform(1)
    assert waveform.times[0] == pytest.approx(-0.002)
    assert waveform.times[-1] == pytest.approx(0.018, abs=waveform.interval * 1.01)
    assert waveform.before == pytest.approx(0.0, abs=0.1)
    assert waveform.volts[-1] == pytest.approx(12.0, abs=0.1)
    assert scope.measure_minimum(1) == pytest.approx(min(waveform.volts))
    assert scope.measure_maximum(1) == pytest.approx(max(waveform.volts))
    crossed = next(time for time, volt in zip(waveform.times, waveform.volts, strict=True) if volt >= 6.0)
    assert abs(crossed) <= waveform.interval
    scope.arm(1, 10.0, WINDOW)
    rig.kernel.sleep(SECOND)
    assert not scope.has_captured()
    rig.close()


def test_an_unknown_model_is_named_and_the_session_closed(opened: Opened) -> None:
    session = opened.rig.session()
    with pytest.raises(RigFileError, match="instrument: no instrument model 'keysight-34972a'; did you mean"):
        open_driver("keysight-34972a", session)
    with pytest.raises(InstrumentError):
        session.query("*IDN?")
