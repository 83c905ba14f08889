"""What is made of messages that are not as SQS gives them, and of a broker that does not give what it is asked for."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from aiohttp import web
from pydantic import HttpUrl
from structlog.testing import capture_logs

from services.queueing.caution import Caution
from services.queueing.client import open_sqs
from services.queueing.consumer import Consumer
from services.queueing.decisions import RetryPolicy
from services.queueing.definition import QueueDefinition
from services.queueing.errors import UnusableBrokerError
from services.queueing.message import ReceivedMessage
from services.queueing.message_reader import MessageReader
from services.queueing.queue import Queue
from services.queueing.settings import QueueSettings
from services.worker.settings import WorkerSettings
from tests.service_fixtures import Handler, Serve

SENT_AT_MS = 1_700_000_000_000
PATIENCE_SECONDS = 30
DEFINITION = QueueDefinition("q", "worker", 3, "q-dlq", None, 345_600)


def message(number: int, **changes: Any) -> dict[str, Any]:
    system = {
        "ApproximateReceiveCount": "1",
        "SentTimestamp": str(SENT_AT_MS),
        "ApproximateFirstReceiveTimestamp": str(SENT_AT_MS),
    }
    whole = {"MessageId": str(number), "ReceiptHandle": f"handle {number}", "Body": "body", "Attributes": system}
    return {name: value for name, value in {**whole, **changes}.items() if value is not None}


def counted(**changes: str | None) -> dict[str, str]:
    system = {**message(0)["Attributes"], **changes}
    return {name: value for name, value in system.items() if value is not None}


def read(reader: MessageReader, received: Sequence[Any]) -> list[ReceivedMessage]:
    return reader.read(cast("Any", received), "")


ODD = [
    (message(4, Body=None), "it has no Body"),
    (message(4, MessageId=None), "it has no MessageId"),
    (message(4, ReceiptHandle=None), "it has no ReceiptHandle"),
    (message(4, Attributes=counted(ApproximateReceiveCount=None)), "it has no ApproximateReceiveCount"),
    (message(4, Attributes=counted(ApproximateReceiveCount="often")), "ValueError: invalid literal for int()"),
    (message(4, Attributes=counted(SentTimestamp="lately")), "ValueError: invalid literal for int()"),
    (message(4, Attributes=counted(SentTimestamp="1" * 400)), "OverflowError"),
    (message(4, ReceiptHandle=5), "its MessageId or its ReceiptHandle is no text"),
    (message(4, Attributes="none"), "it has no ApproximateReceiveCount"),
    (message(4, MessageAttributes=[]), "AttributeError"),
    (message(4, MessageAttributes={"a": "text"}), "AttributeError"),
    (message(4, Attributes={}), "it has no ApproximateReceiveCount"),
    (message(4, Attributes=5), "TypeError"),
    ("no message", "it has no ApproximateReceiveCount"),
    (7, "TypeError"),
    (None, "TypeError"),
]


@pytest.mark.parametrize("place", [0, 4, 9])
@pytest.mark.parametrize(("odd", "fault"), ODD)
def test_one_odd_message_spoils_no_other_of_its_batch_wherever_it_is_and_is_reported_once(
    odd: Any, fault: str, place: int
) -> None:
    reader = MessageReader("q")
    received = [odd if number == place else message(number) for number in range(10)]

    with capture_logs() as lines:
        for _ in range(3):
            assert [each.message_id for each in read(reader, received)] == [str(n) for n in range(10) if n != place]

    [line] = lines
    assert (line["event"], line["log_level"]) == ("a message cannot be read, and is left to SQS", "error")
    assert (line["queue"], line["message_id"]) == ("q", odd.get("MessageId", "") if isinstance(odd, dict) else "")
    assert line["fault"].startswith(fault)


@pytest.mark.parametrize("attributes", [None, {}, counted(ApproximateReceiveCount=None)])
def test_a_broker_that_counts_no_receives_cannot_be_used(attributes: Any) -> None:
    received = [message(number, Attributes=attributes) for number in range(3)]

    with pytest.raises(UnusableBrokerError, match=r"gives no ApproximateReceiveCount .* use a broker that gives it"):
        read(MessageReader("q"), received)


def test_a_message_that_says_nothing_of_its_receives_is_the_only_one_until_another_comes() -> None:
    reader = MessageReader("q")
    uncounted = [message(number, Attributes=None) for number in range(4)]

    with capture_logs() as lines:
        # However often it comes again.
        assert read(reader, uncounted[:1]) == read(reader, uncounted[:1]) == []
        assert len(read(reader, [message(9)])) == 1
        assert read(reader, uncounted[1:2]) == []
    assert [line["fault"] for line in lines] == ["it has no ApproximateReceiveCount"] * 2

    for received in (uncounted[2:3], uncounted[1:2]):
        with pytest.raises(UnusableBrokerError):
            read(reader, received)


@pytest.mark.parametrize("missing", [["SentTimestamp"], ["ApproximateFirstReceiveTimestamp"]])
def test_a_time_that_the_broker_does_not_give_is_said_once_and_a_message_is_taken_to_be_sent_when_it_came(
    missing: list[str],
) -> None:
    reader = MessageReader("q")
    received = [message(1, Attributes=counted(**dict.fromkeys(missing)))]

    with capture_logs() as lines:
        [first] = read(reader, received)
        [again] = read(reader, received)

    assert (first.sent_at > SENT_AT_MS / 1000) == ("SentTimestamp" in missing)
    assert (again.first_received_at is None) == ("ApproximateFirstReceiveTimestamp" in missing)
    [line] = lines
    assert line["event"] == "the broker does not give all times"
    assert line["missing"] == missing


def test_of_a_broker_that_gives_all_nothing_is_said() -> None:
    with capture_logs() as lines:
        assert len(read(MessageReader("q"), [message(1)])) == 1

    assert lines == []


DENIED = "denied"
"""In place of a queue's attributes: it may not be asked for them."""


class Answers:
    """A broker whose queue gives these messages at the first receive, and as few attributes as it is told."""

    def __init__(self, received: Sequence[Any], attributes: Any = None) -> None:
        self.received = list(received)
        self.attributes = attributes
        self.asked_for: list[int] = []
        self.deleted: list[str] = []
        self.given_back: list[str] = []
        self.emptied = asyncio.Event()
        self.has_deleted = asyncio.Condition()

    async def answer(self, request: web.Request) -> web.Response:
        operation = request.headers["x-amz-target"].partition(".")[2]
        asked = await request.json()
        match operation:
            case "GetQueueUrl":
                return web.json_response({"QueueUrl": f"http://{request.host}/queue"})
            case "GetQueueAttributes" if self.attributes is DENIED:
                return web.json_response({"__type": "com.amazonaws.sqs#AccessDenied", "message": "no"}, status=403)
            case "GetQueueAttributes":
                return web.json_response({} if self.attributes is None else {"Attributes": self.attributes})
            case "ReceiveMessage":
                self.asked_for.append(asked["MaxNumberOfMessages"])
                if not self.received:
                    self.emptied.set()
                    await asyncio.sleep(0.01)
                given, self.received = self.received, []
                return web.json_response({"Messages": given})
            case "ChangeMessageVisibilityBatch":
                self.given_back += [each["ReceiptHandle"] for each in asked["Entries"] if not each["VisibilityTimeout"]]
                return web.json_response({"Successful": [{"Id": entry["Id"]} for entry in asked["Entries"]]})
            case _:
                async with self.has_deleted:
                    self.deleted += [entry["ReceiptHandle"] for entry in asked["Entries"]]
                    self.has_deleted.notify_all()
                return web.json_response({"Successful": [{"Id": entry["Id"]} for entry in asked["Entries"]]})


@asynccontextmanager
async def queue_of(serve: Serve, answer: Handler) -> AsyncIterator[Queue]:
    async with serve(answer) as url, open_sqs(QueueSettings(aws_endpoint_url=HttpUrl(url))) as client:
        yield Queue(client, DEFINITION)


@asynccontextmanager
async def consuming(queue: Queue, worked: list[str], caution: Caution | None = None) -> AsyncIterator[Consumer]:
    async def work(received: ReceivedMessage) -> None:
        worked.append(received.message_id)

    settings = WorkerSettings.model_construct(sqs_wait_time_seconds=0, worker_concurrency=10)
    consumer = Consumer(queue, queue, work, RetryPolicy(3, (0,)), settings, caution=caution)
    stop = asyncio.Event()
    running = asyncio.create_task(consumer.run(stop))
    async with asyncio.timeout(PATIENCE_SECONDS):
        yield consumer
        stop.set()
        await running


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  # nothing announces it
        await asyncio.sleep(0.01)


async def test_the_others_of_a_batch_are_worked_and_the_odd_message_is_left_to_the_broker(serve: Serve) -> None:
    broker = Answers([message(number, Body=None) if number == 4 else message(number) for number in range(10)])
    worked: list[str] = []

    async with queue_of(serve, broker.answer) as queue, consuming(queue, worked) as consumer:
        async with broker.has_deleted:
            await broker.has_deleted.wait_for(lambda: len(broker.deleted) == 9)
        assert consumer.unready_reason() is None

    assert sorted(worked) == [str(number) for number in range(10) if number != 4]
    assert "handle 4" not in broker.deleted


async def test_a_consumer_says_once_and_as_long_as_it_is_so_that_its_broker_counts_no_receives(serve: Serve) -> None:
    broker = Answers([message(number, Attributes=None) for number in range(3)])
    worked: list[str] = []

    with capture_logs() as lines:
        async with queue_of(serve, broker.answer) as queue, consuming(queue, worked) as consumer:
            await until(lambda: consumer.unready_reason() not in {None, "q: no successful receive yet"})
            reason = str(consumer.unready_reason())
            broker.received = [message(1, Attributes=None)]
            await broker.emptied.wait()
            assert consumer.unready_reason() == reason

            # Another broker has taken its place.
            broker.received = [message(5)]
            await until(lambda: consumer.unready_reason() is None)

    assert "gives no ApproximateReceiveCount" in reason
    assert [line["reason"] for line in lines if line["event"] == "the broker cannot be used"] == [
        reason.removeprefix("q: ")
    ]
    assert not [line for line in lines if line["event"] == "receive failed"]
    # Each receive counts there too: as few messages as can be are received.
    assert broker.asked_for[:2] == [10, 1]
    assert (worked, broker.deleted) == (["5"], ["handle 5"])


IN_FLIGHT = "ApproximateNumberOfMessagesNotVisible"


@pytest.mark.parametrize(
    ("attributes", "with_care"),
    [
        ({IN_FLIGHT: "0"}, False),
        ({IN_FLIGHT: "2"}, True),
        ({IN_FLIGHT: "some"}, True),
        ({"QueueArn": "arn"}, True),
        (None, True),
        (DENIED, True),
    ],
)
async def test_a_worker_begins_whatever_its_queue_says_of_itself_and_with_care_unless_nothing_is_in_flight(
    serve: Serve,
    attributes: Any,
    with_care: bool,  # noqa: FBT001
) -> None:
    broker = Answers([message(1)], attributes)
    caution = Caution(trust_after=3, return_seconds=PATIENCE_SECONDS)
    worked: list[str] = []

    async with queue_of(serve, broker.answer) as queue, consuming(queue, worked, caution) as consumer:
        async with broker.has_deleted:
            await broker.has_deleted.wait_for(lambda: bool(broker.deleted))
        assert consumer.unready_reason() is None
        # Where nothing is in flight, a receive that has brought no suspect is followed by a larger one.
        assert (caution.most_to_receive(0, asyncio.get_running_loop().time()) == 1) == with_care

    assert worked == ["1"]


@pytest.mark.parametrize(
    ("attributes", "missing"),
    [
        (None, "Attributes"),
        ({"QueueArn": "arn", "ApproximateNumberOfMessages": "1"}, "ApproximateNumberOfMessagesNotVisible"),
    ],
)
async def test_what_a_queue_does_not_say_of_itself_is_said_in_a_sentence(
    serve: Serve, attributes: Any, missing: str
) -> None:
    async with queue_of(serve, Answers([], attributes).answer) as queue:
        with pytest.raises(
            UnusableBrokerError, match=rf"GetQueueAttributes of q has no {missing}.*: use a broker that"
        ):
            await queue.state()


async def test_a_queue_that_says_nothing_of_itself_cannot_be_compared_with_its_declaration(serve: Serve) -> None:
    async with queue_of(serve, Answers([]).answer) as queue:
        with pytest.raises(UnusableBrokerError, match="GetQueueAttributes of q has no Attributes: use a broker that"):
            await queue.check()
