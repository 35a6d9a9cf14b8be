"""The bench side of the seam: channels and instrument sessions."""
