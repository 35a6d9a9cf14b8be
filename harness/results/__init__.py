"""What a run leaves behind: measurements, verdicts, reports."""
