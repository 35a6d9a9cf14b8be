"""What holds for all tests."""

import signal


def pytest_configure() -> None:
    """Let no process that a test starts ignore that its terminal is closed, as it would where nohup has started all."""
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)  # ignored here as before; a new process has the default
