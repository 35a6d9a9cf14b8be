"""What the driver may do with the head unit: volume and mute by the keys at the wheel, and video at standstill.

Steps, delays and the speed of the lock-out are our own [P]; the NHTSA driver distraction guidelines have 8 km/h (5 mph)
for what must be locked while driving [K].
"""

from collections.abc import Callable, Mapping

from harness.clock import MILLISECOND
from harness.protocols.database import Number
from harness.simulation.kernel import Kernel

DEFECTS: Mapping[str, str] = {
    "ignores keys": "takes no notice of the keys at the steering wheel",
    "slow keys": "follows a key after 600 ms",
    "volume jumps": "changes the volume by five steps",
    "cannot mute": "does not mute by the key",
    "forgets its volume": "begins at volume 15 after each boot",
    "no speed lock-out": "shows video at any speed",
    "lock-out stays": "goes on blocking video in a car that is parked",
}
START_VOLUME, LOUDEST = 15, 40
LOCK_SPEED = 8.0
"""km/h."""
_KEY = 40 * MILLISECOND
_UP, _DOWN, _MUTE = 1, 2, 3


class HeadUnitControls:
    """Volume, mute and the lock-out of video; it works while `is_running` says so."""

    def __init__(self, kernel: Kernel, *, has: Callable[[str], bool], is_running: Callable[[], bool]) -> None:
        self._kernel = kernel
        self._has = has
        self._is_running = is_running
        self.volume = START_VOLUME
        self.is_muted = False
        self._key = 0
        self._unlocked = False

    def booted(self) -> None:
        """Take up what was set before."""
        self.is_muted = False
        self._key = 0
        self._unlocked = False
        if self._has("forgets its volume"):
            self.volume = START_VOLUME

    def key_heard(self, key: int) -> None:
        """Act on a key that is pressed; one that stays pressed counts once."""
        pressed, self._key = key and key != self._key, key
        if pressed and not self._has("ignores keys"):
            delay = 600 * MILLISECOND if self._has("slow keys") else _KEY
            self._kernel.at(self._kernel.now + delay, lambda: self._act(key))

    def _act(self, key: int) -> None:
        if not self._is_running():
            return
        step = 5 if self._has("volume jumps") else 1
        if key == _UP:
            self.volume = min(self.volume + step, LOUDEST)
        elif key == _DOWN:
            self.volume = max(self.volume - step, 0)
        elif key == _MUTE and not self._has("cannot mute"):
            self.is_muted = not self.is_muted

    def judge_lock(self, speed: float | None, *, parked: bool) -> None:
        """Lock video from a speed on or without one, and unlock it at standstill in park."""
        if speed is None or speed >= LOCK_SPEED:
            self._unlocked = False
        elif speed == 0 and parked and not self._has("lock-out stays"):
            self._unlocked = True

    def audio(self) -> dict[str, Number]:
        """Return what the audio message says."""
        return {"Volume": self.volume, "Mute": int(self.is_muted), "Source": int(self._is_running())}

    def display(self) -> dict[str, Number]:
        """Return what the message of the display says."""
        blocked = int(not (self._unlocked or self._has("no speed lock-out")))
        return {"Video": blocked, "Keyboard": blocked, "Brightness": 80}
