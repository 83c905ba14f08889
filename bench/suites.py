"""The three commands: what each measures, what it shows of that, and where it is kept."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from bench.builds import Builds
from bench.environments import Environment
from bench.functions.report import functions_report
from bench.functions.steps import functions_steps
from bench.growth import growth_steps
from bench.measurements import BENCH_RESULTS, FUNCTIONS_RESULTS, GROWTH_RESULTS, Results
from bench.plan import bench_steps
from bench.plots import draw_bench, draw_growth
from bench.report import bench_report, growth_report
from bench.steps import Step
from bench.systems import CELERY, DRAMATIQ, TASKIQ
from bench.tables import Table


class MakeSteps(Protocol):
    """Makes the steps of one repetition."""

    def __call__(self, *, quick: bool) -> Sequence[Step]:
        """Return all of them, or the small ones of a quick run."""


@dataclass(frozen=True)
class Suite:
    """One of them."""

    name: str
    """Of its region in docs/performance.md."""
    steps: MakeSteps
    repetitions: int
    report: Callable[[Results], Iterator[Table]]
    draw: Callable[[Results, Path], list[Path]]
    kept: Path
    """Its results, as of the last whole run."""
    packages: Sequence[str] = ("aioboto3", "aiohttp", "fastapi", "httpx2", "uvicorn", "uvloop")
    """Of this project's own those whose versions are reported."""
    peers: Sequence[Environment] = (CELERY, TASKIQ, DRAMATIQ)
    """Those that take part, whose versions are reported too."""
    longest_seconds: float = 570
    """No step begins later. Those that have begun are ended, so the whole takes a little longer."""


_BASELINE_SECONDS = 120


def _draw_nothing(_results: Results, _directory: Path) -> list[Path]:
    return []


BENCH = Suite("bench", bench_steps, 5, bench_report, draw_bench, BENCH_RESULTS)
GROWTH = Suite("growth", growth_steps, 1, growth_report, draw_growth, GROWTH_RESULTS)
FUNCTIONS = Suite(
    "functions",
    functions_steps,
    5,
    functions_report,
    _draw_nothing,
    FUNCTIONS_RESULTS,
    packages=("awslambdaric", "mangum", "aioboto3", "aiohttp", "fastapi", "pydantic", "uvloop"),
    peers=(),
)


def bench_with(builds: Builds) -> Suite:
    """Return `make bench` with other builds of this project among the systems; a baseline has time of its own."""

    def steps(*, quick: bool) -> Sequence[Step]:
        return bench_steps(builds, quick=quick)

    seconds = BENCH.longest_seconds + (_BASELINE_SECONDS if builds.baseline else 0)
    return replace(BENCH, steps=steps, longest_seconds=seconds)
