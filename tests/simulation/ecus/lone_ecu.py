"""One ECU alone on the buses of the RX5, and a tester who says what it hears and reads what it says with cantools."""

from collections.abc import Sequence

import can
from cantools.database import Database, load_file
from cantools.database.can import Message
from crccheck.crc import Crc8Autosar

from harness.clock import MILLISECOND, SECOND
from harness.protocols.database import read_database
from harness.rig.world import WiredPin
from harness.simulation.can_network import CanNetwork
from harness.simulation.ecus.ecu import EcuContext
from harness.simulation.ecus.network_node import NetworkNode
from harness.simulation.ecus.registry import build_ecu
from harness.simulation.kernel import Kernel, Process, RunningProcess
from harness.simulation.plant import Plant
from harness.simulation.serial_line import SerialLine
from harness.vehicle import read_vehicle
from tests.simulation.ecus.conftest import VEHICLE

CAR = read_vehicle(VEHICLE)
DATABASES: dict[str, Database] = {
    bus: load_file(VEHICLE / facts.database, strict=True)  # type: ignore[misc]  # they are CAN databases
    for bus, facts in CAR.buses.items()
}
MESSAGES: dict[str, tuple[str, Message]] = {
    message.name: (bus, message) for bus, database in DATABASES.items() for message in database.messages
}
SUPPLY_NETS = ("KL30", "KL15", "ACC")

Values = dict[str, float]


class LoneEcu:
    """Terminal 30 from a supply, terminal 15 and the accessory terminal by relays from it, wires without resistance."""

    def __init__(self, model: str, node: str, pins: Sequence[str] = SUPPLY_NETS) -> None:
        self.kernel = kernel = Kernel()
        plant = Plant(kernel)
        self.output = plant.add_output("supply.1", slew=1e6)
        nets = {"KL30": plant.add_net("KL30", fed_by=self.output, resistance=0)}
        for name in SUPPLY_NETS[1:]:
            nets[name] = plant.add_net(name, fed_by=nets["KL30"], resistance=0, relay=plant.relay(name))
        self._plant = plant
        self._heard: dict[str, list[can.Message]] = {bus: [] for bus in CAR.buses}
        networks = {bus: CanNetwork(kernel, bus, facts.bitrate, facts.data_bitrate) for bus, facts in CAR.buses.items()}
        self._tester = {bus: network.node("tester") for bus, network in networks.items()}
        for bus, tester in self._tester.items():
            tester.join()
            tester.listen(self._heard[bus].append)
        self.console = SerialLine(kernel)
        self.printed: list[str] = []
        self.console.listen(lambda data, _: self.printed.extend(data.decode("ascii").splitlines()))
        databases = {bus: read_database(CAR.database_path(bus)) for bus in CAR.buses}
        ecu = build_ecu(
            model,
            EcuContext(
                name=f"the {node}",
                node=node,
                kernel=kernel,
                ports={bus: network.node(node) for bus, network in networks.items() if node in databases[bus].nodes},
                databases=databases,
                pins={pin: WiredPin(nets[pin], plant.add_load(nets[pin])) for pin in pins},
                protection=CAR.protection,
                console=self.console,
            ),
        )
        assert isinstance(ecu, NetworkNode)
        self.ecu = ecu

    # What is done to it

    def supply(self, voltage: float) -> None:
        self.output.program(voltage=voltage, on=True)

    def switch(self, terminal: str, *, on: bool) -> None:
        relay = self._plant.relay(terminal)
        (relay.close if on else relay.open)()

    def start(self) -> None:
        """13.5 V and terminal 15 on, and time enough for every message to have come."""
        self.supply(13.5)
        self.switch("KL15", on=True)
        self.run(1_100)

    def run(self, milliseconds: float) -> None:
        self.kernel.sleep(round(milliseconds * MILLISECOND))

    def say(self, name: str, **values: float) -> None:
        """Send a message once: these values, and 0 for the rest."""
        self._send(name, values)
        self.run(1)

    def keep_saying(self, name: str, every: int, **values: float) -> RunningProcess:
        """Send a message each so many milliseconds, until it is stopped."""

        def process() -> Process:
            while True:
                self._send(name, values)
                yield every * MILLISECOND

        return self.kernel.spawn(process())

    def _send(self, name: str, values: Values) -> None:
        bus, message = MESSAGES[name]
        data = message.encode({**{signal.name: 0 for signal in message.signals}, **values}, strict=False)
        fd = message.is_fd
        self._tester[bus].send(
            can.Message(arbitration_id=message.frame_id, data=data, is_extended_id=False, is_fd=fd, bitrate_switch=fd)
        )

    def ask(self, command: str) -> None:
        """Type a command at its console, and let it answer."""
        self.console.send(f"{command}\n".encode())
        self.run(6)

    # What is seen of it

    @property
    def current(self) -> float:
        """Amperes, to a tenth of a microampere."""
        return round(self.output.current, 7)

    def all_frames(self, since: int = 0) -> list[can.Message]:
        return [frame for frames in self._heard.values() for frame in frames if stamp(frame) > since]

    def frames(self, name: str, since: int = 0) -> list[can.Message]:
        bus, message = MESSAGES[name]
        return [it for it in self._heard[bus] if it.arbitration_id == message.frame_id and stamp(it) > since]

    def next(self, name: str) -> Values:
        """What the next frame of a message says; empty if none comes for one and a half cycles."""
        begin = self.kernel.now
        self.run(1.5 * (MESSAGES[name][1].cycle_time or 0))
        frames = self.frames(name, begin)
        return read(name, frames[0]) if frames else {}

    def after(self, milliseconds: float, name: str) -> Values:
        """What the first frame of a message says from so many milliseconds on."""
        self.run(milliseconds)
        return self.next(name)

    def first(self, name: str, since: int, **values: float) -> float:
        """Milliseconds after `since` at which the first frame with these values had come."""
        for frame in self.frames(name, since):
            if values.items() <= read(name, frame).items():
                return (stamp(frame) - since) / MILLISECOND
        raise AssertionError(f"no {name} with {values}")

    def history(self, name: str, signal: str, since: int = 0) -> list[float]:
        """Values of a signal, one after the other, without repetitions."""
        values = [read(name, frame)[signal] for frame in self.frames(name, since)]
        return [value for index, value in enumerate(values) if index == 0 or value != values[index - 1]]


def read(name: str, frame: can.Message) -> Values:
    """What cantools makes of a frame; labels are numbers."""
    return MESSAGES[name][1].decode(bytes(frame.data), decode_choices=False)  # type: ignore[return-value]


def stamp(frame: can.Message) -> int:
    """Nanoseconds."""
    return round(frame.timestamp * SECOND)


def is_right(frame: can.Message, data_id: int) -> bool:
    """Whether profile 2 of AUTOSAR's E2E holds: CRC8H2F, by crccheck, over all behind byte 0 and the data ID."""
    return bool(frame.data[0] == Crc8Autosar.calc(bytes(frame.data[1:]) + bytes([data_id])))


def counters(frames: Sequence[can.Message]) -> list[int]:
    """Counters of profile 2: the low half of byte 1."""
    return [frame.data[1] & 0xF for frame in frames]
