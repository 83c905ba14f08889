"""What a real OTLP receiver is sent by the real programs: one trace for one task, wherever it goes, whatever fails."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiohttp import web

from services.messages import encode_task
from services.queueing.queues import Queues
from services.queues import define_queues
from services.task_types.loading import load_task_types
from stack.ports import free_port
from stack.readiness import http_probe, wait_until_ready
from tests.forked_program import ForkedProgram
from tests.integration.services.conftest import PATIENCE_SECONDS, Broker, until
from tests.integration.services.running_program import running_program
from tests.otlp_receiver import OtlpReceiver, ReceivedSpan, running_otlp_receiver
from tests.service_fixtures import Serve

TASK_PACKAGES = ["services.tasks", "tests.end_to_end.task_types"]
UNRELIABLE = "/v1/tests/unreliable"
CALCULATION = "/v1/calculation/basic"
CLIENT_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CLIENT_SPAN = "00f067aa0ba902b7"
ITEM = {"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 2}

# Two refusals in place and one from the queue; the next is taken.
REFUSALS = 3


@dataclass
class World:
    """Whatever the services call: the receiver of callbacks, a source that never answers, and Slack."""

    url: str = ""
    refusals: int = 0
    """How many callbacks it refuses first."""
    callbacks: list[Mapping[str, str]] = field(default_factory=list)
    """The headers of each."""
    probes: list[Mapping[str, str]] = field(default_factory=list)
    alerts: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the source was asked."""
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def answer(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        match request.path:
            case "/slack/chat.postMessage":
                self.alerts += 1
                return web.json_response({"ok": True, "channel": "#alerts", "ts": "1", "message": {}})
            case "/probe":
                self.probes.append(headers)
                return web.Response()
            case "/source":
                self.asked.set()
                await asyncio.sleep(PATIENCE_SECONDS)
        async with self._changed:
            self.callbacks.append(headers)
            self._changed.notify_all()
        return web.Response(status=503 if len(self.callbacks) <= self.refusals else 200)

    async def has_heard(self, callbacks: int) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS), self._changed:
            await self._changed.wait_for(lambda: len(self.callbacks) >= callbacks)


@pytest.fixture
async def collector() -> AsyncIterator[OtlpReceiver]:
    async with running_otlp_receiver() as receiver:
        yield receiver


@pytest.fixture
async def world(serve: Serve) -> AsyncIterator[World]:
    world = World()
    async with serve(world.answer) as url:
        world.url = url
        yield world


@pytest.fixture
async def stage(broker: Broker, world: World, collector: OtlpReceiver, tmp_path: Path) -> "Stage":
    """The queues of the project's task types, and of one that fails."""
    definitions = define_queues(load_task_types(TASK_PACKAGES))
    queues = Queues(broker.client, definitions, name_prefix=broker.environment["queue_name_prefix"])
    with_failing = replace(broker, queues=queues, definitions=definitions)
    for name in ("unreliable-dlq", "unreliable"):
        await with_failing.create(name)
    return Stage(with_failing, world, collector, tmp_path)


@dataclass
class Stage:
    """Runs programs that are traced."""

    broker: Broker
    world: World
    collector: OtlpReceiver
    directory: Path
    api: httpx.AsyncClient = field(default_factory=httpx.AsyncClient)

    @asynccontextmanager
    async def running(self, *modules: Sequence[str], **settings: str) -> AsyncIterator[dict[str, ForkedProgram]]:
        async with AsyncExitStack() as stack:
            running = {}
            for module in modules:
                running[module[-1]] = await stack.enter_async_context(self.program(module, **settings))
            yield running

    @asynccontextmanager
    async def program(self, module: Sequence[str], **settings: str) -> AsyncIterator[ForkedProgram]:
        port = str(free_port())
        all_settings = {**self._settings(), "API_PORT": port, **settings}
        with (self.directory / f"{module[-1]}.log").open("ab") as logs:
            async with running_program(self.broker, self.directory, module, all_settings, logs_to=logs) as process:
                if module == API:
                    probe = http_probe(f"http://127.0.0.1:{port}/healthcheck")
                    await asyncio.to_thread(wait_until_ready, "The API", probe, PATIENCE_SECONDS)
                    url = f"http://127.0.0.1:{port}"
                    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS) as self.api:
                        yield process
                else:
                    yield process

    async def submit(self, route: str, items: list[Any], **headers: str) -> str:
        request = {"callback_url": f"{self.world.url}/callback?token=s3cr3t", "message": items}
        response = await self.api.post(route, json=request, headers=headers)
        assert response.status_code == 200, response.text
        return str(response.json()["task_id"])

    async def trace_of(self, task_id: str, enough: Callable[["Trace"], bool]) -> "Trace":
        """Wait until what is known of the task's trace is enough."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.collector.has(lambda spans: enough(Trace.of(task_id, spans)))
        return Trace.of(task_id, self.collector.spans)

    def log_lines(self) -> list[Mapping[str, Any]]:
        lines = [line for file in self.directory.glob("*.log") for line in file.read_text().splitlines()]
        return [json.loads(line) for line in lines if line.startswith("{")]

    def _settings(self) -> dict[str, str]:
        return {
            "ALERT_WINDOW_SECONDS": "1",
            "ALLOWED_PRIVATE_TARGETS": "127.0.0.1",
            "CALLBACK_IN_PLACE_RETRY_SECONDS": "0.05",
            "CALLBACK_RETRY_SCHEDULE_SECONDS": "0,1,1,1,1,1,1",
            "HEALTH_PORT": str(free_port()),
            "LOG_FORMAT": "json",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.collector.url,
            "SLACK_API_URL": f"{self.world.url}/slack/",
            "SLACK_BOT_TOKEN": "xoxb-for-tests",
            "SLACK_CHANNEL": "#alerts",
            "SQS_WAIT_TIME_SECONDS": "1",
            "TASK_PACKAGES": ",".join(TASK_PACKAGES),
        }


API = ("services.api",)
UNRELIABLE_WORKER = ("services.worker", "unreliable")
CALCULATION_WORKER = ("services.worker", "calculation")
DATA_WORKER = ("services.worker", "data")
CALLBACKS_WORKER = ("services.worker", "callbacks")
WATCHER = ("services.dlq_watcher",)


@dataclass
class Trace:
    """The spans of the trace that a task's request began, in the order in which they ended."""

    spans: Sequence[ReceivedSpan]

    @classmethod
    def of(cls, task_id: str, spans: Sequence[ReceivedSpan]) -> "Trace":
        ids = {
            span.trace_id
            for span in spans
            if span.kind == "SERVER" and span.attributes.get("async_tasks.task_id") == task_id
        }
        return cls([span for span in spans if span.trace_id in ids])

    @property
    def names(self) -> Counter[str]:
        return Counter(map(str, self.spans))

    def all(self, name: str) -> list[ReceivedSpan]:
        """Those of the name, such as `api: send data`."""
        return [span for span in self.spans if str(span) == name]

    def one(self, name: str) -> ReceivedSpan:
        [span] = self.all(name)
        return span

    def parent(self, span: ReceivedSpan) -> str:
        """The name of its parent."""
        [parent] = [each for each in self.spans if each.span_id == span.parent_id]
        return str(parent)


def failed_item(world: World) -> dict[str, Any]:
    return {"name": "a", "probe_url": f"{world.url}/probe?key=s3cr3t", "probe_id": "p", "fail_attempts": 99}


SPANS_OF_A_REFUSED_FAILURE = Counter(
    {
        "api: POST /v1/tests/unreliable": 1,
        "api: send unreliable": 1,
        "worker-unreliable: process unreliable": 3,
        "worker-unreliable: run unreliable": 3,
        "worker-unreliable: POST": 3,
        "worker-unreliable: send unreliable-dlq": 1,
        "dlq-watcher: process unreliable-dlq": 1,
        # Two deliveries, and what is posted to Slack.
        "dlq-watcher: POST": 3,
        "dlq-watcher: send callbacks": 1,
        "dlq-watcher: send alerts": 1,
        "dlq-watcher: process alerts": 1,
        "worker-callbacks: process callbacks": 2,
        "worker-callbacks: POST": 2,
    }
)


async def test_a_task_that_fails_and_whose_callback_is_refused_is_one_trace_to_its_end(stage: Stage) -> None:
    stage.world.refusals = REFUSALS
    headers = {"traceparent": f"00-{CLIENT_TRACE}-{CLIENT_SPAN}-01", "tracestate": "vendor=value"}
    group = {"message-group-id": "tenant-7"}

    async with stage.running(API, UNRELIABLE_WORKER, CALLBACKS_WORKER, WATCHER):
        task_id = await stage.submit(UNRELIABLE, [failed_item(stage.world)], **headers, **group)
        trace = await stage.trace_of(
            task_id,
            # Each service exports its own in its own time.
            lambda trace: trace.names >= SPANS_OF_A_REFUSED_FAILURE,
        )

    assert trace.names == SPANS_OF_A_REFUSED_FAILURE
    the_request_is_the_clients(trace)
    attempts_hang_together(trace)
    the_dead_letter_has_its_failure(trace)
    deliveries_hang_together(trace, task_id)
    the_alert_is_posted(trace)
    each_message_is_in_the_tasks_group(trace)
    assert {span.trace_id for span in trace.spans} == {CLIENT_TRACE}
    assert {headers["traceparent"][3:35] for headers in stage.world.callbacks + stage.world.probes} == {CLIENT_TRACE}
    assert {headers["tracestate"] for headers in stage.world.callbacks} == {"vendor=value"}
    assert "s3cr3t" not in repr(stage.collector.spans)
    every_line_of_the_task_has_its_trace(stage, task_id)


def the_request_is_the_clients(trace: Trace) -> None:
    request = trace.one("api: POST /v1/tests/unreliable")
    assert (request.kind, request.parent_id, request.is_error) == ("SERVER", CLIENT_SPAN, False)
    assert (
        request.attributes.items()
        >= {
            "http.request.method": "POST",
            "http.route": UNRELIABLE,
            "http.response.status_code": 200,
            "url.path": UNRELIABLE,
            "url.scheme": "http",
            "server.address": "127.0.0.1",
            "client.address": "127.0.0.1",
        }.items()
    )
    assert request.resource["service.version"]
    sent = trace.one("api: send unreliable")
    assert (sent.kind, trace.parent(sent)) == ("PRODUCER", "api: POST /v1/tests/unreliable")
    assert (
        sent.attributes.items()
        >= {
            "messaging.system": "aws_sqs",
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
            "messaging.destination.template": "unreliable",
        }.items()
    )
    assert sent.attributes["messaging.destination.name"].endswith("-unreliable")


def each_message_is_in_the_tasks_group(trace: Trace) -> None:
    of_alerts = trace.all("dlq-watcher: send alerts") + trace.all("dlq-watcher: process alerts")
    of_messages = [span for span in trace.spans if "messaging.system" in span.attributes and span not in of_alerts]
    assert {span.attributes.get("async_tasks.message_group_id") for span in of_messages} == {"tenant-7"}


def attempts_hang_together(trace: Trace) -> None:
    sent = trace.one("api: send unreliable")
    attempts = trace.all("worker-unreliable: process unreliable")
    assert [span.attributes["async_tasks.receive_count"] for span in attempts] == [1, 2, 3]
    assert {span.parent_id for span in attempts} == {sent.span_id}
    # Each to its sender, and a retry to the attempt before it.
    first, second, third = attempts
    assert [span.links for span in attempts] == [
        [sent.span_id],
        [sent.span_id, first.span_id],
        [sent.span_id, second.span_id],
    ]
    for attempt in attempts:
        assert (attempt.kind, attempt.is_error) == ("CONSUMER", True)
        assert attempt.attributes["messaging.operation.type"] == "process"
        assert attempt.attributes["error.type"] == "RuntimeError"
        assert attempt.events[0].name == "exception"
    assert "attempt 3 fails on purpose" in third.events[0].attributes["exception.message"]
    assert "in run" in third.events[0].attributes["exception.stacktrace"]
    for run in trace.all("worker-unreliable: run unreliable"):
        assert (run.kind, run.is_error, trace.parent(run)) == (
            "INTERNAL",
            True,
            "worker-unreliable: process unreliable",
        )
    for probe in trace.all("worker-unreliable: POST"):
        assert (probe.kind, trace.parent(probe)) == ("CLIENT", "worker-unreliable: run unreliable")
        assert probe.attributes["http.response.status_code"] == 200


def the_dead_letter_has_its_failure(trace: Trace) -> None:
    dead = trace.one("worker-unreliable: send unreliable-dlq")
    assert (dead.kind, dead.is_error) == ("PRODUCER", True)
    assert dead.parent_id == trace.all("worker-unreliable: process unreliable")[-1].span_id
    assert "attempt 3 fails on purpose" in dead.error
    assert "in run" in dead.events[0].attributes["exception.stacktrace"]
    assert trace.one("dlq-watcher: process unreliable-dlq").parent_id == dead.span_id


def deliveries_hang_together(trace: Trace, task_id: str) -> None:
    in_place = [span for span in trace.all("dlq-watcher: POST") if "callback" in span.attributes["url.full"]]
    assert [trace.parent(span) for span in in_place] == ["dlq-watcher: process unreliable-dlq"] * 2
    assert [span.links for span in in_place] == [[], [in_place[0].span_id]]
    assert [span.attributes.get("http.request.resend_count") for span in in_place] == [None, 1]
    queued = trace.one("dlq-watcher: send callbacks")
    assert (queued.kind, queued.is_error) == ("PRODUCER", False)
    tries = trace.all("worker-callbacks: process callbacks")
    assert [span.is_error for span in tries] == [True, False]
    assert {span.parent_id for span in tries} == {queued.span_id}
    assert tries[1].links == [queued.span_id, tries[0].span_id]
    retried = trace.all("worker-callbacks: POST")
    assert [span.links for span in retried] == [[], [retried[0].span_id]]
    for delivery, status in zip([*in_place, *retried], [503, 503, 503, 200], strict=True):
        assert delivery.kind == "CLIENT"
        assert delivery.attributes["http.request.method"] == "POST"
        assert delivery.attributes["http.response.status_code"] == status
        assert delivery.attributes.get("error.type") == (str(status) if status == 503 else None)
        assert delivery.is_error is (status == 503)
        assert delivery.attributes["url.full"].endswith("/callback?token=REDACTED")
        assert delivery.attributes["server.address"] == "127.0.0.1"
        assert delivery.attributes["async_tasks.task_id"] == task_id


def the_alert_is_posted(trace: Trace) -> None:
    assert trace.parent(trace.one("dlq-watcher: send alerts")) == "dlq-watcher: process unreliable-dlq"
    processed = trace.one("dlq-watcher: process alerts")
    assert trace.parent(processed) == "dlq-watcher: send alerts"
    [posted] = [
        span for span in trace.all("dlq-watcher: POST") if span.attributes["url.full"].endswith("/chat.postMessage")
    ]
    assert (posted.kind, posted.is_error, posted.parent_id) == ("CLIENT", False, processed.span_id)
    assert posted.attributes["http.response.status_code"] == 200


def every_line_of_the_task_has_its_trace(stage: Stage, task_id: str) -> None:
    lines = [line for line in stage.log_lines() if line.get("task_id") == task_id]
    assert {line["event"] for line in lines} >= {
        "accepted",
        "attempt failed",
        "returned for retry",
        "dead-lettered",
        "not delivered yet",
        "delivered",
        "alert posted",
    }
    assert {line.get("trace_id") for line in lines} == {CLIENT_TRACE}
    assert {line["span_id"] for line in lines} <= {span.span_id for span in stage.collector.spans}


async def test_a_task_whose_worker_is_killed_stays_in_its_trace_when_sqs_moves_it(stage: Stage) -> None:
    # What the killed one had in flight shows again soon.
    soon = {"HEARTBEAT_SECONDS": "1", "VISIBILITY_TIMEOUT_SECONDS": "2"}
    async with stage.running(API, WATCHER), stage.program(DATA_WORKER, **soon) as worker:
        task_id = await stage.submit("/v1/data/from-api", [{"name": "a", "url": f"{stage.world.url}/source"}])
        await asyncio.wait_for(stage.world.asked.wait(), PATIENCE_SECONDS)
        worker.kill()
        await worker.wait()
        # SQS moves it when somebody asks for it once more.
        async with stage.program(DATA_WORKER):
            trace = await stage.trace_of(
                task_id,
                lambda trace: (
                    trace.names["dlq-watcher: process data-dlq"] == 1
                    and trace.names["dlq-watcher: process alerts"] == 1
                ),
            )

    assert trace.parent(trace.one("dlq-watcher: process data-dlq")) == "api: send data"
    assert trace.names["dlq-watcher: POST"] == 2
    assert "worker-data: process data" not in trace.names


def alerts_processed(spans: Sequence[ReceivedSpan]) -> int:
    return [str(span) for span in spans].count("dlq-watcher: process alerts")


async def has_in_flight(health_port: str, queue: str, messages: int) -> None:
    """Wait until the program has so many of the queue's messages in flight: SQS may know of them before it does."""
    async with asyncio.timeout(PATIENCE_SECONDS), httpx.AsyncClient(timeout=PATIENCE_SECONDS) as client:
        busy = -1
        while busy != messages:
            work = (await client.get(f"http://127.0.0.1:{health_port}/work")).json()
            [busy] = [consumer["busy"] for consumer in work["consumers"] if consumer["queue"] == queue]


async def test_several_alerts_in_one_message_are_linked_to_the_trace_of_each(stage: Stage) -> None:
    garbage = [encode_task(str(uuid4()), "calculation", '{"message":[]}') for _ in range(6)]

    health_port = str(free_port())
    # What is gathered in a window is posted when it is over, or the program stops.
    watcher = stage.program(WATCHER, ALERT_WINDOW_SECONDS="600", HEALTH_PORT=health_port)

    async with stage.running(CALCULATION_WORKER), watcher:
        await asyncio.gather(*(stage.broker.queues["calculation"].send(body) for body in garbage))
        await until(stage.broker, "undelivered", lambda waiting, _in_flight: waiting == 6)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await stage.collector.has(lambda spans: alerts_processed(spans) == 3)
        await until(stage.broker, "alerts", lambda *left: left == (0, 3))
        await has_in_flight(health_port, "alerts", 3)

    assert alerts_processed(stage.collector.spans) == 6

    posts = [
        span for span in stage.collector.spans if span.attributes.get("url.full", "").endswith("/chat.postMessage")
    ]
    by_id = {span.span_id: span for span in stage.collector.spans}
    digests = [span for span in posts if span.links]
    assert digests
    for digest in digests:
        linked = [by_id[link] for link in digest.links]
        assert {str(span) for span in linked} == {"dlq-watcher: process alerts"}
        assert len({span.trace_id for span in linked} | {digest.trace_id}) == len(linked) + 1
        assert digest.parent_id == ""
    assert sum(len(span.links) or 1 for span in posts) == 6


@pytest.mark.parametrize("off", [{"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, {"OTEL_SDK_DISABLED": "true"}])
async def test_where_tracing_is_off_no_message_carries_a_context_and_no_span_is_sent(
    stage: Stage, off: dict[str, str]
) -> None:
    async with stage.running(API, **off):
        await stage.submit(CALCULATION, [ITEM], traceparent=f"00-{CLIENT_TRACE}-{CLIENT_SPAN}-01")
        [message] = await stage.broker.take("calculation")

    assert message.attributes == {}
    assert stage.collector.requests == 0
    assert not [line for line in stage.log_lines() if "trace_id" in line]


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        "garbage",
        f"00-{'0' * 32}-{CLIENT_SPAN}-01",
        f"ff-{CLIENT_TRACE}-{CLIENT_SPAN}-01",
        f"00-{CLIENT_TRACE}-{CLIENT_SPAN}-01" * 20,
        "00-é-é-01",
    ],
)
async def test_a_malformed_context_breaks_no_task(stage: Stage, traceparent: str) -> None:
    body = encode_task(str(uuid4()), "calculation", json.dumps({"callback_url": stage.world.url, "message": [ITEM]}))
    attributes = {"traceparent": traceparent} if traceparent else {}

    async with stage.running(CALCULATION_WORKER):
        await stage.broker.queues["calculation"].send(body, {**attributes, "tracestate": "=,=é"})
        await stage.world.has_heard(1)

    assert stage.world.callbacks[0]["traceparent"][3:35] != CLIENT_TRACE


def complaints_in(lines: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [line for line in lines if line["event"] == "spans not taken"]


@pytest.mark.parametrize(
    ("status", "refusal", "reason"),
    [
        (503, "", "it answered 503"),
        (400, "", "it answered 400"),
        (302, "", "it answered 302, which is not followed: OTEL_EXPORTER_OTLP_ENDPOINT must be where it leads to"),
        (200, "the quota is used up", "of them: the quota is used up"),
        (None, "", "Connection refused"),
    ],
)
async def test_a_collector_that_takes_nothing_holds_up_no_task_and_is_logged_now_and_then(
    stage: Stage, closed_port: int, status: int | None, refusal: str, reason: str
) -> None:
    stage.collector.status, stage.collector.refusal = status or 200, refusal
    url = stage.collector.url if status else f"http://127.0.0.1:{closed_port}"

    async with stage.running(API, CALCULATION_WORKER, OTEL_EXPORTER_OTLP_ENDPOINT=url):
        for _ in range(20):
            await stage.submit(CALCULATION, [ITEM])
        await stage.world.has_heard(20)
        # The exporter tries for some seconds.
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(complaints := complaints_in(stage.log_lines())) < 2:  # noqa: ASYNC110  # nothing announces it
                await asyncio.sleep(0.1)

    lines = stage.log_lines()
    assert {line["collector"] for line in complaints} == {f"{url}/v1/traces"}
    assert all(reason in line["reason"] for line in complaints), complaints
    assert not [line for line in lines if line["logger"].startswith("opentelemetry")]
    assert len(stage.world.callbacks) == 20
