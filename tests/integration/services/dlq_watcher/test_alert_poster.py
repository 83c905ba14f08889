"""Alerts on their way to a Slack that keeps to its limits."""

import asyncio

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from services.dlq_watcher.alert_poster import AlertPoster
from services.dlq_watcher.settings import WatcherSettings
from services.dlq_watcher.slack import SlackChannel
from services.errors import RetryLaterError
from tests.integration.services.conftest import PATIENCE_SECONDS, running
from tests.integration.services.dlq_watcher.conftest import StrictSlack, refused, texts_of, with_slack
from tests.service_fixtures import Growth
from tests.unit.services.dlq_watcher.conftest import alert_of

WINDOW_SECONDS = 8.0
"""Much longer than the first few take, which go a second apart."""
LONG_SECONDS = 600.0
"""Longer than any test waits."""


def poster_to(
    slack: StrictSlack,
    *,
    window_seconds: float = LONG_SECONDS,
    drain_seconds: float = 20,
    seconds_until_unready: float = LONG_SECONDS,
) -> AlertPoster:
    settings = WatcherSettings(alert_window_seconds=window_seconds, drain_timeout_seconds=drain_seconds)
    settings = with_slack(settings, slack.url)
    return AlertPoster(SlackChannel(settings), settings, seconds_until_unready=seconds_until_unready)


async def refuse(_request: web.Request) -> web.Response:
    return refused("invalid_auth")


async def test_a_first_few_go_alone_and_the_others_as_one_at_the_pace_that_slack_takes(
    strict_slack: StrictSlack,
) -> None:
    poster = poster_to(strict_slack, window_seconds=WINDOW_SECONDS)

    async with running(poster):
        await asyncio.gather(*(poster.post(alert_of(number)) for number in range(500)))

    assert [message["text"].partition(" from ")[0] for message in strict_slack.messages] == [
        "Task 0 (calculation) failed for good",
        "Task 1 (calculation) failed for good",
        "Task 2 (calculation) failed for good",
        "497 alerts",
    ]
    assert "• *497* calculation: ValueError: no" in texts_of(strict_slack.messages[-1])
    assert (strict_slack.calls, strict_slack.too_early) == (4, 0)


async def test_every_alert_of_a_digest_is_in_the_log(strict_slack: StrictSlack) -> None:
    poster = poster_to(strict_slack)

    with capture_logs() as logs:
        async with running(poster) as stop:
            waiting = [asyncio.create_task(poster.post(alert_of(number))) for number in range(6)]
            await strict_slack.has_posted(3)
            stop.set()
            await asyncio.gather(*waiting)

    assert [(entry["task_id"], entry["alerts_in_message"]) for entry in logs if entry["event"] == "alert posted"] == [
        *((f"task-{number}", 1) for number in range(3)),
        *((f"task-{number}", 3) for number in range(3, 6)),
    ]


async def test_an_alert_that_comes_again_is_posted_once(strict_slack: StrictSlack) -> None:
    poster = poster_to(strict_slack)

    async with running(poster):
        await asyncio.gather(*(poster.post(alert_of()) for _ in range(3)))
        await poster.post(alert_of())

    assert len(strict_slack.messages) == 1


async def test_an_alert_that_comes_again_shares_what_becomes_of_the_first(strict_slack: StrictSlack) -> None:
    poster = poster_to(strict_slack)
    strict_slack.trouble = refuse

    async with running(poster):
        answers = await asyncio.gather(*(poster.post(alert_of()) for _ in range(3)), return_exceptions=True)

    assert [type(error) for error in answers] == [RetryLaterError] * 3
    assert strict_slack.calls == 1


async def test_what_slack_refuses_comes_back_and_is_in_the_log_once(strict_slack: StrictSlack) -> None:
    poster = poster_to(strict_slack)
    strict_slack.trouble = refuse

    with capture_logs() as logs:
        async with running(poster):
            for _ in range(2):
                with pytest.raises(RetryLaterError, match=r"^Slack did not take the alert: invalid_auth: SLACK_BOT"):
                    await poster.post(alert_of())
            strict_slack.trouble = None
            await poster.post(alert_of())

    [entry] = [entry for entry in logs if entry["log_level"] == "error"]
    assert entry["event"] == "alert not taken by Slack yet"
    assert entry["refusal"].startswith("invalid_auth: ")
    assert entry.items() >= alert_of().as_log().items()
    assert len(strict_slack.messages) == 1


async def test_alerts_are_counted_as_posted_or_refused(strict_slack: StrictSlack) -> None:
    poster = poster_to(strict_slack)
    growth = Growth.begin()

    strict_slack.trouble = refuse
    async with running(poster):
        with pytest.raises(RetryLaterError):
            await poster.post(alert_of())
        strict_slack.trouble = None
        await poster.post(alert_of())

    assert growth.of("async_tasks_alerts_total", result="refused") == 1
    assert growth.of("async_tasks_alerts_total", result="told") == 1


async def test_slack_is_left_alone_for_as_long_as_it_asks(strict_slack: StrictSlack) -> None:
    poster = poster_to(strict_slack)
    strict_slack.busy_for(2)

    async with running(poster):
        with pytest.raises(RetryLaterError) as refusal:
            await poster.post(alert_of(1))
        await poster.post(alert_of(2))

    assert refusal.value.after_seconds == 2
    assert (len(strict_slack.messages), strict_slack.too_early) == (1, 0)


@pytest.mark.parametrize(
    ("seconds_until_unready", "reason"),
    [(LONG_SECONDS, "None"), (0, "Slack has taken no alert for 0s: invalid_auth: ")],
)
async def test_it_is_not_ready_when_slack_has_taken_nothing_for_long_and_is_once_it_does(
    strict_slack: StrictSlack, seconds_until_unready: float, reason: str
) -> None:
    poster = poster_to(strict_slack, seconds_until_unready=seconds_until_unready)
    assert poster.unready_reason() is None
    strict_slack.trouble = refuse

    async with running(poster):
        with pytest.raises(RetryLaterError):
            await poster.post(alert_of())
        unready = poster.unready_reason()
        strict_slack.trouble = None
        await poster.post(alert_of())

    assert str(unready).startswith(reason)
    assert poster.unready_reason() is None


async def test_what_is_gathered_when_the_program_stops_is_posted_and_what_comes_then_returns(
    strict_slack: StrictSlack,
) -> None:
    poster = poster_to(strict_slack)

    async with running(poster) as stop:
        waiting = [asyncio.create_task(poster.post(alert_of(number))) for number in range(6)]
        await strict_slack.has_posted(3)
        stop.set()
        await asyncio.gather(*waiting)
        with pytest.raises(RetryLaterError, match=r"^the program stops$"):
            await poster.post(alert_of(7))

    assert strict_slack.messages[-1]["text"].startswith("3 alerts")


async def test_a_slack_that_hangs_does_not_keep_the_program_from_stopping(strict_slack: StrictSlack) -> None:
    poster = poster_to(strict_slack, drain_seconds=0.1)
    stopped = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        await stopped.wait()
        return web.Response()

    strict_slack.trouble = hang
    async with running(poster) as stop:
        waiting = asyncio.create_task(poster.post(alert_of()))
        await strict_slack.was_called(1)
        stop.set()
        with pytest.raises(RetryLaterError, match="the program stopped before Slack answered"):
            await asyncio.wait_for(waiting, PATIENCE_SECONDS)
    stopped.set()
