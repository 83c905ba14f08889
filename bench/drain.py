"""Drains a filled queue, and measures what that takes."""

import time
from collections.abc import Mapping

from bench.lab import Arrivals, Running, Snapshot


def drain(run: Running, tasks: int) -> dict[str, float]:
    """Fill the queue while the workers are stopped, let them go on, and return the figures of the whole."""
    for worker in run.workers:
        worker.pause()
    before = run.snapshot()
    submitted = run.submit(tasks)
    begun = time.monotonic()
    for worker in run.workers:
        worker.resume()
    arrivals = run.hear(submitted)
    seconds = max(times[0] for times in arrivals.values()) - begun
    return {
        "tasks": tasks,
        "tasks_per_second": tasks / seconds,
        "duplicated": duplicates(arrivals),
        **cost(before, run.snapshot(), tasks),
    }


def duplicates(arrivals: Arrivals) -> int:
    """Return how many callbacks came for tasks that had been heard of."""
    return sum(len(times) - 1 for times in arrivals.values())


def cost(before: Snapshot, after: Snapshot, tasks: int) -> Mapping[str, float]:
    """Return what the tasks took between two snapshots: requests, CPU by process, and the peak of memory."""
    requests = after.requests - before.requests
    figures = {f"requests_per_task.{operation}": count / tasks for operation, count in sorted(requests.items())}
    figures["requests_per_task"] = requests.total() / tasks
    for name, usage in after.usage.items():
        figures[f"cpu_s_per_1000.{name}"] = 1000 * (usage.cpu_seconds - before.usage[name].cpu_seconds) / tasks
        figures[f"peak_mb.{name}"] = usage.peak_bytes / 1e6
    return figures
