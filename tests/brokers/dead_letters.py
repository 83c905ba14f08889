"""Probes of dead-letter queues."""

import json
from collections.abc import Callable

from tests.brokers.queue import SUCCESS, Message, Queue, outcome, receive_count, wait_until
from tests.brokers.row import Row, Section, guide, reference
from tests.brokers.running import Subject

_RECEIVES = 2
_MESSAGES = 5


def queue_with_dlq(subject: Subject, max_receives: int) -> tuple[Queue, Queue]:
    """Make a queue, and another one that has its dead letters."""
    dlq = subject.new_queue()
    policy = {"deadLetterTargetArn": dlq.arn, "maxReceiveCount": max_receives}
    return subject.new_queue(RedrivePolicy=json.dumps(policy)), dlq


def dead_letter(subject: Subject) -> tuple[Message, Queue]:
    """Let a message die after two receives; return what the first gave, and the DLQ that has it."""
    queue, dlq = queue_with_dlq(subject, _RECEIVES)
    queue.send()
    first = queue.receive_until_shown_again()
    queue.receive(hidden_seconds=1)

    def is_dead() -> bool:
        assert queue.poll() is None, "it is received more often than its queue allows"
        return dlq.counts().visible == 1

    wait_until(is_dead)
    return first, dlq


def is_moved_when(subject: Subject) -> str:
    queue, dlq = queue_with_dlq(subject, max_receives=1)
    queue.send()
    queue.receive_until_shown_again()
    return "when it would be visible again" if dlq.counts().visible else "when it would be received again"


def receive_count_there(subject: Subject) -> str:
    _, dlq = dead_letter(subject)
    return str(receive_count(dlq.receive()))


def attribute_there(name: str) -> Callable[[Subject], str]:
    """Compare a system attribute of a dead message with what it was before."""

    def probe(subject: Subject) -> str:
        first, dlq = dead_letter(subject)
        return compared(first["Attributes"].get(name), dlq.receive()["Attributes"].get(name))

    return probe


def compared(before: str | None, there: str | None) -> str:
    """What became of an attribute."""
    if there is None:
        return "none"
    return "the original's" if there == before else "new"


def source_arn(subject: Subject) -> str:
    _, dlq = dead_letter(subject)
    return "given" if "DeadLetterQueueSourceArn" in dlq.receive()["Attributes"] else "never"


def move_slowly(subject: Subject) -> str:
    _, dlq = queue_with_dlq(subject, _RECEIVES)
    for _ in range(_MESSAGES):
        dlq.send()
    target = subject.new_queue()
    said = move(subject, dlq, target, MaxNumberOfMessagesPerSecond=1)
    if said != SUCCESS:
        return said
    wait_until(lambda: target.counts().visible > 0)
    return "all at once" if target.counts().visible == _MESSAGES else "one after the other"


def moved_message(subject: Subject) -> str:
    first, dlq = dead_letter(subject)
    target = subject.new_queue()
    said = move(subject, dlq, target)
    if said != SUCCESS:
        return said
    message = target.receive()
    return f"{receive_count(message)}, {'the same' if message['MessageId'] == first['MessageId'] else 'new'}"


def move(subject: Subject, dlq: Queue, target: Queue, **parameters: int) -> str:
    """Start to move all messages of a DLQ; return what came of it."""
    arns = {"SourceArn": dlq.arn, "DestinationArn": target.arn}
    return outcome(lambda: subject.sqs.start_message_move_task(**arns, **parameters))


SECTION = Section(
    "Dead-letter queues, of a message that was received twice before",
    (
        Row(
            "It is moved there",
            is_moved_when,
            reference("SetQueueAttributes", "“when the `ReceiveCount` for a message exceeds the `maxReceiveCount`”"),
        ),
        Row(
            "Receive count there",
            receive_count_there,
            reference("ReceiveMessage", "goes on: “across all queues”"),
        ),
        Row(
            "ApproximateFirstReceiveTimestamp there",
            attribute_there("ApproximateFirstReceiveTimestamp"),
            reference("ReceiveMessage", "“the time the message was first received from the queue”"),
        ),
        Row(
            "SentTimestamp there",
            attribute_there("SentTimestamp"),
            guide("setting-up-dead-letter-queue-retention", "“the enqueue timestamp is unchanged”"),
        ),
        Row(
            "DeadLetterQueueSourceArn there",
            source_arn,
            reference("ReceiveMessage", "named, and no more"),
        ),
        Row(
            "StartMessageMoveTask at one message a second",
            move_slowly,
            reference("StartMessageMoveTask", "“a fixed message movement rate”"),
        ),
        Row(
            "Receive count and MessageId at the first receive after that",
            moved_message,
            guide("sqs-configure-dead-letter-queue-redrive", "the count: not documented; new"),
        ),
    ),
)
