"""How SQS has a queue, against how it is declared: what becomes of a message is decided there as well as here."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from services.primitives.sqs_limits import MAX_MESSAGE_BYTES
from services.queueing.definition import QueueDefinition

LEAST_MESSAGE_BYTES = 16_384
"""The smallest `MaximumMessageSize` that these services can do with: what describes a failure takes up to 7 KB beside
a message, and is not to be most of it. SQS itself lets a queue have 1024."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An attribute of a queue that has not the value that is declared."""

    queue: str
    """The queue's name in SQS."""
    attribute: str
    """As SQS names it; of a redrive policy with the name of its part."""
    value: str
    wanted: str

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.queue}: {self.attribute} is {self.value}, wanted {self.wanted}"


@dataclass(frozen=True, slots=True)
class Provisioning:
    """A queue as SQS has it. What is None is not set, or not stated."""

    max_receive_count: int | None = None
    """After so many receives SQS moves a message by itself."""
    dead_letter_queue: str | None = None
    """The name in SQS of the queue to which it does."""
    retention_seconds: int | None = None
    max_message_bytes: int = MAX_MESSAGE_BYTES
    """The most that a message, or a batch of them, may hold: what SQS allows, where less is not stated."""


def read_provisioning(attributes: Mapping[str, str]) -> Provisioning:
    """Read what GetQueueAttributes answers.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
    """
    policy = json.loads(attributes.get("RedrivePolicy") or "{}")
    return Provisioning(
        _number(policy.get("maxReceiveCount")),
        str(policy["deadLetterTargetArn"]).rpartition(":")[2] if "deadLetterTargetArn" in policy else None,
        _number(attributes.get("MessageRetentionPeriod")),
        # Some endpoints state more than SQS takes.
        min(_number(attributes.get("MaximumMessageSize")) or MAX_MESSAGE_BYTES, MAX_MESSAGE_BYTES),
    )


def describe_smaller_messages(max_message_bytes: int) -> str | None:
    """Say that a queue takes less than SQS allows, and what that means; None where it does not, or far too little."""
    if not LEAST_MESSAGE_BYTES <= max_message_bytes < MAX_MESSAGE_BYTES:
        return None
    return (
        f"MaximumMessageSize is {max_message_bytes}, where SQS allows {MAX_MESSAGE_BYTES}:"
        " the API refuses what is larger with a 413, and outcomes wait compressed"
    )


def disagreements(definition: QueueDefinition, actual: Provisioning, name_prefix: str) -> Iterator[Disagreement]:
    """Yield what of a queue is not as declared.

    A longer retention is none, nor are smaller messages as long as ours fit, and what SQS does not state is not judged.
    """
    name = f"{name_prefix}{definition.name}"
    for attribute, value, wanted in (
        *_of_redrive(definition, actual, name_prefix),
        *_too_small("MessageRetentionPeriod", actual.retention_seconds, definition.retention_seconds),
        *_too_small("MaximumMessageSize", actual.max_message_bytes, LEAST_MESSAGE_BYTES),
    ):
        yield Disagreement(name, attribute, str(value), str(wanted))


_Found = tuple[str, object, object]
"""The attribute, its value, and the wanted one."""


def _of_redrive(definition: QueueDefinition, actual: Provisioning, name_prefix: str) -> Iterator[_Found]:
    has = f"maxReceiveCount {actual.max_receive_count} and {actual.dead_letter_queue}"
    if definition.max_attempts is None:
        if actual.max_receive_count is not None:
            yield "RedrivePolicy", has, "none: its consumer alone decides what becomes of a message"
        return
    dead_letter_queue = f"{name_prefix}{definition.dead_letter_queue}"
    if actual.max_receive_count is None:
        yield "RedrivePolicy", "missing", f"maxReceiveCount {definition.max_attempts} and {dead_letter_queue}"
        return
    if actual.max_receive_count != definition.max_attempts:
        yield "RedrivePolicy.maxReceiveCount", actual.max_receive_count, definition.max_attempts
    if actual.dead_letter_queue != dead_letter_queue:
        yield "RedrivePolicy.deadLetterTargetArn", actual.dead_letter_queue, dead_letter_queue


def _too_small(attribute: str, value: int | None, wanted: int) -> Iterator[_Found]:
    if value is not None and value < wanted:
        yield attribute, value, f"{wanted} or more"


def _number(value: object) -> int | None:
    return None if value is None else int(str(value))
