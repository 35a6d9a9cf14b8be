"""What holds for all tests."""

import signal


def pytest_configure() -> None:
    """Take signals to stop as a program in the foreground does: in the background, or under nohup, they are ignored.

    Processes that tests start have the defaults then, and tests can interrupt themselves.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)  # ignored here as before
