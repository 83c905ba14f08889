"""The instances of the services, asked over HTTP."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web

from services.console.instances import REMEMBERED_SECONDS, Instances, ask, places_of
from services.console.settings import ServiceAddress
from tests.service_fixtures import Serve
from tests.virtual_time import in_virtual_time

STARTED_AT = 1_000.0
_getaddrinfo = socket.getaddrinfo
METRICS = '# TYPE async_tasks_accepted counter\nasync_tasks_accepted_total{{task_type="data"}} {}\n'
KEY = ("async_tasks_accepted_total", frozenset({("task_type", "data")}))


class Service:
    """A service's internal HTTP server, as the contract has it."""

    def __init__(self) -> None:
        self.work: dict[str, Any] = {
            "service": "worker-data",
            "host": "box",
            "pid": 12,
            "started_at": STARTED_AT,
            "consumers": [{"queue": "data", "slots": 50, "busy": 0, "last_receive_seconds_ago": 1.2, "in_flight": []}],
        }
        self.unready: dict[str, Any] | None = None
        self.accepted: int | None = 0

    async def answer(self, request: web.Request) -> web.Response:
        match request.path:
            case "/work":
                return web.json_response(self.work)
            case "/readyz":
                return web.json_response(self.unready or {"state": "ready"}, status=503 if self.unready else 200)
            case "/metrics" if self.accepted is not None:
                return web.Response(text=METRICS.format(self.accepted))
        return web.Response(status=404)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def watching(http: aiohttp.ClientSession, url: str, **readyz_urls: str) -> Instances:
    return Instances(http, [ServiceAddress("worker-data", url)], readyz_urls)


async def test_an_instance_that_answers_is_shown_with_what_it_does(
    serve: Serve, service: Service, http: aiohttp.ClientSession
) -> None:
    async with serve(service.answer) as url:
        watched = watching(http, url)
        await watched.sample(STARTED_AT + 5)

    assert watched.as_json(STARTED_AT + 5) == [
        {
            "name": "worker-data",
            "url": url,
            "host": "box",
            "pid": 12,
            "uptime_seconds": 5,
            "alive": True,
            "ready": True,
            "reasons": [],
            "error": None,
            "consumers": service.work["consumers"],
        }
    ]


async def test_one_that_is_not_ready_says_why(serve: Serve, service: Service, http: aiohttp.ClientSession) -> None:
    service.unready = {"state": "unready", "reasons": ["data: no successful receive yet"]}
    async with serve(service.answer) as url:
        answer = await ask(http, url, f"{url}/readyz")

    assert answer.reasons == ["data: no successful receive yet"]


async def test_the_api_names_the_queues_that_do_not_answer(
    serve: Serve, service: Service, http: aiohttp.ClientSession
) -> None:
    service.unready = {"state": "unready", "queues": {"calculation": "ok", "data": "no answer within 3 seconds"}}
    async with serve(service.answer) as url:
        answer = await ask(http, url, f"{url}/readyz")

    assert answer.reasons == ["data: no answer within 3 seconds"]


async def test_a_service_can_tell_elsewhere_whether_it_is_ready(
    serve: Serve, service: Service, http: aiohttp.ClientSession
) -> None:
    other = Service()
    other.unready = {"reasons": ["overloaded"]}
    async with serve(service.answer) as url, serve(other.answer) as other_url:
        watched = Instances(http, [ServiceAddress("api", url)], {"api": f"{other_url}/readyz"})
        await watched.sample(STARTED_AT)

    assert watched.as_json(STARTED_AT)[0]["reasons"] == ["overloaded"]


async def test_one_whose_readiness_does_not_answer_is_alive_and_not_ready(
    serve: Serve, service: Service, http: aiohttp.ClientSession, closed_port: int
) -> None:
    async with serve(service.answer) as url:
        answer = await ask(http, url, f"http://127.0.0.1:{closed_port}/readyz")

    assert answer.work is not None
    assert answer.reasons == ["its readiness: connection refused"]


async def test_what_was_counted_between_two_samples_is_known(
    serve: Serve, service: Service, http: aiohttp.ClientSession
) -> None:
    async with serve(service.answer) as url:
        watched = watching(http, url)
        assert await watched.sample(STARTED_AT + 10) == []
        service.accepted = 6
        [increase] = await watched.sample(STARTED_AT + 12)

    assert (increase.readings[KEY], increase.seconds) == (6, 2)


async def test_a_restarted_process_has_counted_all_that_it_shows(
    serve: Serve, service: Service, http: aiohttp.ClientSession
) -> None:
    service.accepted = 100
    async with serve(service.answer) as url:
        watched = watching(http, url)
        await watched.sample(STARTED_AT + 10)
        service.accepted, service.work["started_at"] = 101, STARTED_AT + 11
        [increase] = await watched.sample(STARTED_AT + 12)

    assert increase.readings[KEY] == 101


async def test_without_metrics_it_is_alive_and_counts_nothing(
    serve: Serve, service: Service, http: aiohttp.ClientSession
) -> None:
    service.accepted = None
    async with serve(service.answer) as url:
        watched = watching(http, url)
        assert await watched.sample(STARTED_AT) == []
        assert await watched.sample(STARTED_AT + 2) == []

    [alive] = watched.as_json(STARTED_AT)
    assert (alive["alive"], alive["error"]) == (True, None)


async def test_one_that_nobody_listens_for_is_dead_with_the_reason(
    http: aiohttp.ClientSession, closed_port: int
) -> None:
    watched = watching(http, f"http://127.0.0.1:{closed_port}")
    await watched.sample(0)

    [dead] = watched.as_json(0)
    assert (dead["alive"], dead["ready"], dead["error"]) == (False, False, "connection refused")


async def test_one_that_dies_keeps_its_place_and_what_was_known_of_it(
    serve: Serve, service: Service, http: aiohttp.ClientSession
) -> None:
    async with serve(service.answer) as url:
        watched = watching(http, url)
        await watched.sample(STARTED_AT)
    await watched.sample(STARTED_AT + 10 * REMEMBERED_SECONDS)

    [dead] = watched.as_json(STARTED_AT + 10 * REMEMBERED_SECONDS)
    assert (dead["alive"], dead["host"], dead["pid"], dead["uptime_seconds"]) == (False, "box", 12, None)
    assert dead["consumers"] == []


class SilentHttp:
    """A client of servers that accept, and answer nothing."""

    @asynccontextmanager
    async def get(self, _url: str, **_options: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        await asyncio.Event().wait()
        yield cast(aiohttp.ClientResponse, None)


@in_virtual_time
async def test_one_that_hangs_is_dead_and_holds_nobody_up() -> None:
    answer = await ask(cast(aiohttp.ClientSession, SilentHttp()), "http://worker-data", "http://worker-data/readyz")

    assert answer.error == "no answer within 2 seconds"
    assert asyncio.get_running_loop().time() == 2


async def test_one_that_answers_something_else_is_another_version(serve: Serve, http: aiohttp.ClientSession) -> None:
    async def other(_request: web.Request) -> web.Response:
        return web.json_response({"state": "healthy"})

    async with serve(other) as url:
        answer = await ask(http, url, f"{url}/readyz")

    assert answer.error == "its answer is in another form: is it of another version?"


async def test_one_without_the_endpoint_is_reported_as_such(serve: Serve, http: aiohttp.ClientSession) -> None:
    async def none(_request: web.Request) -> web.Response:
        return web.Response(status=404)

    async with serve(none) as url:
        answer = await ask(http, url, f"{url}/readyz")

    assert answer.error == "GET /work was answered 404"


async def test_each_address_of_a_host_is_an_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "172.18.0.5", "172.18.0.4", "172.18.0.5")

    places = await places_of(ServiceAddress("worker-data", "http://worker-data:8081"))

    assert places.addresses == [("worker-data", "http://172.18.0.4:8081"), ("worker-data", "http://172.18.0.5:8081")]


async def test_a_host_with_addresses_of_both_kinds_is_no_two_instances(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "::1", "127.0.0.1")

    places = await places_of(ServiceAddress("api", "http://localhost:8081"))

    assert places.addresses == [("api", "http://127.0.0.1:8081")]


async def test_a_host_of_ipv6_alone_is_asked_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "fd00::5")

    places = await places_of(ServiceAddress("api", "http://api:8081"))

    assert places.addresses == [("api", "http://[fd00::5]:8081")]


async def test_an_instance_whose_address_is_gone_stays_for_a_while(
    serve: Serve, service: Service, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve(service.answer) as url:
        port = url.rpartition(":")[2]
        watched = watching(http, f"http://worker-data:{port}")
        resolve_to(monkeypatch, "127.0.0.1")
        await watched.sample(STARTED_AT)
        resolve_to(monkeypatch)
        await watched.sample(STARTED_AT + 2)
        [remembered] = watched.as_json(STARTED_AT)
        await watched.sample(STARTED_AT + REMEMBERED_SECONDS + 3)
        [missing] = watched.as_json(STARTED_AT)

    assert (remembered["alive"], remembered["pid"]) == (False, 12)
    assert remembered["error"] == "the name worker-data has no address: is the service running?"
    assert (missing["alive"], missing["pid"], missing["url"]) == (False, None, f"http://worker-data:{port}")


async def test_a_service_that_gets_its_address_late_is_shown_once(
    serve: Serve, service: Service, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve(service.answer) as url:
        watched = watching(http, f"http://worker-data:{url.rpartition(':')[2]}")
        resolve_to(monkeypatch)
        await watched.sample(STARTED_AT)
        resolve_to(monkeypatch, "127.0.0.1")
        await watched.sample(STARTED_AT + 2)

    assert [each["alive"] for each in watched.as_json(STARTED_AT + 2)] == [True]


def resolve_to(monkeypatch: pytest.MonkeyPatch, *hosts: str) -> None:
    """Let every name have these addresses."""

    def resolve(_host: str, port: int, *_arguments: Any, **_options: Any) -> list[Any]:
        if not hosts:
            raise socket.gaierror(socket.EAI_NONAME, os.strerror(2))
        return [each for host in hosts for each in _getaddrinfo(host, port, type=socket.SOCK_STREAM)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
