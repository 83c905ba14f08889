"""The loop of every program that submits tasks. Nothing but the standard library.

It reads a line of JSON from standard input for each job, `{"ids": […], "per_second": 50}`: the ids of the tasks to submit, as
fast as they go (`null`) or at a rate, and answers with a line `{"<id>": <monotonic seconds when its turn came>}` when
all are submitted.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

Submitted = dict[str, float]

AT_ONCE = 16


def serve_threads(submit: Callable[[str], object]) -> None:
    """Submit with threads, for a library that blocks."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for line in sys.stdin:
            submitted, running = {}, []
            for task_id, due in _schedule(json.loads(line)):
                time.sleep(max(0.0, due - time.monotonic()))
                submitted[task_id] = time.monotonic()
                running.append(pool.submit(submit, task_id))
            for future in running:
                future.result()
            _answer(submitted)


async def serve_coroutines(submit: Callable[[str], Awaitable[object]], at_once: int = AT_ONCE) -> None:
    """Submit with coroutines, for a library that awaits."""
    slots = asyncio.Semaphore(at_once)

    async def submit_in_slot(task_id: str) -> None:
        async with slots:
            await submit(task_id)

    while line := await asyncio.to_thread(sys.stdin.readline):
        submitted, running = {}, []
        for task_id, due in _schedule(json.loads(line)):
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            submitted[task_id] = time.monotonic()
            running.append(asyncio.create_task(submit_in_slot(task_id)))
        await asyncio.gather(*running)
        _answer(submitted)


def _schedule(job: dict[str, object]) -> Iterator[tuple[str, float]]:
    """Give each id with the monotonic time at which it is due."""
    ids, per_second = job["ids"], job["per_second"]
    if not isinstance(ids, Sequence):
        raise TypeError("ids is a list")
    interval = 1 / float(str(per_second)) if per_second else 0
    start = time.monotonic()
    for index, task_id in enumerate(ids):
        yield task_id, start + index * interval


def _answer(submitted: Submitted) -> None:
    sys.stdout.write(json.dumps(submitted) + "\n")
    sys.stdout.flush()
