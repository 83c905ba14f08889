"""Queues of the stack that no task type claims, as its code is gone: what is in them nobody works, nor reports."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from services.primitives.sqs_limits import MAX_LISTED_QUEUES
from services.queueing.definition import QueueDefinition
from services.queueing.errors import UnusableBrokerError, is_denied
from services.queueing.queue import Queue
from services.queues import DLQ_SUFFIX, UNDELIVERED, define_pair, dlq_of
from services.task_types.task_type import is_task_type_name

if TYPE_CHECKING:
    from types_aiobotocore_sqs.client import SQSClient


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """What was found; where nothing could be found out, why."""

    definitions: dict[str, QueueDefinition] = field(default_factory=dict)
    """By name, without consumer and attempts."""
    problem: str | None = None


async def look_for_unclaimed(client: "SQSClient", claimed: Collection[str], *, name_prefix: str) -> Unclaimed:
    """Find the queues that nobody claims; it raises nothing of SQS."""
    try:
        return Unclaimed(await _find(client, claimed, name_prefix))
    except ClientError as error:
        reason = "ListQueues is not allowed" if is_denied(error) else str(error)
    except (BotoCoreError, UnusableBrokerError) as error:
        reason = str(error)
    return Unclaimed(problem=f"Queues that no task type claims are not shown: {reason}.")


async def _find(client: "SQSClient", claimed: Collection[str], name_prefix: str) -> dict[str, QueueDefinition]:
    """Return the definitions of such queues.

    Without a prefix every queue of the account has the stack's: there only those count that are made just as this
    stack makes its own.
    """
    names = {name async for name in list_names(client, name_prefix)}
    found = list(unclaimed_types(names, claimed, name_prefix))
    if not name_prefix:
        are_ours = await asyncio.gather(*(_is_made_by_us(client, each) for each in found))
        found = [each for each, is_ours in zip(found, are_ours, strict=True) if is_ours]
    queues = (replace(queue, consumer=None, max_attempts=None) for each in found for queue in define_pair(each, 1))
    return {queue.name: queue for queue in queues if f"{name_prefix}{queue.name}" in names}


def unclaimed_types(names: Collection[str], claimed: Collection[str], name_prefix: str) -> Iterator[str]:
    """Yield, in order, the names of the task types whose queues, or one of the two, are here and nobody's.

    Each stack has an `undelivered`, which shows its prefix: what begins with that of another stack is none of ours.
    Without a prefix of our own only a queue that has its DLQ beside it counts.
    """
    stacks = {name.removesuffix(UNDELIVERED) for name in names if name.endswith(UNDELIVERED)} - {name_prefix}
    others = tuple(each for each in stacks if each.startswith(name_prefix))
    ours = {
        name.removeprefix(name_prefix) for name in names if name.startswith(name_prefix) and not name.startswith(others)
    }
    for name in sorted({each.removesuffix(DLQ_SUFFIX) for each in ours}):
        is_pair = {name, dlq_of(name)} <= ours
        if name not in claimed and is_task_type_name(name) and (is_pair or name_prefix):
            yield name


async def list_names(
    client: "SQSClient", name_prefix: str, *, page_size: int = MAX_LISTED_QUEUES
) -> AsyncIterator[str]:
    """Yield the names of all queues that begin so, listed `page_size` at a time."""
    pages = client.get_paginator("list_queues").paginate(
        QueueNamePrefix=name_prefix, PaginationConfig={"PageSize": page_size}
    )
    async for page in pages:
        for url in page.get("QueueUrls", []):
            yield url.rpartition("/")[2]


async def _is_made_by_us(client: "SQSClient", name: str) -> bool:
    """Return whether the pair has the redrive and retention of ours; how many attempts it had is not known."""
    try:
        found = [each for definition in define_pair(name, 1) for each in await Queue(client, definition).check()]
    except (BotoCoreError, ClientError, UnusableBrokerError):
        return False
    return all(each.attribute == "RedrivePolicy.maxReceiveCount" for each in found)
