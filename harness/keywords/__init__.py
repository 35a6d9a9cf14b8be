"""The keywords, one small class a topic."""
