"""Looking at the dead-letter queues: all is shown, and nothing is changed."""

import asyncio
import json
import signal
import time
from pathlib import Path

import pytest
from aiohttp import web

from services.dead_letters.dead_letter_queues import DeadLetterQueues
from services.dead_letters.dead_message import DeadMessage
from services.messages import MAX_BODY_BYTES, encode_task
from services.queueing.message import ReceivedMessage, sent_at_attribute
from tests.integration.services.conftest import Broker
from tests.integration.services.dlq.conftest import REFUSED, Commands, fill, intercepted, interrupted, outcome
from tests.service_fixtures import Serve

TASK = encode_task("task-9", "calculation", '{"callback_url":"http://receiver/","message":[]}')


async def seen(dead_letter_queues: DeadLetterQueues, *queues: str) -> list[DeadMessage]:
    return await dead_letter_queues.find(
        await dead_letter_queues.states(queues), lambda _letter: True, lambda _count: None
    )


async def test_every_queue_is_listed_with_its_count_and_every_message_with_its_reason(
    broker: Broker, commands: Commands
) -> None:
    await fill(broker, "undelivered", [outcome(1)], REFUSED)
    await fill(broker, "calculation-dlq", [TASK], {"reason": "ValueError: no", "attempts": "3"})

    table = await commands.run("list")
    as_json = await commands.run("list", "undelivered", "--json")

    assert (table.exit_code, table.errors) == (0, "")
    for shown in ("calculation-dlq", "data-dlq", "callbacks-dlq", "task-0001", "task-9", "ValueError: no"):
        assert shown in table.output
    shown = json.loads(as_json.output)
    assert shown["complete"] is True
    assert [(queue["name"], queue["messages"]) for queue in shown["queues"]] == [("undelivered", 1)]
    [message] = shown["messages"]
    assert (message["task_id"], message["attempts"], message["redrives_to"]) == ("task-0001", 7, "callbacks")


@pytest.mark.parametrize("arguments", [["--json"], ["--json", "list"], ["list", "--json"]])
async def test_without_a_command_it_lists_and_json_may_be_said_before_the_command(
    broker: Broker, commands: Commands, arguments: list[str]
) -> None:
    await fill(broker, "undelivered", [outcome(1)], REFUSED)

    done = await commands.run(*arguments)

    assert (done.exit_code, done.errors) == (0, "")
    assert [each["task_id"] for each in json.loads(done.output)["messages"]] == ["task-0001"]


async def test_json_said_before_a_command_holds_for_that_one(broker: Broker, commands: Commands) -> None:
    await fill(broker, "undelivered", [outcome(1)], REFUSED)

    shown = await commands.run("--json", "show", "task-0001")
    moved = await commands.run("--json", "redrive", "task-0001", "--dry-run")

    assert json.loads(shown.output)["task_id"] == "task-0001"
    assert json.loads(moved.output)["moved"] == 1


async def test_a_look_leaves_every_message_as_it_was_and_visible(
    broker: Broker, dead_letter_queues: DeadLetterQueues
) -> None:
    bodies = [outcome(number) for number in range(25)]
    await fill(broker, "undelivered", bodies, REFUSED)

    assert len(await seen(dead_letter_queues, "undelivered")) == 25

    assert await broker.in_queue("undelivered") == (25, 0)
    messages = await broker.take("undelivered", 25)
    assert sorted(message.body for message in messages) == bodies
    assert all(message.attributes == REFUSED for message in messages)


async def test_what_is_looked_at_is_given_back_in_batches(broker: Broker, dead_letter_queues: DeadLetterQueues) -> None:
    await fill(broker, "undelivered", [outcome(number) for number in range(40)], REFUSED)

    await seen(dead_letter_queues, "undelivered")

    assert broker.requests.counts["ChangeMessageVisibilityBatch"] == 4


async def test_a_thousand_messages_are_listed_once_each(broker: Broker, dead_letter_queues: DeadLetterQueues) -> None:
    await fill(broker, "undelivered", [outcome(number) for number in range(1000)], REFUSED)

    dead_messages = await seen(dead_letter_queues, "undelivered")

    assert sorted(dead_message.task_id or "" for dead_message in dead_messages) == [
        f"task-{number:04}" for number in range(1000)
    ]
    assert await broker.in_queue("undelivered") == (1000, 0)


async def test_messages_as_large_as_sqs_takes_them_are_listed(
    broker: Broker, dead_letter_queues: DeadLetterQueues
) -> None:
    room = MAX_BODY_BYTES - len(outcome())
    await fill(broker, "undelivered", [outcome(number, filler="x" * room) for number in range(5)], REFUSED)

    assert len(await seen(dead_letter_queues, "undelivered")) == 5
    assert await broker.in_queue("undelivered") == (5, 0)


async def test_the_oldest_message_of_a_queue_comes_first(broker: Broker, dead_letter_queues: DeadLetterQueues) -> None:
    for number in (3, 1, 2):
        await fill(broker, "undelivered", [outcome(number)], REFUSED)

    assert [dead_message.task_id for dead_message in await seen(dead_letter_queues, "undelivered")] == [
        "task-0003",
        "task-0001",
        "task-0002",
    ]


async def test_a_message_that_sqs_moved_was_received_as_often_as_its_queue_allows_and_no_attempt_is_claimed(
    broker: Broker, dead_letter_queues: DeadLetterQueues
) -> None:
    await broker.allow_attempts("calculation", 2)
    await fill(broker, "calculation-dlq", [TASK], {})

    [dead_message] = await seen(dead_letter_queues, "calculation-dlq")
    assert dead_message.attempts is None
    assert dead_message.reason.startswith("received 2 times, and no worker reported back")


async def test_a_look_ends_when_enough_are_found(broker: Broker, dead_letter_queues: DeadLetterQueues) -> None:
    await fill(broker, "undelivered", [outcome(number) for number in range(100)], REFUSED)
    states = await dead_letter_queues.states(["undelivered"])

    dead_messages = await dead_letter_queues.find(states, lambda _letter: True, lambda _count: None, most=3)

    assert len(dead_messages) == 3
    assert broker.requests.counts["ReceiveMessage"] == 1
    assert await broker.in_queue("undelivered") == (100, 0)


async def test_what_someone_else_has_in_hand_is_not_seen_and_said_to_be_there(
    broker: Broker, commands: Commands
) -> None:
    await fill(broker, "calculation-dlq", [TASK], {})
    await broker.queues["calculation-dlq"].receive(1, wait_seconds=5, visibility_timeout_seconds=60)

    done = await commands.run("list")

    assert "No message is to be seen." in done.output
    assert "1 message of calculation-dlq cannot be seen: in flight" in done.output


async def test_a_message_that_comes_again_during_a_look_is_listed_once(
    broker: Broker, dead_letter_queues: DeadLetterQueues
) -> None:
    queue = broker.queues["undelivered"]
    await fill(broker, "undelivered", [outcome(1), outcome(2)], REFUSED)
    shown_again: list[asyncio.Task[None]] = []

    def collect(dead_message: DeadMessage, message: ReceivedMessage) -> None:
        shown.append(dead_message.task_id)
        # As if it had taken longer than the messages were hidden for.
        shown_again.append(asyncio.create_task(queue.change_visibility(message, 0)))

    shown: list[str | None] = []
    await dead_letter_queues.look(await dead_letter_queues.states(["undelivered"]), collect)
    await asyncio.gather(*shown_again)

    assert sorted(map(str, shown)) == ["task-0001", "task-0002"]
    assert await broker.in_queue("undelivered") == (2, 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_look_that_is_interrupted_gives_everything_back(
    broker: Broker, serve: Serve, tmp_path: Path, number: signal.Signals
) -> None:
    await fill(broker, "undelivered", [outcome(number) for number in range(200)], REFUSED)

    async with interrupted(broker, serve, number, "ReceiveMessage") as run:
        done = await run(tmp_path, "list", "--json")

    assert done.exit_code == 130
    assert "Interrupted" in done.errors
    shown = json.loads(done.output)
    assert shown["complete"] is False
    assert 0 < len(shown["messages"]) < 200
    assert await broker.in_queue("undelivered") == (200, 0)


async def test_a_look_that_fails_gives_back_what_it_had(broker: Broker, dead_letter_queues: DeadLetterQueues) -> None:
    await fill(broker, "undelivered", [outcome(1)], REFUSED)

    def fail(_dead_message: DeadMessage, _message: ReceivedMessage) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await dead_letter_queues.look(await dead_letter_queues.states(["undelivered"]), fail)

    assert await broker.in_queue("undelivered") == (1, 0)


async def test_a_list_of_those_that_match_has_no_others(broker: Broker, commands: Commands) -> None:
    await fill(broker, "undelivered", [outcome(1), outcome(2, "data")], REFUSED)

    matching = await commands.run("list", "--reason", "503", "--task-type", "data", "--json")
    older = await commands.run("list", "--older-than", "1h")

    assert [message["task_id"] for message in json.loads(matching.output)["messages"]] == ["task-0002"]
    assert "No message matches." in older.output


async def test_a_restored_message_is_as_old_as_it_was(broker: Broker, commands: Commands) -> None:
    died_at = time.time() - 3 * 3600
    await fill(broker, "undelivered", [outcome(1)], {**REFUSED, **sent_at_attribute(died_at)})
    await fill(broker, "undelivered", [outcome(2)], REFUSED)

    older = await commands.run("list", "--older-than", "2h", "--json")

    [message] = json.loads(older.output)["messages"]
    assert message["task_id"] == "task-0001"
    assert 3 * 3600 <= message["age_seconds"] < 4 * 3600


async def test_a_broker_that_says_nothing_of_its_queues_is_named_in_a_sentence(
    broker: Broker, serve: Serve, tmp_path: Path
) -> None:
    def say_nothing(operation: str, is_done: bool) -> web.Response | None:  # noqa: FBT001  # as it is called
        return web.json_response({}) if operation == "GetQueueAttributes" and not is_done else None

    async with intercepted(broker, serve, say_nothing) as environment:
        done = await Commands(environment, tmp_path).run("list")

    assert done.exit_code == 1
    assert "SQS cannot be used: the broker's answer to GetQueueAttributes of" in " ".join(done.errors.split())
    assert "use a broker that gives what it is asked for" in " ".join(done.errors.split())
