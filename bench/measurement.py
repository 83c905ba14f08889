"""What was measured, as plain records."""

from collections.abc import Mapping
from dataclasses import dataclass

Figures = Mapping[str, float]
"""Numbers by name. A name says its unit: `tasks_per_second`, `idle_p50_ms`, `cpu_s_per_1000.worker`."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run of one system."""

    scenario: str
    """What was done, such as `drain`."""
    system: str
    """Which one did it, such as `Celery, 32 threads`."""
    case: str
    """What else was set, such as `64 connections`; empty where a scenario has one case."""
    repetition: int
    figures: Figures
