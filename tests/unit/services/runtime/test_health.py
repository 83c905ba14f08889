"""The internal HTTP server of every service."""

import os
import socket
import time
from typing import cast

import httpx
import pytest

from services.queueing.samples import QueueSample, QueueSampler
from services.runtime.health import Service, serve_health
from services.runtime.settings import ServiceSettings
from tests.unread_output import UnreadOutput


async def test_the_process_lives_and_is_ready_when_every_part_works(http: httpx.AsyncClient, closed_port: int) -> None:
    reasons: list[str | None] = [None, None]
    address = f"http://127.0.0.1:{closed_port}"

    service = Service("worker-calculation", checks=[lambda: reasons[0], lambda: reasons[1]])

    async with serve_health(ServiceSettings(health_port=closed_port), service):
        ready = await http.get(f"{address}/readyz")
        reasons[1] = "calculation: no successful receive yet"
        unready = await http.get(f"{address}/readyz")
        alive = await http.get(f"{address}/healthcheck")

    assert (ready.status_code, ready.json()) == (200, {"state": "ready"})
    assert (unready.status_code, unready.json()) == (503, {"state": "unready", "reasons": [reasons[1]]})
    assert (alive.status_code, alive.json()) == (200, {"state": "healthy"})


async def test_a_service_whose_log_cannot_be_written_says_so_until_it_can(
    http: httpx.AsyncClient, closed_port: int, unread_output: UnreadOutput
) -> None:
    address = f"http://127.0.0.1:{closed_port}"

    async with serve_health(ServiceSettings(health_port=closed_port), Service("worker-calculation", checks=[])):
        unread_output.write_line("x" * 100_000)
        unready = await http.get(f"{address}/readyz")
        scraped = (await http.get(f"{address}/metrics")).text
        unread_output.read()
        while (ready := await http.get(f"{address}/readyz")).status_code != 200:
            pass

    reason = "standard output cannot be written (nobody reads it): 1 lines wait, 0 are lost"
    assert (unready.status_code, unready.json()) == (503, {"state": "unready", "reasons": [reason]})
    assert "\nasync_tasks_log_lines_waiting 1.0\n" in scraped
    assert "\nasync_tasks_log_lines_lost_total 0.0\n" in scraped
    assert ready.json() == {"state": "ready"}


async def test_a_port_that_is_taken_stops_the_program_with_the_line_that_names_the_setting(
    closed_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ServiceSettings(health_port=closed_port)

    async with serve_health(settings, Service("api")):
        with pytest.raises(SystemExit) as end:
            async with serve_health(settings, Service("api")):
                pass

    assert end.value.code == os.EX_CONFIG
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"cannot start: HEALTH_HOST, HEALTH_PORT: cannot listen on 127.0.0.1:{closed_port}: ")


async def test_a_service_whose_readiness_is_served_elsewhere_has_no_readyz(
    http: httpx.AsyncClient, closed_port: int
) -> None:
    async with serve_health(ServiceSettings(health_port=closed_port), Service("api")):
        assert (await http.get(f"http://127.0.0.1:{closed_port}/readyz")).status_code == 404
        assert (await http.get(f"http://127.0.0.1:{closed_port}/healthcheck")).status_code == 200


async def test_a_service_reports_what_it_is_and_what_its_consumers_do(
    http: httpx.AsyncClient, closed_port: int
) -> None:
    work = {"queue": "calculation", "slots": 50, "busy": 0, "last_receive_seconds_ago": None, "in_flight": []}
    before = time.time()

    async with serve_health(
        ServiceSettings(health_port=closed_port), Service("worker-calculation", consumers=[lambda: work])
    ):
        reported = (await http.get(f"http://127.0.0.1:{closed_port}/work")).json()

    assert before <= reported.pop("started_at") <= time.time()
    assert reported == {
        "service": "worker-calculation",
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "consumers": [work],
    }


async def test_metrics_are_text_for_prometheus(http: httpx.AsyncClient, closed_port: int) -> None:
    async with serve_health(ServiceSettings(health_port=closed_port), Service("api")):
        answer = await http.get(f"http://127.0.0.1:{closed_port}/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "# TYPE async_tasks_delivery_seconds histogram" in answer.text


async def test_queues_are_sampled_when_the_metrics_are_read(http: httpx.AsyncClient, closed_port: int) -> None:
    class Queues:
        async def sample(self) -> dict[str, QueueSample | Exception]:
            return {"sampled": QueueSample(at=2, waiting=7, in_flight=0, delayed=0, first_at=1, last_empty_at=None)}

    service = Service("dlq-watcher", sampler=cast("QueueSampler", Queues()))
    async with serve_health(ServiceSettings(health_port=closed_port), service):
        answer = await http.get(f"http://127.0.0.1:{closed_port}/metrics")

    assert 'async_tasks_queue_messages{queue="sampled",state="waiting"} 7.0' in answer.text


async def test_a_service_that_measures_nothing_has_no_metrics(http: httpx.AsyncClient, closed_port: int) -> None:
    async with serve_health(ServiceSettings(health_port=closed_port, metrics_enabled=False), Service("api")):
        assert (await http.get(f"http://127.0.0.1:{closed_port}/metrics")).status_code == 404
        assert (await http.get(f"http://127.0.0.1:{closed_port}/work")).status_code == 200
