"""Quantities as arguments of keywords: `13.5 V` becomes a `Voltage`, or an error that names the argument.

Robot's own converters are not used. For each call of any keyword Robot works out anew how each converter of its
library is called, which takes longer than the keyword itself.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from inspect import signature
from typing import Any, TypeGuard

from harness.errors import TestError
from harness.quantities import Quantity


def shown_types(types: Mapping[str, object]) -> dict[str, object]:
    """Return annotations as Robot is told of them: quantities by name, which it shows and leaves alone.

    It would take the classes for the float that they are derived from.
    """
    return {name: kind.__name__ if _is_quantity(kind) else kind for name, kind in types.items()}


def shown_arguments(arguments: Iterable[Any]) -> list[Any]:
    """Return arguments as Robot is told of them: defaults that are quantities as texts.

    Robot converts an argument of unknown type to the type of its default, and a bare `500` would become 500 s.
    """
    return [
        (argument[0], str(argument[1]))
        if isinstance(argument, tuple) and isinstance(argument[-1], Quantity)
        else argument
        for argument in arguments
    ]


def reads_quantities(keyword: Callable[..., Any], types: Mapping[str, object]) -> Callable[..., Any]:
    """Return the keyword with its quantities read; as it is when it takes none.

    Args:
        keyword: takes quantities as its annotations say.
        types: annotations of its arguments, by name.
    """
    quantities = {name: kind for name, kind in types.items() if _is_quantity(kind)}
    if not quantities:
        return keyword
    arguments = signature(keyword)

    @wraps(keyword)
    def read_and_call(*positional: object, **named: object) -> object:
        bound = arguments.bind(*positional, **named)
        for name, kind in quantities.items():
            if name in bound.arguments:
                try:
                    bound.arguments[name] = kind.parse(bound.arguments[name])
                except TestError as error:
                    raise TestError(f"Argument '{name}': {error}") from None
        return keyword(*bound.args, **bound.kwargs)

    return read_and_call


def _is_quantity(kind: object) -> TypeGuard[type[Quantity]]:
    return isinstance(kind, type) and issubclass(kind, Quantity)
