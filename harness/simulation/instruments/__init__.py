"""SCPI instruments as their manuals describe them, one a file."""
