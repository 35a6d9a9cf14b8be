"""An opened rig: power modes, signals, restoring, and closing whatever has failed."""

from pathlib import Path

import pytest

from harness.errors import HarnessError, TestError
from harness.protocols.database import read_database
from harness.rig.open_rig import open_rig
from harness.rig.rig import Rig
from harness.rig.rig_file import read_rig_file
from harness.rig.world import World, build_world
from harness.simulation.instruments.keysight_34970a import Keysight34970A
from harness.simulation.instruments.rohde_schwarz_hmp4040 import RohdeSchwarzHMP4040
from harness.simulation.instruments.scpi_instrument import InstrumentFault
from harness.vehicle import Vehicle, read_vehicle

MILLISECOND = 1_000_000
SECOND = 1_000 * MILLISECOND


class OpenedWorld:
    """A virtual rig, and its plant behind it."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        worlds: list[World] = []

        def build(*arguments: object, **named: object) -> World:
            worlds.append(build_world(*arguments, **named))  # type: ignore[arg-type]  # passed on as they come
            return worlds[-1]

        monkeypatch.setattr("harness.rig.world.build_world", build)
        self.rig = open_rig(path)
        (self.world,) = worlds
        supply, switches = self.world.instruments["supply"], self.world.instruments["switches"]
        assert isinstance(supply, RohdeSchwarzHMP4040)
        assert isinstance(switches, Keysight34970A)
        self.supply, self.switches = supply, switches
        self.output = supply._outputs[1].terminals
        self.relays = dict(switches._relays)

    def start(self) -> None:
        self.rig.power_up()
        self.rig.switch_power_mode("on")
        self.rig.clock.sleep(SECOND)
        assert self.output.voltage > 13
        assert self.relays[101].closed
        assert self.relays[102].closed

    @property
    def is_safe(self) -> bool:
        return self.output.voltage == 0 and not any(relay.closed for relay in self.relays.values())


@pytest.fixture
def opened(rig_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenedWorld:
    return OpenedWorld(rig_path, monkeypatch)


# Closing


def test_closing_leaves_nothing_energised(opened: OpenedWorld) -> None:
    opened.start()
    opened.rig.close()
    assert opened.is_safe


def test_closing_does_not_switch_on_what_was_off(opened: OpenedWorld) -> None:
    opened.start()
    opened.rig.supply.switch(on=False)
    voltages: list[bool] = []
    opened.output.watch(0.1, voltages.append)
    opened.rig.close()
    assert opened.is_safe
    assert voltages == []


@pytest.mark.parametrize("fault", InstrumentFault)
def test_the_relays_open_even_when_the_supply_fails(opened: OpenedWorld, fault: InstrumentFault) -> None:
    opened.start()
    opened.supply.fault = fault
    with pytest.raises(HarnessError, match=r"the rig did not close cleanly: .*supply"):
        opened.rig.close()
    assert not any(relay.closed for relay in opened.relays.values())


@pytest.mark.parametrize("fault", InstrumentFault)
def test_the_supply_goes_off_even_when_the_switch_matrix_fails(opened: OpenedWorld, fault: InstrumentFault) -> None:
    opened.start()
    opened.switches.fault = fault
    with pytest.raises(HarnessError, match=r"the rig did not close cleanly: .*switches"):
        opened.rig.close()
    assert opened.output.voltage == 0


def test_all_sessions_are_given_back_even_when_the_simulation_is_broken(opened: OpenedWorld) -> None:
    opened.start()

    def fail() -> None:
        raise ZeroDivisionError("in a model")

    opened.world.kernel.at(opened.world.kernel.now, fail)
    with pytest.raises(ZeroDivisionError):
        opened.rig.clock.sleep(1)
    with pytest.raises(HarnessError, match="in a model"):
        opened.rig.close()
    assert opened.world.visa_library._sessions == {}


def test_terminal_15_goes_before_terminal_30(opened: OpenedWorld) -> None:
    opened.start()
    order: list[str] = []
    opened.output.watch(1.0, lambda _: order.append("terminal 30"))

    def look() -> None:
        if not opened.relays[102].closed and "terminal 15" not in order:
            order.append("terminal 15")
        opened.world.kernel.at(opened.world.kernel.now + MILLISECOND, look)

    look()
    opened.rig.close()
    assert order == ["terminal 15", "terminal 30"]


# Lines


def test_a_line_is_interrupted_at_the_pin_and_connected_again(opened: OpenedWorld) -> None:
    opened.start()
    opened.rig.clock.sleep(2 * SECOND)
    running = opened.output.current
    opened.rig.open_line("HeadUnit.KL30")
    opened.rig.clock.sleep(SECOND)
    assert running - opened.output.current == pytest.approx(1.2, abs=0.01), "the head unit draws 1.2 A while it runs"
    opened.rig.close_line("head unit.KL30")
    opened.rig.clock.sleep(5 * SECOND)
    assert opened.output.current == pytest.approx(running, abs=0.01)


def test_restoring_and_closing_connect_a_line_again(opened: OpenedWorld) -> None:
    opened.start()
    opened.rig.open_line("HeadUnit.KL15")
    states = [opened.relays[104].closed]
    for step in opened.rig.restoring():
        step()
    states.append(opened.relays[104].closed)
    assert states == [True, False]
    opened.rig.open_line("HeadUnit.KL15")
    opened.rig.close()
    assert opened.is_safe


def test_only_lines_can_be_opened(rig: Rig) -> None:
    for name in ("HeadUnit.KL31", "KL15"):
        with pytest.raises(
            TestError, match=f"no line that can be opened '{name}'.*Known: HeadUnit.KL15, HeadUnit.KL30"
        ):
            rig.open_line(name)


# Power modes


def test_each_power_mode_switches_its_relays(opened: OpenedWorld) -> None:
    opened.rig.power_up()
    states = {}
    for mode in ("accessory", "on", "accessory", "off", "on", "off"):
        opened.rig.switch_power_mode(mode)
        states[mode] = (opened.relays[101].closed, opened.relays[102].closed, opened.output.voltage)
    assert states == {"accessory": (True, False, 13.5), "on": (True, True, 13.5), "off": (False, False, 13.5)}


def test_the_power_mode_is_on_the_bus(rig: Rig) -> None:
    rig.power_up()
    rig.switch_power_mode("on")
    rig.clock.sleep(200 * MILLISECOND)
    signal = rig.signals.find("Vehicle.LowVoltageSystemState")
    frame = signal.bus.latest(signal.message)
    assert frame is not None
    assert signal.text(signal.signal.raw_of(bytes(frame.data))) == "Run"


# Signals


def test_signals_are_set_and_found_by_both_names(rig: Rig) -> None:
    rig.power_up()
    rig.switch_power_mode("on")
    rig.set_signal("Vehicle.Speed", "50 km/h")
    rig.set_signal("GW_HSC2_ECM_FrP04.TrShftLvrPos_h1HSC2", "reverse")
    rig.clock.sleep(100 * MILLISECOND)
    for name, text, is_logical in (
        ("Vehicle.Speed", "50 km/h", True),
        ("SCS_HSC2_FrP19.VehSpdAvgHSC2", "50 km/h", False),
        ("Vehicle.Powertrain.Transmission.SelectedGear", "Reverse", True),
    ):
        signal = rig.signals.find(name)
        frame = signal.bus.latest(signal.message)
        assert frame is not None
        assert signal.text(signal.signal.raw_of(bytes(frame.data))) == text
        assert signal.is_logical is is_logical


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("Vehicle.Sped", "50 km/h", r"no signal 'Vehicle\.Sped'; did you mean 'Vehicle\.Speed'"),
        ("SCS_HSC2_FrP19.VehSpd", "1", "SCS_HSC2_FrP19 has no signal 'VehSpd'"),
        ("Vehicle.Speed", "600 km/h", r"cannot be 600 km/h; allowed: 0 to 511\.984 km/h"),
        ("Vehicle.Speed", "50 V", "voltage"),
        ("Vehicle.Speed", "nan km/h", "nan"),
        ("Vehicle.Powertrain.Transmission.SelectedGear", "Revers", "did you mean 'Reverse'"),
        ("HeadUnit.BootState", "Running", r"head unit works HU_Status\.BootState out by itself"),
    ],
)
def test_what_cannot_be_set_is_refused_with_the_reason(rig: Rig, name: str, value: str, reason: str) -> None:
    with pytest.raises(TestError, match=reason):
        rig.set_signal(name, value)


def test_a_signal_of_a_real_ecu_cannot_be_set(rig_path: Path) -> None:
    text = rig_path.read_text(encoding="utf-8").replace("{model: rest-bus, node: SCSABS", "{node: SCSABS")
    rig_path.write_text(text, encoding="utf-8")
    rig = open_rig(rig_path)
    with pytest.raises(TestError, match=r"Vehicle\.Speed is sent by SCSABS, which is not simulated on this rig"):
        rig.set_signal("Vehicle.Speed", "50 km/h")
    with pytest.raises(TestError, match="brake control is real on this rig"):
        rig.ecu("brake control")
    rig.close()


# Names


def test_unknown_names_are_answered_with_what_was_probably_meant(rig: Rig) -> None:
    with pytest.raises(TestError, match="no ECU 'head unti'; did you mean 'head unit'"):
        rig.ecu("head unti")
    with pytest.raises(TestError, match="Roewe RX5 has no limit 'boot tim'; did you mean 'boot_time'"):
        rig.limit("boot tim")
    with pytest.raises(TestError, match="no message 'HU_Statu'; did you mean 'HU_Status'"):
        rig.signals.find_message("HU_Statu")
    assert rig.limit("boot time") == rig.limit("boot_time")


def test_capabilities_are_names_that_tags_can_have(rig: Rig) -> None:
    assert {"supply", "switches", "head-unit-current", "chassis", "head-unit", "body-controller"} <= rig.capabilities


# Restoring


def test_restoring_brings_everything_back(rig: Rig) -> None:
    rig.power_up()
    rig.switch_power_mode("on")
    rig.set_signal("Vehicle.Speed", "50 km/h")
    rig.ecu("head unit").switch_defect("wrong speed", on=True)
    rig.ecu("gateway").silence()
    rig.clock.sleep(SECOND)
    for step in rig.restoring():
        step()
    rig.clock.sleep(SECOND)
    assert rig.ecu("head unit").defects == frozenset()
    speed, gear = rig.signals.find("Vehicle.Speed"), rig.signals.find("Vehicle.Powertrain.Transmission.SelectedGear")
    frames = [signal.bus.latest(signal.message) for signal in (speed, gear)]
    assert frames[0] is not None
    assert speed.signal.raw_of(bytes(frames[0].data)) == 0
    assert frames[1] is not None
    assert frames[1].timestamp > rig.clock.now / SECOND - 0.1, "the gateway is still silent"


def test_defects_of_the_rig_file_stay_and_come_back(rig_path: Path) -> None:
    with rig_path.open("a", encoding="utf-8") as file:
        file.write("\ndefects: {head unit: [wrong speed, slow]}\n")
    rig = open_rig(rig_path)
    unit = rig.ecu("head unit")
    assert unit.defects == {"wrong speed", "slow"}
    unit.switch_defect("silent", on=True)
    unit.switch_defect("slow", on=False)
    for step in rig.restoring():
        step()
    assert unit.defects == {"wrong speed", "slow"}
    rig.close()


# Problems


def test_a_healthy_rig_has_no_problems(rig: Rig) -> None:
    rig.power_up()
    rig.switch_power_mode("on")
    rig.clock.sleep(SECOND)
    assert rig.problems() == []


def test_a_dead_instrument_is_a_problem_that_names_it(opened: OpenedWorld) -> None:
    opened.start()
    opened.switches.fault = InstrumentFault.SILENT
    (problem,) = opened.rig.problems()
    assert problem.startswith("switches (TCPIP::switches")


def test_an_error_left_in_an_instrument_is_a_problem(opened: OpenedWorld) -> None:
    opened.start()
    done = opened.supply.receive("VOLT 99", lambda _: None)
    assert opened.rig.clock.wait(done, SECOND)
    (problem,) = opened.rig.problems()
    assert problem.startswith("supply: -222 ")


# The world


def test_a_real_ecu_is_not_built(rig_path: Path) -> None:
    text = rig_path.read_text(encoding="utf-8").replace("{model: body-controller, node: BCM", "{node: BCM")
    rig_path.write_text(text, encoding="utf-8")
    vehicle: Vehicle = read_vehicle(rig_path.parent / "vehicles/roewe-rx5")
    databases = {bus: read_database(vehicle.database_path(bus)) for bus in vehicle.buses}
    rig = read_rig_file(rig_path)
    world = build_world(rig, vehicle, databases, 1)
    assert set(world.ecus) == set(rig.ecus) - {"body controller"}
