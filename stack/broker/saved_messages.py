"""Keeps the queues' messages over a restart of the stack, where the broker itself keeps nothing.

Of a broker that shows its messages they are read, and those that are hidden or delayed with them. One that does not is
emptied by receiving, with SQS's own API: what is hidden or delayed is waited for.

`save` is called when nothing works on the queues any more, `restore` before anything does again. A message that the
queue's redrive policy would move at its next receive is kept for the dead-letter queue: its count starts anew. What
SQS calls its time of sending starts anew too, so the message itself says when that was, and until when it was delayed.
"""

import json
import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import groupby, islice
from pathlib import Path
from typing import Any, NamedTuple

from services.primitives.sqs_limits import LONGEST_DELAY_SECONDS, MAX_ATTRIBUTES, MAX_BATCH_ENTRIES, MAX_MESSAGE_BYTES
from services.queueing.message import DELAYED_UNTIL_ATTRIBUTE, SENT_AT_ATTRIBUTE, delayed_until_of
from services.queueing.message_size import message_bytes
from stack.broker.api import RefusedError, Sqs, connect
from stack.config import StackSettings
from stack.errors import StackError
from stack.state import note_kept_messages, saved_messages_file
from stack.terminal import OnProgress, Seldom, say
from stack.whole_file import write_whole

PATIENCE_SECONDS = 75.0
"""How long is waited for messages that are hidden or delayed, where the broker does not show them.

It is longer than the longest wait of a callback on this machine (CALLBACK_RETRY_SCHEDULE_SECONDS in local.env)."""

POLL_SECONDS = 0.5

RECEIVES_TOGETHER = 10
"""After so many what they gave is saved."""

HIDDEN_SECONDS = 600
"""So long a message that is received to be saved is hidden: it is deleted once it is saved, or shown again."""


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


def save(
    settings: StackSettings,
    on_progress: OnProgress = say,
    patience_seconds: float = PATIENCE_SECONDS,
    most_seconds: float = math.inf,
) -> int:
    """Write every message of every queue to the state directory; return how many there are.

    What an earlier `save` wrote and nobody restored stays. Of a broker that keeps its messages they are counted alone.
    Raises `StackError` where the broker does not answer, withholds messages for longer than `patience_seconds`, or has
    to be emptied and is not within `most_seconds`: what could be saved until then is.
    """
    with connect(settings) as sqs:
        if settings.broker.keeps_messages:
            return _count_kept(sqs, settings, on_progress)
        if not settings.broker.shows_messages:
            return _move_all(sqs, settings, on_progress, patience_seconds, most_seconds)
        saved = _add(settings, list(_show_all(sqs)))
    if saved:
        on_progress(_saved(saved))
    return saved


def _count_kept(sqs: Sqs, settings: StackSettings, on_progress: OnProgress) -> int:
    """Say what the broker keeps. Started in its place, another one has none of it."""
    messages = _count_in_queues(sqs)
    if kept := note_kept_messages(settings.directory, settings.broker, messages):
        on_progress(str(kept))
    return messages


def _count_in_queues(sqs: Sqs) -> int:
    return sum(sum(sqs.counts(url)) for url in sqs.queue_urls().values())


def _move_all(
    sqs: Sqs, settings: StackSettings, on_progress: OnProgress, patience_seconds: float, most_seconds: float
) -> int:
    """Empty every queue into the file; return how many messages that has then."""
    said = Seldom(on_progress)
    ends_at = time.monotonic() + most_seconds
    waits_until = 0.0
    while True:
        saved, is_more = _move_some(sqs, settings)
        # Of those that could not be received then some may be visible now.
        left = _count_in_queues(sqs)
        if not left:
            if saved:
                on_progress(_saved(saved))
            return saved
        if is_more:
            if time.monotonic() >= ends_at:
                raise StackError(f"{_count(saved)} are saved, and there is no time for {left} more")
            said(f"Saved {_count(saved)} so far: {sqs.broker.title} has {left} more.")
            continue
        hidden = f"{_count(left)} hidden for now, or delayed, which {sqs.broker.title} does not show"
        waits_until = waits_until or time.monotonic() + patience_seconds
        if time.monotonic() >= waits_until:
            raise StackError(f"{_count(saved)} saved, and {hidden}")
        said(f"Waiting for {hidden}, for {patience_seconds:.0f} s at the most.")
        time.sleep(POLL_SECONDS)


class _Received(NamedTuple):
    """What one receive gave."""

    queue: str
    url: str
    redrive_policy: dict[str, Any] | None
    messages: list[dict[str, Any]]

    @property
    def handles(self) -> list[str]:
        return [message["ReceiptHandle"] for message in self.messages]

    def saved(self) -> Iterator[SavedMessage]:
        # Its attempts do not count this receive.
        for message in self.messages:
            yield _saved_message(message, self.queue, self.redrive_policy, receives=_receive_count(message) - 1)


def _move_some(sqs: Sqs, settings: StackSettings) -> tuple[int, bool]:
    """Write some of what can be received to the file, then delete it: where this is killed the others are untouched.

    Return how many messages the file has then, and whether there may be more to receive. What is not deleted can be
    received again at once; where that is sure it is not in the file either.
    """
    received: list[_Received] = []
    try:
        # Where it ends early, what had come before is in it.
        received.extend(islice(_receive_all(sqs), RECEIVES_TOGETHER))
        saved = _add(settings, [message for each in received for message in each.saved()])
        _delete(sqs, settings, received)
    except BaseException:
        _show_again(sqs, received)
        raise
    return saved, len(received) == RECEIVES_TOGETHER


def _delete(sqs: Sqs, settings: StackSettings, received: Iterable[_Received]) -> None:
    """Delete what is in the file. Raises `StackError` where something is not deleted."""
    refusals: dict[str, str] = {}
    try:
        for each in received:
            refused = sqs.delete_batch(each.url, each.handles)
            refusals |= {each.messages[place]["MessageId"]: reason for place, reason in refused.items()}
    finally:
        if refusals:
            file = saved_messages_file(settings.directory)
            _write(file, [message for message in _read(file) if message.message_id not in refusals])
    if refusals:
        [reason, *_] = refusals.values()
        raise RefusedError(f"{sqs.broker.title} refused to delete {_count(len(refusals))}: {reason}")


def _show_again(sqs: Sqs, received: Iterable[_Received]) -> None:
    # A broker that does not answer is asked once.
    with suppress(StackError):
        for each in received:
            for handle in each.handles:
                # Those that are deleted already.
                with suppress(RefusedError):
                    sqs.show_again(each.url, handle)


def _receive_all(sqs: Sqs) -> Iterator[_Received]:
    """Receive what every queue gives, DLQs last, as a broker moves messages there when others are received."""
    policies = [(queue, url, sqs.redrive_policy(url)) for queue, url in sqs.queue_urls().items()]
    for queue, url, redrive_policy in sorted(policies, key=lambda each: each[2] is None):
        while messages := sqs.receive(url, HIDDEN_SECONDS):
            yield _Received(queue, url, redrive_policy, messages)


def _add(settings: StackSettings, messages: list[SavedMessage]) -> int:
    """Add the messages to those in the file; return how many it has then."""
    file = saved_messages_file(settings.directory)
    kept = {message.message_id: message for message in [*_read(file), *messages]}
    if messages:
        _write(file, kept.values())
    return len(kept)


def _saved(number: int) -> str:
    return f"Saved {_count(number)} from the queues: the next `make up` brings them back."


def restore(settings: StackSettings, on_progress: OnProgress = say) -> int:
    """Send the saved messages to their queues again; return how many were confirmed.

    The file goes only when every message was confirmed; what has no queue any more stays in it, what the broker
    refuses, and where it does not answer, or this is interrupted, what is not confirmed yet. One that a broker still
    shows, as `down` was ended after it had saved and before it had stopped it, is not sent again. Raises `StackError`
    where the broker does not answer.
    """
    file = saved_messages_file(settings.directory)
    saved = _read(file)
    if not saved:
        return 0
    with connect(settings) as sqs:
        queue_urls = sqs.queue_urls()
        held = {message.message_id for message in _show_all(sqs)} if settings.broker.shows_messages else set()
        saved = [message for message in saved if message.message_id not in held]
        homeless = [message for message in saved if message.queue not in queue_urls]
        sendable = [message for message in saved if message.queue in queue_urls]
        left = {message.message_id: message for message in saved}
        refusals: list[_Answer] = []
        try:
            for answer in _send_all(sqs, queue_urls, sendable):
                if answer.refusal:
                    refusals.append(answer)
                else:
                    del left[answer.message.message_id]
        finally:
            _write(file, left.values())
    _report(len(sendable) - len(refusals), homeless, on_progress)
    for answer in refusals:
        on_progress(
            f"{settings.broker.title} refuses a saved message of {answer.message.queue} ({answer.refusal}): it stays"
            f" in {file}, for a broker that takes it."
        )
    return len(sendable) - len(refusals)


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
            yield _saved_message(message, queue, redrive_policy, receives=_receive_count(message))


def _saved_message(
    message: dict[str, Any], queue: str, redrive_policy: dict[str, Any] | None, *, receives: int
) -> SavedMessage:
    """The message as it is kept, which was received so often by those who work it."""
    saved = SavedMessage(
        message_id=message["MessageId"],
        queue=next_queue(queue, redrive_policy, receives),
        body=message["Body"],
        attributes=message.get("MessageAttributes", {}),
        message_group_id=message["Attributes"].get("MessageGroupId"),
    )
    return with_time(saved, message["Attributes"]["SentTimestamp"])


def _receive_count(message: dict[str, Any]) -> int:
    return int(message["Attributes"]["ApproximateReceiveCount"])


class _Answer(NamedTuple):
    """What the broker has answered of a message that was sent to it."""

    message: SavedMessage
    refusal: str
    """Why it did not take it; empty where it did."""


def _send_all(sqs: Sqs, queue_urls: dict[str, str], messages: list[SavedMessage]) -> Iterator[_Answer]:
    by_queue = sorted(messages, key=lambda message: message.queue)
    for queue, group in groupby(by_queue, key=lambda message: message.queue):
        for batch in batches(group):
            yield from _send(sqs, queue_urls[queue], batch)


def _send(sqs: Sqs, queue_url: str, batch: list[SavedMessage]) -> Iterator[_Answer]:
    """Send a batch; where it is refused as a whole, each by itself, as it may be so for one of them."""
    try:
        refused = sqs.send_batch(queue_url, [entry_of(message, time.time()) for message in batch])
    except RefusedError as error:
        if len(batch) == 1:
            yield _Answer(batch[0], str(error))
            return
        for message in batch:
            yield from _send(sqs, queue_url, [message])
        return
    yield from (_Answer(message, refused.get(message.message_id, "")) for message in batch)


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


def _count(number: int) -> str:
    return f"{number} message{'s' if number != 1 else ''}"
