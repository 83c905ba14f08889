"""The receiver as a function behind a function URL, by AWS's own runtime."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from function_runtime import InitError
from standardwebhooks import Webhook

from receiver.function_url import LARGEST_ANSWER_BYTES
from tests.integration.services.functions.conftest import Function, running_function
from tests.integration.services.functions.function_url import HOST, Response, request_of, response_to

HANDLER = "receiver.aws_lambda.handler"
TOKEN = "a-token-of-the-tests"  # noqa: S105
SECRET = "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw=="  # noqa: S105
WITH_TOKEN = f"token={TOKEN}"
NUMBER = "12345678901234567890.123"
OUTCOME = f'{{"results":[{{"a":{NUMBER}}}],"errors":[],"task_id":"ignored"}}'


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Function]:
    """One environment: what one test has posted, the next one finds."""
    directory = tmp_path_factory.mktemp("receiver")
    settings = {
        "receiver_token": TOKEN,
        "receiver_database": directory / "receiver.sqlite3",
        "callback_signing_secret": SECRET,
    }
    with running_function(HANDLER, settings, directory) as function:
        yield function


async def deliver(receiver: Function, task_id: str, body: str = OUTCOME, *, query: str = "") -> Response:
    event = request_of("POST", f"/callback?{query}", body, {"webhook-id": task_id}, is_text=True)
    return await response_to(receiver, event)


async def listed(receiver: Function, task_id: str) -> list[Any]:
    event = request_of("GET", f"/callbacks?{WITH_TOKEN}&task_id={task_id}")
    return list((await response_to(receiver, event)).json()["callbacks"])


async def test_a_callback_is_taken_listed_to_the_digit_and_logged_by_its_task_id(receiver: Function) -> None:
    headers = {"webhook-id": "taken", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}

    answer = await response_to(receiver, request_of("POST", "/callback", OUTCOME, headers))

    assert (answer.status, answer.json()) == (200, {"status": "ok"})

    [callback] = await listed(receiver, "taken")
    assert (callback["raw_body"], callback["outcome"], callback["attempt"]) == (OUTCOME, "success", 1)
    assert callback["answered_after_ms"] is not None
    [line] = [line for line in receiver.logged() if line.get("task_id") == "taken"]
    assert (line["event"], line["status"], line["trace_id"]) == ("callback received", 200, "a" * 32)


@pytest.mark.parametrize("is_text", [True, False])
async def test_a_signature_is_checked_over_the_bytes_that_were_sent(receiver: Function, is_text: bool) -> None:  # noqa: FBT001
    task_id, now = f"signed-{is_text}", datetime.now(UTC)
    body = '{ "results": [{"naïve": 1.0}], "errors": [] }'
    signed = {
        "webhook-id": task_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign(task_id, now, body),
    }

    for sent in (body, f"{body} "):
        await response_to(receiver, request_of("POST", "/callback", sent, signed, is_text=is_text))

    verdicts = [each["signature"]["verdict"] for each in await listed(receiver, task_id)]
    assert verdicts == ["valid", "invalid"]


async def test_it_misbehaves_on_demand_for_as_many_deliveries_as_it_is_told(receiver: Function) -> None:
    query = "status=503&times=2&retry_after=7"

    answers = [await deliver(receiver, "refused", query=query) for _ in range(3)]

    assert [(each.status, each.headers.get("retry-after")) for each in answers] == [(503, "7"), (503, "7"), (200, None)]


async def test_it_answers_late_on_demand(receiver: Function) -> None:
    await deliver(receiver, "late", query="delay=0.2")

    [callback] = await listed(receiver, "late")
    assert callback["answered_after_ms"] >= 200


@pytest.mark.parametrize("fault", ["hang", "close", "drip"])
async def test_what_takes_a_connection_of_its_own_is_not_implemented(receiver: Function, fault: str) -> None:
    asked = await deliver(receiver, fault, query=f"{fault}=true")
    ordered = await response_to(receiver, request_of("PUT", f"/misbehaviour?{WITH_TOKEN}", json.dumps({fault: True})))

    assert (asked.status, ordered.status) == (501, 501)
    assert fault in asked.json()["detail"]
    assert await listed(receiver, fault) == []
    assert (await deliver(receiver, f"after-{fault}")).status == 200


async def test_a_large_outcome_is_taken_and_one_too_many_to_be_answered_is_said(receiver: Function) -> None:
    large = json.dumps({"results": [{f"item {n}": "x" * 950} for n in range(1100)], "errors": []})
    assert 1_048_576 < len(large) < 1_200_000

    for _ in range(4):
        assert (await deliver(receiver, "large", large)).status == 200

    newest = request_of("GET", f"/callbacks?{WITH_TOKEN}&task_id=large&limit=1")
    [callback] = (await response_to(receiver, newest)).json()["callbacks"]
    assert (callback["attempt"], callback["raw_body"]) == (4, large)
    all_of_them = request_of("GET", f"/callbacks?{WITH_TOKEN}&task_id=large")
    refused = await response_to(receiver, all_of_them)
    assert (refused.status, f"{LARGEST_ANSWER_BYTES:,}" in refused.json()["detail"]) == (500, True)


async def test_the_page_its_files_and_the_documentation_are_served(receiver: Function) -> None:
    for path in ("/", "/static/page.js", "/static/web/base.css", "/static/favicon.svg", "/docs", "/openapi.json"):
        assert (await response_to(receiver, request_of("GET", f"{path}?{WITH_TOKEN}"))).status == 200
    head = await response_to(receiver, request_of("HEAD", f"/?{WITH_TOKEN}"))
    assert (head.status, head.body) == (200, b"")


async def test_the_stream_of_events_ends_at_once_and_says_when_to_ask_again(receiver: Function) -> None:
    stream = await response_to(receiver, request_of("GET", f"/events?{WITH_TOKEN}"))

    assert stream.headers["content-type"].startswith("text/event-stream")
    assert sorted(stream.body.decode().split("\n")) == ["", "", "data: null", "event: over", "retry: 3000"]


async def test_a_browser_keeps_the_token_and_others_see_nothing(receiver: Function) -> None:
    refused = await response_to(receiver, request_of("GET", "/tasks"))
    assert (refused.status, list(refused.json())) == (403, ["detail"])

    [cookie] = (await response_to(receiver, request_of("GET", f"/?{WITH_TOKEN}"))).cookies
    assert {part.lower() for part in cookie.split("; ")[1:]} >= {"httponly", "secure", "samesite=lax", "path=/"}

    again = request_of("GET", "/tasks", headers={"sec-fetch-site": "same-origin"})
    again["cookies"] = [cookie.split(";")[0]]
    assert (await response_to(receiver, again)).status == 200
    wrong = request_of("GET", "/tasks")
    wrong["cookies"] = ["token=guessed"]
    assert (await response_to(receiver, wrong)).status == 403
    foreign = request_of("DELETE", "/callbacks", headers={"origin": "https://evil.example"})
    foreign["cookies"] = again["cookies"]
    assert (await response_to(receiver, foreign)).status == 403


async def test_alerts_and_the_sample_source_are_for_everybody(receiver: Function) -> None:
    posted = request_of(
        "POST",
        "/slack/api/chat.postMessage",
        '{"channel":"#alerts","text":"failed"}',
        {"authorization": "Bearer xoxb-test"},
    )
    assert (await response_to(receiver, posted)).json()["ok"] is True

    source = await response_to(receiver, request_of("POST", "/source", f'{{"n":{NUMBER}}}'))
    assert NUMBER.encode() in source.body
    assert source.json()["headers"]["host"] == HOST


async def test_what_an_environment_has_taken_outlives_the_end_of_its_process(receiver: Function) -> None:
    await deliver(receiver, "kept")
    receiver.runtime.kill()
    receiver.runtime.stop()

    assert [each["attempt"] for each in await listed(receiver, "kept")] == [1]


@pytest.mark.parametrize("token", [{}, {"receiver_token": "too-short"}])
def test_without_a_token_it_does_not_start(token: dict[str, str], tmp_path: Path) -> None:
    settings = {"receiver_database": tmp_path / "receiver.sqlite3", **token}
    with running_function(HANDLER, settings, tmp_path) as function:
        with pytest.raises(InitError, match="exit status 78"):
            function.runtime.start()
        [line] = [line for line in function.log.read_text().splitlines() if "RECEIVER_TOKEN" in line]

    assert line.startswith("RECEIVER_TOKEN: ")
