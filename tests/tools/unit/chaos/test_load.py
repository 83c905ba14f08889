"""The client of the load, before a real HTTP server."""

import asyncio

from aiohttp import web

from tests.chaos.ledger import Ledger
from tests.chaos.load import TRIES, Load
from tests.chaos.submissions import KINDS, Addresses, make_submissions
from tests.service_fixtures import Serve

SUBMISSIONS = make_submissions(1, 5, Addresses("http://localhost:9000", "http://localhost:1", 4), KINDS)
CONCURRENCY = 32
TASK_ID = "00000000-0000-0000-0000-00000000000a"


class Api:
    """Answers with these statuses in turn, then with 200; 0 is a connection that is closed."""

    def __init__(self, *statuses: int) -> None:
        self._statuses = list(statuses)
        self.keys: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.keys.append(request.headers["Idempotency-Key"])
        status = self._statuses.pop(0) if self._statuses else 200
        if status == 0 and request.transport is not None:
            request.transport.abort()
        task_id = f"{TASK_ID[:-2]}{len(self.keys):02}"
        return web.json_response({"task_id": task_id} if status == 200 else {}, status=status or 200)


async def posted(serve: Serve, api: Api, count: int = 1) -> Ledger:
    ledger = Ledger()
    async with serve(api.answer) as url:
        await Load(url, ledger, CONCURRENCY, pause_seconds=0).run(SUBMISSIONS[:count], seconds=0.01)
    return ledger


async def test_each_200_is_a_promise(serve: Serve) -> None:
    ledger = await posted(serve, Api(), count=5)
    assert len(ledger.promises) == 5
    assert {promise.submission.request["callback_url"] for promise in ledger.promises.values()} == {
        submission.request["callback_url"] for submission in SUBMISSIONS
    }
    assert ledger.answers == {"200": 5}


async def test_what_was_not_accepted_is_posted_again_with_the_same_key(serve: Serve) -> None:
    api = Api(500, 503, 0)
    ledger = await posted(serve, api)
    assert ledger.answers == {"500": 1, "503": 1, "RemoteProtocolError": 1, "200": 1}
    assert len(set(api.keys)) == 1
    assert [promise.posts for promise in ledger.promises.values()] == [4]
    assert ledger.refused == 0


async def test_each_task_has_a_key_of_its_own(serve: Serve) -> None:
    api = Api()
    await posted(serve, api, count=5)
    assert len(set(api.keys)) == 5


async def test_no_more_requests_are_under_way_than_wanted(serve: Serve) -> None:
    under_way, most = 0, 0

    async def answer(_request: web.Request) -> web.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        # What may come besides has come when the loop has been round a few times.
        for _ in range(100):
            await asyncio.sleep(0)
        under_way -= 1
        return web.json_response({"task_id": TASK_ID})

    async with serve(answer) as url:
        await Load(url, Ledger(), 2, pause_seconds=0).run(SUBMISSIONS, seconds=0)
    assert most == 2


async def test_a_task_that_is_never_accepted_is_refused_and_no_promise(serve: Serve) -> None:
    ledger = await posted(serve, Api(*[500] * TRIES))
    assert (ledger.refused, ledger.promises) == (1, {})
    assert ledger.answers == {"500": TRIES}


async def test_an_api_that_is_not_there_is_no_promise_either(closed_port: int) -> None:
    ledger = Ledger()
    await Load(f"http://127.0.0.1:{closed_port}", ledger, CONCURRENCY, pause_seconds=0).run(
        SUBMISSIONS[:1], seconds=0.01
    )
    assert (ledger.refused, ledger.promises) == (1, {})
    assert ledger.answers == {"ConnectError": TRIES}
