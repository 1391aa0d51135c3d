"""The pure core: what the program says and what follows from it. Reads no clock and no store."""
