"""Head unit: boots from terminal 15, shows the rear view, mutes outside its supply range, sleeps after its after-run.

Gear, speed and its state are on the chassis bus; keys, audio and what the display allows are on the body bus, where the
rig has one. While it works, the after-run included, it asks for the body bus; only terminal 15 wakes it up.

All times, voltages and currents are our own [P]: no carmaker publishes them. They lie well inside the limits that
`vehicle.yaml` sets, so that a test judges the limit and not the model.
"""

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

from harness.clock import MICROSECOND, MILLISECOND, SECOND
from harness.errors import RigFileError
from harness.protocols.database import Number
from harness.simulation.ecus.ecu import EcuContext
from harness.simulation.ecus.ecu_console import EcuConsole
from harness.simulation.ecus.head_unit_controls import DEFECTS as CONTROL_DEFECTS
from harness.simulation.ecus.head_unit_controls import HeadUnitControls
from harness.simulation.ecus.rest_bus import TERMINAL_ON, RestBus
from harness.simulation.kernel import Process, RunningProcess
from harness.simulation.serial_line import SerialLine

if TYPE_CHECKING:
    import can

STATUS = "HU_Status"
GEAR = "GW_HSC2_ECM_FrP04"
SPEED = "SCS_HSC2_FrP19"
KEYS = "BCM_SteeringWheelKeys"
PARK, REVERSE = 1, 2

IDENTITY = {"part": "simulated head unit", "hardware": "none", "software": "model of this harness"}
"""What the command `version` answers; rig files declare the same."""
WRONG_SOFTWARE = "model of another harness"

BROWN_OUT = 6.0
POWER_ON = 6.5
RESETS_EARLY = 9.2
"""Where a unit with the defect of that name resets."""
UNDERVOLTAGE, UNDERVOLTAGE_OVER = 8.8, 9.3
OVERVOLTAGE_OVER, OVERVOLTAGE = 15.7, 16.2

HOLD_UP = 500 * MICROSECOND
"""How long its capacitors carry it through an interruption."""
FIRST_FRAME = 150 * MILLISECOND
EARLY_VIDEO = 900 * MILLISECOND
BOOT = 1_400 * MILLISECOND
SETTLING = 100 * MILLISECOND
SHOW = 400 * MILLISECOND
HIDE = 300 * MILLISECOND
AFTER_RUN = 4 * SECOND
WATCHDOG = 5 * SECOND
"""How long its processor may hang until the watchdog resets it."""
SPEED_LOST_AFTER = 5
"""Cycles of the speed message without a frame."""


class BootState(IntEnum):
    """What the head unit reports of itself."""

    OFF = 0
    BOOTING = 1
    RUNNING = 2
    SHUTTING_DOWN = 3


class SupplyState(IntEnum):
    """How the head unit judges its supply."""

    NORMAL = 0
    UNDERVOLTAGE = 1
    OVERVOLTAGE = 2


_CURRENT = {
    BootState.OFF: 0.0004,
    BootState.BOOTING: 1.8,
    BootState.RUNNING: 1.2,
    BootState.SHUTTING_DOWN: 0.6,
}
"""Amperes on terminal 30; off means asleep."""
_CURRENT_OF_IMAGE = 0.3
_INRUSH = (("high inrush current", 6.5, 5 * MILLISECOND), ("long inrush current", 3.5, 40 * MILLISECOND))
"""Defect, amperes, and for how long."""


class HeadUnit(RestBus):
    """The head unit of the internet car, as far as its supply, its boot and its rear view go."""

    DEFECTS: ClassVar[Mapping[str, str]] = {
        **RestBus.DEFECTS,
        "boots slowly": "takes 3 s to boot",
        "hangs while booting": "never finishes booting",
        "late first frame": "sends its first frame 800 ms after its wake-up",
        "late rear view": "shows the rear view 2.4 s after reverse gear",
        "no rear view": "ignores reverse gear",
        "trusts invalid gear": "shows the rear view for a gear that is marked as invalid",
        "rear view stays": "goes on showing the rear view when reverse gear has been left",
        "no undervoltage reaction": "does not notice undervoltage",
        "stays muted": "plays no sound again after undervoltage or overvoltage",
        "no overvoltage reaction": "does not notice overvoltage",
        "mutes early": "takes 15.7 V for overvoltage",
        "resets early": "resets below 9.2 V instead of 6 V",
        "does not restart": "stays off after an interruption of its supply",
        "does not sleep": "goes on running when terminal 15 is off",
        "resets in after-run": "boots again when terminal 15 comes back during the after-run",
        "high running current": "draws 2.4 A while it runs",
        "high inrush current": "draws 6.5 A for 5 ms when it begins to boot",
        "long inrush current": "draws 3.5 A for 40 ms when it begins to boot",
        "draws current asleep": "draws 20 mA while it sleeps",
        "wakes up while parked": "draws 100 mA for 100 ms, every 2 s while it sleeps",
        "wrong voltage": "reads its supply 1 V too low",
        "stale speed": "goes on showing the last speed when the speed message is lost",
        "wrong speed": "shows the speed 5 % too high",
        "silent console": "prints nothing on its console",
        "wrong version": "answers another software version on its console",
        "no watchdog": "hangs for ever when its processor hangs",
        **CONTROL_DEFECTS,
    }

    def __init__(self, context: EcuContext) -> None:
        self.state = BootState.OFF
        self.supply_state = SupplyState.NORMAL
        self.image_shown = False
        self._muted_for_good = False
        self._resets = -1
        self._powered = False
        self._lost_power = False
        self._booted = False
        self._early_video = False
        self._reverse = False
        self._speed: Number | None = None
        self._activity: RunningProcess | None = None
        kernel = context.kernel
        self._settling = kernel.timer(self._settled)
        self._hold_up = kernel.timer(self._lose_power)
        self._image = kernel.timer(self._switch_image)
        self._speed_watchdog = kernel.timer(self._lose_speed)
        self._watchdog = kernel.timer(self._reset_by_watchdog)
        self._parked = self._hangs = False
        self._controls = HeadUnitControls(
            kernel, has=self.has, is_running=lambda: self.state is BootState.RUNNING and not self._hangs
        )
        self._console = EcuConsole(
            context.console or SerialLine(kernel),
            kernel,
            {"version": self._version, "hang": self._hang},
            is_awake=lambda: self.state is not BootState.OFF,
            is_silent=lambda: self.has("silent console"),
        )
        super().__init__(context)

    def power_up(self, context: EcuContext) -> None:
        """Watch the supply pins, and listen for gear and speed.

        Raises:
            RigFileError: it lacks a supply pin, or does not send its status message.
        """
        _check(context, sends_status=STATUS in self.messages)
        bus = next(bus for bus in context.ports if STATUS in context.databases[bus].messages)
        database, port = context.databases[bus], context.ports[bus]
        for other, other_port in context.ports.items():
            if KEYS in (found := context.databases[other].messages):
                self._decode_keys, self._keys_length = found[KEYS].decode, found[KEYS].length
                other_port.listen(self._keys_received, (found[KEYS].key,))
        for name, values in (("HU_Audio", self._controls.audio), ("HU_Display", self._controls.display)):
            if name in self.messages:
                self.messages[name].drive(values)
        status = self.messages[STATUS]
        status.drive(self._status)
        self._highest_voltage = status.message.signal("SupplyVoltage").allowed_range[1]
        self._highest_speed = status.message.signal("DisplayedSpeed").allowed_range[1]
        gear, speed = database.message(GEAR), database.message(SPEED)
        self._decode_gear, self._decode_speed = gear.decode, speed.decode
        self._gear_length, self._speed_length = gear.length, speed.length
        self._speed_timeout = SPEED_LOST_AFTER * (speed.cycle_time or 0)
        port.listen(self._gear_received, (gear.key,))
        port.listen(self._speed_received, (speed.key,))
        self._kl30, self._kl15 = context.pins["KL30"], context.pins["KL15"]
        self._kl30.watch(BROWN_OUT, self._brown_out)
        self._kl30.watch(RESETS_EARLY, self._brown_out_early)
        self._kl30.watch(POWER_ON, lambda above: self._gain_power() if above else None)
        for threshold in (UNDERVOLTAGE, UNDERVOLTAGE_OVER, OVERVOLTAGE_OVER, OVERVOLTAGE):
            self._kl30.watch(threshold, self._judge_supply)
        self._kl15.watch(TERMINAL_ON, self._terminal_15)
        if self._kl30.voltage >= POWER_ON:
            self._gain_power()

    # Supply

    def _brown_out(self, above: bool) -> None:
        if above:
            self._hold_up.stop()
        elif self._powered:
            self._hold_up.start(HOLD_UP)

    def _brown_out_early(self, above: bool) -> None:
        if self.has("resets early"):
            self._brown_out(above)

    def _lose_power(self) -> None:
        self._powered = False
        self._lost_power = True
        self._settling.stop()
        self.supply_state = SupplyState.NORMAL
        self._shut_down()
        self._kl30.draw(0.0)
        if self._kl30.voltage >= POWER_ON:
            self._gain_power()

    def _gain_power(self) -> None:
        if self._powered or (self._lost_power and self.has("does not restart")):
            return
        self._powered = True
        self._acknowledge()
        self._resets += 1
        self._console.log(f"head unit: power on, reset counter {self._resets & 0xFF}")
        self._draw()
        self._judge_supply()
        if self._kl15.voltage >= TERMINAL_ON:
            self._begin(self._boot)

    def _acknowledge(self) -> None:
        """Take part in the buses without sending, as all nodes do that sleep with their network [P]."""
        for port in self._ports.values():
            port.join()

    def _judge_supply(self, _above: bool = True) -> None:
        if self._powered and self._supply_state_now() != self.supply_state:
            self._settling.start(SETTLING)
        else:
            self._settling.stop()

    def _supply_state_now(self) -> SupplyState:
        voltage = self._kl30.voltage
        low = UNDERVOLTAGE_OVER if self.supply_state is SupplyState.UNDERVOLTAGE else UNDERVOLTAGE
        over = self.supply_state is SupplyState.OVERVOLTAGE or self.has("mutes early")
        high = OVERVOLTAGE_OVER if over else OVERVOLTAGE
        if voltage < low and not self.has("no undervoltage reaction"):
            return SupplyState.UNDERVOLTAGE
        if voltage >= high and not self.has("no overvoltage reaction"):
            return SupplyState.OVERVOLTAGE
        return SupplyState.NORMAL

    def _settled(self) -> None:
        self.supply_state = self._supply_state_now()
        if self.supply_state is not SupplyState.NORMAL and self.has("stays muted"):
            self._muted_for_good = True
        self._print_changes()

    # Boot, after-run and sleep

    def _terminal_15(self, on: bool) -> None:
        if not self._powered:
            return
        if on and self._booted and self.state is BootState.SHUTTING_DOWN and not self.has("resets in after-run"):
            self._begin(self._return)
        elif on and self.state in (BootState.OFF, BootState.SHUTTING_DOWN):
            self._resets += self._booted
            self._begin(self._boot)
        elif not on and self.state in (BootState.BOOTING, BootState.RUNNING) and not self.has("does not sleep"):
            self._begin(self._run_after)

    def _begin(self, activity: Callable[[], Process]) -> None:
        if self._activity:
            self._activity.stop()
        self._activity = self.kernel.spawn(activity())

    def _boot(self) -> Process:
        self._booted = self._hangs = False
        self._controls.booted()
        self._console.begin({"power": "normal", "camera": "rear view hidden"})
        self._console.log("boot: started")
        self._enter(BootState.BOOTING)
        first_frame = 800 * MILLISECOND if self.has("late first frame") else FIRST_FRAME
        inrush = 0
        for defect, current, duration in _INRUSH:
            if self.has(defect):
                self._kl30.draw(current)
                inrush = duration
        yield inrush
        self._draw()
        yield first_frame - inrush
        self.wake()
        yield EARLY_VIDEO - first_frame
        self._early_video = True
        self._judge_image()
        if self.has("hangs while booting"):
            return
        yield (3 * SECOND if self.has("boots slowly") else BOOT) - EARLY_VIDEO
        self._booted = True
        self._console.log("boot: complete")
        self._enter(BootState.RUNNING)

    def _hang(self) -> tuple[str, ...]:
        self._hangs = True
        if not self.has("no watchdog"):
            self._watchdog.start(WATCHDOG)
        return ("kernel: hangs",)

    def _reset_by_watchdog(self) -> None:
        self._console.log("watchdog: reset")
        self._resets += 1
        self._begin(self._boot)

    def _version(self) -> list[str]:
        wrong = {"software": WRONG_SOFTWARE} if self.has("wrong version") else {}
        return [f"{name} {value}" for name, value in {**IDENTITY, **wrong}.items()]

    def _return(self) -> Process:
        self._enter(BootState.RUNNING)
        yield 0

    def _run_after(self) -> Process:
        self._enter(BootState.SHUTTING_DOWN)
        self._judge_image()
        yield AFTER_RUN
        self._console.log("power: off")
        self._activity = None
        self._shut_down()
        self._activity = self.kernel.spawn(self._sleep_on())

    def _sleep_on(self) -> Process:
        while True:
            yield 1_900 * MILLISECOND
            if self.has("wakes up while parked"):
                self._kl30.draw(0.1)
            yield 100 * MILLISECOND
            self._draw()

    def _shut_down(self) -> None:
        if self._activity:
            self._activity.stop()
            self._activity = None
        self.sleep()
        if self._powered:
            self._acknowledge()
        self._booted = self._early_video = self._reverse = self._muted_for_good = False
        self.image_shown = False
        self._image.stop()
        self._watchdog.stop()
        self._lose_speed()
        self._speed_watchdog.stop()
        self._enter(BootState.OFF)

    def _enter(self, state: BootState) -> None:
        self.state = state
        self._draw()
        self._print_changes()

    def _draw(self) -> None:
        current = _CURRENT[self.state] + (_CURRENT_OF_IMAGE if self.image_shown else 0.0)
        if self.state is BootState.RUNNING and self.has("high running current"):
            current = 2.4
        elif self.state is BootState.OFF and self.has("draws current asleep"):
            current = 0.02
        self._kl30.draw(current)

    def defect_changed(self, defect: str) -> None:
        """Take a defect up at once where it shows in a state that lasts, and go on when the last one is gone."""
        super().defect_changed(defect)
        if not self._powered:
            if self._kl30.voltage >= POWER_ON:
                self._gain_power()
            return
        self._draw()
        self._judge_supply()
        self._judge_image()
        self._print_changes()
        hangs = self.state is BootState.BOOTING and self._activity is not None and not self._activity.is_running
        if self._kl15.voltage < TERMINAL_ON:
            self._terminal_15(on=False)
        elif hangs and not self.has("hangs while booting"):
            self._begin(self._boot)

    # Rear view and speed

    def _gear_received(self, frame: "can.Message") -> None:
        if len(frame.data) < self._gear_length:
            return
        values = self._decode_gear(bytes(frame.data))
        valid = not values["TrShftLvrPosV_h1HSC2"] or self.has("trusts invalid gear")
        reverse = values["TrShftLvrPos_h1HSC2"] == REVERSE and valid
        self._parked = values["TrShftLvrPos_h1HSC2"] == PARK and valid
        if reverse != self._reverse:
            self._reverse = reverse
            self._judge_image()

    def _judge_image(self) -> None:
        wanted = self._image_wanted()
        if wanted == self.image_shown:
            self._image.stop()
        elif self._image.due is None:
            show = 2_400 * MILLISECOND if self.has("late rear view") else SHOW
            self._image.start(show if wanted else HIDE)

    def _image_wanted(self) -> bool:
        if self.image_shown and self.has("rear view stays"):
            return True
        on = self._early_video and self.state is not BootState.SHUTTING_DOWN
        return on and self._reverse and not self.has("no rear view")

    def _switch_image(self) -> None:
        self.image_shown = self._image_wanted()
        self._draw()
        self._print_changes()

    def _speed_received(self, frame: "can.Message") -> None:
        if len(frame.data) < self._speed_length:
            return
        values = self._decode_speed(bytes(frame.data))
        self._speed = None if values["VehSpdAvgVHSC2"] else values["VehSpdAvgHSC2"]
        self._controls.judge_lock(self._speed, parked=self._parked)
        self._speed_watchdog.start(self._speed_timeout)

    def _lose_speed(self) -> None:
        if not self.has("stale speed"):
            self._speed = None
            self._controls.judge_lock(None, parked=self._parked)

    def _keys_received(self, frame: "can.Message") -> None:
        if len(frame.data) >= self._keys_length:
            self._controls.key_heard(int(self._decode_keys(bytes(frame.data))["Key"]))

    # Status message and console

    def _is_muted(self) -> bool:
        return self.supply_state is not SupplyState.NORMAL or (self._muted_for_good and self.has("stays muted"))

    def _status(self) -> dict[str, Number]:
        running = self.state is BootState.RUNNING
        speed_known = running and self._speed is not None
        voltage = self._kl30.voltage - (1.0 if self.has("wrong voltage") else 0.0)
        speed = (self._speed or 0) * (1.05 if self.has("wrong speed") else 1.0)
        return {
            "BootState": self.state,
            "SupplyState": self.supply_state,
            "AudioState": (2 if self._is_muted() else 1) if running else 0,
            "RearView": int(self.image_shown),
            "Display": int(running or self.image_shown),
            "SupplyVoltage": min(max(voltage, 0), self._highest_voltage),
            "ResetCounter": self._resets & 0xFF,
            "DisplayedSpeed": min(speed, self._highest_speed) if speed_known else 0,
            "DisplayedSpeedValid": int(speed_known),
        }

    def _print_changes(self) -> None:
        if self.state is BootState.OFF:
            return
        states = {"power": self.supply_state.name.lower()}
        if self.state is BootState.SHUTTING_DOWN:
            states = {"power": "shutting down"}
        elif self.state is BootState.RUNNING:
            states["audio"] = "muted" if self._is_muted() else "playing"
        self._console.show({**states, "camera": f"rear view {'shown' if self.image_shown else 'hidden'}"})


def _check(context: EcuContext, *, sends_status: bool) -> None:
    missing = [pin for pin in ("KL30", "KL15") if pin not in context.pins]
    if missing:
        raise RigFileError(f"{context.name}: a head unit needs the pins KL30 and KL15; missing: {', '.join(missing)}")
    if not sends_status:
        raise RigFileError(
            f"{context.name}: a head unit sends {STATUS}; {context.node} does not have it in its database"
        )
