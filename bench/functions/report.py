"""What `make bench-functions` shows: its targets, then its tables."""

from collections.abc import Iterator, Sequence
from math import fsum

from bench.functions.steps import (
    API_REQUESTS,
    COLD_START,
    IMPORTS,
    PACKAGE,
    WITH_BYTECODE,
    WITHOUT_BYTECODE,
    WORKER_BATCHES,
    batch_case,
)
from bench.measurements import Results, Summary
from bench.systems import PROJECT
from bench.tables import Column, Table, by_case, by_system, cells, median, number, with_range
from bench.targets import Target, targets_table

MOST_OF_POLLER = 1.5
MOST_GROWTH = 1.1
TARGETED_BATCH = 10
LARGEST_PARTS = 10

_OTHERS, _ALL = "others", "all"

_REQUEST_COLUMNS: Sequence[Column] = (
    ("ms p50", with_range, "ms_p50"),
    ("p95", median, "ms_p95"),
    ("CPU, ms p50", with_range, "cpu_ms_p50"),
    ("p95", median, "cpu_ms_p95"),
    ("SQS requests", median, "requests_per_task"),
    ("memory after INIT, MB", median, "rss_mb.init"),
    ("after 20 requests", median, "rss_mb.warm"),
    ("at the end", median, "rss_mb.end"),
)
_BATCH_COLUMNS: Sequence[Column] = (
    ("ms p50", with_range, "ms_p50"),
    ("p95", median, "ms_p95"),
    ("CPU, ms p50", with_range, "cpu_ms_p50"),
    ("p95", median, "cpu_ms_p95"),
    ("CPU, ms a task", median, "cpu_ms_per_task"),
    ("of a worker that polls", median, "poller_cpu_ms_per_task"),
    ("ratio", with_range, "of_poller"),
    ("SQS requests a task", median, "requests_per_task"),
    ("memory at the end, MB", median, "rss_mb.end"),
)
_STARTS: Sequence[tuple[str, str]] = (("", WITH_BYTECODE), (", without bytecode", WITHOUT_BYTECODE))
_START_COLUMNS: Sequence[Column] = (
    ("CPU, ms", with_range, "init_cpu_ms"),
    ("time, ms", median, "init_ms"),
    ("memory, MB", median, "rss_mb"),
)
_PACKAGE_COLUMNS: Sequence[Column] = (
    ("zipped, MB", median, "zipped_mb"),
    ("unzipped", median, "unzipped_mb"),
    ("of it bytecode", median, "bytecode_mb"),
)


def functions_report(results: Results) -> Iterator[Table]:
    """Give the tables of `make bench-functions`."""
    yield targets_table(functions_targets(results))
    yield by_system("The API: a POST of a task", results.of(API_REQUESTS), _REQUEST_COLUMNS)
    batches = results.of(WORKER_BATCHES)
    yield by_case("A worker, beside one that polls", "a batch of", batches, _BATCH_COLUMNS)
    yield cold_starts(results.of(COLD_START))
    yield loaded_parts(results.of(IMPORTS))
    yield by_system("The package", results.of(PACKAGE), _PACKAGE_COLUMNS)


def functions_targets(results: Results) -> list[Target]:
    """The targets whose figures were measured."""
    return [*_batch_targets(results.of(WORKER_BATCHES)), *_memory_targets(results.of(API_REQUESTS))]


def _batch_targets(batches: Summary) -> Iterator[Target]:
    ratio = batches.median(PROJECT.name, "of_poller", batch_case(TARGETED_BATCH))
    if ratio is not None:
        what = f"CPU a task of a function with {TARGETED_BATCH} records, of a worker's that polls"
        yield Target(what, ratio, "≤", MOST_OF_POLLER)


def _memory_targets(requests: Summary) -> Iterator[Target]:
    warm, end = (requests.median(PROJECT.name, f"rss_mb.{when}") for when in ("warm", "end"))
    if warm and end:
        yield Target("memory of the API's function at the end, of that after 20 requests", end / warm, "≤", MOST_GROWTH)


def cold_starts(summary: Summary) -> Table:
    """Return the table of INIT: a row for each function, with bytecode and without."""
    columns = [f"{heading}{how}" for how, _ in _STARTS for heading, _, _ in _START_COLUMNS]
    rows = [
        [name, *(cell for _, case in _STARTS for cell in cells(summary, name, case, _START_COLUMNS))]
        for name in summary.systems()
    ]
    return Table("A cold start: INIT, from the unzipped package", ["function", *columns], rows)


def loaded_parts(summary: Summary) -> Table:
    """Return the table of what is loaded: the parts that are among the largest of a handler, the others together."""
    handlers = summary.systems()
    times = {handler: _parts_of(summary, handler) for handler in handlers}
    largest = {part for parts in times.values() for part in _largest(parts)}
    known = sorted(largest, key=lambda part: max(parts.get(part, 0) for parts in times.values()), reverse=True)
    rows = [[part, *(_time(times[handler].get(part)) for handler in handlers)] for part in known]
    # By fsum, so that each Python rounds it to the same: since 3.12 sum() of floats is another one.
    others = [fsum(each for part, each in times[handler].items() if part not in largest) for handler in handlers]
    rows += [[_OTHERS, *map(number, others)], [_ALL, *(number(fsum(times[handler].values())) for handler in handlers)]]
    return Table("What a handler loads, ms of its own", ["part", *handlers], rows if handlers else [])


def _parts_of(summary: Summary, handler: str) -> dict[str, float]:
    prefix = "ms."
    medians = {name: summary.median(handler, name) for name in summary.figures(prefix)}
    return {name.removeprefix(prefix): value for name, value in medians.items() if value is not None}


def _largest(parts: dict[str, float]) -> list[str]:
    return sorted(parts, key=lambda part: parts[part], reverse=True)[:LARGEST_PARTS]


def _time(milliseconds: float | None) -> str:
    return "" if milliseconds is None else number(milliseconds)
