"""What the API says of itself: where its documentation is, that it lives, and whether its queues answer."""

import asyncio
from typing import Annotated, Literal, NamedTuple

from fastapi import APIRouter, Request, Response, status
from pydantic import BaseModel, Field

from services.api.enqueue import TaskQueue
from services.streams import output

router = APIRouter(tags=["status"])

CHECK_TIMEOUT_SECONDS = 3
"""How long a queue has to answer."""


class ServiceInfo(BaseModel):
    """Where to read on."""

    service_info: str
    documentation_swagger: str
    documentation_redoc: str


class Health(BaseModel):
    """The process lives."""

    state: Literal["healthy"]


class Readiness(BaseModel):
    """Whether tasks can be accepted now."""

    state: Literal["ready", "unready"]
    queues: Annotated[dict[str, str], Field(description='"ok", or what is not as it should be')]
    reasons: Annotated[list[str], Field(description="What else does not work, such as the log")]


@router.get("/", operation_id="getServiceInfo", summary="Where to read on")
async def service_info(request: Request) -> ServiceInfo:
    """Point to the interactive documentation."""
    base = str(request.base_url).rstrip("/")
    return ServiceInfo(
        service_info="Async tasks: post a task, hear its outcome at your callback",
        documentation_swagger=f"{base}/docs",
        documentation_redoc=f"{base}/redoc",
    )


@router.get("/healthcheck", operation_id="getHealth", summary="The process lives")
async def healthcheck() -> Health:
    """Answer that the process lives; it says nothing of the queues."""
    return Health(state="healthy")


@router.get(
    "/readyz",
    operation_id="getReadiness",
    summary="The queues answer",
    responses={status.HTTP_503_SERVICE_UNAVAILABLE: {"model": Readiness, "description": "A queue does not answer"}},
)
async def readyz(request: Request, response: Response) -> Readiness:
    """Ask every queue, and answer 503 with what does not work.

    A queue that is not as declared is named, and takes tasks all the same.
    """
    task_queues: dict[str, TaskQueue] = request.app.state.task_queues
    timeout_seconds: float = request.app.state.check_timeout_seconds
    answers = await asyncio.gather(*(_answer_of(task_queue, timeout_seconds) for task_queue in task_queues.values()))
    queues = {name: answer.text for name, answer in zip(task_queues, answers, strict=True)}
    reasons = output.unready_reasons()
    if reasons or not all(answer.takes_tasks for answer in answers):
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
        return Readiness(state="unready", queues=queues, reasons=reasons)
    return Readiness(state="ready", queues=queues, reasons=[])


class _Answer(NamedTuple):
    text: str
    takes_tasks: bool


async def _answer_of(task_queue: TaskQueue, timeout_seconds: float) -> _Answer:
    try:
        async with asyncio.timeout(timeout_seconds):
            notes = await task_queue.check()
    except TimeoutError:
        return _Answer(f"no answer within {timeout_seconds} seconds", takes_tasks=False)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is the answer to the question
        return _Answer(f"{type(error).__name__}: {error}", takes_tasks=False)
    return _Answer("; ".join(notes) or "ok", takes_tasks=True)
