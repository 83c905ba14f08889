"""What a client of SQS is called for, whether the SDK makes the request or `direct_calls` does."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_aiobotocore_sqs.client import SQSClient

Watch = Callable[[str, dict[str, Any], Callable[[], Awaitable[Any]]], Awaitable[Any]]
"""Is given the operation, its parameters, and what makes the call; returns the answer."""


def watch_calls(client: "SQSClient", watch: Watch) -> None:
    """Let each call of an operation go through `watch` from now on, before whoever watches already."""
    for method, operation in client.meta.method_to_api_mapping.items():
        setattr(client, method, _watched(getattr(client, method), operation, watch))


def note_calls(client: "SQSClient", note: Callable[[str, dict[str, Any]], None]) -> None:
    """Tell `note` of each call before it is made, with its operation and parameters; what it raises, the call does."""

    async def watch(operation: str, parameters: dict[str, Any], call: Callable[[], Awaitable[Any]]) -> Any:
        note(operation, parameters)
        return await call()

    watch_calls(client, watch)


def _watched(method: Callable[..., Awaitable[Any]], operation: str, watch: Watch) -> Callable[..., Awaitable[Any]]:
    async def call(**parameters: Any) -> Any:
        return await watch(operation, parameters, lambda: method(**parameters))

    return call
