import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.rig.open_rig import open_rig
from harness.rig.rig import Rig

RIGS = Path(__file__).parents[2] / "rigs"

Change = tuple[str, str]


@pytest.fixture
def rig_path(tmp_path: Path) -> Path:
    """The virtual rig of the RX5 in a folder of its own."""
    shutil.copytree(RIGS, tmp_path / "rigs")
    return tmp_path / "rigs/rx5-virtual.yaml"


@pytest.fixture
def change(rig_path: Path) -> Callable[..., Path]:
    """Change the rig file: each pair is a text that is in it once, and what stands there instead."""

    def change(*changes: Change) -> Path:
        text = rig_path.read_text(encoding="utf-8")
        for before, after in changes:
            assert text.count(before) == 1, before
            text = text.replace(before, after)
        rig_path.write_text(text, encoding="utf-8")
        return rig_path

    return change


@pytest.fixture
def rig(rig_path: Path) -> Iterator[Rig]:
    opened = open_rig(rig_path)
    yield opened
    try:
        opened.close()
    except HarnessError as error:
        assert "session is closed" in str(error)  # noqa: PT017 - the test has closed it before
