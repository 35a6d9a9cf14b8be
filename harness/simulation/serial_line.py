"""The serial console of a simulated ECU: bytes both ways, in no time."""

from collections.abc import Callable

from harness.simulation.kernel import Kernel


class SerialLine:
    """One end is the ECU's, `write` and `on_receive`; the other one is the tester's, a stream of bytes."""

    def __init__(self, kernel: Kernel) -> None:
        self.on_receive: Callable[[bytes], None] = lambda _: None
        """What the ECU does with bytes that the tester has sent."""
        self._kernel = kernel
        self._listeners: list[Callable[[bytes, int], None]] = []

    @property
    def uncertainty(self) -> float:
        """Seconds that bytes may have been held up: they never are."""
        return 0.0

    def write(self, data: bytes) -> None:
        """Send bytes from the ECU to whoever listens."""
        for listener in tuple(self._listeners):
            listener(data, self._kernel.now)

    def send(self, data: bytes) -> None:
        """Send bytes to the ECU."""
        self.on_receive(data)

    def listen(self, listener: Callable[[bytes, int], None]) -> Callable[[], None]:
        """Call `listener` with all that the ECU sends from now on, and the rig time; return what ends that."""
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop

    def problems(self) -> list[str]:
        """Return what is wrong with the line: nothing ever is."""
        return []

    def close(self) -> None:
        """Let nobody listen any more."""
        self._listeners.clear()
