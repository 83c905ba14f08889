"""Probes of receiving, hiding and deleting."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

from tests.brokers.queue import SUCCESS, Counts, Queue, comes_true, outcome, wait_until
from tests.brokers.row import Row, Section, guide, reference
from tests.brokers.running import Subject, as_published

TWELVE_HOURS = 43_200

_AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=none"
)

_UNTIL_TAKEN_SECONDS = 20.0
_TAKES_SECONDS = 1.0

_MEASUREMENTS = 8
# Between the largest lateness of each kind of broker, with room for a slow machine.
_LATENESS = ((0.3, "up to 0.3 s"), (0.6, "up to 0.6 s"), (1.2, "up to 1.2 s"))


def second_delete(subject: Subject) -> str:
    queue = subject.new_queue()
    queue.send()
    message = queue.receive()
    queue.delete(message)
    return queue.delete(message)


def delete_by_earlier_handle(subject: Subject) -> str:
    queue = subject.new_queue()
    queue.send()
    earlier = queue.receive_until_shown_again()
    queue.receive()
    said = queue.delete(earlier)
    return f"{said}, {'stays' if sum(queue.counts()) else 'gone'}"


def late_change(subject: Subject) -> str:
    queue = subject.new_queue()
    queue.send()
    message = queue.receive_until_shown_again()
    said = queue.change_visibility(message, 600)
    if said != SUCCESS:
        return said
    return f"{said}, {'hidden again' if queue.counts().hidden else 'nothing happens'}"


def show_at_once(subject: Subject) -> str:
    queue = subject.new_queue()
    queue.send()
    said = queue.change_visibility(queue.receive(), 0)
    return f"{said}, {'received again' if queue.poll(wait_seconds=2) else 'not received again'}"


def show_at_once_as_published(subject: Subject) -> str:
    with as_published(subject) as published:
        return show_at_once(published)


def beyond_twelve_hours(subject: Subject) -> str:
    queue = subject.new_queue()
    queue.send()
    return queue.change_visibility(queue.receive(), TWELVE_HOURS + 1)


def twelve_hours_later(subject: Subject) -> str:
    queue = subject.new_queue()
    queue.send()
    message = queue.receive()
    time.sleep(1)
    return queue.change_visibility(message, TWELVE_HOURS)


def gone_poll(subject: Subject) -> str:
    queue = subject.new_queue()
    begin_poll(subject, queue).close()
    # It is to notice that, if it does.
    time.sleep(_TAKES_SECONDS)
    queue.send()
    is_taken = comes_true(lambda: queue.counts().hidden == 1, _UNTIL_TAKEN_SECONDS)
    return "takes the next message" if is_taken else "takes none"


def begin_poll(subject: Subject, queue: Queue) -> socket.socket:
    """Begin a poll of 20 seconds by hand; return its connection once the broker has had time to read it."""
    body = json.dumps({"QueueUrl": queue.url, "WaitTimeSeconds": 20})
    host = f"localhost:{subject.settings.localstack_port}"
    request = [
        "POST / HTTP/1.1",
        f"Host: {host}",
        "Content-Type: application/x-amz-json-1.0",
        "X-Amz-Target: AmazonSQS.ReceiveMessage",
        f"Authorization: {_AUTHORIZATION}",
        f"Content-Length: {len(body)}",
        "",
        body,
    ]
    connection = socket.create_connection(("127.0.0.1", subject.settings.localstack_port))
    connection.sendall("\r\n".join(request).encode())
    time.sleep(_TAKES_SECONDS)
    return connection


def unknown_queue(subject: Subject) -> str:
    queue = subject.new_queue()
    return outcome(lambda: Queue(subject.sqs, f"{queue.url}-unknown").poll())


def counts(subject: Subject) -> str:
    queue = subject.new_queue()
    queue.send()
    queue.receive()
    queue.send()
    queue.send()
    queue.send(DelaySeconds=600)
    seen = queue.counts()
    return "right at once" if seen == Counts(2, 1, 1) else f"{seen.visible}, {seen.hidden}, {seen.delayed}"


def counts_after_timeout(subject: Subject) -> str:
    queue = subject.new_queue()
    queue.send()
    queue.receive(hidden_seconds=1)
    return "visible" if queue.let_timeout_run_out() else "hidden, until the next poll"


def lateness(subject: Subject) -> str:
    """The most of several, at moments spread over a second, as a broker may look at what it has once in one."""
    moments = [number / _MEASUREMENTS for number in range(_MEASUREMENTS)]
    with ThreadPoolExecutor(_MEASUREMENTS) as pool:
        latest = max(pool.map(lambda moment: one_lateness(subject.new_queue(), moment), moments))
    return next((said for bound, said in _LATENESS if latest <= bound), "more than 1.2 s")


def one_lateness(queue: Queue, after_seconds: float) -> float:
    """By how many seconds a message that is delayed by one comes late."""
    time.sleep(after_seconds)
    due = time.monotonic() + 1
    queue.send(DelaySeconds=1)
    wait_until(lambda: queue.poll(wait_seconds=2) is not None)
    return time.monotonic() - due


SECTION = Section(
    "Receiving, hiding, deleting",
    (
        Row(
            "Visibility changed after it has run out",
            late_change,
            reference("ChangeMessageVisibility", "“might result in an error”, `MessageNotInflight`"),
        ),
        Row(
            "Visibility changed to 0, as the stack runs it",
            show_at_once,
            guide("sqs-visibility-timeout", "“immediately visible”"),
        ),
        Row(
            "Visibility changed to 0, as it is published",
            show_at_once_as_published,
            guide("sqs-visibility-timeout", "“immediately visible”"),
        ),
        Row(
            "Visibility changed to 12 h and 1 s",
            beyond_twelve_hours,
            reference("ChangeMessageVisibility", "“the maximum is 12 hours”"),
        ),
        Row(
            "Visibility changed to 12 h, a second after the receive",
            twelve_hours_later,
            reference("ChangeMessageVisibility", "“an error”, as it is more than “the maximum time left”"),
        ),
        Row("A second delete", second_delete, reference("DeleteMessage")),
        Row(
            "Delete by the handle of an earlier receive",
            delete_by_earlier_handle,
            reference("DeleteMessage", "success, “but the message might not be deleted”"),
        ),
        Row("A long poll whose client is gone", gone_poll, reference("ReceiveMessage")),
        Row(
            "Receive from a queue that there is not",
            unknown_queue,
            guide("sqs-json-api-responses", "400 AWS.SimpleQueueService.NonExistentQueue"),
        ),
        Row(
            "The counts of visible, hidden and delayed messages",
            counts,
            reference("GetQueueAttributes", "approximate, right after “at least 1 minute”"),
        ),
        Row(
            "A message whose visibility timeout has run out is counted as",
            counts_after_timeout,
            reference("GetQueueAttributes", "visible, as it has “reached the end of its visibility window”"),
        ),
        Row(
            "A delayed message is received late by",
            lateness,
            reference("SendMessage"),
            is_alone=True,
            is_measured=True,
        ),
    ),
)
