"""How fast the harness is, beside what else there is: `make bench`."""
