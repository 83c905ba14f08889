"""What ends a run with one line instead of a trace."""


class BenchError(Exception):
    """Something could not be measured; its text says what, and where to look."""
