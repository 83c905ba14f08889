"""The model of SQS behaves as SQS does where the services notice."""

import asyncio
import random
from typing import Any

import pytest

from bench.scaling.simulated_sqs import SimulatedSqs
from bench.scaling.virtual_time import run_in_virtual_time

ROUND_TRIP = 0.01


def make_sqs(most_in_flight: int = 100) -> SimulatedSqs:
    return SimulatedSqs(ROUND_TRIP, random.Random(1), most_in_flight)  # noqa: S311  # a model


async def send(sqs: SimulatedSqs, number: int, delay_seconds: int = 0) -> None:
    entries = [{"Id": str(index), "MessageBody": "", "DelaySeconds": delay_seconds} for index in range(number)]
    await sqs.send_message_batch(Entries=entries)


async def receive(sqs: SimulatedSqs, most: int = 10, wait: float = 20, visibility: float = 30) -> list[dict[str, Any]]:
    response = await sqs.receive_message(MaxNumberOfMessages=most, WaitTimeSeconds=wait, VisibilityTimeout=visibility)
    messages: list[dict[str, Any]] = response["Messages"]
    return messages


def now() -> float:
    return asyncio.get_running_loop().time()


def test_a_long_poll_ends_with_the_first_message_and_takes_what_was_sent_with_it() -> None:
    async def scenario() -> None:
        sqs = make_sqs()
        poll = asyncio.create_task(receive(sqs))
        await asyncio.sleep(3)
        await send(sqs, 4)
        assert len(await poll) == 4
        assert now() == pytest.approx(3 + ROUND_TRIP)

    run_in_virtual_time(scenario())


def test_a_long_poll_of_an_empty_queue_ends_with_nothing() -> None:
    async def scenario() -> None:
        sqs = make_sqs()
        assert await receive(sqs, wait=20) == []
        assert now() == pytest.approx(20 + ROUND_TRIP)
        assert sqs.empty_receives == 1

    run_in_virtual_time(scenario())


def test_a_message_that_is_not_deleted_comes_back_and_one_that_is_does_not() -> None:
    async def scenario() -> None:
        sqs = make_sqs()
        await send(sqs, 2)
        kept, deleted = await receive(sqs, visibility=30)
        await sqs.delete_message_batch(Entries=[{"Id": "0", "ReceiptHandle": deleted["ReceiptHandle"]}])
        again = await receive(sqs, wait=60)
        assert [message["MessageId"] for message in again] == [kept["MessageId"]]
        assert again[0]["Attributes"]["ApproximateReceiveCount"] == "2"
        assert now() == pytest.approx(30, abs=5 * ROUND_TRIP)

    run_in_virtual_time(scenario())


def test_a_message_that_was_received_as_often_as_allowed_goes_to_the_dead_letter_queue_at_the_next_receive() -> None:
    async def scenario() -> None:
        sqs = make_sqs()
        sqs.max_receives = 2
        await send(sqs, 1)
        assert [len(await receive(sqs, wait=60)) for _ in range(3)] == [1, 1, 0]
        assert sqs.moved == [""]

    run_in_virtual_time(scenario())


def test_what_is_in_flight_is_counted_with_what_waits() -> None:
    async def scenario() -> None:
        sqs = make_sqs()
        await send(sqs, 12)
        await receive(sqs)
        attributes = (await sqs.get_queue_attributes())["Attributes"]
        assert attributes["ApproximateNumberOfMessages"] == "2"
        assert attributes["ApproximateNumberOfMessagesNotVisible"] == "10"

    run_in_virtual_time(scenario())


def test_a_changed_visibility_counts_from_the_change() -> None:
    async def scenario() -> None:
        sqs = make_sqs()
        await send(sqs, 1)
        (message,) = await receive(sqs, visibility=30)
        await asyncio.sleep(10)
        entry = {"Id": "0", "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 100}
        await sqs.change_message_visibility_batch(Entries=[entry])
        assert len(await receive(sqs, wait=200)) == 1
        assert now() == pytest.approx(110, abs=5 * ROUND_TRIP)

    run_in_virtual_time(scenario())


def test_a_delayed_message_is_not_in_flight_while_it_waits() -> None:
    async def scenario() -> None:
        sqs = make_sqs()
        await send(sqs, 1, delay_seconds=900)
        assert sqs.highest_in_flight == 0
        assert len(await receive(sqs, wait=1000)) == 1
        assert now() == pytest.approx(900, abs=5 * ROUND_TRIP)

    run_in_virtual_time(scenario())


def test_at_the_quota_of_messages_in_flight_a_long_poll_finds_nothing_until_one_is_deleted() -> None:
    async def scenario() -> None:
        sqs = make_sqs(most_in_flight=10)
        await send(sqs, 12)
        in_flight = await receive(sqs)
        assert await receive(sqs, wait=1) == []
        entries = [
            {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]} for index, message in enumerate(in_flight)
        ]
        await sqs.delete_message_batch(Entries=entries)
        assert len(await receive(sqs)) == 2

    run_in_virtual_time(scenario())
