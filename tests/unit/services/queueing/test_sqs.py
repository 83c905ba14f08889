"""What is counted of the requests to SQS, and what is made of its refusals, with a server that is none."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from pydantic import HttpUrl

from services.queueing.client import open_sqs
from services.queueing.definition import QueueDefinition
from services.queueing.errors import MessageGoneError, SqsEntryError
from services.queueing.message import ReceivedMessage
from services.queueing.queue import Queue
from services.queueing.retrying import retry_sqs
from services.queueing.settings import QueueSettings
from tests.service_fixtures import Growth, Handler, Serve

DEFINITION = QueueDefinition("calculation", "worker", 3, None, None, 345_600)


async def test_every_try_of_a_request_is_counted_by_its_operation(serve: Serve) -> None:
    tries = 0

    async def fail_once(request: web.Request) -> web.Response:
        nonlocal tries
        tries += 1
        if tries == 1:
            return web.json_response({"__type": "InternalError"}, status=500)
        queue_url = {"QueueUrl": f"http://{request.host}/queue"}
        asks_url = request.headers["x-amz-target"].endswith("GetQueueUrl")
        return web.json_response(queue_url if asks_url else {"Attributes": {}})

    growth = Growth.begin()
    async with serve(fail_once) as url, open_sqs(QueueSettings(aws_endpoint_url=HttpUrl(url))) as client:
        await Queue(client, DEFINITION).check()

    assert growth.of("async_tasks_sqs_requests_total", operation="GetQueueUrl") == 2
    assert growth.of("async_tasks_sqs_requests_total", operation="GetQueueAttributes") == 1


async def test_a_service_that_measures_nothing_counts_no_request(serve: Serve) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"QueueUrl": "http://queue"})

    growth = Growth.begin()
    async with serve(answer) as url:
        settings = QueueSettings(aws_endpoint_url=HttpUrl(url), metrics_enabled=False)
        async with open_sqs(settings) as client:
            await client.get_queue_url(QueueName="calculation")

    assert growth.of("async_tasks_sqs_requests_total", operation="GetQueueUrl") == 0


THROTTLED = {"Code": "RequestThrottled", "SenderFault": True}
TOO_LONG = {"Code": "InvalidParameterValue", "SenderFault": True, "Message": "Total VisibilityTimeout is beyond 43200"}
MESSAGE = ReceivedMessage("id", "body", "handle", 1, 0, {})


@pytest.mark.parametrize(
    ("refusal", "error", "tries"),
    [
        # What AWS says of a message that was purged, and what LocalStack says of it.
        ({"Code": "ReceiptHandleIsInvalid", "SenderFault": True}, MessageGoneError, 1),
        ({"Code": "AWS.SimpleQueueService.MessageNotInflight", "SenderFault": True}, MessageGoneError, 1),
        ({"Code": "InvalidParameterValueException", "SenderFault": False}, MessageGoneError, 1),
        (TOO_LONG, SqsEntryError, 1),
        ({"Code": "SomethingElse", "SenderFault": True}, SqsEntryError, 1),
        (THROTTLED, None, 2),
        ({"Code": "InternalError", "SenderFault": False}, None, 2),
    ],
)
async def test_what_sqs_will_refuse_whenever_it_is_asked_is_not_asked_again(
    serve: Serve, refusal: dict[str, Any], error: type[SqsEntryError] | None, tries: int
) -> None:
    asked: Counter[str] = Counter()

    async def refuse_once(request: web.Request) -> web.Response:
        operation = request.headers["x-amz-target"].partition(".")[2]
        asked[operation] += 1
        if operation == "GetQueueUrl":
            return web.json_response({"QueueUrl": f"http://{request.host}/queue"})
        is_first = asked[operation] == 1
        return web.json_response({"Failed": [{"Id": "0", **refusal}]} if is_first else {"Successful": [{"Id": "0"}]})

    async with serve(refuse_once) as url, open_sqs(QueueSettings(aws_endpoint_url=HttpUrl(url))) as client:
        change = retry_sqs(lambda: Queue(client, DEFINITION).change_visibility(MESSAGE, 5))
        if error is None:
            await change
        else:
            with pytest.raises(SqsEntryError) as refused:
                await change
            assert type(refused.value) is error

    assert asked["ChangeMessageVisibilityBatch"] == tries


# As SQS names it in JSON, and in the header that is for clients of its query protocol.
TOO_MUCH = [
    ("com.amazonaws.sqs#BatchRequestTooLong", {}),
    ("Unknown", {"x-amzn-query-error": "AWS.SimpleQueueService.BatchRequestTooLong;Sender"}),
    ("BatchRequestTooLongException", {}),
]


def refusal_of_batch(code: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response({"__type": code, "message": "no"}, status=400, headers=headers)


def answer_to_entries(entries: Sequence[Mapping[str, Any]]) -> web.Response:
    return web.json_response({"Successful": [{"Id": entry["Id"]} for entry in entries]})


def broker_that(answer: Callable[[str, Sequence[Mapping[str, Any]]], web.Response]) -> Handler:
    """A broker that knows each queue's URL, and answers a batch of entries so."""

    async def handle(request: web.Request) -> web.Response:
        operation = request.headers["x-amz-target"].partition(".")[2]
        if operation == "GetQueueUrl":
            return web.json_response({"QueueUrl": f"http://{request.host}/queue"})
        return answer(operation, (await request.json())["Entries"])

    return handle


@pytest.mark.parametrize(("code", "headers"), TOO_MUCH)
async def test_messages_that_are_too_much_together_are_sent_apart_however_the_broker_says_so(
    serve: Serve, code: str, headers: Mapping[str, str]
) -> None:
    sent: list[str] = []

    def take_two(_operation: str, entries: Sequence[Mapping[str, Any]]) -> web.Response:
        if len(entries) > 2:
            return refusal_of_batch(code, headers)
        sent.extend(entry["MessageBody"] for entry in entries)
        return answer_to_entries(entries)

    async with serve(broker_that(take_two)) as url, open_sqs(QueueSettings(aws_endpoint_url=HttpUrl(url))) as client:
        queue = Queue(client, DEFINITION)
        await asyncio.gather(*(queue.send(str(number)) for number in range(10)))

    assert sent == [str(number) for number in range(10)]


@pytest.mark.parametrize("code", ["ReceiptHandleIsInvalid", "InvalidParameterValue"])
async def test_a_handle_for_which_the_broker_refuses_all_spoils_no_other(serve: Serve, code: str) -> None:
    settled: Counter[str] = Counter()

    def refuse_all(operation: str, entries: Sequence[Mapping[str, Any]]) -> web.Response:
        if any(entry["ReceiptHandle"] == "bad" for entry in entries):
            return refusal_of_batch(code)
        settled[operation] += len(entries)
        return answer_to_entries(entries)

    async with serve(broker_that(refuse_all)) as url, open_sqs(QueueSettings(aws_endpoint_url=HttpUrl(url))) as client:
        queue = Queue(client, DEFINITION)
        messages = [replace(MESSAGE, receipt_handle="bad" if number == 3 else str(number)) for number in range(10)]
        deleted = await asyncio.gather(*map(queue.delete, messages), return_exceptions=True)
        changed = await asyncio.gather(*(queue.change_visibility(each, 5) for each in messages), return_exceptions=True)

    for results in (deleted, changed):
        assert [type(result) for result in results] == [type(None)] * 3 + [MessageGoneError] + [type(None)] * 6
    assert settled == {"DeleteMessageBatch": 9, "ChangeMessageVisibilityBatch": 9}


async def test_a_message_whose_queue_is_gone_is_gone(serve: Serve) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.headers["x-amz-target"].endswith("GetQueueUrl"):
            return web.json_response({"QueueUrl": f"http://{request.host}/queue"})
        return web.json_response({"__type": "com.amazonaws.sqs#QueueDoesNotExist"}, status=400)

    async with serve(answer) as url, open_sqs(QueueSettings(aws_endpoint_url=HttpUrl(url))) as client:
        with pytest.raises(MessageGoneError, match="its queue is gone"):
            await retry_sqs(lambda: Queue(client, DEFINITION).delete(MESSAGE))
