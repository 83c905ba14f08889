"""What metrics and traces cost: this project's worker with them, beside itself with both off."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import fmean, median

import httpx

from bench.lab import Lab, Running
from bench.loads import Figures, drain
from bench.measurements import Results
from bench.processes import running
from bench.steps import Step
from bench.systems import PROJECT, PROJECT_PYTHON
from bench.tables import Column, Table, by_case, with_range
from bench.targets import Target
from stack.ports import free_port
from stack.readiness import READY, READY_SECONDS, Readiness, http_probe, wait_until_ready

OVERHEAD = "overhead"
METRICS = "metrics on, tracing off"
TRACES_OF_1_IN_100 = "metrics on, tracing on, 1 of 100 traces sampled"
TRACES = "metrics on, tracing on, all traces sampled"

BOTH_OFF = PROJECT.with_settings({"METRICS_ENABLED": "false"})

LEAST_THROUGHPUT = (
    (METRICS, "metrics on", 0.95),
    (TRACES_OF_1_IN_100, "1 of 100 traces sampled", 0.95),
    (TRACES, "all traces sampled", 0.75),
)
"""What is to remain of the rate with both off, by case, and how that is called."""

LONGEST_EXPORT_SECONDS = 30.0
"""Within which the first spans must come: by themselves they are exported every five seconds."""

_THROUGHPUT, _CPU = "tasks_per_second", "cpu_s_per_1000.worker"

_COLUMNS: Sequence[Column] = (
    ("drains, tasks/s", with_range, _THROUGHPUT),
    ("both off", with_range, f"both_off.{_THROUGHPUT}"),
    ("of that", with_range, f"of_both_off.{_THROUGHPUT}"),
    ("worker CPU, s per 1000", with_range, _CPU),
    ("both off", with_range, f"both_off.{_CPU}"),
    ("of that", with_range, f"of_both_off.{_CPU}"),
)

Round = tuple[Figures, Figures]
"""Figures of two drains, one right after the other: with metrics on, and with both off."""


def overhead_steps(*, quick: bool) -> list[Step]:
    """Return the steps of one repetition."""
    # An even number of rounds, so that neither side comes first more often.
    rounds, tasks = (2, 400) if quick else (4, 700)

    def with_metrics(lab: Lab) -> Figures:
        with lab.running(PROJECT) as run, lab.running(BOTH_OFF) as both_off:
            return compare(run, both_off, rounds, tasks)

    def with_traces(sampled_one_of: int) -> Callable[[Lab], Figures]:
        # Both work the same messages.
        messages = {"BENCH_SAMPLED_ONE_OF": str(sampled_one_of)}

        def measure(lab: Lab) -> Figures:
            with running_sink(lab.directory) as sink_url:
                traced = PROJECT.with_settings({"OTEL_EXPORTER_OTLP_ENDPOINT": sink_url, **messages})
                with lab.running(traced) as run, lab.running(BOTH_OFF.with_settings(messages)) as both_off:
                    figures = compare(run, both_off, rounds, tasks)
                    wait_until_ready("The export of spans", partial(_has_exports, sink_url), LONGEST_EXPORT_SECONDS)
            return figures

        return measure

    return [
        Step(OVERHEAD, PROJECT.name, METRICS, with_metrics),
        Step(OVERHEAD, PROJECT.name, TRACES_OF_1_IN_100, with_traces(100)),
        Step(OVERHEAD, PROJECT.name, TRACES, with_traces(1)),
    ]


def overhead_tables(results: Results) -> Iterator[Table]:
    """The table of the overheads."""
    yield by_case("Overhead of metrics and traces: a worker beside itself", "worker", results.of(OVERHEAD), _COLUMNS)


def overhead_targets(results: Results) -> Iterator[Target]:
    """The targets, where their figures were measured."""
    for case, name, least in LEAST_THROUGHPUT:
        kept = results.of(OVERHEAD).median(PROJECT.name, f"of_both_off.{_THROUGHPUT}", case)
        if kept is not None:
            yield Target(f"worker drain with {name}, of its own with both off", kept, "≥", least)


def compare(run: Running, both_off: Running, rounds: int, tasks: int) -> Figures:
    """Drain one after the other, again and again: both stand side by side, each on its own queue.

    What is looked for is less than what the machine's speed changes by from one minute to the next.
    """
    return sum_up([_drain_both(run, both_off, tasks, is_first=number % 2 == 0) for number in range(rounds)])


def _drain_both(run: Running, both_off: Running, tasks: int, *, is_first: bool) -> Round:
    if is_first:
        return drain(run, tasks), drain(both_off, tasks)
    figures = drain(both_off, tasks)
    return drain(run, tasks), figures


def sum_up(rounds: Sequence[Round]) -> Figures:
    """Return the medians, and the median of the ratios within a round.

    CPU time is counted in hundredths of a second, too coarse for one drain: it is that of all rounds together.
    """
    rates = [(own[_THROUGHPUT], other[_THROUGHPUT]) for own, other in rounds]
    own_cpu, other_cpu = (fmean(figures[_CPU] for figures in side) for side in zip(*rounds, strict=True))
    return {
        _THROUGHPUT: median(own for own, _ in rates),
        f"both_off.{_THROUGHPUT}": median(other for _, other in rates),
        f"of_both_off.{_THROUGHPUT}": median(own / other for own, other in rates),
        _CPU: own_cpu,
        f"both_off.{_CPU}": other_cpu,
        f"of_both_off.{_CPU}": own_cpu / other_cpu,
    }


@contextmanager
def running_sink(directory: Path) -> Iterator[str]:
    """Run what takes spans inside the block; gives its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [PROJECT_PYTHON, "-m", "bench.programs.otlp_sink", str(port)]
    with running("the OTLP sink", command, {}, directory / "otlp-sink.log"):
        wait_until_ready("the OTLP sink", http_probe(f"{url}/count"), READY_SECONDS)
        yield url


def _has_exports(sink_url: str) -> Readiness:
    exports = httpx.get(f"{sink_url}/count", trust_env=False).json()
    return READY if exports else Readiness("not yet", "none has come")
