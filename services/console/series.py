"""The course of the last minutes: one point for each sample, column by column."""

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from services.console.rates import Increase, buckets_of, histogram_quantile, per_second

LONGEST_SECONDS = 900

RATES = ("accepted", "done", "failed", "delivered", "refused")
"""Per second."""
LATENCIES = ("queue_wait", "end_to_end", "work", "delivery")
"""Seconds, each as percentiles."""
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}

_HISTOGRAMS = {name: f"async_tasks_{name}_seconds" for name in LATENCIES}
_DIGITS = 4

Point = Mapping[str, float | None]
"""A value for each rate, the `failure_rate`, and each percentile by its latency's name and its own."""


def point_of(increases: Sequence[Increase], task_queues: Collection[str]) -> Point:
    """Sum up what all instances have counted since the last sample; None where nothing happened, or nobody answers."""
    rates = _rates(increases, task_queues) if increases else dict.fromkeys(RATES)
    return {**rates, "failure_rate": failure_rate(rates["done"], rates["failed"]), **_latencies(increases, task_queues)}


def failure_rate(done: float | None, failed: float | None) -> float | None:
    """Return the part of the tasks that came to an end which failed; None where none came to one."""
    ended = (done or 0) + (failed or 0)
    return _rounded((failed or 0) / ended) if ended else None


def _rates(increases: Sequence[Increase], task_queues: Collection[str]) -> dict[str, float | None]:
    attempts, deliveries = "async_tasks_attempts_total", "async_tasks_deliveries_total"
    return {
        "accepted": _rounded(per_second(increases, "async_tasks_accepted_total")),
        "done": _rounded(per_second(increases, attempts, results=["done"], queues=task_queues)),
        "failed": _rounded(per_second(increases, attempts, results=["dead_lettered"], queues=task_queues)),
        "delivered": _rounded(per_second(increases, deliveries, results=["delivered"])),
        "refused": _rounded(per_second(increases, deliveries, results=["refused", "rejected"])),
    }


def _latencies(increases: Sequence[Increase], task_queues: Collection[str]) -> dict[str, float | None]:
    percentiles: dict[str, float | None] = {}
    for name, histogram in _HISTOGRAMS.items():
        # A dead message has waited on purpose, and so has the outcome that is delivered again.
        queues = task_queues if name == "queue_wait" else ()
        buckets = buckets_of(increases, histogram, queues=queues)
        for percentile, quantile in QUANTILES.items():
            percentiles[f"{name}.{percentile}"] = _rounded(histogram_quantile(quantile, buckets))
    return percentiles


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


class Series:
    """The points of the last 15 minutes."""

    def __init__(self, sample_seconds: float) -> None:
        self._points: deque[tuple[float, Point]] = deque(maxlen=max(1, int(LONGEST_SECONDS / sample_seconds)))

    def add(self, at: float, point: Point) -> None:
        """Note the point of a sample."""
        self._points.append((at, point))

    def as_json(self) -> dict[str, Any]:
        """Return each value's course, oldest first."""
        return {
            "at": [round(at, 3) for at, _point in self._points],
            **{name: self._column(name) for name in (*RATES, "failure_rate")},
            **{name: self._percentiles(name) for name in LATENCIES},
        }

    def _column(self, name: str) -> list[float | None]:
        return [point[name] for _at, point in self._points]

    def _percentiles(self, name: str) -> dict[str, list[float | None]]:
        return {percentile: self._column(f"{name}.{percentile}") for percentile in QUANTILES}
