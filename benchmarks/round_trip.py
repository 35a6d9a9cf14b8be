"""How long an ECU's answer takes behind sockets in wall time, beside the same on the virtual rig in rig time.

A speed is set at the brakes, which the runner simulates; the head unit, which `hil serve` simulates, shows it in its
next status message, without a delay of its own. So the time includes the rest of a cycle of the speed message and the
rest of a cycle of the status message. Where in both cycles the speed is set is spread evenly. The virtual rig repeats
the very moments of the served rig: what the medians differ by is what sockets, threads and pacing add.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from threading import Timer

from benchmarks.measure import report
from harness.clock import MILLISECOND, SECOND
from harness.rig.open_rig import open_rig
from harness.rig.rig import Rig
from harness.rig.signals import RigSignal

ROOT = Path(__file__).parents[1]
REPETITIONS = 200
MOST_ADDED = 5.0
"""Milliseconds."""
_GOLDEN = 0.618033988749895
"""Multiples of it, without their whole parts, are spread evenly, and so are the pairs with evenly spaced numbers."""
SPEED_CYCLE, STATUS_CYCLE = 20 * MILLISECOND, 100 * MILLISECOND
Moments = tuple[int, int]
"""When the sender's cycles were started anew, and when the speed was set: nanoseconds after a status message."""
_TIMEOUT = 5 * SECOND
_STARTS_WITHIN = 30.0
"""Seconds."""


@contextmanager
def _served(folder: Path) -> Iterator[Path]:
    """Serve the head unit and the instruments at free ports; give the file of the rig that looks for them there."""
    command = [str(Path(sys.executable).with_name("hil")), "serve", "rx5-virtual", "--only", "head unit", "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout  # noqa: S101  it was asked for
        bound = Timer(_STARTS_WITHIN, server.kill)
        bound.start()
        facts = json.loads(server.stdout.readline())
        bound.cancel()
        shutil.copytree(ROOT / "rigs", folder)
        rig = folder / "rx5-served.yaml"
        text = rig.read_text(encoding="utf-8")
        text = text.replace("port: 29536", f"port: {facts['buses']['chassis']['port']}")
        text = text.replace("tcp://127.0.0.1:29540", facts["streams"]["head unit console"])
        text = text.replace("TCPIP::127.0.0.1::29541::SOCKET", facts["resources"]["supply"])
        text = text.replace("TCPIP::127.0.0.1::29542::SOCKET", facts["resources"]["switches"])
        text = text.replace("TCPIP::127.0.0.1::29543::SOCKET", facts["resources"]["ammeter"])
        text = text.replace("TCPIP::127.0.0.1::29544::SOCKET", facts["resources"]["voltmeter"])
        rig.write_text(text, encoding="utf-8")
        try:
            yield rig
        finally:
            server.terminate()


def _wait_for(rig: Rig, signal: RigSignal, raw: int) -> None:
    sighting = signal.bus.watch(
        signal.message, lambda frame: signal.signal.raw_of(bytes(frame.data)) == raw, timeout=_TIMEOUT
    )
    if not sighting.met:
        raise RuntimeError(f"{rig.facts.path}: {signal.name} did not become {signal.text(raw)}")


def _opened(path: Path, moments: Sequence[Moments]) -> list[tuple[Moments, int]]:
    """Open a rig, let the head unit boot, and return when things were done, and how long the answers took."""
    rig = open_rig(path)
    try:
        rig.power_up()
        rig.switch_power_mode("on")
        boot = rig.signals.find("HeadUnit.BootState")
        _wait_for(rig, boot, boot.signal.raw_of_label("Running"))
        return list(_round_trips(rig, moments))
    finally:
        rig.close()


def _round_trips(rig: Rig, moments: Iterable[Moments]) -> Iterator[tuple[Moments, int]]:
    clock, sender = rig.clock, rig.ecu("brake control")
    shown = rig.signals.find("HeadUnit.DisplayedSpeed")
    for number, (restart, setting) in enumerate(moments):
        status = shown.bus.watch(shown.message, lambda _: True, timeout=_TIMEOUT).frame
        assert status  # noqa: S101  it has come for all the time
        origin = round(status.timestamp * SECOND)
        clock.sleep(max(origin + restart - clock.now, 0))
        with rig.held():
            restarted = clock.now
            sender.silence()
            sender.resume()
        clock.sleep(max(origin + setting - clock.now, 0))
        value = 10 + number
        begin = clock.now
        rig.set_signal("Vehicle.Speed", f"{value} km/h")
        _wait_for(rig, shown, shown.signal.raw(value))
        yield (restarted - origin, begin - origin), clock.now - begin


def _planned() -> list[Moments]:
    """Return moments that are spread evenly over both cycles; the first status message is let go by."""
    return [
        (
            round(number * _GOLDEN % 1 * SPEED_CYCLE) + MILLISECOND,
            (2 * number + 1) * STATUS_CYCLE // (2 * REPETITIONS) + STATUS_CYCLE,
        )
        for number in range(REPETITIONS)
    ]


def run(folder: Path) -> bool:
    """Measure and report; return whether the goal is met."""
    with _served(folder / "served") as path:
        done = _opened(path, _planned())
    ideal = _opened(ROOT / "rigs" / "rx5-virtual.yaml", [moments for moments, _ in done])
    served, virtual = (median(took for _, took in rig) / MILLISECOND for rig in (done, ideal))
    return report(
        f"answer of the served head unit, median of {REPETITIONS}",
        served,
        "ms",
        peer="the virtual rig, in rig time",
        peer_value=virtual,
        ratio=served / virtual,
        goal=f"sockets, threads and pacing add less than {MOST_ADDED:g} ms",
        met=served - virtual < MOST_ADDED,
    )
