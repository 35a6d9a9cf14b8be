"""What a session does with a rig around the tests: whom it asks before the first, what it closes behind the last."""

from pathlib import Path
from typing import Any

import can
import pytest

from harness.errors import BusError, HarnessError
from harness.keywords.session import Session
from harness.results.run_folder import log_path
from harness.simulation.serial_line import SerialLine

RIG = Path(__file__).parents[2] / "rigs/rx5-virtual.yaml"
DECLARED = "software: model of this harness}\n"
ASKED = "    identity_from: {stream: head unit console, ask: version, answers: {software: software *}}\n"
LOG = "head unit console"


@pytest.fixture
def asks(tmp_path: Path) -> Path:
    """A rig whose head unit is asked who it is."""
    rigs = tmp_path / "rigs"
    rigs.mkdir()
    (rigs / "vehicles").symlink_to(RIG.parent / "vehicles")
    text = RIG.read_text(encoding="utf-8")
    assert text.count(DECLARED) == 1
    (rigs / "asks.yaml").write_text(text.replace(DECLARED, DECLARED + ASKED), encoding="utf-8")
    return rigs / "asks.yaml"


def test_whatever_fails_while_a_device_is_asked_it_is_not_energised_again(
    asks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bytes] = []

    ordinary = SerialLine.send

    def send(line: SerialLine, data: bytes) -> None:
        if data != b"version\n":  # that of another line
            ordinary(line, data)
            return
        sent.append(data)
        raise RuntimeError("a library is wrong")

    monkeypatch.setattr(SerialLine, "send", send)
    session = Session(str(asks))
    said = []
    for suite in ("First", "Second"):
        session.open(tmp_path / "run", suite, Path(__file__), seed=1)
        assert not session.is_open
        said.append(str(session.open_error))
        session.close()
    session.close_log()
    assert said == ["nobody knows which device is connected: RuntimeError: a library is wrong"] * 2
    assert sent == [b"version\n"]


@pytest.mark.usefixtures("booted")
def test_files_are_closed_and_complete_whatever_fails_before(session: Session, tmp_path: Path) -> None:
    session.rig.ecu("head unit").switch_defect("silent console", on=True)
    line: Any = session.rig.console(LOG)._stream
    line.write(b"Kernel panic")
    log, trace, supply = session.rig.console(LOG), session._trace, session.rig.instruments["supply"]
    assert trace

    def stop() -> None:
        raise BusError("bus chassis does not work")

    trace._closing.callback(stop)
    supply.close()
    with pytest.raises(HarnessError, match=r"the session is closed.*; bus chassis does not work$"):
        session.close()
    assert log._log is None
    assert log_path(tmp_path, "Suite", LOG).read_text("utf-8").endswith(" Kernel panic\n")
    with can.BLFReader(trace.path) as reader:
        assert len(list(reader)) > 1000
