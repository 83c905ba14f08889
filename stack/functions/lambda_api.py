"""LocalStack's Lambda, as far as the stack asks it: which functions there are, and what triggers them."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

import boto3  # type: ignore[import-untyped]
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from stack.config import StackSettings
from stack.errors import StackError

POLL_SECONDS = 0.1
ANSWER_SECONDS = 5

ERRORS = (BotoCoreError, ClientError)
"""What a call raises."""


def client(service: str, settings: StackSettings) -> Any:
    """Return a client of one of LocalStack's services."""
    environment = settings.environment
    return boto3.client(
        service,
        endpoint_url=settings.localstack_url,
        region_name=environment.get("AWS_DEFAULT_REGION"),
        aws_access_key_id=environment.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=environment.get("AWS_SECRET_ACCESS_KEY"),
        config=Config(
            connect_timeout=ANSWER_SECONDS,
            read_timeout=10 * ANSWER_SECONDS,
            retries={"total_max_attempts": 1},
            proxies={},
        ),
    )


def functions(settings: StackSettings, prefix: str) -> dict[str, str]:
    """Return the state of each function whose name begins so, by the rest of its name."""
    pages = client("lambda", settings).get_paginator("list_functions").paginate()
    found = (function for page in pages for function in page["Functions"])
    return {
        function["FunctionName"].removeprefix(prefix): function.get("State", "Active")
        for function in found
        if function["FunctionName"].startswith(prefix)
    }


def switch_triggers(settings: StackSettings, *, on: bool, timeout_seconds: float) -> None:
    """Let the queues trigger their functions, or do so no more; return when the last batch has been worked.

    Raises `StackError` where that takes longer than `timeout_seconds`.
    """
    lambda_client = client("lambda", settings)
    wanted = "Enabled" if on else "Disabled"
    for mapping in list(_mappings(lambda_client)):
        if mapping["State"] != wanted:
            lambda_client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=on)
    deadline = time.monotonic() + timeout_seconds
    while waiting := _not_yet(_mappings(lambda_client), wanted):
        if time.monotonic() > deadline:
            raise StackError(
                f"The triggers of {', '.join(waiting)} are not {wanted.lower()} after {timeout_seconds:g} s."
            )
        time.sleep(POLL_SECONDS)


def _mappings(lambda_client: Any) -> Iterator[dict[str, Any]]:
    for page in lambda_client.get_paginator("list_event_source_mappings").paginate():
        yield from page["EventSourceMappings"]


def _not_yet(mappings: Iterable[dict[str, Any]], wanted: str) -> list[str]:
    return [mapping["FunctionArn"].rpartition(":")[2] for mapping in mappings if mapping["State"] != wanted]
