"""Telematics box: state, position, remote commands and emergency call, and a console. It has no cloud yet.

Times are our own [P]. What a cloud would ask of it is typed at its console: `lock`, `unlock`, `wake`.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar

from harness.clock import SECOND
from harness.simulation.ecus.ecu import EcuContext
from harness.simulation.ecus.ecu_console import EcuConsole
from harness.simulation.ecus.network_node import TERMINAL_15, NetworkNode, Values
from harness.simulation.serial_line import SerialLine

IDENTITY = ("part simulated telematics box", "hardware none", "software model of this harness")
REGISTERING = 2 * SECOND
GNSS_FIX = 3 * SECOND
CLOUD = "cloud"
CLOUD_SESSION = 10 * SECOND
"""How long it keeps the network awake for the cloud."""
COMMAND = SECOND
"""How long it sends a remote command."""
DIALLING = SECOND
CONNECTING = 3 * SECOND
COMMANDS = {"lock": 1, "unlock": 2, "find": 3, "climate": 4}
_REGISTERING, _ONLINE = 1, 2
_DIALLING, _CONNECTED = 1, 2
_AUTOMATIC = 1
_REASONS = {"": 0, TERMINAL_15: 1, "network": 2, CLOUD: 3, "crash": 4}
_LONGITUDE, _LATITUDE = 121.473701, 31.230416
"""Degrees: Shanghai, the People's Square."""


class TelematicsBox(NetworkNode):
    """The telematics box of the car, as far as its messages and its console go."""

    DEFECTS: ClassVar[Mapping[str, str]] = {
        **NetworkNode.DEFECTS,
        "registers late": "takes 40 s to register with the network",
        "no emergency call": "does not call when airbags have gone off",
        "late emergency call": "calls 8 s after airbags have gone off",
        "forgets its position": "sends no position when the satellites are lost",
        "sends no commands": "passes commands of the cloud not on to the car",
        "ignores wake-ups": "stays asleep when the cloud calls",
        "silent console": "prints nothing on its console",
    }
    RUNNING_CURRENT: ClassVar[float] = 0.1
    SLEEPING_CURRENT: ClassVar[float] = 0.003

    def begin(self, context: EcuContext) -> None:
        """Listen for a crash and to the console, and report its state."""
        kernel = self.kernel
        commands: dict[str, Callable[[], Sequence[str]]] = {
            "version": lambda: IDENTITY,
            "wake": self._wake_for_cloud,
            "gnss off": lambda: self._switch_gnss(on=False),
            "gnss on": lambda: self._switch_gnss(on=True),
            **{name: partial(self._take, name) for name in COMMANDS},
        }
        self._console = EcuConsole(
            context.console or SerialLine(kernel),
            kernel,
            commands,
            is_awake=lambda: self.is_powered,
            is_silent=lambda: self.has("silent console"),
        )
        self._registering = kernel.timer(self._registered)
        self._fixing = kernel.timer(self._found)
        self._command_over = kernel.timer(self._end_command)
        self._session = kernel.timer(lambda: self.release(CLOUD))
        self._calling = kernel.timer(self._dial)
        self._connecting = kernel.timer(self._connected)
        self._forget()
        self.hear(context, "backbone", "SDM_Crash", self._crash)
        self.drive("TBOX_Status", self._status)
        self.drive("TBOX_Position", self._position)
        self.drive("TBOX_Time", self._time)
        self.drive("TBOX_Remote", self._remote)
        self.drive("TBOX_EmergencyCall", self._emergency_call)

    def _forget(self) -> None:
        self._state = self._call = self._command = self._number = 0
        self._fix = self._has_position = False
        self._reason = ""
        self._started = 0

    def powered(self) -> None:
        """Register with the network and look for satellites, whether the car is on or not."""
        self._started = self.kernel.now
        self._state = _REGISTERING
        self._console.begin({})
        self._console.log("telematics: power on")
        self._registering.start(40 * SECOND if self.has("registers late") else REGISTERING)
        self._fixing.start(GNSS_FIX)

    def power_off(self) -> None:
        """Stop at once, and forget all."""
        super().power_off()
        for timer in (
            self._registering,
            self._fixing,
            self._command_over,
            self._session,
            self._calling,
            self._connecting,
        ):
            timer.stop()
        self._forget()

    def request(self, reason: str) -> None:
        """Keep the network awake for a reason, and remember what has woken it."""
        if not self.is_awake:
            self._reason = reason
        super().request(reason)

    def fallen_asleep(self) -> None:
        """Forget what has woken it."""
        self._reason = ""
        self._console.log("telematics: asleep")

    def woken(self) -> None:
        """Say what has woken it."""
        self._reason = self._reason or "network"
        self._console.log(f"telematics: awake, {self._reason}")

    def _registered(self) -> None:
        self._state = _ONLINE
        self._console.log("telematics: online")

    def _found(self) -> None:
        self._fix = self._has_position = True
        self._console.log("gnss: fix")

    def _switch_gnss(self, *, on: bool) -> tuple[str, ...]:
        if on:
            self._fixing.start(GNSS_FIX)
        else:
            self._fixing.stop()
            self._fix = False
            self._has_position = not self.has("forgets its position") and self._has_position
        return (f"gnss: antenna {'on' if on else 'off'}",)

    # Cloud

    def _wake_for_cloud(self) -> tuple[str, ...]:
        if self.has("ignores wake-ups"):
            return ()
        self.request(CLOUD)
        self._session.start(CLOUD_SESSION)
        return ("cloud: session",)

    def _take(self, name: str) -> tuple[str, ...]:
        answer = self._wake_for_cloud()
        if not self.has("sends no commands"):
            self._command, self._number = COMMANDS[name], self._number + 1 & 0xFF
            self._command_over.start(COMMAND)
        return (*answer, f"cloud: {name}")

    def _end_command(self) -> None:
        self._command = 0

    # Emergency call

    def _crash(self, values: Values) -> None:
        if values["Airbags"] and not self._call and self._calling.due is None and not self.has("no emergency call"):
            self.request("crash")
            self._calling.start(8 * SECOND if self.has("late emergency call") else DIALLING)

    def _dial(self) -> None:
        self._call = _DIALLING
        self._console.log("emergency call: dialling")
        self._connecting.start(CONNECTING)

    def _connected(self) -> None:
        self._call = _CONNECTED
        self._console.log("emergency call: connected")

    # Messages

    def _status(self) -> Values:
        return {
            "State": self._state,
            "SignalStrength": -80 if self._state == _ONLINE else 0,
            "GnssFix": int(self._fix),
            "Satellites": 9 if self._fix else 0,
            "WakeReason": _REASONS[self._reason],
        }

    def _position(self) -> Values:
        known = self._has_position
        return {
            "Longitude": _LONGITUDE if known else 0,
            "Latitude": _LATITUDE if known else 0,
            "Heading": 0,
            "Height": 4 if known else 0,
        }

    def _time(self) -> Values:
        return {"Uptime": (self.kernel.now - self._started) // SECOND, "TimeValid": int(self._state != _ONLINE)}

    def _remote(self) -> Values:
        return {"Command": self._command, "CommandNumber": self._number}

    def _emergency_call(self) -> Values:
        return {"State": self._call, "Trigger": _AUTOMATIC if self._call else 0}
