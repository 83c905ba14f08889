"""What is measured of the messages of a queue."""

import math
import time
from dataclasses import replace

import pytest

from services.queueing.message import ReceivedMessage
from services.queueing.metrics import AttemptMetrics, ConsumerMetrics
from services.queueing.slots import Slots
from tests.service_fixtures import Growth, measured

HOUR = 3600
SENT = ReceivedMessage("id", "body", "handle", 1, time.time() - HOUR, {})


def waited(message: ReceivedMessage) -> float:
    growth = Growth.begin()
    AttemptMetrics("calculation").begins(message)
    assert growth.of("async_tasks_queue_wait_seconds_count", queue="calculation") == 1
    return growth.of("async_tasks_queue_wait_seconds_sum", queue="calculation")


def test_a_message_waits_from_when_it_was_sent() -> None:
    assert waited(SENT) >= HOUR


def test_a_delay_that_was_asked_for_is_no_wait() -> None:
    half = waited(replace(SENT, delay_seconds=HOUR / 2))

    assert HOUR / 2 <= half < HOUR
    assert waited(replace(SENT, delay_seconds=math.inf)) == 0


def test_the_newest_message_that_was_received_is_the_one_that_was_available_last() -> None:
    consumer = ConsumerMetrics("calculation", Slots(1, lambda: None))

    consumer.received(replace(SENT, delay_seconds=900))
    consumer.received(replace(SENT, sent_at=SENT.sent_at + 600))

    newest = measured("async_tasks_queue_last_received_sent_timestamp_seconds", queue="calculation")
    assert newest == pytest.approx(SENT.sent_at + 900)
