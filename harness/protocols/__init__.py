"""Pure codecs and grammars: no I/O and no time of their own."""
