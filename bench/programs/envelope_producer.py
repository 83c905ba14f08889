"""Submits tasks as this project's API does, without HTTP: `python -m bench.programs.envelope_producer`.

The bound's queue is filled by it too: what a bare producer would send in batches of ten is the same.
"""

import asyncio
import json
import uuid

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
    async with open_sqs(QueueSettings()) as client:
        queue = Queue(client, QueueDefinition(queue_name(), "worker", 3, None, None, 86_400))
        await queue.check()

        async def submit() -> str:
            task_id = str(uuid.uuid4())
            await queue.send(encode_task(task_id, _TASK_TYPE, request))
            return task_id

        await serve_coroutines(submit, _AT_ONCE)


if __name__ == "__main__":
    asyncio.run(run())
