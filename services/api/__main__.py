"""`python -m services.api`: accept tasks over HTTP and queue them."""

import argparse

import uvicorn

from services.api.app import create_app
from services.api.http_protocol import BoundedHttpProtocol
from services.boot import boot
from services.settings import ApiSettings


def main() -> None:
    """Serve until told to stop."""
    argparse.ArgumentParser(prog="python -m services.api", description=__doc__).parse_args()
    settings, task_types = boot(ApiSettings, traced_as="api")
    uvicorn.run(
        create_app(settings, task_types),
        host=settings.api_host,
        port=settings.api_port,
        loop="uvloop",
        http=BoundedHttpProtocol,
        access_log=False,
        log_config=None,
        # What was accepted is confirmed by SQS or answered 500 within this time.
        timeout_graceful_shutdown=round(settings.enqueue_timeout_seconds) + 1,
    )


if __name__ == "__main__":
    main()
