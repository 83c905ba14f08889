"""What a run has shown, for the terminal and for the document: its targets, then its tables."""

from collections.abc import Iterator

from bench.api_report import api_tables, api_targets
from bench.builds_report import builds_tables, builds_targets
from bench.callback_clients import callback_client_tables
from bench.measurements import Results
from bench.overhead import overhead_tables, overhead_targets
from bench.tables import Table, bench_tables, growth_tables
from bench.targets import bench_targets, growth_targets, targets_table


def bench_report(results: Results) -> Iterator[Table]:
    """Give the tables of `make bench`."""
    yield targets_table(
        [
            *bench_targets(results),
            *overhead_targets(results),
            *api_targets(results),
            *builds_targets(results),
        ]
    )
    yield from builds_tables(results)
    yield from bench_tables(results)
    yield from overhead_tables(results)
    yield from api_tables(results)
    yield from callback_client_tables(results)


def growth_report(results: Results) -> Iterator[Table]:
    """Give the tables of `make bench-growth`."""
    yield targets_table(growth_targets(results))
    yield from growth_tables(results)
