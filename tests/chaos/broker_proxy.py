"""A proxy between the services and LocalStack that makes chosen SQS calls fail, before or after they are done.

It reads SQS's JSON protocol as far as it must: the operation, and the entries of a batch and of its answer.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-json.html
"""

import asyncio
import json
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

import aiohttp
from aiohttp import web
from yarl import URL

Answer = Literal["error", "throttled", "reset", "silence", "entry refused", "entry unmentioned"]

_TARGET = "X-Amz-Target"
_CONTENT_TYPE = "application/x-amz-json-1.0"
# RFC 9110, section 7.6.1, and what is reckoned anew for what is passed on.
_NOT_PASSED_ON = {"connection", "content-length", "keep-alive", "transfer-encoding"}
# A close with this setting is a reset: it waits for nothing, and drops what was not sent.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class BrokerFault:
    """Calls of one operation fail: `share` of them, or of a batch's entries, chosen at random."""

    operation: str
    """Such as `SendMessageBatch`; `*` is every one."""
    answer: Answer
    done: bool
    """Whether LocalStack has done what it was asked before the answer fails."""
    share: float

    def fails(self, operation: str) -> bool:
        """Whether it is a fault of this operation."""
        return self.operation in {"*", operation}

    def __str__(self) -> str:
        done = "though done" if self.done else "not done"
        return f"{self.share:.0%} of {self.operation}: {self.answer}, {done}"


@dataclass(frozen=True, slots=True)
class _Call:
    operation: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def with_entries(self, entries: list[dict[str, Any]]) -> "_Call":
        """The same batch call with other entries."""
        body = json.dumps({**json.loads(self.body), "Entries": entries}).encode()
        return _Call(self.operation, self.method, self.path, self.headers, body)


@dataclass(eq=False)
class BrokerProxy:
    """Passes every request on unchanged, the Host header too, by which LocalStack makes its queue URLs."""

    upstream: str
    """LocalStack's URL, without a slash at its end."""
    random: Random
    failed: Counter[BrokerFault] = field(default_factory=Counter)
    """How many calls, or entries, each fault has made to fail."""
    _faults: dict[BrokerFault, asyncio.Event] = field(default_factory=dict)
    """Those that hold now, each with the event of its end."""

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Serve on a free port of this machine; gives the URL."""
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as session:
            app = web.Application(client_max_size=0)
            app.router.add_route("*", "/{path:.*}", self._handler(session))
            # Who goes away in mid-poll must not leave a poll behind that takes messages.
            runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
            await runner.setup()
            try:
                await web.TCPSite(runner, "127.0.0.1", 0).start()
                host, port = runner.addresses[0][:2]
                yield f"http://{host}:{port}"
            finally:
                await runner.cleanup()

    @contextmanager
    def failing(self, fault: BrokerFault) -> Iterator[None]:
        """Let the fault hold inside the block; behind it nobody waits in vain any more."""
        over = self._faults.setdefault(fault, asyncio.Event())
        try:
            yield
        finally:
            del self._faults[fault]
            over.set()

    def _handler(self, session: aiohttp.ClientSession) -> Callable[[web.Request], "asyncio.Future[web.Response] | Any"]:
        async def handle(request: web.Request) -> web.Response:
            call = await _read(request)
            fault = self._fault_of(call)
            try:
                if fault is None:
                    return await _pass_on(session, self.upstream, call)
                if fault.answer in {"entry refused", "entry unmentioned"}:
                    return await self._fail_entries(session, call, fault)
                return await self._fail(session, request, call, fault)
            except aiohttp.ClientError:
                # LocalStack is not there, or goes: its client sees that much.
                return _reset(request)

        return handle

    def _fault_of(self, call: _Call) -> BrokerFault | None:
        for fault in self._faults:
            # Of a batch that fails in part every call is touched: which entries fail is drawn there.
            if fault.fails(call.operation) and (fault.answer.startswith("entry") or self.random.random() < fault.share):
                return fault
        return None

    async def _fail(
        self, session: aiohttp.ClientSession, request: web.Request, call: _Call, fault: BrokerFault
    ) -> web.Response:
        over = self._faults[fault]
        if fault.done:
            await _pass_on(session, self.upstream, call)
        self.failed[fault] += 1
        match fault.answer:
            case "throttled":
                return _error(400, "RequestThrottled", "Sender")
            case "silence":
                await over.wait()
            case "error":
                return _error(500, "InternalFailure", "Receiver")
        return _reset(request)

    async def _fail_entries(self, session: aiohttp.ClientSession, call: _Call, fault: BrokerFault) -> web.Response:
        entries = json.loads(call.body)["Entries"]
        victims = {entry["Id"] for entry in entries if self.random.random() < fault.share}
        asked = entries if fault.done else [entry for entry in entries if entry["Id"] not in victims]
        self.failed[fault] += len(victims)
        answer: Mapping[str, Any] = {}
        if asked:
            response = await _pass_on(session, self.upstream, call.with_entries(asked))
            if response.status != web.HTTPOk.status_code:
                return response
            answer = json.loads(response.body or b"{}")  # type: ignore[arg-type]  # of _pass_on: always bytes
        return _json(200, _without(answer, victims, refused=fault.answer == "entry refused"))


def _without(answer: Mapping[str, Any], victims: set[str], *, refused: bool) -> dict[str, Any]:
    """A batch's answer in which the victims are refused, or not mentioned at all."""
    refusals = [
        {"Id": victim, "Code": "InternalError", "Message": "refused on purpose", "SenderFault": False}
        for victim in sorted(victims)
        if refused
    ]
    return {
        "Successful": [entry for entry in answer.get("Successful", []) if entry["Id"] not in victims],
        "Failed": [*(entry for entry in answer.get("Failed", []) if entry["Id"] not in victims), *refusals],
    }


async def _read(request: web.Request) -> _Call:
    headers = {name: value for name, value in request.headers.items() if name.lower() not in _NOT_PASSED_ON}
    operation = request.headers.get(_TARGET, "").rpartition(".")[2]
    return _Call(operation, request.method, request.path_qs, headers, await request.read())


async def _pass_on(session: aiohttp.ClientSession, upstream: str, call: _Call) -> web.Response:
    url = URL(f"{upstream}{call.path}", encoded=True)
    async with session.request(
        call.method, url, headers=call.headers, data=call.body, allow_redirects=False
    ) as response:
        body = await response.read()
        headers = {name: value for name, value in response.headers.items() if name.lower() not in _NOT_PASSED_ON}
        return web.Response(status=response.status, headers=headers, body=body)


def _error(status: int, code: str, fault: Literal["Sender", "Receiver"]) -> web.Response:
    """An error as SQS answers it."""
    content = {"__type": f"com.amazonaws.sqs#{code}", "message": "failed on purpose"}
    return _json(status, content, {"x-amzn-query-error": f"{code};{fault}"})


def _json(status: int, content: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> web.Response:
    body = json.dumps(content).encode()
    return web.Response(status=status, headers=headers, body=body, content_type=_CONTENT_TYPE)


def _reset(request: web.Request) -> web.Response:
    """Reset the connection; the response that a handler must return goes nowhere."""
    transport = request.transport
    if transport is not None:  # else the client has gone already
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
    return web.Response()
