"""The simulated bus beside python-can's virtual bus, cantools and BLFWriter."""

import contextlib
import warnings
from pathlib import Path
from typing import Any

import can
import cantools

from benchmarks.measure import in_turn, report, seconds
from benchmarks.traffic import BITRATE, ECUS, load, payloads, write_database
from harness.buses.can_bus import CanBus
from harness.buses.trace import Trace
from harness.clock import SECOND
from harness.protocols.database import Database
from harness.simulation.can_network import CanNetwork, SimulatedCanChannel
from harness.simulation.ecus.ecu import EcuContext
from harness.simulation.ecus.rest_bus import RestBus
from harness.simulation.kernel import Kernel

RIG_SECONDS = 10
RUNS = 9
"""More than elsewhere: a run is short, and a disturbance of the machine is long beside it."""
_PEER_BATCH = 100


class OurBus:
    """Ten simulated ECUs and a tester on a simulated bus."""

    def __init__(self, database: Database, *, driven: bool) -> None:
        self.kernel = Kernel()
        network = CanNetwork(self.kernel, "traffic", BITRATE)
        values = payloads()
        for number in range(ECUS):
            name = f"ECU{number}"
            context = EcuContext(
                name=name,
                node=name,
                kernel=self.kernel,
                ports={"traffic": network.node(name)},
                databases={"traffic": database},
                phase=number * 700_000,
            )
            ecu = RestBus(context)
            for cyclic in ecu.messages.values():
                if driven:
                    cyclic.drive(values.__next__)
        self.channel = SimulatedCanChannel(network)

    def run(self) -> float:
        """Run the bus; return the wall seconds it took."""
        return seconds(lambda: self.kernel.sleep(RIG_SECONDS * SECOND))


def ours_with_codec(database: Database, folder: Path) -> tuple[float, list[int]]:
    """Run our bus with a listener that decodes every frame, and a trace; return wall seconds and identifiers."""
    bus = OurBus(database, driven=True)
    CanBus("traffic", bus.channel, database, bus.kernel)
    trace = Trace(folder / "ours.blf")
    trace.record(bus.channel, 1)
    decoders = {identifier: message.decode for identifier, message in database.by_key.items()}
    identifiers: list[int] = []

    def decode(frame: can.Message) -> None:
        decoders[frame.arbitration_id](frame.data)  # type: ignore[arg-type]  # frames of a simulated bus carry bytes
        identifiers.append(frame.arbitration_id)

    bus.channel.listen(decode)
    took = bus.run() + seconds(trace.close)
    return took, identifiers


def ours_alone(database: Database) -> tuple[float, int]:
    """Run our bus with a listener that only counts; return wall seconds and frames."""
    bus = OurBus(database, driven=False)
    count = 0

    def listen(_: can.Message) -> None:
        nonlocal count
        count += 1

    bus.channel.listen(listen)
    return bus.run(), count


def peer(sequence: list[tuple[int, str]], folder: Path, *, codec: bool) -> float:
    """Move the same frames between ten nodes of python-can's virtual bus; return wall seconds."""
    source: Any = cantools.database.load_file(write_database(folder))
    values = payloads()
    messages = {message.name: message for message in source.messages}
    with contextlib.ExitStack() as stack:
        nodes = [
            stack.enter_context(can.Bus(interface="virtual", channel="peer", ignore_config=True)) for _ in range(ECUS)
        ]
        listener = nodes[0]
        writer = stack.enter_context(can.BLFWriter(folder / "peer.blf")) if codec else None
        fixed = bytes(8)

        def drain() -> None:
            for node in nodes[1:]:
                while node.recv(0) is not None:
                    pass
            while (received := listener.recv(0)) is not None:
                if writer is not None:
                    source.decode_message(received.arbitration_id, received.data)
                    writer.on_message_received(received)

        def move() -> None:
            for index, (identifier, name) in enumerate(sequence):
                data = messages[name].encode(next(values)) if codec else fixed
                sender = nodes[1 + index % (ECUS - 1)]
                sender.send(can.Message(arbitration_id=identifier, data=data, is_extended_id=False))
                if index % _PEER_BATCH == 0:
                    drain()
            drain()

        return seconds(move)


def run(folder: Path) -> bool:
    """Measure and report; return whether all goals are met."""
    database = load(folder)
    _, identifiers = ours_with_codec(database, folder)
    sequence = [(identifier, database.by_key[identifier].name) for identifier in identifiers]
    rate = len(sequence) / RIG_SECONDS
    name = f"bus of {ECUS} ECUs, 100 messages, {rate:.0f} frames/s"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours, theirs = in_turn(lambda: ours_with_codec(database, folder)[0], lambda: peer(sequence, folder, codec=True))
        alone, theirs_alone = in_turn(lambda: ours_alone(database)[0], lambda: peer(sequence, folder, codec=False))
    factor, ratio = RIG_SECONDS / ours, theirs / ours
    met = report(
        f"{name}, encoded, decoded, recorded",
        factor,
        "rig seconds per second",
        peer="python-can virtual + cantools + BLFWriter",
        peer_value=RIG_SECONDS / theirs,
        ratio=ratio,
        goal="at least 50, and 8 times the peer",
        met=factor >= 50 and ratio >= 8,
    )
    factor = RIG_SECONDS / alone
    met &= report(
        f"{name}, without codec and recording",
        factor,
        "rig seconds per second",
        peer="python-can virtual",
        peer_value=RIG_SECONDS / theirs_alone,
        ratio=theirs_alone / alone,
        goal="at least 200",
        met=factor >= 200,
    )
    (silent,) = in_turn(_an_hour_of_silence)
    return met & report(
        "an hour of a silent bus",
        silent * 1000,
        "ms",
        peer="none",
        peer_value=None,
        ratio=None,
        goal="under 1 ms",
        met=silent < 0.001,
    )


def _an_hour_of_silence() -> float:
    kernel = Kernel()
    network = CanNetwork(kernel, "silent", BITRATE)
    for number in range(ECUS):
        network.node(f"ECU{number}").join()
    return seconds(lambda: kernel.sleep(3600 * SECOND))
