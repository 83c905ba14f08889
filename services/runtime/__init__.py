"""How a program starts, runs and ends."""
