"""The tables of a run: the same cells for the terminal and for the document."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from bench.growth import GROWTH, PAYLOAD, SLOW_RECEIVER
from bench.measurements import Results, Summary
from bench.statistics import Spread
from bench.steps import WHOLE_PATH, WORKER
from bench.systems import PROJECT

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a heading."""

    title: str
    columns: Row
    rows: Sequence[Row]
    plot: str | None = None
    """The file of the picture that shows it."""


Column = tuple[str, Callable[[Spread], str], str]
"""Its heading, how a figure is written, and which figure."""


def number(value: float) -> str:
    """Write a number with three significant digits, and no more than it has."""
    if value >= 100:  # noqa: PLR2004  # three digits
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.3g}"


def median(spread: Spread) -> str:
    """Write the median."""
    return number(spread.median)


def with_range(spread: Spread) -> str:
    """Write the median, and the least and the most where they differ from it."""
    if spread.least == spread.most:
        return median(spread)
    return f"{number(spread.median)} ({number(spread.least)} to {number(spread.most)})"


def total(spread: Spread) -> str:
    """Write the most that was seen: of what must be zero, a median would hide it."""
    return number(spread.most)


_WORKER_COLUMNS: Sequence[Column] = (
    ("drains, tasks/s", with_range, "tasks_per_second"),
    ("SQS requests a task", median, "requests_per_task"),
    ("worker CPU, s per 1000", with_range, "cpu_s_per_1000.worker"),
    ("peak memory, MB", median, "peak_mb.worker"),
    ("lost", total, "lost"),
    ("duplicated", total, "duplicated"),
)
_LATENCY_COLUMNS: Sequence[Column] = (
    ("idle p50", with_range, "idle_p50_ms"),
    ("p95", median, "idle_p95_ms"),
    ("p99", median, "idle_p99_ms"),
    ("carries, tasks/s", with_range, "carried_per_second"),
    ("at half of it p50", with_range, "half_p50_ms"),
    ("p95", median, "half_p95_ms"),
    ("p99", median, "half_p99_ms"),
)
_WHOLE_PATH_COLUMNS: Sequence[Column] = (
    ("tasks/s", with_range, "tasks_per_second"),
    ("accepted/s", median, "accepted_per_second"),
    ("SQS requests a task", median, "requests_per_task"),
    ("idle p50, ms", with_range, "idle_p50_ms"),
    ("p95", median, "idle_p95_ms"),
    ("p99", median, "idle_p99_ms"),
    ("half load p50, ms", with_range, "half_p50_ms"),
    ("p95", median, "half_p95_ms"),
    ("p99", median, "half_p99_ms"),
    ("HTTP round trip p50, ms", median, "round_trip_p50_ms"),
    ("lost", total, "lost"),
)
_GROWTH_COLUMNS: Sequence[Column] = (
    ("tasks/s", with_range, "tasks_per_second"),
    ("SQS requests a task", median, "requests_per_task"),
    ("worker CPU, s per 1000", median, "cpu_s_per_1000.worker"),
    ("memory at 10 %, MB", median, "rss_mb_at.010"),
    ("at the end", median, "rss_mb_at.100"),
    ("lost", total, "lost"),
)
_SLOW_COLUMNS: Sequence[Column] = (
    ("callbacks/s", with_range, "steady_per_second"),
    ("SQS requests a task", median, "requests_per_task"),
    ("worker CPU, s per 1000", median, "cpu_s_per_1000.worker"),
    ("lost", total, "lost"),
    ("duplicated", total, "duplicated"),
)
_PAYLOAD_COLUMNS: Sequence[Column] = (
    ("tasks/s", with_range, "tasks_per_second"),
    ("sends a task", median, "requests_per_task.SendMessageBatch"),
    ("receives", median, "requests_per_task.ReceiveMessage"),
    ("deletes", median, "requests_per_task.DeleteMessageBatch"),
    ("API CPU, s per 1000", median, "cpu_s_per_1000.API"),
    ("worker CPU, s per 1000", median, "cpu_s_per_1000.worker"),
    ("worker's peak memory, MB", median, "peak_mb.worker"),
    ("lost", total, "lost"),
)


def bench_tables(results: Results) -> Iterator[Table]:
    """The tables of `make bench`."""
    workers, whole_path = results.of(WORKER), results.of(WHOLE_PATH)
    yield by_system("Workers: a filled queue is drained", workers, _WORKER_COLUMNS, "workers.svg")
    yield by_system("Submit to callback, ms", workers, _LATENCY_COLUMNS, "latency.svg")
    yield _by_figure("SQS requests a task, by operation", workers, "requests_per_task.")
    yield _by_figure("CPU seconds per 1000 tasks, by process", workers, "cpu_s_per_1000.")
    yield by_system("The whole path: HTTP POST to callback", whole_path, _WHOLE_PATH_COLUMNS, "whole-path.svg")
    yield _by_figure("The whole path: CPU seconds per 1000 tasks, by process", whole_path, "cpu_s_per_1000.")


def growth_tables(results: Results) -> Iterator[Table]:
    """The tables of `make bench-growth`."""
    yield replace(by_case("Tasks and workers", "case", results.of(GROWTH), _GROWTH_COLUMNS), plot="growth.svg")
    slow = results.of(SLOW_RECEIVER)
    yield by_case("A receiver that takes 1 s to answer", "WORKER_CONCURRENCY", slow, _SLOW_COLUMNS)
    yield by_case("Payloads", "bytes of a request", results.of(PAYLOAD), _PAYLOAD_COLUMNS)


def as_markdown(table: Table) -> Iterator[str]:
    """Return the lines of a table in Markdown, without its title."""
    yield _markdown_row(table.columns)
    yield _markdown_row(["---", *["---:"] * (len(table.columns) - 1)])
    yield from map(_markdown_row, table.rows)


def _markdown_row(row: Row) -> str:
    return f"| {' | '.join(row)} |"


def by_system(title: str, summary: Summary, columns: Sequence[Column], plot: str | None = None) -> Table:
    """Return a table with a row for each system."""
    rows = [[system, *cells(summary, system, "", columns)] for system in summary.systems()]
    return Table(title, ["system", *(heading for heading, _, _ in columns)], rows, plot)


def by_case(title: str, what: str, summary: Summary, columns: Sequence[Column]) -> Table:
    """Return a table of this project with a row for each case."""
    rows = [[case, *cells(summary, PROJECT.name, case, columns)] for case in summary.cases()]
    return Table(title, [what, *(heading for heading, _, _ in columns)], rows)


def _by_figure(title: str, summary: Summary, prefix: str) -> Table:
    """Return a table with a column for each of the figures that begin so."""
    columns = [(name.removeprefix(prefix), median, name) for name in summary.figures(prefix)]
    return by_system(title, summary, columns)


def cells(summary: Summary, system: str, case: str, columns: Sequence[Column]) -> Iterator[str]:
    """Give the cells of a row; one is empty where its figure was not measured."""
    for _, write, figure in columns:
        spread = summary.spread(system, figure, case)
        yield write(spread) if spread else ""
