"""Submits tasks as this project's API does, without HTTP: `python -m bench.programs.envelope_producer`.

The bound's queue is filled by it too: what a bare producer would send in batches of ten is the same. Where
`BENCH_SAMPLED_ONE_OF` is set, each message belongs to a trace of its own, and the first of every so many is sampled.
"""

import asyncio
import json
import os
import uuid
from collections.abc import Mapping
from itertools import count

from bench.programs.producer import serve_coroutines
from bench.programs.work import ITEMS, callback_url, queue_name
from services.messages import encode_task
from services.queueing.client import open_sqs
from services.queueing.definition import QueueDefinition
from services.queueing.queue import Queue
from services.queueing.settings import QueueSettings

_TASK_TYPE = "calculation"
# Enough that every batch is full and several are under way.
_AT_ONCE = 200


async def run() -> None:
    """Submit until standard input ends."""
    request = json.dumps({"callback_url": callback_url(), "message": ITEMS})
    setting = os.environ.get("BENCH_SAMPLED_ONE_OF")
    sampled_one_of = int(setting) if setting else None
    async with open_sqs(QueueSettings()) as client:
        queue = Queue(client, QueueDefinition(queue_name(), "worker", 3, None, None, 86_400))
        await queue.check()
        numbers = count()

        async def submit() -> str:
            task_id = str(uuid.uuid4())
            await queue.send(encode_task(task_id, _TASK_TYPE, request), attributes_of(next(numbers), sampled_one_of))
            return task_id

        await serve_coroutines(submit, _AT_ONCE)


def attributes_of(number: int, sampled_one_of: int | None) -> Mapping[str, str]:
    """Return the attributes of the message of this number, counted from 0: the context of its trace, where it has one.

    As https://www.w3.org/TR/trace-context/#traceparent-header has it; its last digit says whether it is sampled.
    """
    if sampled_one_of is None:
        return {}
    return {"traceparent": f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-0{int(number % sampled_one_of == 0)}"}


if __name__ == "__main__":
    asyncio.run(run())
