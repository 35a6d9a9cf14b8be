"""A relay card on a rig: its relays switch nets, and its safe state opens all of them, whoever has closed them."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.instruments.roles import SwitchMatrix
from harness.rig.left_on import switch_off
from harness.rig.open_rig import open_rig
from harness.rig.rig import Rig

if TYPE_CHECKING:
    from harness.simulation.serial_line import SerialLine

OPEN_ALL = bytes.fromhex("01 0F 00 00 00 08 01 00 FE 95")


def card_of(rig: Rig) -> SwitchMatrix:
    card = rig.instruments["relay card"]
    assert isinstance(card, SwitchMatrix)
    return card


def test_a_terminal_may_hang_on_a_relay_of_a_card(change: Callable[..., Path]) -> None:
    rig = open_rig(change(("relay: switches.102", "relay: relay card.2")))
    rig.power_up()
    rig.switch_power_mode("on")
    rig.clock.sleep(3_000_000_000)
    assert card_of(rig).is_closed(2)
    assert rig.supply.supply.measure_current(rig.supply.output) > 2, "the ECUs on terminal 15 work"
    rig.switch_power_mode("off")
    assert not card_of(rig).is_closed(2)
    rig.close()


def test_closing_the_rig_opens_all_relays_also_those_without_a_net(rig: Rig) -> None:
    card = card_of(rig)
    card.close_channel(7)
    line: SerialLine = card._session._stream  # type: ignore[attr-defined]
    sent: list[bytes] = []
    carry_out = line.on_receive
    line.on_receive = lambda data: (sent.append(data), carry_out(data))[1]  # type: ignore[func-returns-value]
    rig.close()
    assert OPEN_ALL in sent


@pytest.mark.parametrize("channel", [1, 7])
def test_a_relay_that_an_earlier_run_has_left_on_is_opened(rig: Rig, channel: int) -> None:
    card_of(rig).close_channel(channel)
    assert switch_off(rig.facts, rig.instruments) == f"relay relay card.{channel} was closed and was opened"
    assert not card_of(rig).is_closed(channel)
    assert switch_off(rig.facts, rig.instruments) == ""
