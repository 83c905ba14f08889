"""One delivery attempt of an outcome, and how its answer is judged."""

import asyncio
import json
import socket
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from aiohttp import web
from pydantic import SecretStr
from standardwebhooks import Webhook, WebhookVerificationError

from services.delivery.answers import Answer, Delivered, FailedForGood, FailedForNow, judge
from services.delivery.callback_client import CallbackClient
from services.delivery.settings import DeliverySettings
from services.messages import OutcomeMessage
from services.outbound.http_client import TargetSessions, open_target_sessions
from services.outbound.targets import TargetPolicy
from tests.service_fixtures import EndlessAnswer, Growth, Serve

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SECRET = "whsec_" + "c2VjcmV0" * 4
BODY = '{"results":[{"a":1.10}],"errors":[],"task_id":"id"}'


def outcome_for(url: str) -> OutcomeMessage:
    return OutcomeMessage("id", "calculation", url, BODY)


@pytest.mark.parametrize(
    ("status", "headers", "answer"),
    [
        (200, {}, Delivered()),
        (201, {}, Delivered()),
        (204, {}, Delivered()),
        (299, {"retry-after": "5"}, Delivered()),
        (100, {}, FailedForNow("the receiver answered 100")),
        (304, {"location": "http://elsewhere/"}, FailedForNow("the receiver answered 304")),
        (307, {}, FailedForNow("the receiver answered 307")),
        (400, {}, FailedForNow("the receiver answered 400")),
        (404, {}, FailedForNow("the receiver answered 404")),
        (410, {}, FailedForGood("the receiver answered 410")),
        (410, {"retry-after": "5"}, FailedForGood("the receiver answered 410")),
        (429, {"retry-after": "5"}, FailedForNow("the receiver answered 429", 5)),
        (503, {"retry-after": "5"}, FailedForNow("the receiver answered 503", 5)),
        (503, {"retry-after": "soon"}, FailedForNow("the receiver answered 503")),
        (599, {}, FailedForNow("the receiver answered 599")),
    ],
)
def test_how_an_answer_is_judged(status: int, headers: dict[str, str], answer: Answer) -> None:
    assert judge(status, headers, NOW, "http://receiver/") == answer


async def test_a_callback_has_the_bytes_and_the_headers_of_standard_webhooks(
    sessions: TargetSessions, serve: Serve
) -> None:
    received: list[tuple[str, bytes, dict[str, str]]] = []

    async def receive(request: web.Request) -> web.Response:
        received.append((request.method, await request.read(), {k.lower(): v for k, v in request.headers.items()}))
        return web.Response()

    settings = DeliverySettings(callback_signing_secret=SecretStr(SECRET))
    async with serve(receive) as url:
        assert await CallbackClient(sessions, settings).post(outcome_for(url)) == Delivered()

    [(method, body, headers)] = received
    assert (method, body) == ("POST", BODY.encode())
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == "id"
    assert headers["webhook-timestamp"].isdecimal()
    assert Webhook(SECRET).verify(body, headers) == json.loads(BODY)


async def test_while_a_secret_is_rotated_a_callback_verifies_with_the_old_one_and_the_new_one(
    sessions: TargetSessions, serve: Serve
) -> None:
    old, new, other = SECRET, "whsec_" + "bmV3LW5l" * 4, "whsec_" + "b3RoZXIh" * 4
    received: list[tuple[bytes, dict[str, str]]] = []

    async def receive(request: web.Request) -> web.Response:
        received.append((await request.read(), {k.lower(): v for k, v in request.headers.items()}))
        return web.Response()

    settings = DeliverySettings(callback_signing_secret=SecretStr(f"{new}, {old}"))
    async with serve(receive) as url:
        assert await CallbackClient(sessions, settings).post(outcome_for(url)) == Delivered()

    [(body, headers)] = received
    assert Webhook(old).verify(body, headers) == Webhook(new).verify(body, headers) == json.loads(BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify(body, headers)


async def test_without_a_secret_a_callback_is_not_signed(sessions: TargetSessions, serve: Serve) -> None:
    names: set[str] = set()

    async def receive(request: web.Request) -> web.Response:
        names.update(name.lower() for name in request.headers)
        return web.Response()

    async with serve(receive) as url:
        await CallbackClient(sessions, DeliverySettings()).post(outcome_for(url))

    assert {"webhook-id", "webhook-timestamp"} <= names
    assert "webhook-signature" not in names


async def test_a_redirect_is_not_followed(sessions: TargetSessions, serve: Serve) -> None:
    paths: list[str] = []

    async def redirect(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.Response(status=307, headers={"location": "/elsewhere"})

    async with serve(redirect) as url:
        answer = await CallbackClient(sessions, DeliverySettings()).post(outcome_for(f"{url}/callback"))

    assert answer == FailedForNow(
        f"the receiver answered 307 and redirects to {url}/elsewhere, which is not followed: use that URL"
    )
    assert paths == ["/callback"]


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("callback_timeout_seconds", "the receiver did not answer within 0.05 seconds"),
        ("callback_read_timeout_seconds", "the receiver was silent for 0.05 seconds"),
    ],
)
async def test_a_receiver_that_does_not_answer_in_time_has_refused(
    sessions: TargetSessions, serve: Serve, setting: str, reason: str
) -> None:
    answered = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        await answered.wait()
        return web.Response()

    async with serve(hang) as url:
        answer = await CallbackClient(sessions, DeliverySettings.model_validate({setting: 0.05})).post(outcome_for(url))
        answered.set()

    assert answer == FailedForNow(reason, soon=False)


async def test_a_receiver_that_cannot_be_connected_to_in_time_has_refused(sessions: TargetSessions) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        # Nobody accepts them, and there is no room for a third.
        with socket.create_connection(("127.0.0.1", port)):
            settings = DeliverySettings(callback_connect_timeout_seconds=0.05)
            answer = await CallbackClient(sessions, settings).post(outcome_for(f"http://127.0.0.1:{port}/"))

    assert answer == FailedForNow("no connection within 0.05 seconds", soon=False)


async def test_a_receiver_has_answered_when_its_status_has_come(sessions: TargetSessions, serve: Serve) -> None:
    answered = asyncio.Event()

    async def stall(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-length": "100"})
        await response.prepare(request)
        await response.write(b"{")
        await answered.wait()
        return response

    # The whole time is over, or is not, when it has read on for as long as it does.
    for seconds in (0.8, 3600):
        patient = DeliverySettings(callback_timeout_seconds=seconds, callback_read_timeout_seconds=3600)
        async with serve(stall) as url:
            assert await asyncio.wait_for(CallbackClient(sessions, patient).post(outcome_for(url)), 30) == Delivered()
            answered.set()
        answered.clear()


async def test_while_sqs_is_asked_whose_the_message_is_no_time_of_the_receiver_passes(
    sessions: TargetSessions, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask_for_long() -> None:
        await asyncio.sleep(1.1)

    async def receive(_request: web.Request) -> web.Response:
        return web.Response()

    monkeypatch.setattr("services.delivery.callback_client.ensure_ours", ask_for_long)
    client = CallbackClient(sessions, DeliverySettings(callback_timeout_seconds=1))
    async with serve(receive) as url:
        assert await client.post(outcome_for(url)) == Delivered()


async def test_an_answer_without_end_is_not_read_on(sessions: TargetSessions, serve: Serve) -> None:
    endless = EndlessAnswer()
    async with serve(endless.__call__) as url:
        assert await CallbackClient(sessions, DeliverySettings()).post(outcome_for(url)) == Delivered()
        await asyncio.wait_for(endless.hung_up.wait(), 30)


async def test_a_receiver_that_hangs_is_not_called_by_all(sessions: TargetSessions, serve: Serve) -> None:
    calls = 0
    called, answered = asyncio.Event(), asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        called.set()
        await answered.wait()
        return web.Response()

    async def receive(_request: web.Request) -> web.Response:
        return web.Response()

    async with serve(hang) as url, serve(receive) as other:
        client = CallbackClient(sessions, DeliverySettings(callback_host_concurrency=1))
        first = asyncio.create_task(client.post(outcome_for(url)))
        await called.wait()
        second = await client.post(outcome_for(f"{url}/another/path"))
        assert await client.post(outcome_for(other)) == Delivered()
        answered.set()
        assert await first == Delivered()

    assert second == FailedForNow(
        "the receiver was not called: its answers to 1 other callbacks are awaited", soon=False
    )
    assert calls == 1


async def test_a_receiver_that_nobody_runs_has_refused(sessions: TargetSessions, closed_port: int) -> None:
    answer = await CallbackClient(sessions, DeliverySettings()).post(outcome_for(f"http://127.0.0.1:{closed_port}/"))

    assert answer == FailedForNow(
        f"the receiver could not be reached: cannot connect to 127.0.0.1:{closed_port}: Connection refused"
    )


@pytest.mark.parametrize(
    "url",
    [
        "", "receiver", "ftp://receiver/", "http://", "http://[::1", "http://a b/", "http://\x00/", "http://a..b/",
        "http://us%3Aer:pass@receiver/", "http://user:pa%0Ass@receiver/", "http://\u2603.example/",
    ],
)  # fmt: skip
async def test_a_url_that_can_never_be_called_is_not_tried_again(sessions: TargetSessions, url: str) -> None:
    answer = await CallbackClient(sessions, DeliverySettings()).post(outcome_for(url))

    assert isinstance(answer, FailedForGood)
    assert answer.reason.startswith("the receiver cannot be called: the URL")


@pytest.mark.parametrize("task_id", ["a\r\nb: c", "\u00e9", "\ud800", "\x00"])
async def test_a_task_id_that_no_header_can_carry_is_not_tried_again(
    sessions: TargetSessions, closed_port: int, task_id: str
) -> None:
    outcome = OutcomeMessage(task_id, "calculation", f"http://127.0.0.1:{closed_port}/", BODY)

    answer = await CallbackClient(sessions, DeliverySettings()).post(outcome)

    assert answer == FailedForGood(
        "the receiver cannot be called: a header's value has printable ASCII characters, spaces and tabs only"
    )


async def test_a_body_that_cannot_be_sent_is_not_tried_again(sessions: TargetSessions, closed_port: int) -> None:
    outcome = OutcomeMessage("id", "calculation", f"http://127.0.0.1:{closed_port}/", "\ud800")

    assert isinstance(await CallbackClient(sessions, DeliverySettings()).post(outcome), FailedForGood)


async def test_a_receiver_that_may_not_be_called_is_not_called_again(serve: Serve) -> None:
    connections = 0

    async def receive(_request: web.Request) -> web.Response:
        nonlocal connections
        connections += 1
        return web.Response()

    async with (
        serve(receive) as url,
        open_target_sessions(policy=TargetPolicy()) as sessions,
    ):
        answer = await CallbackClient(sessions, DeliverySettings()).post(outcome_for(url))

    assert answer == FailedForGood(
        f"the receiver was not called: {url.removeprefix('http://')} is not public, and ALLOWED_PRIVATE_TARGETS does"
        " not list it"
    )
    assert connections == 0


@pytest.mark.parametrize(("status", "result"), [(200, "delivered"), (503, "refused"), (410, "rejected")])
async def test_a_delivery_attempt_is_counted_by_how_it_ended(
    sessions: TargetSessions, serve: Serve, status: int, result: str
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status)

    growth = Growth.begin()
    async with serve(answer) as url:
        await CallbackClient(sessions, DeliverySettings()).post(outcome_for(url))

    assert growth.of("async_tasks_deliveries_total", result=result) == 1
    assert growth.of("async_tasks_delivery_seconds_count") == 1


async def test_an_outcome_of_what_is_no_task_type_is_counted_as_unknown(sessions: TargetSessions, serve: Serve) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response()

    growth = Growth.begin()
    async with serve(answer) as url:
        foreign = replace(outcome_for(url), task_type="\ud800", accepted_at=time.time())
        assert await CallbackClient(sessions, DeliverySettings()).post(foreign) == Delivered()

    assert growth.of("async_tasks_end_to_end_seconds_count", task_type="unknown") == 1


@pytest.mark.parametrize(("status", "ends"), [(200, 1), (503, 0), (410, 0)])
async def test_a_task_has_ended_when_its_outcome_is_delivered(
    sessions: TargetSessions, serve: Serve, status: int, ends: int
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status)

    growth = Growth.begin()
    async with serve(answer) as url:
        accepted_an_hour_ago = replace(outcome_for(url), accepted_at=time.time() - 3600)
        await CallbackClient(sessions, DeliverySettings()).post(accepted_an_hour_ago)

    assert growth.of("async_tasks_end_to_end_seconds_count", task_type="calculation") == ends
    assert growth.of("async_tasks_end_to_end_seconds_sum", task_type="calculation") >= ends * 3600


async def test_the_delay_that_a_client_wanted_is_no_time_of_the_system(sessions: TargetSessions, serve: Serve) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response()

    growth = Growth.begin()
    async with serve(answer) as url:
        due_in_an_hour = replace(outcome_for(url), accepted_at=time.time() + 3600, delay_seconds=900)
        due_half_an_hour_ago = replace(outcome_for(url), accepted_at=time.time() - 2700, delay_seconds=900)
        for outcome in (due_in_an_hour, due_half_an_hour_ago):
            await CallbackClient(sessions, DeliverySettings()).post(outcome)

    assert growth.of("async_tasks_end_to_end_seconds_count", task_type="calculation") == 2
    assert 1800 <= growth.of("async_tasks_end_to_end_seconds_sum", task_type="calculation") < 2700
