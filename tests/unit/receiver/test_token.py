"""An inbox on the internet: who has no token sees and changes nothing, and what the services call is open."""

from collections.abc import AsyncIterator

import httpx
import pytest

from receiver.app import create_app
from receiver.settings import Settings
from tests.unit.receiver.conftest import Open
from tests.unit.receiver.test_security import OPEN, OWN, PAGES

TOKEN = "a-token-of-the-tests"  # noqa: S105
FILES = [("GET", "/static/page.js"), ("GET", "/openapi.json")]


@pytest.fixture
async def guarded(open_client: Open) -> AsyncIterator[httpx.AsyncClient]:
    """A receiver that has a token; as a function it ends its stream of events."""
    async with open_client(create_app(Settings(), token=TOKEN, can_stream=False)) as client:
        yield client


@pytest.mark.parametrize(("method", "path"), OWN + PAGES + FILES)
@pytest.mark.parametrize("query", ["", "?token=", f"?token={TOKEN}s", f"?text={TOKEN}"])
async def test_who_has_not_the_token_is_refused(guarded: httpx.AsyncClient, method: str, path: str, query: str) -> None:
    refused = await guarded.request(method, f"{path}{query}", headers={"cookie": "token=guessed"})

    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers


@pytest.mark.parametrize(("method", "path"), OWN + PAGES + FILES)
async def test_who_has_the_token_comes_by_any_name(guarded: httpx.AsyncClient, method: str, path: str) -> None:
    host = {"host": "abc.lambda-url.eu-central-1.on.aws"}

    assert (await guarded.request(method, f"{path}?token={TOKEN}", headers=host)).status_code != 403
    assert (await guarded.request(method, path, headers=host)).status_code != 403  # the client keeps cookies


@pytest.mark.parametrize(("method", "path"), OPEN)
async def test_the_services_need_none(guarded: httpx.AsyncClient, method: str, path: str) -> None:
    assert (await guarded.request(method, path)).status_code != 403


@pytest.mark.parametrize(("method", "path"), OWN)
async def test_another_page_cannot_use_the_cookie_of_a_browser(
    guarded: httpx.AsyncClient, method: str, path: str
) -> None:
    foreign = {"cookie": f"token={TOKEN}", "sec-fetch-site": "cross-site"}

    assert (await guarded.request(method, path, headers=foreign)).status_code == 403


async def test_a_browser_sends_the_cookie_back_by_https_alone_where_it_came_by_that(
    guarded: httpx.AsyncClient,
) -> None:
    for scheme, is_secure in (("http", False), ("https", True)):
        cookie = (await guarded.get(f"{scheme}://receiver/?token={TOKEN}")).headers["set-cookie"]

        assert ("; Secure" in cookie) == is_secure
        assert "; HttpOnly" in cookie
