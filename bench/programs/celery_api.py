"""The same FastAPI endpoint before Celery: `python -m bench.programs.celery_api`, on `API_PORT`.

The request is validated as the project's API does it, as far as a model says it, and the answer is the same. The
endpoint is no coroutine, so that FastAPI runs it in its threads: Celery's client blocks.
"""

import os
import uuid
from typing import Annotated, Any, Literal

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, HttpUrl

from bench.programs.celery_app import calculate


class Item(BaseModel):
    """A calculation."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=256)]
    num_1: Annotated[float, Field(allow_inf_nan=False)]
    num_2: Annotated[float, Field(allow_inf_nan=False)]
    operation: Literal["+", "-", "*", "/"]
    result_rounding: Annotated[int, Field(ge=-12, le=12)]


class Task(BaseModel):
    """A task as the client posts it."""

    model_config = ConfigDict(extra="forbid")

    callback_url: HttpUrl
    message: Annotated[list[Item], Field(min_length=1, max_length=1000)]


class Accepted(BaseModel):
    """The answer."""

    message: str
    task_id: str
    async_job_response_structure: dict[str, Any]


app = FastAPI()


@app.post("/v1/calculation/basic")
def accept(task: Task) -> Accepted:
    """Return when SQS has confirmed the task."""
    task_id = str(uuid.uuid4())
    items = [item.model_dump() for item in task.message]
    calculate.apply_async((task_id, items, str(task.callback_url)))
    return Accepted(
        message="Processing of your request has started",
        task_id=task_id,
        async_job_response_structure={"results": [{}], "errors": [{}], "task_id": task_id},
    )


@app.get("/healthcheck")
async def healthcheck() -> dict[str, str]:
    """Answer that the process lives."""
    return {"state": "healthy"}


if __name__ == "__main__":
    uvicorn.run(
        app, port=int(os.environ["API_PORT"]), loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )
