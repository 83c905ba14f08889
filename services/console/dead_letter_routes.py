"""The routes of the dead messages: to look at them, and to bring them back."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.console.answers import answer, json_answer
from services.console.dead_letters import DeadLetters, names_of, selection_of
from services.dead_letters.selection import Criteria
from services.streams.printable import json_text

router = APIRouter()

MOST_IDS = 1000


class RedriveRequest(BaseModel):
    """Which messages are to return to the queues they came from."""

    model_config = ConfigDict(extra="forbid")

    queue: str | None = None
    """Only those of this queue."""
    ids: Annotated[list[str], Field(max_length=MOST_IDS)] | None = None
    all: bool = False
    reason: str | None = None
    task_type: str | None = None
    dry_run: bool = False
    """Only answer what would be moved."""


@router.get("/api/dead-letters")
async def browse(
    request: Request,
    queue: str = "",
    reason: str = "",
    task_type: str = "",
    limit: Annotated[int, Query(ge=1, le=10_000)] = 200,
) -> Response:
    """Answer what `services.dlq list --json` prints of the queues that a task type claims.

    What it looks at is hidden from others for seconds.
    """
    criteria = Criteria(reason or None, task_type or None)
    return _as_printed(await _dead_letters_of(request).browse(queue or None, criteria, limit))


@router.get("/api/dead-letters/{wanted:path}")
async def show(request: Request, wanted: str) -> Response:
    """Answer what `services.dlq show --json` prints of one message."""
    return _as_printed(await _dead_letters_of(request).show(wanted))


@router.post("/api/redrive")
async def redrive(request: Request, wanted: RedriveRequest) -> Response:
    """Redrive those of some ids, those that match, or all, of one queue or of every one."""
    dead_letters = _dead_letters_of(request)
    names = names_of(wanted.queue or None, dead_letters.names)
    criteria = Criteria(wanted.reason or None, wanted.task_type or None)
    selection = selection_of(names, wanted.ids or [], criteria, take_all=wanted.all)
    done = await (dead_letters.plan(selection) if wanted.dry_run else dead_letters.redrive(selection))
    return answer(done.as_json())


def _as_printed(content: Any) -> Response:
    return json_answer(json_text(content))


def _dead_letters_of(request: Request) -> DeadLetters:
    dead_letters: DeadLetters = request.app.state.dead_letters
    return dead_letters
