"""Task type `broken-links`: which of a web page's links lead nowhere."""

import asyncio
from html.parser import HTMLParser
from typing import Annotated
from urllib.parse import urldefrag, urljoin

import httpx2
from pydantic import BaseModel, Field

from services.task_types import ItemError, Settings, TargetUrl, TaskContext, TaskItem, TaskType
from services.task_types.http import (
    HTTP_ERRORS,
    ResponseTooLargeError,
    describe_http_error,
    describe_refusal,
    read_body,
)


class BrokenLinksSettings(Settings):
    """What this task type reads from the environment."""

    broken_links_timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 10
    """For the page, and for each of its links."""
    broken_links_concurrency: Annotated[int, Field(ge=1, le=100)] = 10
    """Links of one page that are followed at a time."""
    broken_links_max_bytes: Annotated[int, Field(ge=1)] = 1_000_000
    """The most that a page may have."""


class Page(TaskItem):
    """A web page."""

    url: TargetUrl


class BrokenLink(BaseModel):
    """A link that leads nowhere, and why."""

    url: str
    reason: str


class LinkReport(BaseModel):
    """How many links a page has, and which of them are broken."""

    links: int
    broken: list[BrokenLink]


async def run(page: Page, context: TaskContext[BrokenLinksSettings]) -> LinkReport:
    """Fetch the page and follow each of its links once. Raises ItemError where the page itself cannot be had."""
    html, url = await _fetch(page.url, context)
    links = links_of(html, url)
    slots = asyncio.Semaphore(context.settings.broken_links_concurrency)
    checks = await asyncio.gather(*(_why_broken(link, context, slots) for link in links))
    broken = [BrokenLink(url=link, reason=why) for link, why in zip(links, checks, strict=True) if why]
    return LinkReport(links=len(links), broken=broken)


async def _fetch(url: str, context: TaskContext[BrokenLinksSettings]) -> tuple[str, str]:
    """Return the page's text, and its URL."""
    settings = context.settings
    try:
        async with asyncio.timeout(settings.broken_links_timeout_seconds), context.http.stream("GET", url) as response:
            if not response.is_success:
                raise ItemError(f"the page {await describe_refusal(response)}")
            body = await read_body(response, settings.broken_links_max_bytes)
            return body.decode(response.charset_encoding or "utf-8", "replace"), url
    except TimeoutError:
        raise ItemError(f"no page within {settings.broken_links_timeout_seconds:g} seconds") from None
    except ResponseTooLargeError:
        raise ItemError(f"the page has more than {settings.broken_links_max_bytes} bytes") from None
    except HTTP_ERRORS as error:
        raise ItemError(describe_http_error(error)) from error


async def _why_broken(url: str, context: TaskContext[BrokenLinksSettings], slots: asyncio.Semaphore) -> str:
    """Return why a link leads nowhere; empty where it leads somewhere."""
    try:
        async with slots, asyncio.timeout(context.settings.broken_links_timeout_seconds):
            response = await context.http.head(url)
    except TimeoutError:
        return f"no answer within {context.settings.broken_links_timeout_seconds:g} seconds"
    except HTTP_ERRORS as error:
        return describe_http_error(error)
    return f"answered {response.status_code}" if httpx2.codes.is_error(response.status_code) else ""


def links_of(html: str, url: str) -> list[str]:
    """Return the http(s) URLs that the page of this URL links to, each once, in its order, without fragments. Pure."""
    parser = _Links()
    parser.feed(html)
    absolute = (urldefrag(urljoin(url, link)).url for link in parser.found)
    return list(dict.fromkeys(link for link in absolute if link.startswith(("http://", "https://"))))


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if tag == "a" and href:
            self.found.append(href)


TASK_TYPE = TaskType(
    name="broken-links",
    route="/v1/pages/broken-links",
    summary="Find the broken links of web pages",
    item=Page,
    run=run,
    example=[{"name": "inbox", "url": "{receiver}/"}],
    settings=BrokenLinksSettings,
    item_concurrency=2,
)
