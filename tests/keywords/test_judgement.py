"""What a judgement allows, says and keeps, and how it reads time limits."""

import re
from collections.abc import Callable
from contextlib import nullcontext

import pytest

from harness.errors import JudgementFailure, TestError
from harness.keywords.judgement import Allowed, allowed_by, judge, named_limit, time_limit
from harness.keywords.session import Session
from harness.results.measurement import Measurement
from harness.results.verdict import Verdict


@pytest.mark.parametrize(
    ("allowed", "text"),
    [
        (Allowed("V", 9, 16), "9 V to 16 V"),
        (Allowed("s", high=2), "at most 2 s"),
        (Allowed("A", low=0.1 + 0.2), "at least 0.3 A"),
        (Allowed(high=0), "at most 0"),
        (Allowed(expected="Running"), "Running"),
    ],
)
def test_allowed_in_words(allowed: Allowed, text: str) -> None:
    assert str(allowed) == text


@pytest.mark.parametrize(
    ("allowed", "within", "outside"),
    [
        (Allowed("V", 9, 16), [9, 12, 16], [8.999999, 16.000001]),
        (Allowed("s", high=2), [-1, 2], [2.000001]),
        (Allowed("A", low=2), [2, 99], [1.999999]),
    ],
)
def test_the_bounds_themselves_are_allowed(allowed: Allowed, within: list[float], outside: list[float]) -> None:
    assert all(map(allowed.holds, within))
    assert not any(map(allowed.holds, outside))


@pytest.mark.parametrize(
    ("allowed", "settled", "open_"),
    [
        (Allowed("s", high=2), [2.000001], [0, 2]),
        (Allowed("s", 1, 2), [2.000001], [0, 1.5]),
        (Allowed("s", low=1), [1, 99], [0.999999]),
    ],
)
def test_what_may_be_more_is_settled_only_where_no_more_changes_it(
    allowed: Allowed, settled: list[float], open_: list[float]
) -> None:
    assert all(map(allowed.is_settled, settled))
    assert not any(map(allowed.is_settled, open_))


def test_a_limit_of_the_vehicle_carries_its_source(session: Session) -> None:
    allowed = allowed_by(named_limit(session, "supply voltage", "limit"))
    assert (allowed.unit, allowed.low, allowed.high) == ("V", 9, 16)
    assert allowed.source == "limit supply_voltage, ISO 16750-2:2012, 4.2, table 1, code C [V]"


@pytest.mark.parametrize("holds", [True, False])
def test_every_judgement_is_kept_with_all_that_is_known(
    holds: bool, session: Session, measured: Callable[[], Measurement]
) -> None:
    session.rig.clock.sleep(1_500_000_000)
    message = "voltage: expected 9 V to 16 V, but it was 12 V; some standard; source somewhere"
    with nullcontext() if holds else pytest.raises(JudgementFailure, match=f"^{re.escape(message)}$"):
        judge(
            session,
            "voltage",
            value=12.0,
            allowed=Allowed("V", 9, 16, source="some standard"),
            holds=holds,
            actual="it was 12 V",
            source="somewhere",
            instrument="a meter",
        )
    assert measured() == Measurement(
        time=session.rig.clock.now / 1e9,
        suite="Suite",
        test="Test",
        name="voltage",
        value=12.0,
        unit="V",
        low=9,
        high=16,
        expected=None,
        uncertainty=0.0,
        verdict=Verdict.PASS if holds else Verdict.FAIL,
        requirements=("IVI-1",),
        limit_source="some standard",
        source="somewhere",
        instrument="a meter",
        message="" if holds else message,
    )
    assert session.test.failures == ([] if holds else [message])


@pytest.mark.parametrize(
    ("text", "nanoseconds", "source"),
    [
        ("2 s", 2_000_000_000, ""),
        ("0.5 ms", 500_000, ""),
        ("+1 min", 60_000_000_000, ""),
        ("boot_time", 2_000_000_000, "limit boot_time, proposed by us [P]"),
        ("boot time", 2_000_000_000, "limit boot_time, proposed by us [P]"),
    ],
)
def test_a_time_limit_is_a_duration_or_a_name(text: str, nanoseconds: int, source: str, session: Session) -> None:
    assert time_limit(session, text, "within") == (nanoseconds, source)


@pytest.mark.parametrize("text", ["", ".5 s", "-1 s", "2", "2 V", "2,5 s", "boot_tim", "supply_voltage", "nan s"])
def test_any_other_time_limit_names_the_argument(text: str, session: Session) -> None:
    with pytest.raises(TestError, match=r"^Argument 'within': "):
        time_limit(session, text, "within")
