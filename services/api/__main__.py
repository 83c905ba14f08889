"""`python -m services.api`: accept tasks over HTTP and queue them."""

import argparse
import sys
from contextlib import suppress

import uvicorn
import uvloop

from services.api.app import create_app
from services.api.settings import ApiSettings
from services.runtime.boot import boot
from services.runtime.health import Service, serve_health
from services.task_types.loading import TaskTypes
from web.http_protocol import BoundedHttpProtocol

KEEP_ALIVE_SECONDS = 75
"""Longer than a load balancer keeps an idle connection, at AWS a minute by default: it is to close first.

Else a request may be on its way when the API closes, and the client is answered 502.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html#http-502-issues
"""

EXIT_NOT_STARTED = 3
"""As uvicorn's own command exits where the application does not start."""


def main() -> None:
    """Serve until asked to stop."""
    argparse.ArgumentParser(prog="python -m services.api", description=__doc__).parse_args()
    booted = boot(ApiSettings, traced_as="api")
    with suppress(KeyboardInterrupt):
        uvloop.run(_serve(booted.settings, booted.task_types))


async def _serve(settings: ApiSettings, task_types: TaskTypes) -> None:
    config = uvicorn.Config(
        create_app(settings, task_types),
        host=settings.api_host,
        port=settings.api_port,
        http=BoundedHttpProtocol,
        ws="none",
        access_log=False,
        log_config=None,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        # What was accepted is confirmed by SQS or answered 500 within this time.
        timeout_graceful_shutdown=round(settings.enqueue_timeout_seconds) + 1,
    )
    server = uvicorn.Server(config)
    async with serve_health(settings, Service("api")):
        await server.serve()
    if not server.started:
        sys.exit(EXIT_NOT_STARTED)


if __name__ == "__main__":
    main()
