"""Encoding and decoding of a message as one function, generated from its facts.

The source of the generated functions is made of numbers and of names of our own only: whatever a database says
reaches them as a value, never as code.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from harness.protocols.database import Message

Encoder = Callable[[Mapping[str, float]], bytes]
Decoder = Callable[[bytes], dict[str, int | float]]


def encoder(message: "Message") -> Encoder:
    """Return the function that turns a value for each signal, in its unit, into the frame's data."""
    return cast("Encoder", _compile(message, _encode_source(message)))


def decoder(message: "Message") -> Decoder:
    """Return the function that turns a frame's data into a value for each signal, in its unit."""
    return cast("Decoder", _compile(message, _decode_source(message)))


def _compile(message: "Message", source: str) -> object:
    names = {f"name{index}": name for index, name in enumerate(message.signals)}
    short = f"{message.name} has {message.length} bytes; a frame of it is shorter"
    namespace: dict[str, object] = {**names, "short": short, "from_bytes": int.from_bytes}
    exec(source, namespace)  # noqa: S102  see the head of this file
    return namespace["function"]


def _encode_source(message: "Message") -> str:
    parts: dict[bool, list[str]] = {True: [], False: []}
    for index, signal in enumerate(message.signals.values()):
        value = f"values[name{index}]"
        value = f"({value} - {signal.offset!r})" if signal.offset else value
        # Half the price of `round()`, which looks this method up with each call.
        value = f"({value} / {signal.factor!r}).__round__()" if signal.factor != 1 else f"{value}.__round__()"
        parts[signal.big_endian].append(f"({value} & {(1 << signal.length) - 1}) << {signal.shift}")
    whole = {
        order: f"({' | '.join(terms)}).to_bytes({message.length}, '{'big' if order else 'little'}')"
        for order, terms in parts.items()
        if terms
    }
    if not whole:
        body = f"return bytes({message.length})"
    elif len(whole) == 1:
        body = f"return {next(iter(whole.values()))}"
    else:
        body = (
            f"return (from_bytes({whole[True]}, 'big') | from_bytes({whole[False]}, 'big'))"
            f".to_bytes({message.length}, 'big')"
        )
    return f"def function(values):\n    {body}\n"


def _decode_source(message: "Message") -> str:
    orders = {signal.big_endian for signal in message.signals.values()}
    lines = [
        f"    if len(data) != {message.length}:",
        f"        if len(data) < {message.length}: raise ValueError(short)",
        f"        data = data[:{message.length}]",
    ]
    if True in orders:
        lines.append("    big = from_bytes(data, 'big')")
    if False in orders:
        lines.append("    little = from_bytes(data, 'little')")
    items = []
    for index, signal in enumerate(message.signals.values()):
        mask = (1 << signal.length) - 1
        value = f"({'big' if signal.big_endian else 'little'} >> {signal.shift} & {mask})"
        if signal.signed:
            sign = 1 << signal.length - 1
            value = f"(({value} ^ {sign}) - {sign})"
        if signal.factor != 1:
            value += f" * {signal.factor!r}"
        if signal.offset:
            value += f" + {signal.offset!r}"
        items.append(f"name{index}: {value}")
    lines.append(f"    return {{{', '.join(items)}}}")
    return "def function(data):\n" + "\n".join(lines) + "\n"
