"""The HTTP connections to callbacks and data sources, kept to permitted targets.

Task types have httpx's API on them. Callbacks, one for each task, use aiohttp's own: it takes a third of the CPU.

The check is our own: the libraries that make one (httpx-secure, microsoft-antissrf, drawbridge) are bound to other
transports, httpx-secure connects to a forbidden address to find out, and all judge by a part of the registries.
"""

import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy

import aiohttp
import httpx
from aiohttp.abc import ResolveResult
from httpx_aiohttp import AiohttpTransport

from services import tracing
from services.http_connections import HEADER_LIMITS, GuardedConnector
from services.settings import USER_AGENT
from services.targets import ForbiddenTargetError, TargetPolicy

_LONGEST_DESCRIPTION = 500
_DEFAULT_PORTS = {"http": 80, "https": 443}

# https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2
_IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})

HTTP_ERRORS = (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError, ValueError)
"""Everything that a request can raise: aiohttp's own where the transport maps none, ValueError for a bad header."""


class TargetSessions:
    """aiohttp sessions that go where the policy lets them; elsewhere they raise ForbiddenTargetError.

    They keep no cookies, as they serve everybody's tasks, read no proxy from the environment, decode no body, and have
    no timeouts of their own. Each address that is dialled is checked, unless the host is one that the policy lists by
    its name. The two have connections of their own: one that was opened unchecked serves listed hosts alone.
    """

    def __init__(self, policy: TargetPolicy) -> None:
        self._policy = policy
        self._kept = _SessionPair(policy, keeps=True)
        self._for_one_request = _SessionPair(policy, keeps=False)

    def session_for(self, host: str, port: int, *, kept: bool = True) -> aiohttp.ClientSession:
        """Return the session for requests to the host, over kept connections or, each, over one of its own.

        A server may close a kept one just when it is used, and nobody can tell then whether the request was carried
        out (RFC 9112, section 9.3.1): what must not be repeated has one of its own.
        """
        pair = self._kept if kept else self._for_one_request
        return pair.unchecked if self._policy.lists_host(host, port) else pair.checked

    async def close(self) -> None:
        """Close all connections."""
        await self._kept.close()
        await self._for_one_request.close()


class _SessionPair:
    def __init__(self, policy: TargetPolicy, *, keeps: bool) -> None:
        self.unchecked = _open_session(GuardedConnector(keeps=keeps))
        self.checked = _open_session(
            GuardedConnector(keeps=keeps, resolver=_CheckedResolver(policy), socket_factory=_checked_sockets(policy))
        )

    async def close(self) -> None:
        await self.unchecked.close()
        await self.checked.close()


@asynccontextmanager
async def open_target_sessions(*, policy: TargetPolicy) -> AsyncIterator[TargetSessions]:
    """Open the sessions, and close their connections at the end of the block."""
    sessions = TargetSessions(policy)
    try:
        yield sessions
    finally:
        await sessions.close()


@asynccontextmanager
async def open_http_client(
    sessions: TargetSessions, *, connect_timeout_seconds: float
) -> AsyncIterator[httpx.AsyncClient]:
    """Open a client with httpx's API on these sessions.

    It follows no redirects. It times out the connection only, each address of a host for itself: who calls it gives a
    request further timeouts, or bounds the whole with asyncio.timeout.
    """
    # One client serves everybody's tasks: a cookie that one source sets must not reach another task's request.
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    async with httpx.AsyncClient(
        transport=_TargetTransport(sessions),
        timeout=httpx.Timeout(None, connect=connect_timeout_seconds),
        headers={"user-agent": USER_AGENT},
        cookies=no_cookies,
        trust_env=False,
    ) as client:
        yield client


class _TargetTransport(httpx.AsyncBaseTransport):
    def __init__(self, sessions: TargetSessions) -> None:
        self._sessions = sessions
        # Making one takes the time of an SSL context, which it does not use: its session has its own.
        self._transports: dict[aiohttp.ClientSession, AiohttpTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        if url.userinfo:
            # httpx has made a header of it, and aiohttp refuses to be told twice.
            request.url = url.copy_with(userinfo=b"")
        port = url.port or _DEFAULT_PORTS.get(url.scheme, 0)
        session = self._sessions.session_for(url.host, port, kept=request.method in _IDEMPOTENT_METHODS)
        with tracing.tracer.fetch(request.method, url) as span:
            request.headers.update(span.headers)
            response = await self._transport_of(session).handle_async_request(request)
            span.answered(response.status_code)
            return response

    def _transport_of(self, session: aiohttp.ClientSession) -> AiohttpTransport:
        if session not in self._transports:
            self._transports[session] = AiohttpTransport(client=session)
        return self._transports[session]


def _open_session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(),
        headers={"user-agent": USER_AGENT},
        # A callback's answer is not read; who reads one says what it takes.
        skip_auto_headers=("Accept", "Accept-Encoding"),
        auto_decompress=False,
        **HEADER_LIMITS,
    )


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
        case aiohttp.ClientConnectorError(os_error=OSError() as os_error):
            return f"cannot connect to {cause.host}:{cause.port}: {_describe_os_error(os_error)}"
        case aiohttp.ServerDisconnectedError():
            return "the connection was closed before the answer was complete"
        case httpx.DecodingError():
            return f"the answer cannot be decoded: {cause}"
        case _:
            # What a server sent amiss can be part of the text.
            return f"{type(cause).__name__}: {cause}"[:_LONGEST_DESCRIPTION]


# X509_V_ERR_… of https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/: self-signed, itself or at the end of its
# chain, or with a chain whose end is not known.
_UNTRUSTED = {18, 19, 20, 21}
# How OpenSSL's versions call bytes that are no TLS record.
_NO_TLS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}


def _describe_os_error(error: OSError) -> str:
    match error:
        # Without a number: no system call failed, what was connected came to an end.
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError() | ConnectionError(errno=None):
            return "it closed the connection in the TLS handshake"
        case ssl.SSLError():
            return _describe_tls_error(error)
        case OSError(errno=int(number)):
            return os.strerror(number)
        case _:
            return str(error)


def _describe_tls_error(error: ssl.SSLError) -> str:
    match error:
        case ssl.SSLCertVerificationError(verify_code=code, verify_message=message) if code in _UNTRUSTED:
            return f"no trusted authority has issued its certificate ({message}); SSL_CERT_FILE names the trusted ones"
        case ssl.SSLCertVerificationError(verify_message=message):
            return f"its certificate is not valid: {message.rstrip('.')}"
        case ssl.SSLError(reason=reason) if reason in _NO_TLS:
            return "it does not speak TLS there; is it http:// rather than https://?"
        case _:
            return f"the TLS handshake failed: {(error.reason or str(error)).replace('_', ' ').lower()}"
