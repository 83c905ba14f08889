"""What was measured of this project and its peers, on which the computed figures rest."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.api import API, TARGETED_CONNECTIONS, api_case
from bench.builds import commit_of, python_of
from bench.functions.steps import API as API_FUNCTION
from bench.functions.steps import API_REQUESTS, COLD_START, WITH_BYTECODE, WORKER_BATCHES, batch_case
from bench.functions.steps import WORKER as WORKER_FUNCTION
from bench.measurements import BENCH_RESULTS, FUNCTIONS_RESULTS, Results, Summary
from bench.steps import WORKER
from bench.systems import PROJECT

ONE_BY_ONE = "one message at a time, FIFO queue"


@dataclass(frozen=True, slots=True)
class Measured:
    """One worker process draining a full queue of small tasks, sends included."""

    requests_per_task: float
    cpu_seconds_per_task: float
    """Of the worker."""


_TAKEN_BY_HAND: Mapping[str, Measured] = {ONE_BY_ONE: Measured(3.0, 0.0027)}
"""What `make bench` does not run: a worker that takes one message at a time from a FIFO queue, 1000 tasks of two
calculations and a callback, 2 cores, LocalStack 4.14.0, everything on loopback."""


def measured(path: Path = BENCH_RESULTS) -> Mapping[str, Measured]:
    """Return the figures by system: the medians of `make bench`, and what it does not run."""
    drains = Results.load(path).of(WORKER)
    return {
        **_TAKEN_BY_HAND,
        **{
            system: Measured(
                _median(drains, system, "requests_per_task"), _median(drains, system, "cpu_s_per_1000.worker") / 1000
            )
            for system in drains.systems()
            # Another build of this project is no other system.
            if not (commit_of(system) or python_of(system))
        },
    }


def accepted_per_second(path: Path = BENCH_RESULTS) -> float:
    """Return how many tasks one API process accepts, of 64 connections."""
    return _median(Results.load(path).of(API), PROJECT.name, "requests_per_second", api_case(TARGETED_CONNECTIONS))


@dataclass(frozen=True, slots=True)
class MeasuredFunctions:
    """CPU seconds of the functions, one invocation after the other."""

    api_request: float
    batch_of_one: float
    batch_of_ten: float
    api_init: float
    worker_init: float


def measured_functions(path: Path = FUNCTIONS_RESULTS) -> MeasuredFunctions:
    """Return the medians of `make bench-functions`."""
    results = Results.load(path)
    requests, batches, starts = (results.of(scenario) for scenario in (API_REQUESTS, WORKER_BATCHES, COLD_START))

    def init_of(function: str) -> float:
        return _median(starts, function, "init_cpu_ms", WITH_BYTECODE) / 1000

    def batch_of(records: int) -> float:
        return _median(batches, PROJECT.name, "cpu_ms", batch_case(records)) / 1000

    return MeasuredFunctions(
        api_request=_median(requests, PROJECT.name, "cpu_ms") / 1000,
        batch_of_one=batch_of(1),
        batch_of_ten=batch_of(10),
        api_init=init_of(API_FUNCTION),
        worker_init=init_of(WORKER_FUNCTION),
    )


def _median(summary: Summary, system: str, figure: str, case: str = "") -> float:
    median = summary.median(system, figure, case)
    if median is None:
        raise LookupError(f"{figure} of {system} was not measured: run `make bench`")
    return median
