"""A real Prometheus scrapes the real services, with the project's own rules and dashboard."""

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from aiohttp import web

from stack.config import ROOT
from stack.ports import free_port
from stack.readiness import http_probe, wait_until_ready
from tests.integration.services.conftest import Broker, until
from tests.integration.services.running_program import running_program
from tests.prometheus.prometheus_server import (
    PATIENCE_SECONDS,
    Prometheus,
    dashboard_expressions,
    running_prometheus,
)
from tests.service_fixtures import Serve

TASKS = 20
ITEM = {"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 2}

NO_DATA = {"Alerts firing A"}
"""Nothing of the dashboard but what shows a trouble that has lasted."""


@dataclass(frozen=True)
class Stack:
    """The services on queues of their own, and the Prometheus that scrapes them."""

    api: httpx.AsyncClient
    prometheus: Prometheus

    async def submit(self, callback_url: str) -> None:
        answer = await self.api.post("/v1/calculation/basic", json={"callback_url": callback_url, "message": [ITEM]})
        assert answer.status_code == 200


@asynccontextmanager
async def observed_stack(program: Path, broker: Broker, directory: Path) -> AsyncIterator[Stack]:
    """The API, a worker of calculations, one of callbacks, the watcher; nobody consumes `data`."""
    api_port = free_port()
    modules = {
        "api": ["services.api"],
        "worker-calculation": ["services.worker", "calculation"],
        "worker-callbacks": ["services.worker", "callbacks"],
        "dlq-watcher": ["services.dlq_watcher"],
    }
    ports = {name: free_port() for name in modules}
    async with AsyncExitStack() as stack:
        for name, module in modules.items():
            settings = {
                "ALLOWED_PRIVATE_TARGETS": "127.0.0.1",
                "API_PORT": str(api_port),
                "HEALTH_PORT": str(ports[name]),
                "SQS_WAIT_TIME_SECONDS": "1",
                # What is refused waits there for as long as the test takes.
                "CALLBACK_RETRY_SCHEDULE_SECONDS": "600",
            }
            await stack.enter_async_context(running_program(broker, directory, module, settings))
        for url in (*(f"http://127.0.0.1:{port}" for port in ports.values()), f"http://127.0.0.1:{api_port}"):
            await asyncio.to_thread(wait_until_ready, url, http_probe(f"{url}/healthcheck"), PATIENCE_SECONDS)
        targets: dict[str, list[str]] = {}
        for name, port in ports.items():
            targets.setdefault(name.partition("-c")[0], []).append(f"127.0.0.1:{port}")
        prometheus = await stack.enter_async_context(running_prometheus(program, directory, targets))
        api = await stack.enter_async_context(
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{api_port}", timeout=PATIENCE_SECONDS)
        )
        yield Stack(api, prometheus)


async def receive(request: web.Request) -> web.Response:
    """Take the callback, refuse it for now, or want no more of it, by its path."""
    return web.Response(status={"/busy": 503, "/gone": 410}.get(request.path, 204))


async def test_what_prometheus_knows_of_tasks_is_what_became_of_them(
    prometheus_program: Path, broker: Broker, tmp_path: Path, serve: Serve
) -> None:
    began = time.monotonic()
    async with serve(receive) as url, observed_stack(prometheus_program, broker, tmp_path) as stack:
        prometheus = stack.prometheus
        await prometheus.reaches("sum(up)", 4)

        await asyncio.gather(*(stack.submit(f"{url}/callback") for _ in range(TASKS)))
        await stack.submit(f"{url}/gone")
        await stack.submit(f"{url}/busy")
        await stack.api.post("/v1/calculation/basic", json={})
        await until(broker, "undelivered", lambda waiting, _in_flight: waiting == 1)
        await until(broker, "calculation", lambda *left: left == (0, 0))

        await prometheus.reaches("sum(async_tasks_accepted_total)", TASKS + 2)
        await prometheus.reaches('sum(async_tasks_attempts_total{queue="calculation",result="done"})', TASKS + 2)
        await prometheus.reaches('sum(async_tasks_deliveries_total{result="delivered"})', TASKS)
        await prometheus.reaches('sum(async_tasks_deliveries_total{result="rejected"})', 1)
        await prometheus.reaches('sum(async_tasks_deliveries_total{result="refused"})', 3)
        await prometheus.reaches('sum(async_tasks_refused_total{status="422"})', 1)
        await prometheus.reaches("sum(async_tasks_end_to_end_seconds_count)", TASKS)
        await prometheus.reaches('async_tasks_queue_messages{queue="callbacks",state="delayed"}', 1)

        await check_rules(prometheus, began)
        await check_dashboard(prometheus)


async def check_rules(prometheus: Prometheus, began: float) -> None:
    """What waits has an age, and what does not has none; alerts report what is not as it should be."""
    await prometheus.gives_data('queue:async_tasks_oldest_message_age_seconds:max{queue="undelivered"}')
    age = await prometheus.value('queue:async_tasks_oldest_message_age_seconds:max{queue="undelivered"}')
    assert age is not None
    assert 0 <= age <= time.monotonic() - began
    await prometheus.gives_nothing('queue:async_tasks_oldest_message_age_seconds:max{queue="calculation"}')

    await prometheus.gives_data('ALERTS{alertname="OutcomesUndelivered"}')
    nobody = await prometheus.gives_data('ALERTS{alertname="QueueWithoutConsumer"}')
    assert [alert["metric"]["queue"] for alert in nobody] == ["data"]
    groups = (await prometheus.get("rules"))["groups"]
    assert [rule["lastError"] for group in groups for rule in group["rules"] if rule.get("lastError")] == []
    assert {rule["health"] for group in groups for rule in group["rules"]} == {"ok"}


async def check_dashboard(prometheus: Prometheus) -> None:
    """Every expression is one, and gives data."""
    for panel, expression in dashboard_expressions("1m").items():
        if panel in NO_DATA:
            await prometheus.query(expression)
        else:
            await prometheus.gives_data(expression)


@pytest.mark.parametrize(
    ("what", "file"), [("config", "prometheus.yml"), ("rules", "rules.yml")], ids=["config", "rules"]
)
def test_promtool_has_nothing_to_say_against(prometheus_program: Path, what: str, file: str) -> None:
    promtool = prometheus_program.with_name("promtool")
    checked = subprocess.run(  # noqa: S603  # our own files
        [promtool, "check", what, ROOT / "observability/prometheus" / file], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
