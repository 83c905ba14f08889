"""docs/scaling.md and docs/aws.md: their tables are computed, their sentences are not."""

from collections.abc import Callable, Mapping
from pathlib import Path

from bench.markdown_region import replace_region
from bench.scaling import capacity_tables, cost_tables, ways_tables
from stack.config import ROOT

Regions = Mapping[str, Callable[[], str]]

_SCALING: Regions = {
    "full batches": cost_tables.full_batches_table,
    "requests": cost_tables.requests_table,
    "waits": cost_tables.waits_table,
    "cost": cost_tables.cost_table,
    "spread": cost_tables.spread_table,
    "standing": cost_tables.standing_table,
    "payload": cost_tables.payload_table,
    "round trips": capacity_tables.round_trips_table,
    "concurrency": capacity_tables.concurrency_table,
    "signals": capacity_tables.signals_table,
    "example": capacity_tables.example_table,
    "in flight": capacity_tables.in_flight_table,
}

_AWS: Regions = {
    "million": ways_tables.million_table,
    "month": ways_tables.month_table,
    "idle": ways_tables.idle_table,
    "at once": ways_tables.at_once_table,
    "invocations": ways_tables.invocations_table,
}

DOCUMENTS: Mapping[Path, Regions] = {ROOT / "docs" / "scaling.md": _SCALING, ROOT / "docs" / "aws.md": _AWS}


def render(text: str, regions: Regions) -> str:
    """Return the document with its regions computed anew."""
    for name, content in regions.items():
        text = replace_region(text, name, content())
    return text
