"""A console over its streams: in simulated time, and with a thread that receives in wall time."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from harness.clock import MILLISECOND, SECOND
from harness.consoles.console import Console
from harness.consoles.lines import Line
from harness.errors import StreamError
from harness.rig.paced_world import PacedStream
from harness.simulation.kernel import Kernel
from harness.simulation.serial_line import SerialLine
from harness.transports.byte_streams import TcpStream
from harness.transports.paced_kernel import PacedKernel
from harness.transports.stream import StreamListener
from harness.transports.wall_clock import WallClock

LONG = 10 * SECOND
"""Far more than it takes; who waits for so long has failed."""


def says(text: str) -> Callable[[Line], bool]:
    return lambda line: line.text == text


class Desk:
    """A console in simulated time, and the ECU at its other end."""

    def __init__(self) -> None:
        self.kernel = Kernel()
        self.line = SerialLine(self.kernel)
        self.console = Console("head unit console", self.line, self.kernel)

    def write_at(self, time: int, data: bytes) -> None:
        self.kernel.at(time, lambda: self.line.write(data))

    def watch(self, text: str, timeout: int) -> Line | None:
        return self.console.watch(lambda line: text in line.text, timeout)


class LateLine(SerialLine):
    """A line that may hold up what it carries, as those of a bench do."""

    @property
    def uncertainty(self) -> float:
        return 0.05


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_the_first_line_that_is_waited_for_is_returned(desk: Desk) -> None:
    desk.write_at(1 * SECOND, b"boot: started\n")
    desk.write_at(2 * SECOND, b"boot: comp")
    desk.write_at(3 * SECOND, b"lete\r\nboot: complete\n")
    assert desk.watch("complete", LONG) == Line(2 * SECOND, "boot: complete")
    assert desk.kernel.now == 3 * SECOND
    assert desk.console.last_line == Line(3 * SECOND, "boot: complete")


def test_what_came_before_does_not_count(desk: Desk) -> None:
    desk.line.write(b"ready\nrea")
    desk.write_at(SECOND, b"dy!\n")
    assert desk.watch("ready", LONG) == Line(0, "ready!"), "it is completed from now on"
    assert desk.watch("ready", LONG) is None


@pytest.mark.parametrize(("at", "met"), [(SECOND, True), (SECOND + 1, False)])
def test_a_line_that_is_late_does_not_count(at: int, met: bool, desk: Desk) -> None:
    desk.write_at(at, b"ready\n")
    assert (desk.watch("ready", SECOND) is not None) is met


@pytest.mark.parametrize(("at", "met"), [(1_050 * MILLISECOND, True), (1_050 * MILLISECOND + 1, False)])
@pytest.mark.parametrize("ask", [False, True])
def test_a_line_that_may_have_been_held_up_counts(at: int, met: bool, ask: bool) -> None:
    kernel = Kernel()
    line = LateLine(kernel)
    console = Console("head unit console", line, kernel)
    kernel.at(at, lambda: line.write(b"ready\n"))
    found = console.ask("?", says("ready"), SECOND) if ask else console.watch(says("ready"), SECOND)
    assert (found is not None) is met
    assert console.uncertainty == 0.05


def test_it_is_asked_about_each_line_until_one_is_met(desk: Desk) -> None:
    seen: list[str] = []

    def until(line: Line) -> bool:
        seen.append(line.text)
        return line.text == "c"

    desk.write_at(SECOND, b"a\n")
    desk.write_at(2 * SECOND, b"b\nc\nd\n")
    desk.write_at(3 * SECOND, b"e\n")
    assert desk.console.watch(until, LONG) == Line(2 * SECOND, "c")
    desk.kernel.sleep(LONG)
    assert seen == ["a", "b", "c"]


def test_an_answer_at_once_is_not_lost(desk: Desk) -> None:
    asked: list[bytes] = []

    def answer(data: bytes) -> None:
        asked.append(data)
        desk.line.write(b"part 123\r\nhardware 7\r\n")

    desk.line.on_receive = answer
    assert desk.console.ask("version", lambda line: line.text.startswith("hardware"), LONG) == Line(0, "hardware 7")
    assert asked == [b"version\n"]
    assert desk.kernel.now == 0
    assert desk.console.ask("version", says("software"), SECOND) is None
    desk.console.send_line("größe")
    assert asked[-1] == "größe\n".encode()


# A line that has not ended


def test_last_words_are_looked_at_when_the_time_is_over(desk: Desk) -> None:
    desk.write_at(SECOND, b"\x1b[31mKernel ")
    desk.write_at(2 * SECOND, b"panic - not syncing: \xe7\x94")
    assert desk.watch("panic", LONG) == Line(2 * SECOND, "Kernel panic - not syncing: ", is_ended=False)
    assert desk.kernel.now >= LONG
    assert desk.watch("panic", LONG) is None, "nothing has come of it since"
    desk.write_at(LONG + LONG + SECOND, b"\xb5\n")
    assert desk.watch("panic", 3 * LONG) == Line(SECOND, "Kernel panic - not syncing: 电")


def test_of_a_line_that_ends_too_late_counts_what_came_in_time(desk: Desk) -> None:
    desk.write_at(SECOND - 1, b"login: ")
    desk.write_at(SECOND + 1, b"root\n")
    assert desk.watch("login: ", SECOND) == Line(SECOND - 1, "login: ", is_ended=False)
    desk.write_at(3 * SECOND, b"login: ")
    desk.write_at(4 * SECOND, b"root")
    assert desk.watch("root", 4 * SECOND - desk.kernel.now - 1) is None


def test_a_line_that_has_ended_is_looked_at_once(desk: Desk) -> None:
    seen: list[Line] = []

    def until(line: Line) -> bool:
        seen.append(line)
        return False

    desk.write_at(SECOND, b"rea")
    desk.write_at(2 * SECOND, b"dy\n")
    assert desk.console.watch(until, LONG) is None
    assert seen == [Line(SECOND, "ready")]


def test_what_another_console_says_is_not_mixed_in(desk: Desk) -> None:
    other = Console("other", SerialLine(desk.kernel), desk.kernel)
    desk.write_at(SECOND, b"ready\n")
    assert other.watch(lambda _: True, LONG) is None


# The log


def test_each_line_is_in_the_log_as_it_comes(desk: Desk, tmp_path: Path) -> None:
    log = tmp_path / "run/head unit console.log"
    desk.line.write(b"before\n")
    desk.console.record(log)
    desk.write_at(1_500 * MILLISECOND, b"boot: started\nboot: \x1b[1mcomp")
    desk.write_at(12_345_678_900, b"lete\x1b[0m\r\n\r\n")
    desk.write_at(123 * SECOND, b"\xff\n")
    desk.kernel.sleep(10 * SECOND)
    assert log.read_text("utf-8") == "    1.500000 boot: started\n"
    desk.console.mark("test Head Unit Boots", desk.kernel.now)
    desk.kernel.sleep(200 * SECOND)
    desk.line.write("电量\nunfinished".encode())
    written = (
        b"    1.500000 boot: started\n"
        b"   10.000000 --- test Head Unit Boots\n"
        b"    1.500000 boot: complete\n"
        b"  123.000000 \\xff\n"
        b"  210.000000 \xe7\x94\xb5\xe9\x87\x8f\n"
    )
    assert log.read_bytes() == written, "before it is closed"
    desk.console.close_record()
    desk.console.close_record()
    desk.line.write(b"\nafter\n")
    desk.console.mark("after", 0)
    assert log.read_bytes() == written + b"  210.000000 unfinished\n"


def test_another_record_ends_the_first(desk: Desk, tmp_path: Path) -> None:
    for name in ("one", "two"):
        desk.console.record(tmp_path / name)
        desk.line.write(f"{name}\n".encode())
    desk.console.close_record()
    assert [(tmp_path / name).read_text().split() for name in ("one", "two")] == [
        ["0.000000", "one"],
        ["0.000000", "two"],
    ]


def test_a_log_that_cannot_be_written_is_a_problem_and_lines_still_count(desk: Desk) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no full disk to try it on")
    desk.console.record(full)
    desk.write_at(SECOND, b"ready\nsteady\n")
    assert desk.watch("steady", LONG)
    (problem,) = desk.console.problems()
    assert problem.startswith("/dev/full: lines could not be kept: ")
    desk.console.check_health()
    desk.console.close_record()


def test_a_log_that_cannot_be_begun_is_an_error(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        desk.console.record(tmp_path)


# A stream that is broken


class BrokenStream:
    """A stream whose cable has been pulled."""

    uncertainty = 0.0

    def __init__(self) -> None:
        self.listener: StreamListener = lambda *_: None

    def send(self, data: bytes) -> None:
        raise StreamError(f"/dev/ttyUSB0: no such device; {len(data)} bytes could not be sent")

    def listen(self, listener: StreamListener) -> Callable[[], None]:
        self.listener = listener
        return lambda: None

    def problems(self) -> list[str]:
        return ["/dev/ttyUSB0: no such device"]

    def close(self) -> None:
        pass


def test_silence_on_a_broken_stream_is_an_error() -> None:
    kernel, stream = Kernel(), BrokenStream()
    console = Console("head unit console", stream, kernel)
    said = "stream head unit console does not work: /dev/ttyUSB0: no such device"
    assert console.problems() == ["/dev/ttyUSB0: no such device"]
    with pytest.raises(StreamError, match=said):
        console.check_health()
    with pytest.raises(StreamError, match=said):
        console.watch(lambda _: True, SECOND)
    kernel.at(kernel.now + SECOND, lambda: stream.listener(b"last words\n", kernel.now))
    with pytest.raises(StreamError, match=said):
        console.watch(says("other words"), LONG)
    kernel.at(kernel.now + SECOND, lambda: stream.listener(b"last words\n", kernel.now))
    assert console.watch(says("last words"), LONG), "what has come has come"
    with pytest.raises(StreamError, match="8 bytes could not be sent"):
        console.ask("version", lambda _: True, LONG)


# In wall time


class Echo:
    """A TCP server for one connection that answers each line at once, from a thread of its own."""

    def __init__(self, clock: WallClock) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.stream = TcpStream("127.0.0.1", server.getsockname()[1], clock)
            self.socket, _ = server.accept()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with suppress(OSError), self.socket.makefile("rb") as lines:
            for line in lines:
                self.socket.sendall(b"echo " + line)

    def close(self) -> None:
        self.stream.close()
        self._thread.join(10)
        self.socket.close()


@pytest.fixture
def clock() -> WallClock:
    return WallClock()


@pytest.fixture
def echo(clock: WallClock) -> Iterator[Echo]:
    found = Echo(clock)
    yield found
    found.close()


def test_no_answer_is_ever_lost(echo: Echo, clock: WallClock) -> None:
    console = Console("echo", echo.stream, clock)
    for number in range(500):
        begin = clock.now
        line = console.ask(f"{number}", says(f"echo {number}"), LONG)
        assert line
        assert begin <= line.time <= clock.now


def test_a_thread_may_write_while_others_watch_and_marks_are_made(echo: Echo, clock: WallClock, tmp_path: Path) -> None:
    console = Console("echo", echo.stream, clock)
    log = tmp_path / "log"
    console.record(log)
    for number in range(200):
        console.send_line(f"{number}")
        console.mark(f"mark {number}", clock.now)
        if number % 50 == 0:
            console.watch(lambda _: False, 0)
    assert console.ask("end", says("echo end"), LONG)
    console.close_record()
    texts = [line[13:] for line in log.read_text().splitlines()]
    said = [text for text in texts if not text.startswith("---")]
    assert said == [*(f"echo {number}" for number in range(200)), "echo end"]
    assert [text for text in texts if text.startswith("---")] == [f"--- mark {number}" for number in range(200)]


def test_only_what_comes_from_outside_may_have_been_held_up(echo: Echo, clock: WallClock, desk: Desk) -> None:
    assert Console("echo", echo.stream, clock).uncertainty == 0.05
    assert desk.console.uncertainty == 0
    kernel = Kernel()
    assert PacedStream(SerialLine(kernel), PacedKernel(kernel, clock)).uncertainty == 0


def test_silence_ends_with_its_time(echo: Echo, clock: WallClock) -> None:
    console = Console("echo", echo.stream, clock)
    begin = clock.now
    assert console.watch(lambda _: True, 20 * MILLISECOND) is None
    assert clock.now - begin >= 20 * MILLISECOND


def test_a_console_server_that_goes_away_is_an_error(echo: Echo, clock: WallClock) -> None:
    console = Console("echo", echo.stream, clock)
    assert console.problems() == []
    echo.socket.shutdown(socket.SHUT_RDWR)
    with pytest.raises(StreamError, match=r"stream echo does not work: tcp://.*: the other side has closed"):
        console.watch(lambda _: True, SECOND)
