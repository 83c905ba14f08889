"""What the services measure of real tasks, and report over their internal HTTP servers."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from services.errors import PermanentError, RetryLaterError
from services.messages import encode_task
from services.queueing.consumer import Consumer
from services.queueing.decisions import RetryPolicy
from services.queueing.message import ReceivedMessage
from services.worker.settings import WorkerSettings
from stack.ports import free_port
from stack.readiness import http_probe, wait_until_ready
from tests.integration.services.conftest import PATIENCE_SECONDS, Broker, running, until
from tests.integration.services.running_program import running_program
from tests.service_fixtures import Growth, Serve, measured

ITEM = {"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 2}
Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Scraped:
    """What a service's /metrics said."""

    samples: Mapping[tuple[str, Labels], float]

    def of(self, name: str, **labels: str) -> float:
        return self.samples[name, frozenset(labels.items())]


@dataclass(frozen=True)
class Program:
    """A service that runs, and its internal HTTP server."""

    url: str

    async def get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as client:
            return await client.get(f"{self.url}{path}")

    async def scrape(self) -> Scraped:
        families = text_string_to_metric_families((await self.get("/metrics")).text)
        samples = (sample for family in families for sample in family.samples)
        return Scraped({(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples})

    async def scrape_once_it_shows(self, name: str, value: float, **labels: str) -> Scraped:
        """What the queues hold is known as of the last look at them, which may be seconds old."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            wanted = (name, frozenset(labels.items()))
            while (scraped := await self.scrape()).samples.get(wanted) != value:  # noqa: ASYNC110  # it is not announced
                await asyncio.sleep(0.1)
        return scraped

    async def work(self) -> dict[str, Any]:
        return dict((await self.get("/work")).json())


@asynccontextmanager
async def program(broker: Broker, directory: Path, *module: str, **settings: str) -> AsyncIterator[Program]:
    port = free_port()
    environment = {
        "ALLOWED_PRIVATE_TARGETS": "127.0.0.1",
        "SQS_WAIT_TIME_SECONDS": "1",
        "WORKER_CONCURRENCY": "7",
        "HEALTH_PORT": str(port),
        **settings,
    }
    url = f"http://127.0.0.1:{port}"
    async with running_program(broker, directory, module, environment):
        await asyncio.to_thread(wait_until_ready, module[0], http_probe(f"{url}/healthcheck"), PATIENCE_SECONDS)
        yield Program(url)


@asynccontextmanager
async def api_of(broker: Broker, directory: Path) -> AsyncIterator[tuple[Program, httpx.AsyncClient]]:
    port = free_port()
    async with (
        program(broker, directory, "services.api", API_PORT=str(port)) as api,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_SECONDS) as client,
    ):
        await asyncio.to_thread(
            wait_until_ready, "The API", http_probe(f"http://127.0.0.1:{port}/healthcheck"), PATIENCE_SECONDS
        )
        yield api, client


def check_api(accepted: Scraped) -> None:
    labels = {"task_type": "calculation"}
    assert accepted.of("async_tasks_accepted_total", **labels) == 2
    assert accepted.of("async_tasks_refused_total", **labels, status="422") == 1
    assert accepted.of("async_tasks_http_request_seconds_count", **labels) == 3
    assert accepted.of("async_tasks_sqs_batch_entries_sum", operation="send") == 2
    assert accepted.of("async_tasks_sqs_requests_total", operation="SendMessageBatch") == 2
    # Those of the two task types, and their DLQs: how large a task may be is for both to say.
    assert accepted.of("async_tasks_sqs_requests_total", operation="GetQueueUrl") == 4


def check_worker(done: Scraped, begun: float) -> None:
    labels = {"queue": "calculation"}
    assert done.of("async_tasks_in_flight", **labels) == 0
    assert done.of("async_tasks_slots", **labels) == 7
    assert done.of("async_tasks_attempts_total", **labels, result="done") == 2
    assert done.of("async_tasks_attempts_total", **labels, result="retried") == 0
    assert done.of("async_tasks_deliveries_total", result="delivered") == 1
    assert done.of("async_tasks_deliveries_total", result="rejected") == 1
    assert done.of("async_tasks_deliveries_total", result="refused") == 0
    for histogram, its_labels in (
        ("async_tasks_queue_wait_seconds", labels),
        ("async_tasks_work_seconds", labels),
        ("async_tasks_delivery_seconds", {}),
    ):
        assert done.of(f"{histogram}_count", **its_labels) == 2
        assert 0 < done.of(f"{histogram}_sum", **its_labels) < 2 * PATIENCE_SECONDS
    assert done.of("async_tasks_end_to_end_seconds_count", task_type="calculation") == 1
    assert begun - 1 < done.of("async_tasks_queue_last_received_sent_timestamp_seconds", **labels) < time.time() + 1
    assert done.of("async_tasks_sqs_batch_entries_sum", operation="delete") == 2
    assert done.of("async_tasks_sqs_requests_total", operation="ReceiveMessage") >= 2


def check_watcher(watched: Scraped, begun: float, queues: Iterable[str]) -> None:
    assert watched.of("async_tasks_attempts_total", queue="callbacks-dlq", result="dead_lettered") == 1
    assert watched.of("async_tasks_alerts_total", result="told") == 1
    for name in queues:
        held = {
            state: watched.of("async_tasks_queue_messages", queue=name, state=state)
            for state in ("waiting", "in_flight", "delayed")
        }
        assert held == {"waiting": 1 if name == "undelivered" else 0, "in_flight": 0, "delayed": 0}
    assert begun < watched.of("async_tasks_queue_last_empty_timestamp_seconds", queue="calculation") < time.time()


def check_work_of_worker(work: dict[str, Any], task_id: str) -> None:
    assert work["service"] == "worker-calculation"
    [consumer] = work["consumers"]
    [in_flight] = consumer["in_flight"]
    assert (consumer["queue"], consumer["slots"], consumer["busy"]) == ("calculation", 7, 1)
    assert consumer["last_receive_seconds_ago"] >= 0
    assert (in_flight["task_id"], in_flight["attempt"], in_flight["settling"]) == (task_id, 1, False)
    assert in_flight["since_seconds"] >= 0


async def test_a_task_is_measured_by_every_service_that_it_goes_through(
    broker: Broker, tmp_path: Path, serve: Serve
) -> None:
    """One is delivered, one is rejected by its receiver and kept in `undelivered`, one was no task."""
    arrived, let_go = asyncio.Event(), asyncio.Event()

    async def receive(request: web.Request) -> web.Response:
        arrived.set()
        await let_go.wait()
        return web.Response(status=410 if request.path == "/gone" else 204)

    async with serve(receive) as url, api_of(broker, tmp_path) as (api, client):
        begun = time.time()
        async with (
            program(broker, tmp_path, "services.worker", "calculation") as worker,
            program(broker, tmp_path, "services.dlq_watcher") as watcher,
        ):
            answer = await client.post(
                "/v1/calculation/basic", json={"callback_url": f"{url}/callback", "message": [ITEM]}
            )
            await asyncio.wait_for(arrived.wait(), PATIENCE_SECONDS)
            busy, at_work = await worker.scrape(), await worker.work()
            let_go.set()
            await client.post("/v1/calculation/basic", json={"callback_url": f"{url}/gone", "message": [ITEM]})
            await client.post("/v1/calculation/basic", json={"message": []})
            await until(broker, "undelivered", lambda waiting, _in_flight: waiting == 1)
            await until(broker, "calculation", lambda *left: left == (0, 0))
            await until(broker, "callbacks-dlq", lambda *left: left == (0, 0))
            accepted, done = await api.scrape(), await worker.scrape()
            watched = await watcher.scrape_once_it_shows(
                "async_tasks_queue_messages", 1, queue="undelivered", state="waiting"
            )
            others = [await each.work() for each in (api, watcher)]

    check_api(accepted)
    assert busy.of("async_tasks_in_flight", queue="calculation") == 1
    check_worker(done, begun)
    check_watcher(watched, begun, broker.definitions)
    check_work_of_worker(at_work, answer.json()["task_id"])
    assert [(each["service"], [consumer["queue"] for consumer in each["consumers"]]) for each in others] == [
        ("api", []),
        ("dlq-watcher", ["calculation-dlq", "data-dlq", "callbacks-dlq", "alerts"]),
    ]


async def test_a_service_that_measures_nothing_works_the_same_and_answers_404(
    broker: Broker, tmp_path: Path, serve: Serve
) -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def receive(request: web.Request) -> web.Response:
        await heard.put(await request.read())
        return web.Response()

    async with serve(receive) as url:
        request = json.dumps({"callback_url": url, "message": [ITEM]})
        await broker.queues["calculation"].send(encode_task("id", "calculation", request))
        async with program(broker, tmp_path, "services.worker", "calculation", METRICS_ENABLED="false") as worker:
            await asyncio.wait_for(heard.get(), PATIENCE_SECONDS)

            assert (await worker.get("/metrics")).status_code == 404
            assert (await worker.work())["service"] == "worker-calculation"


@pytest.mark.parametrize(
    ("errors", "results"),
    [
        ([None], {"done": 1, "retried": 0, "dead_lettered": 0}),
        ([ValueError("no"), None], {"done": 1, "retried": 1, "dead_lettered": 0}),
        ([RetryLaterError("later"), ValueError("no")], {"done": 0, "retried": 1, "dead_lettered": 1}),
        ([PermanentError("never")], {"done": 0, "retried": 0, "dead_lettered": 1}),
    ],
)
async def test_attempts_are_counted_by_what_was_decided_and_the_wait_of_the_first_alone(
    broker: Broker, errors: list[Exception | None], results: dict[str, int]
) -> None:
    left = list(errors)

    async def work(_message: ReceivedMessage) -> None:
        if error := left.pop(0):
            raise error

    settings = WorkerSettings(**broker.environment, sqs_wait_time_seconds=1)
    queue, dead_letter_queue = broker.queues["calculation"], broker.queues["calculation-dlq"]
    await queue.send("body")
    growth = Growth.begin()
    async with running(Consumer(queue, dead_letter_queue, work, RetryPolicy(2, (0,)), settings)):
        await until(broker, "calculation", lambda *counts: counts == (0, 0))

    counted = {
        result: growth.of("async_tasks_attempts_total", queue="calculation", result=result) for result in results
    }
    assert counted == results
    assert growth.of("async_tasks_queue_wait_seconds_count", queue="calculation") == 1
    assert measured("async_tasks_in_flight", queue="calculation") == 0
