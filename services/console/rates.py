"""What happened between two samples of the services' metrics: rates and percentiles. Pure."""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.console.metrics_text import Labels, Readings

_COUNTING = ("_total", "_bucket")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An instance's metrics at one time. Times are seconds since the epoch."""

    at: float
    started_at: float
    """When its process began: another time, another process, whose counters began at 0."""
    readings: Readings


@dataclass(frozen=True, slots=True)
class Increase:
    """By how much an instance's counters and buckets grew, in how many seconds."""

    seconds: float
    readings: Readings


def increase_of(now: Snapshot, before: Snapshot | None, last_sample_at: float | None) -> Increase | None:
    """Return what an instance has counted since the snapshot before, None where that is not known.

    An instance that was not seen before counts as a whole if it began after the last sample, else its counts are of
    unknown age. One that began anew has counted all it shows since then, as has a counter that is less than before.
    """
    if before is None:
        if last_sample_at is None or now.started_at < last_sample_at:
            return None
        return _increase(now, {}, now.at - last_sample_at)
    is_same_process = now.started_at == before.started_at
    return _increase(now, before.readings if is_same_process else {}, now.at - before.at)


def _increase(now: Snapshot, before: Readings, seconds: float) -> Increase | None:
    if seconds <= 0:
        return None
    counted = {key: value for key, value in now.readings.items() if key[0].endswith(_COUNTING)}
    return Increase(seconds, {key: _grown(value, before.get(key, 0.0)) for key, value in counted.items()})


def _grown(now: float, before: float) -> float:
    return now - before if now >= before else now


def per_second(
    increases: Iterable[Increase], name: str, *, results: Collection[str] = (), queues: Collection[str] = ()
) -> float:
    """Return the rate of a counter over all instances; of some `results` and `queues` alone, where these are given."""
    return sum(
        value / increase.seconds
        for increase in increases
        for (each, labels), value in increase.readings.items()
        if each == name and _has(labels, "result", results) and _has(labels, "queue", queues)
    )


def buckets_of(increases: Iterable[Increase], name: str, *, queues: Collection[str] = ()) -> Mapping[float, float]:
    """Return what a histogram observed on all instances, by the upper bounds of its buckets."""
    buckets: defaultdict[float, float] = defaultdict(float)
    for increase in increases:
        for (each, labels), value in increase.readings.items():
            if each == f"{name}_bucket" and _has(labels, "queue", queues):
                buckets[float(dict(labels)["le"])] += value
    return buckets


def histogram_quantile(quantile: float, buckets: Mapping[float, float]) -> float | None:
    """Estimate a quantile of a histogram, whose buckets count what is less than or equal to their bound.

    As Prometheus does it: https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile.
    Within a bucket the observations are taken to be spread evenly; the lowest one begins at 0. What is beyond the
    highest finite bound is given as that bound. None where there are no observations, or no bucket without a bound.
    """
    bounds = sorted(buckets)
    counts = _without_decrease([buckets[bound] for bound in bounds])
    if len(bounds) < 2 or not math.isinf(bounds[-1]) or not counts[-1]:  # noqa: PLR2004  # a bucket beside that of +Inf
        return None
    rank = quantile * counts[-1]
    index = next(index for index, count in enumerate(counts) if count >= rank)
    if index == len(bounds) - 1:
        return bounds[-2]
    if index == 0 and bounds[0] <= 0:
        return bounds[0]
    start, below = (bounds[index - 1], counts[index - 1]) if index else (0.0, 0.0)
    within = counts[index] - below
    return start + (bounds[index] - start) * ((rank - below) / within if within else 1.0)


def _without_decrease(counts: Sequence[float]) -> list[float]:
    """Let no bucket count less than one below it: instances may have other bounds, where their versions differ."""
    highest = 0.0
    return [highest := max(highest, count) for count in counts]


def _has(labels: Labels, name: str, wanted: Collection[str]) -> bool:
    return not wanted or any((name, value) in labels for value in wanted)
