"""The routes that accept tasks: one for each task type, made from what it declares."""

import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import structlog
from fastapi import Body, HTTPException, Response, Security, status
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from services.api.api_keys import API_KEY_HEADER
from services.api.enqueue import EnqueueError, TaskQueue, TaskTooLargeError
from services.api.errors import COULD_NOT_BE_QUEUED, ErrorDetail, MalformedRequest, MalformedRequestError, answer_to
from services.api.request_body import (
    check_media_type,
    declared_size,
    first_values,
    read_body,
    too_large,
    too_large_for_queue,
)
from services.api.request_metrics import RequestMetrics
from services.api.settings import ApiSettings
from services.api.task_headers import DelaySeconds, IdempotencyKey, MessageGroupId, TaskHeaders, task_headers_of
from services.api.validation import RequestModel, faults_of_body
from services.api.validation_process import ValidationProcess
from services.messages import encode_task
from services.outbound.targets import TargetRules
from services.primitives import exact_json
from services.queueing.message_size import utf8_bytes
from services.task_types.example import make_example
from services.task_types.loading import TaskTypes
from services.task_types.names import operation_id
from services.task_types.task_type import TaskType
from services.telemetry import log_events, tracing

log = structlog.get_logger(__name__)


EXAMPLE = "example"
"""The name of the one example that a route has in the OpenAPI document."""


class OutcomeStructure(BaseModel):
    """What the callback will be sent."""

    results: list[dict[str, Any]]
    errors: list[dict[str, Any]]
    task_id: str


class Accepted(BaseModel):
    """The task is queued: its outcome will come to the callback."""

    message: str
    task_id: str
    async_job_response_structure: OutcomeStructure

    @classmethod
    def of(cls, task_id: str) -> "Accepted":
        """Return the answer to an accepted task."""
        return cls(
            message="Processing of your request has started",
            task_id=task_id,
            async_job_response_structure=OutcomeStructure(results=[{}], errors=[{}], task_id=task_id),
        )


_RESPONSES: dict[int | str, dict[str, Any]] = {
    status.HTTP_408_REQUEST_TIMEOUT: {
        "model": ErrorDetail,
        "description": "The request did not come as a whole in time",
    },
    status.HTTP_413_CONTENT_TOO_LARGE: {
        "model": ErrorDetail,
        "description": "Larger than a message of its queue can be",
    },
    status.HTTP_415_UNSUPPORTED_MEDIA_TYPE: {
        "model": ErrorDetail,
        "description": "Not sent as JSON, or compressed: the answer names the header to send, or to leave out",
    },
    status.HTTP_422_UNPROCESSABLE_CONTENT: {"model": MalformedRequest, "description": "Malformed, with the places"},
    status.HTTP_500_INTERNAL_SERVER_ERROR: {"model": ErrorDetail, "description": COULD_NOT_BE_QUEUED},
    status.HTTP_503_SERVICE_UNAVAILABLE: {
        "model": ErrorDetail,
        "description": "Overloaded: too many tasks are waiting to be queued, or to be checked",
        "headers": {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}}},
    },
}
_UNAUTHORIZED: dict[int | str, dict[str, Any]] = {
    status.HTTP_401_UNAUTHORIZED: {
        "model": ErrorDetail,
        "description": "No valid API key",
        "headers": {"WWW-Authenticate": {"schema": {"type": "string"}}},
    },
}

# What the client sends twice with the same key is the same task; the namespace is arbitrary, and must never change.
_IDEMPOTENT_TASKS = uuid.UUID("61cc79fa-e26a-47b3-967c-9afa2ca762b7")

# The answer but for the task's id, which is in it twice, and as long as any other.
_ANY_ID = str(uuid.UUID(int=0))
_ACCEPTED = Response(Accepted.of(_ANY_ID).model_dump_json(), media_type="application/json")
_AROUND_ID = bytes(_ACCEPTED.body).split(_ANY_ID.encode())


def make_task_routes(task_types: TaskTypes, settings: ApiSettings) -> "list[TaskRoute]":
    """Return the routes of all task types; their examples are prefilled with the example receiver's URL."""
    rules = settings.target_rules
    return [TaskRoute(task_type, settings, rules) for task_type in task_types.values()]


class TaskRoute(APIRoute):
    """The route of a task type. It reads the body of those requests alone that may come in.

    FastAPI documents it, and has no part in its answers: its way costs more than all the rest, and what it says of what
    is wrong has no bound.
    """

    def __init__(self, task_type: TaskType[Any], settings: ApiSettings, rules: TargetRules) -> None:
        self.task_type = task_type
        self._model = RequestModel.of(task_type, rules)
        self._metrics = RequestMetrics(task_type.name)
        self.example = make_example(task_type, str(settings.example_receiver_url))
        super().__init__(
            task_type.route,
            self._make_endpoint(),
            methods=["POST"],
            name=task_type.name,
            operation_id=operation_id(task_type.name),
            openapi_extra={"x-task-type": task_type.name},
            summary=task_type.summary,
            description=task_type.item.__doc__,
            response_model=Accepted,
            tags=["tasks"],
            dependencies=[Security(API_KEY_HEADER)] if settings.api_keys else [],
            responses=_RESPONSES | (_UNAUTHORIZED if settings.api_keys else {}),
        )

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, in a span of its own."""
        with tracing.tracer.request_span(scope, self.path) as span:
            if scope["method"] == "POST":
                await self._answer(scope, receive, span.watched(send))
            else:
                # It is answered 405.
                await super().handle(scope, receive, span.watched(send))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = time.perf_counter()
        try:
            task_id = await self._accept(scope, receive)
        except Exception as error:  # noqa: BLE001  # one that refuses nothing is raised again
            self._metrics.refused(begun, scope, error)
            await answer_to(error)(scope, receive, send)
            return
        self._metrics.accepted(begun)
        await send({"type": "http.response.start", "status": status.HTTP_200_OK, "headers": _ACCEPTED.raw_headers})
        await send({"type": "http.response.body", "body": task_id.encode().join(_AROUND_ID)})

    async def _accept(self, scope: Scope, receive: Receive) -> str:
        """Queue the task and return its id. Before the body is read, the request is decided on."""
        state = scope["app"].state
        headers = first_values(scope["headers"])
        state.api_keys.check(headers)
        task_queue: TaskQueue = state.task_queues[self.task_type.name]
        most = task_queue.max_body_bytes
        size = declared_size(headers, most)
        check_media_type(headers)
        task_headers = task_headers_of(scope["headers"])
        with state.pending_tasks.place_for(size):
            body = await read_body(receive, most)
            await self._validate(state.validation, body)
            return await self._enqueue(task_queue, exact_json.decode(body), task_headers, most)

    def _make_endpoint(self) -> Callable[..., Awaitable[None]]:
        """Return what FastAPI documents."""
        request_model = self.task_type.request_model

        async def documented(
            task: Annotated[
                request_model,  # type: ignore[valid-type]
                Body(openapi_examples={EXAMPLE: {"value": self.example}}),
            ],
            idempotency_key: IdempotencyKey = None,
            message_group_id: MessageGroupId = None,
            delay_seconds: DelaySeconds = 0,
        ) -> None:
            """Be never called."""

        return documented

    async def _validate(self, validation: ValidationProcess, body: bytes) -> None:
        """Raise the 422 of a body that is none of the model's, and the 503 where there is no time to find out."""
        if validation.is_for(body):
            faults = await validation.faults_of_body(self.task_type.name, body)
        else:
            faults = faults_of_body(self._model, body)
        if faults is not None:
            raise MalformedRequestError(faults)

    async def _enqueue(self, task_queue: TaskQueue, text: str, headers: TaskHeaders, most: int) -> str:
        """Queue the task of a valid request, whose text is passed on untouched, and return its id.

        Raises the 413 of one that takes more than `most` bytes as a message, or more than SQS turns out to take.
        """
        task_id = task_id_of(self.task_type.name, headers.idempotency_key)
        tracing.tracer.of_task(task_id)
        message = encode_task(task_id, self.task_type.name, text, headers.delay_seconds)
        size = utf8_bytes(message)
        if size > most:
            raise too_large(str(size), most)
        try:
            await task_queue.enqueue(
                task_id, message, delay_seconds=headers.delay_seconds, message_group_id=headers.message_group_id
            )
        except TaskTooLargeError as error:
            raise too_large_for_queue(size) from error
        except EnqueueError as error:
            raise HTTPException(status.HTTP_500_INTERNAL_SERVER_ERROR, COULD_NOT_BE_QUEUED) from error
        log.info(log_events.ACCEPTED, task_id=task_id, task_type=self.task_type.name, **headers.as_log())
        return task_id


def task_id_of(task_type: str, idempotency_key: str | None) -> str:
    """Return the id of a new task: the same for the same idempotency key, without one it is unique."""
    if idempotency_key is None:
        return str(uuid.uuid4())
    return str(uuid.uuid5(_IDEMPOTENT_TASKS, f"{task_type}:{idempotency_key}"))
