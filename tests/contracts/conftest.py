"""The two sides of the seam: what a virtual rig gives, and what is reached through sockets and threads."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
BOUND = 30.0
"""Seconds after which a test has failed that waits for something that comes at once."""
numbers = count(1)


@pytest.fixture(scope="session")
def served() -> Iterator[dict[str, Any]]:
    """What `hil serve` says of itself, in a process of its own."""
    command = [
        sys.executable,
        "-c",
        "from harness.cli import main; main()",
        "serve",
        "rx5-virtual",
        "--only",
        "head unit",
        "--json",
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        bound = threading.Timer(BOUND, process.kill)
        bound.start()
        assert process.stdout
        line = process.stdout.readline()
        bound.cancel()
        assert line, "hil serve ended before it listened"
        yield json.loads(line)
        process.terminate()
