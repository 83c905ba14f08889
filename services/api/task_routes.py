"""The routes that accept tasks: one for each task type, made from what it declares."""

import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Body, HTTPException, Request, status
from pydantic import BaseModel

from services.api.enqueue import EnqueueError, TaskQueue
from services.api.errors import COULD_NOT_BE_QUEUED
from services.api.request_body import TaskRoute, too_large
from services.messages import MAX_BODY_BYTES, encode_task
from services.sqs import message_bytes
from services.task_types import TaskTypes
from services.tasks.task_type import TaskType


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


class ErrorDetail(BaseModel):
    """Why the request was not accepted."""

    detail: str


_RESPONSES: dict[int | str, dict[str, Any]] = {
    status.HTTP_413_CONTENT_TOO_LARGE: {"model": ErrorDetail, "description": "Larger than an SQS message can be"},
    status.HTTP_500_INTERNAL_SERVER_ERROR: {"model": ErrorDetail, "description": COULD_NOT_BE_QUEUED},
}


def make_task_router(task_types: TaskTypes, example_receiver_url: str) -> APIRouter:
    """Return the routes of all task types; their examples are prefilled with the receiver's URL."""
    router = APIRouter(route_class=TaskRoute, tags=["tasks"])
    for task_type in task_types.values():
        router.add_api_route(
            task_type.route,
            _make_endpoint(task_type, example_receiver_url),
            methods=["POST"],
            name=task_type.name,
            summary=task_type.summary,
            description=task_type.item.__doc__,
            responses=_RESPONSES,
        )
    return router


def _make_endpoint(task_type: TaskType[Any], example_receiver_url: str) -> Callable[..., Awaitable[Accepted]]:
    example = make_example(task_type, example_receiver_url)
    request_model = task_type.request_model

    async def accept(
        request: Request,
        _task: Annotated[request_model, Body(openapi_examples={"example": {"value": example}})],  # type: ignore[valid-type]
    ) -> Accepted:
        task_queue: TaskQueue = request.app.state.task_queues[task_type.name]
        task_id = str(uuid.uuid4())
        # The text of the client, not the model's: it is passed on untouched.
        message = encode_task(task_id, task_type.name, (await request.body()).decode("utf-8-sig"))
        size = message_bytes(message)
        if size > MAX_BODY_BYTES:
            raise too_large(str(size))
        try:
            await task_queue.enqueue(task_id, message)
        except EnqueueError as error:
            raise HTTPException(status.HTTP_500_INTERNAL_SERVER_ERROR, COULD_NOT_BE_QUEUED) from error
        return Accepted.of(task_id)

    return accept


def make_example(task_type: TaskType[Any], receiver_url: str) -> dict[str, Any]:
    """Return a request that runs as it is; `{receiver}` in the type's example becomes the receiver's origin."""
    address = urlsplit(receiver_url)
    message = json.dumps(list(task_type.example)).replace("{receiver}", f"{address.scheme}://{address.netloc}")
    return {"callback_url": receiver_url, "message": json.loads(message)}
