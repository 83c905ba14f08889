"""How an outcome is delivered, or put where it will be."""

import asyncio
import os
from collections.abc import Sequence
from typing import Any

import pytest
from aiohttp import web
from botocore.exceptions import ClientError

from services.delivery.callback_client import CallbackClient
from services.delivery.outcome_delivery import OutcomeDelivery, OutcomeTooLargeError
from services.errors import PermanentError, RetryLaterError
from services.messages import (
    MAX_BODY_BYTES,
    MAX_OUTCOME_BYTES,
    OutcomeMessage,
    decode_outcome,
    encode_outcome,
    max_body_bytes,
)
from services.outbound.http_client import TargetSessions
from services.queueing.message import ReceivedMessage
from services.queueing.message_size import message_bytes
from services.worker.callback_handler import CallbackHandler
from services.worker.settings import WorkerSettings
from tests.integration.services.conftest import Broker
from tests.service_fixtures import Serve

BODY = '{"results":[{"a":1.10}],"errors":[{"b":"\\u00e9 \\"quoted\\""}],"task_id":"id"}'


class Receiver:
    """Keeps each delivery attempt, and answers with one status after the other; the last one repeats."""

    def __init__(self, statuses: Sequence[int], **headers: str) -> None:
        self.bodies: list[bytes] = []
        self.ids: list[str] = []
        self.statuses = list(statuses)
        self._headers = headers

    async def receive(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        self.ids.append(request.headers["webhook-id"])
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return web.Response(status=status, headers={name.replace("_", "-"): v for name, v in self._headers.items()})


def outcome_for(url: str) -> OutcomeMessage:
    return OutcomeMessage("id", "calculation", url, BODY)


def delivery_of(
    broker: Broker, sessions: TargetSessions, first_wait_seconds: float = 0, **changes: Any
) -> OutcomeDelivery:
    settings = WorkerSettings(
        **broker.environment,
        callback_in_place_retry_seconds=[0, 0],
        callback_retry_schedule_seconds=[first_wait_seconds],
        **changes,
    )
    client = CallbackClient(sessions, settings)
    return OutcomeDelivery(client, broker.queues["callbacks"], broker.queues["callbacks-dlq"], settings, (0, 0))


def waiting(body: str) -> ReceivedMessage:
    return ReceivedMessage("id", body, "handle", 1, 0, {})


async def test_an_outcome_that_is_taken_is_delivered_once_and_put_on_no_queue(
    broker: Broker, sessions: TargetSessions, serve: Serve
) -> None:
    receiver = Receiver([204])
    async with serve(receiver.receive) as url:
        await delivery_of(broker, sessions).deliver(outcome_for(url))

    assert receiver.bodies == [BODY.encode()]
    assert broker.requests.counts["SendMessageBatch"] == 0


async def test_a_moment_of_refusal_is_retried_in_place(broker: Broker, sessions: TargetSessions, serve: Serve) -> None:
    receiver = Receiver([503, 500, 200])
    async with serve(receiver.receive) as url:
        await delivery_of(broker, sessions).deliver(outcome_for(url))

    assert receiver.bodies == [BODY.encode()] * 3
    assert broker.requests.counts["SendMessageBatch"] == 0


async def test_an_outcome_that_is_refused_waits_on_callbacks_with_the_same_bytes(
    broker: Broker, sessions: TargetSessions, serve: Serve
) -> None:
    receiver = Receiver([503, 503, 503, 200])
    async with serve(receiver.receive) as url:
        await delivery_of(broker, sessions).deliver(outcome_for(url))
        [message] = await broker.take("callbacks")
        assert decode_outcome(message.body) == outcome_for(url)

        await CallbackHandler(CallbackClient(sessions, WorkerSettings()))(message)

    assert receiver.bodies == [BODY.encode()] * 4
    assert set(receiver.ids) == {"id"}


async def test_an_outcome_waits_for_the_first_time_of_the_schedule(
    broker: Broker, sessions: TargetSessions, closed_port: int
) -> None:
    delivery = delivery_of(broker, sessions, first_wait_seconds=600)

    await delivery.deliver(outcome_for(f"http://127.0.0.1:{closed_port}/"))

    # Neither shown nor in anybody's hands: delayed.
    assert await broker.in_queue("callbacks") == (0, 0)
    assert broker.requests.counts["SendMessageBatch"] == 1


async def test_a_receiver_that_asks_for_time_is_not_tried_again_in_place(
    broker: Broker, sessions: TargetSessions, serve: Serve
) -> None:
    receiver = Receiver([429], retry_after="600")
    async with serve(receiver.receive) as url:
        await delivery_of(broker, sessions).deliver(outcome_for(url))

    assert len(receiver.bodies) == 1
    # Neither shown nor in anybody's hands: delayed.
    assert await broker.in_queue("callbacks") == (0, 0)
    assert broker.requests.counts["SendMessageBatch"] == 1


async def test_an_outcome_that_the_receiver_wants_no_more_goes_to_the_dead_letter_queue_with_its_reason(
    broker: Broker, sessions: TargetSessions, serve: Serve
) -> None:
    receiver = Receiver([503, 410])
    async with serve(receiver.receive) as url:
        await delivery_of(broker, sessions).deliver(outcome_for(url))

    [dead] = await broker.take("callbacks-dlq")
    assert decode_outcome(dead.body).body == BODY
    assert dead.attributes == {"reason": "the receiver answered 410", "attempts": "2", "source_queue": "callbacks"}
    assert await broker.in_queue("callbacks") == (0, 0)


async def test_a_receiver_that_keeps_its_callers_waiting_is_not_tried_again_in_place(
    broker: Broker, sessions: TargetSessions, serve: Serve
) -> None:
    calls = 0
    answered = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        await answered.wait()
        return web.Response()

    async with serve(hang) as url:
        await delivery_of(broker, sessions, callback_timeout_seconds=0.1).deliver(outcome_for(url))
        answered.set()

    assert calls == 1
    [waiting] = await broker.take("callbacks")
    assert decode_outcome(waiting.body) == outcome_for(url)


async def test_an_outcome_that_is_larger_than_a_message_waits_for_its_receiver_too(
    broker: Broker, sessions: TargetSessions, serve: Serve
) -> None:
    receiver = Receiver([503, 503, 503, 200])
    body = '{"results":[{"a":"' + "large " * 1_000_000 + '"}],"errors":[],"task_id":"id"}'
    async with serve(receiver.receive, max_body_bytes=len(body)) as url:
        await delivery_of(broker, sessions).deliver(OutcomeMessage("id", "data", url, body))
        [message] = await broker.take("callbacks")
        await CallbackHandler(CallbackClient(sessions, WorkerSettings()))(message)

    assert message_bytes(message.body, {}) < MAX_BODY_BYTES < len(body)
    assert receiver.bodies == [body.encode()] * 4


async def test_an_outcome_is_compressed_where_the_queue_takes_smaller_messages(
    broker: Broker, sessions: TargetSessions, closed_port: int
) -> None:
    await broker.set_attributes("callbacks", MaximumMessageSize="262144")
    await broker.queues["callbacks"].check()
    outcome = OutcomeMessage("id", "data", f"http://127.0.0.1:{closed_port}/", "large " * 50_000)

    await delivery_of(broker, sessions).deliver(outcome)

    [message] = await broker.take("callbacks")
    assert len(message.body) < 262_144 < len(outcome.body) < MAX_BODY_BYTES
    assert decode_outcome(message.body) == outcome


@pytest.mark.parametrize("queue", ["callbacks", "callbacks-dlq"])
async def test_an_outcome_that_fits_not_even_compressed_into_what_the_queues_take_fails_its_task(
    broker: Broker, sessions: TargetSessions, closed_port: int, queue: str
) -> None:
    await broker.set_attributes(queue, MaximumMessageSize="262144")
    await broker.queues[queue].check()
    outcome = OutcomeMessage("id", "data", f"http://127.0.0.1:{closed_port}/", os.urandom(200_000).hex())

    with pytest.raises(OutcomeTooLargeError, match=f"does not fit into the {max_body_bytes(262_144)} bytes"):
        await delivery_of(broker, sessions).deliver(outcome)


@pytest.mark.parametrize("size", [2 * MAX_BODY_BYTES, MAX_OUTCOME_BYTES + 1])
async def test_an_outcome_that_no_queue_can_hold_fails_its_task_with_a_reason_that_names_the_size(
    broker: Broker, sessions: TargetSessions, closed_port: int, size: int
) -> None:
    # Half of it is noise, which cannot be compressed.
    body = os.urandom(size // 2).hex() + "x" * (size % 2)
    outcome = OutcomeMessage("id", "data", f"http://127.0.0.1:{closed_port}/", body)

    with pytest.raises(OutcomeTooLargeError, match=f"the outcome of {size} bytes cannot wait in a queue"):
        await delivery_of(broker, sessions).deliver(outcome)

    assert await broker.in_queue("callbacks") == (0, 0)


async def test_an_outcome_that_is_neither_delivered_nor_on_a_queue_is_not_let_go(
    unprovisioned: Broker, sessions: TargetSessions, closed_port: int
) -> None:
    with pytest.raises(ClientError, match="NonExistentQueue"):
        await delivery_of(unprovisioned, sessions).deliver(outcome_for(f"http://127.0.0.1:{closed_port}/"))


async def test_a_waiting_outcome_that_is_refused_again_says_when_to_come_back(
    sessions: TargetSessions, serve: Serve
) -> None:
    handler = CallbackHandler(CallbackClient(sessions, WorkerSettings()))
    async with serve(Receiver([503], retry_after="7").receive) as url:
        with pytest.raises(RetryLaterError, match="the receiver answered 503") as refused:
            await handler(waiting(encode_outcome(outcome_for(url))))

    assert refused.value.after_seconds == 7


async def test_a_waiting_outcome_that_is_wanted_no_more_can_never_succeed(
    sessions: TargetSessions, serve: Serve
) -> None:
    handler = CallbackHandler(CallbackClient(sessions, WorkerSettings()))
    async with serve(Receiver([410]).receive) as url:
        with pytest.raises(PermanentError, match="the receiver answered 410"):
            await handler(waiting(encode_outcome(outcome_for(url))))


async def test_a_waiting_message_that_is_no_outcome_can_never_succeed(sessions: TargetSessions) -> None:
    handler = CallbackHandler(CallbackClient(sessions, WorkerSettings()))

    with pytest.raises(PermanentError, match="the message is no JSON"):
        await handler(waiting("garbage"))
