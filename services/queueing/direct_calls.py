"""The calls that every task makes, sent to SQS without the SDK's machinery around each, which costs three times theirs.

The SDK goes first: what it sends for the first call of an operation is the pattern of those that follow, and it is
imitated only once our signature of that very request was the SDK's own. So endpoint, region, headers and whatever else
can be configured stay its business, and a release of it that sends what this file does not know is left to itself.
Whatever is not answered with a plain 200 is asked again by the SDK: errors, retries, throttling, redirects are its own.

The protocol is AWS JSON 1.0: https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html, the signature
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hmac
import json
import ssl
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Self, cast
from urllib.parse import urlsplit

import aiohttp
import structlog
from botocore.httpsession import get_cert_path
from botocore.parsers import create_parser
from pydantic_core import from_json
from yarl import URL

from services.primitives.http_posts import HttpPosts

if TYPE_CHECKING:
    from aiobotocore.credentials import AioCredentials
    from botocore.awsrequest import AWSPreparedRequest
    from botocore.credentials import ReadOnlyCredentials
    from botocore.model import Shape
    from types_aiobotocore_sqs.client import SQSClient

log = structlog.get_logger(__name__)

METHODS = ("receive_message", "send_message_batch", "delete_message_batch", "change_message_visibility_batch")
"""Those of the SDK's client that are made so."""

# What is the same in each request of an operation.
_KEPT_HEADERS = frozenset({"content-type", "user-agent", "x-amz-target", "x-amzn-query-mode"})
_DATE, _TOKEN, _AUTHORIZATION = "x-amz-date", "x-amz-security-token", "authorization"
# By these the SDK tells its tries of a call from each other, of which this is none. SQS makes nothing of them.
_TRY_HEADERS = frozenset({"amz-sdk-invocation-id", "amz-sdk-request"})
_KNOWN_HEADERS = _KEPT_HEADERS | _TRY_HEADERS | {_DATE, _TOKEN, _AUTHORIZATION, "content-length"}

# Where one of them stands in an answer, the SDK's parser may make something else of it than JSON does.
_NOT_AS_IT_STANDS = (b"null", b"BinaryValue")

_OK = 200

# Of the SDK's, those that its own connections add.
_OF_CONNECTIONS = {"accept": "*/*", "accept-encoding": "identity"}

# In a row, of requests that the SDK could make then: what it does otherwise is not known here.
_MOST_FAILURES = 5

# As long as the SDK's own.
_KEEPALIVE_SECONDS = 12


OnRequest = Callable[[str], None]


class NotImitableError(Exception):
    """The SDK's request is of a kind that is not known here."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """What the requests of one operation have in common."""

    url: URL
    headers: Mapping[str, str]
    region: str
    service: str

    @classmethod
    def of(cls, url: str, headers: Mapping[str, str]) -> Self:
        """Return that of a request which the SDK has signed; the headers' names are in lower case.

        Raises NotImitableError.
        """
        parts = urlsplit(url)
        if parts.path != "/" or parts.query:
            raise NotImitableError("the endpoint has a path")
        if unknown := headers.keys() - _KNOWN_HEADERS:
            raise NotImitableError(f"it sends {', '.join(sorted(unknown))}")
        try:
            credential = headers[_AUTHORIZATION].partition("Credential=")[2].partition(",")[0]
            _access_key, _day, region, service, _version = credential.rsplit("/", 4)
        except (KeyError, ValueError) as error:
            raise NotImitableError("its signature is not Version 4") from error
        kept = {"host": parts.netloc, **{name: headers[name] for name in _KEPT_HEADERS & headers.keys()}}
        return cls(URL(url, encoded=True), dict(sorted(kept.items())), region, service)

    def sign(self, body: bytes, date: str, credentials: "ReadOnlyCredentials") -> dict[str, str]:
        """Return the headers of a request that is made at a date (as `_now` gives it)."""
        own = {_DATE: date, _TOKEN: credentials.token} if credentials.token else {_DATE: date}
        headers = {**self.headers, **own}
        # The one that is not signed, as a proxy may change it.
        signed = sorted(headers.keys() - {"user-agent"})
        names = ";".join(signed)
        fields = "".join([f"{name}:{headers[name]}\n" for name in signed])
        canonical = f"POST\n/\n\n{fields}\n{names}\n{sha256(body).hexdigest()}"
        scope = f"{date[:8]}/{self.region}/{self.service}/aws4_request"
        to_sign = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        key = _signing_key(credentials.secret_key, scope)
        headers[_AUTHORIZATION] = (
            f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, SignedHeaders={names}"
            f", Signature={hmac.digest(key, to_sign.encode(), 'sha256').hex()}"
        )
        return headers


# It is another one each day, and where the credentials are temporary, every few hours.
@lru_cache(maxsize=4)
def _signing_key(secret_key: str, scope: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), sha256)
    return key


class DirectCall:
    """One operation of SQS, called as the method of the SDK's client whose place it takes."""

    def __init__(
        self,
        client: "SQSClient",
        method: str,
        credentials: "AioCredentials",
        http: aiohttp.ClientSession,
        on_request: OnRequest,
    ) -> None:
        self._by_sdk: Callable[..., Awaitable[Any]] = getattr(client, method)
        self._operation = client.meta.method_to_api_mapping[method]
        # Each of them has an answer.
        self._answer_shape = cast("Shape", client.meta.service_model.operation_model(self._operation).output_shape)
        self._credentials = credentials
        self._posts = HttpPosts(http)
        self._timeout = http.timeout
        self._on_request = on_request
        self._pattern: Pattern | None = None
        self._is_imitable = True
        self._failures = 0
        client.meta.events.register(
            f"before-send.sqs.{self._operation}",
            self._learn,  # type: ignore[arg-type]  # aiobotocore awaits it
        )

    async def __call__(self, **parameters: Any) -> Any:
        """Make the call: what comes out, or is raised, is what does by the SDK."""
        pattern = self._pattern
        if pattern is None:
            return await self._by_sdk(**parameters)
        failures = self._failures
        answer = await self._exchange(pattern, _json(parameters))
        if answer is not None:
            self._failures = 0
            return answer
        answer = await self._by_sdk(**parameters)
        # Those that fail together count as one.
        self._failures = max(self._failures, failures + 1)
        if self._failures >= _MOST_FAILURES and self._is_imitable:
            self._leave_to_sdk(f"{self._failures} requests in a row failed that it could make")
        return answer

    async def _exchange(self, pattern: Pattern, body: bytes) -> dict[str, Any] | None:
        """Return the answer, or None where that is for the SDK to deal with."""
        signed = pattern.sign(body, _now(), await self._credentials.get_frozen_credentials())
        headers = {**_OF_CONNECTIONS, **signed}
        self._on_request(self._operation)
        try:
            async with self._posts.post(pattern.url, headers, body, self._timeout) as response:
                if response.status == _OK:
                    return self._read(response.raw_headers, await response.content.read())
        except (aiohttp.ClientError, OSError, TimeoutError, UnicodeError):
            # If that is more than a moment's failure, the SDK is going to raise it.
            pass
        return None

    def _leave_to_sdk(self, reason: str) -> None:
        self._pattern = None
        self._is_imitable = False
        log.warning("calls on messages are left to the SDK", operation=self._operation, reason=reason)

    def _read(self, raw_headers: Iterable[tuple[bytes, bytes]], body: bytes) -> dict[str, Any]:
        """Read an answer as the SDK's own parser does, and by it where it is an unusual one."""
        headers = {name.decode().lower(): value.decode() for name, value in raw_headers}
        parsed = _plain_object(body)
        if parsed is None:
            answer = {"status_code": _OK, "headers": headers, "body": body}
            parsed = create_parser("json").parse(answer, self._answer_shape)
        request_id = {"RequestId": headers["x-amzn-requestid"]} if "x-amzn-requestid" in headers else {}
        metadata = {**request_id, "HTTPStatusCode": _OK, "HTTPHeaders": headers, "RetryAttempts": 0}
        return {**parsed, "ResponseMetadata": metadata}

    async def _learn(self, request: "AWSPreparedRequest", **_event: Any) -> None:
        """Take the pattern from what the SDK is about to send: its event "before-send"."""
        if self._pattern or not self._is_imitable:
            return
        credentials = await self._credentials.get_frozen_credentials()
        headers = {name.lower(): _text(value) for name, value in request.headers.items()}
        if f"={credentials.access_key}/" not in headers.get("authorization", ""):
            # They were renewed meanwhile: the next request is as good.
            return
        try:
            self._pattern = learn(request.url, headers, _bytes(request.body), credentials)
        except NotImitableError as reason:
            self._leave_to_sdk(str(reason))


def learn(url: str, headers: Mapping[str, str], body: bytes, credentials: "ReadOnlyCredentials") -> Pattern:
    """Return the pattern of a request that the SDK has signed with these credentials.

    The headers' names are in lower case. Raises NotImitableError where what is made by it would not be the same.
    """
    pattern = Pattern.of(url, headers)
    try:
        is_written_so = _json(json.loads(body)) == body
    except ValueError as error:
        raise NotImitableError("its body is no JSON") from error
    if not is_written_so:
        raise NotImitableError("its body is written otherwise")
    signed = pattern.sign(body, headers.get("x-amz-date", ""), credentials)
    if signed != {"host": pattern.headers["host"], **{name: headers.get(name) for name in signed.keys() - {"host"}}}:
        raise NotImitableError("its signature is another one")
    return pattern


def open_http(
    *,
    is_tls: bool,
    ca_bundle: str | None,
    connect_timeout_seconds: float,
    read_timeout_seconds: float,
    max_connections: int,
) -> aiohttp.ClientSession:
    """Return connections of the kind that the SDK has; `ca_bundle`: the file of the certificates to trust, if set."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            # True is aiohttp's own default: False would be TLS with whoever answers.
            ssl=ssl.create_default_context(cafile=ca_bundle or get_cert_path(verify=True)) if is_tls else True,
            limit=max_connections,
            keepalive_timeout=_KEEPALIVE_SECONDS,
        ),
        timeout=aiohttp.ClientTimeout(sock_connect=connect_timeout_seconds, sock_read=read_timeout_seconds),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    )


def call_directly(
    client: "SQSClient", credentials: "AioCredentials", http: aiohttp.ClientSession, on_request: OnRequest
) -> None:
    """Make the client's calls on messages directly from now on.

    `on_request` is called with the operation of each request that the SDK does not make itself.
    """
    for method in METHODS:
        setattr(client, method, DirectCall(client, method, credentials, http, on_request))


def _now() -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())


def _base64(value: object) -> str:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    raise TypeError(f"a {type(value).__name__} cannot be sent to SQS")


_encode = json.JSONEncoder(default=_base64).encode


def _json(parameters: object) -> bytes:
    return _encode(parameters).encode()


def _plain_object(body: bytes) -> dict[str, Any] | None:
    """Return the object that JSON has, None where the SDK's parser may make something else of it."""
    if any(mark in body for mark in _NOT_AS_IT_STANDS):
        return None
    try:
        # Keys repeat; of the other strings it would keep thousands that never come again.
        parsed = from_json(body, cache_strings="keys")
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


def _bytes(body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    raise NotImitableError("its body is a stream")


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
