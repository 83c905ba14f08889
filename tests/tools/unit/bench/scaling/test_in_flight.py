"""What waits out its retries is in flight: the services' own Consumer on a simulated SQS, beside the formulas."""

import asyncio
import random
from collections.abc import Awaitable
from contextlib import suppress
from typing import cast

import pytest
from types_aiobotocore_sqs import SQSClient

from bench.scaling.capacity import waiting_in_flight
from bench.scaling.simulated_sqs import SimulatedSqs
from bench.scaling.virtual_time import run_in_virtual_time
from services.errors import RetryLaterError
from services.queueing.consumer import Consumer
from services.queueing.decisions import RetryPolicy
from services.queueing.definition import QueueDefinition
from services.queueing.message import ReceivedMessage
from services.queueing.queue import Queue
from services.worker.settings import WorkerSettings

SETTINGS = WorkerSettings.model_construct()
FAILING_PER_SECOND = 10
HEALTHY = "healthy"


class Scenario:
    """A consumer whose messages fail, but for the healthy ones, and the moment when one of those was worked."""

    def __init__(self, policy: RetryPolicy, most_in_flight: int) -> None:
        chance = random.Random(1)  # noqa: S311  # a simulation
        self.sqs = SimulatedSqs(0.01, chance, most_in_flight)
        self.queue = self._queue(self.sqs)
        dead_letter_queue = self._queue(SimulatedSqs(0.01, chance))
        self.consumer = Consumer(self.queue, dead_letter_queue, self._work, policy, SETTINGS)
        self.healthy_worked_at: float | None = None

    async def run(self, until: Awaitable[None]) -> None:
        """Consume until what the test does is done."""
        stop = asyncio.Event()
        consumer = asyncio.create_task(self.consumer.run(stop))
        await until
        stop.set()
        await consumer

    async def fail_for(self, seconds: int, delay_seconds: float = 0) -> None:
        """Send what will fail."""
        async with asyncio.TaskGroup() as group:
            for _ in range(seconds * FAILING_PER_SECOND):
                await asyncio.sleep(1 / FAILING_PER_SECOND)
                group.create_task(self.queue.send("failing", delay_seconds=delay_seconds))

    async def _work(self, message: ReceivedMessage) -> None:
        if message.body != HEALTHY:
            raise RetryLaterError("the receiver is down")
        self.healthy_worked_at = asyncio.get_running_loop().time()

    @staticmethod
    def _queue(sqs: SimulatedSqs) -> Queue:
        return Queue(cast("SQSClient", sqs), QueueDefinition("q", "worker", 3, "q-dlq", None, 1))


def test_as_many_tasks_are_in_flight_as_fail_in_a_second_times_their_waits() -> None:
    policy = RetryPolicy.exponential(3, 5)
    scenario = Scenario(policy, most_in_flight=10_000)
    run_in_virtual_time(scenario.run(scenario.fail_for(40)))
    expected = waiting_in_flight(FAILING_PER_SECOND, policy.waits_seconds)
    # A wait is rounded up to whole seconds, and a delete gathers for a moment.
    assert scenario.sqs.highest_in_flight == pytest.approx(expected, rel=0.2)


def test_at_the_quota_an_outcome_for_a_healthy_receiver_waits_until_others_have_waited() -> None:
    first, *later = SETTINGS.callback_retry_schedule_seconds
    quota = 40 * FAILING_PER_SECOND
    scenario = Scenario(RetryPolicy(len(later) + 1, tuple(later)), quota)

    async def story() -> None:
        await scenario.fail_for(60, first)
        assert scenario.sqs.highest_in_flight == quota
        await scenario.queue.send(HEALTHY)
        with suppress(TimeoutError):
            async with asyncio.timeout(100):
                await scenario.sqs.until_deleted(1)
        assert scenario.healthy_worked_at is None
        await scenario.sqs.until_deleted(1)

    run_in_virtual_time(scenario.run(story()))
    assert scenario.healthy_worked_at is not None
    assert scenario.healthy_worked_at > 0.8 * later[0]
