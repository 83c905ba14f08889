"""The HTTP client for callbacks and data sources: httpx's API on the aiohttp transport."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

USER_AGENT = "async-tasks/1"

HTTP_ERRORS = (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError, ValueError)
"""Everything that a request can raise: aiohttp's own where the transport maps none, ValueError for a bad header."""


@asynccontextmanager
async def open_http_client(*, connections: int, connect_timeout_seconds: float) -> AsyncIterator[httpx.AsyncClient]:
    """Open a client that follows no redirects, keeps no cookies and reads no proxy from the environment.

    It times out the connection only: who calls it bounds the whole with asyncio.timeout.
    """
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections), cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
    )
    # One client serves everybody's tasks: a cookie that one source sets must not reach another task's request.
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    async with httpx.AsyncClient(
        transport=AiohttpTransport(client=session),
        timeout=httpx.Timeout(None, connect=connect_timeout_seconds),
        headers={"user-agent": USER_AGENT},
        cookies=no_cookies,
        trust_env=False,
    ) as client:
        yield client


def describe_http_error(error: Exception) -> str:
    """Say why a request failed, from the transport's own error where there is one: httpx's names can mislead."""
    cause = error.__cause__ if isinstance(error.__cause__, aiohttp.ClientError) else error
    match cause:
        case aiohttp.ClientConnectorDNSError():
            return f"the host name {cause.host} cannot be resolved"
        case aiohttp.ClientConnectorError(os_error=OSError(errno=int(number))):
            return f"cannot connect to {cause.host}:{cause.port}: {os.strerror(number)}"
        case aiohttp.ServerDisconnectedError():
            return "the connection was closed before the answer was complete"
        case _:
            return f"{type(cause).__name__}: {cause}"
