"""How long it takes from the call of `hil run` to the first keyword of the first test."""

import os
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from benchmarks.measure import in_turn, report

ROOT = Path(__file__).parents[1]
GOAL = 1.2
RUNS = 11

SUITE = """
*** Settings ***
Library    harness.Hil    rig=${RIG}
*** Test Cases ***
First
    Power Up
"""


def _seconds_to_first_keyword(folder: Path, command: list[str]) -> float:
    (folder / "first.robot").write_text(SUITE, encoding="utf-8")
    before = {*folder.glob("**/output.xml")}
    # Robot writes the local time of day.
    started = datetime.now()  # noqa: DTZ005
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)
    (output,) = {*folder.glob("**/output.xml")} - before
    first = re.search(r'<kw name="Power Up".*?<status [^>]*start="([^"]+)"', output.read_text("utf-8"), re.DOTALL)
    if first is None:
        raise RuntimeError(f"{output} has no keyword")
    output.unlink()
    return (datetime.fromisoformat(first[1]) - started).total_seconds()


def run(folder: Path) -> bool:
    """Measure and report; return whether the goal is met."""
    folder = folder / "startup"
    folder.mkdir()
    (folder / "rigs").symlink_to(ROOT / "rigs")
    hil = os.fspath(Path(sys.executable).with_name("hil"))
    ours = [hil, "run", "--rig", "rx5-virtual", "first.robot"]
    plain = [sys.executable, "-m", "robot", "--outputdir", "robot", "--variable", "RIG:rx5-virtual", "first.robot"]
    took, robot = in_turn(
        lambda: _seconds_to_first_keyword(folder, ours), lambda: _seconds_to_first_keyword(folder, plain), runs=RUNS
    )
    return report(
        "from `hil run` to the first keyword",
        took,
        "s",
        peer="the same suite by plain robot",
        peer_value=robot,
        ratio=took / robot,
        goal=f"at most {GOAL} s",
        met=took <= GOAL,
    )
