"""The inbox of a receiver that is a function: its stream of events ends at once, and its page asks again and again."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from receiver.app import create_app
from receiver.server import make_server
from receiver.settings import Settings
from tests.browser.conftest import Complaints
from tests.browser.receiver_process import SUCCESS

TOKEN = "a-token-of-the-tests"  # noqa: S105


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """The address of a receiver as a function has it, but for the function."""
    settings = Settings(receiver_database=tmp_path / "receiver.sqlite3")
    server = make_server(create_app(settings, token=TOKEN, can_stream=False), log_config=None)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()


def test_what_comes_is_shown_without_a_stream_and_the_page_says_what_it_knows(
    url: str, open_page: Callable[..., Page], assert_accessible: Callable[[Page], None]
) -> None:
    page = open_page(f"{url}/?token={TOKEN}")
    expect(page.get_by_role("status").filter(has_text="read again and again")).to_be_visible()
    expect(page.get_by_text("This receiver is a function")).to_be_visible()

    httpx.post(f"{url}/callback", json=SUCCESS, headers={"webhook-id": "came"}, trust_env=False)

    expect(page.get_by_role("link", name="came")).to_be_visible()
    assert_accessible(page)


def test_a_person_with_the_token_opens_a_story_and_empties_the_inbox(url: str, open_page: Callable[..., Page]) -> None:
    httpx.post(f"{url}/callback", json=SUCCESS, headers={"webhook-id": "came"}, trust_env=False)
    page = open_page(f"{url}/?token={TOKEN}")

    page.get_by_role("link", name="came").click()
    expect(page.get_by_text("Attempt 1")).to_be_visible()
    assert TOKEN not in page.url
    page.get_by_role("button", name="Empty \u2026").click()
    page.get_by_role("button", name="Empty it").click()

    expect(page.get_by_text("No callback has come yet.")).to_be_visible()


def test_a_receiver_that_is_gone_is_said(url: str, open_page: Callable[..., Page], complaints: Complaints) -> None:
    complaints.expect("ERR_FAILED")
    page = open_page(f"{url}/?token={TOKEN}")
    expect(page.get_by_text("read again and again")).to_be_visible()

    page.route("**/events", lambda route: route.abort())

    expect(page.get_by_text("reconnecting")).to_be_visible()
    page.unroute("**/events")
    expect(page.get_by_text("read again and again")).to_be_visible()
