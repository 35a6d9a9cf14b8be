"""Where a meter of current is in the plant: in the wire that feeds a net, with a bypass around it or without."""

from math import inf

from harness.simulation.plant import Net, Relay


class SeriesInput:
    """The terminals of a meter of current.

    The bypass is the normally closed contact of a relay: while the relay is at rest, what flows into the net passes the
    meter by. The contact and the meter share the current in no other ratio than all or nothing.
    """

    def __init__(self, net: Net, bypass: Relay | None = None) -> None:
        self._net = net
        self._bypass = bypass
        self._limit = inf
        if bypass is not None:
            bypass.when_switched(lambda _: self._apply())

    @property
    def current(self) -> float:
        """A that flow through the meter now."""
        return 0.0 if self._is_bypassed else self._net.current

    @property
    def in_limit(self) -> bool:
        """Whether the meter holds the current down now."""
        return self._net.in_current_limit

    def limit(self, amperes: float) -> None:
        """Let at most this much flow through the meter from now on; `inf` for a meter without a limit."""
        self._limit = amperes
        self._apply()

    @property
    def _is_bypassed(self) -> bool:
        return self._bypass is not None and not self._bypass.closed

    def _apply(self) -> None:
        self._net.limit_current(inf if self._is_bypassed else self._limit)
