"""Carries a plan out: one by one, each message sent first and deleted then, so that none is ever nowhere; or by SQS."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import structlog

from services.dead_letters.browse import Visit, Walked, all_of, hiding_seconds, walk
from services.dead_letters.dead_letter_queues import DeadLetterQueues
from services.dead_letters.move_task import MoveTask, MoveTaskUnavailableError, run_move_task
from services.dead_letters.plan import Move, Plan, QueueMove, Route, Selection, make_plan
from services.dead_letters.selection import Criteria
from services.messages import DELIVERY_ATTEMPTS_ATTRIBUTE
from services.queueing.dead_letter import FAILURE_ATTRIBUTES
from services.queueing.errors import SqsEntryError
from services.queueing.message import ReceivedMessage
from services.queueing.queue import Queue, QueueState
from services.queueing.retrying import retry_sqs

log = structlog.get_logger(__name__)

# A redriven outcome begins its delivery attempts anew, too.
_LEFT_BEHIND = FAILURE_ATTRIBUTES | {DELIVERY_ATTEMPTS_ATTRIBUTE}

OnMoved = Callable[[int], None]


@dataclass(slots=True)
class Moved:
    """What has come of a redrive so far."""

    routes: Counter[Route] = field(default_factory=Counter)
    """How many messages were moved, from which queue to which."""
    problems: list[str] = field(default_factory=list)
    """Why others were not."""


async def redrive(
    dead_letter_queues: DeadLetterQueues, plan: Plan, moved: Moved, on_moved: OnMoved = lambda _count: None
) -> None:
    """Move what is planned, and write into `moved` what was done, so that it is known whatever ends this.

    Interrupted, or killed, it leaves each message in its queue, or in its destination, or in both.
    Raises botocore's errors, and DlqError where a queue is missing.
    """
    await dead_letter_queues.states(sorted({destination for _, destination in plan.routes}))
    moves = list(plan.moves)
    for queue_move in plan.queue_moves:
        if dead_letter_queues.stop.is_set():
            return
        try:
            await _redrive_by_sqs(dead_letter_queues, queue_move, moved, on_moved)
        except MoveTaskUnavailableError as error:
            log.warning("SQS does not move the queue: moving its messages", queue=queue_move.source, reason=str(error))
            moves += await _one_by_one(dead_letter_queues, queue_move)
    by_queue: dict[str, list[Move]] = defaultdict(list)
    for move in moves:
        by_queue[move.dead_message.queue].append(move)
    await all_of(_redrive_queue(dead_letter_queues, queue, group, moved, on_moved) for queue, group in by_queue.items())


async def _redrive_by_sqs(
    dead_letter_queues: DeadLetterQueues, move: QueueMove, moved: Moved, on_moved: OnMoved
) -> None:
    route = (move.source, move.destination)
    states = await dead_letter_queues.states(route)
    arns = (states[move.source].arn, states[move.destination].arn)

    def note(task: MoveTask) -> None:
        now_moved = task.moved - task.moved_before
        on_moved(now_moved - moved.routes[route])
        moved.routes[route] = now_moved

    task = await run_move_task(dead_letter_queues.client, *arns, dead_letter_queues.stop, note)
    if task.is_followed:
        log.warning(
            "SQS was moving the queue already, for another command: what it moved before is not counted here",
            queue=move.source,
            moved_before=task.moved_before,
        )
    if task.status == "FAILED":
        moved.problems.append(f"SQS stopped moving {move.source} to {move.destination}: {task.failure_reason}")


async def _one_by_one(dead_letter_queues: DeadLetterQueues, move: QueueMove) -> Iterable[Move]:
    selection = Selection([move.source], [], Criteria())
    return (await make_plan(dead_letter_queues, selection, move.destination, one_by_one=True)).moves


async def _redrive_queue(
    dead_letter_queues: DeadLetterQueues, name: str, moves: Iterable[Move], moved: Moved, on_moved: OnMoved
) -> None:
    source = dead_letter_queues.queues[name]
    remaining = {move.dead_message.message_id: move for move in moves}

    async def visit(message: ReceivedMessage) -> bool:
        move = remaining.pop(message.message_id, None)
        if move is None:
            return False
        try:
            await dead_letter_queues.queues[move.destination].forward(message, without=_LEFT_BEHIND)
        except SqsEntryError as error:
            moved.problems.append(f"{message.message_id} stays in {name}: {move.destination} does not take it: {error}")
            return False
        moved.routes[move.route] += 1
        on_moved(1)
        return await _delete(source, message, moved)

    planned = len(remaining)
    await _walk_until(source, visit, lambda: dead_letter_queues.stop.is_set() or not remaining)
    if remaining and not dead_letter_queues.stop.is_set():
        moved.problems.append(
            f"{len(remaining)} of {planned} are not seen in {name} any more:"
            " another command or the DLQ watcher has them in flight, or took them."
        )


async def _walk_until(source: Queue, visit: Visit, is_done: Callable[[], bool]) -> None:
    """Walk over the queue until it is done, or nothing is left that was not visited.

    What someone else has in flight is waited for, as long as a look hides messages: another command may only look.
    """
    before = await source.state()
    give_up_at = time.monotonic() + hiding_seconds(before.messages)
    while True:
        walked = await walk(source, before.messages, visit, is_done)
        if is_done() or time.monotonic() > give_up_at:
            return
        after = await source.state()
        if _was_all(before, walked, after):
            return
        before = after


def _was_all(before: QueueState, walked: Walked, after: QueueState) -> bool:
    """Return whether a walk has met all there was: nobody had a message in flight, before it or after it, or took one.

    That as many are left as it gave back says nothing by itself: they may be others, which someone else gave back
    while taking those.
    """
    nobody_else = not before.in_flight and not after.in_flight
    return nobody_else and walked.visited >= before.messages and after.messages <= walked.given_back


async def _delete(source: Queue, message: ReceivedMessage, moved: Moved) -> bool:
    try:
        await retry_sqs(lambda: source.delete(message))
    except SqsEntryError as error:
        moved.problems.append(f"{message.message_id} was moved, and is still in {source.definition.name}, too: {error}")
        return False
    return True
