"""Dead messages in the console: seen as the command sees them, and brought back as safely."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from services.console.dead_letters import BusyError, DeadLetters
from services.dead_letters.dead_letter_queues import DeadLetterQueues
from services.dead_letters.plan import Selection
from services.dead_letters.selection import Criteria
from services.messages import encode_task
from tests.integration.services.conftest import PATIENCE_SECONDS, Broker
from tests.integration.services.console.conftest import Console, console_settings, running_console
from tests.integration.services.dlq.conftest import (  # noqa: F401  # commands is a fixture
    REFUSED,
    Commands,
    bodies_in,
    commands,
    fill,
    intercepted,
    outcome,
)
from tests.integration.services.watched_calls import watch_calls
from tests.service_fixtures import Serve

TASK = encode_task("task-9", "calculation", '{"callback_url":"http://receiver/","message":[{"num_1":0.10}]}')
FAILED = {"reason": "RuntimeError: boom", "attempts": "3", "trace": "Traceback …", "source_queue": "calculation"}


def without_age(answer: Any) -> Any:
    """The same of two looks, which are not made at once."""
    return {**answer, "messages": [{**message, "age_seconds": 0} for message in answer["messages"]]}


async def listed(console: Console, **parameters: str) -> Any:
    return (await console.http.get("/api/dead-letters", params=parameters)).json()


async def test_a_look_answers_what_the_command_lists(broker: Broker, console: Console, commands: Commands) -> None:  # noqa: F811
    await fill(broker, "undelivered", [outcome(number) for number in range(12)], REFUSED)
    await fill(broker, "calculation-dlq", [TASK], FAILED)

    answer = await listed(console)

    assert len(answer["messages"]) == 13
    printed = json.loads((await commands.run("list", "--json")).output)
    # These are in the console's state.
    del printed["unclaimed"], printed["unclaimed_problem"]
    assert without_age(answer) == without_age(printed)
    assert await broker.in_queue("undelivered") == (12, 0)


async def test_a_look_that_ends_at_its_limit_is_not_complete(broker: Broker, console: Console) -> None:
    await fill(broker, "undelivered", [outcome(number) for number in range(5)], REFUSED)

    answer = await listed(console, limit="2")

    assert (len(answer["messages"]), answer["complete"]) == (2, False)


async def test_two_who_look_at_once_both_see_everything(broker: Broker, console: Console) -> None:
    await fill(broker, "undelivered", [outcome(number) for number in range(15)], REFUSED)

    looks = await asyncio.gather(*(listed(console, queue="undelivered") for _ in range(2)))

    assert [len(look["messages"]) for look in looks] == [15, 15]


async def test_one_message_is_answered_as_the_command_shows_it(
    broker: Broker,
    console: Console,
    commands: Commands,  # noqa: F811
) -> None:
    await fill(broker, "calculation-dlq", [TASK], FAILED)

    response = await console.http.get("/api/dead-letters/task-9")

    answer, shown = response.json(), json.loads((await commands.run("show", "task-9", "--json")).output)
    assert answer | {"age_seconds": 0} == shown | {"age_seconds": 0}
    assert (answer["reason"], answer["trace"]) == ("RuntimeError: boom", "Traceback …")
    assert '"num_1": 0.10' in response.text


async def test_what_is_not_there_is_not_found(console: Console) -> None:
    response = await console.http.get("/api/dead-letters/6bc37fc0")

    assert response.status_code == 404
    assert "No message has the id 6bc37fc0" in response.json()["detail"]


async def test_several_are_redriven_and_one_that_is_gone_is_reported(broker: Broker, console: Console) -> None:
    await fill(broker, "undelivered", [outcome(number) for number in range(5)], REFUSED)

    done = await console.redrive(queue="undelivered", ids=["task-0001", "task-0003", "task-0099"])

    assert done["moved"] == 2
    [problem] = done["problems"]
    assert "No message has the id task-0099" in problem
    assert sorted(message.body for message in await broker.take("callbacks", 2)) == [outcome(1), outcome(3)]


async def test_a_redrive_of_what_no_longer_matches_says_so(console: Console) -> None:
    assert (await console.redrive(reason="503"))["problems"] == ["No message matches any more."]


async def test_what_sqs_stops_is_reported_with_what_was_moved(broker: Broker, serve: Serve) -> None:
    await fill(broker, "undelivered", [outcome(number) for number in range(25)], REFUSED)
    operations: Counter[str] = Counter()

    def refuse_the_second_send(operation: str, is_done: bool) -> web.Response | None:  # noqa: FBT001
        operations[operation] += not is_done
        if operation != "SendMessageBatch" or operations[operation] == 1:
            return None
        return web.json_response({"__type": "AccessDenied", "message": "not today"}, status=403)

    async with (
        intercepted(broker, serve, refuse_the_second_send) as settings,
        running_console(console_settings(settings)) as console,
    ):
        done = await console.redrive(queue="undelivered", all=True)

    assert 0 < done["moved"] < 25
    assert any("What was not moved is where it was" in each and "not today" in each for each in done["problems"])
    assert len(bodies_in(broker, "undelivered")) + len(bodies_in(broker, "callbacks")) == 25


async def test_one_redrive_at_a_time(broker: Broker, dead_letter_queues: DeadLetterQueues) -> None:
    await fill(broker, "undelivered", [outcome(1)], REFUSED)
    began, may_go_on = asyncio.Event(), asyncio.Event()

    async def hold_up(operation: str, _parameters: dict[str, Any], call: Callable[[], Awaitable[Any]]) -> Any:
        if operation == "SendMessageBatch":
            began.set()
            await may_go_on.wait()
        return await call()

    watch_calls(broker.client, hold_up)
    dead_letters = DeadLetters(dead_letter_queues)
    everything = Selection(["undelivered"], [], Criteria())
    first = asyncio.create_task(dead_letters.redrive(everything))
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await began.wait()
            with pytest.raises(BusyError, match="A redrive is under way"):
                await dead_letters.redrive(everything)
            with pytest.raises(BusyError):
                await dead_letters.browse("undelivered", Criteria(), 10)
    finally:
        # What is held up keeps the queues from being closed.
        may_go_on.set()

    assert (await first).routes.total() == 1
    assert (await dead_letters.browse("undelivered", Criteria(), 10))["messages"] == []
