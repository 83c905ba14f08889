"""What a page of somebody else can do to the inbox, in the browser of a developer who opens it: nothing."""

import os
import shutil
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import ARGUMENTS, AS_ROOT
from tests.browser.receiver_process import ReceiverProcess

REBOUND = "rebound.test"
"""A name of the attacker's, which leads to this machine once the page is there (DNS rebinding)."""

READ = "url => fetch(url).then(answer => answer.text(), error => `failed: ${error}`)"
REQUEST = """([url, method, mode, contentType]) => fetch(url, {
    method, mode, body: method === "PUT" ? '{"status": 503}' : undefined,
    headers: contentType ? {"Content-Type": contentType} : {},
}).then(answer => answer.status, error => `failed: ${error}`)"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium for which the name leads to this machine."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if program is None:
        pytest.fail("there is no chromium: run `make test-browser`, or set CHROMIUM", pytrace=False)
    arguments = [*ARGUMENTS, *([] if os.geteuid() else AS_ROOT), f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def receivers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ReceiverProcess, ReceiverProcess]]:
    """One with a callback, and another origin."""
    own, other = (ReceiverProcess(tmp_path_factory.mktemp(name)) for name in ("own", "other"))
    for each in (own, other):
        each.start()
    own.deliver("t-1")
    yield own, other
    for each in (own, other):
        each.close()


def kept(receiver: ReceiverProcess) -> tuple[int, Any]:
    """How many callbacks are there, and how the next one is answered."""
    callbacks = receiver.client.get("/callbacks").json()["callbacks"]
    return len(callbacks), receiver.client.get("/misbehaviour").json()


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/callbacks"), ("PUT", "/misbehaviour")])
@pytest.mark.parametrize("mode", ["cors", "no-cors"])
def test_a_page_of_another_origin_changes_nothing(
    browser: Browser, receivers: tuple[ReceiverProcess, ReceiverProcess], method: str, path: str, mode: str
) -> None:
    own, other = receivers
    page = browser.new_page()
    page.goto(other.url)

    answer = page.evaluate(REQUEST, [own.url + path, method, mode, "text/plain"])

    assert str(answer).startswith("failed: ")
    assert kept(own) == (1, None)
    page.close()


def test_a_page_of_another_origin_reads_nothing(
    browser: Browser, receivers: tuple[ReceiverProcess, ReceiverProcess]
) -> None:
    own, other = receivers
    page = browser.new_page()
    page.goto(other.url)

    assert page.evaluate(READ, f"{own.url}/callbacks").startswith("failed: ")
    page.close()


def test_a_page_whose_name_was_rebound_to_this_machine_reads_and_changes_nothing(
    browser: Browser, receivers: tuple[ReceiverProcess, ReceiverProcess]
) -> None:
    own, _ = receivers
    page = browser.new_page()
    page.goto(f"http://{REBOUND}:{urlsplit(own.url).port}/healthcheck")

    assert "RECEIVER_ALLOWED_HOSTS" in page.evaluate(READ, "/callbacks")
    for method, path in (("DELETE", "/callbacks"), ("PUT", "/misbehaviour")):
        assert page.evaluate(REQUEST, [path, method, "same-origin", "application/json"]) == 403
    assert kept(own) == (1, None)
    page.close()


def test_its_own_page_does(browser: Browser, receivers: tuple[ReceiverProcess, ReceiverProcess]) -> None:
    own, _ = receivers
    page = browser.new_page()
    page.goto(own.url)

    assert page.evaluate(REQUEST, ["/misbehaviour", "PUT", "same-origin", "application/json"]) == 200
    assert page.evaluate(REQUEST, ["/misbehaviour", "DELETE", "same-origin", ""]) == 204
    assert "t-1" in page.evaluate(READ, "/callbacks")
    page.close()
