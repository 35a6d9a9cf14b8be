"""Roles of instruments and the drivers that fill them."""
