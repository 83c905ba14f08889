"""A message worked once and settled, on a real LocalStack, by no consumer: as a function does that is given one."""

import asyncio

import pytest
from botocore.exceptions import ClientError

from services.errors import PermanentError, RetryLaterError
from services.primitives.clock import this_moment
from services.queueing.attempt import Attempts
from services.queueing.decisions import Acknowledge, DeadLetter, Decision, Retry, RetryPolicy
from services.queueing.in_flight import InFlight
from services.queueing.message import ReceivedMessage
from services.queueing.settlement import Settlement
from tests.integration.services.conftest import Broker

VISIBILITY_TIMEOUT_SECONDS = 60


async def in_flight_of(broker: Broker) -> InFlight:
    """Send a message, and receive it."""
    await broker.queues["calculation"].send("body")
    [message] = await broker.queues["calculation"].receive(
        1, wait_seconds=5, visibility_timeout_seconds=VISIBILITY_TIMEOUT_SECONDS
    )
    return InFlight(message, VISIBILITY_TIMEOUT_SECONDS, this_moment())


async def work_once(broker: Broker, in_flight: InFlight, error: Exception | None) -> Decision:
    """Make an attempt that ends so, and carry out what is decided."""

    async def work(_in_flight: InFlight) -> None:
        if error is not None:
            raise error

    queue = broker.queues["calculation"]
    decision = await Attempts(queue, RetryPolicy(3, (0,))).make(in_flight, work)
    await Settlement(queue, broker.queues["calculation-dlq"]).carry_out(in_flight, decision)
    return decision


async def test_what_succeeds_is_acknowledged_and_its_delete_is_left_to_who_received_it(broker: Broker) -> None:
    assert await work_once(broker, await in_flight_of(broker), None) == Acknowledge()

    assert await broker.in_queue("calculation") == (0, 1)


async def test_what_fails_for_now_is_visible_again_when_its_wait_is_over(broker: Broker) -> None:
    decision = await work_once(broker, await in_flight_of(broker), RetryLaterError("busy"))

    assert decision == Retry(0, "busy")
    assert await broker.in_queue("calculation") == (1, 0)


async def test_what_fails_for_good_is_dead_lettered_with_its_reason(broker: Broker) -> None:
    decision = await work_once(broker, await in_flight_of(broker), PermanentError("garbage"))

    assert decision == DeadLetter("garbage", 1)
    [dead] = await broker.take("calculation-dlq")
    assert (dead.attributes["reason"], dead.attributes["source_queue"]) == ("garbage", "calculation")


async def test_no_try_begins_behind_the_deadline(unprovisioned: Broker) -> None:
    queue, dead_letter_queue = unprovisioned.queues["calculation"], unprovisioned.queues["calculation-dlq"]
    in_flight = InFlight(ReceivedMessage("id", "body", "handle", 1, 0, {}), VISIBILITY_TIMEOUT_SECONDS, this_moment())
    settlement = Settlement(queue, dead_letter_queue, waits_seconds=(3600,))

    with pytest.raises(ClientError, match="NonExistentQueue"):
        await settlement.carry_out(in_flight, DeadLetter("garbage", 1), deadline=asyncio.get_running_loop().time() + 60)

    assert unprovisioned.requests.counts["GetQueueUrl"] == 1
