"""Queues that are not as declared, on a real LocalStack: who notices, and what becomes of a task meanwhile."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from services.api.app import create_app
from services.api.settings import ApiSettings
from services.dlq_watcher.__main__ import make_components
from services.dlq_watcher.settings import WatcherSettings
from services.messages import encode_task
from services.queueing.attempt import MessageHandler
from services.queueing.client import open_sqs
from services.queueing.consumer import Consumer
from services.queueing.decisions import RetryPolicy
from services.queueing.provisioning import describe_smaller_messages
from services.queueing.queue import Queue
from services.queueing.queue_check import QueueCheck
from services.runtime.resources import open_resources
from services.runtime.settings import ServiceSettings
from services.task_types.loading import load_task_types
from services.worker.attempt_limit import AttemptLimit
from services.worker.settings import WorkerSettings
from tests.integration.services.conftest import PATIENCE_SECONDS, Broker, running
from tests.integration.services.dlq.conftest import deny, intercepted
from tests.integration.services.queueing.test_consumer import Work
from tests.service_fixtures import Serve

TASK_TYPES = load_task_types(["services.tasks"])
OFTEN = {"seconds_between_looks": 0.05, "seconds_until_second_look": 0.05}


def consumer_of(broker: Broker, queue: str, handler: MessageHandler, attempts: int) -> Consumer:
    settings = WorkerSettings(**broker.environment, sqs_wait_time_seconds=1)
    policy = RetryPolicy(attempts, (0,))
    return Consumer(broker.queues[queue], broker.queues[f"{queue}-dlq"], handler, policy, settings)


def said_of(broker: Broker, queue: str, what: str) -> str:
    return f"{broker.queues[queue].name}: {what}"


async def said(check: QueueCheck, reason: str | None) -> None:
    """Wait until the check says so."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while check.unready_reason() != reason:  # noqa: ASYNC110  # nothing announces a change
            await asyncio.sleep(0.01)


async def test_a_queue_that_is_changed_while_a_program_runs_is_named_until_it_is_put_right(broker: Broker) -> None:
    check = QueueCheck(broker.queues, **OFTEN)
    await check.look()
    assert check.unready_reason() is None

    with capture_logs() as lines:
        async with running(check):
            await broker.allow_attempts("calculation", 2)
            await said(check, said_of(broker, "calculation", "RedrivePolicy.maxReceiveCount is 2, wanted 3"))
            await broker.allow_attempts("calculation", 3)
            await said(check, None)

    name = broker.queues["calculation"].name
    assert [line for line in lines if line["log_level"] == "error"] == [
        {
            "event": "queue is not as declared",
            "log_level": "error",
            "queue": name,
            "attribute": "RedrivePolicy.maxReceiveCount",
            "value": "2",
            "wanted": "3",
        }
    ]
    assert {"event": "queue is as declared again", "log_level": "info", "queue": name} in lines


async def test_a_queue_that_takes_smaller_messages_leaves_a_program_ready_and_is_named_once(broker: Broker) -> None:
    await broker.set_attributes("calculation", MaximumMessageSize="262144")
    check = QueueCheck(broker.queues, **OFTEN)

    with capture_logs() as lines:
        await check.look()
        await check.look()

    assert check.unready_reason() is None
    name = broker.queues["calculation"].name
    assert lines == [
        {
            "event": "queue takes smaller messages than SQS allows",
            "log_level": "warning",
            "queue": name,
            "meaning": describe_smaller_messages(262_144),
        }
    ]


async def test_a_queue_that_takes_less_than_says_why_a_task_failed_is_to_be_put_right(broker: Broker) -> None:
    await broker.set_attributes("calculation", MaximumMessageSize="1024")
    check = QueueCheck(broker.queues)

    await check.look()

    assert check.unready_reason() == said_of(broker, "calculation", "MaximumMessageSize is 1024, wanted 16384 or more")


async def test_a_queue_that_could_not_keep_what_its_dlqs_give_up_on_is_to_be_put_right(broker: Broker) -> None:
    await broker.set_attributes("undelivered", MaximumMessageSize="262144")
    check = QueueCheck(broker.queues)

    await check.look()
    assert check.unready_reason() == said_of(
        broker, "undelivered", "MaximumMessageSize is 262144, wanted 1048576 or more, as its DLQs"
    )

    await broker.set_attributes("undelivered", MaximumMessageSize="1048576")
    await check.look()
    assert check.unready_reason() is None


async def test_no_queue_is_compared_with_one_that_has_not_answered_yet(broker: Broker) -> None:
    await broker.set_attributes("undelivered", MaximumMessageSize="262144")
    await broker.delete("data-dlq")
    check = QueueCheck([broker.queues["data-dlq"], broker.queues["undelivered"]])

    await check.look()

    assert "undelivered" not in str(check.unready_reason())


async def test_a_look_takes_one_request_for_each_queue(broker: Broker) -> None:
    check = QueueCheck([broker.queues["calculation"], broker.queues["calculation-dlq"]])
    await check.look()
    broker.requests.counts.clear()

    await check.look()

    assert broker.requests.counts == {"GetQueueAttributes": 2}


async def test_the_last_attempt_that_the_queue_allows_says_why_it_failed(broker: Broker) -> None:
    await broker.allow_attempts("calculation", 2)
    await broker.queues["calculation"].check()
    await broker.queues["calculation"].send("a task")
    work = Work(error=RuntimeError("the real reason"))

    async with running(consumer_of(broker, "calculation", work, 3)):
        [dead] = await broker.take("calculation-dlq")

    assert dead.attributes["reason"] == "RuntimeError: the real reason"
    assert dead.attributes["attempts"] == "2"
    assert dead.dead_letter_source_arn is None


async def test_a_task_that_sqs_moved_is_reported_with_the_attempts_that_the_queue_allows(
    broker: Broker, serve: Serve
) -> None:
    await broker.allow_attempts("calculation", 2)
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def receive(request: web.Request) -> web.Response:
        await heard.put(await request.read())
        return web.Response()

    settings = WatcherSettings(**broker.environment, sqs_wait_time_seconds=1)
    async with serve(receive) as url, open_resources(settings, TASK_TYPES) as resources:
        await QueueCheck([resources.queues["calculation"]]).look()
        request = f'{{"callback_url":"{url}","message":[]}}'
        await broker.queues["calculation-dlq"].send(encode_task("id", "calculation", request))
        async with running(*make_components(settings, TASK_TYPES, resources)):
            body = await asyncio.wait_for(heard.get(), PATIENCE_SECONDS)

    assert json.loads(body)["errors"][0]["details"].startswith("received 2 times, and no worker reported back")


async def test_work_that_must_not_be_repeated_is_not_although_the_queue_would_allow_it(broker: Broker) -> None:
    await broker.allow_attempts("data", 5)
    queue, work = broker.queues["data"], Work()
    await queue.check()
    await queue.send("a task")
    # By a worker that was killed.
    [taken] = await queue.receive(1, wait_seconds=5, visibility_timeout_seconds=60)
    await queue.change_visibility(taken, 0)

    handler = AttemptLimit(work, queue.definition.max_attempts)
    async with running(consumer_of(broker, "data", handler, 1)):
        [dead] = await broker.take("data-dlq")

    assert work.begun == []
    assert dead.attributes["attempts"] == "1"
    assert "not begun again: it was received 2 times, and max attempts is 1" in dead.attributes["reason"]


async def test_a_task_that_no_redrive_policy_ends_is_dead_lettered_after_its_attempts(broker: Broker) -> None:
    await broker.set_attributes("calculation", RedrivePolicy="")
    queue, work = broker.queues["calculation"], Work(error=RuntimeError("no"))
    assert [str(each) for each in await queue.check()] == [
        said_of(
            broker,
            "calculation",
            f"RedrivePolicy is missing, wanted maxReceiveCount 3 and {broker.queues['calculation-dlq'].name}",
        )
    ]
    await queue.send("a task")

    async with running(consumer_of(broker, "calculation", work, 3)):
        [dead] = await broker.take("calculation-dlq")

    assert (dead.attributes["reason"], dead.attributes["attempts"]) == ("RuntimeError: no", "3")


async def test_a_worker_that_may_not_ask_works_by_what_is_declared_and_says_so_once(
    broker: Broker, serve: Serve
) -> None:
    async with (
        intercepted(broker, serve, deny("GetQueueAttributes")) as denying,
        open_sqs(ServiceSettings(**denying), longest_wait_seconds=5) as client,
    ):
        prefix = broker.environment["queue_name_prefix"]
        queue, dlq = (
            Queue(client, broker.definitions[name], name_prefix=prefix) for name in ("calculation", "calculation-dlq")
        )
        check = QueueCheck([queue])
        with capture_logs() as lines:
            await check.look()
            await check.look()
        await queue.send("a task")
        work = Work(error=RuntimeError("no"))
        settings = WorkerSettings(**broker.environment, sqs_wait_time_seconds=1)
        async with running(Consumer(queue, dlq, work, RetryPolicy(3, (0,)), settings)):
            [dead] = await broker.take("calculation-dlq")

    assert check.unready_reason() is None
    [line] = lines
    assert (line["event"], line["queue"]) == ("queue cannot be compared with its declaration", queue.name)
    assert "not authorized to perform: sqs:GetQueueAttributes" in line["error"]
    assert dead.attributes["attempts"] == "3"


@pytest.fixture
async def api(broker: Broker) -> AsyncIterator[httpx.AsyncClient]:
    async with api_at(broker.environment) as client:
        yield client


@asynccontextmanager
async def api_at(environment: dict[str, Any]) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(ApiSettings(**environment), TASK_TYPES)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client,
    ):
        yield client


async def test_the_api_names_a_queue_that_is_not_as_declared_and_takes_tasks_all_the_same(
    broker: Broker, api: httpx.AsyncClient
) -> None:
    await broker.allow_attempts("calculation", 2)

    answer = await api.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {
        "state": "ready",
        "queues": {
            "calculation": said_of(broker, "calculation", "RedrivePolicy.maxReceiveCount is 2, wanted 3"),
            "data": "ok",
        },
        "reasons": [],
    }


async def test_an_api_that_may_only_send_is_ready(broker: Broker, serve: Serve) -> None:
    async with intercepted(broker, serve, deny("GetQueueAttributes")) as denying, api_at(denying) as client:
        answer = await client.get("/readyz")

    note = "whether it is as declared is not known: GetQueueAttributes is not allowed"
    assert (answer.status_code, answer.json()) == (
        200,
        {"state": "ready", "queues": {"calculation": note, "data": note}, "reasons": []},
    )
