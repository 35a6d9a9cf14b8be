"""Encoding and decoding of a message as one function, generated from its facts.

The source of the generated functions is made of numbers and of names of our own only: whatever a database says
reaches them as a value, never as code.

A frame is taken as words of 16 bits, in either byte order: arithmetic with integers of a whole frame takes a quarter
longer.
"""

from collections.abc import Callable, Mapping
from struct import Struct
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from harness.protocols.database import Message, Signal

Encoder = Callable[[Mapping[str, float]], bytes]
Decoder = Callable[[bytes], dict[str, int | float]]

_WORD_BITS = 16
_WORD = (1 << _WORD_BITS) - 1


def encoder(message: "Message") -> Encoder:
    """Return the function that turns a value for each signal, in its unit, into the frame's data."""
    return cast("Encoder", _compile(message, _encode_source(message)))


def decoder(message: "Message") -> Decoder:
    """Return the function that turns a frame's data into a value for each signal, in its unit."""
    return cast("Decoder", _compile(message, _decode_source(message)))


def _compile(message: "Message", source: str) -> object:
    namespace: dict[str, object] = {
        **{f"name{index}": name for index, name in enumerate(message.signals)},
        "short": f"{message.name} has {message.length} bytes; a frame of it is shorter",
        "from_bytes": int.from_bytes,
    }
    for order in ("big", "little"):
        words = Struct(_word_format(message.length, order))
        namespace |= {f"pack_{order}": words.pack, f"unpack_{order}": words.unpack}
    exec(source, namespace)  # noqa: S102  see the head of this file
    return namespace["function"]


def _word_format(length: int, order: str) -> str:
    """Return the words of a frame for `struct`; of an odd length, the one of the highest bits has half the size."""
    whole, half = "H" * (length // 2), "B" * (length % 2)
    return f">{half}{whole}" if order == "big" else f"<{whole}{half}"


def _word_names(length: int, order: str) -> list[str]:
    """Return the words of a frame in the order in which they stand in it; `word0` has the lowest bits."""
    names = [f"{order}{word}" for word in range((length + 1) // 2)]
    return names[::-1] if order == "big" else names


def _order(signal: "Signal") -> str:
    return "big" if signal.big_endian else "little"


def _encode_source(message: "Message") -> str:
    lines: list[str] = []
    terms: dict[str, list[str]] = {}
    for index, signal in enumerate(message.signals.values()):
        value = f"values[name{index}]"
        value = f"({value} - {signal.offset!r})" if signal.offset else value
        # Half the price of `round()`, which looks this method up with each call.
        value = f"({value} / {signal.factor!r}).__round__()" if signal.factor != 1 else f"{value}.__round__()"
        value = f"({value} & {(1 << signal.length) - 1})"
        word, position = divmod(signal.shift, _WORD_BITS)
        taken = _WORD_BITS - position
        if signal.length > taken:
            lines.append(f"    raw{index} = {value}")
            value = f"raw{index}"
        term = f"{value} << {position}" if position else value
        terms.setdefault(f"{_order(signal)}{word}", []).append(f"{term} & {_WORD}" if signal.length > taken else term)
        for above in range(taken, signal.length, _WORD_BITS):
            word += 1
            terms.setdefault(f"{_order(signal)}{word}", []).append(f"{value} >> {above} & {_WORD}")
    orders = sorted({_order(signal) for signal in message.signals.values()})
    frames = []
    for order in orders:
        words = (" | ".join(terms.get(word, ["0"])) for word in _word_names(message.length, order))
        frames.append(f"pack_{order}({', '.join(words)})")
    if not frames:
        lines.append(f"    return bytes({message.length})")
    elif len(frames) == 1:
        lines.append(f"    return {frames[0]}")
    else:
        both = " | ".join(f"from_bytes({frame}, 'big')" for frame in frames)
        lines.append(f"    return ({both}).to_bytes({message.length}, 'big')")
    return "def function(values):\n" + "\n".join(lines) + "\n"


def _decode_source(message: "Message") -> str:
    lines = [
        f"    if len(data) != {message.length}:",
        f"        if len(data) < {message.length}: raise ValueError(short)",
        f"        data = data[:{message.length}]",
    ]
    lines += [
        f"    {', '.join(_word_names(message.length, order))}, = unpack_{order}(data)"
        for order in sorted({_order(signal) for signal in message.signals.values()})
    ]
    items = []
    for index, signal in enumerate(message.signals.values()):
        word, position = divmod(signal.shift, _WORD_BITS)
        value = f"{_order(signal)}{word}" + (f" >> {position}" if position else "")
        for above in range(_WORD_BITS - position, signal.length, _WORD_BITS):
            word += 1
            value += f" | {_order(signal)}{word} << {above}"
        if (position + signal.length) % _WORD_BITS:
            value = f"({value}) & {(1 << signal.length) - 1}"
        value = f"({value})"
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
