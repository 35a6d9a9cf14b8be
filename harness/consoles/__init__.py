"""Consoles of ECUs: lines of text on the rig's time axis."""
