"""Redriving: each message goes back to where it came from, and none is ever nowhere."""

import asyncio
import json
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from services.dead_letters.dead_letter_queues import DeadLetterQueues
from services.dead_letters.plan import Plan, make_plan, select
from services.dead_letters.redrive import Moved, redrive
from services.dead_letters.selection import Criteria
from services.messages import MAX_BODY_BYTES, encode_task
from tests.integration.services.conftest import PATIENCE_SECONDS, Broker
from tests.integration.services.dlq.conftest import (
    REFUSED,
    Commands,
    RunningCommand,
    bodies_in,
    fill,
    intercepted,
    interrupted,
    outcome,
)
from tests.service_fixtures import Serve

TASK = encode_task("task-9", "calculation", '{"callback_url":"http://receiver/","message":[]}')
ALL = Criteria()


async def planned(
    dead_letter_queues: DeadLetterQueues,
    target: str | None,
    criteria: Criteria = ALL,
    *,
    to: str | None = None,
    take_all: bool = False,
) -> Plan:
    names = [name for name in dead_letter_queues.definitions if name.endswith("-dlq") or name == "undelivered"]
    return await make_plan(dead_letter_queues, select(target, names, criteria, take_all=take_all), to)


async def redriven(dead_letter_queues: DeadLetterQueues, *arguments: Any, **options: Any) -> Moved:
    moved = Moved()
    await redrive(dead_letter_queues, await planned(dead_letter_queues, *arguments, **options), moved)
    return moved


async def test_one_message_is_redriven_by_its_id_and_the_others_stay(
    broker: Broker, dead_letter_queues: DeadLetterQueues
) -> None:
    await fill(broker, "undelivered", [outcome(number) for number in range(30)], REFUSED)

    moved = await redriven(dead_letter_queues, "task-0017")

    assert moved == Moved(Counter({("undelivered", "callbacks"): 1}))
    assert [message.body for message in await broker.take("callbacks")] == [outcome(17)]
    assert await broker.in_queue("undelivered") == (29, 0)


async def test_a_redriven_message_begins_anew_without_the_marks_of_its_failure(
    broker: Broker, dead_letter_queues: DeadLetterQueues
) -> None:
    restored = {"delivery_attempts": "3", "traceparent": "00-ab-cd-01", "sent_at_ms": "1764000000123"}
    await fill(broker, "undelivered", [outcome()], {**REFUSED, **restored})
    for _ in range(10):
        [message] = await broker.queues["undelivered"].receive(1, wait_seconds=5, visibility_timeout_seconds=60)
        await broker.queues["undelivered"].change_visibility(message, 0)

    await redriven(dead_letter_queues, "task-0001")

    [message] = await broker.take("callbacks")
    assert message.body == outcome()
    assert message.attributes == {"traceparent": "00-ab-cd-01"}
    assert message.receive_count == 1


async def test_the_attributes_of_a_foreign_message_keep_their_types(
    broker: Broker, dead_letter_queues: DeadLetterQueues
) -> None:
    attributes: dict[str, Any] = {
        "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        "number": {"DataType": "Number.int", "StringValue": "5"},
    }
    url = (await broker.client.get_queue_url(QueueName=broker.queues["undelivered"].name))["QueueUrl"]
    await broker.client.send_message(QueueUrl=url, MessageBody="foreign", MessageAttributes=attributes)

    await redriven(dead_letter_queues, "undelivered", take_all=True, to="data")

    [message] = await broker.take("data")
    assert message.typed_attributes == attributes


async def test_all_of_every_queue_go_back_each_to_its_own(broker: Broker, dead_letter_queues: DeadLetterQueues) -> None:
    await fill(broker, "undelivered", [outcome(1)], REFUSED)
    await fill(broker, "undelivered", [TASK], {"reason": "too large", "source_queue": "calculation"})
    await fill(broker, "data-dlq", ["garbage"], {"reason": "the message is no JSON"})

    moved = await redriven(dead_letter_queues, None, take_all=True)

    assert moved.problems == []
    assert moved.routes == {
        ("undelivered", "callbacks"): 1,
        ("undelivered", "calculation"): 1,
        ("data-dlq", "data"): 1,
    }
    assert [bodies_in(broker, queue) for queue in ("callbacks", "calculation", "data")] == [
        [outcome(1)],
        [TASK],
        ["garbage"],
    ]
    assert [bodies_in(broker, queue) for queue in ("undelivered", "data-dlq")] == [[], []]


async def test_those_that_match_are_redriven_and_the_others_are_visible_at_once(
    broker: Broker, dead_letter_queues: DeadLetterQueues
) -> None:
    await fill(broker, "undelivered", [outcome(number) for number in range(20)], REFUSED)
    await fill(broker, "undelivered", [outcome(number) for number in range(20, 40)], {**REFUSED, "reason": "gone"})

    moved = await redriven(dead_letter_queues, None, Criteria(reason="503"))

    assert moved.routes.total() == 20
    assert bodies_in(broker, "callbacks") == [outcome(number) for number in range(20)]
    assert await broker.in_queue("undelivered") == (20, 0)


async def test_a_message_that_sqs_itself_moved_has_all_its_attempts_again(
    broker: Broker, dead_letter_queues: DeadLetterQueues
) -> None:
    await broker.queues["data"].send("lost")
    [message] = await broker.queues["data"].receive(1, wait_seconds=5, visibility_timeout_seconds=60)
    await broker.queues["data"].change_visibility(message, 0)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await broker.in_queue("data-dlq") != (1, 0):
            await broker.queues["data"].receive(1, wait_seconds=1, visibility_timeout_seconds=60)

    moved = await redriven(dead_letter_queues, "data-dlq", take_all=True)

    assert moved.routes == {("data-dlq", "data"): 1}
    assert [message.receive_count for message in await broker.take("data")] == [1]


async def test_a_thousand_messages_are_redriven_once_each_in_batches(
    broker: Broker, dead_letter_queues: DeadLetterQueues
) -> None:
    bodies = [outcome(number) for number in range(1000)]
    await fill(broker, "undelivered", bodies, REFUSED)
    broker.requests.counts.clear()

    moved = await redriven(dead_letter_queues, "undelivered", take_all=True)

    assert moved.routes.total() == 1000
    assert bodies_in(broker, "callbacks") == bodies
    assert bodies_in(broker, "undelivered") == []
    assert broker.requests.counts["SendMessageBatch"] <= 110
    assert broker.requests.counts["DeleteMessageBatch"] <= 110


async def test_messages_as_large_as_sqs_takes_them_are_redriven(
    broker: Broker, dead_letter_queues: DeadLetterQueues
) -> None:
    room = MAX_BODY_BYTES - len(outcome())
    bodies = [outcome(number, filler="x" * room) for number in range(5)]
    await fill(broker, "undelivered", bodies, REFUSED)

    moved = await redriven(dead_letter_queues, "undelivered", take_all=True)

    assert moved.problems == []
    assert sorted(message.body for message in await broker.take("callbacks", 5)) == bodies


async def test_a_message_that_its_destination_does_not_take_stays_and_the_others_go(
    broker: Broker, dead_letter_queues: DeadLetterQueues
) -> None:
    large = outcome(1, filler="x" * 2000)
    await fill(broker, "undelivered", [large, outcome(2)], REFUSED)
    url = (await broker.client.get_queue_url(QueueName=broker.queues["callbacks"].name))["QueueUrl"]
    await broker.client.set_queue_attributes(QueueUrl=url, Attributes={"MaximumMessageSize": "1024"})

    moved = await redriven(dead_letter_queues, "undelivered", take_all=True)

    assert moved.routes.total() == 1
    [problem] = moved.problems
    assert "stays in undelivered: callbacks does not take it: InvalidParameterValue" in problem
    assert bodies_in(broker, "undelivered") == [large]
    assert await broker.in_queue("undelivered") == (1, 0)


async def test_a_message_that_someone_took_in_the_meantime_is_not_moved_and_that_is_said(
    broker: Broker, dead_letter_queues: DeadLetterQueues
) -> None:
    await fill(broker, "calculation-dlq", [TASK], {"reason": "no"})
    plan = await planned(dead_letter_queues, "task-9")
    await broker.take("calculation-dlq")

    moved = Moved()
    await redrive(dead_letter_queues, plan, moved)

    assert moved.routes.total() == 0
    [problem] = moved.problems
    assert problem.startswith("1 of 1 are not seen in calculation-dlq any more: another command or the DLQ watcher has")
    assert bodies_in(broker, "calculation") == []


async def test_what_another_command_only_looks_at_is_waited_for(
    broker: Broker, dead_letter_queues: DeadLetterQueues
) -> None:
    bodies = [outcome(number) for number in range(30)]
    await fill(broker, "undelivered", bodies, REFUSED)
    plan = await planned(dead_letter_queues, "undelivered", take_all=True)
    undelivered, moved = broker.queues["undelivered"], Moved()
    looked_at = await undelivered.receive(10, wait_seconds=5, visibility_timeout_seconds=600)
    broker.requests.counts.clear()

    redriving = asyncio.create_task(redrive(dead_letter_queues, plan, moved))
    # Of the destination and of the queue before a walk, and of the queue behind it.
    await broker.requests.reach("GetQueueAttributes", 3)
    await asyncio.gather(*(undelivered.change_visibility(each, 0) for each in looked_at))
    await redriving

    assert (moved.routes.total(), moved.problems) == (30, [])
    assert bodies_in(broker, "callbacks") == bodies


async def test_what_another_command_gives_back_while_it_takes_as_many_others_is_moved(
    broker: Broker, dead_letter_queues: DeadLetterQueues
) -> None:
    undelivered, moved = broker.queues["undelivered"], Moved()
    await fill(broker, "undelivered", [outcome(number) for number in range(5)], REFUSED)
    plan = await planned(dead_letter_queues, "undelivered", take_all=True)
    looked_at = await undelivered.receive(10, wait_seconds=5, visibility_timeout_seconds=600)
    await fill(broker, "undelivered", [outcome(number) for number in range(5, 10)], REFUSED)

    async def take_the_others_and_give_these_back(**_request: Any) -> None:
        # Asked before the walk about the destination and the queue, and then once the walk has given the others back.
        if broker.requests.counts["GetQueueAttributes"] == counted_before + 3:
            await broker.take("undelivered", 5)
            await asyncio.gather(*(undelivered.change_visibility(each, 0) for each in looked_at))

    counted_before = broker.requests.counts["GetQueueAttributes"]
    broker.client.meta.events.register(
        "before-call.sqs.GetQueueAttributes",
        take_the_others_and_give_these_back,  # type: ignore[arg-type]  # aiobotocore awaits it
    )
    await redrive(dead_letter_queues, plan, moved)

    assert (moved.routes.total(), moved.problems) == (5, [])
    assert bodies_in(broker, "callbacks") == [outcome(number) for number in range(5)]


async def test_two_commands_at_once_move_every_message_once_and_their_numbers_add_up(
    broker: Broker, commands: Commands
) -> None:
    bodies = [outcome(number) for number in range(200)]
    await fill(broker, "undelivered", bodies, REFUSED)

    done = await asyncio.gather(*(commands.run("redrive", "undelivered", "--all", "--yes", "--json") for _ in range(2)))

    assert sum(json.loads(each.output)["moved"] for each in done if each.output.startswith("{")) == 200
    assert bodies_in(broker, "callbacks") == bodies
    assert await broker.in_queue("undelivered") == (0, 0)


async def test_a_message_that_came_in_the_meantime_is_not_moved(
    broker: Broker, dead_letter_queues: DeadLetterQueues
) -> None:
    await fill(broker, "undelivered", [outcome(1)], REFUSED)
    plan = await planned(dead_letter_queues, "undelivered", take_all=True)
    await fill(broker, "undelivered", [outcome(2)], REFUSED)

    await redrive(dead_letter_queues, plan, Moved())

    assert bodies_in(broker, "callbacks") == [outcome(1)]
    assert await broker.in_queue("undelivered") == (1, 0)


async def test_a_dry_run_shows_what_would_go_where_and_moves_nothing(broker: Broker, commands: Commands) -> None:
    await fill(broker, "undelivered", [outcome(1), "garbage"], {"reason": "no"})

    done = await commands.run("redrive", "undelivered", "--all", "--dry-run")

    assert (done.exit_code, done.errors) == (0, "")
    assert "task-0001" in done.output
    assert "nowhere: use --to" in done.output
    assert done.output.endswith("Would move 1 message: 1 from undelivered to callbacks.\n")
    assert await broker.in_queue("undelivered") == (2, 0)
    assert await broker.in_queue("callbacks") == (0, 0)


async def test_what_was_moved_is_said_and_what_could_not_be(broker: Broker, commands: Commands) -> None:
    await fill(broker, "undelivered", [outcome(1), "garbage"], {"reason": "no"})

    done = await commands.run("redrive", "undelivered", "--all", "--yes")

    assert done.exit_code == 1
    assert done.output == "Moved 1 message: 1 from undelivered to callbacks.\n"
    assert done.errors.startswith("1 message cannot be redriven, as nothing says where from: add --to QUEUE")
    assert bodies_in(broker, "undelivered") == ["garbage"]


@pytest.mark.parametrize(("options", "moved", "is_dry_run"), [(["--yes"], 1, False), (["--dry-run"], 0, True)])
async def test_a_program_reads_what_was_moved_or_would_be_and_what_could_not_be(
    broker: Broker,
    commands: Commands,
    options: list[str],
    moved: int,
    is_dry_run: bool,  # noqa: FBT001
) -> None:
    await fill(broker, "undelivered", [outcome(1), "garbage"], {"reason": "no"})

    done = await commands.run("redrive", "undelivered", "--all", "--json", *options)

    answer = json.loads(done.output)
    assert answer["routes"] == [{"source": "undelivered", "destination": "callbacks", "messages": 1}]
    assert (answer["moved"], answer["dry_run"]) == (1, is_dry_run)
    [problem] = answer["problems"]
    assert problem.startswith("1 message cannot be redriven, as nothing says where from")
    assert await broker.in_queue("callbacks") == (moved, 0)


async def test_nobody_to_ask_is_a_usage_error_that_moves_nothing(broker: Broker, commands: Commands) -> None:
    await fill(broker, "undelivered", [outcome(1)], REFUSED)

    done = await commands.run("redrive", "task-0001")

    assert (done.exit_code, done.output) == (2, "")
    assert "add --yes" in done.errors
    assert await broker.in_queue("undelivered") == (1, 0)


@pytest.mark.parametrize("when", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("operation", ["SendMessageBatch", "DeleteMessageBatch"])
async def test_a_redrive_that_is_killed_loses_nothing(
    broker: Broker,
    serve: Serve,
    tmp_path: Path,
    operation: str,
    when: bool,  # noqa: FBT001
) -> None:
    bodies = [outcome(number) for number in range(100)]
    await fill(broker, "undelivered", bodies, REFUSED)
    running: asyncio.Future[RunningCommand] = asyncio.get_running_loop().create_future()
    batches = Counter[bool]()

    def kill_in_mid_redrive(called: str, is_done: bool) -> web.Response | None:  # noqa: FBT001
        batches[is_done] += called == operation
        if called != operation or is_done is not when or batches[when] < 5:
            return None
        running.result().program.kill()
        return web.Response(status=503)

    async with intercepted(broker, serve, kill_in_mid_redrive) as environment:
        running.set_result(Commands(environment, tmp_path).start("redrive", "undelivered", "--all", "--yes"))
        done = await running.result().end()

    left, arrived = bodies_in(broker, "undelivered"), bodies_in(broker, "callbacks")
    assert done.exit_code == -signal.SIGKILL
    assert 0 < len(arrived) < len(bodies)
    assert set(left) | set(arrived) == set(bodies)
    # What was sent, and not deleted yet, is in both: one batch at the most.
    assert len(left) + len(arrived) - len(bodies) <= 10


async def test_a_broker_that_fails_in_mid_redrive_is_one_line_behind_what_was_moved(
    broker: Broker, serve: Serve, tmp_path: Path
) -> None:
    bodies = [outcome(number) for number in range(100)]
    await fill(broker, "undelivered", bodies, REFUSED)
    batches = Counter[bool]()

    def fail_from_the_third_batch(operation: str, is_done: bool) -> web.Response | None:  # noqa: FBT001
        batches[is_done] += operation == "SendMessageBatch"
        return web.Response(status=503) if operation == "SendMessageBatch" and batches[False] > 2 else None

    async with intercepted(broker, serve, fail_from_the_third_batch) as environment:
        done = await Commands(environment, tmp_path).run("redrive", "undelivered", "--all", "--yes")

    left, arrived = bodies_in(broker, "undelivered"), bodies_in(broker, "callbacks")
    assert (done.exit_code, done.output) == (1, "Moved 20 messages: 20 from undelivered to callbacks.\n")
    assert done.errors.startswith("SQS refused SendMessageBatch: 503")
    assert done.errors.count("\n") == 1
    assert sorted(left + arrived) == bodies
    assert await broker.in_queue("undelivered") == (80, 0)


async def test_a_redrive_that_is_interrupted_finishes_what_it_has_in_hand_and_gives_the_rest_back(
    broker: Broker, serve: Serve, tmp_path: Path
) -> None:
    bodies = [outcome(number) for number in range(200)]
    await fill(broker, "undelivered", bodies, REFUSED)

    async with interrupted(broker, serve, signal.SIGINT, "SendMessageBatch") as run:
        done = await run(tmp_path, "redrive", "undelivered", "--reason", "503", "--yes")

    left, arrived = bodies_in(broker, "undelivered"), bodies_in(broker, "callbacks")
    assert done.exit_code == 130
    assert done.output == f"Moved {len(arrived):,} messages: {len(arrived):,} from undelivered to callbacks.\n"
    assert "Interrupted" in done.errors
    assert 0 < len(arrived) < len(bodies)
    assert sorted(left + arrived) == bodies
    assert await broker.in_queue("undelivered") == (len(left), 0)


async def test_those_that_match_being_none_is_one_line_and_exit_code_1(commands: Commands) -> None:
    done = await commands.run("redrive", "--reason", "no such reason", "--yes")

    assert (done.exit_code, done.output) == (1, "")
    assert done.errors == "No message matches: `list` shows what there is.\n"


async def test_an_empty_queue_leaves_nothing_to_do(commands: Commands) -> None:
    done = await commands.run("redrive", "undelivered", "--all", "--yes")

    assert (done.exit_code, done.output, done.errors) == (0, "There is nothing to redrive.\n", "")
