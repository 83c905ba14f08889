"""A storm: hundreds of dead messages at once. Every callback hears its failure, and Slack is left in peace."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from aiohttp import web

from services.dlq_watcher.__main__ import make_components
from services.dlq_watcher.settings import WatcherSettings
from services.messages import encode_task
from services.queueing.consumer import Consumer
from services.runtime.program import Component
from services.runtime.resources import open_resources
from services.task_types.loading import load_task_types
from tests.integration.services.conftest import PATIENCE_SECONDS, Broker, running, until
from tests.integration.services.dlq_watcher.conftest import StrictSlack, alerts_in, refused, texts_of, with_slack
from tests.service_fixtures import Handler, Serve

DEAD = 500
WINDOW_SECONDS = 600
"""Longer than any test takes: what is gathered is posted when the program stops."""
ALONE = 3
"""The first few of a window are posted one by one."""


class Callbacks:
    """Takes every callback, counts them by task, and waits for them."""

    def __init__(self) -> None:
        self.heard: Counter[str] = Counter()
        self._changed = asyncio.Condition()

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.json()
        assert body["results"] == []
        async with self._changed:
            self.heard[body["task_id"]] += 1
            self._changed.notify_all()
        return web.Response()

    async def of_all(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS), self._changed:
            await self._changed.wait_for(lambda: len(self.heard) >= count)


@pytest.fixture
def settings(broker: Broker, strict_slack: StrictSlack) -> WatcherSettings:
    settings = WatcherSettings(**broker.environment, sqs_wait_time_seconds=1, alert_window_seconds=WINDOW_SECONDS)
    return with_slack(settings, strict_slack.url)


async def kill_tasks(broker: Broker, callback_url: str) -> None:
    """Let tasks die, one in four for a reason of its own."""
    item = {"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 0}
    request = json.dumps({"callback_url": callback_url, "message": [item]})

    def send(number: int) -> Any:
        reason = f"KeyError: 'user {number}'" if number % 4 == 0 else "ValueError: no"
        body = encode_task(f"task-{number}", "calculation", request)
        return broker.queues["calculation-dlq"].send(body, {"reason": reason, "attempts": "3"})

    await asyncio.gather(*(send(number) for number in range(DEAD)))


async def test_each_callback_hears_its_failure_and_slack_gets_a_handful_of_messages(
    broker: Broker, settings: WatcherSettings, strict_slack: StrictSlack, serve: Serve
) -> None:
    callbacks = Callbacks()
    task_types = load_task_types(["services.tasks"])
    async with serve(callbacks.receive) as url, open_resources(settings, task_types) as resources:
        await kill_tasks(broker, url)
        components = make_components(settings, task_types, resources)
        async with running(*components):
            await callbacks.of_all(DEAD)
            await strict_slack.has_posted(ALONE)
            await until(broker, "calculation-dlq", lambda *left: left == (0, 0))
            await until(broker, "alerts", lambda *left: left == (0, DEAD - ALONE))
            await has_in_flight(components, DEAD - ALONE)

    assert callbacks.heard == Counter({f"task-{number}": 1 for number in range(DEAD)})
    assert [alerts_in(message) for message in strict_slack.messages] == [1] * ALONE + [DEAD - ALONE]
    assert (strict_slack.calls, strict_slack.too_early) == (len(strict_slack.messages), 0)
    digests = "\n".join(text for message in strict_slack.messages for text in texts_of(message))
    assert "calculation: ValueError: no" in digests
    assert "calculation: KeyError: 'user " in digests
    for queue in ("calculation-dlq", "alerts", "undelivered"):
        assert await broker.in_queue(queue) == (0, 0)


async def has_in_flight(components: Sequence[Component], alerts: int) -> None:
    """Wait until the consumer of alerts has so many in flight: SQS may know of them before it does."""
    [consumer] = [
        component
        for component in components
        if isinstance(component, Consumer) and component.describe_work()["queue"] == "alerts"
    ]
    async with asyncio.timeout(PATIENCE_SECONDS):
        while consumer.describe_work()["busy"] < alerts:  # noqa: ASYNC110  # nothing announces a consumer's work
            await asyncio.sleep(0.005)


async def ask_for_a_pause(_request: web.Request) -> web.Response:
    return refused("ratelimited", status=429, retry_after=30)


async def fail(_request: web.Request) -> web.Response:
    return web.Response(status=500)


async def refuse_the_token(_request: web.Request) -> web.Response:
    return refused("invalid_auth")


async def hang(_request: web.Request) -> web.Response:
    await asyncio.Event().wait()
    return web.Response()


@pytest.mark.parametrize("trouble", [ask_for_a_pause, fail, refuse_the_token, hang])
async def test_whatever_slack_does_the_callbacks_are_heard_and_the_alerts_kept(
    broker: Broker, settings: WatcherSettings, strict_slack: StrictSlack, serve: Serve, trouble: Handler
) -> None:
    callbacks = Callbacks()
    task_types = load_task_types(["services.tasks"])
    strict_slack.trouble = trouble
    quick = settings.model_copy(update={"drain_timeout_seconds": 1})
    async with serve(callbacks.receive) as url, open_resources(quick, task_types) as resources:
        await kill_tasks(broker, url)
        async with running(*make_components(quick, task_types, resources)):
            await callbacks.of_all(DEAD)
            await strict_slack.was_called(1)

    assert callbacks.heard == Counter({f"task-{number}": 1 for number in range(DEAD)})
    assert await broker.in_queue("calculation-dlq") == (0, 0)
    assert sum(await broker.in_queue("alerts")) == DEAD
    assert (strict_slack.messages, strict_slack.too_early) == ([], 0)
    # Those that go alone, and all others once at the end.
    assert strict_slack.calls <= ALONE + 1
