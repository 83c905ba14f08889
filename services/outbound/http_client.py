"""The HTTP connections to callbacks and data sources, kept to permitted targets.

Task types have httpx2's API on them. Callbacks, one for each task, use aiohttp's own: it takes a third of the CPU.

The check is our own: the libraries that make one (httpx-secure, microsoft-antissrf, drawbridge) are bound to other
transports, httpx-secure connects to a forbidden address to find out, and all judge by a part of the registries.
"""

import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import aiohttp
import httpx2
import structlog
from aiohttp import hdrs
from aiohttp.abc import ResolveResult
from multidict import CIMultiDict
from typing_extensions import override
from yarl import URL

from services.outbound.http_connections import HEADER_LIMITS, GuardedConnector
from services.outbound.target_url import Target, UrlError, target_of
from services.outbound.targets import ForbiddenTargetError, TargetPolicy
from services.primitives.http_posts import Answer, HttpPosts
from services.settings import USER_AGENT
from services.telemetry import tracing
from services.telemetry.redaction import without_secrets

log = structlog.get_logger(__name__)

_LONGEST_DESCRIPTION = 500

# Many requests lead to few targets.
_REMEMBERED = 1024

# Under this name the transport finds where a request goes.
_TARGET = "target"

# https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2
_IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})

HTTP_ERRORS = (httpx2.HTTPError, httpx2.InvalidURL, aiohttp.ClientError, OSError, ValueError)
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

    def request(  # noqa: PLR0913  # what a request has
        self,
        method: str,
        target: Target,
        *,
        headers: Mapping[str, str],
        data: Any,
        timeout: aiohttp.ClientTimeout,
        kept: bool = True,
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Make a request, whose target and credentials are those of the URL as it was given; follow no redirect.

        It goes over a kept connection or, where `kept` is false, over one of its own. A server may close a kept one
        just when it is used, and nobody can know then whether the request was carried out (RFC 9112, section 9.3.1):
        what must not be repeated has one of its own.
        """
        return self._session_for(target, kept=kept).aiohttp.request(
            method,
            _sent_as_given(target),
            headers=_headers_for(target, headers),
            data=data,
            timeout=timeout,
            allow_redirects=False,
        )

    def post(
        self, target: Target, *, headers: Mapping[str, str], body: bytes, timeout: aiohttp.ClientTimeout
    ) -> AbstractAsyncContextManager[Answer]:
        """Make a POST over a kept connection as `request` does, for a third of its CPU where the body is short.

        Who calls bounds the whole: of the timeout `sock_connect` and `sock_read` are heeded.
        """
        sent = {"Host": target.host_header, "user-agent": USER_AGENT, **headers}
        if target.authorization:
            sent["Authorization"] = target.authorization
        return self._session_for(target, kept=True).posts.post(_sent_as_given(target), sent, body, timeout)

    def _session_for(self, target: Target, *, kept: bool) -> "_Session":
        pair = self._kept if kept else self._for_one_request
        return pair.unchecked if self._policy.lists_host(target.host, target.port) else pair.checked

    async def close(self) -> None:
        """Close all connections."""
        await self._kept.close()
        await self._for_one_request.close()


class _SessionPair:
    def __init__(self, policy: TargetPolicy, *, keeps: bool) -> None:
        self.unchecked = _Session(GuardedConnector(keeps=keeps))
        self.checked = _Session(
            GuardedConnector(keeps=keeps, resolver=_CheckedResolver(policy), socket_factory=_checked_sockets(policy))
        )

    async def close(self) -> None:
        await self.unchecked.aiohttp.close()
        await self.checked.aiohttp.close()


class _Session:
    """Both ways of making requests on the connections of one connector."""

    def __init__(self, connector: aiohttp.TCPConnector) -> None:
        self.aiohttp = _open_session(connector)
        self.posts = HttpPosts(self.aiohttp, HEADER_LIMITS)


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
) -> AsyncIterator[httpx2.AsyncClient]:
    """Open a client with httpx2's API on these sessions.

    It follows no redirects. It times out the connection only, each address of a host for itself: who calls it gives a
    request further timeouts, or bounds the whole with asyncio.timeout.
    """
    # One client serves everybody's tasks: a cookie that one source sets must not reach another task's request.
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    async with _TargetClient(
        transport=_TargetTransport(sessions),
        timeout=httpx2.Timeout(None, connect=connect_timeout_seconds),
        headers={"user-agent": USER_AGENT},
        cookies=no_cookies,
        trust_env=False,
    ) as client:
        yield client


class _TargetClient(httpx2.AsyncClient):
    """Keeps each URL as it was given, where httpx2's own would rewrite it."""

    @override
    def build_request(
        self, method: str, url: httpx2.URL | str, *, params: Any = None, **options: Any
    ) -> httpx2.Request:
        target = target_of(str(url if params is None else httpx2.URL(url).copy_merge_params(params)))
        request = super().build_request(method, str(target), **options)
        request.extensions[_TARGET] = target
        return request


class _TargetTransport(httpx2.AsyncBaseTransport):
    def __init__(self, sessions: TargetSessions) -> None:
        self._sessions = sessions

    @override
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        target = request.extensions.get(_TARGET) or target_of(str(request.url))
        with tracing.tracer.fetch_span(request.method, target) as span, _errors_of_httpx():
            request.headers.update(span.headers)
            response = await self._sessions.request(
                request.method,
                target,
                headers=request.headers,
                data=_body_of(request),
                timeout=_timeout_of(request),
                kept=request.method in _IDEMPOTENT_METHODS,
            ).__aenter__()
            span.answered(response.status)
            return httpx2.Response(
                response.status, headers=response.raw_headers, stream=_ResponseBody(response), request=request
            )


@lru_cache(_REMEMBERED)
def _sent_as_given(target: Target) -> URL:
    """Return a URL of aiohttp's that it does not rewrite: path and query in one, for it drops an empty query."""
    host = f"[{target.host}]" if ":" in target.host else target.host
    return URL.build(scheme=target.scheme, host=host, port=target.port, path=target.request_target, encoded=True)


def _headers_for(target: Target, headers: Mapping[str, str]) -> CIMultiDict[str]:
    sent = CIMultiDict(headers)
    sent[hdrs.HOST] = target.host_header
    if target.authorization:
        sent[hdrs.AUTHORIZATION] = target.authorization
    return sent


def _body_of(request: httpx2.Request) -> Any:
    try:
        return request.content or None
    except httpx2.RequestNotRead:
        # aiohttp says itself how it sends what it does not know the length of.
        request.headers.pop(hdrs.TRANSFER_ENCODING, None)
        return request.stream


def _timeout_of(request: httpx2.Request) -> aiohttp.ClientTimeout:
    seconds = request.extensions.get("timeout", {})
    return aiohttp.ClientTimeout(
        connect=seconds.get("pool"), sock_connect=seconds.get("connect"), sock_read=seconds.get("read")
    )


class _ResponseBody(httpx2.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _errors_of_httpx():
            async for piece in self._response.content.iter_any():
                yield piece

    @override
    async def aclose(self) -> None:
        await self._response.__aexit__(None, None, None)


@contextmanager
def _errors_of_httpx() -> Iterator[None]:
    """Raise what aiohttp raises as the errors that users of httpx2's API know."""
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx2.ConnectTimeout(describe_http_error(error)) from error
    except aiohttp.ServerTimeoutError as error:
        raise httpx2.ReadTimeout(describe_http_error(error)) from error
    except aiohttp.ClientConnectorError as error:
        raise httpx2.ConnectError(describe_http_error(error)) from error
    except aiohttp.ClientConnectionError as error:
        raise httpx2.NetworkError(describe_http_error(error)) from error
    except aiohttp.ClientError as error:
        raise httpx2.RemoteProtocolError(describe_http_error(error)) from error


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
            # For the operator alone: whoever chose the name is not to learn what it leads to.
            log.warning("target is forbidden", host=host, port=port, addresses=[each["host"] for each in found])
            raise ForbiddenTargetError(host, port)
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
    """Say why a request failed, from the transport's own error where there is one: httpx2's names can mislead."""
    cause = error.__cause__ if isinstance(error.__cause__, aiohttp.ClientError) else error
    match cause:
        case ForbiddenTargetError() | UrlError():
            return str(cause)
        case aiohttp.ClientConnectorDNSError():
            return f"the host name {cause.host} cannot be resolved"
        case aiohttp.ClientConnectorError(os_error=OSError() as os_error):
            return f"cannot connect to {cause.host}:{cause.port}{_describe_os_error(os_error)}"
        case aiohttp.ServerDisconnectedError():
            return "the connection was closed before the answer was complete"
        case httpx2.DecodingError():
            return f"the answer cannot be decoded: {cause}"
        case _:
            # What a server sent amiss can be part of the text.
            return without_secrets(f"{type(cause).__name__}: {cause}")[:_LONGEST_DESCRIPTION]


# X509_V_ERR_… of https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/: self-signed, itself or at the end of its
# chain, or with a chain whose end is not known.
_UNTRUSTED = {18, 19, 20, 21}
# How OpenSSL's versions call bytes that are no TLS record.
_NO_TLS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}


def _describe_os_error(error: OSError) -> str:
    match error:
        # Without a number: no system call failed, what was connected came to an end.
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError() | ConnectionError(errno=None):
            return ": it closed the connection in the TLS handshake"
        case ssl.SSLError():
            return f": {_describe_tls_error(error)}"
        case OSError(errno=int(number)):
            return f": {os.strerror(number)}"
        case _:
            # Not the error's own text, which has the addresses that were tried.
            return ""


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
