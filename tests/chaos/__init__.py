"""The fault-injection suite: `make chaos` runs the real stack under load and faults, and accounts for every 200."""
