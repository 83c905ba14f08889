"""Task type `link-check`, in memory."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from links.tasks import link_check
from services.task_types import ItemError
from stack.testing import TaskRefusedError, run_item, run_task

THIS_MACHINE = {"ALLOWED_PRIVATE_TARGETS": "127.0.0.1"}


@pytest.fixture
async def site() -> AsyncIterator[str]:
    """A server whose pages answer with the status that their path says."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=int(request.match_info["status"]))

    app = web.Application()
    app.router.add_get("/{status}", answer)
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("/"))


async def test_a_link_that_leads_somewhere_has_its_status(site: str) -> None:
    assert await run_item(link_check, {"url": f"{site}200"}, settings=THIS_MACHINE) == 200


async def test_a_dead_link_is_an_error_of_its_item(site: str) -> None:
    with pytest.raises(ItemError, match="the link is dead: 404"):
        await run_item(link_check, {"url": f"{site}404"}, settings=THIS_MACHINE)


async def test_the_callback_hears_of_each_link(site: str) -> None:
    links = [{"name": "home", "url": f"{site}200"}, {"name": "old", "url": f"{site}410"}]

    done = await run_task(link_check, links, settings=THIS_MACHINE)

    assert done.results == [{"home": 200}]
    assert done.errors == [{"old": "the link is dead: 410"}]


async def test_a_server_that_stays_down_is_reported_after_three_attempts(site: str) -> None:
    failed = await run_task(link_check, [{"name": "home", "url": f"{site}503"}], settings=THIS_MACHINE)

    assert failed.reason == "RuntimeError: the server is down: 503 (failed for good after 3 attempts)"
    assert failed.attempts == 3
    assert len(failed.delays_seconds) == 2


async def test_what_is_no_url_is_refused() -> None:
    with pytest.raises(TaskRefusedError, match=r"422:\n +message\.0\.url: "):
        await run_task(link_check, [{"name": "home", "url": "/home"}])
