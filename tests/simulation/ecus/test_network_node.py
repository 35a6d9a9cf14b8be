"""ECUs that sleep and wake with their network, and the gateway between the buses, on the whole car of the RX5."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import can
import cantools
import pytest

from harness.clock import MILLISECOND, SECOND
from harness.errors import RigFileError
from harness.protocols.can_frame import new_frame
from harness.rig.open_rig import open_rig
from harness.rig.rig import Rig
from harness.simulation.ecus.network_node import NM_CYCLE, NM_TIMEOUT

RIGS = Path(__file__).parents[3] / "rigs"
BUSES = ("chassis", "body", "backbone")
FIRST_MESSAGES = 25 * MILLISECOND
"""From its wake-up until an ECU has sent its fastest message."""


class Heard:
    """All frames of a rig, by bus, and cantools to read them: the harness does not."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.frames: dict[str, list[can.Message]] = {bus: [] for bus in BUSES}
        self.databases = {
            bus: cantools.database.load_file(rig.vehicle.database_path(bus), strict=True) for bus in BUSES
        }
        for bus in BUSES:
            rig.buses[bus].channel.listen(self.frames[bus].append)

    def run(self, duration: int) -> None:
        for frames in self.frames.values():
            frames.clear()
        self.rig.clock.sleep(duration)

    def of(self, bus: str, message: str) -> list[can.Message]:
        found = self.databases[bus].get_message_by_name(message)  # type: ignore[union-attr]  # they are CAN databases
        return [frame for frame in self.frames[bus] if frame.arbitration_id == found.frame_id]

    def switch_on(self) -> None:
        self.rig.power_up()
        self.rig.switch_power_mode("on")
        self.rig.clock.sleep(4 * SECOND)

    def fall_asleep(self) -> None:
        self.rig.switch_power_mode("off")
        self.rig.clock.sleep(15 * SECOND)


@pytest.fixture
def heard() -> Iterator[Heard]:
    rig = open_rig(RIGS / "rx5-virtual.yaml")
    yield Heard(rig)
    rig.close()


def test_there_are_more_than_a_hundred_messages_on_three_buses(heard: Heard) -> None:
    heard.switch_on()
    heard.run(3 * SECOND)
    seen = {bus: {frame.arbitration_id for frame in heard.frames[bus]} for bus in BUSES}
    expected = {
        bus: {message.frame_id for message in heard.databases[bus].messages if message.cycle_time}  # type: ignore[union-attr]
        for bus in BUSES
    }
    assert seen == expected
    assert sum(map(len, seen.values())) > 100
    assert all(frame.is_fd and frame.bitrate_switch for frame in heard.frames["backbone"])
    assert not any(frame.is_fd for bus in ("chassis", "body") for frame in heard.frames[bus])


def test_network_management_has_the_layout_of_autosar(heard: Heard) -> None:
    """Source node in byte 0, control bits in byte 1, of which bit 4 is active wake-up (AUTOSAR CanNm)."""
    heard.switch_on()
    heard.run(5 * SECOND)
    for bus, message in (("body", "BCM_Nm"), ("body", "GW_B_Nm"), ("body", "HU_Nm"), ("backbone", "TBOX_Nm")):
        frames = heard.of(bus, message)
        assert len(frames) == 5 * SECOND // NM_CYCLE, message
        assert {(frame.data[0], frame.data[1]) for frame in frames} == {(frames[0].arbitration_id & 0xFF, 0x10)}


def test_all_fall_silent_a_time_out_after_the_last_request(heard: Heard) -> None:
    heard.switch_on()
    heard.rig.switch_power_mode("off")
    heard.run(20 * SECOND)
    last_asked = heard.of("body", "HU_Nm")[-1].timestamp  # its after-run is the longest
    for bus, gateway in (("body", "GW_B_Nm"), ("backbone", "GW_F_Nm")):
        last = heard.frames[bus][-1].timestamp
        last_of_gateway = heard.of(bus, gateway)[-1].timestamp
        assert last_asked < last_of_gateway <= last_asked + NM_TIMEOUT / SECOND
        assert last == pytest.approx(last_of_gateway + NM_TIMEOUT / SECOND, abs=0.02)
    heard.run(3600 * SECOND)
    assert heard.frames == {bus: [] for bus in BUSES}


def test_asleep_the_car_draws_next_to_nothing(heard: Heard) -> None:
    heard.switch_on()
    heard.fall_asleep()
    supply = heard.rig.supply
    # 0.4 mA head unit, 0.5 body controller, 0.3 gateway, 0.2 cluster, 3 telematics box, 20 times 0.1
    assert supply.supply.measure_current(supply.output) == pytest.approx(0.0064, abs=1e-4)


@pytest.mark.parametrize(
    ("wake", "last_awake"),
    [
        (lambda rig: rig.console("telematics console").send_line("wake"), 10.0),
        (lambda rig: rig.buses["body"].channel.send(new_frame(0x57E, b"\x7e\x10")), 0.0),
    ],
    ids=["cloud", "tester"],
)
def test_a_wake_up_on_one_bus_wakes_the_other(heard: Heard, wake: Callable[[Rig], None], last_awake: float) -> None:
    heard.switch_on()
    heard.fall_asleep()
    begin = heard.rig.clock.now
    wake(heard.rig)
    heard.run(60 * SECOND)
    for bus in ("body", "backbone"):
        frames = [frame for frame in heard.frames[bus] if frame.is_rx]
        assert frames[0].timestamp * SECOND - begin < FIRST_MESSAGES, bus
        awake = frames[-1].timestamp - begin / SECOND
        assert last_awake + 2 <= awake <= last_awake + 5, bus


def test_a_node_that_loses_its_supply_is_off_the_bus_and_comes_back(heard: Heard) -> None:
    heard.switch_on()
    heard.rig.supply.switch(on=False)
    heard.run(SECOND)
    assert not any(frame.timestamp > heard.rig.clock.now / SECOND - 0.9 for frame in heard.frames["body"])
    heard.rig.supply.switch(on=True)
    heard.run(SECOND)
    assert heard.of("body", "BCM_Doors")


def test_a_node_without_terminal_30_is_refused(tmp_path: Path) -> None:
    shutil.copytree(RIGS, tmp_path / "rigs")
    path = tmp_path / "rigs/rx5-virtual.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("node: DDM, pins: {KL30: KL30}", "node: DDM, pins: {KL15: KL15}"), encoding="utf-8")
    with pytest.raises(RigFileError, match="driver door: an ECU that sleeps and wakes needs the pin KL30"):
        open_rig(path)


# Gateway


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (("chassis", "SCS_HSC2_FrP19"), ("body", "GW_B_VehicleSpeed")),
        (("chassis", "SAS_HSC2_FrP00"), ("backbone", "GW_F_SteeringAngle")),
        (("backbone", "SDM_Crash"), ("body", "GW_B_Crash")),
        (("body", "BCM_Doors"), ("backbone", "GW_F_Doors")),
    ],
)
def test_a_frame_goes_on_as_it_is_after_its_delay(
    heard: Heard, source: tuple[str, str], target: tuple[str, str]
) -> None:
    heard.switch_on()
    heard.run(2 * SECOND)
    route = next(
        it
        for it in heard.rig.vehicle.routes.values()
        if (it.target.bus, it.target.message) == target and not it.signals
    )
    sent, passed_on = heard.of(*source), heard.of(*target)
    assert abs(len(sent) - len(passed_on)) <= 1
    for frame in sent[:-1]:
        copy = next(it for it in passed_on if it.timestamp > frame.timestamp)
        assert bytes(copy.data) == bytes(frame.data)
        # Delay, the copy itself, and what it may wait for: a few frames of the other bus.
        assert route.delay < copy.timestamp - frame.timestamp < route.delay + 0.003


def test_copies_have_the_layout_of_what_they_are_copies_of(heard: Heard) -> None:
    for name, route in heard.rig.vehicle.routes.items():
        source = heard.rig.buses[route.source.bus].database.message(route.source.message)
        target = heard.rig.buses[route.target.bus].database.message(route.target.message)
        if route.signals:
            assert set(route.signals) <= set(source.signals), name
            assert set(route.signals.values()) <= set(target.signals), name
            continue
        assert (source.length, source.cycle_time) == (target.length, target.cycle_time), name
        layout = [
            [(it.name, it.shift, it.length, it.factor, it.offset, it.labels, it.start_raw) for it in m.signals.values()]
            for m in (source, target)
        ]
        assert layout[0] == layout[1], name


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (
            "to: body GW_B_VehicleSpeed",
            "to: body GW_B_VehicleSped",
            "route 'vehicle speed to body': .*GW_B_VehicleSpeed",
        ),
        ("to: body GW_B_VehicleSpeed", "to: body BCM_Doors", "BCM_Doors is sent by BCM, not by GW"),
        ("to: body GW_B_VehicleSpeed", "to: bdy GW_B_VehicleSpeed", "no bus 'bdy'; did you mean 'body'"),
        ("to: body GW_B_VehicleSpeed", "to: body", "must be a bus and a message, such as 'chassis HU_Status'"),
        ("from: chassis HU_Status, ", "from: body BCM_Wipers, ", "BCM_Wipers has 4 bytes and GW_F_HeadUnit 8"),
    ],
)
def test_a_route_that_does_not_fit_is_named(tmp_path: Path, old: str, new: str, reason: str) -> None:
    shutil.copytree(RIGS, tmp_path / "rigs")
    vehicle = tmp_path / "rigs/vehicles/roewe-rx5/vehicle.yaml"
    text = vehicle.read_text(encoding="utf-8")
    assert text.count(old) == 1
    vehicle.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(RigFileError, match=reason):
        open_rig(tmp_path / "rigs/rx5-virtual.yaml")
