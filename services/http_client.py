"""The HTTP client for callbacks and data sources: httpx's API on the aiohttp transport, kept to permitted targets.

The check is our own: the libraries that make one (httpx-secure, microsoft-antissrf, drawbridge) are bound to other
transports, httpx-secure connects to a forbidden address to find out, and all judge by a part of the registries.
"""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy

import aiohttp
import httpx
from aiohttp.abc import ResolveResult
from httpx_aiohttp import AiohttpTransport

from services.targets import ForbiddenTargetError, TargetPolicy

USER_AGENT = "async-tasks/1"

_LONGEST_DESCRIPTION = 500
_DEFAULT_PORTS = {"http": 80, "https": 443}

HTTP_ERRORS = (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError, ValueError)
"""Everything that a request can raise: aiohttp's own where the transport maps none, ValueError for a bad header."""


@asynccontextmanager
async def open_http_client(
    *, connections: int, connect_timeout_seconds: float, policy: TargetPolicy
) -> AsyncIterator[httpx.AsyncClient]:
    """Open a client that goes where the policy lets it; elsewhere it raises ForbiddenTargetError.

    It follows no redirects, keeps no cookies and reads no proxy from the environment. It times out the connection
    only, each address of a host for itself: who calls it gives a request further timeouts, or bounds the whole with
    asyncio.timeout.
    """
    # One client serves everybody's tasks: a cookie that one source sets must not reach another task's request.
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    async with httpx.AsyncClient(
        transport=_TargetTransport(policy, connections),
        timeout=httpx.Timeout(None, connect=connect_timeout_seconds),
        headers={"user-agent": USER_AGENT},
        cookies=no_cookies,
        trust_env=False,
    ) as client:
        yield client


class _TargetTransport(httpx.AsyncBaseTransport):
    """Checks each address that is dialled, unless the host is one that the policy lists by its name.

    The two have connections of their own: one that was opened unchecked serves listed hosts alone.
    """

    def __init__(self, policy: TargetPolicy, connections: int) -> None:
        self._policy = policy
        self._unchecked = _open_transport(aiohttp.TCPConnector(limit=connections))
        self._checked = _open_transport(
            aiohttp.TCPConnector(
                limit=connections, resolver=_CheckedResolver(policy), socket_factory=_checked_sockets(policy)
            )
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        if url.userinfo:
            # httpx has made a header of it, and aiohttp refuses to be told twice.
            request.url = url.copy_with(userinfo=b"")
        port = url.port or _DEFAULT_PORTS.get(url.scheme, 0)
        transport = self._unchecked if self._policy.lists_host(url.host, port) else self._checked
        return await transport.handle_async_request(request)

    async def aclose(self) -> None:
        await self._unchecked.aclose()
        await self._checked.aclose()


def _open_transport(connector: aiohttp.TCPConnector) -> AiohttpTransport:
    session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False)
    return AiohttpTransport(client=session)


class _CheckedResolver(aiohttp.ThreadedResolver):
    """Leaves out the addresses that may not be dialled.

    The sockets are checked too, but where the addresses of a host race for the connection, the race keeps the reason
    why one of them did not start.
    """

    def __init__(self, policy: TargetPolicy) -> None:
        super().__init__()
        self._policy = policy

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await super().resolve(host, port, family)
        permitted = [each for each in found if self._policy.permits(each["host"], port)]
        if found and not permitted:
            raise ForbiddenTargetError(host, port, [each["host"] for each in found])
        return permitted


def _checked_sockets(policy: TargetPolicy) -> aiohttp.SocketFactoryType:
    """Make sockets for permitted addresses alone: a host that is an address comes here unresolved."""

    def make_socket(address_info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, (address, port, *_) = address_info
        if not policy.permits(address, port):
            raise ForbiddenTargetError(address, port)
        return socket.socket(family, kind, protocol)

    return make_socket


def describe_http_error(error: Exception) -> str:
    """Say why a request failed, from the transport's own error where there is one: httpx's names can mislead."""
    cause = error.__cause__ if isinstance(error.__cause__, aiohttp.ClientError) else error
    match cause:
        case ForbiddenTargetError():
            return str(cause)
        case aiohttp.ClientConnectorDNSError():
            return f"the host name {cause.host} cannot be resolved"
        case aiohttp.ClientConnectorError(os_error=OSError(errno=int(number))):
            return f"cannot connect to {cause.host}:{cause.port}: {os.strerror(number)}"
        case aiohttp.ServerDisconnectedError():
            return "the connection was closed before the answer was complete"
        case httpx.DecodingError():
            return f"the answer cannot be decoded: {cause}"
        case _:
            # What a server sent amiss can be part of the text.
            return f"{type(cause).__name__}: {cause}"[:_LONGEST_DESCRIPTION]
