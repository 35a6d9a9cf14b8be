"""What `hil shell` does: opens a rig and lets keywords be typed; leaving brings the rig to its safe state."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from harness.errors import HarnessError
from harness.Hil import Hil
from harness.prompt import prompt
from harness.quantities import Duration
from harness.results.run_folder import new_run_folder, write_run_facts
from harness.results.verdict import NOT_TO_BE_TRUSTED
from harness.rig.check_rig import check_rig
from harness.rig.locks import lock_resources
from harness.rig.rig_file import find_rig
from harness.rig.run_facts import run_facts
from harness.stop_signals import StopSignals
from harness.terminal import check_terminal
from harness.transports.wall_clock import WallClock
from harness.typed_keywords import TypedKeywords

if TYPE_CHECKING:
    from harness.keywords.session import Session


def shell(rig: str, *, output: Path, seed: int, console: Console) -> int:
    """Open a rig, run what is typed, and bring the rig to its safe state; return the exit code.

    Raises:
        HarnessError: there is no terminal, a file is wrong, or the rig is in use or cannot be opened.
    """
    check_terminal("hil shell")
    path = find_rig(rig)
    rig_file, vehicle = check_rig(path)
    library = Hil(str(path))
    listeners: Any = library.ROBOT_LIBRARY_LISTENER  # robotlibcore has made a list of it
    session: Session = listeners[0].session

    def say(line: str) -> None:
        console.print(Text(line), soft_wrap=True)

    with lock_resources(rig_file, Duration(0), say), StopSignals(WallClock()) as stop:
        facts = run_facts(rig_file, vehicle, seed=seed, suites=path, instruments={}, identities={})
        folder = new_run_folder(output, facts.rig, facts.started)
        write_run_facts(folder, facts)
        session.open(folder, "shell", path, seed)
        if session.open_error:
            session.close_log()
            raise session.open_error
        say(f"{facts.rig}: {facts.vehicle}, {facts.rig_kind} rig, seed {seed}")
        try:
            prompt(
                TypedKeywords(library, session),
                say,
                leave="exit",
                leaves="brings the rig to its safe state",
                stopped=lambda: stop.arrived,
            )
        finally:
            try:
                session.close()
            except HarnessError as error:
                say(f"The rig may not be safe. {error}")
                return NOT_TO_BE_TRUSTED
            finally:
                session.close_log()
        say(f"The rig is in its safe state. What was measured and sent is in {folder}")
        return NOT_TO_BE_TRUSTED if stop.arrived else 0
