"""What `hil rigs` shows: the rigs of a folder, and what is wrong with those that are broken."""

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.errors import HarnessError, RigFileError
from harness.results.verdict import NOTHING_RAN
from harness.rig.check_rig import check_rig


def list_rigs(folder: Path, console: Console) -> int:
    """Show the rigs, those in folders below included, and return the exit code: 3 where one is broken.

    Raises:
        RigFileError: there are no rig files in the folder.
    """
    paths = [path for path in folder.rglob("*.yaml") if "vehicles" not in path.relative_to(folder).parts]
    if not paths:
        raise RigFileError(f"{folder}: there are no rig files here")
    table = Table("Rig", "Kind", "Vehicle", "Description")
    broken = False
    for path in sorted(paths, key=lambda path: (path.parent != folder, path)):
        name = path.stem if path.parent == folder else str(path)
        try:
            rig, vehicle = check_rig(path)
        except HarnessError as error:
            broken = True
            table.add_row(Text(name), Text("broken", style="bold red"), "", Text(str(error)))
        else:
            kind = "virtual" if rig.is_virtual else "bench"
            table.add_row(Text(name), kind, Text(vehicle.name), Text(rig.description))
    console.print(table)
    return NOTHING_RAN if broken else 0
