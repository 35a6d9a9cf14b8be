"""Keywords for the traffic on buses, each held to what a listener of the test's own has heard."""

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from copy import copy
from pathlib import Path
from typing import Any

import can
import pytest
from ruamel.yaml import YAML

from harness.errors import InconclusiveError, JudgementFailure, TestError
from harness.keywords.session import Session
from harness.keywords.traffic import TrafficKeywords, _highest, _latencies
from harness.protocols.can_frame import new_frame
from harness.protocols.database import read_database
from harness.quantities import Duration
from harness.results.measurement import Measurement, read_measurements
from harness.results.verdict import Verdict
from harness.simulation.can_network import SimulatedCanChannel

RIG = Path(__file__).parents[2] / "rigs/rx5-virtual.yaml"
NODES_OF_CHASSIS = ("HU", "BCM", "GW", "SCSABS", "EHBS", "EPS", "FVCM", "FDR")
Call = Callable[..., Any]
Measured = Callable[[], Measurement]


@pytest.fixture
def kept(session: Session, tmp_path: Path) -> Callable[[], list[Measurement]]:  # noqa: ARG001  its log
    return lambda: read_measurements(tmp_path / "measurements.jsonl")[0]


def test_the_load_is_what_the_frames_take(
    booted: Call, session: Session, kept: Callable[[], list[Measurement]]
) -> None:
    frames: list[can.Message] = []
    session.rig.buses["body"].channel.listen(frames.append)
    booted("Bus Load Should Meet", "body", during="2 s")
    mean, highest = kept()[-2:]
    assert (mean.name, highest.name) == ("mean load of body", "highest load of body")
    # 47 to 135 bits each, by the lengths of classic frames without and with most stuff bits (ISO 11898-1)
    shortest = sum(47 + 8 * frame.dlc for frame in frames) / 500_000 / 2
    assert shortest < float(mean.value or 0) / 100 < 1.25 * shortest
    assert float(highest.value or 0) > float(mean.value or 0)
    assert (mean.high, mean.unit, mean.limit_source) == (50, "%", "limit bus_load_mean, proposed by us [P]")
    assert highest.high == 70


def test_a_babbling_node_is_too_much_load(booted: Call) -> None:
    booted("Switch Defect On", "body controller", "babbles")
    with pytest.raises(JudgementFailure, match=r"mean load of body: expected at most 50 %, but it was 70"):
        booted("Bus Load Should Meet", "body")


def test_a_silent_bus_has_no_load_to_be_judged(call: Call) -> None:
    with pytest.raises(JudgementFailure, match="mean load of body: expected at most 50 %, but no frame came"):
        call("Bus Load Should Meet", "body", during="100 ms")


def test_a_limit_of_another_kind_names_its_own_argument(booted: Call) -> None:
    for argument in ("mean", "peak"):
        with pytest.raises(TestError, match=f"Argument '{argument}': boot_time is at most 2 s; a limit of a ratio is"):
            booted("Bus Load Should Meet", "body", **{argument: "boot_time"})


@pytest.mark.parametrize(
    ("keyword", "subject"),
    [
        ("Bus Load Should Meet", "body"),
        ("All Messages Should Be Regular", "body"),
        ("Checksums Should Be Right", "BCM_Doors"),
        ("Gateway Latency Should Meet", "vehicle speed to body"),
    ],
)
def test_nothing_can_be_seen_in_no_time(keyword: str, subject: str, booted: Call) -> None:
    with pytest.raises(TestError, match="Argument 'during': nothing can be seen in 0 s"):
        booted(keyword, subject, during="0 s")


def test_the_highest_load_is_that_of_the_fullest_window() -> None:
    spread = [(0.11 * number, 0.01) for number in range(1, 11)]
    assert _highest(spread) == pytest.approx(0.1)
    assert _highest([*spread, (1.11, 0.01), (1.12, 0.01)]) == pytest.approx(0.3)
    assert _highest([]) == 0


def test_all_messages_are_regular_but_of_a_slow_node(booted: Call, kept: Callable[[], list[Measurement]]) -> None:
    booted("All Messages Should Be Regular", "backbone")
    missing, mean, single = kept()[-3:]
    assert (missing.name, missing.value) == ("messages missing on backbone", 0)
    assert abs(float(mean.value or 0)) < 1
    assert abs(float(single.value or 0)) < 20
    booted("Switch Defect On", "inertial sensor", "slow")
    with pytest.raises(JudgementFailure, match=r"mean cycle time on backbone: .*it was 49.99"):
        booted("All Messages Should Be Regular", "backbone")
    booted("Switch Defect On", "inertial sensor", "silent")
    with pytest.raises(JudgementFailure, match="3 of 46 were: IMU_Rates, IMU_Accelerations, IMU_Temperature"):
        booted("All Messages Should Be Regular", "backbone")


@pytest.mark.parametrize("judged", [True, False])
def test_a_message_that_stops_is_missing_even_where_single_cycle_times_are_not_judged(
    judged: bool, booted: Call, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(session.rig), "is_rest_bus", lambda *_: not judged)
    kernel: Any = session.rig.clock
    kernel.at(kernel.now + 1_500_000_000, session.rig.ecu("amplifier").silence)
    with pytest.raises(
        JudgementFailure, match=r"2 of \d+ were: AMP_State \(since 6\.1\d+ s\), AMP_Levels \(since 6\.1\d+ s\)"
    ):
        booted("All Messages Should Be Regular", "body", during="60 s")


def test_a_message_that_begins_late_is_missing(booted: Call, session: Session) -> None:
    amplifier = session.rig.ecu("amplifier")
    amplifier.silence()
    kernel: Any = session.rig.clock
    kernel.at(kernel.now + 4_000_000_000, amplifier.resume)
    with pytest.raises(JudgementFailure, match=r"AMP_Levels \(until 8\.\d+ s\)"):
        booted("All Messages Should Be Regular", "body", during="60 s")


def test_a_short_silence_at_the_end_counts_as_a_long_cycle(booted: Call, session: Session) -> None:
    """AMP_State comes each 100 ms: with two frames missing it is late, but has not stopped."""
    assert session.rig.buses["body"].database.message("AMP_State").cycle_time == 100_000_000
    kernel: Any = session.rig.clock
    kernel.at(kernel.now + 1_850_000_000, session.rig.ecu("amplifier").silence)
    with pytest.raises(JudgementFailure, match=r"single cycle time on body: .*it was \d+\.\d+ %, of AMP_State"):
        booted("All Messages Should Be Regular", "body", during="2 s")


def test_a_bus_without_cyclic_messages_has_nothing_to_be_judged(booted: Call, session: Session, tmp_path: Path) -> None:
    path = tmp_path / "events.dbc"
    path.write_text('VERSION ""\nBS_:\nBU_: A B\nBO_ 291 Plain: 8 A\n SG_ First : 7|8@0+ (1,0) [0|0] "" B\n', "ascii")
    session.rig.buses["body"].database = read_database(path)
    with pytest.raises(TestError, match="Argument 'bus': no message of body has a cycle time in its database"):
        booted("All Messages Should Be Regular", "body")


def test_single_cycle_times_of_a_rest_bus_are_not_judged(tmp_path: Path) -> None:
    rigs = shutil.copytree(RIG.parent, tmp_path / "rigs")
    facts = YAML(typ="safe").load(RIG)
    for bus, channel in facts["buses"].items():
        channel["channel"] = {
            "interface": "virtual",
            "channel": f"rest bus {bus} {os.getpid()}",
            "parameters": {"fd": bus == "backbone"},
        }
    facts["ecus"] = {name: it for name, it in facts["ecus"].items() if it["node"] in NODES_OF_CHASSIS}
    for beside in ("streams", "meters", "probes"):
        facts.pop(beside)
    rig = rigs / "bench.yaml"
    rig.write_text(json.dumps(facts), encoding="utf-8")  # JSON is YAML
    session = Session(str(rig))
    session.open(tmp_path, "Suite", Path(__file__), seed=1)
    try:
        session.rig.power_up()
        session.rig.switch_power_mode("on")
        session.rig.clock.sleep(10**9)
        with suppress(JudgementFailure):  # of what the means are, on a busy computer
            TrafficKeywords(session).all_messages_should_be_regular("chassis", Duration(1))
    finally:
        session.close()
        session.close_log()
    missing, mean = read_measurements(tmp_path / "measurements.jsonl")[0]
    assert (missing.name, missing.verdict) == ("messages missing on chassis", Verdict.PASS)
    assert mean.name == "worst deviation of a mean cycle time on chassis"


def test_a_wrong_checksum_is_counted(booted: Call) -> None:
    booted("Checksums Should Be Right", "BCM_Doors")
    booted("Checksums Should Be Right", "FVCM_HSC2_FrP03")
    booted("Switch Defect On", "body controller", "wrong checksum")
    with pytest.raises(JudgementFailure, match="wrong checksums of BCM_Doors: expected at most 0, but 10 of 10 were"):
        booted("Checksums Should Be Right", "BCM_Doors")
    with pytest.raises(TestError, match="Roewe RX5 names no checksum of BCM_Wipers"):
        booted("Checksums Should Be Right", "BCM_Wipers")


def test_the_latency_of_a_route_is_the_longest(booted: Call, kept: Callable[[], list[Measurement]]) -> None:
    booted("Gateway Latency Should Meet", "vehicle speed to body")
    lost, latency = kept()[-2:]
    assert 0.001 < float(latency.value or 0) < 0.003  # 1 ms in the gateway, and the copy itself
    assert (latency.high, latency.limit_source) == (0.005, "limit gateway_latency, proposed by us [P]")
    assert (lost.name, lost.value, lost.verdict) == ("frames lost on route vehicle speed to body", 0, Verdict.PASS)


@pytest.mark.parametrize(
    ("defect", "reason"),
    [
        ("routes late", r"latency of route vehicle speed to body: expected at most 0.005 s, but it was up to 0.02"),
        ("loses frames", "frames lost on route vehicle speed to body: expected at most 0, but 5 of 50 were"),
        ("damages data", "frames lost on route vehicle speed to body: expected at most 0, but 50 of 50 were"),
        ("routes nothing", "frames lost on route vehicle speed to body: expected at most 0, but 50 of 50 were"),
    ],
)
def test_a_bad_gateway_is_found(booted: Call, defect: str, reason: str) -> None:
    booted("Switch Defect On", "gateway", defect)
    with pytest.raises(JudgementFailure, match=reason):
        booted("Gateway Latency Should Meet", "vehicle speed to body")


def test_a_dead_gateway_is_found_though_the_tester_sends_the_copies(booted: Call, session: Session) -> None:
    booted("Switch Defect On", "gateway", "routes nothing")
    chassis, body = (session.rig.buses[name] for name in ("chassis", "body"))
    original, copied = chassis.database.message("SCS_HSC2_FrP19"), body.database.message("GW_B_VehicleSpeed")
    stand_in = chassis.channel.listen(
        lambda frame: body.channel.send(new_frame(copied.identifier, bytes(frame.data))), (original.key,)
    )
    with pytest.raises(JudgementFailure, match="expected at most 0, but 50 of 50 were"):
        booted("Gateway Latency Should Meet", "vehicle speed to body")
    stand_in()


def test_a_route_whose_source_is_silent_is_not_judged_to_lose_nothing(booted: Call) -> None:
    booted("Silence ECU", "brake control")
    booted("Wait", "1 ms")
    with pytest.raises(JudgementFailure, match=r"frames lost on route .*, but no frame was sent in 1 s"):
        booted("Gateway Latency Should Meet", "vehicle speed to body")


@pytest.fixture
def stamped_early(booted: Call, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stamps of one adapter are 3 ms early, and both say that they may be off by 5 ms."""
    del booted
    monkeypatch.setattr(SimulatedCanChannel, "uncertainty", 0.005)
    channel: Any = session.rig.buses["body"].channel

    def listen_early(listener: Callable[[can.Message], None], keys: Any = None) -> Callable[[], None]:
        def hear(frame: can.Message) -> None:
            early = copy(frame)
            early.timestamp -= 0.003
            listener(early)

        stop: Callable[[], None] = channel._node.listen(hear, keys)
        return stop

    channel.listen = listen_early


@pytest.mark.parametrize(
    ("defect", "verdict", "reason"),
    [
        ("", InconclusiveError, "latency of route vehicle speed to body: .*it was up to -0.00"),
        ("routes late", JudgementFailure, "latency of route vehicle speed to body: .*it was up to 0.018"),
        ("loses frames", JudgementFailure, "frames lost on route vehicle speed to body: .*5 of 50 were"),
    ],
)
def test_a_copy_that_is_stamped_before_its_original_is_a_copy(
    defect: str, verdict: type[Exception], reason: str, booted: Call, stamped_early: None
) -> None:
    del stamped_early
    if defect:
        booted("Switch Defect On", "gateway", defect)
    with pytest.raises(verdict, match=reason):
        booted("Gateway Latency Should Meet", "vehicle speed to body")


@pytest.mark.parametrize("route", ["vehicle sped to body", "doors to chassis"])
def test_an_unknown_route_names_the_known_ones(booted: Call, route: str) -> None:
    with pytest.raises(TestError, match=rf"Argument 'route': no route of whole frames '{route}'"):
        booted("Gateway Latency Should Meet", route)


def test_each_frame_has_a_copy_of_its_own() -> None:
    def frame(time: float, data: bytes) -> can.Message:
        return can.Message(timestamp=time, data=data)

    sent = [frame(0.00, b"1"), frame(0.01, b"1"), frame(0.02, b"2"), frame(0.03, b"3")]
    copies = [frame(0.001, b"1"), frame(0.012, b"1"), frame(0.03, b"3"), frame(0.033, b"3")]
    assert _latencies(sent[:2], [frame(-0.003, b"1"), frame(0.21, b"1")], 0.02) == pytest.approx([-0.003, 0.2])
    assert _latencies(sent[:2], [frame(-0.003, b"1"), frame(0.212, b"1")]) == [None, None]
    assert _latencies(sent, copies) == [pytest.approx(0.001), pytest.approx(0.002), None, pytest.approx(0.003)]
