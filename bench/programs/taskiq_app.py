"""The tasks on taskiq with taskiq-aio-sqs, `taskiq worker bench.programs.taskiq_app:broker`; run itself, a producer.

With `BENCH_BATCHING` its producer gathers sends: a submit then returns before anything is durable.
"""

import asyncio
import os
import uuid

import aiohttp
from taskiq import TaskiqEvents, TaskiqState  # type: ignore[import-not-found]  # in an environment of its own
from taskiq_aio_sqs import SQSBroker  # type: ignore[import-not-found]

from bench.programs.producer import serve_coroutines
from bench.programs.work import CALLBACK_HEADERS, ITEMS, Item, callback_url, outcome, queue_name

_BATCHING = bool(os.environ.get("BENCH_BATCHING"))

broker = SQSBroker(
    queue_name(),
    endpoint_url=os.environ["AWS_ENDPOINT_URL"],
    region_name=os.environ["AWS_DEFAULT_REGION"],
    aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
    aws_secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
    wait_time_seconds=20,
    max_number_of_messages=10,
    visibility_timeout=60,
    enable_batching=_BATCHING,
    # The shortest that it takes.
    batch_timeout=0.1,
)


@broker.on_event(TaskiqEvents.WORKER_STARTUP)  # type: ignore[untyped-decorator]
async def open_http(state: TaskiqState) -> None:
    """Open a client for all tasks of the worker."""
    state.http = aiohttp.ClientSession()


@broker.task(task_name="calculate")  # type: ignore[untyped-decorator]
async def calculate(task_id: str, items: list[Item], url: str) -> None:
    """Do the task and POST its outcome."""
    async with broker.state.http.post(url, data=outcome(task_id, items), headers=CALLBACK_HEADERS) as response:
        response.raise_for_status()


async def submit() -> str:
    """Submit a task."""
    task_id = str(uuid.uuid4())
    await calculate.kiq(task_id, list(ITEMS), callback_url())
    return task_id


async def produce() -> None:
    """Submit until standard input ends."""
    await broker.startup()
    await serve_coroutines(submit)


if __name__ == "__main__":
    asyncio.run(produce())
