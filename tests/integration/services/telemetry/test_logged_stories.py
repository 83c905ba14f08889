"""What the real programs log is what the story of a task is read from: each event by its name, with its fields."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http import HTTPStatus
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.messages import encode_task
from services.queueing.queues import Queues
from services.queues import define_queues
from services.task_types.loading import load_task_types
from services.telemetry import log_events
from stack.logs.line import LineReader, RawLine
from stack.ports import free_port
from stack.readiness import http_probe, wait_until_ready
from stack.stories.story import Story, story_of
from tests.chaos.broker_proxy import BrokerFault, BrokerProxy
from tests.integration.services.conftest import PATIENCE_SECONDS, Broker
from tests.integration.services.telemetry.logged_program import LoggedProgram, logged_program

TASK_PACKAGES = ["services.tasks", "tests.end_to_end.task_types"]
CALCULATION = "/v1/calculation/basic"
SUM = {"name": "sum", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 0}

PROGRAMS = {
    "receiver": ("receiver",),
    "api": ("services.api",),
    "worker-calculation": ("services.worker", "calculation"),
    "worker-unreliable": ("services.worker", "unreliable"),
    "worker-callbacks": ("services.worker", "callbacks"),
    "dlq-watcher": ("services.dlq_watcher",),
}

# In place twice and once from the queue; the next is taken.
REFUSALS = 3


@dataclass
class Stage:
    """Runs the programs by the names that they have in a stack, and reads what they log."""

    broker: Broker
    directory: Path
    proxy: BrokerProxy
    """Between them and SQS."""
    proxy_url: str
    api_port: int = field(default_factory=free_port)
    receiver_port: int = field(default_factory=free_port)
    programs: dict[str, LoggedProgram] = field(default_factory=dict)

    @asynccontextmanager
    async def running(self, services: Collection[str], **settings: str) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for service in services:
                program = logged_program(
                    self.broker, self.directory, PROGRAMS[service], {**self._settings(), **settings}
                )
                self.programs[service] = await stack.enter_async_context(program)
            for service, port in {"api": self.api_port, "receiver": self.receiver_port}.items():
                if service in services:
                    probe = http_probe(f"http://127.0.0.1:{port}/healthcheck")
                    await asyncio.to_thread(wait_until_ready, service, probe, PATIENCE_SECONDS)
            yield

    async def submit(self, route: str, item: dict[str, Any], callback_query: str = "") -> str:
        answer = await self.post(route, item, callback_query)
        assert answer.status_code == HTTPStatus.OK, answer.text
        return str(answer.json()["task_id"])

    async def post(self, route: str, item: dict[str, Any], callback_query: str = "") -> httpx.Response:
        body = {"callback_url": f"{self.receiver_url}/callback{callback_query}", "message": [item]}
        async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as client:
            return await client.post(f"http://127.0.0.1:{self.api_port}{route}", json=body)

    async def refuse_alerts(self, times: int) -> None:
        async with httpx.AsyncClient(base_url=self.receiver_url, timeout=PATIENCE_SECONDS) as client:
            await client.put("/slack/rate-limit", json={"times": times, "retry_after": 0})

    async def story(self, task_id: str, steps: Sequence[tuple[str, str]]) -> Story:
        """Wait until the task has these steps, each its service and a pattern of its text; return its story."""

        def lacks() -> list[tuple[str, str]]:
            seen = [(step.line.service, step.text) for step in self._story(task_id).steps]
            return [
                step for step in steps if not any(step[0] == each[0] and fnmatchcase(each[1], step[1]) for each in seen)
            ]

        await _until(lambda: not lacks(), lambda: f"the story of {task_id} lacks {lacks()}")
        return self._story(task_id)

    @property
    def receiver_url(self) -> str:
        return f"http://127.0.0.1:{self.receiver_port}"

    def _story(self, task_id: str) -> Story:
        raw = [RawLine(name, json.dumps(line)) for name, program in self.programs.items() for line in program.lines()]
        return story_of(task_id, LineReader().read(raw))

    def _settings(self) -> dict[str, str]:
        return {
            "ALLOWED_PRIVATE_TARGETS": "127.0.0.1",
            "API_PORT": str(self.api_port),
            "AWS_ENDPOINT_URL": self.proxy_url,
            "CALLBACK_IN_PLACE_RETRY_SECONDS": "0.05",
            "CALLBACK_RETRY_SCHEDULE_SECONDS": "0,1,1,1",
            "HEALTH_PORT": str(free_port()),
            "RECEIVER_DATABASE": str(self.directory / "receiver.sqlite3"),
            "RECEIVER_PORT": str(self.receiver_port),
            "SLACK_API_URL": f"{self.receiver_url}/slack/api/",
            "SLACK_BOT_TOKEN": "xoxb-for-tests",
            "SLACK_CHANNEL": "#alerts",
            "SQS_WAIT_TIME_SECONDS": "1",
            "TASK_PACKAGES": ",".join(TASK_PACKAGES),
        }


@pytest.fixture
async def stage(broker: Broker, tmp_path: Path) -> AsyncIterator[Stage]:
    """The queues of the project's task types, and of one that fails."""
    definitions = define_queues(load_task_types(TASK_PACKAGES))
    broker.queues = Queues(broker.client, definitions, name_prefix=broker.environment["queue_name_prefix"])
    broker.definitions = definitions
    for name in ("unreliable-dlq", "unreliable"):
        await broker.create(name)
    proxy = BrokerProxy(str(broker.environment["aws_endpoint_url"]).rstrip("/"), Random(1))  # noqa: S311  # no secret
    async with proxy.serve() as proxy_url:
        yield Stage(broker, tmp_path, proxy, proxy_url)


async def _until(reached: Callable[[], bool], what_is_missing: Callable[[], str]) -> None:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not reached():  # noqa: ASYNC110  # nothing announces a file's growth
                await asyncio.sleep(0.1)
    except TimeoutError:
        pytest.fail(what_is_missing())


def refusing(operation: str) -> BrokerFault:
    return BrokerFault(operation, "entry refused", done=False, share=1)


async def test_what_the_programs_log_of_a_task_is_its_story(stage: Stage) -> None:
    async with stage.running(PROGRAMS):
        await stage.refuse_alerts(1)
        gone = await stage.submit(CALCULATION, SUM, "?status=410&times=1")
        story = await stage.story(gone, GONE)
        assert (story.standing.state, story.standing.outcome) == ("undelivered", "success")

        late = await stage.submit(CALCULATION, SUM, f"?status=503&times={REFUSALS}")
        failing = {"name": "a", "probe_url": f"{stage.receiver_url}/source", "probe_id": "p", "fail_attempts": 99}
        failed = await stage.submit("/v1/tests/unreliable", failing)
        story = await stage.story(late, LATE)
        assert (story.standing.state, story.standing.outcome) == ("delivered", "success")
        story = await stage.story(failed, FAILED)
        assert (story.standing.state, story.standing.outcome) == ("delivered", "failure")
        assert "RuntimeError: attempt 3 fails on purpose" in story.standing.failure

        with stage.proxy.failing(refusing("DeleteMessageBatch")):
            kept = await stage.submit(CALCULATION, SUM)
            await stage.story(kept, KEPT)
        with stage.proxy.failing(refusing("SendMessageBatch")):
            assert (await stage.post(CALCULATION, SUM)).status_code == HTTPStatus.INTERNAL_SERVER_ERROR
        [refused] = [line for line in stage.programs["api"].lines() if line["event"] == log_events.NOT_QUEUED]
        story = await stage.story(refused["task_id"], REFUSED)
        assert story.standing.state == "not queued"


# In the words of a story: its services, and as what each of their lines is read.
LATE = [
    ("api", "accepted: calculation"),
    ("receiver", "callback received: success, delivery 1, answered 503"),
    (
        "worker-calculation",
        "work done: 1 result, 0 errors; the callback was not taken in 2 delivery attempts: *503*, next delivery in * s",
    ),
    ("worker-callbacks", "the callback was not taken: *503*; next attempt in * s"),
    ("worker-callbacks", "the callback was taken"),
    ("receiver", f"callback received: success, delivery {REFUSALS + 1}, answered 200"),
]
GONE = [
    ("worker-calculation", "work done: 1 result, 0 errors; the callback will not be tried again: *410*"),
    ("dlq-watcher", "Slack has not taken the alert yet: *ratelimited*"),
    ("dlq-watcher", "alert raised: The outcome of task *"),
    ("dlq-watcher", "kept in undelivered: *410*"),
]
FAILED = [
    ("worker-unreliable", "attempt 1 ended in an exception"),
    ("worker-unreliable", "attempt 2 failed: *attempt 2 fails on purpose*; next attempt in * s"),
    ("worker-unreliable", "given up after 3 attempts: *attempt 3 fails on purpose*"),
    ("dlq-watcher", "reported as failed; the callback was taken"),
    ("dlq-watcher", "alert raised: Task * failed for good"),
    ("receiver", "callback received: failure, delivery 1, answered 200"),
]
KEPT = [
    ("worker-calculation", "work done: 1 result, 0 errors; the callback was taken"),
    ("worker-calculation", "SQS did not answer as it should, trying again: *on purpose*"),
]
REFUSED = [("api", "could not be queued, and was answered 500: *on purpose*")]


async def test_what_the_watcher_logs_of_an_alert_where_there_is_no_slack_is_in_the_story(stage: Stage) -> None:
    task_id = str(uuid4())
    # Nobody is at this address.
    request = {"callback_url": f"{stage.receiver_url}/callback", "message": [SUM]}
    await stage.broker.queues["calculation-dlq"].send(encode_task(task_id, "calculation", json.dumps(request)))
    async with stage.running(["dlq-watcher"], SLACK_BOT_TOKEN=""):
        story = await stage.story(task_id, [("dlq-watcher", "alert raised: Task * failed for good")])

    assert [step.line.event for step in story.steps if step.mark == "note"] == [log_events.ALERT_LOGGED]
    assert "no worker reported back" in story.standing.failure
