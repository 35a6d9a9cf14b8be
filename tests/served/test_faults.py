"""`hil run` on a served rig, of which something fails in the middle: no fault of the rig is ever the product's."""

import os
import re
import signal
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from time import sleep

import pytest

from harness.results.verdict import Verdict
from tests.served.conftest import BOUND, CAN, CONSOLE, SUPPLY, SWITCHES, Effort, Lab, Labs, Run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="stops and kills processes by signals")

LATE = "The rig is not healthy: the simulated ECUs were more than "
BUSY = (
    LATE,
    "The rig is not healthy: bus chassis: a frame came ",
    "The rig is not healthy: bus chassis: nothing was rec",
)
"""Complaints that a busy computer is to blame for; they may come with each other one."""
Scenario = Callable[[], None]
Tags = tuple[str, ...]


def _in_the_middle_of(few: Tags, all_of_them: Tags) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("tags", [few, pytest.param(all_of_them, marks=pytest.mark.soak)], ids=["few", "all"])


@dataclass(frozen=True)
class Ended:
    """What is said of the test that the fault hit, and of the one behind it."""

    hit: str
    behind: str
    output: str


def _fault(
    lab: Lab,
    tag: str,
    strike: Callable[[Lab, Run], object],
    *,
    seconds: int = 3,
    comes_back: bool = False,
    verdicts: tuple[Verdict, ...] = (Verdict.ERROR,),
) -> Ended:
    """Let something fail in the middle of a test, and make sure that the run ends as it must.

    Args:
        lab: where it runs.
        tag: of the test.
        strike: makes something fail.
        seconds: that the test takes.
        comes_back: whether the test behind it finds the rig healthy again.
        verdicts: that the test may have.
    """
    run = lab.run(tag, "behind", seconds=seconds)
    run.until("now")
    effort = Effort(lab, run)
    sleep(0.5)  # into the middle of what the test does
    strike(lab, run)
    run.until("Comes Behind")
    effort.check()
    code = run.end()
    assert code == 2, run.output
    run.check_reports(code)
    lab.check_lock_is_free()
    hit, behind = run.outcomes.values()
    assert hit.verdict in verdicts, run.output
    told = rf"  {hit.verdict:<13} {re.escape(hit.name)}\n {{18}}(\S+\.robot:\d+: )?{re.escape(hit.first_line)}\n"
    assert re.search(told, run.output), run.output
    if comes_back:
        assert _complaints(behind.message) == []
    else:
        assert behind.verdict is Verdict.ERROR, run.output
    return Ended(hit.message, behind.message, run.output)


def _complaints(message: str) -> list[str]:
    return [line for line in message.splitlines() if not line.startswith(BUSY)]


def _at_once(*scenarios: Scenario) -> None:
    """Run scenarios at the same time: nearly all that they do is to wait."""
    with ThreadPoolExecutor(len(scenarios)) as pool:
        for future in [pool.submit(scenario) for scenario in scenarios]:
            future.result()


def _bus(lab: Lab, bus: str = "chassis") -> str:
    host, port = lab.address(CAN)
    return f"bus {bus}: controller is broken: socketcand {host}:{port}, channel {bus}: "


def _console(lab: Lab) -> str:
    host, port = lab.address(CONSOLE)
    return f"head unit console: tcp://{host}:{port}: "


def _instrument(lab: Lab, role: str) -> str:
    return f"{role} ({lab.visa_name(role)}): "


@_in_the_middle_of(("silence", "readings"), ("value", "steady", "line", "no-line", "time"))
def test_a_server_that_is_killed_is_an_error_that_names_all_that_has_gone(tags: Tags, labs: Labs) -> None:
    def killed(tag: str) -> None:
        lab = labs()
        ended = _fault(lab, tag, lambda lab, _: lab.server.kill())
        for named in (_bus(lab), _console(lab), _instrument(lab, SUPPLY), _instrument(lab, SWITCHES)):
            assert named in ended.hit
            assert named in ended.behind
        assert "; Connection refused" in ended.behind
        assert "The rig may not be safe." in ended.output

    _at_once(*(partial(killed, tag) for tag in tags))


def test_a_server_that_goes_before_the_safe_state_is_reached_does_not_hold_the_run_up(labs: Labs) -> None:
    def gone(how: signal.Signals) -> None:
        lab = labs(after_run="5 s")
        run = lab.run("behind")
        run.until("Comes Behind")
        lab.server.send_signal(how)  # in the after-run
        code = run.end()
        assert code == 2, run.output
        run.check_reports(code)
        lab.check_lock_is_free()
        _, unsafe, said = run.output.partition("Outside of the tests: The rig may not be safe. ")
        assert unsafe, run.output
        assert _instrument(lab, SUPPLY) in said
        assert _instrument(lab, SWITCHES) in said

    _at_once(partial(gone, signal.SIGKILL), partial(gone, signal.SIGSTOP))


@pytest.mark.parametrize(
    "cuts",
    [
        ((SUPPLY, "time"), (SWITCHES, "lines"), (CAN, "value"), (CAN, "silence"), (CONSOLE, "no-line")),
        pytest.param(((SUPPLY, "readings"), (SUPPLY, "value"), (SWITCHES, "time")), marks=pytest.mark.soak),
        pytest.param(((CAN, "steady"), (CAN, "readings"), (CAN, "time")), marks=pytest.mark.soak),
        pytest.param(((CONSOLE, "line"), (CONSOLE, "value"), (CONSOLE, "time")), marks=pytest.mark.soak),
    ],
    ids=["one of each", "instruments", "bus", "console"],
)
def test_a_connection_that_is_cut_is_named_and_no_other(cuts: tuple[tuple[str, str], ...], labs: Labs) -> None:
    def cut(role: str, tag: str) -> None:
        lab = labs(linked=True)
        ended = _fault(lab, tag, lambda lab, _: lab.links[role].cut())
        names = {CAN: _bus(lab), CONSOLE: _console(lab), **{it: _instrument(lab, it) for it in (SUPPLY, SWITCHES)}}
        named = names.pop(role)
        assert named in ended.hit
        assert f"The rig is not healthy: {named}" in ended.behind
        assert "closed the connection" in ended.hit or "Broken pipe" in ended.hit or "Connection re" in ended.hit
        assert not any(other in ended.hit + ended.behind for other in names.values())
        is_safe = "The rig may not be safe." not in ended.output
        assert is_safe == (role in {CAN, CONSOLE})
        assert is_safe or f"did not close cleanly: {named}" in ended.output

    _at_once(*(partial(cut, *one) for one in cuts))


def test_an_instrument_that_takes_a_new_connection_is_judged_by_again(labs: Labs) -> None:
    lab = labs(linked=True)
    ended = _fault(lab, "time", lambda lab, _: lab.links[SUPPLY].drop(), seconds=6, comes_back=True)
    closed = "asked 'SYST:ERR?'; the other side has closed the connection: it has ended, or is used by others"
    assert _complaints(ended.hit) == [f"The rig is not healthy: {_instrument(lab, SUPPLY)}{closed}"]
    assert "not be safe" not in ended.output


@_in_the_middle_of(("silence", "readings", "time"), ("value", "steady", "line", "no-line", "lines"))
def test_a_server_that_stands_still_for_a_while_is_an_error_of_that_test_only(tags: Tags, labs: Labs) -> None:
    def stand_still(tag: str) -> None:
        ended = _fault(labs(), tag, lambda lab, _: lab.stop_server_for(3), seconds=6, comes_back=True)
        assert "bus chassis: its server did not answer for more than " in ended.hit
        assert "not be safe" not in ended.output
        if tag == "readings":
            assert ", no answer within 2 s" in ended.hit

    _at_once(*(partial(stand_still, tag) for tag in tags))


def test_a_server_that_stands_still_for_a_moment_is_an_error_of_that_test_only(labs: Labs) -> None:
    """What it serves was late by as much, and nobody can judge its times."""
    ended = _fault(labs(), "time", lambda lab, _: lab.stop_server_for(0.4), comes_back=True)
    assert "bus chassis: its server did not answer for more than 0." in ended.hit


def test_a_whole_rest_bus_gets_over_a_server_that_stands_still(labs: Labs) -> None:
    """What the runner's ECUs send meanwhile is more than the server lets wait for its bus."""
    lab = labs(ecus=None)
    ended = _fault(lab, "time", lambda lab, _: lab.stop_server_for(3), seconds=6, comes_back=True)
    assert "bus chassis: its server refused: frame not sent: 1000 frames wait for the bus already" in ended.hit


def test_a_bus_whose_server_no_longer_reads_is_an_error_and_holds_nothing_up_for_long(labs: Labs) -> None:
    """The rest bus goes on sending until nothing more fits into the connection."""
    lab = labs(linked=True, ecus=None)
    ended = _fault(lab, "time", lambda lab, _: lab.links[CAN].stop_reading(), seconds=6)
    blocked = "the server takes no frames for 1 s"
    full = [f"The rig is not healthy: {_bus(lab, bus)}{blocked}" for bus in ("chassis", "body")]
    assert "The rig is not healthy: bus chassis: controller is " in ended.hit
    assert any(one in ended.behind for one in full), "which of them is full first is a matter of buffers"
    assert all(ended.hit.count(f"channel {bus}: {blocked}") <= 2 for bus in ("chassis", "body")), (
        "for each bus once for the bus, once for the frames that could not be sent"
    )
    assert "not be safe" not in ended.output


def test_who_comes_while_a_run_uses_the_rig_is_turned_away_and_disturbs_nothing(labs: Labs) -> None:
    lab = labs()
    run = lab.run("told", "behind", seconds=round(BOUND))
    run.until("now")
    with socket.create_connection(lab.address(SUPPLY), BOUND) as client:
        client.sendall(b"*RST\n")
        with suppress(ConnectionResetError):
            assert client.recv(100) == b"", "the server has turned it away"
    second = lab.run("behind")
    assert second.end() == 3
    assert "in use: " in second.output
    assert f"process {run.process.pid}, rig served, since " in second.output
    (lab.folder / "told").touch()
    code = run.end()
    outcomes = run.outcomes.values()
    assert [_complaints(outcome.message) for outcome in outcomes] == [[], []], run.output
    assert code == (2 if any(outcome.message for outcome in outcomes) else 0)


def test_an_instrument_that_somebody_else_uses_is_named_and_nothing_passes(labs: Labs) -> None:
    lab = labs()
    with socket.create_connection(lab.address(SUPPLY), BOUND) as client:
        client.sendall(b"*IDN?\n")
        assert b"HMP4040" in client.recv(100)
        run = lab.run("time", "behind")
        code = run.end()
    assert code == 2, run.output
    for outcome in run.outcomes.values():
        assert outcome.verdict is Verdict.ERROR
        expected = f"The rig could not be opened. {_instrument(lab, SUPPLY)}asked '*IDN?'; the other side has closed "
        assert expected + "the connection: it has ended, or is used by others" in outcome.message
    lab.check_lock_is_free()


@pytest.mark.parametrize(
    "stops",
    [
        (("time", 1),),
        pytest.param((("time", 3), ("value", 1), ("silence", 3), ("readings", 1), ("line", 1)), marks=pytest.mark.soak),
    ],
    ids=["few", "all"],
)
def test_a_runner_that_stands_still_says_that_its_simulated_ecus_were_late(
    stops: tuple[tuple[str, float], ...], labs: Labs
) -> None:
    def stand_still(tag: str, seconds: float) -> None:
        def stop(_: Lab, run: Run) -> None:
            run.process.send_signal(signal.SIGSTOP)
            sleep(seconds)
            run.process.send_signal(signal.SIGCONT)

        ended = _fault(labs(), tag, stop, seconds=6, comes_back=True)
        assert "bus chassis: nothing was received for " in ended.hit
        assert " s: this process stood still" in ended.hit
        assert LATE in ended.hit
        assert "did not answer" not in ended.hit, "the server is not to blame"

    _at_once(*(partial(stand_still, *one) for one in stops))


def test_a_runner_that_stands_still_for_two_cycles_is_not_the_fault_of_a_message(labs: Labs) -> None:
    """The cycle time of a message that the runner itself sends is then broken."""

    def stop(_: Lab, run: Run) -> None:
        run.process.send_signal(signal.SIGSTOP)
        sleep(0.042)
        run.process.send_signal(signal.SIGCONT)

    ended = _fault(labs(), "regular", stop, comes_back=True, verdicts=(Verdict.INCONCLUSIVE, Verdict.ERROR))
    broken = "deviation of longest interval of FVCM_HSC2_FrP03" in ended.hit
    assert LATE in ended.hit or (broken and "the simulated ECUs were late in this test" in ended.hit)
