"""Runs all benchmarks: one JSON object a line; ends with 1 where a goal is not met."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import bus, car, pacing, robot_runs, round_trip, startup


def main() -> int:
    """Run everything in a folder that goes when it is done."""
    with TemporaryDirectory() as folder:
        met = [benchmark.run(Path(folder)) for benchmark in (bus, car, startup, robot_runs, pacing, round_trip)]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
