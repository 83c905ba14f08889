"""What the measurements of the API show: their tables, and the targets that they are to meet."""

from collections.abc import Iterator, Sequence

from bench.api import API, CONNECTIONS, NO_SQS, PROJECT_API, SINGLE_SENDS, api_case
from bench.results import Summary
from bench.tables import Column, Table, median, number, total, with_range
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


def api_tables(summary: Summary) -> Iterator[Table]:
    """The table of the API's measurements: a row for each endpoint at each number of connections."""
    rows = [
        [f"{system}, {case}", *_cells(summary, system, case)]
        for case in map(api_case, CONNECTIONS)
        if case in summary.cases(API)
        for system in summary.systems(API)
    ]
    yield Table("The API under load", ["endpoint", *(heading for heading, _, _ in _COLUMNS)], rows)


def _cells(summary: Summary, system: str, case: str) -> Iterator[str]:
    for _, write, figure in _COLUMNS:
        spread = summary.spread(API, system, figure, case)
        yield write(spread) if spread else ""


def api_targets(summary: Summary) -> Iterator[Target]:
    """The API's targets whose figures were measured."""
    own, bare, single = (_at_64(summary, each.name) for each in (PROJECT_API, NO_SQS, SINGLE_SENDS))
    if own and single:
        yield Target("API at 64 connections, of one SendMessage a request's", own[0] / single[0], "≥", 4)
        yield Target(f"its p99 in ms; that of one SendMessage a request is {number(single[1])}", own[1], "≤", single[1])
    if own and bare:
        yield Target("API at 64 connections, of the endpoint's without SQS", own[0] / bare[0], "≥", 0.5)


def _at_64(summary: Summary, system: str) -> tuple[float, float] | None:
    """Return the rate and the p99."""
    rate = summary.median(API, system, "requests_per_second", _TARGETED_CASE)
    p99 = summary.median(API, system, "p99_ms", _TARGETED_CASE)
    return None if rate is None or p99 is None else (rate, p99)
