"""The SQS client: one for each process, for AWS or any endpoint that speaks SQS."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aioboto3
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession, get_session
from botocore.loaders import Loader, create_loader

from services.primitives.proxies import goes_directly, is_proxied
from services.queueing.connections import connections_for_any_use
from services.queueing.direct_calls import call_directly, open_http
from services.queueing.settings import QueueSettings
from services.settings import USER_AGENT
from services.telemetry import metrics

if TYPE_CHECKING:
    from types_aiobotocore_sqs.client import SQSClient


_CONNECTIONS_FOR_ONE_QUEUE = connections_for_any_use(queues=1)


_CONNECT_TIMEOUT_SECONDS = 2


_READ_TIMEOUT_SECONDS = 10


@asynccontextmanager
async def open_sqs(
    settings: QueueSettings, *, longest_wait_seconds: float = 0, max_connections: int = _CONNECTIONS_FOR_ONE_QUEUE
) -> AsyncIterator["SQSClient"]:
    """Open a client for the configured endpoint.

    `longest_wait_seconds` is the longest poll it will make: a read may take that much longer. `max_connections`: how
    many requests may be under way at a time (see connections.py); one more waits.
    """
    config = AioConfig(
        connect_timeout=_CONNECT_TIMEOUT_SECONDS,
        read_timeout=_READ_TIMEOUT_SECONDS + longest_wait_seconds,
        # Three in all of what `direct_calls` makes first.
        retries={"mode": "standard", "total_max_attempts": 2},
        max_pool_connections=max_connections,
        # Each takes its part of a call's CPU: our calls are typed, and botocore would put its name together every time.
        parameter_validation=False,
        user_agent=USER_AGENT,
    )
    session = _new_session()
    url = settings.sqs_endpoint_url or await _url_found_by_sdk(session)
    if goes_directly(url):
        config = config.merge(AioConfig(proxies={}))
    count_request = metrics.count_request if settings.metrics_enabled else _count_nothing
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            aioboto3.Session(botocore_session=session).client(
                "sqs", endpoint_url=settings.sqs_endpoint_url, config=config
            )
        )
        client.meta.events.register("request-created.sqs", count_request)
        credentials = await session.get_credentials()
        if settings.sqs_direct_calls and credentials and not is_proxied(url):
            http = open_http(
                is_tls=urlsplit(url).scheme == "https",
                ca_bundle=session.get_config_variable("ca_bundle"),
                connect_timeout_seconds=_CONNECT_TIMEOUT_SECONDS,
                read_timeout_seconds=_READ_TIMEOUT_SECONDS + longest_wait_seconds,
                max_connections=max_connections,
            )
            call_directly(client, credentials, await stack.enter_async_context(http), count_request)
        yield client


def _new_session() -> AioSession:
    session = get_session()
    session.register_component("data_loader", _descriptions(session.get_config_variable("data_path")))
    return session


def _count_nothing(operation_name: str, **_request: Any) -> None:
    pass


@cache
def _descriptions(data_path: str | None) -> Loader:
    """Return what keeps the SDK's descriptions of services; to read them takes each session a tenth of a second."""
    return create_loader(data_path)


async def _url_found_by_sdk(session: AioSession) -> str:
    """Return where SQS is by the SDK's configuration file, else AWS's own endpoint."""
    async with aioboto3.Session(botocore_session=session).client("sqs") as client:
        return str(client.meta.endpoint_url)


async def resolve_endpoint(settings: QueueSettings) -> str:
    """Return where SQS is, as a client finds it: no request is made."""
    async with open_sqs(settings) as client:
        return str(client.meta.endpoint_url)


_AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


def is_aws(endpoint_url: str) -> bool:
    """Return whether an endpoint of SQS is AWS's own."""
    return (urlsplit(endpoint_url).hostname or "").endswith(_AWS_DOMAINS)
