"""How late the cyclic messages of a bench are, beside python-can's `send_periodic`: quiet, and with a core kept busy.

Both send the rest bus of the RX5 on a python-can bus that only notes when it was asked to send: what is compared are
the senders alone. Each measurement is a process of its own.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import can

from benchmarks.measure import report
from harness.protocols.database import Database, read_database
from harness.rig.open_rig import read_rig
from harness.rig.paced_world import Bench
from harness.rig.world import World, build_world
from harness.simulation.kernel import Kernel
from harness.transports.bench_can import BenchCanChannel
from harness.transports.paced_kernel import PacedKernel
from harness.transports.wall_clock import WallClock

ROOT = Path(__file__).parents[1]
RIG = ROOT / "rigs" / "rx5-virtual.yaml"
BUS = "chassis"
SECONDS = float(os.environ.get("PACING_SECONDS", "60"))
"""Of each measurement; the variable shortens them for trying out."""
BETTER = 4
_SETTLING = 1.0
"""Seconds after the start that do not count: threads begin, and ours works off what was due while it was built."""
_MILLISECONDS = 1e-6
_NONE = "none"


Figures = dict[str, float]
"""What one sender did: frames; p50, p99 and max of their lateness in ms; seconds of the processor as `cpu`."""


class NotingBus(can.BusABC):
    """Notes when each frame was to be sent, and does nothing else. Nothing is ever received."""

    def __init__(self) -> None:
        super().__init__(channel="noting")
        self.times: defaultdict[int, array[int]] = defaultdict(lambda: array("q"))
        """Nanoseconds, by identifier."""
        self._over = threading.Event()

    def send(self, msg: can.Message, timeout: float | None = None) -> None:  # noqa: ARG002  python-can's signature
        """Note the time."""
        self.times[msg.arbitration_id].append(time.perf_counter_ns())

    def _recv_internal(self, timeout: float | None) -> tuple[None, bool]:
        self._over.wait(timeout)
        return None, False


def _world(database: Database, bench: Bench) -> World:
    """Build all ECUs but the head unit. Without supply pins they are awake from the start."""
    facts, vehicle = read_rig(RIG)
    ecus = {name: ecu.model_copy(update={"pins": {}}) for name, ecu in facts.ecus.items() if ecu.model == "rest-bus"}
    return build_world(facts.model_copy(update={"ecus": ecus}), vehicle, {BUS: database}, seed=1, bench=bench)


def _ours(database: Database, bus: NotingBus) -> Callable[[], None]:
    """Begin to send by our ECUs; return what ends that."""
    kernel, clock = Kernel(), WallClock()
    channel = BenchCanChannel(BUS, bus, clock, echoes=False)
    paced = PacedKernel(kernel, clock)
    _world(database, Bench(kernel, clock, paced, {BUS: channel}))
    paced.start()

    def end() -> None:
        paced.stop()
        channel.close()
        paced.check()

    return end


def _peer(database: Database, bus: NotingBus) -> Callable[[], None]:
    """Begin to send the same messages by python-can; return what ends that."""
    kernel, clock = Kernel(), WallClock()
    channel = BenchCanChannel(BUS, NotingBus(), clock, echoes=False)
    world = _world(database, Bench(kernel, clock, PacedKernel(kernel, clock), {BUS: channel}))
    channel.close()
    for ecu in world.ecus.values():
        for cyclic in ecu.messages.values():
            if cycle := cyclic.message.cycle_time:
                first = cyclic.next_frame()
                frame = can.Message(arbitration_id=first.arbitration_id, data=first.data, is_extended_id=False)
                bus.send_periodic(frame, cycle / 1e9)
    return bus.stop_all_periodic_tasks


def _lateness(database: Database, times: dict[int, "array[int]"], begin: int) -> list[int]:
    """Return by how many nanoseconds each frame since `begin` was later than the earliest of its message; sorted."""
    late: list[int] = []
    for identifier, sent in times.items():
        period = database.by_key[identifier].cycle_time or 0
        off = [moment - count * period for count, moment in enumerate(sent) if moment >= begin]
        earliest = min(off)
        late += [one - earliest for one in off]
    return sorted(late)


def measure(sender: str, seconds: float) -> Figures:
    """Let one of the two send for some seconds."""
    _, vehicle = read_rig(RIG)
    database = read_database(vehicle.database_path(BUS))
    bus = NotingBus()
    begin = _ours if sender == "ours" else _peer
    end = begin(database, bus)
    time.sleep(_SETTLING)
    start, before = time.perf_counter_ns(), time.process_time()
    time.sleep(seconds)
    cpu = time.process_time() - before
    end()
    bus.shutdown()
    late = _lateness(database, bus.times, start)
    p50, p99 = (late[len(late) * percent // 100] * _MILLISECONDS for percent in (50, 99))
    return {"frames": len(late), "p50": p50, "p99": p99, "max": late[-1] * _MILLISECONDS, "cpu": cpu}


@contextmanager
def _busy_core() -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            yield
        finally:
            busy.kill()


def _in_a_process(sender: str) -> Figures:
    command = [sys.executable, "-m", "benchmarks.pacing", sender, str(SECONDS)]
    done = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE)
    measured: Figures = json.loads(done.stdout)
    return measured


def _compare(situation: str) -> bool:
    ours, peer = _in_a_process("ours"), _in_a_process("peer")
    name = f"{ours['frames'] / SECONDS:.0f} frames/s paced for {SECONDS:g} s, {situation}"
    judged = {
        "p50": (_NONE, True),
        "p99": (f"at least {BETTER} times better than the peer", ours["p99"] * BETTER <= peer["p99"]),
        "max": (_NONE, True),
        "cpu": ("less than the peer", ours["cpu"] < peer["cpu"]),
    }
    results = [
        report(
            f"{name}: {'time of the processor' if figure == 'cpu' else f'lateness, {figure}'}",
            ours[figure],
            "s" if figure == "cpu" else "ms",
            peer="python-can send_periodic",
            peer_value=peer[figure],
            ratio=peer[figure] / ours[figure],
            goal=goal,
            met=met,
        )
        for figure, (goal, met) in judged.items()
    ]
    return all(results)


def run(_folder: Path) -> bool:
    """Measure and report; return whether all goals are met."""
    met = True
    for situation, load in (("quiet", contextlib.nullcontext()), ("one core busy", _busy_core())):
        before = os.getloadavg()[0]
        with load:
            met &= _compare(f"{situation} (load before: {before:.1f})")
    return met


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], float(sys.argv[2]))))
