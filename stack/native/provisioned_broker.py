"""Runs a broker that has no hook to make its queues with, and makes them once it answers: at each start of it.

    python -m stack.native.provisioned_broker URL QUEUES MARK COMMAND…

The process becomes the broker, so that what is done to it is done to the broker. Another one waits for it beside it,
makes the queues of the file QUEUES, and writes to the file MARK that it has, or why it could not.
"""

import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from runpy import run_path
from typing import Any

from stack.broker.provisioning import PROVISIONING
from stack.whole_file import write_whole

POLL_SECONDS = 0.05
DONE = "provisioned"


def main(url: str, queues: str, mark: str, *command: str) -> None:
    """Become the broker, with what provisions it beside."""
    Path(mark).unlink(missing_ok=True)
    broker = os.getpid()
    if os.fork() == 0:
        # Of its own child the broker, which knows of none, would never hear that it has ended.
        if os.fork() == 0:
            write_mark(url, Path(queues), Path(mark), broker)
        os._exit(0)
    os.wait()
    os.execvp(command[0], command)  # noqa: S606  # a program of this project's own environments


def write_mark(url: str, queues: Path, mark: Path, broker: int) -> None:
    """Make the queues as soon as the broker answers, and say what came of it; the broker's end ends this."""
    outcome = DONE
    try:
        sqs = client(url)
        wait_until_it_answers(sqs, broker)
        provision = run_path(str(PROVISIONING))["provision"]
        provision(sqs, json.loads(queues.read_text())["queues"], os.environ.get("QUEUE_NAME_PREFIX", ""))
    except Exception as error:  # noqa: BLE001  # whatever it is, it is what `make up` says
        outcome = f"its queues cannot be made: {error}"
        print(outcome, flush=True)  # noqa: T201  # the broker's log
    with suppress(ProcessLookupError):
        os.kill(broker, 0)
        write_whole(mark, outcome)


def client(url: str) -> Any:
    """A client of SQS for the broker, past every proxy."""
    # The stack's other commands need no SDK, which takes a while to load.
    import boto3  # type: ignore[import-untyped]  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    return boto3.client(
        "sqs",
        endpoint_url=url,
        region_name=os.environ.get("AWS_DEFAULT_REGION") or "us-east-1",
        aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID") or "test",
        aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY") or "test",
        config=Config(proxies={}, retries={"total_max_attempts": 1}),
    )


def wait_until_it_answers(sqs: Any, broker: int) -> None:
    """Ask it until it does. Raises ProcessLookupError where it has ended."""
    from botocore.exceptions import ConnectionError, HTTPClientError  # noqa: A004, PLC0415

    while True:
        try:
            sqs.list_queues(MaxResults=1)
        except (ConnectionError, HTTPClientError):
            os.kill(broker, 0)
            time.sleep(POLL_SECONDS)
        else:
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
