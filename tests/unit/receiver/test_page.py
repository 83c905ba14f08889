import re
from typing import Any

import httpx
import pytest

from receiver.page import SHOWN, SHOWN_CHARACTERS, outcome

FAILED_FOR_GOOD = {"results": [], "errors": [{"details": "the worker was lost, 3 attempts", "message": {}}]}


async def page(receiver: httpx.AsyncClient) -> str:
    answer = await receiver.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.text


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"results": [{"calc_0": 3}], "errors": []}, "success"),
        ({"results": [{"a": 1}], "errors": [{"b": "division by zero"}]}, "success, 1 item failed"),
        ({"results": [], "errors": [{"a": "timeout"}, {"b": "timeout"}]}, "success, 2 items failed"),
        ({"results": [], "errors": [{"details": "an item of that name"}]}, "success, 1 item failed"),
        (FAILED_FOR_GOOD, "failure"),
        ({"results": []}, "not an outcome"),
        ({"results": None, "errors": []}, "not an outcome"),
        ([], "not an outcome"),
        (None, "not an outcome"),
    ],
)
def test_outcome_is_told_in_words(body: Any, words: str) -> None:
    assert outcome(body) == words


async def test_empty_page_says_what_to_run(receiver: httpx.AsyncClient) -> None:
    html = await page(receiver)
    assert "<code>make demo</code>" in html
    assert "No alert has come" in html


async def test_callbacks_are_shown_newest_first(receiver: httpx.AsyncClient) -> None:
    await receiver.post("/callback?status=503&times=1", json={"task_id": "first", "results": [], "errors": []})
    await receiver.post("/callback", json=FAILED_FOR_GOOD, headers={"webhook-id": "second"})
    html = await page(receiver)
    assert "make demo" not in html
    assert re.findall(r"<code>(\w+)</code>", html) == ["second", "first"]
    assert html.index(">failure<") < html.index("503, refused") < html.index(">success<")
    assert html.count("unchecked") == 2


async def test_body_is_pretty_and_keeps_its_digits(receiver: httpx.AsyncClient) -> None:
    await receiver.post("/callback", content='{"results":[{"é":2.680}]}')
    html = await page(receiver)
    assert "2.680" in html
    assert "é" in html
    assert "{\n  &#34;results&#34;: [\n" in html


async def test_what_came_is_escaped(receiver: httpx.AsyncClient) -> None:
    script = "<script>alert(1)</script>"
    await receiver.post("/callback", content=script, headers={"webhook-id": script})
    await receiver.post("/callback", json={"task_id": "t", "results": [script]})
    token = {"Authorization": "Bearer xoxb-1"}
    await receiver.post("/slack/api/chat.postMessage", headers=token, json={"channel": script, "text": script})
    html = await page(receiver)
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 7


@pytest.mark.parametrize("raw", [b"\xff", b'["\\ud800"]', b"[" * 100_000, b"[" * 9998 + b"]" * 9998])
async def test_body_that_cannot_be_pretty_does_not_break_the_page(receiver: httpx.AsyncClient, raw: bytes) -> None:
    await receiver.post("/callback", content=raw)
    assert "not an outcome" in await page(receiver)


async def test_alerts_are_shown_newest_first(receiver: httpx.AsyncClient) -> None:
    token = {"Authorization": "Bearer xoxb-1"}
    for text in ("first alert", "second alert"):
        await receiver.post("/slack/api/chat.postMessage", headers=token, json={"channel": "#alerts", "text": text})
    html = await page(receiver)
    assert html.index("<p>second alert</p>") < html.index("<p>first alert</p>")
    assert "in #alerts" in html


async def test_page_shows_the_newest_only_and_says_so(receiver: httpx.AsyncClient) -> None:
    for number in range(SHOWN + 1):
        await receiver.post("/callback", headers={"webhook-id": f"task-{number}."})
    html = await page(receiver)
    assert "task-0." not in html
    assert "task-1." in html
    assert f"The newest {SHOWN} are shown" in html


async def test_long_body_is_cut(receiver: httpx.AsyncClient) -> None:
    await receiver.post("/callback", content="x" * (SHOWN_CHARACTERS + 1))
    html = await page(receiver)
    assert f"({SHOWN_CHARACTERS + 1} characters)" in html
    assert html.count("x" * 1000) == SHOWN_CHARACTERS // 1000


async def test_page_loads_nothing_from_elsewhere(receiver: httpx.AsyncClient) -> None:
    assert not re.search(r"(?:src|href)=.https?:", await page(receiver))
