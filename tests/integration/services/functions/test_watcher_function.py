"""The DLQ watcher as a function: what failed for good is reported, and a batch of alerts is one message."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from services.dlq_watcher.alert import Alert, encode_alert, make_alert
from services.messages import encode_task
from tests.integration.services.conftest import Broker
from tests.integration.services.functions.conftest import Function, event_of, running_function, settle
from tests.integration.services.functions.heard import Heard
from tests.service_fixtures import Serve

HANDLER = "services.dlq_watcher.aws_lambda.handler"


@pytest.fixture
def watcher(broker: Broker, tmp_path: Path) -> Iterator[Function]:
    """One that has no Slack."""
    with running_function(HANDLER, broker.environment, tmp_path) as function:
        yield function


@pytest.fixture
def watcher_with_slack(broker: Broker, slack: httpx.AsyncClient, tmp_path: Path) -> Iterator[Function]:
    settings = {
        "slack_bot_token": "xoxb-test",
        "slack_channel": "#alerts",
        "slack_api_url": str(slack.base_url.join("/slack/api/")),
    }
    with running_function(HANDLER, {**broker.environment, **settings}, tmp_path) as function:
        yield function


def task(task_id: str, task_type: str, url: str) -> str:
    return encode_task(task_id, task_type, f'{{"callback_url":"{url}/callback","message":[]}}')


def alert(number: int) -> Alert:
    return make_alert(f"alert {number}", f"Headline {number}", origin="data", reason="why", facts={"Attempts": "1"})


async def test_every_dead_letter_queue_is_reported_by_the_one_function(
    broker: Broker, serve: Serve, watcher: Function
) -> None:
    heard = Heard()
    dead = {"reason": "no such thing", "attempts": "2", "source_queue": "calculation"}
    async with serve(heard.receive) as url:
        for name in ("calculation", "data"):
            await broker.queues[f"{name}-dlq"].send(task(name, name, url), dead)
            event = await event_of(broker, f"{name}-dlq", 1)
            answer = await watcher.invoke(event)
            assert await settle(broker, f"{name}-dlq", event, answer) == []

    outcomes = [json.loads(heard.outcomes.get_nowait()) for _ in range(2)]
    assert [outcome["task_id"] for outcome in outcomes] == ["calculation", "data"]
    assert outcomes[0]["errors"][0]["details"] == "no such thing (failed for good after 2 attempts)"
    assert watcher.events().count("alert") == 2


async def test_what_is_no_task_is_kept_in_undelivered_and_a_person_is_notified(
    broker: Broker, watcher: Function
) -> None:
    await broker.queues["data-dlq"].send("garbage", {"reason": "no task", "attempts": "1", "source_queue": "data"})
    event = await event_of(broker, "data-dlq", 1)

    answer = await watcher.invoke(event)

    assert await settle(broker, "data-dlq", event, answer) == []
    [kept] = await broker.take("undelivered")
    assert (kept.body, kept.attributes["source_queue"]) == ("garbage", "data")
    assert "alert" in watcher.events()


async def test_a_failure_goes_through_the_queue_of_alerts_where_there_is_slack(
    broker: Broker, serve: Serve, watcher_with_slack: Function
) -> None:
    async with serve(Heard().receive) as url:
        await broker.queues["data-dlq"].send(task("id", "data", url), {"reason": "no", "attempts": "1"})
        await watcher_with_slack.invoke(await event_of(broker, "data-dlq", 1))

    assert await broker.in_queue("alerts") == (1, 0)


@pytest.mark.parametrize("count", [1, 10, 40])
async def test_a_batch_of_alerts_is_one_message(
    broker: Broker, slack: httpx.AsyncClient, watcher_with_slack: Function, count: int
) -> None:
    await asyncio.gather(*(broker.queues["alerts"].send(encode_alert(alert(n))) for n in range(count)))
    event = await event_of(broker, "alerts", count)

    answer = await watcher_with_slack.invoke(event)

    assert await settle(broker, "alerts", event, answer) == []
    messages = (await slack.get("/slack/messages")).json()["messages"]
    assert len(messages) == 1
    assert watcher_with_slack.events().count("alert posted") == count


async def test_alerts_that_slack_does_not_take_come_again(
    broker: Broker, slack: httpx.AsyncClient, watcher_with_slack: Function
) -> None:
    await slack.put("/slack/rate-limit", json={"times": 1, "retry_after": 30})
    await broker.queues["alerts"].send(encode_alert(alert(1)))
    event = await event_of(broker, "alerts", 1)

    answer = await watcher_with_slack.invoke(event)

    assert len(await settle(broker, "alerts", event, answer)) == 1
    assert "returned for retry" in watcher_with_slack.events()
