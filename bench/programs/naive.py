"""The worker that one writes by hand, one send and one delete a task.

`python -m bench.programs.naive worker` or `… producer`.
"""

import asyncio
import json
import sys
import uuid
from typing import Any

import aioboto3
import aiohttp
from aiobotocore.config import AioConfig

from bench.programs.producer import serve_coroutines
from bench.programs.work import CALLBACK_HEADERS, ITEMS, callback_url, outcome, queue_name

AT_ONCE = 50
_CONFIG = AioConfig(max_pool_connections=64, read_timeout=30)


async def work() -> None:
    """Receive up to ten messages at a time and work up to fifty; delete each when its callback is taken."""
    slots = asyncio.Semaphore(AT_ONCE)
    async with aioboto3.Session().client("sqs", config=_CONFIG) as sqs, aiohttp.ClientSession() as http:
        url = (await sqs.get_queue_url(QueueName=queue_name()))["QueueUrl"]

        async def handle(message: Any) -> None:
            try:
                task = json.loads(message["Body"])
                body = outcome(task["task_id"], task["items"])
                async with http.post(task["callback_url"], data=body, headers=CALLBACK_HEADERS) as response:
                    response.raise_for_status()
                await sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            finally:
                slots.release()

        async with asyncio.TaskGroup() as group:
            while True:
                response = await sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=20)
                for message in response.get("Messages", []):
                    await slots.acquire()
                    group.create_task(handle(message))


async def produce() -> None:
    """Send a message for each task."""
    async with aioboto3.Session().client("sqs", config=_CONFIG) as sqs:
        url = (await sqs.get_queue_url(QueueName=queue_name()))["QueueUrl"]

        async def submit() -> str:
            task_id = str(uuid.uuid4())
            body = json.dumps({"task_id": task_id, "callback_url": callback_url(), "items": ITEMS})
            await sqs.send_message(QueueUrl=url, MessageBody=body)
            return task_id

        await serve_coroutines(submit)


if __name__ == "__main__":
    asyncio.run({"worker": work, "producer": produce}[sys.argv[1]]())
