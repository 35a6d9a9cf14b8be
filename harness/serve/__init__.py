"""The simulated world in wall time behind real sockets, for any real program."""
