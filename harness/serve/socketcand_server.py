"""CAN buses on TCP by the protocol of socketcand in raw mode, as python-can's interface `socketcand` speaks it.

Source: linux-can/socketcand, doc/protocol.md; for the format of frames in raw mode, where it differs, src/state_raw.c.
What is not understood or cannot be done is answered `< error ... >`; socketcand leaves most of it unanswered.
"""

import asyncio
import re
from collections.abc import Mapping
from functools import partial

import can

from harness.clock import MICROSECOND, SECOND
from harness.errors import TestError, unknown_name
from harness.protocols.can_frame import new_frame
from harness.serve.can_client_node import BusNodes, ClientNode
from harness.serve.posts import Posts
from harness.serve.tcp_server import Connection, Talk
from harness.transports.paced_kernel import PacedKernel

LONGEST_MESSAGE = 4096
"""Bytes; the longest message of raw mode has about 50."""
HOLD_BACK = 0.02
"""Seconds that frames wait behind the answer to `rawmode` [P]: a client of python-can that reads both at once gives
up. One that sends something has read the answer."""

_MESSAGE = re.compile(rb"<([^<>]*)>")
_COMMANDS = ("open", "rawmode", "send", "echo")
_BROADCAST_MODE = ("bcmmode", "add", "update", "delete", "filter", "muxfilter", "subscribe", "unsubscribe")
_UNSENDABLE = {"sendrtr": "remote frames", "fdsend": "CAN FD frames"}


def socketcand_talk(buses: Mapping[str, BusNodes], paced: PacedKernel, epoch: int) -> Talk:
    """Return what serves a client of the buses.

    Args:
        buses: by name.
        paced: runs the simulation.
        epoch: time of day at which the simulation began, in nanoseconds since 1970; frames are stamped by it.
    """

    async def talk(connection: Connection) -> None:
        await _Client(connection, buses, paced, epoch).talk()

    return talk


class _Client:
    def __init__(self, connection: Connection, buses: Mapping[str, BusNodes], paced: PacedKernel, epoch: int) -> None:
        self._connection = connection
        self._buses = buses
        self._paced = paced
        self._posts = Posts(paced, connection)
        self._epoch = epoch
        self._node: ClientNode | None = None
        self._is_raw = False
        self._held_back: list[bytes] | None = None

    async def talk(self) -> None:
        self._answer("hi")
        received = b""
        while data := await self._connection.read():
            received += data
            end = 0
            for message in _MESSAGE.finditer(received):
                end = message.end()
                await self._obey(message[1].decode("ascii", "backslashreplace").strip())
            received = received[end:]
            if len(received) > LONGEST_MESSAGE:
                self._connection.drop(f"no message < ... > in {LONGEST_MESSAGE} bytes")
        if self._node:
            self._paced.post(self._node.leave)

    async def _obey(self, message: str) -> None:
        self._let_go()
        command, _, rest = message.partition(" ")
        try:
            if command == "open":
                self._open(rest.strip())
            elif command == "echo":
                self._answer("echo")
            elif command == "rawmode":
                self._enter_raw_mode()
            elif command == "send":
                await self._posts.post(partial(self._opened(command).send, frame_to_send(rest)))
            else:
                self._answer(f"error {_unserved(command)}")
        except TestError as error:
            self._answer(f"error {error}")

    def _open(self, bus: str) -> None:
        if self._node:
            raise TestError("open: a bus is open already; each bus needs a connection of its own")
        if bus not in self._buses:
            self._answer("error could not open bus")
            self._connection.log(unknown_name("bus", bus, self._buses))
            self._connection.close()
            return
        self._node = ClientNode(self._buses[bus], self._hear, self._refuse)
        self._paced.post(self._node.join)
        self._answer("ok")

    def _enter_raw_mode(self) -> None:
        node = self._opened("rawmode")
        if self._is_raw:
            raise TestError("rawmode: this is raw mode already")
        self._is_raw = True
        self._held_back = []
        self._answer("ok")
        asyncio.get_running_loop().call_later(HOLD_BACK, self._let_go)
        self._paced.post(node.forward)

    def _opened(self, command: str) -> ClientNode:
        if self._node is None:
            raise TestError(f"{command}: no bus is open yet")
        return self._node

    def _answer(self, text: str) -> None:
        self._connection.write(f"< {text} >".encode("ascii", "backslashreplace"))

    def _hear(self, frame: can.Message) -> None:
        """Runs on the simulation's thread."""
        self._connection.soon(self._forward, frame_message(frame, self._epoch))

    def _refuse(self, reason: str) -> None:
        """Runs on the simulation's thread."""
        self._connection.soon(self._answer, f"error {reason}")

    def _forward(self, message: bytes) -> None:
        if self._held_back is None:
            self._connection.write(message)
        else:
            self._held_back.append(message)

    def _let_go(self) -> None:
        if self._held_back is not None:
            messages, self._held_back = self._held_back, None
            self._connection.write(b"".join(messages))


def _unserved(command: str) -> str:
    if command in _UNSENDABLE:
        return f"{command}: the bus carries classic data frames only, no {_UNSENDABLE[command]}"
    if command in _BROADCAST_MODE:
        return f"{command}: there is no broadcast mode here, only raw mode"
    return unknown_name("command", command, _COMMANDS)


def frame_message(frame: can.Message, epoch: int) -> bytes:
    """Return how a client is told of a frame: `< frame ID seconds.microseconds DATA >`, data in one piece."""
    seconds, microseconds = divmod((epoch + round(frame.timestamp * SECOND)) // MICROSECOND, 1_000_000)
    identifier = f"{frame.arbitration_id:0{8 if frame.is_extended_id else 3}X}"
    return f"< frame {identifier} {seconds}.{microseconds:06d} {frame.data.hex().upper()} >".encode("ascii")


def frame_to_send(text: str) -> can.Message:
    """Read what stands behind `send`: identifier of 3 or 8 hexadecimal digits, length, bytes with blanks between.

    Raises:
        TestError: this is no classic data frame.
    """
    words = text.split()
    if len(words) < 2:
        raise TestError("send: identifier, length and bytes are needed, such as: send 123 2 0A FF")
    identifier, length, *data = words
    extended = len(identifier) == 8
    if not re.fullmatch(r"[0-9A-Fa-f]{1,3}|[0-9A-Fa-f]{8}", identifier):
        raise TestError(f"send: identifier {identifier!r}; it has 3 hexadecimal digits, an extended one 8")
    number = int(identifier, 16)
    highest = 0x1FFFFFFF if extended else 0x7FF
    if number > highest:
        raise TestError(f"send: identifier {identifier}; the highest is {highest:X}")
    if not re.fullmatch(r"[0-8]", length):
        raise TestError(f"send: length {length!r}; allowed are 0 to 8")
    if len(data) != int(length):
        raise TestError(f"send: {len(data)} bytes of data, but length {length}")
    for byte in data:
        if not re.fullmatch(r"[0-9A-Fa-f]{1,2}", byte):
            raise TestError(f"send: byte {byte!r}; it has 1 or 2 hexadecimal digits")
    return new_frame(number, bytes(int(byte, 16) for byte in data), extended)
