"""Works tasks in the test's own process, by what the services work them with; SQS and the callback alone are stand-ins.

A message is received, worked, given back, dead-lettered and reported as by the functions of AWS Lambda (see
batch_consumer.py); who receives and deletes is this module.
"""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from typing import Any

from fastapi import status
from typing_extensions import override

from services.api.request_body import too_large
from services.api.validation import RequestModel, faults_of_body
from services.delivery.answers import Answer, Delivered
from services.delivery.callback_client import CallbackClient
from services.delivery.outcome_delivery import OutcomeDelivery
from services.dlq_watcher.alert import Alert
from services.dlq_watcher.dead_letter_work import handlers_of
from services.messages import MAX_BODY_BYTES, OutcomeMessage, encode_task
from services.outbound.http_client import TargetSessions, open_http_client, open_target_sessions
from services.primitives import exact_json
from services.primitives.sqs_limits import LONGEST_VISIBILITY_TIMEOUT_SECONDS
from services.queueing.attempt import MessageHandler
from services.queueing.batch_consumer import BatchConsumer
from services.queueing.dead_letter import Failure, read_failure
from services.queueing.message import ReceivedMessage
from services.queueing.message_size import message_bytes
from services.queueing.queue import Queue
from services.queueing.queues import Queues
from services.queueing.samples import QueueSampler
from services.queues import CALLBACKS, define_queues
from services.runtime.boot import Booted
from services.runtime.resources import Resources
from services.task_types import ItemError, TaskType
from services.telemetry.redaction import hide_secrets_of
from services.worker.queue_work import QueueWork, work_of
from services.worker.settings import WorkerSettings
from stack.testing.errors import BrokenTaskTypeError, TaskRefusedError
from stack.testing.given_settings import Settings, read_settings, require_known
from stack.testing.memory_sqs import MemorySqs
from stack.testing.outcome import Outcome
from stack.testing.subject import Task, TaskTypeOrModule, awaited, request_of, task_type_of
from stack.tryout.task_request import places

# What is wrong is shown where the test calls (https://docs.pytest.org/en/stable/example/simple.html).
__tracebackhide__ = True

CALLBACK_URL = "https://client.example/callback"
"""The callback of a task that names none. Nothing is sent there, nor to any other callback."""

_NO_SETTINGS: Settings = {}


@dataclass(frozen=True, kw_only=True, repr=False)
class WorkedTask(Outcome):
    """A task that was worked to its end in memory."""

    attempts: int
    """How many were made."""
    delays_seconds: list[int]
    """The wait before each further attempt, in whole seconds as SQS would have been told it; nobody has waited."""
    trace: str | None = None
    """The end of the last attempt's stack trace, as the alert has it; None where there was none."""


async def run_item(
    task_type: TaskTypeOrModule, item: Mapping[str, Any], *, settings: Settings = _NO_SETTINGS, attempt: int = 1
) -> Any:
    """Make one attempt at one item as a worker does, and return its result as who hears the callback reads it.

    An item without a `name` is named `item`. `settings` are those of the task type and of its worker; what is not given
    has its default. `attempt` is what `run` sees as `context.attempt`.

    Raises ItemError for an item that fails, and as it is what else `run` raises, which would fail the attempt:
    TaskTimeoutError after `TASK_TIMEOUT_SECONDS`, TypeError for a result that JSON cannot carry. Raises
    TaskRefusedError, UnfitSettingsError and BrokenTaskTypeError as `run_task` does.
    """
    async with _open_stand(task_type, settings) as stand:
        await stand.accept([{"name": "item", **item}])
        message = await stand.receive()
        assert message is not None  # noqa: S101  # it has just been sent
        await _handle(stand.work.handler, replace(message, receive_count=attempt))
        outcome = json.loads(stand.heard())
        for error in outcome["errors"]:
            raise ItemError(*error.values())
        [result] = outcome["results"][0].values()
        return result


async def run_task(task_type: TaskTypeOrModule, task: Task, *, settings: Settings = _NO_SETTINGS) -> WorkedTask:
    """Take a task as the API does, work it as a worker does until it is done or has failed for good, and report it.

    `task` is a request, or its items alone; its callback is not called. `settings` are those of the task type and of
    its worker, such as `{"TASK_TIMEOUT_SECONDS": "0.2"}`; what is not given has its default, and neither the shell nor
    `.env` has a part in it. `context.http` reaches what `ALLOWED_PRIVATE_TARGETS` allows, as ever.

    Raises TaskRefusedError where the API would not accept the task, UnfitSettingsError where no worker would start with
    the settings, and BrokenTaskTypeError for what is no task type, or has a `run` that cannot be awaited.
    """
    async with _open_stand(task_type, settings) as stand:
        task_id = await stand.accept(task)
        attempts = await stand.work_off()
        failure = await stand.report()
        if stand.broken:
            raise stand.broken[0]
        return WorkedTask(
            task_id=task_id,
            body=stand.heard(),
            is_success=failure is None,
            attempts=attempts,
            delays_seconds=stand.sqs.hidden_seconds,
            trace=failure.trace if failure else None,
        )


class _HearingClient(CallbackClient):
    """Takes each outcome in place of its receiver."""

    def __init__(self, sessions: TargetSessions, settings: WorkerSettings) -> None:
        super().__init__(sessions, settings)
        self.heard: list[str] = []

    @override
    async def post(self, outcome: OutcomeMessage, attempt: int = 1) -> Answer:
        self.heard.append(outcome.body)
        return Delivered()


@dataclass(frozen=True)
class _Stand:
    """The services around one task type."""

    booted: Booted[WorkerSettings]
    task_type: TaskType[Any]
    sqs: MemorySqs
    callbacks: _HearingClient
    resources: Resources
    broken: list[BrokenTaskTypeError] = field(default_factory=list)

    @property
    def queue(self) -> Queue:
        return self.resources.queues[self.task_type.name]

    @property
    def work(self) -> QueueWork:
        return work_of(self.task_type.name, self.booted, self.resources)

    async def accept(self, task: Task) -> str:
        """Queue the task, and return its id. Raises TaskRefusedError where the API answers otherwise than 200."""
        request = request_of(self.task_type, task, CALLBACK_URL)
        model = RequestModel.of(self.task_type, self.booted.settings.target_rules)
        if faults := faults_of_body(model, request.body.encode()):
            raise TaskRefusedError(status.HTTP_422_UNPROCESSABLE_CONTENT, places(exact_json.loads(faults)["detail"]))
        task_id = str(uuid.uuid4())
        message = encode_task(task_id, self.task_type.name, request.body)
        size = message_bytes(message, {})
        if size > MAX_BODY_BYTES:
            detail = too_large(str(size), MAX_BODY_BYTES).detail
            raise TaskRefusedError(status.HTTP_413_CONTENT_TOO_LARGE, [detail])
        await self.queue.send(message)
        return task_id

    async def receive(self) -> ReceivedMessage | None:
        return await _receive(self.queue)

    async def work_off(self) -> int:
        """Make attempts until the message is done with; return how many."""
        work, queue = self.work, self.queue
        dead_letter_queue = self.resources.queues.dead_letter_queue_of(queue)
        consumer = BatchConsumer(queue, dead_letter_queue, work.handler, work.policy, self.booted.settings)
        attempts = 0
        while message := await self.receive():
            attempts = message.receive_count
            ends_at = asyncio.get_running_loop().time() + LONGEST_VISIBILITY_TIMEOUT_SECONDS
            if not await consumer.work([message], ends_at):
                await queue.delete(message)
        return attempts

    async def report(self) -> Failure | None:
        """Report what is dead, as the DLQ watcher does; return why it is, None where nothing is."""
        dead_letter_queue = self.resources.queues.dead_letter_queue_of(self.queue)
        message = await _receive(dead_letter_queue)
        if message is None:
            return None
        handlers = handlers_of(self.booted.task_types, self.resources, _alert_nobody)
        await _handle(handlers[dead_letter_queue.definition.name], message)
        return read_failure(message, self.task_type.max_attempts)

    def heard(self) -> str:
        """Return what the callback has heard."""
        [body] = self.callbacks.heard
        return body


@asynccontextmanager
async def _open_stand(given: TaskTypeOrModule, settings: Settings) -> AsyncIterator[_Stand]:
    broken: list[BrokenTaskTypeError] = []
    task_type = awaited(task_type_of(given), broken.append)
    booted = _boot(task_type, settings)
    sqs = MemorySqs()
    queues = Queues(sqs.client, define_queues(booted.task_types), name_prefix="", settles_at_once=True)
    callbacks_queue = queues[CALLBACKS]
    connect_timeout_seconds = booted.settings.callback_connect_timeout_seconds
    async with (
        open_target_sessions(policy=booted.settings.target_policy) as sessions,
        open_http_client(sessions, connect_timeout_seconds=connect_timeout_seconds) as http,
    ):
        callbacks = _HearingClient(sessions, booted.settings)
        callbacks_dlq = queues.dead_letter_queue_of(callbacks_queue)
        with closing(OutcomeDelivery(callbacks, callbacks_queue, callbacks_dlq, booted.settings)) as delivery:
            resources = Resources(queues, http, callbacks, delivery, QueueSampler(queues))
            yield _Stand(booted, task_type, sqs, callbacks, resources, broken)


def _boot(task_type: TaskType[Any], settings: Settings) -> Booted[WorkerSettings]:
    """Read the settings as a worker does when it starts. Raises UnfitSettingsError."""
    require_known(settings, (WorkerSettings, task_type.settings))
    # Nobody takes a message away that lies in the memory of a test.
    its_own = {"VISIBILITY_TIMEOUT_SECONDS": LONGEST_VISIBILITY_TIMEOUT_SECONDS}
    of_worker = read_settings(WorkerSettings, {**settings, **its_own})
    of_task_type = read_settings(task_type.settings, settings)
    hide_secrets_of(of_worker)
    hide_secrets_of(of_task_type)
    return Booted(of_worker, {task_type.name: task_type}, {task_type.name: of_task_type})


async def _alert_nobody(_alert: Alert) -> None:
    """The test itself hears of the failure."""


async def _receive(queue: Queue) -> ReceivedMessage | None:
    """Return the next message, None where there is none."""
    seconds = LONGEST_VISIBILITY_TIMEOUT_SECONDS
    return next(iter(await queue.receive(1, wait_seconds=0, visibility_timeout_seconds=seconds)), None)


async def _handle(handler: MessageHandler, message: ReceivedMessage) -> None:
    """Handle the message in a context of its own: what is bound for log lines is not to stay in the test's."""

    async def handle() -> None:
        await handler(message)

    await asyncio.create_task(handle())
