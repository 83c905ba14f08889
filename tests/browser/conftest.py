"""The pages in a real Chromium: each page that a test opens may complain of nothing, and everybody can use it."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has no types
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from tests.end_to_end.client import PATIENCE_SECONDS, wait_for

Theme = Literal["light", "dark"]

# Debian's, which is up to date, where Playwright would bring one of its own.
ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-sync",
    "--no-first-run",
]
AS_ROOT = ["--no-sandbox"]  # Chromium's sandbox does not work for root

expect.set_options(timeout=PATIENCE_SECONDS * 1000)

LEFT = "net::ERR_ABORTED"  # the page itself gave the request up, or was closed


class Complaints:
    """What went wrong in the pages of a test: console errors, uncaught exceptions, failed requests, other hosts."""

    def __init__(self) -> None:
        self._heard: list[str] = []
        self._expected: list[str] = []

    def expect(self, pattern: str) -> None:
        """Allow what this regular expression is found in, before or after it is heard."""
        self._expected.append(pattern)

    def unexpected(self) -> list[str]:
        """What no test allowed."""
        return [one for one in self._heard if not any(re.search(pattern, one) for pattern in self._expected)]

    def listen(self, page: Page) -> None:
        """Hear what this page complains of."""
        page.on("console", lambda message: self._hear(message.type == "error", f"console: {message.text}"))
        page.on("pageerror", lambda error: self._hear(True, f"exception: {error}"))  # noqa: FBT003  # always
        page.on(
            "requestfailed",
            lambda request: self._hear(request.failure != LEFT, f"request: {request.url}: {request.failure}"),
        )
        page.on(
            "request",
            lambda request: self._hear(
                not re.match(r"(http://(127\.0\.0\.1|localhost)[:/]|data:|blob:)", request.url),
                f"another host: {request.url}",
            ),
        )

    def _hear(self, is_wrong: bool, what: str) -> None:  # noqa: FBT001  # the callbacks above are its only callers
        if is_wrong:
            self._heard.append(what)


# A module's, no session's: while Playwright's own event loop runs, no asynchronous test can.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium without a window: $CHROMIUM, else the one in the PATH."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if program is None:
        pytest.fail("there is no chromium: run `make test-browser`, or set CHROMIUM", pytrace=False)
    arguments = [*ARGUMENTS, *([] if os.geteuid() else AS_ROOT)]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """Fails the test at its end for what a page complained of and the test did not expect."""
    complaints = Complaints()
    yield complaints
    assert complaints.unexpected() == []


@pytest.fixture
def open_page(browser: Browser, complaints: Complaints) -> Iterator[Callable[..., Page]]:
    """Open a URL on a page with cookies and storage of its own; the other arguments are a browser context's."""
    contexts = []

    def opened(url: str, *, theme: Theme = "light", width: int = 1280, **context: Any) -> Page:
        contexts.append(
            browser.new_context(
                color_scheme=theme,
                viewport={"width": width, "height": 800},
                reduced_motion="reduce",
                permissions=["clipboard-read", "clipboard-write"],
                **context,
            )
        )
        contexts[-1].set_default_timeout(PATIENCE_SECONDS * 1000)
        page = contexts[-1].new_page()
        complaints.listen(page)
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()


class Held:
    """Requests of a page that are not answered until they are released."""

    def __init__(self, page: Page, pattern: str) -> None:
        self._page = page
        self._routes: list[Route] = []
        page.route(pattern, self._hold)

    def release(self) -> None:
        """Wait for the first one, and let it go on."""
        # Playwright calls back only while it is called.
        wait_for(lambda: self._page.evaluate("true") and self._routes, "a request to be held")
        self._routes.pop(0).continue_()

    def _hold(self, route: Route) -> None:
        self._routes.append(route)


@pytest.fixture
def assert_accessible() -> Callable[[Page], None]:
    """Check the page, as it is now, in light and in dark, against axe's rules."""

    def check(page: Page) -> None:
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            assert _violations(page) == [], theme

    return check


@pytest.fixture
def assert_readable() -> Callable[[Page], None]:
    """Check that what the page shows now stands out from what is behind it: a page that is another project's."""

    def check(page: Page) -> None:
        assert _violations(page, {"runOnly": ["color-contrast"]}) == []

    return check


def _violations(page: Page, options: dict[str, Any] | None = None) -> list[str]:
    return [
        f"{violation['id']}: {violation['help']}: {', '.join(str(node['target']) for node in violation['nodes'])}"
        for violation in Axe().run(page, options=options).response["violations"]
    ]
