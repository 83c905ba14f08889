"""The proxy before a real HTTP server: it passes everything on, and fails what it is set to."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from tests.chaos.broker_proxy import Answer, BrokerFault, BrokerProxy
from tests.service_fixtures import Serve


class Broker:
    """Answers batches as SQS does, each entry with success, and notes what it was asked."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.entries: list[str] = []
        self.asked = asyncio.Event()
        self.poll_left = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        self.asked.set()
        if request.headers.get("X-Amz-Target") == "AmazonSQS.ReceiveMessage":
            return await self._poll(request)
        entries = [entry["Id"] for entry in json.loads(await request.read() or b"{}").get("Entries", [])]
        self.entries += entries
        body = json.dumps({"Successful": [{"Id": entry} for entry in entries]}).encode()
        return web.Response(body=body, headers={"Content-Type": "application/x-amz-json-1.0", "x-amzn-requestid": "r"})

    async def _poll(self, request: web.Request) -> web.StreamResponse:
        while request.transport is not None:  # noqa: ASYNC110  # the server shows in no other way that a client has gone
            await asyncio.sleep(0.01)
        self.poll_left.set()
        return web.Response()


class Setup:
    def __init__(self, broker: Broker, proxy: BrokerProxy, url: str, http: aiohttp.ClientSession) -> None:
        self.broker, self.proxy, self.url, self.http = broker, proxy, url, http

    async def call(self, operation: str, *ids: str) -> tuple[int, Any, Any]:
        """Call through the proxy; gives status, headers and JSON."""
        body = {"QueueUrl": "q", "Entries": [{"Id": each, "MessageBody": "m"} for each in ids]}
        target = {"X-Amz-Target": f"AmazonSQS.{operation}", "Content-Type": "application/x-amz-json-1.0"}
        async with self.http.post(self.url, data=json.dumps(body), headers=target) as response:
            return response.status, response.headers, json.loads(await response.read())

    async def is_cut_off(self, operation: str) -> bool:
        try:
            await self.call(operation, "0")
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
            return True
        return False


@pytest.fixture
async def setup(serve: Serve) -> AsyncIterator[Setup]:
    async with running(serve) as setup:
        yield setup


@asynccontextmanager
async def running(serve: Serve) -> AsyncIterator[Setup]:
    broker = Broker()
    async with serve(broker.answer) as upstream, aiohttp.ClientSession() as http:
        proxy = BrokerProxy(upstream, Random(1))  # noqa: S311  # repeatable
        async with proxy.serve() as url:
            yield Setup(broker, proxy, url, http)


def fault(answer: Answer, *, done: bool, operation: str = "SendMessageBatch", share: float = 1) -> BrokerFault:
    return BrokerFault(operation, answer, done, share)


async def test_paths_and_queries_are_passed_on_as_they_are(setup: Setup) -> None:
    url = URL(f"{setup.url}/_aws/sqs/messages?ShowInvisible=true&a=%2F", encoded=True)
    await (await setup.http.get(url)).read()
    assert setup.broker.requests[0].path_qs == "/_aws/sqs/messages?ShowInvisible=true&a=%2F"


@pytest.mark.parametrize(("done", "asked"), [(True, ["0"]), (False, [])])
async def test_silence_ends_with_the_fault_in_a_lost_connection(setup: Setup, done: bool, asked: list[str]) -> None:  # noqa: FBT001
    with setup.proxy.failing(fault("silence", done=done)):
        call = asyncio.create_task(setup.is_cut_off("SendMessageBatch"))
        while not setup.proxy.failed:  # noqa: ASYNC110  # nothing announces it
            await asyncio.sleep(0)
        assert not call.done()
    assert await call
    assert setup.broker.entries == asked


async def test_of_a_batch_a_share_of_the_entries_fails_and_the_others_are_done(setup: Setup) -> None:
    ids = [str(number) for number in range(10)]
    with setup.proxy.failing(fault("entry refused", done=False, share=0.5)):
        _, _, answer = await setup.call("SendMessageBatch", *ids)
    done, refused = ([entry["Id"] for entry in answer[part]] for part in ("Successful", "Failed"))
    assert sorted(done + refused) == ids
    assert done == setup.broker.entries
    assert setup.proxy.failed.total() == len(refused) > 0


async def test_other_operations_do_not_fail(setup: Setup) -> None:
    with setup.proxy.failing(fault("error", done=False, operation="DeleteMessageBatch")):
        status, _, _ = await setup.call("SendMessageBatch", "0")
    assert status == 200


async def test_all_operations_can_fail(setup: Setup) -> None:
    with setup.proxy.failing(fault("error", done=False, operation="*")):
        status, _, _ = await setup.call("GetQueueUrl")
    assert status == 500


async def test_behind_a_fault_everything_is_passed_on_again(setup: Setup) -> None:
    with setup.proxy.failing(fault("error", done=False)):
        await setup.call("SendMessageBatch", "0")
    assert (await setup.call("SendMessageBatch", "1"))[0] == 200


async def test_a_poll_ends_when_its_client_goes_so_that_it_takes_no_message(setup: Setup) -> None:
    poll = asyncio.create_task(setup.call("ReceiveMessage"))
    await setup.broker.asked.wait()
    poll.cancel()
    await asyncio.wait_for(setup.broker.poll_left.wait(), 10)


async def test_a_broker_that_is_not_there_is_a_lost_connection(closed_port: int) -> None:
    proxy = BrokerProxy(f"http://127.0.0.1:{closed_port}", Random(1))  # noqa: S311  # repeatable
    async with proxy.serve() as url, aiohttp.ClientSession() as http:
        with pytest.raises((aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)):
            await http.post(url)
