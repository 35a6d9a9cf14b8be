"""Keywords for whole buses, each held to what a listener of the test's own has heard."""

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import can
import pytest
from ruamel.yaml import YAML

from harness.errors import JudgementFailure, TestError
from harness.keywords.network import NetworkKeywords, _highest, _latencies
from harness.keywords.session import Session
from harness.quantities import Duration
from harness.results.measurement import Measurement, read_measurements
from harness.results.verdict import Verdict

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


def test_the_highest_load_is_that_of_the_fullest_window() -> None:
    spread = [(0.11 * number, 0.01) for number in range(1, 11)]
    assert _highest(spread) == pytest.approx(0.1)
    assert _highest([*spread, (1.11, 0.01), (1.12, 0.01)]) == pytest.approx(0.3)
    assert _highest([]) == 0


def test_a_bus_falls_asleep_and_stays_so_and_wakes_up(booted: Call, measured: Measured) -> None:
    booted("Switch Ignition", "off")
    booted("Bus Should Fall Asleep", "body", within="bus_sleep_time")
    kept = measured()
    assert 7 < float(kept.value or 0) < 9  # after-run of the head unit, 4 s, and twice a time-out of 2 s
    assert (kept.high, kept.unit, kept.verdict) == (12, "s", Verdict.PASS)
    booted("Bus Should Stay Asleep", "body", "5 s")
    booted("Send Line", "telematics console", "wake")
    booted("Bus Should Wake Up", "body", within="100 ms")
    assert 0 < float(measured().value or 0) < 0.03
    with pytest.raises(
        JudgementFailure, match=r"frames on body in 5 s: expected at most 0, but there were \d+, the first"
    ):
        booted("Bus Should Stay Asleep", "body", "5 s")


def test_a_bus_that_nobody_has_heard_is_not_asleep(call: Call) -> None:
    with pytest.raises(JudgementFailure, match="none came, and none has ever been heard"):
        call("Bus Should Fall Asleep", "body", within="1 s")


def test_a_bus_that_stays_awake_or_asleep_fails(booted: Call) -> None:
    with pytest.raises(
        JudgementFailure, match=r"last frame on body: expected at most 1 s, but the last one came after 2\.99"
    ):
        booted("Bus Should Fall Asleep", "body", within="1 s")
    booted("Switch Ignition", "off")
    booted("Wait", "15 s")
    with pytest.raises(JudgementFailure, match="time until body wakes up: expected at most 1 s, but no frame came"):
        booted("Bus Should Wake Up", "body", within="1 s")


def test_what_the_tester_sends_does_not_wake_a_bus(booted: Call, session: Session) -> None:
    booted("Switch Ignition", "off")
    booted("Wait", "15 s")
    rig = session.rig
    rig.clock.at(rig.clock.now + 10**8, lambda: booted("Send Frame", "body", "0x123", "11"))  # type: ignore[attr-defined]
    booted("Bus Should Stay Asleep", "body", "1 s")


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


def test_single_cycle_times_of_a_rest_bus_are_not_judged(tmp_path: Path) -> None:
    rigs = shutil.copytree(RIG.parent, tmp_path / "rigs")
    facts = YAML(typ="safe").load(RIG)
    for bus, channel in facts["buses"].items():
        channel["channel"] = {"interface": "virtual", "channel": f"rest bus {bus} {os.getpid()}"}
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
            NetworkKeywords(session).all_messages_should_be_regular("chassis", Duration(1))
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
    latency, lost = kept()[-2:]
    assert 0.001 < float(latency.value or 0) < 0.003  # 1 ms in the gateway, and the copy itself
    assert (latency.high, latency.limit_source) == (0.005, "limit gateway_latency, proposed by us [P]")
    assert (lost.name, lost.value, lost.verdict) == ("frames lost on route vehicle speed to body", 0, Verdict.PASS)


@pytest.mark.parametrize(
    ("defect", "reason"),
    [
        ("routes late", r"latency of route vehicle speed to body: expected at most 0.005 s, but it was up to 0.02"),
        ("loses frames", "frames lost on route vehicle speed to body: expected at most 0, but 5 of 50 were"),
        ("damages data", "but 50 frames were sent and none passed on"),
        ("routes nothing", "but 50 frames were sent and none passed on"),
    ],
)
def test_a_bad_gateway_is_found(booted: Call, defect: str, reason: str) -> None:
    booted("Switch Defect On", "gateway", defect)
    with pytest.raises(JudgementFailure, match=reason):
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
    assert _latencies(sent, copies) == [pytest.approx(0.001), pytest.approx(0.002), None, pytest.approx(0.003)]
