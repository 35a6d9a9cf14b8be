"""Models of ECUs, one class a file."""
