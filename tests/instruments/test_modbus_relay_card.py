"""The driver of the relay card: on pymodbus's own server through a serial port, and on dead and garbled lines."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

from harness.errors import InstrumentError, InstrumentTimeoutError, RigFileError
from harness.instruments.modbus_relay_card import ModbusRelayCard
from harness.instruments.registry import SERIAL_DRIVERS, open_serial_driver
from harness.instruments.roles import SwitchMatrix
from harness.quantities import Duration
from harness.simulation.instruments.registry import RELAY_CARDS, build_relay_card
from harness.simulation.instruments.scpi_instrument import InstrumentFault
from harness.simulation.kernel import Kernel
from harness.simulation.plant import Plant
from harness.simulation.serial_line import SerialLine
from harness.transports.byte_streams import SerialStream
from harness.transports.modbus import ModbusSession
from harness.transports.wall_clock import WallClock

if TYPE_CHECKING:
    from harness.simulation.instruments.modbus_relay_card import ModbusRelayCard as SimulatedCard

BOUND = 30.0
READ = "01 01 00 00 00 08 3D CC"
ALL_OPEN = "01 01 01 00 51 88"
THIRD_CLOSED = "01 01 01 04 50 4B"
CLOSE_THIRD = "01 05 00 02 FF 00 2D FA"


class Wire:
    """Two serial ports of this computer, and the wire between them."""

    def __init__(self) -> None:
        self._ends = [os.openpty(), os.openpty()]
        self.ports = [os.ttyname(line) for _, line in self._ends]
        masters = [master for master, _ in self._ends]
        self._pumps = [
            threading.Thread(target=self._pump, args=pair, daemon=True)
            for pair in (tuple(masters), tuple(reversed(masters)))
        ]
        for pump in self._pumps:
            pump.start()

    @staticmethod
    def _pump(source: int, sink: int) -> None:
        try:
            while data := os.read(source, 256):
                os.write(sink, data)
        except OSError:  # closed
            return

    def close(self) -> None:
        for _, line in self._ends:
            os.close(line)
        for pump in self._pumps:
            pump.join(BOUND)
        for master, _ in self._ends:
            os.close(master)


class PymodbusCard:
    """A server of pymodbus, untouched, with eight coils."""

    def __init__(self, port: str) -> None:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(port),))
        self._thread.start()
        assert self._ready.wait(BOUND)

    async def _serve(self, port: str) -> None:
        coils = [SimData(0, values=[False] * 8, datatype=DataType.BITS)]
        others = [SimData(0, count=1, values=0, datatype=DataType.REGISTERS)]
        inputs = [SimData(0, values=[False] * 8, datatype=DataType.BITS)]
        device = SimDevice(id=1, simdata=(coils, inputs, others, others))
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = ModbusSerialServer(device, port=port, baudrate=9600)
        await server.serve_forever(background=True)
        self._ready.set()
        await self._end.wait()
        await server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus has no type for it

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(BOUND)
        assert not self._thread.is_alive()


@pytest.fixture
def wire() -> Iterator[Wire]:
    laid = Wire()
    yield laid
    laid.close()


@pytest.fixture
def pymodbus_card(wire: Wire) -> Iterator[PymodbusCard]:
    card = PymodbusCard(wire.ports[1])
    yield card
    card.close()


def opened(port: str) -> ModbusRelayCard:
    clock = WallClock()
    stream = SerialStream(port, 9600, clock)
    session = ModbusSession(stream, clock, role="relays", address=port, unit=1, timeout=Duration(5))
    card = open_serial_driver("modbus-relay-card", session)
    assert isinstance(card, ModbusRelayCard)
    return card


@pytest.mark.usefixtures("pymodbus_card")
def test_it_switches_the_coils_of_a_real_server_through_a_serial_port(wire: Wire) -> None:
    card = opened(wire.ports[0])
    assert card.identity == f"Modbus RTU relay card, relays ({wire.ports[0]}, unit 1)"
    for channel in (3, 8):
        assert not card.is_closed(channel)
        card.close_channel(channel)
    assert [channel for channel in range(1, 9) if card.is_closed(channel)] == [3, 8]
    card.open_channel(3)
    assert [channel for channel in range(1, 9) if card.is_closed(channel)] == [8]
    card.close()
    again = opened(wire.ports[0])
    assert again.is_closed(8), "closing the session has left the relays as they were"
    again.open_all()
    assert not any(again.is_closed(channel) for channel in range(1, 9))
    assert again.errors() == []
    again.close()
    again.close()


# Lines that fail


class ScriptedLine:
    """A card, in simulated time, that answers the frames of a script and notes what does not follow it."""

    def __init__(self, *script: tuple[str, str]) -> None:
        self.kernel = Kernel()
        self.line = SerialLine(self.kernel)
        self.line.on_receive = self._receive
        self.script = list(script)
        self.deviations: list[str] = []

    def _receive(self, data: bytes) -> None:
        expected, answer = self.script.pop(0) if self.script else ("nothing", "")
        if data.hex(" ").upper() != expected:
            self.deviations.append(f"{data.hex(' ')} instead of {expected}")
        for delay, part in enumerate(filter(None, answer.split("|")), 1):
            text = bytes.fromhex(part)
            self.kernel.at(self.kernel.now + delay * 10_000_000, lambda text=text: self.line.write(text))  # type: ignore[misc]

    def card(self) -> ModbusRelayCard:
        session = ModbusSession(
            self.line, self.kernel, role="relays", address="/dev/ttyUSB1", unit=1, timeout=Duration(2)
        )
        return ModbusRelayCard(session)


NAMED = r"^relays \(/dev/ttyUSB1, unit 1\): told relay 3 to close, "


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        ("", InstrumentTimeoutError, "no answer within 2 s: nothing came$"),
        ("01 05 00", InstrumentTimeoutError, "no answer within 2 s: only 01 05 00 came$"),
        ("01 05 00 02 FF 00 2D FB", InstrumentError, "01 05 00 02 ff 00 2d fb came; expected a frame of Modbus RTU$"),
        ("15 7E 23 3F 40 21", InstrumentTimeoutError, "no answer within 2 s: only 15 7e 23 3f 40 21 came$"),
        (f"55 {CLOSE_THIRD}", InstrumentError, "55 01 05 .* came"),
        (f"{CLOSE_THIRD} 00", InstrumentError, "2d fa 00 came; expected one frame of Modbus RTU and nothing else$"),
        ("02 05 00 02 FF 00 2D C9", InstrumentError, "02 05 .* came; expected an answer of unit 1 to function 5$"),
        (ALL_OPEN, InstrumentError, "01 01 01 00 51 88 came; expected an answer of unit 1 to function 5$"),
        ("01 05 00 03 FF 00 7C 3A", InstrumentError, "00 03 .* came; expected the request again, as its confirmation$"),
        ("01 05 00 02 00 00 6C 0A", InstrumentError, "00 00 6c 0a came; expected the request again, as its confirm"),
        ("01 85 02 C3 51", InstrumentError, "the device refuses it with exception 2$"),
    ],
)
def test_a_dead_or_garbled_line_is_an_error_that_names_port_relay_and_what_came(
    answer: str, kind: type[Exception], message: str
) -> None:
    peer = ScriptedLine((READ, ALL_OPEN), (CLOSE_THIRD, answer), (READ, THIRD_CLOSED))
    card = peer.card()
    with pytest.raises(kind, match=f"{NAMED}.*{message}"):
        card.close_channel(3)
    assert card.is_closed(3), "the next question gets its own answer"
    assert (peer.deviations, peer.script) == ([], [])


def test_what_comes_too_late_is_not_taken_for_the_next_answer() -> None:
    peer = ScriptedLine((READ, ALL_OPEN), (READ, ""), (READ, THIRD_CLOSED))
    card = peer.card()
    with pytest.raises(InstrumentTimeoutError):
        card.is_closed(3)
    peer.kernel.at(peer.kernel.now + 50_000_000, lambda: peer.line.write(bytes.fromhex(ALL_OPEN)))
    assert card.is_closed(3)


def test_an_answer_may_come_in_pieces() -> None:
    peer = ScriptedLine((READ, "01|01 01|04 50|4B"))
    peer.card()
    assert peer.deviations == []


@pytest.mark.parametrize(
    ("verb", "script", "message"),
    [
        (
            lambda card: card.close_channel(3),
            [(CLOSE_THIRD, CLOSE_THIRD), (READ, ALL_OPEN)],
            NAMED + "but it reads back open$",
        ),
        (
            lambda card: card.open_all(),
            [("01 0F 00 00 00 08 01 00 FE 95", "01 0F 00 00 00 08 54 0D"), (READ, THIRD_CLOSED)],
            r"told all relays to open, but it reads back as closed: \[3\]$",
        ),
    ],
)
def test_what_reads_back_otherwise_is_an_error(
    verb: Callable[[ModbusRelayCard], Any], script: list[tuple[str, str]], message: str
) -> None:
    peer = ScriptedLine((READ, ALL_OPEN), *script)
    card = peer.card()
    with pytest.raises(InstrumentError, match=message):
        verb(card)
    assert peer.deviations == []


def test_a_broken_stream_is_an_error_of_the_instrument(wire: Wire) -> None:
    clock = WallClock()
    stream = SerialStream(wire.ports[0], 9600, clock)
    session = ModbusSession(stream, clock, role="relays", address=wire.ports[0], unit=1, timeout=Duration(5))
    stream.close()
    with pytest.raises(
        InstrumentError, match=r"relays \(/dev/.*, unit 1\): asked for its relays; .* is closed; 8 bytes"
    ):
        open_serial_driver("modbus-relay-card", session)


@pytest.mark.parametrize("channel", [0, 9, 101])
def test_a_relay_that_is_not_there_is_named_and_nothing_is_sent(channel: int) -> None:
    peer = ScriptedLine((READ, ALL_OPEN))
    card = peer.card()
    for verb in (card.close_channel, card.open_channel, card.is_closed):
        with pytest.raises(RigFileError, match=f"relays: no relay {channel}; there are 1 to 8"):
            verb(channel)
    assert peer.deviations == []


# What holds for every driver on a serial line, on its simulated instrument

VERBS: list[Callable[[SwitchMatrix], object]] = [
    lambda card: card.close_channel(1),
    lambda card: card.open_channel(1),
    lambda card: card.is_closed(1),
    lambda card: card.open_all(),
    lambda card: card.errors(),
]


class Rig:
    def __init__(self, model: str) -> None:
        self.kernel = Kernel()
        self.relay = Plant(self.kernel).relay("KL15")
        self.simulated: SimulatedCard = build_relay_card("relays", model, self.kernel, {1: self.relay})
        session = ModbusSession(
            self.simulated.line, self.kernel, role="relays", address="simulated", unit=1, timeout=Duration(2)
        )
        self.driver = open_serial_driver(model, session)
        assert isinstance(self.driver, SwitchMatrix)
        self.card: SwitchMatrix = self.driver


@pytest.fixture(params=sorted(SERIAL_DRIVERS))
def rig(request: pytest.FixtureRequest) -> Rig:
    return Rig(request.param)


def test_every_driver_has_a_simulated_instrument() -> None:
    assert SERIAL_DRIVERS.keys() == RELAY_CARDS.keys()


def test_a_relay_has_moved_when_its_verb_returns(rig: Rig) -> None:
    seen = []
    for verb in (rig.card.close_channel, rig.card.open_channel, rig.card.close_channel, lambda _: rig.card.open_all()):
        verb(1)
        seen.append((rig.relay.closed, rig.card.is_closed(1), rig.card.is_closed(2)))
    assert seen == [(True, True, False), (False, False, False)] * 2


@pytest.mark.parametrize("fault", InstrumentFault)
def test_a_fault_is_an_error_for_every_verb_and_ends_with_it(rig: Rig, fault: InstrumentFault) -> None:
    for verb in VERBS:
        rig.simulated.fault = fault
        with pytest.raises(InstrumentError, match=r"^relays \(simulated, unit 1\): (asked|told) .*came"):
            verb(rig.card)
        rig.simulated.fault = None
        verb(rig.card)
