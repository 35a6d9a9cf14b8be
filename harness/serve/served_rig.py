"""`hil serve`: the simulated world of a rig file in wall time, its instruments, buses and consoles behind sockets."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from harness.errors import RigFileError, TestError, unknown_name
from harness.protocols.database import read_database
from harness.results.verdict import NOT_TO_BE_TRUSTED
from harness.rig.open_rig import read_rig
from harness.rig.rig_file import RigFile, find_rig, read_rig_file
from harness.rig.world import World, build_world
from harness.serve.addresses import CAN, Addresses, addresses_in, given_addresses, open_socket
from harness.serve.can_client_node import BusNodes
from harness.serve.console_server import IN_USE, console_talk
from harness.serve.ending import arriving_signals, until_command_ends, until_signalled
from harness.serve.scpi_server import scpi_talk
from harness.serve.socketcand_server import socketcand_talk
from harness.serve.tcp_server import Log, OneAtATime, Talk, TcpServer
from harness.transports.paced_kernel import PacedKernel
from harness.transports.wall_clock import WallClock
from harness.vehicle import Vehicle


@dataclass(frozen=True)
class ServedRig:
    """A rig that is being served."""

    rig: str
    addresses: Addresses
    """With all ports."""
    identities: Mapping[str, str]
    """By instrument: maker and model."""
    buses: tuple[str, ...]
    streams: tuple[str, ...]
    relay_cards: tuple[str, ...]
    """Those on serial lines."""
    ecus: tuple[str, ...]
    """Those that are simulated."""
    paced: PacedKernel

    def as_json(self) -> str:
        """Return where everything is, for programs: one line."""
        host, ports = self.addresses.host, self.addresses.ports
        facts = {
            "rig": self.rig,
            "host": host,
            "resources": {
                **{name: self._visa_name(name) for name in self.identities},
                **{name: self._stream_name(name) for name in self.relay_cards},
            },
            "buses": {
                bus: {"interface": "socketcand", "channel": bus, "host": host, "port": ports[CAN]} for bus in self.buses
            },
            "streams": {name: self._stream_name(name) for name in self.streams},
            "ecus": self.ecus,
        }
        return json.dumps(facts)

    def as_text(self) -> str:
        """Return where everything is, for people: a line each."""
        host, ports = self.addresses.host, self.addresses.ports
        rows = [(name, self._visa_name(name), identity) for name, identity in self.identities.items()]
        rows += [(name, self._stream_name(name), "Modbus RTU, unit 1") for name in self.relay_cards]
        rows += [(bus, f"socketcand {host}:{ports[CAN]}", f"channel {bus}") for bus in self.buses]
        rows += [(name, self._stream_name(name), "") for name in self.streams]
        widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
        lines = [f"{name:{widths[0]}}  {address:{widths[1]}}  {what}".rstrip() for name, address, what in rows]
        lines.append(f"ECUs simulated: {', '.join(self.ecus) or 'none'}")
        return "\n".join([f"{self.rig} is served:", *lines])

    def _visa_name(self, instrument: str) -> str:
        return f"TCPIP::{self.addresses.host}::{self.addresses.ports[instrument]}::SOCKET"

    def _stream_name(self, stream: str) -> str:
        return f"tcp://{self.addresses.host}:{self.addresses.ports[stream]}"


@dataclass(frozen=True)
class Plan:
    """What is to be served, checked against its files; nothing is open yet."""

    rig: RigFile
    vehicle: Vehicle
    only: frozenset[str] | None
    addresses: Addresses
    seed: int

    @property
    def buses(self) -> list[str]:
        """Those that are served: socketcand carries classic frames only."""
        return [bus for bus in self.rig.buses if self.vehicle.buses[bus].data_bitrate is None]

    @property
    def unserved_buses(self) -> list[str]:
        """Those that only the ECUs of the same side can use."""
        return [bus for bus in self.rig.buses if bus not in self.buses]

    @property
    def streams(self) -> list[str]:
        """The consoles of those ECUs that are simulated here."""
        return [name for name, stream in self.rig.streams.items() if self.only is None or stream.ecu in self.only]


def plan(rig: str, *, only: Collection[str], host: str | None, ports: Sequence[str], at: str | None, seed: int) -> Plan:
    """Read the files of a rig and find out what is to be served where.

    Args:
        rig: file or name of the rig.
        only: ECUs to simulate; all that have a model when there are none.
        host: where to listen; only this computer when it is None.
        ports: pairs such as `supply=5025`; free ports for all else.
        at: file or name of a rig that looks for all this at the addresses that it names.
        seed: of the random numbers.

    Raises:
        HarnessError: a file is wrong, a name is unknown, or the rig is not simulated.
    """
    facts, vehicle = read_rig(find_rig(rig))
    if facts.resources:
        outside = ", ".join(f"{name} ({address})" for name, address in facts.resources.items())
        raise RigFileError(f"{facts.path}: only a rig that is simulated can be served, but there is {outside}")
    simulated = [name for name, ecu in facts.ecus.items() if ecu.model]
    for name in only:
        if name not in simulated:
            raise TestError(f"--only {name}: {unknown_name('simulated ECU', name, simulated)}")
    planned = Plan(facts, vehicle, frozenset(only) or None, Addresses(), seed)
    if at is None:
        addresses = given_addresses(host, ports, [*facts.instruments, *planned.streams, CAN])
    elif host is not None or ports:
        raise TestError("--at gives host and ports; leave --host and --port out")
    else:
        addresses = addresses_in(read_rig_file(find_rig(at)), facts.instruments, planned.streams, planned.buses)
    return replace(planned, addresses=addresses)


def serve(plan: Plan, *, as_json: bool, command: Sequence[str], show: Log, log: Log) -> int:
    """Serve a rig until a signal comes or a command ends; return the exit code.

    Args:
        plan: what, and where.
        as_json: show where everything is for programs, not for people.
        command: is run while the rig is served, and its exit code returned; none when it is empty.
        show: gets what is served.
        log: gets what happens to clients, and how late the simulation was.

    Raises:
        HarnessError: a file is wrong, an address cannot be used, or the command cannot be started.
    """
    return asyncio.run(_serve(plan, as_json, command, show, log))


async def _serve(plan: Plan, as_json: bool, command: Sequence[str], show: Log, log: Log) -> int:
    code = 0
    with arriving_signals() as signals:
        async with served(plan, log) as rig:
            show(rig.as_json() if as_json else rig.as_text())
            for bus in plan.unserved_buses:
                log(f"Bus {bus} is not served: it carries CAN FD, and socketcand classic frames only.")
            if rig.addresses.is_open_to_others:
                log(
                    f"Warning: whoever reaches {rig.addresses.host} can switch outputs; nobody is asked for a password."
                )
            if command:
                code = await until_command_ends(command, signals, rig.paced)
            else:
                await until_signalled(signals, rig.paced)
    log(f"{plan.rig.name} was served: {rig.paced.lateness}")
    for problem in rig.paced.problems:
        log(problem)
        code = NOT_TO_BE_TRUSTED
    return code


@asynccontextmanager
async def served(plan: Plan, log: Log) -> AsyncIterator[ServedRig]:
    """Serve a rig for the block. Its time begins when all servers listen.

    Raises:
        HarnessError: the rig cannot be built, or an address cannot be used.
    """
    rig = plan.rig
    databases = {bus: read_database(plan.vehicle.database_path(bus)) for bus in rig.buses}
    world = build_world(rig, plan.vehicle, databases, plan.seed, only=plan.only)
    for channel in world.channels.values():
        channel.close()  # a tester that nobody drives must not acknowledge
    async with AsyncExitStack() as ending:
        names = [*world.instruments, *world.relay_cards, *([CAN] if plan.buses else []), *plan.streams]
        sockets = {name: ending.enter_context(open_socket(name, plan.addresses)) for name in names}
        paced = PacedKernel(world.kernel, WallClock())
        epoch = time.time_ns()  # read once: clients see the time of day in stamps, and no change of it
        for name, talk in _talks(plan, world, paced, epoch).items():
            server = TcpServer(name, sockets[name], talk, log)
            await server.start()
            ending.push_async_callback(server.close)
        ending.callback(paced.stop)
        paced.start(goes_first=False)
        yield ServedRig(
            rig=rig.name,
            addresses=Addresses(plan.addresses.host, {name: it.getsockname()[1] for name, it in sockets.items()}),
            identities={name: " ".join(it.identity.split(",")[:2]) for name, it in world.instruments.items()},
            buses=tuple(plan.buses),
            streams=tuple(plan.streams),
            relay_cards=tuple(world.relay_cards),
            ecus=tuple(world.ecus),
            paced=paced,
        )


def _talks(plan: Plan, world: World, paced: PacedKernel, epoch: int) -> dict[str, Talk]:
    """Return what serves a client, by server."""
    talks: dict[str, Talk] = {
        name: OneAtATime(scpi_talk(instrument, paced)) for name, instrument in world.instruments.items()
    }
    for name, card in world.relay_cards.items():
        talks[name] = OneAtATime(console_talk(card.line, paced))
    if plan.buses:
        buses = {name: BusNodes(world.kernel, world.networks[name]) for name in plan.buses}
        talks[CAN] = socketcand_talk(buses, paced, epoch)
    for name in plan.streams:
        talks[name] = OneAtATime(console_talk(world.consoles[name], paced), IN_USE)
    return talks
