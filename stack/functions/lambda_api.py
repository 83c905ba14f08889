"""LocalStack's Lambda, as far as the stack asks it: which functions there are, and what triggers them."""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3  # type: ignore[import-untyped]
import httpx
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from stack.config import StackSettings
from stack.errors import StackError

POLLERS_PATH = "/_functions/pollers"
"""Where LocalStack says which event source mappings poll, and which have a batch worked."""

POLL_SECONDS = 0.1
ANSWER_SECONDS = 5

ERRORS = (BotoCoreError, ClientError, httpx.HTTPError)
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
    """Let the queues trigger their functions, or do so no more; then return when the last batch has been worked.

    Raises `StackError` where that takes longer than `timeout_seconds`.
    """
    lambda_client = client("lambda", settings)
    pollers = _pollers(settings)
    for mapping in list(_mappings(lambda_client)):
        if not _is_switched(mapping, pollers, on=on):
            lambda_client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=on)
    deadline = time.monotonic() + timeout_seconds
    while waiting := _not_yet(_mappings(lambda_client), _pollers(settings), on=on):
        if time.monotonic() > deadline:
            state = "on" if on else "off, and their last batches worked,"
            raise StackError(f"The triggers of {', '.join(waiting)} are not {state} after {timeout_seconds:g} s.")
        time.sleep(POLL_SECONDS)


def _mappings(lambda_client: Any) -> Iterator[dict[str, Any]]:
    for page in lambda_client.get_paginator("list_event_source_mappings").paginate():
        yield from page["EventSourceMappings"]


@dataclass(frozen=True, slots=True)
class _Pollers:
    """UUIDs of mappings: LocalStack's own word for their states is not right (aws/localstack/event_pollers.py)."""

    polling: Collection[str] = ()
    working: Collection[str] = ()


def _pollers(settings: StackSettings) -> _Pollers:
    with httpx.Client(base_url=settings.localstack_url, timeout=ANSWER_SECONDS, trust_env=False) as http:
        answer = http.get(POLLERS_PATH)
    # Before the first function is made nobody answers there.
    return _Pollers() if answer.is_error else _Pollers(**answer.json())


def _is_switched(mapping: Mapping[str, Any], pollers: _Pollers, *, on: bool) -> bool:
    return mapping["State"] == ("Enabled" if on else "Disabled") and (mapping["UUID"] in pollers.polling) == on


def _not_yet(mappings: Iterable[Mapping[str, Any]], pollers: _Pollers, *, on: bool) -> list[str]:
    """Return the functions of the mappings that do not poll yet, or still work: the end of a poll is not waited for."""
    late = (
        each for each in mappings if (each["UUID"] not in pollers.polling if on else each["UUID"] in pollers.working)
    )
    return [each["FunctionArn"].rpartition(":")[2] for each in late]
