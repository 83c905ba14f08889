"""The loop of every program that submits tasks. Nothing but the standard library.

It reads a line of JSON from standard input for each job, `{"tasks": 100, "per_second": 50}`: how many tasks to submit,
as fast as they go (`null`) or at a rate. It answers with a line when all are submitted, in which each task's id has the
time when its turn came, in seconds of the monotonic clock.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

AT_ONCE = 16


def serve_threads(submit: Callable[[], str]) -> None:
    """Submit with threads, for a library that blocks. `submit` returns the id of the new task."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for line in sys.stdin:
            running = []
            for due in _schedule(line):
                time.sleep(max(0.0, due - time.monotonic()))
                running.append((time.monotonic(), pool.submit(submit)))
            _answer({future.result(): begun for begun, future in running})


async def serve_coroutines(submit: Callable[[], Awaitable[str]], at_once: int = AT_ONCE) -> None:
    """Submit with coroutines, for a library that awaits. `submit` returns the id of the new task."""
    slots = asyncio.Semaphore(at_once)

    async def submit_in_slot(begun: float) -> tuple[str, float]:
        async with slots:
            return await submit(), begun

    while line := await asyncio.to_thread(sys.stdin.readline):
        running = []
        for due in _schedule(line):
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            running.append(asyncio.create_task(submit_in_slot(time.monotonic())))
        _answer(dict(await asyncio.gather(*running)))


def _schedule(line: str) -> Iterator[float]:
    """Give the monotonic time at which each task of the job is due."""
    job = json.loads(line)
    interval = 1 / job["per_second"] if job["per_second"] else 0.0
    start = time.monotonic()
    for index in range(job["tasks"]):
        yield start + index * interval


def _answer(submitted: dict[str, float]) -> None:
    sys.stdout.write(json.dumps(submitted) + "\n")
    sys.stdout.flush()
