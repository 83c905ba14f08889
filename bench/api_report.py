"""What the measurements of the API show: their tables, and the targets that they are to meet."""

from collections.abc import Iterator, Sequence

from bench.api import API, CONNECTIONS, NO_SQS, PROJECT_API, SINGLE_SENDS, TARGETED_CONNECTIONS, Endpoint, api_case
from bench.measurements import Results
from bench.tables import Column, Table, cells, median, total, with_range
from bench.targets import Relation, Target

_COLUMNS: Sequence[Column] = (
    ("accepted/s", with_range, "requests_per_second"),
    ("p50, ms", median, "p50_ms"),
    ("p95", median, "p95_ms"),
    ("p99", with_range, "p99_ms"),
    ("sends a task", median, "sends_per_task"),
    ("API CPU, µs a task", with_range, "api_cpu_us"),
    ("LocalStack CPU", median, "broker_cpu_us"),
    ("peak memory, MB", median, "peak_mb"),
    ("lost", total, "lost"),
    ("duplicated", total, "duplicated"),
)
_TARGETS: Sequence[tuple[str, str, Endpoint, Relation, float]] = (
    ("API at 64 connections, of one SendMessage a request's", "requests_per_second", SINGLE_SENDS, "≥", 5),
    ("API's p99 at 64 connections, of one SendMessage a request's", "p99_ms", SINGLE_SENDS, "≤", 1),
    ("API at 64 connections, of the endpoint's without SQS", "requests_per_second", NO_SQS, "≥", 0.75),
)
_TARGETED_CASE = api_case(TARGETED_CONNECTIONS)


def api_tables(results: Results) -> Iterator[Table]:
    """The table of the API's measurements: a row for each endpoint at each number of connections."""
    api = results.of(API)
    rows = [
        [f"{system}, {case}", *cells(api, system, case, _COLUMNS)]
        for case in map(api_case, CONNECTIONS)
        if case in api.cases()
        for system in api.systems()
        if api.spread(system, "requests_per_second", case)
    ]
    yield Table("The API under load", ["endpoint", *(heading for heading, _, _ in _COLUMNS)], rows)


def api_targets(results: Results) -> Iterator[Target]:
    """The API's targets whose figures were measured."""
    api = results.of(API)
    for what, figure, other, relation, limit in _TARGETS:
        ratio = api.ratio(PROJECT_API.name, other.name, figure, _TARGETED_CASE)
        if ratio is not None:
            yield Target(what, ratio, relation, limit)
