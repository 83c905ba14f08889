"""Calls on messages that are made past the SDK: beside the SDK's own, request by request and answer by answer."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from botocore import UNSIGNED
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, ClientError, SSLError
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import HttpUrl
from structlog.testing import capture_logs

from services.queueing.client import open_sqs
from services.queueing.direct_calls import METHODS, NotImitableError, call_directly, learn, open_http
from services.queueing.settings import QueueSettings
from tests.certificate_authority import Authority
from tests.http_server import serving
from tests.service_fixtures import Growth

if TYPE_CHECKING:
    from types_aiobotocore_sqs.client import SQSClient

SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"  # noqa: S105  # AWS's own example

OF_A_TRY = {"amz-sdk-invocation-id", "amz-sdk-request"}
"""The headers by which the SDK tells its tries from each other: what has none was not sent by it."""
OF_A_SIGNATURE = {"authorization", "x-amz-date"}

CALLS: Mapping[str, Mapping[str, Any]] = {
    "receive_message": {"MaxNumberOfMessages": 10, "WaitTimeSeconds": 20},
    "send_message_batch": {"Entries": [{"Id": "0", "MessageBody": "body"}]},
    "delete_message_batch": {"Entries": [{"Id": "0", "ReceiptHandle": "handle"}]},
    "change_message_visibility_batch": {"Entries": [{"Id": "0", "ReceiptHandle": "handle", "VisibilityTimeout": 60}]},
}


@dataclass(frozen=True)
class Request:
    url: str
    headers: dict[str, str]
    body: bytes

    @property
    def is_direct(self) -> bool:
        return not OF_A_TRY & self.headers.keys()

    def without_signature(self) -> tuple[str, dict[str, str], bytes]:
        """What two requests have in common that were made at other times."""
        left_out = OF_A_TRY | OF_A_SIGNATURE
        return self.url, {name: value for name, value in self.headers.items() if name not in left_out}, self.body


@dataclass
class Sqs:
    """A server that answers as it is told to, and notes what it was asked."""

    url: str = ""
    answer: web.Response | None = None
    """None: it hangs up."""
    first_answers: list[web.Response | None] = field(default_factory=list)
    """Are given before it."""
    refuses_direct: bool = False
    requests: list[Request] = field(default_factory=list)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = {name.decode().lower(): value.decode() for name, value in request.raw_headers}
        self.requests.append(Request(f"{self.url}{request.path_qs}", headers, await request.read()))
        answer = self.first_answers.pop(0) if self.first_answers else self.answer
        if self.refuses_direct and self.requests[-1].is_direct:
            return web.Response(status=403)
        if answer is None:
            assert request.transport
            request.transport.close()
            return web.Response()
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    @asynccontextmanager
    async def serving(self, tls: ssl.SSLContext | None = None) -> AsyncIterator["Sqs"]:
        async with serving(self.handle, tls=tls) as self.url:
            yield self

    def settings(self, path: str = "", **others: Any) -> QueueSettings:
        return QueueSettings(aws_endpoint_url=HttpUrl(self.url + path), **others)


def answer_of(body: bytes = b"{}", status: int = 200, **headers: str) -> web.Response:
    at = {"date": "Mon, 30 Nov 2026 12:00:00 GMT", "content-type": "application/x-amz-json-1.0"}
    return web.Response(body=body, status=status, headers={**at, "x-amzn-requestid": "an-id", **headers})


async def call(client: "SQSClient", method: str, parameters: Mapping[str, Any]) -> Any:
    return await getattr(client, method)(QueueUrl="http://queue", **parameters)


async def teach(client: "SQSClient", sqs: Sqs) -> None:
    """Make the first call of each operation, which is the SDK's."""
    sqs.answer = answer_of()
    for method, parameters in CALLS.items():
        await call(client, method, parameters)
    sqs.requests.clear()


@dataclass
class Pair:
    """A client that calls directly, beside one that does not."""

    sqs: Sqs
    direct: "SQSClient"
    by_sdk: "SQSClient"
    runner: asyncio.Runner
    token: str | None

    def same_request_and_answer(self, method: str, parameters: Mapping[str, Any], answer: web.Response) -> None:
        self.sqs.answer = answer
        answer_to_direct, direct = self._made(self.direct, method, parameters)
        answer_to_sdk, by_sdk = self._made(self.by_sdk, method, parameters)
        assert (direct.is_direct, by_sdk.is_direct) == (True, False)
        assert direct.without_signature() == by_sdk.without_signature()
        assert direct.headers["authorization"] == self._signed_by_sdk(direct)
        assert answer_to_direct == answer_to_sdk

    def _made(self, client: "SQSClient", method: str, parameters: Mapping[str, Any]) -> tuple[Any, Request]:
        self.sqs.requests.clear()
        answer = self.runner.run(call(client, method, parameters))
        [request] = self.sqs.requests
        return answer, request

    def _signed_by_sdk(self, request: Request) -> str:
        """What the SDK's own signer makes of a request, at the time that it was signed at."""
        credential = request.headers["authorization"].partition("Credential=")[2].partition(",")[0]
        access_key, _day, region, service, _version = credential.rsplit("/", 4)
        names = request.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
        signed = AWSRequest("POST", request.url, {name: request.headers[name] for name in names}, request.body)
        signed.context["timestamp"] = request.headers["x-amz-date"]
        signer = SigV4Auth(Credentials(access_key, SECRET_KEY, self.token), service, region)
        signature = signer.signature(signer.string_to_sign(signed, signer.canonical_request(signed)), signed)
        signed_names = signer.signed_headers(signer.headers_to_sign(signed))
        return f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={signed_names}, Signature={signature}"


@pytest.fixture(
    scope="module",
    params=[
        ("us-east-1", None),
        ("cn-northwest-1", "FwoGZXIvYXdzE/token+with=signs=="),
        ("us-gov-west-1", "t" * 1500),
    ],
    ids=["a user's keys", "a role's token", "a long token"],
)
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    region, token = request.param
    sqs = Sqs()

    async def opened() -> tuple["SQSClient", "SQSClient"]:
        await stack.enter_async_context(sqs.serving())
        direct = await stack.enter_async_context(open_sqs(sqs.settings()))
        by_sdk = await stack.enter_async_context(open_sqs(sqs.settings(sqs_direct_calls=False)))
        await teach(direct, sqs)
        return direct, by_sdk

    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("AWS_DEFAULT_REGION", region)
            environment.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            environment.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
            if token:
                environment.setenv("AWS_SESSION_TOKEN", token)
            direct, by_sdk = runner.run(opened())
        yield Pair(sqs, direct, by_sdk, runner, token)
        runner.run(stack.aclose())


texts = st.text(max_size=40) | st.sampled_from(["null", "BinaryValue", '{"nested":"json \\u00e9"}', "\x7f\u2028é𝄞"])
ids = st.from_regex(r"[A-Za-z0-9_-]{1,80}", fullmatch=True)
attributes = st.dictionaries(
    ids,
    st.builds(lambda value: {"DataType": "String", "StringValue": value}, texts)
    | st.builds(lambda value: {"DataType": "Binary", "BinaryValue": value}, st.binary(max_size=20)),
    max_size=3,
)
seconds = st.integers(0, 43_200)
sends = st.fixed_dictionaries(
    {"Id": ids, "MessageBody": texts},
    optional={"DelaySeconds": seconds, "MessageAttributes": attributes, "MessageGroupId": ids},
)
calls = (
    st.tuples(
        st.just("receive_message"),
        st.fixed_dictionaries(
            {"MaxNumberOfMessages": st.integers(1, 10)},
            optional={"WaitTimeSeconds": seconds, "MessageAttributeNames": st.lists(ids), "VisibilityTimeout": seconds},
        ),
    )
    | st.tuples(
        st.just("send_message_batch"), st.fixed_dictionaries({"Entries": st.lists(sends, min_size=1, max_size=10)})
    )
    | st.tuples(
        st.just("delete_message_batch"),
        st.fixed_dictionaries({"Entries": st.lists(st.fixed_dictionaries({"Id": ids, "ReceiptHandle": texts}))}),
    )
    | st.tuples(
        st.just("change_message_visibility_batch"),
        st.fixed_dictionaries(
            {
                "Entries": st.lists(
                    st.fixed_dictionaries({"Id": ids, "ReceiptHandle": texts, "VisibilityTimeout": seconds})
                )
            }
        ),
    )
)


@settings(max_examples=60, deadline=None)
@given(made=calls)
def test_a_request_is_the_sdks_own_and_signed_as_the_sdk_signs(pair: Pair, made: tuple[str, dict[str, Any]]) -> None:
    method, parameters = made
    pair.same_request_and_answer(method, parameters, answer_of())


null = st.none()
answered_attributes = st.dictionaries(
    ids,
    st.fixed_dictionaries({"DataType": st.sampled_from(["String", "Number"]), "StringValue": texts | null})
    | st.just({"DataType": "Binary", "BinaryValue": "AAECAw=="}),
    max_size=3,
)
messages = st.fixed_dictionaries(
    {"MessageId": ids, "ReceiptHandle": texts, "Body": texts, "MD5OfBody": ids},
    optional={
        "Attributes": st.dictionaries(ids, texts, max_size=4) | null,
        "MessageAttributes": answered_attributes | null,
        "MD5OfMessageAttributes": ids | null,
    },
)
received = st.fixed_dictionaries({}, optional={"Messages": st.lists(messages, max_size=10) | null})
failed = st.fixed_dictionaries(
    {"Id": ids, "Code": texts, "SenderFault": st.booleans()}, optional={"Message": texts | null}
)
settled = st.fixed_dictionaries(
    {}, optional={"Successful": st.lists(st.fixed_dictionaries({"Id": ids})) | null, "Failed": st.lists(failed) | null}
)
written = st.sampled_from([json.dumps, lambda answer: json.dumps(answer, ensure_ascii=False, separators=(",", ":"))])


@settings(max_examples=60, deadline=None)
@given(answer=received | settled, write=written, request_id=st.none() | ids)
def test_an_answer_is_read_as_the_sdk_reads_it(pair: Pair, answer: Any, write: Any, request_id: str | None) -> None:
    method = "receive_message" if "Messages" in answer else "delete_message_batch"
    response = answer_of(write(answer).encode())
    if request_id is None:
        del response.headers["x-amzn-requestid"]
    pair.same_request_and_answer(method, CALLS[method], response)


@pytest.mark.parametrize("body", [b"", b"no JSON", b'{"Messages":', b'{"Messages":[{"Body":"\\ud800"}]}'])
def test_what_is_no_answer_of_sqs_is_taken_as_the_sdk_takes_it(pair: Pair, body: bytes) -> None:
    pair.same_request_and_answer("receive_message", CALLS["receive_message"], answer_of(body))


@pytest.fixture
async def sqs() -> AsyncIterator[Sqs]:
    async with Sqs().serving() as served:
        yield served


NO_QUEUE = b'{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}'
EXPIRED = b'{"__type":"com.amazon.coral.service#ExpiredTokenException","message":"The security token has expired"}'


@pytest.mark.parametrize(
    "answer",
    [
        answer_of(NO_QUEUE, 400, **{"x-amzn-query-error": "AWS.SimpleQueueService.NonExistentQueue;Sender"}),
        answer_of(EXPIRED, 403),
        answer_of(b'{"__type":"RequestThrottled"}', 403),
        answer_of(b"<html>", 503),
        answer_of(b"", 301, location="http://127.0.0.1:9/"),
        None,
    ],
    ids=["no such queue", "expired token", "throttled", "unavailable", "redirect", "hung up"],
)
async def test_what_is_refused_raises_what_the_sdk_raises(sqs: Sqs, answer: web.Response | None) -> None:
    async with open_sqs(sqs.settings()) as direct, open_sqs(sqs.settings(sqs_direct_calls=False)) as by_sdk:
        await teach(direct, sqs)
        sqs.answer = answer
        errors = []
        for client in (direct, by_sdk):
            with pytest.raises((ClientError, BotoCoreError)) as raised:
                await call(client, "delete_message_batch", CALLS["delete_message_batch"])
            errors.append(raised.value)

    assert sqs.requests[0].is_direct
    assert [type(error).__qualname__ for error in errors] == [type(errors[1]).__qualname__] * 2
    assert str(errors[0]) == str(errors[1])


async def test_what_fails_is_asked_again_by_the_sdk_and_both_are_counted(sqs: Sqs) -> None:
    async with open_sqs(sqs.settings()) as client:
        await teach(client, sqs)
        growth = Growth.begin()
        for failure in (answer_of(b"", 500), None):
            sqs.requests.clear()
            sqs.first_answers = [failure]
            await call(client, "send_message_batch", CALLS["send_message_batch"])
            assert [request.is_direct for request in sqs.requests] == [True, False]
            assert sqs.requests[0].without_signature() == sqs.requests[1].without_signature()

    assert growth.of("async_tasks_sqs_requests_total", operation="SendMessageBatch") == 4


async def test_where_only_the_sdk_is_answered_it_is_left_to_it(sqs: Sqs) -> None:
    async with open_sqs(sqs.settings()) as client:
        await teach(client, sqs)
        sqs.refuses_direct = True
        with capture_logs() as lines:
            for _ in range(7):
                await call(client, "receive_message", CALLS["receive_message"])

    assert [request.is_direct for request in sqs.requests] == [True, False] * 5 + [False] * 2
    assert [line["reason"] for line in lines] == ["5 requests in a row failed that it could make"]


async def test_many_that_fail_together_are_one_failure(sqs: Sqs) -> None:
    async with open_sqs(sqs.settings()) as client:
        await teach(client, sqs)
        sqs.refuses_direct = True
        await asyncio.gather(*(call(client, "receive_message", CALLS["receive_message"]) for _ in range(8)))
        sqs.refuses_direct = False
        sqs.requests.clear()
        await call(client, "receive_message", CALLS["receive_message"])

    assert sqs.requests[0].is_direct


async def test_a_service_that_measures_nothing_counts_none(sqs: Sqs) -> None:
    growth = Growth.begin()
    async with open_sqs(sqs.settings(metrics_enabled=False)) as client:
        await teach(client, sqs)
        await call(client, "receive_message", CALLS["receive_message"])

    assert growth.of("async_tasks_sqs_requests_total", operation="ReceiveMessage") == 0


async def test_many_first_calls_at_once_are_each_answered(sqs: Sqs) -> None:
    async with open_sqs(sqs.settings()) as client:
        sqs.answer = answer_of(b'{"Successful":[{"Id":"0"}]}')
        answers = await asyncio.gather(
            *(call(client, method, parameters) for method, parameters in CALLS.items() for _ in range(20))
        )
        sqs.requests.clear()
        for method in METHODS:
            await call(client, method, CALLS[method])

    assert all(answer["ResponseMetadata"]["HTTPStatusCode"] == 200 for answer in answers)
    assert all(request.is_direct for request in sqs.requests)


async def are_direct(sqs: Sqs, client: "SQSClient") -> set[bool]:
    """Whether the calls of a client are made directly, once it has learned how."""
    await teach(client, sqs)
    for method, parameters in CALLS.items():
        await call(client, method, parameters)
    return {request.is_direct for request in sqs.requests}


async def test_one_setting_leaves_all_calls_to_the_sdk(sqs: Sqs) -> None:
    async with open_sqs(sqs.settings()) as client:
        assert await are_direct(sqs, client) == {True}
    async with open_sqs(sqs.settings(sqs_direct_calls=False)) as client:
        assert await are_direct(sqs, client) == {False}


async def test_a_request_with_a_header_that_is_not_known_is_left_to_the_sdk(sqs: Sqs) -> None:
    def add_header(request: AWSRequest, **_event: Any) -> None:
        request.headers["x-of-a-later-sdk"] = "1"

    async with open_sqs(sqs.settings()) as client:
        client.meta.events.register("before-sign.sqs", add_header)
        with capture_logs() as lines:
            assert await are_direct(sqs, client) == {False}

    assert {line["reason"] for line in lines} == {"it sends x-of-a-later-sdk"}
    assert len(lines) == len(CALLS)


async def test_an_endpoint_with_a_path_is_left_to_the_sdk(sqs: Sqs) -> None:
    async with open_sqs(sqs.settings("/a/path")) as client:
        assert await are_direct(sqs, client) == {False}


async def test_what_the_sdk_does_not_sign_is_left_to_it(sqs: Sqs) -> None:
    async with open_sqs(sqs.settings()) as client:
        client.meta.events.register("choose-signer.sqs", lambda **_event: UNSIGNED)
        assert await are_direct(sqs, client) == {False}


def test_a_request_that_the_sdk_signs_otherwise_is_not_imitated() -> None:
    headers = {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-date": "20261130T120000Z",
        "authorization": "AWS4-HMAC-SHA256 Credential=KEY/20261130/us-east-1/sqs/aws4_request, Signature=0",
    }
    with pytest.raises(NotImitableError, match="its signature is another one"):
        learn("http://localhost/", headers, b"{}", ReadOnlyCredentials("KEY", SECRET_KEY, None))
    with pytest.raises(NotImitableError, match="its body is no JSON"):
        learn("http://localhost/", headers, b"Action=ReceiveMessage", ReadOnlyCredentials("KEY", SECRET_KEY, None))
    with pytest.raises(NotImitableError, match="its body is written otherwise"):
        learn("http://localhost/", headers, b"{ }", ReadOnlyCredentials("KEY", SECRET_KEY, None))


@dataclass
class RenewedCredentials:
    """Those of a role, which are others after a while."""

    frozen: ReadOnlyCredentials

    async def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return self.frozen


async def test_credentials_that_are_renewed_are_used_at_once(sqs: Sqs) -> None:
    credentials: Any = RenewedCredentials(ReadOnlyCredentials("test", "test", None))
    http = open_http(
        is_tls=False, ca_bundle=None, connect_timeout_seconds=2, read_timeout_seconds=10, max_connections=2
    )
    async with open_sqs(sqs.settings(sqs_direct_calls=False)) as client, http:
        call_directly(client, credentials, http, lambda _operation: None)
        await teach(client, sqs)
        credentials.frozen = ReadOnlyCredentials("another-key", "another-secret", "a-token")
        await call(client, "receive_message", CALLS["receive_message"])

    [request] = sqs.requests
    assert request.is_direct
    assert "Credential=another-key/" in request.headers["authorization"]
    assert request.headers["x-amz-security-token"] == "a-token"


async def test_tls_trusts_what_the_sdk_is_told_to_trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trusted, stranger = Authority(tmp_path, "trusted"), Authority(tmp_path, "stranger")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(trusted.certificate))
    async with Sqs().serving(trusted.issue("server")) as sqs, open_sqs(sqs.settings()) as client:
        assert await are_direct(sqs, client) == {True}
    async with Sqs().serving(stranger.issue("another")) as sqs:
        # The SDK's configuration file may write the scheme in capitals.
        for url in (sqs.url, sqs.url.replace("https", "HTTPS")):
            monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
            (tmp_path / "config").write_text(f"[default]\nendpoint_url = {url}\n")
            async with open_sqs(QueueSettings()) as client:
                for _ in range(2):
                    with pytest.raises(SSLError):
                        await call(client, "receive_message", CALLS["receive_message"])
    assert sqs.requests == []


async def test_by_a_proxy_goes_the_sdk_alone(sqs: Sqs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", sqs.url)
    async with open_sqs(QueueSettings(aws_endpoint_url=HttpUrl("http://sqs.example.com"))) as client:
        assert await are_direct(sqs, client) == {False}
