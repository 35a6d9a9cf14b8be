"""Opens CAN adapters through python-can.

This is the only module that makes a `can.Bus`.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import can

from harness.errors import BusError
from harness.transports.bench_can import CONTROLLER_STATE, BenchCanChannel
from harness.transports.socketcand_bus import UNKNOWN, SocketcandBus

if TYPE_CHECKING:
    from harness.transports.wall_clock import WallClock

SOCKETCAND = "socketcand"
ECHOING = frozenset({"kvaser", "neovi", "nixnet", "pcan", "socketcan", "vector", "virtual"})
"""Interfaces of python-can that hand back what they have sent, by its own source: they know `receive_own_messages`."""

_TELLING_STATE = frozenset({"etas", "ixxat", "systec"})
"""Interfaces whose `state` is the controller's; that of all others is what was asked for when they were opened."""
_UNTOLD = ("error counters", "frames lost in its queue")
"""What python-can's buses have no way to tell."""

Parameters = Mapping[str, str | int | float | bool]


def open_can_channel(
    name: str, interface: str, channel: str | int, parameters: Parameters, *, bitrate: int, clock: "WallClock"
) -> BenchCanChannel:
    """Open an adapter; no file or variable of the environment changes what is asked for.

    Args:
        name: of the bus.
        interface: python-can's name.
        channel: as that interface numbers or names it.
        parameters: what else it needs.
        bitrate: bits per second.
        clock: of the rig.

    Raises:
        BusError: the adapter is not there, its driver is missing or it refuses a parameter.
    """
    place = f"bus {name}: cannot open {interface} channel {channel!r}"
    try:
        if interface == SOCKETCAND:
            return BenchCanChannel(name, _socketcand(str(channel), parameters), clock, echoes=False, untold=UNKNOWN)
        echoes = {"receive_own_messages": True} if interface in ECHOING else {}
        given: dict[str, Any] = {"bitrate": bitrate, **echoes, **parameters}
        bus = can.Bus(interface=interface, channel=channel, ignore_config=True, **given)
    except (can.CanError, NotImplementedError, OSError, ImportError) as error:
        raise BusError(f"{place}: {error}") from error
    except (
        TypeError,
        ValueError,
        AttributeError,
        NameError,
    ) as error:  # drivers that are missing, and wrong parameters
        raise BusError(f"{place}: {type(error).__name__}: {error}") from error
    untold = _UNTOLD if interface in _TELLING_STATE else (CONTROLLER_STATE, *_UNTOLD)
    return BenchCanChannel(name, bus, clock, echoes=bool(echoes), untold=untold)


def _socketcand(channel: str, parameters: Parameters) -> SocketcandBus:
    wanted = dict(parameters)
    with suppress(KeyError, ValueError):
        host, port = str(wanted.pop("host")), int(wanted.pop("port"))
        if not wanted:
            return SocketcandBus(channel, host, port)
    raise ValueError(f"socketcand needs the parameters host and port, and no others, not {dict(parameters)}")
