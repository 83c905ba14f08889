"""The loads that a running system is put under, and the figures that each gives."""

import asyncio
import time
from collections.abc import Callable, Sequence

from bench.lab import Arrivals, Running, Snapshot, Submitted
from bench.programs.http_connections import Connections, get
from bench.statistics import percentile

Figures = dict[str, float]

IDLE_PER_SECOND = 20


def _ignore(_heard: int) -> None:
    """Observe nothing."""


def drain(run: Running, tasks: int, observe: Callable[[int], None] = _ignore) -> Figures:
    """Fill the queue while the workers are stopped, then let them empty it.

    `observe` is called from time to time with how many tasks the receiver has heard of.
    """
    for worker in run.workers:
        worker.pause()
    before = run.snapshot()
    submitted = run.submit(tasks)
    begun = time.monotonic()
    for worker in run.workers:
        worker.resume()
    arrivals = run.hear(submitted, observe)
    return throughput(submitted, arrivals, begun) | cost(before, run.snapshot(), tasks)


def rush(run: Running, tasks: int) -> Figures:
    """Submit as fast as it goes while the workers work: from the first submission to the last callback."""
    before = run.snapshot()
    begun = time.monotonic()
    submitted = run.submit(tasks)
    accepted = time.monotonic()
    arrivals = run.hear(submitted)
    figures = throughput(submitted, arrivals, begun) | cost(before, run.snapshot(), tasks)
    return figures | {"accepted_per_second": tasks / (accepted - begun)}


def latency(run: Running, name: str, tasks: int, per_second: float) -> Figures:
    """Submit at a rate, and return how long each task took until its callback came."""
    submitted = run.submit(tasks, per_second)
    arrivals = run.hear(submitted)
    milliseconds = [1000 * (arrivals[task_id][0] - begun) for task_id, begun in submitted.items()]
    return {f"{name}_p{percent}_ms": percentile(milliseconds, percent) for percent in (50, 95, 99)} | {
        f"{name}_duplicated": duplicates(arrivals)
    }


def round_trip(run: Running, requests: int) -> Figures:
    """Ask the API for nothing, one request at a time."""
    milliseconds = asyncio.run(_round_trips(run.place.api_port, requests))
    return {"round_trip_p50_ms": percentile(milliseconds, 50)}


async def _round_trips(port: int, requests: int) -> list[float]:
    request = get("/healthcheck")
    connections = Connections(port)
    milliseconds = []
    for _ in range(requests):
        begun = time.monotonic()
        await connections.send(request)
        milliseconds.append(1000 * (time.monotonic() - begun))
    connections.close()
    return milliseconds


def throughput(submitted: Submitted, arrivals: Arrivals, begun: float) -> Figures:
    """Return how fast the tasks were done, until the last callback came."""
    seconds = max(times[0] for times in arrivals.values()) - begun
    return {
        "tasks": len(submitted),
        "tasks_per_second": len(submitted) / seconds,
        "steady_per_second": steady_rate([times[0] for times in arrivals.values()]),
        "lost": len(submitted.keys() - arrivals.keys()),
        "duplicated": duplicates(arrivals),
    }


def steady_rate(times: Sequence[float]) -> float:
    """Return how many came per second between the first tenth of them and the last."""
    tenth = len(times) // 10
    middle = sorted(times)[tenth : len(times) - tenth]
    seconds = middle[-1] - middle[0]
    return (len(middle) - 1) / seconds if seconds else 0


def duplicates(arrivals: Arrivals) -> int:
    """Return how many callbacks came for tasks that had been heard of."""
    return sum(len(times) - 1 for times in arrivals.values())


def cost(before: Snapshot, after: Snapshot, tasks: int) -> Figures:
    """Return what the tasks took between two snapshots: requests, CPU by process, and the peak of memory."""
    requests = after.requests - before.requests
    figures = {f"requests_per_task.{operation}": count / tasks for operation, count in sorted(requests.items())}
    figures["requests_per_task"] = requests.total() / tasks
    for role, usage in after.usage.items():
        figures[f"cpu_s_per_1000.{role}"] = 1000 * (usage.cpu_seconds - before.usage[role].cpu_seconds) / tasks
        figures[f"peak_mb.{role}"] = usage.peak_bytes / 1e6
    return figures
