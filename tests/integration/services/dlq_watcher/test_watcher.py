"""What the DLQ watcher makes of dead messages, on a real LocalStack, with the receiver's Slack."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from aiohttp import web
from pydantic import HttpUrl, SecretStr

from services.dlq_watcher.__main__ import make_consumers
from services.messages import OutcomeMessage, encode_outcome, encode_task
from services.program import _open_resources
from services.settings import WatcherSettings
from services.task_types import load_task_types
from tests.integration.services.conftest import Broker, running
from tests.service_fixtures import Serve

ITEM = '{"name":"a","num_1":0.877666663555222222,"num_2":1.10,"operation":"+","result_rounding":2}'
WORKER_LOST = "the worker was lost in mid-task (killed, out of memory, or its machine gone)"


class Receiver:
    """Takes every callback, and waits for them."""

    def __init__(self) -> None:
        self.bodies: asyncio.Queue[bytes] = asyncio.Queue()

    async def receive(self, request: web.Request) -> web.Response:
        await self.bodies.put(await request.read())
        return web.Response()


@pytest.fixture
def settings(broker: Broker, slack: httpx.AsyncClient) -> WatcherSettings:
    return WatcherSettings(
        **broker.environment,
        sqs_wait_time_seconds=1,
        slack_bot_token=SecretStr("xoxb-local"),
        slack_channel="#alerts",
        slack_api_url=HttpUrl(f"{slack.base_url}/slack/api/".replace("//slack", "/slack")),
        callback_in_place_retry_seconds=[],
        callback_retry_schedule_seconds=[0],
    )


@asynccontextmanager
async def watching(settings: WatcherSettings) -> AsyncIterator[None]:
    task_types = load_task_types(["services.tasks"])
    async with (
        _open_resources(settings, task_types) as resources,
        running(*make_consumers(settings, task_types, resources)),
    ):
        yield


def request_for(url: str) -> str:
    return f'{{"callback_url":"{url}","message":[{ITEM}]}}'


async def alerts_in(slack: httpx.AsyncClient) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = (await slack.get("/slack/messages")).json()["messages"]
    return messages


def text_of(alert: dict[str, Any]) -> str:
    return "\n".join([alert["text"], *(block["text"]["text"] for block in alert["blocks"])])


@pytest.mark.parametrize(
    ("queue", "attributes", "details"),
    [
        (
            "calculation",
            {"reason": "ValueError: no", "attempts": "3"},
            "ValueError: no (failed for good after 3 attempts)",
        ),
        ("calculation", {}, f"{WORKER_LOST} (failed for good after 3 attempts)"),
        ("data", {}, f"{WORKER_LOST} (failed for good after 1 attempt)"),
    ],
)
async def test_a_dead_task_is_reported_to_its_callback_and_to_slack(  # noqa: PLR0913, PLR0917  # fixtures
    broker: Broker,
    settings: WatcherSettings,
    slack: httpx.AsyncClient,
    serve: Serve,
    queue: str,
    attributes: dict[str, str],
    details: str,
) -> None:
    receiver = Receiver()
    async with serve(receiver.receive) as url:
        await broker.queues[f"{queue}-dlq"].send(encode_task("id", queue, request_for(url)), attributes)
        async with watching(settings):
            body = await asyncio.wait_for(receiver.bodies.get(), 30)

    outcome = json.loads(body)
    assert outcome == {
        "results": [],
        "errors": [{"details": details, "message": json.loads(request_for(url))}],
        "task_id": "id",
    }
    assert ITEM.encode() in body
    [alert] = await alerts_in(slack)
    assert alert["text"] == f"Task id ({queue}) failed for good"
    assert attributes.get("reason", WORKER_LOST) in text_of(alert)
    assert f"*Callback:* {url}/" in text_of(alert)
    assert await broker.in_queue(f"{queue}-dlq") == (0, 0)
    assert receiver.bodies.empty()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("garbage", "the message is no JSON"),
        ('{"version":99}', "the message has version 99"),
        (encode_task("id", "calculation", '{"callback_url":5,"message":[]}'), "the message has no usable callback_url"),
        (encode_task("id", "calculation", '{"message":[]}'), "the message is no task: KeyError 'callback_url'"),
    ],
)
async def test_what_has_no_usable_callback_is_kept_in_undelivered_and_a_person_told(
    broker: Broker, settings: WatcherSettings, slack: httpx.AsyncClient, body: str, reason: str
) -> None:
    await broker.queues["calculation-dlq"].send(body, {"reason": "the first reason", "attempts": "1"})

    async with watching(settings):
        [kept] = await broker.take("undelivered")

    assert kept.body == body
    assert kept.attributes["reason"].startswith(f"the first reason; {reason}")
    [alert] = await alerts_in(slack)
    assert alert["text"] == "A message of the queue calculation is no task; it is kept in undelivered"
    assert await broker.in_queue("calculation-dlq") == (0, 0)


async def test_a_failure_whose_callback_cannot_be_reached_waits_on_callbacks_and_a_person_is_told(
    broker: Broker, settings: WatcherSettings, slack: httpx.AsyncClient, closed_port: int
) -> None:
    url = f"http://127.0.0.1:{closed_port}/"
    body = encode_task("id", "calculation", request_for(url))
    await broker.queues["calculation-dlq"].send(body, {"reason": "no", "attempts": "1"})

    async with watching(settings):
        [waiting] = await broker.take("callbacks")

    assert json.loads(waiting.body)["callback_url"] == url
    assert len(await alerts_in(slack)) == 1
    assert await broker.in_queue("calculation-dlq") == (0, 0)


async def test_a_failure_that_is_neither_delivered_nor_fits_a_queue_is_kept_in_undelivered_and_a_person_told(
    broker: Broker, settings: WatcherSettings, slack: httpx.AsyncClient, closed_port: int
) -> None:
    # Characters that take 3 bytes as they came, and 7 in an outcome on its way.
    item = ITEM.replace('"a"', f'"{"語" * 300_000}"')
    request = f'{{"callback_url":"http://127.0.0.1:{closed_port}/","message":[{item}]}}'
    body = encode_task("id", "calculation", request)
    await broker.queues["calculation-dlq"].send(body, {"reason": "the first reason", "attempts": "3"})

    async with watching(settings):
        [kept] = await broker.take("undelivered")

    assert kept.body == body
    assert kept.attributes["reason"].startswith("the first reason; the receiver could not be reached")
    assert "the outcome cannot wait in a queue" in kept.attributes["reason"]
    [alert] = await alerts_in(slack)
    assert "its callback did not hear of it; it is kept in undelivered" in alert["text"]
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
async def test_an_outcome_that_exhausted_its_retries_is_kept_in_undelivered_and_a_person_told(
    broker: Broker, settings: WatcherSettings, slack: httpx.AsyncClient, body: str, headline: str
) -> None:
    await broker.queues["callbacks-dlq"].send(body, {"reason": "the receiver answered 503", "attempts": "7"})

    async with watching(settings):
        [kept] = await broker.take("undelivered")

    assert kept.body == body
    assert kept.attributes["reason"].startswith("the receiver answered 503")
    [alert] = await alerts_in(slack)
    assert alert["text"] == headline
    assert "*Delivery attempts:* 7" in text_of(alert)
    assert await broker.in_queue("callbacks-dlq") == (0, 0)


async def test_slack_down_holds_up_no_callback(
    broker: Broker, settings: WatcherSettings, serve: Serve, closed_port: int
) -> None:
    receiver = Receiver()
    without_slack = settings.model_copy(update={"slack_api_url": HttpUrl(f"http://127.0.0.1:{closed_port}/")})
    async with serve(receiver.receive) as url:
        await broker.queues["calculation-dlq"].send(encode_task("id", "calculation", request_for(url)))
        async with watching(without_slack):
            assert await asyncio.wait_for(receiver.bodies.get(), 30)

    assert await broker.in_queue("calculation-dlq") == (0, 0)
    assert receiver.bodies.empty()
