"""The health endpoints of a program that serves nothing else: alive, and doing its work."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from aiohttp import web

from services.settings import ConsumerSettings, refuse_to_start

UnreadyReason = Callable[[], str | None]
"""Returns why a part does not work, or None."""


@asynccontextmanager
async def serve_health(settings: ConsumerSettings, checks: Iterable[UnreadyReason]) -> AsyncIterator[None]:
    """Serve GET /healthcheck (the process lives) and /readyz (200, or 503 with what does not work)."""
    checks = list(checks)

    async def healthcheck(_request: web.Request) -> web.Response:
        return web.json_response({"state": "healthy"})

    async def readyz(_request: web.Request) -> web.Response:
        reasons = [reason for check in checks if (reason := check()) is not None]
        if reasons:
            return web.json_response({"state": "unready", "reasons": reasons}, status=503)
        return web.json_response({"state": "ready"})

    app = web.Application()
    app.add_routes([web.get("/healthcheck", healthcheck), web.get("/readyz", readyz)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await _listen(runner, settings)
        yield
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, settings: ConsumerSettings) -> None:
    try:
        await web.TCPSite(runner, settings.health_host, settings.health_port).start()
    except OSError as error:
        address = f"{settings.health_host}:{settings.health_port}"
        refuse_to_start(f"HEALTH_HOST, HEALTH_PORT: cannot listen on {address}: {error.strerror}")
