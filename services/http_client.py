"""The HTTP client for callbacks and data sources: httpx's API on the aiohttp transport."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

USER_AGENT = "async-tasks/1"


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
