"""The instances of the services: asked at each sample, and remembered for a while when they answer no more."""

import asyncio
import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import aiohttp
from pydantic import BaseModel, ValidationError

from services.console.metrics_text import Readings, read_metrics
from services.console.rates import Increase, Snapshot, increase_of
from services.console.settings import ServiceAddress

REMEMBERED_SECONDS = 120.0
"""How long an instance is shown whose address is not that of its service any more."""

_ANSWER_SECONDS = 2.0

_SILENCE = (aiohttp.ClientError, TimeoutError, ValueError)
"""What asking raises where there is no answer, or none that can be understood."""

Address: TypeAlias = tuple[str, str]
"""An instance: the name of its service and its URL."""


class Work(BaseModel):
    """What a service answers to GET /work."""

    service: str
    host: str
    pid: int
    started_at: float
    consumers: list[dict[str, Any]]


class _Readiness(BaseModel):
    """What a service answers to GET /readyz: the API names its queues, the others say what is amiss."""

    reasons: list[str] = []
    queues: dict[str, str] = {}

    @property
    def all_reasons(self) -> list[str]:
        silent = [f"{queue}: {answer}" for queue, answer in self.queues.items() if answer != "ok"]
        return [*self.reasons, *silent] or ["it does not say why"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What an instance answered; where it did not, why."""

    work: Work | None = None
    reasons: Sequence[str] = ()
    """Why it is not ready."""
    readings: Readings | None = None
    error: str | None = None


@dataclass(slots=True)
class Instance:
    """One process of a service, sample after sample."""

    address: Address
    seen_at: float
    """When it was last alive, or else first looked for."""
    answer: Answer = field(default_factory=Answer)
    last_work: Work | None = None
    snapshot: Snapshot | None = None

    def note(self, answer: Answer, now: float, last_sample_at: float | None) -> Increase | None:
        """Take an answer; return what the instance has counted since the one before, where that is known."""
        self.answer = answer
        if answer.work is None:
            return None
        self.seen_at, self.last_work = now, answer.work
        if answer.readings is None:
            return None
        snapshot = Snapshot(now, answer.work.started_at, answer.readings)
        increase = increase_of(snapshot, self.snapshot, last_sample_at)
        self.snapshot = snapshot
        return increase

    def as_json(self, now: float) -> dict[str, Any]:
        """Return what is shown of it."""
        name, url = self.address
        alive, known = self.answer.work, self.last_work
        return {
            "name": name,
            "url": url,
            "host": known.host if known else None,
            "pid": known.pid if known else None,
            "uptime_seconds": round(max(0.0, now - alive.started_at), 1) if alive else None,
            "alive": alive is not None,
            "ready": alive is not None and not self.answer.reasons,
            "reasons": list(self.answer.reasons),
            "error": self.answer.error,
            "consumers": alive.consumers if alive else [],
        }


class Instances:
    """All instances of the services that the console knows."""

    def __init__(
        self, http: aiohttp.ClientSession, services: Iterable[ServiceAddress], readyz_urls: Mapping[str, str]
    ) -> None:
        """`readyz_urls` are those of services, by name, that answer elsewhere whether they are ready."""
        self._http = http
        self._services = list(services)
        self._readyz_urls = readyz_urls
        self._known: dict[Address, Instance] = {}
        self._last_sample_at: float | None = None

    async def sample(self, now: float) -> list[Increase]:
        """Ask all of them; return what they have counted since the last sample."""
        places = await asyncio.gather(*(places_of(service) for service in self._services))
        addresses = [address for place in places for address in place.addresses]
        answers = await asyncio.gather(*(self._ask(*address) for address in addresses))
        increases = [
            self._known.setdefault(address, Instance(address, now)).note(answer, now, self._last_sample_at)
            for address, answer in zip(addresses, answers, strict=True)
        ]
        for place in places:
            self._note_missing(place, now)
        self._last_sample_at = now
        return [increase for increase in increases if increase is not None]

    def readings(self) -> list[Readings]:
        """Return the metrics of those that answered."""
        return [each.answer.readings for each in self._known.values() if each.answer.readings is not None]

    def as_json(self, now: float) -> list[dict[str, Any]]:
        """Return all instances, in the order of their services."""
        order = [service.name for service in self._services]
        known = sorted(self._known.values(), key=lambda each: (order.index(each.address[0]), each.address[1]))
        return [instance.as_json(now) for instance in known]

    async def _ask(self, name: str, url: str) -> Answer:
        return await ask(self._http, url, self._readyz_urls.get(name, f"{url}/readyz"))

    def _note_missing(self, place: "Places", now: float) -> None:
        """Keep those that have gone from a service's addresses for a while; where none is left, show that."""
        name = place.service.name
        for address in [each for each in self._known if each[0] == name and each not in place.addresses]:
            instance = self._known[address]
            instance.note(Answer(error=place.error or "its address is no longer that of the service"), now, None)
            if instance.last_work is None or now - instance.seen_at > REMEMBERED_SECONDS:
                del self._known[address]
        if not any(each[0] == name for each in self._known):
            address = (name, place.service.url)
            self._known[address] = Instance(address, now, Answer(error=place.error))


@dataclass(frozen=True, slots=True)
class Places:
    """Where the instances of a service are; where its host is not known, why."""

    service: ServiceAddress
    addresses: Sequence[Address] = ()
    error: str | None = None


async def places_of(service: ServiceAddress) -> Places:
    """Resolve the service's host: each of its addresses is an instance, those of IPv4 where it has any."""
    url = urlsplit(service.url)
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(url.hostname, url.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError):
        return Places(service, error=f"the name {url.hostname} has no address: is the service running?")
    hosts = sorted({each[4][0] for each in found if each[0] == socket.AF_INET} or {f"[{each[4][0]}]" for each in found})
    return Places(service, [(service.name, f"{url.scheme}://{host}:{url.port}") for host in hosts])


async def ask(http: aiohttp.ClientSession, url: str, readyz_url: str) -> Answer:
    """Ask an instance what it does, whether it is ready, and for its metrics."""
    work, reasons, readings = await asyncio.gather(_work(http, url), _reasons(http, readyz_url), _readings(http, url))
    if isinstance(work, str):
        return Answer(error=work)
    if isinstance(readings, str):
        return Answer(work, reasons, error=f"no metrics: {readings}")
    return Answer(work, reasons, readings)


async def _work(http: aiohttp.ClientSession, url: str) -> Work | str:
    try:
        _status, body = await _get(http, f"{url}/work", HTTPStatus.OK)
        return Work.model_validate_json(body)
    except _SILENCE as error:
        return why_silent(error)


async def _reasons(http: aiohttp.ClientSession, readyz_url: str) -> Sequence[str]:
    try:
        status, body = await _get(http, readyz_url, HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE)
        return () if status == HTTPStatus.OK else _Readiness.model_validate_json(body).all_reasons
    except _SILENCE as error:
        return [f"its readiness: {why_silent(error)}"]


async def _readings(http: aiohttp.ClientSession, url: str) -> Readings | str | None:
    try:
        status, body = await _get(http, f"{url}/metrics", HTTPStatus.OK, HTTPStatus.NOT_FOUND)
        return read_metrics(body) if status == HTTPStatus.OK else None
    except _SILENCE as error:
        return why_silent(error)


async def _get(http: aiohttp.ClientSession, url: str, *expected: HTTPStatus) -> tuple[int, str]:
    async with asyncio.timeout(_ANSWER_SECONDS), http.get(url, allow_redirects=False) as response:
        if response.status not in expected:
            raise ValueError(f"GET {urlsplit(url).path} was answered {response.status}")
        return response.status, await response.text()


def why_silent(error: Exception, seconds: float = _ANSWER_SECONDS) -> str:
    """Say in a few words why a server did not answer as it should."""
    match error:
        case TimeoutError():
            return f"no answer within {seconds:g} seconds"
        case aiohttp.ClientConnectorError(os_error=OSError(errno=int(number))):
            return os.strerror(number).lower()
        case aiohttp.ServerDisconnectedError():
            return "it closed the connection"
        case ValidationError():
            return "its answer is in another form: is it of another version?"
        case _:
            return str(error)
