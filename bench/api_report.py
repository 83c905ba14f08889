"""What the measurements of the API show: their tables, and the targets that they are to meet."""

from collections.abc import Iterator, Sequence

from bench.api import API, CONNECTIONS, NO_SQS, PROJECT_API, SINGLE_SENDS, api_case
from bench.results import Results, Summary
from bench.tables import Column, Table, cells, median, total, with_range
from bench.targets import Target

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
_TARGETED_CASE = api_case(64)


def api_tables(results: Results) -> Iterator[Table]:
    """The table of the API's measurements: a row for each endpoint at each number of connections."""
    api = results.of(API)
    rows = [
        [f"{system}, {case}", *cells(api, system, case, _COLUMNS)]
        for case in map(api_case, CONNECTIONS)
        if case in api.cases()
        for system in api.systems()
    ]
    yield Table("The API under load", ["endpoint", *(heading for heading, _, _ in _COLUMNS)], rows)


def api_targets(results: Results) -> Iterator[Target]:
    """The API's targets whose figures were measured."""
    api = results.of(API)
    own, bare, single = (_rate_and_p99(api, each.name) for each in (PROJECT_API, NO_SQS, SINGLE_SENDS))
    if own and single:
        yield Target("API at 64 connections, of one SendMessage a request's", own[0] / single[0], "≥", 4)
        yield Target("API's p99 at 64 connections, of one SendMessage a request's", own[1] / single[1], "≤", 1)
    if own and bare:
        yield Target("API at 64 connections, of the endpoint's without SQS", own[0] / bare[0], "≥", 0.5)


def _rate_and_p99(api: Summary, system: str) -> tuple[float, float] | None:
    rate = api.median(system, "requests_per_second", _TARGETED_CASE)
    p99 = api.median(system, "p99_ms", _TARGETED_CASE)
    return None if rate is None or p99 is None else (rate, p99)
