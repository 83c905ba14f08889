"""Task type `broken-links`, in memory."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from acme.tasks import broken_links
from services.task_types import ItemError
from stack.testing import TaskRefusedError, run_item, run_task

THIS_MACHINE = {"ALLOWED_PRIVATE_TARGETS": "127.0.0.1"}

PAGE = """
<a href="/200">well</a> <a href="200#top">the same</a> <a name="top">no link</a>
<a href="/404">gone</a> <a href="mailto:anna@acme.example">no page</a>
"""


@pytest.fixture
async def site() -> AsyncIterator[str]:
    """A server with a page at /, whose other paths are answered with the status that they say."""

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=int(request.match_info["status"]))

    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_get("/{status}", answer)
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("/"))


async def test_the_links_that_lead_nowhere_are_named_with_the_reason(site: str) -> None:
    report = await run_item(broken_links, {"url": site}, settings=THIS_MACHINE)

    assert report == {"links": 2, "broken": [{"url": f"{site}404", "reason": "answered 404"}]}


async def test_a_page_that_cannot_be_had_is_an_error_of_its_item(site: str) -> None:
    with pytest.raises(ItemError, match="the page answered 503 Service Unavailable"):
        await run_item(broken_links, {"url": f"{site}503"}, settings=THIS_MACHINE)


async def test_so_is_one_that_is_too_large(site: str) -> None:
    with pytest.raises(ItemError, match="the page has more than 10 bytes"):
        await run_item(broken_links, {"url": site}, settings={**THIS_MACHINE, "BROKEN_LINKS_MAX_BYTES": 10})


async def test_the_callback_hears_of_each_page(site: str) -> None:
    pages = [{"name": "home", "url": f"{site}200"}, {"name": "old", "url": f"{site}410"}]

    done = await run_task(broken_links, pages, settings=THIS_MACHINE)

    assert done.results == [{"home": {"links": 0, "broken": []}}]
    assert done.errors == [{"old": "the page answered 410 Gone"}]


async def test_a_private_address_is_reached_by_nobody_who_may_not(site: str) -> None:
    with pytest.raises(TaskRefusedError, match=r"422:\n +message\.0\.url: .*is not public"):
        await run_task(broken_links, [{"name": "home", "url": site}])


def test_links_are_absolute_each_once_and_in_the_order_of_the_page() -> None:
    links = broken_links.links_of(PAGE, "https://acme.example/shop/")

    assert links == ["https://acme.example/200", "https://acme.example/shop/200", "https://acme.example/404"]
