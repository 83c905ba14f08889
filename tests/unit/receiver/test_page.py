"""The page's files: complete, from here alone, and never an old one."""

import re
from pathlib import Path

import httpx
import pytest

from receiver.page import STATIC
from web import STATIC as SHARED

IMPORTED = re.compile(r"""(?:from|src=|href=)\s*["'](/static/[^"']+)["']""")
FILES = sorted([*STATIC.glob("*"), *SHARED.glob("*.js"), *SHARED.glob("*.css")])


async def test_the_page_is_html_that_may_load_from_here_alone(receiver: httpx.AsyncClient) -> None:
    answer = await receiver.get("/")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", sorted({path for file in FILES for path in IMPORTED.findall(file.read_text())}))
async def test_what_the_page_asks_for_is_there(receiver: httpx.AsyncClient, path: str) -> None:
    answer = await receiver.get(path)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_file_asks_for_anything_from_elsewhere(file: Path) -> None:
    assert not re.search(r"""(?:from|src=|href=|url\(|fetch\()\s*["']?(?:https?:)?//""", file.read_text())


async def test_a_file_that_is_unchanged_is_not_sent_again(receiver: httpx.AsyncClient) -> None:
    first = await receiver.get("/static/page.js")
    again = await receiver.get("/static/page.js", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
