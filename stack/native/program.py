"""A program of a native stack."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Program:
    """One process of the stack."""

    name: str
    command: list[str]
    health_url: str
    """Answers 200 while the program does its work; of a broker that is not LocalStack, where it speaks SQS."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What it has beyond the environment that all share."""
    stop_signal: Literal["TERM", "KILL"] = "TERM"
    """KILL goes to the processes that it has begun too, as it can end none of them."""
    stop_seconds: int = 10
    """It is killed when it has not ended this long after the stop signal."""
