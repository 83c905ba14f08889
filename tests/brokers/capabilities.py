"""Probes of what the stack's own tools rest on (stack/brokers.py)."""

from contextlib import suppress
from json import JSONDecodeError

import psutil

from stack.broker.api import connect
from stack.errors import StackError
from tests.brokers.queue import SUCCESS, Counts, Message, Queue, outcome, receive_count
from tests.brokers.row import Row, Section, guide, reference
from tests.brokers.running import Subject, as_published

SHOWS = "yes"
KEEPS = "queues and messages, with receive counts, delays and visibility timeouts"

_LEFT = Counts(visible=1, hidden=1, delayed=1)
_RECEIVED_AGAIN = 2
_LEFT_AFTER_RECEIVE = Counts(visible=0, hidden=2, delayed=1)


def queue_of_each_kind(subject: Subject) -> Queue:
    """Make a queue with a message that is hidden, one that has been received before, and one that is delayed."""
    queue = subject.new_queue()
    queue.send()
    queue.receive()
    queue.send()
    queue.receive_until_shown_again()
    queue.send(DelaySeconds=600)
    return queue


def shows_messages(subject: Subject) -> str:
    queue = queue_of_each_kind(subject)
    shown = show(subject, queue)
    message = queue.poll()
    if message is None or receive_count(message) != _RECEIVED_AGAIN:
        return "no: the path is taken for a receive"
    return SHOWS if len(shown) == sum(_LEFT) else "no"


def show(subject: Subject, queue: Queue) -> list[Message]:
    """What the broker gives where LocalStack shows all messages; nothing where it refuses that, or answers else."""
    with connect(subject.settings) as sqs, suppress(StackError, JSONDecodeError):
        return sqs.show_messages(queue.url)
    return []


def keeps_messages(subject: Subject) -> str:
    queue = queue_of_each_kind(subject)
    subject.kill()
    subject.start()
    if outcome(queue.counts) != SUCCESS:
        return "nothing"
    message = queue.poll()
    if message is None:
        return "queues"
    is_all = receive_count(message) == _RECEIVED_AGAIN and queue.counts() == _LEFT_AFTER_RECEIVE
    return KEEPS if is_all else "queues and messages"


def listens_on(subject: Subject) -> str:
    with as_published(subject) as published:
        return " and ".join(sorted(addresses(published.settings.localstack_port)))


def addresses(port: int) -> set[str]:
    """Those of this machine on which something listens on the port, as IPv4 where they are that."""
    listening = (each for each in psutil.net_connections("tcp") if each.status == psutil.CONN_LISTEN)
    bound = (address for address, its_port in (each.laddr for each in listening if each.laddr) if its_port == port)
    return {address.removeprefix("::ffff:") for address in bound}


SHOWS_ROW = Row(
    "All messages of a queue are shown without a receive, by LocalStack's `/_aws/sqs/messages`",
    shows_messages,
    reference("Operations", "no such operation"),
)

KEEPS_ROW = Row(
    "What is there again after `kill -9` and a start",
    keeps_messages,
    guide("standard-queues", "messages are stored “in multiple availability zones”"),
    is_alone=True,
)

LISTENS_ROW = Row(
    "Listens on, as it is published, with its setting for that where it has one",
    listens_on,
    aws=None,
)

SECTION = Section("What the stack's tools rest on", (SHOWS_ROW, KEEPS_ROW, LISTENS_ROW))
