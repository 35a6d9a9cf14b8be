"""What is known about a run from its rig."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from harness.results.run_folder import RunFacts, git_state, installed_versions
from harness.rig.rig_file import RigFile
from harness.vehicle import Vehicle


def run_facts(
    rig: RigFile,
    vehicle: Vehicle,
    *,
    seed: int,
    suites: Path,
    instruments: Mapping[str, str],
    identities: Mapping[str, Mapping[str, str]],
) -> RunFacts:
    """Return the facts about a run that begins now.

    Args:
        rig: what the run is made on.
        vehicle: the car of that rig.
        seed: seed of the random numbers.
        suites: file or folder of the suites; the git commit is that of its repository.
        instruments: role of each instrument and its identity; empty where they have not been asked for it.
        identities: what devices under test say of themselves, likewise.
    """
    commit, dirty = git_state(suites if suites.is_dir() else suites.parent)
    return RunFacts(
        rig=rig.name,
        virtual=rig.is_virtual,
        vehicle=vehicle.name,
        dut={
            f"{ecu}.{key}": value
            for ecu, identity in rig.duts.items()
            for key, value in (identity.model_dump() | dict(identities.get(ecu, {}))).items()
            if value
        },
        dut_read=tuple(f"{ecu}.{key}" for ecu, said in identities.items() for key in said),
        instruments=instruments,
        versions=installed_versions(),
        commit=commit,
        dirty=dirty,
        seed=seed,
        started=datetime.now(UTC).astimezone(),
    )
