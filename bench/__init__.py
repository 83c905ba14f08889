"""Measures this project beside its peers on the same broker: `python -m bench`, or shorter `make bench`."""
