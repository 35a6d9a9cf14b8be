"""Consoles of ECUs: what their logs have to say, and not to say."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest

from harness.clock import SECOND
from harness.errors import InconclusiveError, JudgementFailure, StreamError, TestError
from harness.keywords.session import Session
from harness.results.measurement import Measurement
from harness.results.verdict import Verdict

Call = Callable[..., Any]
Measured = Callable[[], Measurement]
Prints = Callable[..., float]

NAME = "head unit console"


def _failure(call: Call, name: str, *arguments: str, **named: str) -> str:
    with pytest.raises(JudgementFailure) as failure:
        call(name, *arguments, **named)
    return str(failure.value)


@pytest.fixture
def prints(session: Session) -> Prints:
    """Let the head unit print a line so many seconds from now; return when, in seconds of rig time."""
    kernel: Any = session.rig.clock
    line: Any = session.rig.console(NAME)._stream

    def at(delay: float, text: str, end: str = "\n") -> float:
        time: int = kernel.now + round(delay * SECOND)
        kernel.at(time, lambda: line.write(f"{text}{end}".encode()))
        return time / SECOND

    return at


@pytest.mark.parametrize(("within", "limit"), [("2 s", ""), ("boot_time", "limit boot_time, proposed by us [P]")])
def test_log_should_contain(within: str, limit: str, prints: Prints, booted: Call, measured: Measured) -> None:
    prints(0.5, "no BOOT COMPLETE")
    time = prints(1.25, "[    1.4] boot complete.")
    booted("Log Should Contain", NAME, "boot complete", within=within)
    kept = measured()
    assert kept.name == "time until 'boot complete' in head unit console"
    assert kept.value == pytest.approx(1.25)
    assert (kept.unit, kept.high, kept.limit_source, kept.verdict) == ("s", 2, limit, Verdict.PASS)
    assert kept.source == f"console:head unit console@{time:.6f} s"


def test_log_should_contain_does_not_hold(prints: Prints, booted: Call, measured: Measured) -> None:
    prints(0.5, "boot: started")
    prints(1.5, "boot: hangs")
    assert _failure(booted, "Log Should Contain", NAME, "boot: complete", within="boot_time") == (
        "time until 'boot: complete' in head unit console: expected at most 2 s, but 2 lines came, the last one "
        "'boot: hangs'; limit boot_time, proposed by us [P]; source console:head unit console"
    )
    assert (measured().value, measured().verdict) == (None, Verdict.FAIL)
    prints(0.5, "boot: started")
    assert "but 1 line came, the last one 'boot: started'; " in _failure(
        booted, "Log Should Contain", NAME, "boot: complete", "1 s"
    )
    assert "but no lines came; " in _failure(booted, "Log Should Contain", NAME, "boot: complete", "1 s")


def test_what_was_logged_before_does_not_count(prints: Prints, booted: Call) -> None:
    prints(0.5, "ready")
    booted("Wait", "1 s")
    assert "no lines came" in _failure(booted, "Log Should Contain", NAME, "ready", "1 s")


def test_the_time_of_a_line_that_had_begun_is_none(booted: Call, session: Session, measured: Measured) -> None:
    line: Any = session.rig.console(NAME)._stream
    kernel: Any = session.rig.clock
    line.write(b"boot: com")
    booted("Wait", "1 s")
    kernel.at(kernel.now + SECOND, lambda: line.write(b"plete\n"))
    booted("Log Should Contain", NAME, "boot: complete", "2 s")
    assert measured().value == 0


def test_log_should_not_contain(prints: Prints, booted: Call, measured: Measured) -> None:
    prints(0.5, "all is well")
    booted("Log Should Not Contain", NAME, "panic", during="2 s")
    kept = measured()
    assert (kept.name, kept.value, kept.high) == ("lines with 'panic' in head unit console in 2 s", 0, 0)
    assert (kept.source, kept.verdict) == ("console:head unit console", Verdict.PASS)
    time = prints(1.5, "kernel panic: not syncing")
    assert _failure(booted, "Log Should Not Contain", NAME, "panic", during="2 s") == (
        "lines with 'panic' in head unit console in 2 s: expected at most 0, but there was "
        f"'kernel panic: not syncing'; source console:head unit console@{time:.6f} s"
    )
    assert (measured().value, measured().verdict) == (1, Verdict.FAIL)


def test_last_words_without_end_are_in_the_log(prints: Prints, booted: Call, measured: Measured) -> None:
    time = prints(1.5, "Kernel panic - not syncing", end="")
    said = _failure(booted, "Log Should Not Contain", NAME, "Kernel panic", during="2 s")
    assert "but there was 'Kernel panic - not syncing'; " in said
    assert (measured().verdict, measured().source) == (Verdict.FAIL, f"console:head unit console@{time:.6f} s")


def test_a_prompt_is_in_the_log(prints: Prints, booted: Call, measured: Measured) -> None:
    prints(1.25, "login: ", end="")
    booted("Log Should Contain", NAME, "login:", within="2 s")
    assert measured().verdict is Verdict.PASS
    assert measured().value == pytest.approx(1.25)
    prints(0.5, "login: ", end="")
    assert "but 1 line came, the last one 'login: login: '" in _failure(
        booted, "Log Should Contain", NAME, "#", within="2 s"
    )


def test_answer_should_contain(booted: Call, measured: Measured) -> None:
    booted("Answer Should Contain", NAME, "version", "hardware none", within="1 s")
    kept = measured()
    assert kept.name == "time until 'hardware none' in answer to 'version' in head unit console"
    assert kept.value == pytest.approx(0.005, abs=0.001)
    assert (kept.high, kept.verdict) == (1, Verdict.PASS)


def test_answer_should_contain_does_not_hold(booted: Call, measured: Measured) -> None:
    assert _failure(booted, "Answer Should Contain", NAME, "version", "hardware one", "1 s").startswith(
        "time until 'hardware one' in answer to 'version' in head unit console: expected at most 1 s, but 3 lines "
        "came, the last one 'software model of this harness'; source console:head unit console"
    )
    assert measured().verdict is Verdict.FAIL


def test_an_answer_at_once_counts(booted: Call, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    line: Any = session.rig.console(NAME)._stream
    monkeypatch.setattr(line, "send", lambda _: line.write(b"done\n"))
    booted("Answer Should Contain", NAME, "do", "done", within="1 s")


def test_send_line_and_its_answer(booted: Call) -> None:
    booted("Send Line", NAME, "version")
    booted("Log Should Contain", NAME, "software model of this harness", within="1 s")
    booted("Send Line", "head unit", "help")
    booted("Log Should Contain", NAME, "unknown command: help", within="1 s")


# On a bench

RAISED: dict[Verdict, AbstractContextManager[object]] = {
    Verdict.PASS: nullcontext(),
    Verdict.INCONCLUSIVE: pytest.raises(InconclusiveError, match=r"that nobody can tell( whether it counts)?$"),
    Verdict.FAIL: pytest.raises(JudgementFailure),
}


@pytest.fixture
def held_up(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the console be one that may hold lines up for 50 ms."""
    monkeypatch.setattr(type(session.rig.console(NAME)._stream), "uncertainty", 0.05)


@pytest.mark.usefixtures("held_up")
@pytest.mark.parametrize(
    ("delay", "verdict"),
    [
        (1.94, Verdict.PASS),
        (1.96, Verdict.INCONCLUSIVE),
        (2.0, Verdict.INCONCLUSIVE),
        (2.04, Verdict.INCONCLUSIVE),
        (2.06, Verdict.FAIL),
    ],
)
def test_a_line_as_near_to_its_limit_as_it_may_have_been_held_up_decides_nothing(
    delay: float, verdict: Verdict, prints: Prints, booted: Call, measured: Measured
) -> None:
    prints(delay, "boot: complete")
    with RAISED[verdict]:
        booted("Log Should Contain", NAME, "boot: complete", within="2 s")
    kept = measured()
    assert (kept.verdict, kept.uncertainty) == (verdict, 0.05)
    assert kept.value == (None if verdict is Verdict.FAIL else pytest.approx(delay))


@pytest.mark.usefixtures("held_up")
@pytest.mark.parametrize(
    ("delay", "verdict"), [(1.9, Verdict.FAIL), (2.04, Verdict.INCONCLUSIVE), (2.06, Verdict.PASS)]
)
def test_a_line_just_behind_the_time_without_it_decides_nothing(
    delay: float, verdict: Verdict, prints: Prints, booted: Call, measured: Measured
) -> None:
    prints(delay, "kernel panic")
    with RAISED[verdict]:
        booted("Log Should Not Contain", NAME, "panic", during="2 s")
    kept = measured()
    assert (kept.verdict, kept.value, kept.uncertainty) == (verdict, int(verdict is not Verdict.PASS), 0)
    if verdict is Verdict.INCONCLUSIVE:
        assert kept.message.endswith("the end of the time that nobody can tell whether it counts")


def test_in_simulated_time_nothing_is_held_up(prints: Prints, booted: Call, measured: Measured) -> None:
    prints(2.0, "boot: complete")
    booted("Log Should Contain", NAME, "boot: complete", within="2 s")
    assert (measured().verdict, measured().uncertainty) == (Verdict.PASS, 0)
    prints(2.01, "boot: complete")
    assert "but no lines came" in _failure(booted, "Log Should Contain", NAME, "boot: complete", within="2 s")


# Errors


@pytest.mark.parametrize(
    ("keyword", "arguments"),
    [
        ("Log Should Contain", ("x", "1 s")),
        ("Log Should Not Contain", ("x", "1 s")),
        ("Send Line", ("x",)),
        ("Answer Should Contain", ("x", "y", "1 s")),
    ],
)
def test_an_unknown_console_names_the_probable_one(keyword: str, arguments: tuple[str, ...], booted: Call) -> None:
    with pytest.raises(TestError, match="no console 'head unit konsole'; did you mean 'head unit console'"):
        booted(keyword, "head unit konsole", *arguments)


@pytest.mark.parametrize(
    ("keyword", "arguments", "message"),
    [
        ("Log Should Contain", ("x", "boot_tme"), "Argument 'within': .*did you mean 'boot_time'"),
        ("Log Should Contain", ("x", "2"), "Argument 'within': '2' has no unit"),
        ("Log Should Not Contain", ("x", "2 V"), "Argument 'during': 2 V is a voltage"),
        ("Log Should Not Contain", ("x", "0 s"), "Argument 'during': nothing can be seen in 0 s"),
    ],
)
def test_wrong_arguments_are_errors_of_the_test(
    keyword: str, arguments: tuple[str, ...], message: str, booted: Call, session: Session
) -> None:
    with pytest.raises(TestError, match=message):
        booted(keyword, NAME, *arguments)
    assert session.test.failures == []


@pytest.mark.parametrize("keyword", ["Log Should Contain", "Log Should Not Contain"])
def test_silence_of_a_stream_that_is_broken_is_no_judgement(
    keyword: str, booted: Call, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream: Any = session.rig.console(NAME)._stream
    monkeypatch.setattr(stream, "problems", lambda: ["tcp://bench:7000: the other side has closed the connection"])
    with pytest.raises(StreamError, match="stream head unit console does not work: tcp://bench:7000: the other side"):
        booted(keyword, NAME, "panic", "1 s")
    assert session.test.failures == []
