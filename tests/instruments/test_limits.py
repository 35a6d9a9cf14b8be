import math
import re
from collections.abc import Callable

import pytest

from harness.errors import BenchError, TestError
from harness.instruments.limits import LimitedSupply, SupplyLimits
from harness.instruments.rohde_schwarz_hmp4040 import Hmp4040
from harness.quantities import Current, Voltage
from harness.transports.visa import ScpiSession

Bench = Callable[..., ScpiSession]
LIMITS = SupplyLimits(Voltage(18), Current(5), "rigs/rx5-virtual.yaml")
NO_ERROR = ("SYST:ERR?", '0,"No error"')
OPENING = [("*IDN?", "ROHDE&SCHWARZ,HMP4040,103781,HW50020003/SW2.62"), ("*CLS", None), NO_ERROR]
SELECTED = [("INST:NSEL 1", None), NO_ERROR]


def test_what_is_within_the_limits_is_sent(bench: Bench) -> None:
    script = [*OPENING, *SELECTED, ("VOLT 18.000", None), NO_ERROR, *SELECTED, ("CURR 0.0000", None), NO_ERROR]
    supply = LimitedSupply(Hmp4040(bench(script)), LIMITS)
    supply.set_voltage(1, 18.0)
    supply.set_current_limit(1, 0.0)


@pytest.mark.parametrize(
    ("volts", "text"),
    [
        (24.0, "24 V asked; this rig allows at most 18 V"),
        (18.001, "18.001 V asked; this rig allows at most 18 V"),
        (-1.0, "-1 V asked; this rig allows 0 to 18 V"),
        (math.inf, "inf V asked; this rig allows at most 18 V"),
        (-math.inf, "-inf V asked; this rig allows 0 to 18 V"),
        (math.nan, "nan V asked; this rig allows 0 to 18 V"),
    ],
)
def test_a_voltage_beyond_the_limit_is_never_sent(bench: Bench, volts: float, text: str) -> None:
    supply = LimitedSupply(Hmp4040(bench(OPENING)), LIMITS)
    with pytest.raises(TestError) as raised:
        supply.set_voltage(1, volts)
    assert str(raised.value) == f"supply output 1: {text} (rigs/rx5-virtual.yaml); nothing was sent"


@pytest.mark.parametrize("amperes", [5.01, -0.1, math.nan, math.inf])
def test_a_current_limit_beyond_the_limit_is_never_sent(bench: Bench, amperes: float) -> None:
    supply = LimitedSupply(Hmp4040(bench(OPENING)), LIMITS)
    with pytest.raises(TestError, match=r"supply output 1: \S+ A asked; this rig allows .*5 A .*; nothing was sent"):
        supply.set_current_limit(1, amperes)


@pytest.mark.parametrize(
    ("volts", "amperes", "text"),
    [("32.000", "1.0000", "32 V is programmed in the instrument"), ("12.000", "10.0000", "10 A is programmed")],
)
def test_what_somebody_else_programmed_is_not_switched_on(bench: Bench, volts: str, amperes: str, text: str) -> None:
    read = [*SELECTED, ("VOLT?", volts)] + ([*SELECTED, ("CURR?", amperes)] if volts == "12.000" else [])
    supply = LimitedSupply(Hmp4040(bench([*OPENING, *read])), LIMITS)
    with pytest.raises(BenchError, match=f"supply output 1: {text}.*{re.escape(LIMITS.source)}.*not switched on"):
        supply.switch_output(1, on=True)


def test_switching_off_asks_for_nothing(bench: Bench) -> None:
    supply = LimitedSupply(Hmp4040(bench([*OPENING, *SELECTED, ("OUTP:SEL OFF", None), NO_ERROR])), LIMITS)
    supply.switch_output(1, on=False)
