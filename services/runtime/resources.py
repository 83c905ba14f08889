"""What message handlers work with, open for the life of a program, or of a function."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import httpx2

from services.delivery.callback_client import CallbackClient
from services.delivery.outcome_delivery import OutcomeDelivery
from services.outbound.http_client import open_http_client, open_target_sessions
from services.queueing.client import is_aws, open_sqs
from services.queueing.connections import connections_for_any_use
from services.queueing.queues import Queues
from services.queueing.samples import SHORTEST_INTERVAL_SECONDS, SHORTEST_INTERVAL_SECONDS_ON_AWS, QueueSampler
from services.queues import CALLBACKS, define_queues
from services.runtime.settings import ConsumingServiceSettings
from services.task_types.loading import TaskTypes

_CLOSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Resources:
    """What the message handlers work with; open for the life of the program."""

    queues: Queues
    http: httpx2.AsyncClient
    callback_client: CallbackClient
    delivery: OutcomeDelivery
    sampler: QueueSampler
    """Of all queues: one, so that whoever looks at them shares what a look costs."""


@asynccontextmanager
async def open_resources(
    settings: ConsumingServiceSettings, task_types: TaskTypes, *, settles_at_once: bool = False
) -> AsyncIterator[Resources]:
    """Open them; what is under way when they close has a second to end.

    `settles_at_once`: somebody waits until what was decided of a message is carried out, as the answer of a function.
    """
    async with AsyncExitStack() as stack:
        definitions = define_queues(task_types)
        client = await stack.enter_async_context(
            open_sqs(
                settings,
                longest_wait_seconds=settings.sqs_wait_time_seconds,
                max_connections=connections_for_any_use(len(definitions)),
            )
        )
        sessions = await stack.enter_async_context(open_target_sessions(policy=settings.target_policy))
        http = await stack.enter_async_context(
            open_http_client(sessions, connect_timeout_seconds=settings.callback_connect_timeout_seconds)
        )
        queues = Queues(
            client,
            definitions,
            name_prefix=settings.queue_name_prefix,
            settles_at_once=settles_at_once,
            delete_linger_seconds=settings.delete_linger_seconds,
        )
        stack.push_async_callback(_close, queues)
        callback_client = CallbackClient(sessions, settings)
        callbacks = queues[CALLBACKS]
        delivery = OutcomeDelivery(callback_client, callbacks, queues.dead_letter_queue_of(callbacks), settings)
        stack.callback(delivery.close)
        yield Resources(queues, http, callback_client, delivery, _sampler_of(queues, callbacks.destination.server_url))


def _sampler_of(queues: Queues, server_url: str) -> QueueSampler:
    interval = SHORTEST_INTERVAL_SECONDS_ON_AWS if is_aws(server_url) else SHORTEST_INTERVAL_SECONDS
    return QueueSampler(queues, shortest_interval_seconds=interval)


async def _close(queues: Queues) -> None:
    # Nobody waits any more for what is under way, and SQS may be silent.
    with suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_SECONDS):
            await queues.close()
