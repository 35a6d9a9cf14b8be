"""Buses that fall asleep, stay so, and wake up: on the virtual rig, and as an adapter of a bench would stamp them."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.errors import InconclusiveError, JudgementFailure, TestError
from harness.keywords.session import Session
from harness.protocols.can_frame import new_frame
from harness.results.measurement import Measurement
from harness.results.verdict import Verdict
from harness.simulation.can_network import CanNode, SimulatedCanChannel

Call = Callable[..., Any]
Measured = Callable[[], Measurement]
MILLISECOND = 1_000_000
OFF = 0.005
"""Seconds by which the stamps of an adapter may be off."""


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


def test_a_bus_that_nobody_has_heard_does_not_stay_asleep(call: Call, measured: Measured) -> None:
    with pytest.raises(JudgementFailure, match=r"frames on body in 1 s: .*but none came, and none has ever been heard"):
        call("Bus Should Stay Asleep", "body", during="1 s")
    assert measured().value is None


def test_any_frame_tells_that_a_bus_is_there(call: Call, rogue: CanNode) -> None:
    rogue.send(new_frame(0x7FF, b"\1"))
    call("Wait", "1 ms")
    call("Bus Should Stay Asleep", "body", during="1 s")


def test_a_bus_that_does_not_sleep_does_not_wake_up(booted: Call, measured: Measured) -> None:
    with pytest.raises(
        JudgementFailure,
        match=r"time until body wakes up: expected at most 1 s, but it was not asleep: it had been awake for 4\.00",
    ):
        booted("Bus Should Wake Up", "body", within="1 s")
    assert (measured().value, measured().verdict) == (None, Verdict.FAIL)


def test_a_bus_that_was_silent_too_shortly_was_not_asleep(booted: Call, asleep: None, rogue: CanNode) -> None:  # noqa: ARG001
    rogue.send(new_frame(0x123, b"\1"))
    booted("Wait", "1.9 s")
    booted("Send Line", "telematics console", "wake")
    with pytest.raises(JudgementFailure, match=r"it was not asleep: it had been awake for 1\.89"):
        booted("Bus Should Wake Up", "body", within="1 s")


def test_a_bus_that_slept_may_wake_while_it_is_woken(
    booted: Call,
    asleep: None,  # noqa: ARG001
    measured: Measured,
) -> None:
    """Relays settle for longer than the bus needs."""
    booted("Switch Ignition", "on")
    booted("Bus Should Wake Up", "body", within="wake_up_time")
    assert -0.1 < float(measured().value or 0) < 0
    assert (measured().high, measured().verdict) == (0.2, Verdict.PASS)


def test_a_bus_that_comes_with_power_has_woken_up(call: Call) -> None:
    call("Power Up")
    call("Bus Should Wake Up", "body", within="1 s")


@pytest.mark.parametrize(
    ("keyword", "argument"), [("Bus Should Stay Asleep", "during"), ("Bus Should Wake Up", "within")]
)
def test_nothing_can_be_seen_in_no_time(keyword: str, argument: str, booted: Call) -> None:
    with pytest.raises(TestError, match=f"Argument '{argument}': nothing can be seen in 0 s"):
        booted(keyword, "body", **{argument: "0 s"})


# Time stamps that may be off


@pytest.fixture
def asleep(booted: Call) -> None:
    booted("Switch Ignition", "off")
    booted("Wait", "15 s")


@pytest.fixture
def rogue(session: Session) -> CanNode:
    """A node that sends when told."""
    channel = session.rig.buses["body"].channel
    assert isinstance(channel, SimulatedCanChannel)
    node = channel._network.node("rogue")
    node.join()
    return node


@pytest.fixture
def sends_after(
    session: Session, asleep: None, rogue: CanNode, monkeypatch: pytest.MonkeyPatch
) -> Callable[[float], None]:
    """Let a frame begin so many milliseconds from now, on a bus whose stamps may be off."""
    del asleep
    monkeypatch.setattr(SimulatedCanChannel, "uncertainty", OFF)
    kernel: Any = session.rig.clock
    return lambda delay: kernel.at(kernel.now + round(delay * MILLISECOND), lambda: rogue.send(new_frame(0x123, b"\1")))


@pytest.mark.parametrize(
    ("delay", "verdict"),
    [(1, InconclusiveError), (4, InconclusiveError), (6, JudgementFailure), (999, InconclusiveError)],
)
def test_a_frame_at_the_edge_of_the_time_leaves_a_doubt_whether_a_bus_stayed_asleep(
    delay: float, verdict: type[Exception], call: Call, sends_after: Callable[[float], None]
) -> None:
    sends_after(delay)
    with pytest.raises(verdict, match="frames on body in 1 s"):
        call("Bus Should Stay Asleep", "body", during="1 s")


@pytest.mark.parametrize("delay", [0, 2, 500])
def test_the_first_frame_wakes_a_bus_however_soon_it_comes(
    delay: float, call: Call, measured: Measured, sends_after: Callable[[float], None]
) -> None:
    sends_after(delay)
    call("Bus Should Wake Up", "body", within="1 s")
    assert float(measured().value or 0) == pytest.approx(delay / 1e3, abs=0.001)


def test_whether_a_bus_woke_too_long_ago_may_be_in_doubt(call: Call, sends_after: Callable[[float], None]) -> None:
    sends_after(0)
    call("Wait", "98 ms")
    with pytest.raises(InconclusiveError, match="time until body wakes up"):
        call("Bus Should Wake Up", "body", within="100 ms")


def test_a_last_frame_at_the_very_beginning_is_the_last_one(
    call: Call, measured: Measured, sends_after: Callable[[float], None]
) -> None:
    sends_after(1)
    call("Bus Should Fall Asleep", "body", within="1 s")
    assert float(measured().value or 0) == pytest.approx(0.001, abs=0.001)
