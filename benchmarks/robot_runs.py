"""The suites at full bus load, what a keyword costs, and what importing the library adds to Robot's start."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.measure import in_turn, report, seconds
from benchmarks.traffic import BITRATE, CYCLES

ROOT = Path(__file__).parents[1]
CALLS = 20_000
_KEYWORD_GOAL, _IMPORT_GOAL = 1.25, 0.1

PLAIN_LIBRARY = """
class Plain:
    ROBOT_LIBRARY_SCOPE = "GLOBAL"
    def do_nothing(self): pass
"""

OUR_LIBRARY = """
from robot.api.deco import keyword
from harness.Hil import Hil

class Nothing:
    @keyword
    def do_nothing(self): pass

class Ours(Hil):
    ROBOT_LIBRARY_SCOPE = "GLOBAL"
    def __init__(self):
        super().__init__(rig="rx5-virtual")
        self.add_library_components([Nothing()])
"""

CALLING_SUITE = """
*** Settings ***
Library    {library}
*** Test Cases ***
Calls
    FOR    ${{number}}    IN RANGE    {calls}
        Do Nothing
    END
"""

IMPORTING_SUITE = """
*** Settings ***
{imports}
*** Test Cases ***
Nothing
    No Operation
"""


def _robot(folder: Path, *arguments: str) -> None:
    # Python finds the libraries of the benchmark in its folder, and the harness where it is installed.
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-m", "robot", "--outputdir", str(folder / "results"), "--console", "none", *arguments]
    subprocess.run(command, check=True, cwd=ROOT, env=environment)


ALL_BUT = ("--exclude", "level:endurance", "--exclude", "req:NET-LOD-001")
"""The chassis bus is loaded beyond what its limit allows, and the test of that would rightly fail."""


def _loaded_rig(folder: Path) -> tuple[Path, int]:
    """Copy the rigs, and add messages to the RX5's bus until it is as busy as in the benchmark of the bus."""
    rigs = folder / "rigs"
    shutil.copytree(ROOT / "rigs", rigs, dirs_exist_ok=True)
    path = rigs / "vehicles" / "roewe-rx5" / "chassis.dbc"
    text = path.read_text(encoding="utf-8")
    own = sum(1000 // int(line.split()[-1].rstrip(";")) for line in text.splitlines() if _is_cycle_time(line))
    wanted = sum(1000 * count // period for period, count in CYCLES.items())
    messages, attributes, frames, identifier = [], [], own, 0x600
    while frames < wanted:
        extra = 10 if wanted - frames >= 100 else 50
        messages.append(f'\nBO_ {identifier} Load{identifier}: 8 FVCM\n SG_ Load : 7|64@0+ (1,0) [0|0] "" GW\n')
        attributes.append(f'BA_ "GenMsgCycleTime" BO_ {identifier} {extra};\n')
        frames += 1000 // extra
        identifier += 1
    place = text.index("\nCM_ ")
    path.write_text(text[:place] + "".join(messages) + text[place:] + "".join(attributes), encoding="utf-8")
    return rigs / "rx5-virtual.yaml", frames


def _is_cycle_time(line: str) -> bool:
    return line.startswith('BA_ "GenMsgCycleTime" BO_')


def _suites(folder: Path) -> bool:
    rig, frames = _loaded_rig(folder)
    rig_seconds = 0.0

    def run() -> float:
        nonlocal rig_seconds
        took = seconds(lambda: _robot(folder, *ALL_BUT, "--variable", f"RIG:{rig}", str(ROOT / "suites")))
        rig_seconds = _rig_seconds(folder / "results" / "output.xml")
        return took

    (took,) = in_turn(run)
    factor = rig_seconds / took
    return report(
        f"the suites, Robot included, at {frames} frames/s and {BITRATE // 1000} kbit/s",
        factor,
        "rig seconds per second",
        peer="none",
        peer_value=None,
        ratio=None,
        goal="at least 20",
        met=factor >= 20,
    )


def _rig_seconds(output: Path) -> float:
    from harness.results.outcome import read_outcomes

    return sum(outcome.rig_seconds or 0.0 for outcome in read_outcomes(output))


def _keyword(folder: Path) -> bool:
    for name, text in (("Plain", PLAIN_LIBRARY), ("Ours", OUR_LIBRARY)):
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
        suite = CALLING_SUITE.format(library=name, calls=CALLS)
        (folder / f"{name}.robot").write_text(suite, encoding="utf-8")

    def each(name: str) -> float:
        _robot(folder, "--log", "NONE", "--report", "NONE", str(folder / f"{name}.robot"))
        return _test_seconds(folder / "results" / "output.xml") / CALLS * 1e6

    ours, plain = in_turn(lambda: each("Ours"), lambda: each("Plain"))
    return report(
        "a keyword that does nothing",
        ours,
        "us",
        peer="a keyword of a plain library",
        peer_value=plain,
        ratio=ours / plain,
        goal="at most 1.25 times the peer",
        met=ours / plain <= _KEYWORD_GOAL,
    )


def _test_seconds(output: Path) -> float:
    from harness.results.outcome import read_outcomes

    (outcome,) = read_outcomes(output)
    return outcome.seconds


def _import(folder: Path) -> bool:
    for name, imports in (("bare", "Library    Collections"), ("hil", "Library    harness.Hil    rig=rx5-virtual")):
        (folder / f"{name}.robot").write_text(IMPORTING_SUITE.format(imports=imports), encoding="utf-8")

    def start(name: str) -> float:
        return seconds(lambda: _robot(folder, "--dryrun", "--output", "NONE", str(folder / f"{name}.robot")))

    ours, bare = in_turn(lambda: start("hil"), lambda: start("bare"), runs=11)
    added = ours - bare
    return report(
        "importing harness.Hil adds to robot",
        added * 1000,
        "ms",
        peer="robot with a library of its own",
        peer_value=bare * 1000,
        ratio=ours / bare,
        goal="at most 100 ms",
        met=added <= _IMPORT_GOAL,
    )


def run(folder: Path) -> bool:
    """Measure and report; return whether all goals are met."""
    return all([_suites(folder), _keyword(folder), _import(folder)])
