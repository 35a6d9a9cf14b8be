"""Keeps two runs from using the same supply, adapter or console at once.

The operating system holds the locks, one file a resource, so that none outlives a run, however it died. Anybody can
remove such a file from under its holder; on Linux a name that nobody can remove is held with it. Locks hold on one
computer: two computers that reach the same instrument over the network do not see each other's, and neither do
two names of one address that only the network knows. Who holds a lock is written beside it, for messages only.
"""

import errno
import getpass
import json
import os
import platform
import re
import shlex
import socket
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from harness.errors import BenchError
from harness.quantities import Duration
from harness.rig.rig_file import SIMULATED, CanAdapterFacts, RigFile
from harness.transports.wall_clock import WallClock

# Not `tempfile.gettempdir()`: it may be another one for each user (TMPDIR, pam_tmpdir, Windows), and two users of a
# bench would not see each other's locks.
FOLDER = (
    Path(os.environ.get("PUBLIC", "C:/Users/Public"), "Documents", "hil-locks")
    if os.name == "nt"
    else Path("/tmp/hil-locks")  # noqa: S108  it is shared on purpose, and nothing in it is trusted or followed
)
"""Where the locks are, for all users of the computer."""

# Without the sticky bit: the next user must be able to lock and replace what the last one has left, and filelock
# takes no file of another user from a sticky folder.
_FOLDER_MODE = 0o777
_FILE_MODE = 0o666
_POLL_SECONDS = 0.2
_LONGEST_NOTE = 4096
_WHICH_ADAPTER = frozenset(
    {"address", "app_name", "bus", "device", "device_number", "host", "port", "serial", "unique_hardware_id", "url"}
)
"""Parameters of python-can's interfaces that say which adapter a channel is of; all others say how to use it."""

_names: dict[Path, socket.socket | None] = {}
"""Of the locks that this process holds, by file; None where the system has no such names."""


class ResourceLock:
    """The locks of a rig's resources."""

    def __init__(self, held: ExitStack) -> None:
        self._held = held

    def release(self) -> None:
        """Let others use the resources. Releasing twice is harmless."""
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()


def lock_resources(rig: RigFile, wait: Duration, on_wait: Callable[[str], None] | None = None) -> ResourceLock:
    """Lock all that a rig reaches outside of the process, or nothing. A virtual rig has nothing to lock.

    A process may lock what it has locked already; the last release counts.

    Args:
        rig: whose resources.
        wait: how long to wait for others to end, altogether.
        on_wait: called once for each resource that is waited for, with who uses it.

    Raises:
        BenchError: a resource is in use by another process, or the locks themselves cannot be used.
    """
    resources = _resources(rig)
    if resources:
        _make_folder()
    clock = WallClock()
    with ExitStack() as held:
        for path, resource in sorted(resources.items()):  # in one order for all rigs, so that no two wait in a circle
            lock = FileLock(path, mode=_FILE_MODE, is_singleton=True, thread_local=False)
            try:
                _acquire(lock, resource, wait, clock, on_wait)
                held.callback(_release, lock)
                if lock.lock_counter == 1:
                    _names[path] = _hold_name(path, resource)
                    _write_note(path, rig.name)
            except OSError as error:
                raise BenchError(f"{resource} cannot be locked: {path}: {error.strerror or error}") from error
        return ResourceLock(held.pop_all())


def _acquire(
    lock: FileLock, resource: str, wait: Duration, clock: WallClock, on_wait: Callable[[str], None] | None
) -> None:
    path = Path(lock.lock_file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        busy = f"{resource} is in use: {_holder(path)}"
    else:
        return
    if not wait:
        raise BenchError(f"{busy}; wait for it with --wait 10min")
    if on_wait:
        on_wait(f"waiting up to {wait}: {busy}")
    try:
        lock.acquire(timeout=max(0, wait.ns - clock.now) / 1e9, poll_interval=_POLL_SECONDS)
    except Timeout:
        raise BenchError(f"{resource} is still in use after {wait}: {_holder(path)}") from None


def _hold_name(path: Path, resource: str) -> socket.socket | None:
    """Hold, beside its file, a name of the lock that is in no folder; None where the system has no such names.

    Raises:
        BenchError: another process holds it, but not the file: somebody has removed that.
        OSError: the name cannot be held.
    """
    if sys.platform != "linux":
        return None
    name = socket.socket(socket.AF_UNIX)
    try:
        name.bind(f"\0hil-lock-{sha256(os.fsencode(path)).hexdigest()}")
    except OSError as error:
        name.close()
        if error.errno == errno.EADDRINUSE:
            raise BenchError(f"{resource} is in use, though its lock was removed: {_holder(path)}") from error
        raise
    return name


def _release(lock: FileLock) -> None:
    path = Path(lock.lock_file)
    # While the lock is held, for afterwards they may be another's; so they are where the name could not be held.
    if lock.lock_counter == 1 and path in _names:
        with suppress(OSError):
            _note(path).unlink()
        if name := _names.pop(path):
            name.close()
    lock.release()


def _make_folder() -> None:
    try:
        try:
            FOLDER.mkdir()
        except FileExistsError:
            if FOLDER.is_symlink() or not FOLDER.is_dir():
                raise
        else:
            FOLDER.chmod(_FOLDER_MODE)  # mkdir leaves out what the umask takes away
    except OSError as error:
        raise BenchError(f"the folder of the locks cannot be used: {FOLDER}: {error.strerror}") from error


# What is locked


def _resources(rig: RigFile) -> dict[Path, str]:
    """Return the lock file of each resource, and what messages call it."""
    found: dict[str, str] = {}
    for name, bus in rig.buses.items():
        if isinstance(bus.channel, CanAdapterFacts):
            found[_adapter(bus.channel)] = f"bus {name} ({bus.channel.interface}:{bus.channel.channel})"
    for name, instrument in rig.instruments.items():
        if instrument.resource != SIMULATED:
            found[_visa(instrument.resource)] = f"{name} ({instrument.resource})"
    for name, stream in rig.streams.items():
        if stream.resource != SIMULATED:
            found[_serial_port(stream.resource) or stream.resource] = f"{name} ({stream.resource})"
    return {_lock_file(address): resource for address, resource in found.items()}


def _adapter(channel: CanAdapterFacts) -> str:
    if port := _serial_port(str(channel.channel).partition("@")[0]):  # slcan writes /dev/ttyACM0@115200
        return port
    which = "".join(f" {key}={value}" for key, value in sorted(channel.parameters.items()) if key in _WHICH_ADAPTER)
    return f"{channel.interface}:{channel.channel}{which}"


def _visa(resource: str) -> str:
    from pyvisa.rname import InvalidResourceName, to_canonical_name

    with suppress(InvalidResourceName):
        resource = to_canonical_name(resource)
    if serial := re.fullmatch("ASRL(.+)::INSTR", resource):
        board = serial[1]
        return _serial_port(f"COM{board}" if board.isdigit() else board) or resource
    return _serial_port(resource) or resource


def _serial_port(name: str) -> str:
    """Return the one name of a serial port, empty where it is none; udev makes links such as /dev/serial/by-id."""
    if name.startswith("/dev/"):
        return os.path.realpath(name)
    return name if re.fullmatch("COM[0-9]+", name, re.IGNORECASE) else ""


def _lock_file(address: str) -> Path:
    folded = address.casefold()
    readable = re.sub("[^a-z0-9]+", "-", folded).strip("-")[:60]
    return FOLDER / f"{readable}-{sha256(folded.encode()).hexdigest()[:12]}.lock"


# Who holds a lock


def _note(lock: Path) -> Path:
    return lock.with_name(f"{lock.name}.json")


def _write_note(lock: Path, rig: str) -> None:
    facts = {
        "user": _user(),
        "host": platform.node(),
        "pid": os.getpid(),
        "rig": rig,
        "command": shlex.join(sys.argv),
        "since": datetime.now(UTC).astimezone().isoformat(timespec="seconds"),
    }
    with suppress(OSError):  # the lock holds without it
        handle, draft = tempfile.mkstemp(dir=FOLDER, prefix=lock.stem)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(facts, stream)
        Path(draft).chmod(_FILE_MODE)
        Path(draft).replace(_note(lock))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container may run with a number that has no name
        return "somebody"


def _holder(lock: Path) -> str:
    """Say who holds a lock. What is read comes from anybody: it is short, and holds nothing a terminal acts on."""
    try:
        # Neither a link nor a pipe that somebody has put there is followed.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        handle = os.open(_note(lock), flags)
        with os.fdopen(handle, "rb") as stream:
            facts = json.loads(stream.read(_LONGEST_NOTE))
        since = datetime.fromisoformat(facts["since"]).astimezone()
        now = datetime.now(UTC).astimezone()
        moment = f"{since:%H:%M:%S}" if since.date() == now.date() else f"{since:%Y-%m-%d %H:%M:%S}"
        text = f"{facts['user']} on {facts['host']}, process {facts['pid']}, rig {facts['rig']}, since {moment}"
    except (OSError, ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return "by whom is not known"
    return "".join(letter if letter.isprintable() else "?" for letter in text)
