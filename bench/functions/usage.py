"""What the process of a function has used."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Init:
    """What the start of the process has used, the interpreter and AWS's runtime included."""

    seconds: float
    cpu_seconds: float
    resident_bytes: int


@dataclass(frozen=True, slots=True)
class Invoked:
    """What invocations have taken, each in its turn."""

    seconds: list[float]
    """From the event to the answer."""
    cpu_seconds: list[float]
    """User and system time of the function's process alone."""
    resident_bytes: int
    """Its memory after the last one."""
