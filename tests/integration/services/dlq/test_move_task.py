"""Moves made by SQS itself, on a real LocalStack, and by the program where there is none to make them."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from aiohttp import web

from services.dead_letters.dead_letter_queues import DeadLetterQueues, open_dead_letter_queues
from services.dead_letters.errors import DlqError
from services.dead_letters.move_task import MoveTask, MoveTaskUnavailableError, moves_as_new_messages, run_move_task
from services.dead_letters.plan import Plan, QueueMove
from services.dead_letters.redrive import Moved, redrive
from services.runtime.settings import ServiceSettings
from tests.integration.services.conftest import Broker, until
from tests.integration.services.dlq.conftest import bodies_in, fill, intercepted, outcome
from tests.service_fixtures import Serve

FAILED = {"reason": "no", "attempts": "3"}


@pytest.fixture
async def bodies(broker: Broker) -> list[str]:
    """What `calculation-dlq` holds."""
    bodies = [outcome(number) for number in range(100)]
    await fill(broker, "calculation-dlq", bodies, FAILED)
    return bodies


async def move(
    dead_letter_queues: DeadLetterQueues, source: str, destination: str, progress: list[MoveTask] | None = None
) -> MoveTask:
    states = await dead_letter_queues.states([source, destination])
    note = progress.append if progress is not None else lambda _task: None
    return await run_move_task(
        dead_letter_queues.client, states[source].arn, states[destination].arn, dead_letter_queues.stop, note
    )


def slow_down(broker: Broker, per_second: int) -> None:
    """Have every move task that is started move so many messages a second."""

    def limit(params: dict[str, Any], **_arguments: Any) -> None:
        params["MaxNumberOfMessagesPerSecond"] = per_second

    broker.client.meta.events.register("provide-client-params.sqs.StartMessageMoveTask", limit)


async def test_sqs_moves_all_of_a_dlq_and_its_progress_is_shown(
    broker: Broker, dead_letter_queues: DeadLetterQueues, bodies: list[str]
) -> None:
    progress: list[MoveTask] = []

    task = await move(dead_letter_queues, "calculation-dlq", "calculation", progress)

    assert (task.status, task.moved) == ("COMPLETED", 100)
    assert progress[-1] == task
    assert bodies_in(broker, "calculation") == bodies
    assert bodies_in(broker, "calculation-dlq") == []


async def test_a_move_that_is_interrupted_is_cancelled_and_says_what_was_moved(
    broker: Broker, dead_letter_queues: DeadLetterQueues, bodies: list[str]
) -> None:
    slow_down(broker, per_second=2)
    moving = asyncio.create_task(move(dead_letter_queues, "calculation-dlq", "calculation"))
    await until(broker, "calculation", lambda waiting, _in_hand: waiting > 0)

    dead_letter_queues.stop.set()
    task = await moving

    left, arrived = bodies_in(broker, "calculation-dlq"), bodies_in(broker, "calculation")
    assert task.status == "CANCELLED"
    assert 0 < task.moved == len(arrived) < len(bodies)
    assert sorted(left + arrived) == bodies


async def test_a_move_that_a_killed_command_has_left_is_followed(
    broker: Broker, dead_letter_queues: DeadLetterQueues, bodies: list[str]
) -> None:
    slow_down(broker, per_second=20)
    states = await dead_letter_queues.states(["calculation-dlq", "calculation"])
    await broker.client.start_message_move_task(
        SourceArn=states["calculation-dlq"].arn, DestinationArn=states["calculation"].arn
    )

    task = await move(dead_letter_queues, "calculation-dlq", "calculation")

    assert (task.status, task.moved) == ("COMPLETED", 100)
    assert broker.requests.counts["StartMessageMoveTask"] == 1
    assert bodies_in(broker, "calculation") == bodies


@pytest.mark.usefixtures("bodies")
async def test_a_move_to_elsewhere_that_is_under_way_is_an_error_that_says_how_to_end_it(
    broker: Broker, dead_letter_queues: DeadLetterQueues
) -> None:
    slow_down(broker, per_second=1)
    states = await dead_letter_queues.states(["calculation-dlq", "data"])
    started = await broker.client.start_message_move_task(
        SourceArn=states["calculation-dlq"].arn, DestinationArn=states["data"].arn
    )

    with pytest.raises(DlqError, match=r"-data already .* cancel-message-move-task --task-handle"):
        await move(dead_letter_queues, "calculation-dlq", "calculation")

    await broker.client.cancel_message_move_task(TaskHandle=started["TaskHandle"])


async def test_a_second_move_is_not_taken_for_the_first(
    broker: Broker, dead_letter_queues: DeadLetterQueues, bodies: list[str]
) -> None:
    await move(dead_letter_queues, "calculation-dlq", "calculation")
    await fill(broker, "calculation-dlq", ["one more"], FAILED)

    task = await move(dead_letter_queues, "calculation-dlq", "calculation")

    assert (task.status, task.moved) == ("COMPLETED", 1)
    assert bodies_in(broker, "calculation") == sorted([*bodies, "one more"])


async def test_what_is_no_dlq_of_a_queue_is_not_moved_by_sqs(dead_letter_queues: DeadLetterQueues) -> None:
    with pytest.raises(MoveTaskUnavailableError, match="must be configured as a Dead Letter Queue"):
        await move(dead_letter_queues, "undelivered", "callbacks")


@pytest.mark.usefixtures("bodies")
async def test_localstack_carries_the_receive_count_along_so_that_it_is_not_trusted_with_a_redrive(
    broker: Broker, dead_letter_queues: DeadLetterQueues
) -> None:
    await move(dead_letter_queues, "calculation-dlq", "calculation")

    [message, *_] = await broker.queues["calculation"].receive(1, wait_seconds=5, visibility_timeout_seconds=60)

    assert message.receive_count > 1
    assert not moves_as_new_messages(broker.client.meta.endpoint_url)


async def plan_for_sqs(dead_letter_queues: DeadLetterQueues) -> Plan:
    states = await dead_letter_queues.states(["calculation-dlq"])
    return Plan(states, [], [QueueMove("calculation-dlq", "calculation", 100)], [])


async def test_a_redrive_reports_what_sqs_moved(
    broker: Broker, dead_letter_queues: DeadLetterQueues, bodies: list[str]
) -> None:
    moved, steps = Moved(), list[int]()

    await redrive(dead_letter_queues, await plan_for_sqs(dead_letter_queues), moved, steps.append)

    assert moved == Moved(Counter({("calculation-dlq", "calculation"): 100}))
    assert sum(steps) == 100
    assert bodies_in(broker, "calculation") == bodies
    assert broker.requests.counts["ReceiveMessage"] == 0


async def test_a_move_that_sqs_gives_up_is_a_problem_with_its_reason(
    broker: Broker, dead_letter_queues: DeadLetterQueues, bodies: list[str]
) -> None:
    slow_down(broker, per_second=10)
    moved = Moved()
    redriving = asyncio.create_task(redrive(dead_letter_queues, await plan_for_sqs(dead_letter_queues), moved))
    await broker.requests.reach("StartMessageMoveTask", 1)
    await broker.requests.reach("ListMessageMoveTasks", 2)

    await broker.delete("calculation")
    await redriving

    [problem] = moved.problems
    assert problem.startswith("SQS stopped moving calculation-dlq to calculation: ")
    assert moved.routes.total() + len(bodies_in(broker, "calculation-dlq")) == len(bodies)


async def test_where_the_endpoint_has_no_such_operation_the_messages_are_moved_one_by_one(
    broker: Broker, serve: Serve, bodies: list[str]
) -> None:
    def refuse_move_tasks(operation: str, _is_done: bool) -> web.Response | None:  # noqa: FBT001  # as it is called
        refusal = {"__type": "InvalidAction", "message": "no such action"}
        return web.json_response(refusal, status=400) if "MoveTask" in operation else None

    async with intercepted(broker, serve, refuse_move_tasks) as environment:
        settings = ServiceSettings(**environment)
        async with open_dead_letter_queues(settings, broker.definitions) as dead_letter_queues:
            moved = Moved()
            await redrive(dead_letter_queues, await plan_for_sqs(dead_letter_queues), moved)

    assert moved == Moved(Counter({("calculation-dlq", "calculation"): 100}))
    assert bodies_in(broker, "calculation") == bodies
    assert bodies_in(broker, "calculation-dlq") == []
