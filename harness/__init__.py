"""Hardware-in-the-loop test harness for connected cars."""

__version__ = "0.1.0"
