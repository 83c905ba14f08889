"""When what was decided of a message goes to SQS: at once where somebody waits for it, else with what comes later."""

import asyncio
import random
from dataclasses import replace
from typing import cast

import pytest
from types_aiobotocore_sqs import SQSClient

from bench.scaling.simulated_sqs import SimulatedSqs
from bench.scaling.virtual_time import run_in_virtual_time
from services.queueing.definition import QueueDefinition
from services.queueing.message import ReceivedMessage
from services.queueing.queue import SETTLE_LINGER_SECONDS, Queue

ROUND_TRIP_SECONDS = 0.01
DEFINITION = QueueDefinition("q", "worker", 3, "q-dlq", None, 1)


def message(number: int) -> ReceivedMessage:
    return ReceivedMessage(str(number), "body", f"handle {number}", 1, 0, {})


@pytest.mark.parametrize(
    ("settles_at_once", "seconds"),
    [(True, ROUND_TRIP_SECONDS), (False, SETTLE_LINGER_SECONDS + ROUND_TRIP_SECONDS)],
)
def test_a_delete_or_a_change_goes_at_once_where_it_is_waited_for(*, settles_at_once: bool, seconds: float) -> None:
    async def settle() -> tuple[float, float]:
        sqs = SimulatedSqs(ROUND_TRIP_SECONDS, random.Random(1))  # noqa: S311  # a model
        queue = Queue(cast(SQSClient, sqs), DEFINITION, settles_at_once=settles_at_once)
        loop = asyncio.get_running_loop()
        await queue.change_visibility(message(1), 5)
        changed_at = loop.time()
        await queue.delete(message(1))
        return changed_at, loop.time() - changed_at

    assert run_in_virtual_time(settle()) == pytest.approx((seconds, seconds))


@pytest.mark.parametrize(
    ("max_attempts", "receive_count", "seconds"),
    [(1, 1, SETTLE_LINGER_SECONDS), (2, 1, 3.0), (2, 2, SETTLE_LINGER_SECONDS), (None, 9, 3.0)],
)
def test_a_delete_gathers_for_long_only_where_its_message_may_be_worked_again(
    max_attempts: int | None, receive_count: int, seconds: float
) -> None:
    async def settle() -> tuple[float, float]:
        sqs = SimulatedSqs(ROUND_TRIP_SECONDS, random.Random(1))  # noqa: S311  # a model
        definition = replace(DEFINITION, max_attempts=max_attempts)
        queue = Queue(cast(SQSClient, sqs), definition, delete_linger_seconds=3.0)
        loop = asyncio.get_running_loop()
        await queue.delete(replace(message(1), receive_count=receive_count))
        deleted_at = loop.time()
        await queue.change_visibility(message(1), 5)
        return deleted_at, loop.time() - deleted_at

    expected = (seconds + ROUND_TRIP_SECONDS, SETTLE_LINGER_SECONDS + ROUND_TRIP_SECONDS)
    assert run_in_virtual_time(settle()) == pytest.approx(expected)


def test_what_lingers_goes_as_soon_as_somebody_waits_for_it() -> None:
    async def settle() -> float:
        sqs = SimulatedSqs(ROUND_TRIP_SECONDS, random.Random(1))  # noqa: S311  # a model
        queue = Queue(cast(SQSClient, sqs), DEFINITION, delete_linger_seconds=300)
        settling = asyncio.gather(queue.delete(message(1)), queue.change_visibility(message(2), 5))
        await asyncio.sleep(0)
        queue.settle_at_once()
        await settling
        return asyncio.get_running_loop().time()

    assert run_in_virtual_time(settle()) == pytest.approx(ROUND_TRIP_SECONDS)


def test_what_comes_together_goes_together_even_at_once() -> None:
    async def settle() -> SimulatedSqs:
        sqs = SimulatedSqs(ROUND_TRIP_SECONDS, random.Random(1))  # noqa: S311  # a model
        queue = Queue(cast(SQSClient, sqs), DEFINITION, settles_at_once=True)
        await asyncio.gather(*(queue.change_visibility(message(number), 5) for number in range(10)))
        return sqs

    assert run_in_virtual_time(settle()).requests == {"ChangeMessageVisibilityBatch": 1}
