"""The prompt, as somebody at a terminal has it: `hil shell` and `hil run --pause-on-fail`; and what is behind it."""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from robot import result
from robot.run import run  # type: ignore[import-untyped]  # Robot has types for its api only

from harness.completion import complete
from harness.errors import HarnessError
from harness.Hil import Hil
from harness.results.measurement import read_measurements
from harness.results.outcome import read_outcomes
from harness.results.run_folder import read_run_facts
from harness.results.verdict import Verdict
from harness.typed_keywords import TypedKeywords

if TYPE_CHECKING:
    from harness.keywords.session import Session

ROOT = Path(__file__).parents[1]
RIG = ROOT / "rigs/rx5-virtual.yaml"
HIL = shutil.which("hil", path=str(Path(sys.executable).parent)) or "hil"
ANSWER_TIME = 20.0


class Terminal:
    """A command on a terminal of its own, and who types there."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._keyboard, screen = pty.openpty()
        self._process = subprocess.Popen(
            [HIL, *arguments],
            cwd=folder,
            stdin=screen,
            stdout=screen,
            stderr=screen,
            env=os.environ | {"TERM": "xterm", "XDG_STATE_HOME": str(folder / "state"), "COLUMNS": "300"},
            start_new_session=True,
            preexec_fn=_own_terminal,  # noqa: PLW1509  no threads here
        )
        os.close(screen)
        self._seen = ""
        self.text = ""

    def shows(self, text: str) -> None:
        """Wait until a text is shown that has not been waited for yet."""
        end = time.monotonic() + ANSWER_TIME
        while text not in self._seen:
            assert time.monotonic() < end, f"{text!r} is not shown, but {self._seen!r}"
            assert self._read(), f"{text!r} has not been shown, but {self._seen!r}"
        self._seen = self._seen.partition(text)[2]

    def types(self, line: str) -> None:
        self.presses(f"{line}\r")

    def presses(self, keys: str) -> None:
        os.write(self._keyboard, keys.encode())

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def ends(self) -> int:
        while self._read():
            pass
        return self._process.wait(ANSWER_TIME)

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._keyboard)

    def _read(self) -> bool:
        """Read what is shown within a time; False when the command has closed the terminal."""
        if not select.select([self._keyboard], [], [], ANSWER_TIME)[0]:
            return False
        try:
            content = os.read(self._keyboard, 65536).decode(errors="replace")
        except OSError:  # what Linux answers when nobody has the other side open
            return False
        if "\x1b[6n" in content:
            self.presses("\x1b[1;1R")  # where the cursor is, as a terminal answers
        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", content)
        self._seen += plain
        self.text += plain
        return bool(content)


def _own_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    (tmp_path / "rigs").symlink_to(ROOT / "rigs")
    opened: list[Terminal] = []

    def start(*arguments: str) -> Terminal:
        opened.append(Terminal(tmp_path, *arguments))
        return opened[-1]

    yield start
    for it in opened:
        it.close()


@pytest.fixture
def shell(terminal: Callable[..., Terminal]) -> Terminal:
    """A shell with the rig open."""
    return _shell(terminal)


def _shell(terminal: Callable[..., Terminal]) -> Terminal:
    opened = terminal("shell", "rx5-virtual")
    opened.shows("rx5-virtual: Roewe RX5, virtual rig, seed 1")
    opened.shows("hil>")
    return opened


def _folder(tmp_path: Path) -> Path:
    (folder,) = (tmp_path / "reports").iterdir()
    return folder


# hil shell


def test_keywords_are_run_and_the_rig_is_left_safe(shell: Terminal, tmp_path: Path) -> None:
    shell.types("power up")
    shell.types("Wait    2 s")
    shell.types("Get Signal    HeadUnit.BootState")
    shell.shows("\n  Running")
    shell.types("Signal Should Be    HeadUnit.BootState    Off")
    shell.shows("FAIL  HeadUnit.BootState: expected Off, but it was Running; source can:chassis/0x5A0@")
    shell.types("signal should be HeadUnit.BootState    Off")
    shell.shows("two spaces or more stand between a keyword and its arguments: signal should be    HeadUnit.BootState")
    for word in ("help", "?"):
        shell.types(word)
        shell.shows("A keyword and its arguments, two spaces or more between them")
    shell.types("Powr Up")
    shell.shows("No keyword with name 'Powr Up' found. Did you mean:")
    shell.shows("Power Up")
    shell.types("Set Supply Voltage    8 A")
    shell.shows("Argument 'voltage': 8 A is a current; this needs a voltage, such as '13.5 V'")
    shell.types("Judgement Should Fail    Signal Should Be    HeadUnit.BootState    Off")
    shell.shows("failed, as the suite expects")
    shell.types("quit")
    shell.shows("The rig is in its safe state.")
    assert shell.ends() == 0
    folder = _folder(tmp_path)
    measurements, _ = read_measurements(folder / "measurements.jsonl")
    assert [(it.verdict, it.requirements) for it in measurements] == [(Verdict.FAIL, ()), (Verdict.PASS, ())]
    assert (folder / "traces/shell.blf").stat().st_size > 0
    assert read_run_facts(folder).rig_seconds > 2


def test_the_rig_lives_while_nobody_types(shell: Terminal) -> None:
    shell.types("Power Up")
    shell.types("Get Signal    HeadUnit.BootState")
    shell.shows("\n  ")
    time.sleep(3)  # the head unit takes 1.4 s to boot
    shell.types("Get Signal    HeadUnit.BootState")
    shell.shows("\n  Running")


def test_ctrl_c_ends_a_keyword_and_not_the_shell(shell: Terminal) -> None:
    shell.types("Power Up")
    shell.types("Wait    100000000 s")
    shell.shows("Wait    100000000 s")
    time.sleep(1)
    shell.presses("\x03")
    shell.shows("stopped")
    shell.presses("\x03\x03")  # an impatient one
    time.sleep(1)
    shell.presses("Wa\x03")  # a line that is not wanted
    shell.types("Measure Supply Voltage")
    shell.shows("\n  13.5")
    shell.types("exit")
    shell.shows("The rig is in its safe state.")
    assert shell.ends() == 0


def test_tab_completes_and_lines_are_remembered(shell: Terminal, terminal: Callable[..., Terminal]) -> None:
    shell.presses("Measure Supply V\t")
    shell.shows("oltage")
    shell.presses("\r")
    shell.shows("\n  0 V")
    shell.types("exit")
    assert shell.ends() == 0
    again = _shell(terminal)
    again.presses("\x1b[A\x1b[A")
    again.shows("Measure Supply Voltage")


def test_sigterm_ends_the_shell_with_a_safe_rig(shell: Terminal) -> None:
    shell.types("Power Up")
    shell.types("Measure Supply Voltage")
    shell.shows("\n  13.5")
    shell.send(signal.SIGTERM)
    shell.shows("The rig is in its safe state.")
    assert shell.ends() == 2


@pytest.mark.parametrize(
    "arguments", [("shell", "rx5-virtual"), ("run", "--pause-on-fail", "--rig", "rx5-virtual", str(ROOT / "suites"))]
)
def test_without_a_terminal_nothing_begins(arguments: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "rigs").symlink_to(ROOT / "rigs")
    finished = subprocess.run(
        [HIL, *arguments],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert finished.returncode == 3
    assert "needs a terminal: somebody to type, and to read" in finished.stderr
    assert not (tmp_path / "reports").exists()


# --pause-on-fail

FAILING = """\
*** Settings ***
Library       harness.Hil    rig=${RIG}
Test Setup    Power Up

*** Test Cases ***
Fails Before Its Teardown
    Set Signal    Vehicle.Speed    50 km/h
    Supply Voltage Should Be Between    20 V    30 V
    [Teardown]    Set Supply Voltage    12 V

Passes
    Supply Voltage Should Be Between    11 V    14 V

Fails Without A Teardown
    Switch Defect On    head unit    silent
    Run Keyword And Ignore Error    Supply Voltage Should Be Between    20 V    30 V
"""


@pytest.fixture
def holding(terminal: Callable[..., Terminal], tmp_path: Path) -> Terminal:
    """A run that holds at tests that fail."""
    (tmp_path / "failing.robot").write_text(FAILING, encoding="utf-8")
    return terminal("run", "--rig", "rx5-virtual", "--pause-on-fail", "failing.robot")


def test_a_run_holds_at_each_test_that_fails(holding: Terminal, tmp_path: Path) -> None:
    holding.shows("Failing.Fails Before Its Teardown has failed at ")
    holding.shows("supply voltage: expected 20 V to 30 V, but it was 13.5 V")
    holding.shows("hil>")
    holding.types("Get Signal    Vehicle.Speed")  # the rest bus goes on with what the test has set
    holding.shows("\n  50")
    holding.types("Supply Voltage Should Be Between    13 V    14 V")
    holding.shows("PASS  supply voltage: 13.5 V")
    holding.types("Supply Voltage Should Be Between    14 V    15 V")
    holding.shows("FAIL  supply voltage: expected 14 V to 15 V")
    holding.types("exit")
    holding.shows("FAIL          Fails Before Its Teardown")
    holding.shows("PASS          Passes")
    holding.shows("Failing.Fails Without A Teardown has failed at ")
    holding.shows("hil>")
    holding.types("Switch Defect On    head unit    nonsense")
    holding.shows("head unit has no defect 'nonsense'")
    holding.types("Wait    1 s")
    holding.types("Frame Should Not Arrive    HU_Status    during=1 s")
    holding.shows("PASS  frames of HU_Status")
    holding.shows("hil>")
    time.sleep(2)  # until then the end of input is for the keyword, which takes none
    holding.presses("\x04")
    holding.shows("3 tests: 1 PASS, 2 FAIL")
    assert holding.ends() == 1
    folder = _folder(tmp_path)
    messages = {it.name: it.message for it in read_outcomes(folder / "output.xml")}
    too_low = "supply voltage: expected 20 V to 30 V, but it was 13.5 V; source instrument:supply output 1"
    assert messages["Fails Before Its Teardown"] == too_low, "what was judged at the prompt counts for nothing"
    measurements, _ = read_measurements(folder / "measurements.jsonl")
    assert [(it.test, it.verdict) for it in measurements] == [
        ("Fails Before Its Teardown", Verdict.FAIL),
        ("prompt", Verdict.PASS),
        ("prompt", Verdict.FAIL),
        ("Passes", Verdict.PASS),
        ("Fails Without A Teardown", Verdict.FAIL),
        ("prompt", Verdict.PASS),
    ]


def test_sigterm_ends_a_run_that_holds(holding: Terminal, tmp_path: Path) -> None:
    holding.shows("hil>")
    holding.send(signal.SIGTERM)
    holding.shows("Stopped by a signal.")
    assert holding.ends() == 2
    verdicts = {it.name: it.verdict for it in read_outcomes(_folder(tmp_path) / "output.xml")}
    assert verdicts["Passes"] is Verdict.ABORTED
    assert verdicts["Fails Without A Teardown"] is Verdict.NOT_RUN


# What is behind it


@pytest.fixture
def keywords(tmp_path: Path) -> Iterator[TypedKeywords]:
    hil = Hil(str(RIG))
    listeners: Any = hil.ROBOT_LIBRARY_LISTENER
    session: Session = listeners[0].session
    session.open(tmp_path, "shell", RIG, 1)
    yield TypedKeywords(hil, session)
    session.close()
    session.close_log()


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("Measure Current    head unit current", "1.2 A"),
        ("Measure Mean Current    head unit current    during=1 s", "1.2 A"),
        ("Measure Supply Voltage", "13.5 V"),
        ("Get Signal    HeadUnit.BootState", "Running"),
    ],
)
def test_what_is_measured_is_shown_with_its_unit(line: str, shown: str, keywords: TypedKeywords) -> None:
    keywords.run("Power Up")
    keywords.run("Wait    4 s")
    assert str(keywords.run(line)) == shown


@pytest.mark.parametrize(
    "line",
    [
        "Powr Up",
        "Power Up    now",
        "Switch Ignition    sideways",
        "Switch Ignition",
        "Set Supply Voltage    8 A",
        "Set Supply Voltage    99 V",
        "Signal Should Be    HeadUnit.BotState    Running",
        "Signal Should Be    HeadUnit.BootState    Runing",
        "Signal Should Become    HeadUnit.BootState    Running    within=boot_tim",
        "Signal Should Become    HeadUnit.BootState    Running    wihtin=2 s",
        "Open Line    HeadUnit.KL31",
        "Judgement Should Fail    Signal Shuold Be    HeadUnit.BootState    Off",
    ],
)
def test_what_is_mistyped_is_told_as_in_a_suite(line: str, keywords: TypedKeywords, tmp_path: Path) -> None:
    suite = tmp_path / "mistyped.robot"
    suite.write_text(
        f"*** Settings ***\nLibrary    harness.Hil    rig={RIG}\n*** Test Cases ***\nMistyped\n    {line}\n",
        encoding="utf-8",
    )
    said: list[str] = []

    class Listener:
        ROBOT_LISTENER_API_VERSION = 3

        def end_test(self, _data: object, result: result.TestCase) -> None:
            said.append(result.message)

    options = {"output": "NONE", "log": "NONE", "report": "NONE", "console": "none", "outputdir": str(tmp_path / "own")}
    run(str(suite), listener=[Listener()], **options)
    with pytest.raises(HarnessError) as error:
        keywords.run(line)
    # Robot has keywords of its own to recommend.
    own = [line.removeprefix("ValueError: ") for line in said[0].splitlines() if "BuiltIn" not in line]
    assert str(error.value).casefold().splitlines() == "\n".join(own).casefold().splitlines()


@pytest.mark.parametrize(
    ("line", "typed", "some"),
    [
        ("", "", ["Power Up", "Signal Should Be"]),
        ("powe", "powe", ["Power Up", "Power Down"]),
        ("switch i", "switch i", ["Switch Ignition"]),
        ("Switch Ignition    ", "", ["off", "accessory", "on"]),
        ("Get Signal    HeadUnit.b", "HeadUnit.b", ["HeadUnit.BootState"]),
        ("Signal Should Be    HeadUnit.BootState    r", "r", ["Running"]),
        ("Signal Should Become    HeadUnit.BootState    Running    wi", "wi", ["within="]),
        ("Signal Should Become    HeadUnit.BootState    Running    within=boo", "boo", ["boot_time"]),
        ("set signal    Vehicle.Powertrain.Transmission.SelectedGear    rev", "rev", ["Reverse"]),
        ("Switch Defect On    head", "head", ["head unit"]),
        ("Switch Defect On    head unit    boots", "boots", ["boots slowly"]),
        ("Open Line    HeadUnit.KL", "HeadUnit.KL", ["HeadUnit.KL30", "HeadUnit.KL15"]),
        ("Frame Should Arrive    HU_", "HU_", ["HU_Status"]),
        ("Supply Current Should Meet    run", "run", ["running_current"]),
        ("Measure Current    head unit c", "head unit c", ["head unit current"]),
        ("Send Line    head", "head", ["head unit console"]),
        ("Judgement Should Fail    Signal Should Be    HeadUnit.Boot", "HeadUnit.Boot", ["HeadUnit.BootState"]),
    ],
)
def test_a_line_is_completed(line: str, typed: str, some: list[str], keywords: TypedKeywords) -> None:
    found_typed, found = complete(line, keywords.arguments, keywords.session.rig)
    assert found_typed == typed
    assert set(some) <= set(found)
    if typed:
        assert found[0] in some or found[0].casefold().startswith(typed.casefold())


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("Measure Current    ", {"head unit current", "head unit parked current"}),
        ("mean current should meet    ", {"head unit current", "head unit parked current"}),
        ("Voltage Should Meet    ", {"head unit voltage"}),
        ("Arm Capture    ", {"head unit terminal 30"}),
        ("Captured Drop Should Meet    ", {"head unit terminal 30"}),
        ("Captured Drop Should Meet    head unit terminal 30    boot", {"boot_voltage_drop"}),
        ("Captured Time Below Should Meet    head unit terminal 30    10 V    inrush", {"inrush_time"}),
        ("Captured Time Below Should Meet    head unit terminal 30    10 V    voltage", set()),
        ("Bus Load Should Meet    body    mean=bus", {"bus_load_mean", "bus_load_peak"}),
        ("Bus Load Should Meet    body    peak=bus_load_p", {"bus_load_peak"}),
        ("Supply Current Should Meet    quiescent", {"quiescent_current", "car_quiescent_current"}),
        ("Gateway Latency Should Meet    doors", {"doors to backbone"}),
        ("Get Instrument Identity    s", {"supply", "switches", "source meter", "scope"}),
        ("Signal Should Be    HeadUnit.DisplayedSpeed    5 km/h    tolerance=", {"speed_display_tolerance"}),
        ("Cycle Time Should Be    HU_Status    tolerance=", set()),
        ("Signal Should Become    HeadUnit.BootState    Running    within=volt", set()),
    ],
)
def test_nothing_is_offered_that_the_keyword_refuses(line: str, offered: set[str], keywords: TypedKeywords) -> None:
    _, found = complete(line, keywords.arguments, keywords.session.rig)
    assert {name for name in found if not name.endswith("=")} == offered


@pytest.mark.parametrize("line", ["none    ", "Signal Should Be    nonsense    ", "Switch Defect On    nonsense    "])
def test_what_is_unknown_is_completed_to_nothing(line: str, keywords: TypedKeywords) -> None:
    _, found = complete(line, keywords.arguments, keywords.session.rig)
    assert [name for name in found if not name.endswith("=")] == []
