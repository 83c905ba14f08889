"""What the DLQ watcher makes of dead messages, on a real LocalStack, with a Slack that keeps to its limits."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from services.dlq_watcher.__main__ import make_components
from services.dlq_watcher.alert import encode_alert
from services.dlq_watcher.settings import WatcherSettings
from services.messages import OutcomeMessage, encode_outcome, encode_task
from services.runtime.resources import open_resources
from services.task_types.loading import load_task_types
from tests.integration.services.conftest import PATIENCE_SECONDS, Broker, running
from tests.integration.services.dlq_watcher.conftest import StrictSlack, refused, texts_of, with_slack
from tests.service_fixtures import Serve
from tests.unit.services.dlq_watcher.conftest import alert_of

ITEM = '{"name":"a","num_1":0.877666663555222222,"num_2":1.10,"operation":"+","result_rounding":2}'
NOT_REPORTED = (
    "no worker reported back: whether it was begun is not known"
    " (a worker may have been killed or suspended, its broker silent, or something else have received it)"
)


class Receiver:
    """Takes every callback, and waits for them."""

    def __init__(self) -> None:
        self.bodies: asyncio.Queue[bytes] = asyncio.Queue()

    async def receive(self, request: web.Request) -> web.Response:
        await self.bodies.put(await request.read())
        return web.Response()


@pytest.fixture
def settings(broker: Broker, strict_slack: StrictSlack) -> WatcherSettings:
    settings = WatcherSettings(
        **broker.environment,
        sqs_wait_time_seconds=1,
        callback_in_place_retry_seconds=[],
        callback_retry_schedule_seconds=[0],
    )
    return with_slack(settings, strict_slack.url)


@asynccontextmanager
async def watching(settings: WatcherSettings) -> AsyncIterator[None]:
    task_types = load_task_types(["services.tasks"])
    async with (
        open_resources(settings, task_types) as resources,
        running(*make_components(settings, task_types, resources)),
    ):
        yield


def request_for(url: str) -> str:
    return f'{{"callback_url":"{url}","message":[{ITEM}]}}'


def headline_of(alert: dict[str, Any], settings: WatcherSettings) -> str:
    """What is said first, behind the name of the stack."""
    stack, _, headline = alert["text"].partition(" ")
    assert stack == f"[{settings.queue_name_prefix}]"
    return str(headline)


def text_of(alert: dict[str, Any]) -> str:
    return "\n".join(texts_of(alert))


@pytest.mark.parametrize(
    ("queue", "attributes", "details"),
    [
        (
            "calculation",
            {"reason": "ValueError: no", "attempts": "3"},
            "ValueError: no (failed for good after 3 attempts)",
        ),
        ("calculation", {}, f"received 3 times, and {NOT_REPORTED} (failed for good)"),
        ("data", {}, f"received once, and {NOT_REPORTED} (failed for good)"),
    ],
)
async def test_a_dead_task_is_reported_to_its_callback_and_to_slack(  # noqa: PLR0913, PLR0917  # fixtures
    broker: Broker,
    settings: WatcherSettings,
    strict_slack: StrictSlack,
    serve: Serve,
    queue: str,
    attributes: dict[str, str],
    details: str,
) -> None:
    receiver = Receiver()
    async with serve(receiver.receive) as url:
        await broker.queues[f"{queue}-dlq"].send(encode_task("id", queue, request_for(url)), attributes)
        async with watching(settings):
            body = await asyncio.wait_for(receiver.bodies.get(), PATIENCE_SECONDS)
            [alert] = await strict_slack.has_posted(1)

    outcome = json.loads(body)
    assert outcome == {
        "results": [],
        "errors": [{"details": details, "message": json.loads(request_for(url))}],
        "task_id": "id",
    }
    assert ITEM.encode() in body
    assert headline_of(alert, settings) == f"Task id ({queue}) failed for good"
    assert f"*Reason:* {details.partition(' (failed for good')[0]}\n" in text_of(alert)
    assert f"*Attempts:* {attributes.get('attempts', 'not known')}\n" in text_of(alert)
    assert f"*Callback:* {url}\n" in text_of(alert)
    assert re.search(r"\*Age:\* .+ when it failed for good \(accepted 20..-..-.. ..:..:.. UTC\)\n", text_of(alert))
    assert "*Next:* nothing to redrive" in text_of(alert)
    assert await broker.in_queue(f"{queue}-dlq") == (0, 0)
    assert await broker.in_queue("alerts") == (0, 0)
    assert receiver.bodies.empty()
    assert len(strict_slack.messages) == 1


async def test_secrets_of_the_callback_are_not_in_the_alert_and_the_trace_is_not_in_the_callback(
    broker: Broker, settings: WatcherSettings, strict_slack: StrictSlack, serve: Serve
) -> None:
    receiver = Receiver()
    async with serve(receiver.receive) as url:
        body = encode_task("id", "calculation", request_for(f"{url}/?token=s3cr3t"))
        attributes = {"reason": "ValueError: no", "attempts": "3", "trace": "in line 1\nValueError: no"}
        await broker.queues["calculation-dlq"].send(body, attributes)
        async with watching(settings):
            callback = await asyncio.wait_for(receiver.bodies.get(), PATIENCE_SECONDS)
            [alert] = await strict_slack.has_posted(1)

    assert b"in line 1" not in callback
    assert texts_of(alert)[-1] == "```in line 1\nValueError: no```"
    assert "s3cr3t" not in json.dumps(alert)
    assert f"*Callback:* {url}/?token=…" in text_of(alert)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("garbage", "the message is no JSON"),
        ('{"version":99}', "the message has version 99"),
        (encode_task("id", "calculation", '{"callback_url":5,"message":[]}'), "the message has no usable callback_url"),
        (encode_task("id", "calculation", '{"message":[]}'), "the message is no task: KeyError 'callback_url'"),
    ],
)
async def test_what_has_no_usable_callback_is_kept_in_undelivered_and_a_person_notified(
    broker: Broker, settings: WatcherSettings, strict_slack: StrictSlack, body: str, reason: str
) -> None:
    await broker.queues["calculation-dlq"].send(body, {"reason": "the first reason", "attempts": "1"})

    async with watching(settings):
        [kept] = await broker.take("undelivered")
        [alert] = await strict_slack.has_posted(1)

    assert kept.body == body
    assert kept.attributes["reason"].startswith(f"the first reason; {reason}")
    assert headline_of(alert, settings) == "A message of the queue calculation is no task; it is kept in undelivered"
    assert f"*Reason:* the first reason; {reason}" in text_of(alert)
    command = f'QUEUE_NAME_PREFIX={settings.queue_name_prefix} make dlq ARGS="list undelivered"'
    assert f"*Next:* look at it with `{command}`" in text_of(alert)
    assert len(strict_slack.messages) == 1
    assert await broker.in_queue("calculation-dlq") == (0, 0)


async def test_a_failure_whose_callback_cannot_be_reached_waits_on_callbacks_and_a_person_is_notified(
    broker: Broker, settings: WatcherSettings, strict_slack: StrictSlack, closed_port: int
) -> None:
    url = f"http://127.0.0.1:{closed_port}/"
    body = encode_task("id", "calculation", request_for(url))
    await broker.queues["calculation-dlq"].send(body, {"reason": "no", "attempts": "1"})

    async with watching(settings):
        [waiting] = await broker.take("callbacks")
        await strict_slack.has_posted(1)

    assert json.loads(waiting.body)["callback_url"] == url
    assert len(strict_slack.messages) == 1
    assert await broker.in_queue("calculation-dlq") == (0, 0)


async def test_a_failure_that_is_neither_delivered_nor_fits_a_queue_is_kept_in_undelivered_and_a_person_notified(
    broker: Broker, settings: WatcherSettings, strict_slack: StrictSlack, closed_port: int
) -> None:
    # Noise in characters that take 3 bytes as they came and 6 in an outcome, where it cannot be compressed to fewer.
    noise = "".join(
        chr(0x4E00 + high % 64 * 256 + low) for high, low in zip(os.urandom(340_000), os.urandom(340_000), strict=True)
    )
    item = ITEM.replace('"a"', f'"{noise}"')
    request = f'{{"callback_url":"http://127.0.0.1:{closed_port}/","message":[{item}]}}'
    body = encode_task("id", "calculation", request)
    await broker.queues["calculation-dlq"].send(body, {"reason": "the first reason", "attempts": "3"})

    async with watching(settings):
        [kept] = await broker.take("undelivered")
        [alert] = await strict_slack.has_posted(1)

    assert kept.body == body
    assert kept.attributes["reason"].startswith("the first reason; the receiver could not be reached")
    assert re.search("the outcome of 2[0-9]{6} bytes cannot wait in a queue", kept.attributes["reason"])
    assert "its callback did not hear of it; it is kept in undelivered" in alert["text"]
    assert 'make dlq ARGS="redrive id"`' in text_of(alert)
    assert len(strict_slack.messages) == 1
    assert await broker.in_queue("calculation-dlq") == (0, 0)


@pytest.mark.parametrize(
    ("body", "headline"),
    [
        (
            encode_outcome(OutcomeMessage("id", "calculation", "http://receiver/", "{}")),
            "The outcome of task id (calculation) was not delivered; it is kept in undelivered",
        ),
        ("garbage", "A message of the queue callbacks is no outcome; it is kept in undelivered"),
    ],
)
async def test_an_outcome_that_exhausted_its_retries_is_kept_in_undelivered_and_a_person_notified(
    broker: Broker, settings: WatcherSettings, strict_slack: StrictSlack, body: str, headline: str
) -> None:
    await broker.queues["callbacks-dlq"].send(body, {"reason": "the receiver answered 503", "attempts": "7"})

    async with watching(settings):
        [kept] = await broker.take("undelivered")
        [alert] = await strict_slack.has_posted(1)

    assert kept.body == body
    assert kept.attributes["reason"].startswith("the receiver answered 503")
    assert kept.attributes["attempts"] == "7"
    assert headline_of(alert, settings) == headline
    assert "*Delivery attempts:* 7" in text_of(alert)
    assert "*Next:* look at it with `" in text_of(alert)
    assert len(strict_slack.messages) == 1
    assert await broker.in_queue("callbacks-dlq") == (0, 0)


async def test_every_delivery_attempt_of_an_outcome_is_counted_those_in_place_too(
    broker: Broker, settings: WatcherSettings, strict_slack: StrictSlack
) -> None:
    body = encode_outcome(OutcomeMessage("id", "calculation", "http://receiver/", "{}"))
    attributes = {"reason": "the receiver answered 503", "attempts": "7", "delivery_attempts": "3"}
    await broker.queues["callbacks-dlq"].send(body, attributes)

    async with watching(settings):
        [kept] = await broker.take("undelivered")
        [alert] = await strict_slack.has_posted(1)

    assert kept.attributes["attempts"] == "10"
    assert "*Delivery attempts:* 10 (3 in place, 7 from the queue callbacks)\n" in text_of(alert)


async def test_what_slack_did_not_take_is_posted_once_it_does_by_the_next_watcher_too(
    broker: Broker, settings: WatcherSettings, strict_slack: StrictSlack, serve: Serve
) -> None:
    receiver = Receiver()

    async def refuse(_request: web.Request) -> web.Response:
        return refused("invalid_auth")

    strict_slack.trouble = refuse
    async with serve(receiver.receive) as url:
        await broker.queues["calculation-dlq"].send(encode_task("id", "calculation", request_for(url)))
        async with watching(settings):
            assert await asyncio.wait_for(receiver.bodies.get(), PATIENCE_SECONDS)
            await strict_slack.was_called(1)
    assert await broker.in_queue("calculation-dlq") == (0, 0)
    assert sum(await broker.in_queue("alerts")) == 1

    strict_slack.trouble = None
    async with watching(settings):
        [alert] = await strict_slack.has_posted(1)

    assert headline_of(alert, settings) == "Task id (calculation) failed for good"
    assert await broker.in_queue("alerts") == (0, 0)
    assert receiver.bodies.empty()


async def test_what_is_no_alert_is_kept_in_undelivered_and_a_person_notified(
    broker: Broker, settings: WatcherSettings, strict_slack: StrictSlack
) -> None:
    await broker.queues["alerts"].send("garbage")

    async with watching(settings):
        [kept] = await broker.take("undelivered")

    assert kept.body == "garbage"
    assert kept.attributes["reason"].startswith("the message is no alert")
    [alert] = strict_slack.messages
    assert headline_of(alert, settings) == "A message of the queue alerts is no alert; it is kept in undelivered"


async def test_without_a_token_alerts_are_errors_in_the_log_those_that_were_left_too(
    broker: Broker, settings: WatcherSettings, serve: Serve
) -> None:
    receiver = Receiver()
    without_slack = settings.model_copy(update={"slack_bot_token": None})
    await broker.queues["alerts"].send(encode_alert(alert_of()))
    with capture_logs() as logs:
        async with serve(receiver.receive) as url:
            await broker.queues["calculation-dlq"].send(encode_task("id", "calculation", request_for(url)))
            async with watching(without_slack):
                assert await asyncio.wait_for(receiver.bodies.get(), PATIENCE_SECONDS)

    alerts = {entry["headline"]: entry for entry in logs if entry["event"] == "alert"}
    assert alerts.keys() == {"Task id (calculation) failed for good", "Task 1 (calculation) failed for good"}
    assert {entry["log_level"] for entry in alerts.values()} == {"error"}
    assert alerts["Task id (calculation) failed for good"]["reason"] == f"received 3 times, and {NOT_REPORTED}"
    assert await broker.in_queue("alerts") == (0, 0)
