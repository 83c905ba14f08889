"""Keeps the queues' messages over a restart of the stack: LocalStack itself keeps nothing.

`save` is called when nothing works on the queues any more, `restore` before anything does again. A message that the
queue's redrive policy would move at its next receive is kept for the dead-letter queue: its count starts anew. What
SQS calls its time of sending starts anew too, so the message itself says when that was, and until when it was delayed.
"""

import json
import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from services.primitives.sqs_limits import LONGEST_DELAY_SECONDS, MAX_ATTRIBUTES, MAX_BATCH_ENTRIES, MAX_MESSAGE_BYTES
from services.queueing.message import DELAYED_UNTIL_ATTRIBUTE, SENT_AT_ATTRIBUTE, delayed_until_of
from services.queueing.message_size import message_bytes
from stack.config import StackSettings
from stack.errors import StackError
from stack.localstack.api import Sqs, connect
from stack.state import saved_messages_file
from stack.terminal import OnProgress, say
from stack.whole_file import write_whole


@dataclass(frozen=True)
class SavedMessage:
    """A message, and the queue to which it goes back."""

    message_id: str
    queue: str
    body: str
    attributes: dict[str, Any]
    """The message attributes, in the form in which SQS's JSON protocol gives and takes them."""
    message_group_id: str | None = None

    @property
    def size_bytes(self) -> int:
        """What counts towards SQS's limit."""
        return message_bytes(self.body, self.attributes, self.message_group_id)


def save(settings: StackSettings, on_progress: OnProgress = say) -> int:
    """Write every message of every queue to the state directory; return how many there are.

    What an earlier `save` wrote and nobody restored stays. Raises `StackError` where LocalStack does not answer.
    """
    with connect(settings) as sqs:
        shown = list(_show_all(sqs))
    kept = {message.message_id: message for message in [*_read(saved_messages_file(settings.directory)), *shown]}
    if kept:
        _write(saved_messages_file(settings.directory), kept.values())
        on_progress(f"Saved {_count(kept)} from the queues: the next `make up` brings them back.")
    return len(kept)


def restore(settings: StackSettings, on_progress: OnProgress = say) -> int:
    """Send the saved messages to their queues again; return how many were confirmed.

    The file goes only when every message was confirmed; what has no queue any more stays in it. One that LocalStack
    still holds, as `down` was ended after it had saved and before it had stopped it, is not sent again.
    Raises `StackError` where LocalStack refuses one.
    """
    file = saved_messages_file(settings.directory)
    saved = _read(file)
    if not saved:
        return 0
    with connect(settings) as sqs:
        queue_urls = sqs.queue_urls()
        held = {message.message_id for message in _show_all(sqs)}
        saved = [message for message in saved if message.message_id not in held]
        homeless = [message for message in saved if message.queue not in queue_urls]
        sendable = [message for message in saved if message.queue in queue_urls]
        refused = list(_send_all(sqs, queue_urls, sendable))
    _write(file, [*homeless, *refused])
    _report(len(sendable) - len(refused), homeless, on_progress)
    if refused:
        raise StackError(f"LocalStack refused {_count(refused)} on restore; they stay in {file}.")
    return len(sendable)


def batches(messages: Iterable[SavedMessage]) -> Iterator[list[SavedMessage]]:
    """Split the messages of one queue into batches that SQS takes: at most 10 entries and 1 MiB in all."""
    batch: list[SavedMessage] = []
    room_bytes = MAX_MESSAGE_BYTES
    for message in messages:
        size_bytes = message.size_bytes
        if batch and (len(batch) == MAX_BATCH_ENTRIES or size_bytes > room_bytes):
            yield batch
            batch, room_bytes = [], MAX_MESSAGE_BYTES
        batch.append(message)
        room_bytes -= size_bytes
    if batch:
        yield batch


def next_queue(queue: str, redrive_policy: dict[str, Any] | None, receive_count: int) -> str:
    """Where a message would be found by its next receiver: its queue, or the DLQ once the attempts are used up."""
    if redrive_policy is None or receive_count < int(redrive_policy["maxReceiveCount"]):
        return queue
    return str(redrive_policy["deadLetterTargetArn"]).rpartition(":")[2]


def with_time(message: SavedMessage, sent_timestamp: str) -> SavedMessage:
    """Add when it was sent (SQS's SentTimestamp), unless an earlier restore has, or SQS would not take so much."""
    if SENT_AT_ATTRIBUTE in message.attributes or len(message.attributes) == MAX_ATTRIBUTES:
        return message
    sent_at = {"DataType": "String", "StringValue": sent_timestamp}
    timed = replace(message, attributes={**message.attributes, SENT_AT_ATTRIBUTE: sent_at})
    return timed if timed.size_bytes <= MAX_MESSAGE_BYTES else message


def _show_all(sqs: Sqs) -> Iterator[SavedMessage]:
    for queue, url in sqs.queue_urls().items():
        redrive_policy = sqs.redrive_policy(url)
        for message in sqs.show_messages(url):
            receive_count = int(message["Attributes"]["ApproximateReceiveCount"])
            saved = SavedMessage(
                message_id=message["MessageId"],
                queue=next_queue(queue, redrive_policy, receive_count),
                body=message["Body"],
                attributes=message.get("MessageAttributes", {}),
                message_group_id=message["Attributes"].get("MessageGroupId"),
            )
            yield with_time(saved, message["Attributes"]["SentTimestamp"])


def _send_all(sqs: Sqs, queue_urls: dict[str, str], messages: list[SavedMessage]) -> Iterator[SavedMessage]:
    """Send; yield those that were not confirmed."""
    by_queue = sorted(messages, key=lambda message: message.queue)
    for queue, group in groupby(by_queue, key=lambda message: message.queue):
        for batch in batches(group):
            confirmed = sqs.send_batch(queue_urls[queue], [entry_of(message, time.time()) for message in batch])
            yield from (message for message in batch if message.message_id not in confirmed)


def entry_of(message: SavedMessage, now: float) -> dict[str, Any]:
    """The entry of a batch that sends the message again, `now` in seconds since the epoch.

    What is left of the delay that it was sent with is its delay.
    """
    entry: dict[str, Any] = {
        "Id": message.message_id,
        "MessageBody": message.body,
        "MessageAttributes": message.attributes,
    }
    stated = message.attributes.get(DELAYED_UNTIL_ATTRIBUTE, {}).get("StringValue", "")
    left_seconds = delayed_until_of(stated, now) - now
    if left_seconds > 0:
        entry["DelaySeconds"] = min(math.ceil(left_seconds), LONGEST_DELAY_SECONDS)
    if message.message_group_id is not None:
        entry["MessageGroupId"] = message.message_group_id
    return entry


def _read(file: Path) -> list[SavedMessage]:
    if not file.exists():
        return []
    return [SavedMessage(**message) for message in json.loads(file.read_text())["messages"]]


def _write(file: Path, messages: Iterable[SavedMessage]) -> None:
    """Replace the file; with no messages, remove it."""
    content = {"messages": [asdict(message) for message in messages]}
    if content["messages"]:
        write_whole(file, json.dumps(content, indent=1))
    else:
        file.unlink(missing_ok=True)


def _report(restored: int, homeless: list[SavedMessage], on_progress: OnProgress) -> None:
    if restored:
        on_progress(f"Restored {restored} saved message{'s' if restored != 1 else ''}.")
    for queue, count in Counter(message.queue for message in homeless).items():
        on_progress(f"{count} saved for the queue {queue}, which does not exist now, stay saved.")


def _count(messages: Iterable[Any]) -> str:
    number = len(list(messages))
    return f"{number} message{'s' if number != 1 else ''}"
