"""The bound: batched SQS calls and one POST a task, and no feature at all. `python -m bench.programs.bound`.

No retry, no heartbeat, no log, no signature, no check of anything: what no worker on these libraries can beat.
"""

import asyncio
import json
from typing import Any

import aioboto3
import aiohttp
import uvloop
from aiobotocore.config import AioConfig

from bench.programs.work import CALLBACK_HEADERS, outcome, queue_name

RECEIVERS = 3
IN_FLIGHT = 200
DELETE_LINGER_SECONDS = 0.02
MOST_IN_BATCH = 10


class BoundWorker:
    """Receives, works and deletes until it is killed."""

    def __init__(self, sqs: Any, http: aiohttp.ClientSession, url: str) -> None:
        self._sqs = sqs
        self._http = http
        self._url = url
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._done: list[str] = []
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def receive(self) -> None:
        """Poll for ever."""
        while True:
            response = await self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=20)
            for message in response.get("Messages", []):
                await self._slots.acquire()
                self._start(self._work(message))

    async def _work(self, message: Any) -> None:
        task = json.loads(message["Body"])
        request = task["request"]
        body = outcome(task["task_id"], request["message"])
        async with self._http.post(request["callback_url"], data=body, headers=CALLBACK_HEADERS) as response:
            response.raise_for_status()
        self._slots.release()
        self._done.append(message["ReceiptHandle"])
        if len(self._done) == MOST_IN_BATCH:
            self._delete_gathered()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(DELETE_LINGER_SECONDS, self._delete_gathered)

    def _delete_gathered(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        handles, self._done = self._done, []
        self._start(self._delete(handles))

    async def _delete(self, handles: list[str]) -> None:
        entries = [{"Id": str(index), "ReceiptHandle": handle} for index, handle in enumerate(handles)]
        await self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def run() -> None:
    """Work until killed."""
    config = AioConfig(max_pool_connections=64, read_timeout=30)
    connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
    async with (
        aioboto3.Session().client("sqs", config=config) as sqs,
        aiohttp.ClientSession(connector=connector) as http,
    ):
        url = (await sqs.get_queue_url(QueueName=queue_name()))["QueueUrl"]
        worker = BoundWorker(sqs, http, url)
        await asyncio.gather(*(worker.receive() for _ in range(RECEIVERS)))


if __name__ == "__main__":
    uvloop.run(run())
