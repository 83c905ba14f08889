"""What other builds of this project show beside it: their tables, and the targets against an earlier commit."""

from collections.abc import Iterator, Sequence

from bench.api import API, TARGETED_CONNECTIONS, api_case
from bench.builds import commit_of, python_of
from bench.measurements import Results
from bench.statistics import Spread
from bench.steps import WHOLE_PATH, WORKER
from bench.systems import PROJECT
from bench.tables import Row, Table, with_range
from bench.targets import Target

Figure = tuple[str, str, str, str]
"""What it is called, and where it is found: its scenario, its name, its case."""

_AT_64 = api_case(TARGETED_CONNECTIONS)
_WORKER_CPU: Figure = ("worker CPU, s per 1000 tasks", WORKER, "cpu_s_per_1000.worker", "")
_WORKER_MEMORY: Figure = ("worker's peak memory, MB", WORKER, "peak_mb.worker", "")
_API_CPU: Figure = (f"API CPU at {_AT_64}, µs a task", API, "api_cpu_us", _AT_64)
_API_P99: Figure = (f"API's p99 at {_AT_64}, ms", API, "p99_ms", _AT_64)

_FIGURES: Sequence[Figure] = (
    ("worker drain, tasks/s", WORKER, "tasks_per_second", ""),
    _WORKER_CPU,
    _WORKER_MEMORY,
    ("submit → callback, idle p50, ms", WORKER, "idle_p50_ms", ""),
    ("carries, tasks/s", WORKER, "carried_per_second", ""),
    (f"API at {_AT_64}, accepted/s", API, "requests_per_second", _AT_64),
    _API_CPU,
    _API_P99,
    ("API's peak memory, MB", API, "peak_mb", _AT_64),
    ("whole path, tasks/s", WHOLE_PATH, "tasks_per_second", ""),
    ("whole path, idle p50, ms", WHOLE_PATH, "idle_p50_ms", ""),
    ("whole path, half load p50, ms", WHOLE_PATH, "half_p50_ms", ""),
)
_MOST_OF_BASELINE: Sequence[tuple[str, Figure, float]] = (
    ("worker CPU a task", _WORKER_CPU, 0.7),
    ("worker's peak memory", _WORKER_MEMORY, 1),
    ("API CPU an accepted task, at 64 connections", _API_CPU, 0.75),
    ("API's p99 at 64 connections", _API_P99, 1),
)


def builds_tables(results: Results) -> Iterator[Table]:
    """A table for each other build that was measured."""
    for system in _systems(results):
        if commit := commit_of(system):
            yield _beside(f"Against {commit}", results, ("this project", PROJECT.name), (f"at {commit}", system))
        elif python := python_of(system):
            yield _of_pythons(results, (python, system))


def builds_targets(results: Results) -> Iterator[Target]:
    """The targets against an earlier commit, where one was measured."""
    for system in _systems(results):
        if commit := commit_of(system):
            for what, figure, limit in _MOST_OF_BASELINE:
                if ratios := _ratios(results, figure, PROJECT.name, system):
                    yield Target(f"{what}, of that at {commit}", ratios.median, "≤", limit)


def _systems(results: Results) -> list[str]:
    return list(dict.fromkeys(measurement.system for measurement in results.measurements))


def _of_pythons(results: Results, other: tuple[str, str]) -> Table:
    """Return the table of this project on the Python of the run and on another: the newer one first."""
    running = ".".join(results.surroundings.versions["Python"].split(".")[:2])
    newer, older = sorted([(running, PROJECT.name), other], key=lambda each: _as_numbers(each[0]), reverse=True)
    title = f"Python {newer[0]} beside {older[0]}"
    return _beside(title, results, (f"Python {newer[0]}", newer[1]), (f"Python {older[0]}", older[1]))


def _as_numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _beside(title: str, results: Results, first: tuple[str, str], second: tuple[str, str]) -> Table:
    """Return the table of two systems, each with its heading: a row for each figure that both have."""
    rows = [row for figure in _FIGURES if (row := _row(results, figure, first[1], second[1]))]
    return Table(title, ["", first[0], second[0], "ratio within a repetition"], rows)


def _row(results: Results, figure: Figure, first: str, second: str) -> Row | None:
    what, scenario, name, case = figure
    summary = results.of(scenario)
    spreads = (
        summary.spread(first, name, case),
        summary.spread(second, name, case),
        _ratios(results, figure, first, second),
    )
    return [what, *(with_range(spread) for spread in spreads if spread)] if all(spreads) else None


def _ratios(results: Results, figure: Figure, first: str, second: str) -> Spread | None:
    _, scenario, name, case = figure
    return results.of(scenario).ratios(first, second, name, case)
