"""Probes of what concerns a whole queue, or all of them."""

import time
from concurrent.futures import ThreadPoolExecutor

from tests.brokers.queue import outcome
from tests.brokers.row import Row, Section, guide, reference
from tests.brokers.running import Subject

_MANY = 1001
_AT_A_TIME = 8
_CLOCK_SECONDS = 3600
"""What tells seconds from milliseconds."""


def purge_twice(subject: Subject) -> str:
    url = subject.new_queue().url
    subject.sqs.purge_queue(QueueUrl=url)
    return outcome(lambda: subject.sqs.purge_queue(QueueUrl=url))


def list_many(subject: Subject) -> str:
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        list(pool.map(lambda number: subject.sqs.create_queue(QueueName=f"many-{number}"), range(_MANY)))
    answer = subject.sqs.list_queues(QueueNamePrefix="many-")
    return f"{len(answer['QueueUrls'])}, {'a token' if answer.get('NextToken') else 'no token'}"


def created_timestamp(subject: Subject) -> str:
    text = subject.new_queue().attribute("CreatedTimestamp")
    age = time.time() - float(text)
    assert abs(age) < _CLOCK_SECONDS, f"it was made {age} s ago"
    return "whole seconds" if text.isdecimal() else "seconds with a fraction"


def date_header(subject: Subject) -> str:
    headers = subject.sqs.list_queues(MaxResults=1)["ResponseMetadata"]["HTTPHeaders"]
    return "sent" if "date" in headers else "not sent"


SECTION = Section(
    "Queues and answers",
    (
        Row(
            "A second PurgeQueue",
            purge_twice,
            reference("PurgeQueue", "`PurgeQueueInProgress` for 60 seconds"),
        ),
        Row(
            "ListQueues of 1001 queues",
            list_many,
            reference("ListQueues", "1000; a token only where `MaxResults` is set"),
        ),
        Row("CreatedTimestamp", created_timestamp, reference("GetQueueAttributes", "“in seconds”")),
        Row("The header `Date`", date_header, guide("sqs-json-api-responses", "sent")),
    ),
)
