"""The routes of new tasks: which types there are, and to submit one."""

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Request, Response, status
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.console.answers import answer, validation_detail
from services.console.api_client import Api
from services.primitives import exact_json

router = APIRouter()

# A task is as deep as the API takes one, in an object of its own.
_MAX_DEPTH = exact_json.MAX_DEPTH + 1


_HeaderValue = Annotated[str, Field(pattern="^[ -~]*$")]
"""What goes into a header as it is; whether it may stand there, the API says."""


class SubmitRequest(BaseModel):
    """A task, the route of its type, and the headers that it is sent with."""

    model_config = ConfigDict(extra="forbid")

    route: str
    request: Any
    headers: dict[str, _HeaderValue] = {}


@router.get("/api/task-types")
async def task_types(request: Request) -> Response:
    """Answer the task types, each with the schema of its request."""
    return answer(await _api_of(request).task_types())


@router.post("/api/submit")
async def submit(request: Request) -> Response:
    """Submit a task to the API, its numbers to the digit, and pass on what the API answers."""
    task = _read(await request.body())
    answered, body = await _api_of(request).submit(task.route, task.request, task.headers)
    return answer({"status": answered, "body": body})


def _read(body: bytes) -> SubmitRequest:
    """Read the request itself: FastAPI would round its numbers."""
    try:
        return SubmitRequest.model_validate(exact_json.loads(body, max_depth=_MAX_DEPTH))
    except ValidationError as error:
        raise _unprocessable(validation_detail(error.errors())) from error
    except ValueError as error:
        raise _unprocessable(f"The request is no JSON: {error}") from error


def _unprocessable(detail: str) -> HTTPException:
    return HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, detail)


def _api_of(request: Request) -> Api:
    api: Api = request.app.state.api
    return api
