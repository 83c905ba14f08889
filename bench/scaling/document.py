"""docs/scaling.md: its tables are computed, its sentences are not."""

from collections.abc import Callable, Mapping

from bench.markdown_region import replace_region
from bench.scaling import capacity_tables, cost_tables
from stack.config import ROOT

DOCUMENT = ROOT / "docs" / "scaling.md"

REGIONS: Mapping[str, Callable[[], str]] = {
    "full batches": cost_tables.full_batches_table,
    "requests": cost_tables.requests_table,
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


def render(text: str, regions: Mapping[str, Callable[[], str]] = REGIONS) -> str:
    """Return the document with its regions computed anew."""
    for name, content in regions.items():
        text = replace_region(text, name, content())
    return text
