"""Works one task message: reads it, runs its items, delivers the outcome."""

import asyncio
import sys
import time
from collections.abc import Coroutine
from typing import Any, NoReturn, TypeVar

import httpx2
from pydantic import ValidationError

from services.delivery.outcome_delivery import OutcomeDelivery
from services.errors import reason_of
from services.messages import OutcomeMessage, TaskMessage, UnusableMessageError, decode_task, success_outcome
from services.outbound.targets import ACCEPTED
from services.queueing.cut_short import TaskTimeoutError, cut_short
from services.queueing.message import ReceivedMessage
from services.settings import Settings
from services.task_types.task_type import ItemError, TaskContext, TaskItem, TaskRequest, TaskType
from services.telemetry import log_context, tracing
from services.telemetry.metrics import WORK_SECONDS, child
from services.telemetry.redaction import without_secrets
from services.worker.settings import WorkerSettings

ResultT = TypeVar("ResultT")


class TaskHandler:
    """A message handler (see attempt.py) for the tasks of one type."""

    def __init__(
        self,
        task_type: TaskType[Any],
        task_settings: Settings,
        http: httpx2.AsyncClient,
        delivery: OutcomeDelivery,
        settings: WorkerSettings,
    ) -> None:
        self._task_type = task_type
        self._task_settings = task_settings
        self._request_model = task_type.request_model
        self._http = http
        self._delivery = delivery
        self._delay_seconds = settings.task_delay_seconds
        self._timeout_seconds = settings.task_timeout_seconds
        self._work_seconds = child(WORK_SECONDS, task_type.name)

    async def __call__(self, message: ReceivedMessage) -> None:
        """Return when the outcome is delivered or durably on its way.

        Raises UnusableMessageError for what is no task of this type, TaskTimeoutError, and what the task type raises.
        """
        task = decode_task(message.body)
        log_context.bind(task_id=task.task_id, attempt=message.receive_count)
        tracing.tracer.of_task(task.task_id)
        request = self._validate(task)
        if self._delay_seconds:
            await asyncio.sleep(self._delay_seconds)
        context = TaskContext(task.task_id, message.receive_count, self._http, self._task_settings)
        outcome = await self._work(task, request, context)
        await self._delivery.deliver(outcome, message.message_group_id)

    def _validate(self, task: TaskMessage) -> TaskRequest[Any]:
        if task.task_type != self._task_type.name:
            raise UnusableMessageError(f"the message is a task of type {task.task_type}, not {self._task_type.name}")
        try:
            return self._request_model.model_validate(task.request, context=ACCEPTED)
        except ValidationError as error:
            places = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:3])
            raise UnusableMessageError(f"the task does not fit its type {task.task_type}: {places}") from error

    async def _work(self, task: TaskMessage, request: TaskRequest[Any], context: TaskContext) -> OutcomeMessage:
        # The results are let go here: the outcome has them as text, and its delivery may take long.
        with tracing.tracer.run_span(task.task_type):
            results, errors = await self._run_in_time(request, context)
        # For the line that says what became of the outcome.
        log_context.bind(results=len(results), errors=len(errors))
        return success_outcome(task, results, errors)

    async def _run_in_time(self, request: TaskRequest[Any], context: TaskContext) -> "ItemOutcomes":
        # In a task of its own: a task type may swallow its cancellation, and that is not to hold up the worker.
        begun = time.perf_counter()
        work = _begin(run_items(self._task_type, request.message, context))
        try:
            if not work.done():
                await _ended(work, self._timeout_seconds - (time.perf_counter() - begun))
        except asyncio.CancelledError:
            await cut_short(work)
            raise
        finally:
            self._work_seconds.observe(time.perf_counter() - begun)
        if not work.done():
            await self._time_out(work)
        if work.cancelled():
            # Not by us: it is no stop of the worker.
            raise RuntimeError("the task was cancelled by its own code")
        return work.result()

    async def _time_out(self, work: "asyncio.Task[ItemOutcomes]") -> NoReturn:
        late = f"the attempt took longer than {self._timeout_seconds:g} seconds"
        if await cut_short(work):
            raise TaskTimeoutError(late)
        raise TaskTimeoutError(f"{late}, ignored its cancellation and was left running", left_running=work)


def _begin(work: Coroutine[Any, Any, ResultT]) -> "asyncio.Task[ResultT]":
    """Begin it in a task: at once where Python can, so that what waits for nothing is done without the event loop."""
    if sys.version_info >= (3, 12):
        return asyncio.Task(work, loop=asyncio.get_running_loop(), eager_start=True)
    return asyncio.create_task(work)


async def _ended(work: "asyncio.Task[Any]", timeout_seconds: float) -> None:
    """Return when the work has ended or the time is over: asyncio.wait does so too, for twice as much on each task."""
    loop = asyncio.get_running_loop()
    ended = loop.create_future()

    def end(_work: object = None) -> None:
        if not ended.done():
            ended.set_result(None)

    timer = loop.call_later(timeout_seconds, end)
    work.add_done_callback(end)
    try:
        await ended
    finally:
        timer.cancel()
        work.remove_done_callback(end)


ItemOutcomes = tuple[list[dict[str, Any]], list[dict[str, str]]]


async def run_items(task_type: TaskType[Any], items: list[Any], context: TaskContext) -> ItemOutcomes:
    """Run the items, as many at a time as the type declares, and return `results` and `errors` in the items' order.

    An `ItemError` is the item's entry in `errors`; any other exception ends the run, the other items with it.
    """
    if task_type.items_at_a_time(context.settings) == 1:
        outcomes = [await _run_item(task_type, item, context) for item in items]
    else:
        outcomes = await _run_concurrently(task_type, items, context)
    pairs = list(zip(items, outcomes, strict=True))
    results = [{item.name: outcome} for item, outcome in pairs if outcome.__class__ is not ItemError]
    errors = [{item.name: without_secrets(str(outcome))} for item, outcome in pairs if outcome.__class__ is ItemError]
    return results, errors


async def _run_concurrently(task_type: TaskType[Any], items: list[Any], context: TaskContext) -> list[Any]:
    slots = asyncio.Semaphore(task_type.items_at_a_time(context.settings))

    async def in_slot(item: TaskItem) -> Any:
        async with slots:
            return await _run_item(task_type, item, context)

    try:
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(in_slot(item)) for item in items]
    except ExceptionGroup as failures:
        # One reason is enough to retry the attempt, and reads better than a group.
        raise failures.exceptions[0] from failures
    return [task.result() for task in running]


async def _run_item(task_type: TaskType[Any], item: TaskItem, context: TaskContext) -> Any:
    try:
        result = await task_type.run(item, context)
    except ItemError as error:
        # Not the one raised: by its traceback that holds all that the item held, such as a large answer.
        return ItemError(str(error))
    except (Exception, asyncio.CancelledError, GeneratorExit):
        raise
    except BaseException as error:
        # SystemExit and its like would end the worker without a word, and with it the attempts at all other tasks.
        raise RuntimeError(f"`run` has raised {reason_of(error)}") from error
    declared = task_type.result
    if declared.is_json and declared.is_one(result):
        return result
    try:
        return declared.to_json(result)
    except TypeError as error:
        raise TypeError(f"the item {item.name!r}: {error}") from error
