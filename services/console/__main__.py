"""`python -m services.console`: show what the stack is doing, on a page."""

import argparse
import asyncio

from services.console.app import create_app
from services.console.server import make_server
from services.console.settings import ConsoleSettings
from services.queueing.client import is_aws, resolve_endpoint
from services.runtime.boot import boot
from services.settings import refuse_to_start


def main() -> None:
    """Serve until a signal to stop."""
    argparse.ArgumentParser(prog="python -m services.console", description=__doc__).parse_args()
    booted = boot(ConsoleSettings)
    settings = booted.settings
    if not settings.console_enabled and is_aws(asyncio.run(resolve_endpoint(settings))):
        refuse_to_start(
            "CONSOLE_ENABLED: the queues are those of AWS, where the console runs only if it is asked for:"
            " set CONSOLE_ENABLED=true, or AWS_ENDPOINT_URL_SQS or AWS_ENDPOINT_URL to another endpoint"
        )
    make_server(create_app(settings, booted.task_types), settings).run()


if __name__ == "__main__":
    main()
