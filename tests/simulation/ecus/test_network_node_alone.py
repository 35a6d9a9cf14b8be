"""ECUs that sleep and wake with their network, each alone on its buses; the tester is all the others.

Held to outside: the layout of network management to AUTOSAR CanNm (source node in byte 0, control bits in byte 1, of
which bit 4 is active wake-up), checksums to crccheck, cycle times and signals to cantools.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import can
import pytest

from harness.clock import MILLISECOND, SECOND
from harness.simulation.ecus.network_node import NetworkNode
from tests.simulation.ecus.lone_ecu import MESSAGES, LoneEcu, counters, is_right, stamp


@dataclass(frozen=True)
class Model:
    """What is known of a model from its documentation and from the database."""

    name: str
    node: str
    running: float
    """Amperes."""
    asleep: float
    message: str
    """One that it sends often."""
    wake_up: str
    """Network management of another node."""
    network_management: str = ""
    protected: tuple[tuple[str, int], ...] = ()
    """Messages with E2E protection, and their data IDs."""


BODY = Model(
    "body-controller",
    "BCM",
    running=0.05,
    asleep=0.0005,
    message="BCM_Terminals",
    wake_up="TST_Nm",
    network_management="BCM_Nm",
    protected=(("BCM_Terminals", 1), ("BCM_Doors", 2), ("BCM_Lights", 3), ("BCM_SteeringWheelKeys", 4)),
)
CLUSTER = Model(
    "instrument-cluster",
    "IPK",
    running=0.1,
    asleep=0.0002,
    message="IPK_Speed",
    wake_up="TST_Nm",
    protected=(("IPK_Speed", 7),),
)
BOX = Model(
    "telematics-box",
    "TBOX",
    running=0.1,
    asleep=0.003,
    message="TBOX_Status",
    wake_up="GW_F_Nm",
    network_management="TBOX_Nm",
    protected=(("TBOX_Remote", 17), ("TBOX_EmergencyCall", 18)),
)
DOOR = Model("network-node", "DDM", running=0.01, asleep=0.0001, message="DDM_Switches", wake_up="TST_Nm")
COLUMN = Model(
    "network-node",
    "SCM",
    running=0.01,
    asleep=0.0001,
    message="SCM_Keys",
    wake_up="TST_Nm",
    protected=(("SCM_Stalks", 5), ("SCM_Keys", 6)),
)
MODELS = (BODY, CLUSTER, BOX, DOOR, COLUMN)
TIMEOUT = 2_000
"""Milliseconds after the last network management at which all fall asleep."""


@pytest.fixture(params=MODELS, ids=lambda model: model.node)
def model(request: pytest.FixtureRequest) -> Model:
    assert isinstance(request.param, Model)
    return request.param


@pytest.fixture
def alone(model: Model) -> LoneEcu:
    return LoneEcu(model.name, model.node)


def cycle_of(name: str) -> int:
    """Milliseconds, as the database says."""
    cycle = MESSAGES[name][1].cycle_time
    assert cycle is not None
    return cycle


def is_awake(alone: LoneEcu, model: Model) -> bool:
    """Whether it sends within the next cycle and a half."""
    return bool(alone.next(model.message))


# Power


def test_without_a_supply_it_neither_draws_current_nor_hears_nor_sends(alone: LoneEcu, model: Model) -> None:
    alone.say(model.wake_up)
    alone.run(3_000)
    assert (alone.current, alone.all_frames()) == (0.0, [])


def test_terminal_30_alone_lets_it_sleep(alone: LoneEcu, model: Model) -> None:
    alone.supply(13.5)
    alone.run(60_000)
    assert (alone.current, alone.all_frames()) == (model.asleep, [])


def test_terminal_15_wakes_it_at_once(alone: LoneEcu, model: Model) -> None:
    alone.supply(13.5)
    alone.run(1_000)
    begin = alone.kernel.now
    alone.switch("KL15", on=True)
    alone.run(100)
    assert alone.current == model.running
    assert alone.first(model.message, begin) < 5


def test_it_works_from_a_millisecond_after_its_supply_on(alone: LoneEcu, model: Model) -> None:
    alone.switch("KL15", on=True)
    alone.supply(6.4)
    alone.run(3_000)
    assert (alone.current, alone.all_frames()) == (0.0, [])
    begin = alone.kernel.now
    alone.supply(6.5)
    alone.run(100)
    assert alone.current == model.running
    assert 1 < alone.first(model.message, begin) < 6


def test_a_supply_that_is_too_short_starts_nothing(alone: LoneEcu) -> None:
    alone.switch("KL15", on=True)
    alone.supply(13.5)
    alone.run(0.9)
    alone.output.program(on=False)
    alone.run(3_000)
    assert alone.all_frames() == []


def test_a_dip_to_6_volts_is_not_noticed(alone: LoneEcu, model: Model) -> None:
    """Terminal 15 follows the dip, and is terminal 15 still."""
    alone.start()
    printed = list(alone.printed)
    begin = alone.kernel.now
    alone.supply(6.0)
    alone.run(3_000)
    alone.supply(13.5)
    alone.run(3_000)
    assert alone.current == model.running
    cycle = cycle_of(model.message)
    assert len(alone.frames(model.message, begin)) == 6_000 // cycle
    assert not {"telematics: power on", "telematics: asleep"} & set(alone.printed[len(printed) :])


def test_below_6_volts_it_stops_at_once_and_comes_back_at_6_5(alone: LoneEcu, model: Model) -> None:
    alone.start()
    begin = alone.kernel.now
    alone.supply(5.9)
    alone.run(3_000)
    assert alone.current == 0
    assert alone.all_frames(begin + MILLISECOND) == []
    alone.supply(6.4)
    assert not is_awake(alone, model)
    alone.supply(6.5)
    assert is_awake(alone, model)


def test_asleep_it_survives_an_interruption_of_its_supply(alone: LoneEcu, model: Model) -> None:
    alone.supply(13.5)
    alone.run(1_000)
    alone.output.program(on=False)
    alone.run(1_000)
    alone.supply(13.5)
    alone.run(5_000)
    assert (alone.current, alone.all_frames()) == (model.asleep, [])
    alone.say(model.wake_up)
    assert is_awake(alone, model)


# Network


def test_it_falls_asleep_a_time_out_after_the_last_request(alone: LoneEcu, model: Model) -> None:
    alone.start()
    alone.switch("KL15", on=False)
    alone.run(10_000)
    asked = alone.frames(model.network_management)[-1].timestamp * SECOND if model.network_management else SECOND
    assert 0 <= max(map(stamp, alone.all_frames())) - asked <= TIMEOUT * MILLISECOND + MILLISECOND
    assert alone.current == model.asleep
    alone.run(600_000)
    assert alone.all_frames(alone.kernel.now - 600 * SECOND) == []


def test_network_management_of_others_wakes_it_for_the_time_out(alone: LoneEcu, model: Model) -> None:
    alone.supply(13.5)
    alone.run(1_000)
    begin = alone.kernel.now
    alone.say(model.wake_up)
    alone.run(1_900)
    assert alone.current == model.running
    alone.run(5_000)
    assert alone.current == model.asleep
    frames = alone.frames(model.message, begin)
    assert stamp(frames[0]) - begin < 6 * MILLISECOND
    cycle = cycle_of(model.message)
    assert len(frames) == TIMEOUT // cycle


@pytest.mark.parametrize(("every", "stays"), [(1_900, True), (2_100, False)])
def test_it_stays_awake_while_others_ask_often_enough(alone: LoneEcu, model: Model, every: int, stays: bool) -> None:
    alone.supply(13.5)
    alone.run(1_000)
    alone.keep_saying(model.wake_up, every)
    begin = alone.kernel.now
    alone.run(30_000)
    times = [stamp(frame) for frame in alone.frames(model.message, begin)]
    cycle = cycle_of(model.message)
    without_gap = max(later - earlier for earlier, later in pairwise(times)) < 1.5 * cycle * MILLISECOND
    assert without_gap is stays


def test_terminal_15_that_comes_back_in_time_leaves_no_gap(alone: LoneEcu, model: Model) -> None:
    alone.start()
    for _ in range(5):
        alone.switch("KL15", on=False)
        alone.run(1_400)
        alone.switch("KL15", on=True)
        alone.run(3_000)
    times = [stamp(frame) for frame in alone.frames(model.message)]
    cycle = cycle_of(model.message)
    assert max(later - earlier for earlier, later in pairwise(times)) < (cycle + 2) * MILLISECOND


@pytest.mark.parametrize("model", [BODY, BOX], ids=lambda model: model.node, indirect=True)
def test_it_asks_for_the_network_in_the_layout_of_autosar(alone: LoneEcu, model: Model) -> None:
    begin = alone.kernel.now
    alone.supply(13.5)
    alone.switch("KL15", on=True)
    alone.run(10_000)
    frames = alone.frames(model.network_management, begin)
    assert len(frames) == 20
    assert {bytes(frame.data[:2]) for frame in frames} == {bytes([frames[0].arbitration_id & 0xFF, 0x10])}
    periods = [(stamp(later) - stamp(earlier)) / MILLISECOND for earlier, later in pairwise(frames)]
    assert periods == pytest.approx([500] * 19, abs=1)
    alone.switch("KL15", on=False)
    end = alone.kernel.now
    alone.run(10_000)
    assert alone.frames(model.network_management, end) == []


# Messages


def own_messages(model: Model) -> list[str]:
    return [name for name, (_, message) in MESSAGES.items() if model.node in message.senders and message.cycle_time]


def test_each_message_comes_at_its_cycle_time(alone: LoneEcu, model: Model) -> None:
    alone.start()
    begin = alone.kernel.now
    alone.run(10_000)
    for name in own_messages(model):
        times = [stamp(frame) for frame in alone.frames(name, begin)]
        cycle = cycle_of(name)
        assert len(times) == 10_000 // cycle, name
        # Its own messages of the same instant wait for each other.
        assert all(abs(b - a - cycle * MILLISECOND) < 3 * MILLISECOND for a, b in pairwise(times)), name


def test_counters_count_and_checksums_are_right(alone: LoneEcu, model: Model) -> None:
    alone.start()
    alone.run(5_000)
    for name, data_id in model.protected:
        frames = alone.frames(name)
        assert len(frames) > 48, name
        assert counters(frames) == [number % 16 for number in range(len(frames))], name
        assert all(is_right(frame, data_id) for frame in frames), name
        assert not any(is_right(frame, data_id + 1) for frame in frames), name


def test_the_protected_messages_are_those_of_the_database_that_have_a_counter(model: Model) -> None:
    with_checksum = {
        name
        for name in own_messages(model)
        if {"Counter", "Checksum"} <= {signal.name for signal in MESSAGES[name][1].signals}
    }
    assert with_checksum == {name for name, _ in model.protected}


# Defects: each is seen with it, not without it, and gone when it is switched off.


def _frames_of_three_seconds(alone: LoneEcu, name: str) -> list[can.Message]:
    begin = alone.kernel.now
    alone.run(3_000)
    return alone.frames(name, begin)


def _is_silent(alone: LoneEcu, model: Model) -> bool:
    return not _frames_of_three_seconds(alone, model.message)


def _is_slow(alone: LoneEcu, model: Model) -> bool:
    return len(_frames_of_three_seconds(alone, model.message)) == 2_000 // cycle_of(model.message)


def _counter_is_frozen(alone: LoneEcu, model: Model) -> bool:
    frozen = {len(set(counters(_frames_of_three_seconds(alone, name)))) == 1 for name, _ in model.protected}
    assert len(frozen) == 1
    return frozen.pop()


def _checksum_is_wrong(alone: LoneEcu, model: Model) -> bool:
    wrong = {
        not is_right(frame, data_id)
        for name, data_id in model.protected
        for frame in _frames_of_three_seconds(alone, name)
    }
    assert len(wrong) == 1
    return wrong.pop()


def _babbles(alone: LoneEcu, model: Model) -> bool:
    return len(_frames_of_three_seconds(alone, model.message)) == 1_000


def _keeps_awake(alone: LoneEcu, model: Model) -> bool:
    alone.switch("KL15", on=False)
    alone.run(10_000)
    return is_awake(alone, model)


def _does_not_wake(alone: LoneEcu, model: Model) -> bool:
    alone.switch("KL15", on=False)
    alone.run(10_000)
    alone.say(model.wake_up)
    return not is_awake(alone, model)


def _draws_current_asleep(alone: LoneEcu, model: Model) -> bool:
    assert alone.current == model.running
    alone.switch("KL15", on=False)
    alone.run(10_000)
    return alone.current == 0.05


SEEN: dict[str, Callable[[LoneEcu, Model], bool]] = {
    "silent": _is_silent,
    "slow": _is_slow,
    "frozen counter": _counter_is_frozen,
    "wrong checksum": _checksum_is_wrong,
    "babbles": _babbles,
    "keeps the network awake": _keeps_awake,
    "does not wake": _does_not_wake,
    "draws current asleep": _draws_current_asleep,
}
CASES = [
    pytest.param(model, defect, id=f"{model.node}: {defect}")
    for model in MODELS
    for defect in NetworkNode.DEFECTS
    if model.protected or defect not in ("frozen counter", "wrong checksum")
]


@pytest.mark.parametrize(("model", "defect"), CASES, indirect=["model"])
def test_a_defect_shows_only_while_it_is_on(alone: LoneEcu, model: Model, defect: str) -> None:
    alone.start()
    assert not SEEN[defect](alone, model)
    alone.switch("KL15", on=True)
    alone.run(100)
    alone.ecu.switch_defect(defect, on=True)
    assert SEEN[defect](alone, model)
    alone.ecu.switch_defect(defect, on=False)
    alone.run(10_000)
    alone.switch("KL15", on=True)
    alone.run(100)
    assert not any(SEEN[other](alone, model) for other in ("silent", "slow", "babbles"))
    assert alone.current == model.running
    if model.protected:
        assert not _counter_is_frozen(alone, model)
        assert not _checksum_is_wrong(alone, model)
    alone.switch("KL15", on=False)
    alone.run(10_000)
    assert alone.current == model.asleep
    alone.say(model.wake_up)
    assert is_awake(alone, model)


@pytest.mark.parametrize(("model", "defect"), CASES, indirect=["model"])
def test_a_defect_that_is_on_from_the_beginning_shows(alone: LoneEcu, model: Model, defect: str) -> None:
    alone.ecu.switch_defect(defect, on=True)
    alone.start()
    assert SEEN[defect](alone, model)


def test_silent_it_still_acknowledges(alone: LoneEcu, model: Model) -> None:
    alone.start()
    alone.ecu.silence()
    begin = alone.kernel.now
    alone.say(model.wake_up)
    alone.run(1_000)
    assert alone.all_frames(begin) == []
    alone.ecu.resume()
    assert is_awake(alone, model)
