"""The rest bus: what it sends, when, and with which counters and checksums."""

import json
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import can
import pytest

from harness.clock import MICROSECOND, MILLISECOND, SECOND
from harness.errors import RigFileError, TestError
from harness.protocols.database import Database, read_database
from harness.simulation.can_network import CanNetwork, SimulatedCanChannel
from harness.simulation.ecus.cyclic_message import CyclicMessage
from harness.simulation.ecus.ecu import EcuContext
from harness.simulation.ecus.registry import build_ecu
from harness.simulation.kernel import Kernel
from harness.vehicle import Checksum, Protection

if TYPE_CHECKING:
    from tests.simulation.ecus.conftest import Car

FACTS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vehicles/saic_facts.json").read_text(encoding="utf-8"))
LANE = "FVCM_HSC2_FrP03"
PHASE = 3 * MILLISECOND


def stamps(frames: list[can.Message]) -> list[int]:
    return [round(frame.timestamp * SECOND) for frame in frames]


# When


def test_a_message_that_has_the_bus_for_itself_comes_at_its_cycle_time_exactly(car: "Car") -> None:
    car.add("rest-bus", "BCM", phase=PHASE)
    car.run(10_000)
    times = stamps(car.of("BCM_PowerMode"))
    assert {later - earlier for earlier, later in pairwise(times)} <= {
        100 * MILLISECOND + bits * 2 * MICROSECOND for bits in range(-3, 4)
    }, "only stuff bits may move the end of a frame"
    assert len(times) == 100
    assert PHASE < times[0] < PHASE + 300 * MICROSECOND


def test_every_message_of_a_node_is_sent_as_often_as_its_cycle_time_says(car: "Car", database: Database) -> None:
    for number, node in enumerate(sorted(database.nodes - {"HU"})):
        car.add("rest-bus", node, phase=number * MILLISECOND)
    car.run(10_000)
    for message in database.messages.values():
        if message.sender != "HU":
            assert message.cycle_time is not None
            expected = 10 * SECOND // message.cycle_time
            assert len(car.of(message.name)) in (expected, expected - 1), message.name


def test_the_phase_moves_all_messages_of_an_ecu(database: Database) -> None:
    def first(phase: int) -> int:
        kernel = Kernel()
        network, seen = CanNetwork(kernel, "chassis", 500_000), list[can.Message]()
        SimulatedCanChannel(network).listen(seen.append)
        ports = {"chassis": network.node("GW")}
        build_ecu("rest-bus", EcuContext("gateway", "GW", kernel, ports, {"chassis": database}, phase=phase))
        kernel.sleep(50 * MILLISECOND)
        return stamps(seen)[0]

    assert first(7 * MILLISECOND) - first(0) == 7 * MILLISECOND


# What


def test_signals_begin_at_the_start_values_of_the_database(car: "Car", database: Database) -> None:
    car.add("rest-bus", "GW")
    car.run(200)
    for frame in (car.of("GW_HSC2_ECM_FrP04")[0], car.of("GW_HSC2_BCM_FrP04")[0]):
        starts = {name: signal.start_raw for name, signal in database.by_key[frame.arbitration_id].signals.items()}
        assert car.raw(frame) == starts
    assert car.raw(car.of("GW_HSC2_ECM_FrP04")[0])["TrShftLvrPos_h1HSC2"] == 1


def test_a_signal_that_is_set_is_sent_from_the_next_frame_on_until_it_is_reset(car: "Car") -> None:
    gateway = car.add("rest-bus", "GW")
    car.run(65)
    car.set("GW_HSC2_ECM_FrP04.TrShftLvrPos_h1HSC2", 2)
    car.run(40)
    gateway.reset_signals()
    car.run(40)
    values = [car.raw(frame)["TrShftLvrPos_h1HSC2"] for frame in car.of("GW_HSC2_ECM_FrP04")]
    assert values == [1, 1, 1, 1, 2, 2, 1, 1]


def test_counters_count_in_every_frame_and_wrap(car: "Car") -> None:
    car.add("rest-bus", "GW")
    car.add("rest-bus", "EPS")
    car.run(2_000)
    four_bits = [car.raw(frame)["StrgWhlAngAlvRCHSC2"] for frame in car.of("SAS_HSC2_FrP00")]
    two_bits = [car.raw(frame)["SDMRCHSC2"] for frame in car.of("GW_HSC2_SDM_FrP00")]
    assert four_bits == [number % 16 for number in range(200)]
    assert two_bits == [number % 4 for number in range(40)]


def test_counters_of_different_lengths_in_one_message_count_together(car: "Car") -> None:
    car.add("rest-bus", "SCSABS")
    car.run(2_000)
    frames = [car.raw(frame) for frame in car.of("SCS_HSC2_FrP22")]
    for name in ("BrkPdlDrvrAppdPrsAlvRC_RadarHSC2", "WhlGndVelDrvnRC_RadarHSC2"):
        size = 1 << car.database.signal(f"SCS_HSC2_FrP22.{name}").length
        assert [frame[name] for frame in frames] == [number % size for number in range(len(frames))], name


def test_setting_a_signal_does_not_disturb_the_counter(car: "Car") -> None:
    gateway = car.add("rest-bus", "GW")
    for value in range(20):
        car.run(50)
        car.set("GW_HSC2_SDM_FrP00.DrvrSbltAtcHSC2", value % 2)
        if value == 10:
            gateway.reset_signals()
    counts = [car.raw(frame)["SDMRCHSC2"] for frame in car.of("GW_HSC2_SDM_FrP00")]
    assert counts == [number % 4 for number in range(len(counts))]


@pytest.mark.parametrize("vector", FACTS["lka_vectors"], ids=str)
def test_lane_keeping_frames_carry_saics_protection_value(database: Database, vector: list[int]) -> None:
    torque, status, invalid, counter, protection = vector
    checksum = Checksum(signal="LKAReqToqPVHSC2", algorithm="saic-lka")
    cyclic = CyclicMessage(database.message(LANE), Protection(counters=("LKAAlvRCHSC2",), checksum=checksum))
    cyclic.set_raw("LKAReqToqHSC2", torque + 1024)
    cyclic.set_raw("LKAReqToqStsHSC2", status)
    cyclic.set_raw("LKAReqToqVHSC2", invalid)
    for number in range(33):
        data = bytes(cyclic.next_frame().data)
        # Counter and protection value where SAIC's database has them: bits 7 to 4 of byte 0; 21, downwards, 14 long.
        assert data[0] >> 4 == number % 16
        sent = (data[2] & 0x3F) << 8 | data[3]
        # commaai/opendbc, car/mg/mgcan.py: two's complement of the fields as they lie in the frame, and the counter.
        covered = ((data[0] & 7) << 8 | data[1]) << 1 | (data[4] >> 3 & 3) << 12 | data[0] >> 3 & 1
        assert sent == -(covered + (data[0] >> 4)) & 0x3FFF
        if number == counter:
            assert sent == protection


def test_each_lane_keeping_frame_on_the_bus_is_protected(car: "Car") -> None:
    car.add("rest-bus", "FVCM")
    car.run(1_000)
    car.set(f"{LANE}.LKAReqToqHSC2", 1124)
    car.set(f"{LANE}.LKAReqToqStsHSC2", 1)
    car.run(1_000)
    frames = [car.raw(frame) for frame in car.of(LANE)]
    assert [frame["LKAAlvRCHSC2"] for frame in frames] == [number % 16 for number in range(100)]
    vectors = {(torque + 1024, status, counter): value for torque, status, _, counter, value in FACTS["lka_vectors"]}
    compared = 0
    for frame in frames:
        expected = vectors.get((frame["LKAReqToqHSC2"], frame["LKAReqToqStsHSC2"], frame["LKAAlvRCHSC2"]))
        compared += expected is not None
        assert expected in (None, frame["LKAReqToqPVHSC2"])
    assert compared >= 4


# What is refused


def test_what_the_ecu_works_out_itself_or_does_not_send_cannot_be_set(car: "Car") -> None:
    camera, unit = car.add("rest-bus", "FVCM"), car.add("head-unit", "HU", ("KL30", "KL15"))
    for ecu, signal, reason in (
        (camera, f"{LANE}.LKAAlvRCHSC2", "the FVCM works FVCM_HSC2_FrP03.LKAAlvRCHSC2 out by itself"),
        (camera, f"{LANE}.LKAReqToqPVHSC2", "works FVCM_HSC2_FrP03.LKAReqToqPVHSC2 out by itself"),
        (unit, "HU_Status.BootState", "the HU works HU_Status.BootState out by itself"),
        (camera, "HU_Status.BootState", "the FVCM does not send no message 'HU_Status'"),
    ):
        with pytest.raises(TestError, match=reason):
            ecu.set_raw(car.database.signal(signal), 1)


def test_unknown_defects_are_answered_with_the_known_ones(car: "Car") -> None:
    with pytest.raises(TestError, match="the BCM has no defect 'silnt'; did you mean 'silent'"):
        car.add("rest-bus", "BCM").switch_defect("silnt", on=True)


def test_unknown_models_are_answered_with_the_known_ones(car: "Car") -> None:
    with pytest.raises(RigFileError, match="the BCM: no ECU model 'head-unti'; did you mean 'head-unit'"):
        car.add("head-unti", "BCM")


@pytest.mark.parametrize(
    ("protection", "reason"),
    [
        (Protection(counters=("LKAAlvRC",)), "no signal 'LKAAlvRC'; did you mean 'LKAAlvRCHSC2'"),
        (Protection(checksum=Checksum(signal="PV", algorithm="saic-lka")), "no signal 'PV'"),
        (
            Protection(checksum=Checksum(signal="LKAReqToqPVHSC2", algorithm="saic-lks")),
            "no checksum algorithm 'saic-lks'; did you mean 'saic-lka'",
        ),
    ],
)
def test_a_protection_that_does_not_fit_is_refused_before_anything_runs(
    database: Database, protection: Protection, reason: str
) -> None:
    with pytest.raises(RigFileError, match=f"protection of {LANE}: {reason}"):
        CyclicMessage(database.message(LANE), protection)


def test_a_message_longer_than_a_classic_frame_is_not_sent(tmp_path: Path) -> None:
    path = tmp_path / "fd.dbc"
    path.write_text('VERSION ""\nBS_:\nBU_: A\nBO_ 1 M: 64 A\n SG_ S : 0|8@1+ (1,0) [0|0] "" A\n', encoding="ascii")
    with pytest.raises(RigFileError, match="M has 64 bytes; a classic CAN frame carries 8"):
        CyclicMessage(read_database(path).message("M"), Protection())


# CAN FD

FD = """VERSION ""
BS_:
BU_: A
BO_ 1 Short: 10 A
 SG_ Count : 0|8@1+ (1,0) [0|0] "" A
 SG_ Last : 72|8@1+ (1,0) [0|0] "" A
BO_ 2 Classic: 8 A
 SG_ Speed : 0|8@1+ (1,0) [0|0] "" A
BO_ 2148270080 Long: 64 A
 SG_ Far : 503|16@0+ (1,0) [0|0] "" A
BA_DEF_ BO_ "VFrameFormat" ENUM "StandardCAN","ExtendedCAN","StandardCAN_FD","ExtendedCAN_FD";
BA_DEF_ BO_ "GenMsgCycleTime" INT 0 10000;
BA_DEF_DEF_ "VFrameFormat" "StandardCAN";
BA_DEF_DEF_ "GenMsgCycleTime" 10;
BA_ "VFrameFormat" BO_ 1 2;
BA_ "VFrameFormat" BO_ 2148270080 3;
"""


@pytest.fixture
def fd_database(tmp_path: Path) -> Database:
    path = tmp_path / "adas.dbc"
    path.write_text(FD, encoding="ascii")
    return read_database(path)


def test_the_rest_bus_of_an_fd_bus_sends_fd_and_classic_messages(fd_database: Database) -> None:
    kernel = Kernel()
    network, seen = CanNetwork(kernel, "adas", 500_000, 2_000_000), list[can.Message]()
    SimulatedCanChannel(network).listen(seen.append)
    context = EcuContext(
        "the A",
        "A",
        kernel,
        {"adas": network.node("A")},
        {"adas": fd_database},
        protection={"Short": Protection(counters=("Count",))},
    )
    ecu = build_ecu("rest-bus", context)
    ecu.set_raw(fd_database.signal("Short.Last"), 0xA5)
    ecu.set_raw(fd_database.signal("Long.Far"), 0x1234)
    kernel.sleep(25 * MILLISECOND)
    facts = [
        (frame.arbitration_id, frame.is_extended_id, frame.is_fd, frame.bitrate_switch, frame.dlc) for frame in seen
    ]
    assert facts == 3 * [(1, False, True, True, 12), (2, False, False, False, 8), (0xC0000, True, True, True, 64)]
    shorts = [bytes(frame.data) for frame in seen if frame.arbitration_id == 1]
    assert shorts == [bytes([count, *bytes(8), 0xA5, 0, 0]) for count in range(3)]
    (long, *_) = [frame for frame in seen if frame.arbitration_id == 0xC0000]
    assert bytes(long.data) == bytes(62) + b"\x12\x34"
    assert fd_database.message("Long").decode(bytes(long.data)) == {"Far": 0x1234}


def test_driven_fd_messages_are_fd_frames(fd_database: Database) -> None:
    cyclic = CyclicMessage(fd_database.message("Short"), Protection())
    cyclic.drive(lambda: {"Count": 1, "Last": 2})
    frame = cyclic.next_frame()
    assert (frame.is_fd, bytes(frame.data)) == (True, bytes([1, *bytes(8), 2, 0, 0]))


def test_a_message_longer_than_an_fd_frame_is_not_sent(tmp_path: Path) -> None:
    path = tmp_path / "fd.dbc"
    path.write_text(FD.replace("Short: 10", "Short: 65"), encoding="ascii")
    with pytest.raises(RigFileError, match="Short has 65 bytes; a CAN FD frame carries 64"):
        CyclicMessage(read_database(path).message("Short"), Protection())


# Silence, defects, supply


def test_a_silent_ecu_still_acknowledges_and_speaks_again(car: "Car") -> None:
    body = car.add("rest-bus", "BCM")
    car.run(450)
    body.silence()
    car.run(500)
    assert len(car.of("BCM_PowerMode")) == 5
    car.channel.send(can.Message(arbitration_id=0x700, is_extended_id=False))
    car.run(10)
    assert not car.channel.health().problems, "nobody acknowledged"
    body.resume()
    car.run(450)
    assert len(car.of("BCM_PowerMode")) == 10


def test_resuming_what_is_not_silent_does_not_disturb_its_cycle(car: "Car") -> None:
    body = car.add("rest-bus", "BCM", phase=7 * MILLISECOND)
    for _ in range(20):
        car.run(130)
        body.resume()
    times = stamps(car.of("BCM_PowerMode"))
    periods = [later - earlier for earlier, later in pairwise(times)]
    assert all(abs(period - 100 * MILLISECOND) < 10 * MICROSECOND for period in periods)


def test_defects_come_and_go(car: "Car") -> None:
    body = car.add("rest-bus", "BCM", phase=50 * MILLISECOND)

    def frames_of_three_seconds() -> list[int]:
        begin = car.kernel.now
        car.run(3_000)
        return [car.raw(frame)["Counter"] for frame in car.of("BCM_PowerMode", since=begin)]

    assert len(frames_of_three_seconds()) == 30
    body.switch_defect("silent", on=True)
    assert (len(frames_of_three_seconds()), sorted(body.defects)) == (0, ["silent"])
    body.switch_defect("silent", on=False)
    body.switch_defect("slow", on=True)
    assert len(frames_of_three_seconds()) == 20
    body.switch_defect("slow", on=False)
    body.switch_defect("frozen counter", on=True)
    assert len(set(frames_of_three_seconds())) == 1
    body.switch_defect("frozen counter", on=False)
    assert len(set(frames_of_three_seconds())) == 16
    assert body.defects == frozenset()


def test_every_defect_of_the_rest_bus_is_tried_above(car: "Car") -> None:
    assert set(car.add("rest-bus", "BCM").DEFECTS) == {"silent", "slow", "frozen counter"}


def test_it_works_between_its_thresholds_with_hysteresis(car: "Car") -> None:
    car.add("rest-bus", "BCM", ("KL30",))

    def works() -> bool:
        begin = car.kernel.now
        car.run(1_000)
        return bool(car.of("BCM_PowerMode", since=begin))

    states = []
    for voltage in (0.0, 6.4, 6.5, 13.5, 6.1, 6.0, 5.9, 6.4, 6.5):
        car.supply(voltage)
        states.append((voltage, works(), round(car.output.current, 3)))
    assert states == [
        (0.0, False, 0.0),
        (6.4, False, 0.0),
        (6.5, True, 0.15),
        (13.5, True, 0.15),
        (6.1, True, 0.15),
        (6.0, True, 0.15),
        (5.9, False, 0.0),
        (6.4, False, 0.0),
        (6.5, True, 0.15),
    ]


def test_terminal_15_counts_where_the_ecu_has_it(car: "Car") -> None:
    car.add("rest-bus", "GW", ("KL30", "KL15"))
    car.supply(13.5)
    car.run(500)
    assert car.frames == []
    car.relay.close()
    car.run(500)
    assert car.frames
    car.relay.open()
    car.run(1)
    count = len(car.frames)
    car.run(500)
    assert len(car.frames) == count


def test_an_ecu_that_has_supply_when_it_is_built_works_at_once(car: "Car") -> None:
    car.supply(13.5)
    car.run(10)
    car.add("rest-bus", "BCM", ("KL30",))
    car.run(150)
    assert car.of("BCM_PowerMode")
