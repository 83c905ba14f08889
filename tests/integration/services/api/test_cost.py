"""What a task costs the real API program, counted and never timed: where a bound is exceeded, find the cause."""

import asyncio
from pathlib import Path

from aiohttp import ClientSession, TCPConnector

from stack.ports import free_port
from stack.readiness import http_probe, wait_until_ready
from tests.integration.services.conftest import PATIENCE_SECONDS, Broker
from tests.integration.services.cost import ITEMS, BrokerLog, cost_so_far, counted_program

CONNECTIONS = 64
TASKS = 640
WARM_UP_TASKS = 128

MOST_SENDS_PER_TASK = 0.2
"""Requests at SQS for a task of a busy API: full batches are 0.1, one send for each task is 1. In between is what comes
while no batch is under way, which waits for nobody."""

MOST_CALLS_PER_TASK = 410
"""Functions that the event loop's thread calls for a task, Python's and C's, from the request to the answer, its part
of a send included: see the worker's. Runs differ by 8 %, as they differ in sends."""


async def post(client: ClientSession, tasks: int) -> None:
    """Have so many tasks accepted, as many at a time as there are connections."""
    request = f'{{"callback_url":"http://receiver/callback","message":{ITEMS}}}'

    async def post_one() -> None:
        async with client.post("/v1/calculation/basic", data=request) as answer:
            assert answer.status == 200, await answer.text()

    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(*(post_one() for _ in range(tasks)))


async def test_a_busy_api_sends_in_batches_with_a_bounded_number_of_calls(
    broker: Broker, localstack_directory: Path, tmp_path: Path
) -> None:
    requests = BrokerLog(localstack_directory)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    headers = {"content-type": "application/json"}
    settings = {"API_PORT": str(port), "HEALTH_PORT": str(free_port()), "LOG_FORMAT": "json"}

    async with counted_program(broker, tmp_path, ["services.api"], settings) as api:
        await asyncio.to_thread(wait_until_ready, "The API", http_probe(f"{url}/healthcheck"), PATIENCE_SECONDS)
        async with ClientSession(url, headers=headers, connector=TCPConnector(limit=CONNECTIONS)) as client:
            costs = []
            for tasks in (WARM_UP_TASKS, TASKS):
                await post(client, tasks)
                costs.append(await cost_so_far(api))

    before, after = costs
    counts = requests.counts()
    assert await broker.in_queue("calculation") == (WARM_UP_TASKS + TASKS, 0)
    assert counts.total() / (WARM_UP_TASKS + TASKS) <= MOST_SENDS_PER_TASK, counts
    assert (after.calls - before.calls) / TASKS <= MOST_CALLS_PER_TASK
