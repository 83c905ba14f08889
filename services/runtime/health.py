"""The internal HTTP server of every service, for those who operate it: how it does, and what it is doing."""

import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client.aiohttp import make_aiohttp_handler

from services.queueing.samples import QueueSampler, show_in_metrics
from services.runtime.settings import ServiceSettings
from services.settings import refuse_to_start
from services.streams import output
from services.telemetry import metrics

_SHUTDOWN_SECONDS = 1.0

UnreadyReason = Callable[[], str | None]
"""Returns why a part does not work, or None."""


@dataclass(frozen=True, slots=True)
class Service:
    """What a service reports of itself."""

    name: str
    checks: Sequence[UnreadyReason] | None = None
    """None: its readiness is served elsewhere."""
    consumers: Sequence[Callable[[], Mapping[str, Any]]] = ()
    """Each returns, as JSON, what a consumer is doing."""
    sampler: QueueSampler | None = None
    """Samples the queues when the metrics are read."""


@asynccontextmanager
async def serve_health(settings: ServiceSettings, service: Service) -> AsyncIterator[None]:
    """Serve, at `HEALTH_HOST:HEALTH_PORT`, what a service reports of itself.

    GET /healthcheck: the process lives. /readyz: 200, or 503 with what does not work. /metrics: Prometheus's text;
    404 where METRICS_ENABLED is false. /work: what it has in flight, as JSON.
    """
    app = web.Application()
    app.add_routes([web.get("/healthcheck", _healthcheck), web.get("/work", _work_of(service))])
    if service.checks is not None:
        app.add_routes([web.get("/readyz", _readyz_of(service.checks))])
    if settings.metrics_enabled:
        app.add_routes([web.get("/metrics", _metrics_of(service.sampler))])
    # A request that is being answered may wait for SQS; the program's end does not wait for it.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS, lingering_time=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await _listen(runner, settings)
        yield
    finally:
        await runner.cleanup()


async def _healthcheck(_request: web.Request) -> web.Response:
    return web.json_response({"state": "healthy"})


def _readyz_of(checks: Sequence[UnreadyReason]) -> Handler:
    async def readyz(_request: web.Request) -> web.Response:
        reasons = [reason for check in checks if (reason := check()) is not None] + output.unready_reasons()
        if reasons:
            return web.json_response({"state": "unready", "reasons": reasons}, status=503)
        return web.json_response({"state": "ready"})

    return readyz


def _metrics_of(sampler: QueueSampler | None) -> Handler:
    expose = make_aiohttp_handler(metrics.REGISTRY)

    async def expose_with_queues(request: web.Request) -> web.StreamResponse:
        if sampler is not None:
            show_in_metrics(await sampler.sample())
        return await expose(request)

    return expose_with_queues


def _work_of(service: Service) -> Handler:
    process = {"service": service.name, "host": socket.gethostname(), "pid": os.getpid(), "started_at": time.time()}

    async def work(_request: web.Request) -> web.Response:
        return web.json_response({**process, "consumers": [describe() for describe in service.consumers]})

    return work


async def _listen(runner: web.AppRunner, settings: ServiceSettings) -> None:
    try:
        await web.TCPSite(runner, settings.health_host, settings.health_port).start()
    except OSError as error:
        address = f"{settings.health_host}:{settings.health_port}"
        refuse_to_start(f"HEALTH_HOST, HEALTH_PORT: cannot listen on {address}: {error.strerror}")
