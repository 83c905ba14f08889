"""The callback inbox: stores every delivery attempt, and misbehaves when asked to."""

import re
import sqlite3
import time
from http import HTTPStatus
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect

from receiver import exact_json, log_events
from receiver.broken_answers import BrokenAnswer
from receiver.dependencies import CanStream, Limit, RequestBody, SettingsOfApp, StoreOfApp, stopping_of, wait_out
from receiver.exact_json import ExactJSONResponse
from receiver.misbehaviour import Misbehaviour, StandingOfApp, ensure_it_can_be_had
from receiver.signatures import Signature, judge_signature
from receiver.store import ALWAYS, Delivery, DeliveryFault, DeliveryHead, NewDelivery, Outcome, Store, Task, TaskState

# RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5
STATUSES_WITHOUT_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.RESET_CONTENT, HTTPStatus.NOT_MODIFIED}

FAILURE_KEYS = {"details", "message"}  # the error entry of a task that failed for good; an item's has one key, its name

# https://www.w3.org/TR/trace-context/#traceparent-header-field-values
TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")

router = APIRouter(tags=["callbacks"])
log = structlog.stdlib.get_logger("receiver")


class CallbackHead(BaseModel):
    """One delivery attempt of a callback, without what came with it."""

    id: int
    task_id: str | None = Field(description="The webhook-id header, else the body's task_id")
    received_at: str = Field(description="ISO 8601, UTC")
    attempt: int = Field(description="1 for the first delivery of the task; those of no task are counted together")
    status: int = Field(description="The status answered; it means nothing where there is a fault")
    fault: DeliveryFault | None = Field(description="Why the answer never became whole; null: it did")
    outcome: Outcome | None = Field(description="Whether the body is a task's success or failure; null: it is neither")
    answered_after_ms: float | None = Field(
        description="Milliseconds from the request's arrival until its answer was sent, or its sender had left; "
        "null: it is under way, or was when the receiver was killed"
    )
    signature: Signature


class Callback(CallbackHead):
    """One delivery attempt of a callback."""

    headers: dict[str, str] = Field(description="Names in lower case; values of a repeated header joined by comma")
    body: Any = Field(description="The JSON that came, digit by digit, or null where it is none")
    raw_body: str = Field(description="The body as received; bytes that are not UTF-8 show as U+FFFD")


class Callbacks(BaseModel):
    """Delivery attempts, oldest first."""

    callbacks: list[Callback]


class InboxTask(BaseModel):
    """Where a task stands, as the page lists it."""

    task_id: str | None = Field(description="null: this is all deliveries of no task")
    state: TaskState = Field(
        description="What the newest delivery that was taken reported: `success`, `failure` or `no_outcome`; "
        "`not_taken`: none was taken yet"
    )
    deliveries: int
    newest: CallbackHead


class InboxTasks(BaseModel):
    """Tasks by their newest delivery, newest first, and how many there are in each state."""

    tasks: list[InboxTask]
    states: dict[TaskState, int]


class TaskSummary(BaseModel):
    """What came of one task. A delivery is taken when it was answered 2xx, the whole answer."""

    task_id: str | None
    deliveries: int
    taken: int
    successes: int = Field(description="Deliveries taken that report the task's success")
    failures: int = Field(description="Deliveries taken that report its failure for good")
    first_taken_at: str | None = Field(description="ISO 8601, UTC; null: none was taken")


class Summary(BaseModel):
    """What came of every task that a delivery came of."""

    tasks: list[TaskSummary]


async def _arrived_at() -> float:
    return time.monotonic()


ArrivedAt = Annotated[float, Depends(_arrived_at)]


async def _new_delivery(request: Request, body: RequestBody, settings: SettingsOfApp) -> NewDelivery:
    headers = request.headers
    signature = judge_signature(body, joined(headers.items()), settings.signing_secrets)
    parsed = exact_json.parse(body)
    return NewDelivery(
        task_id=headers.get("webhook-id") or task_id_in(parsed),
        headers=headers.items(),
        raw_body=body,
        verdict=signature.verdict,
        reason=signature.reason,
        outcome=outcome_in(parsed),
    )


NewDeliveryOfRequest = Annotated[NewDelivery, Depends(_new_delivery)]


@router.post(
    "/callback",
    summary="Receive a callback",
    responses={
        413: {"description": "The body is too large"},
        501: {"description": "The receiver is a function, whose answers cannot be broken: nothing was stored"},
        507: {"description": "The disk is full: nothing was stored"},
    },
    openapi_extra={
        "requestBody": {
            "content": {"application/json": {"example": {"results": [{"calc_0": 3}], "errors": [], "task_id": "t-1"}}}
        }
    },
)
async def receive(  # noqa: PLR0913, PLR0917  # what FastAPI gives
    request: Request,
    arrived_at: ArrivedAt,  # first: it is taken before the body is read
    new: NewDeliveryOfRequest,
    asked: Annotated[Misbehaviour, Query()],
    standing: StandingOfApp,
    store: StoreOfApp,
    can_stream: CanStream,
) -> Response:
    """Store the delivery, then answer 200, or as the query parameters ask, else as PUT /misbehaviour has ordered.

    It is stored before any delay, so that the delivery of a client that gave up is seen too; it is logged after it,
    when it is known whether there is anybody to answer.
    """
    ensure_it_can_be_had(asked, can_stream=can_stream)
    misbehaviour = asked if asked.model_fields_set else standing.take()
    delivery = await store.add_delivery(
        new, status=misbehaviour.status, fault=misbehaviour.fault, times=misbehaviour.times
    )
    traceparent = request.headers.get("traceparent", "")
    try:
        if delivery.attempt <= misbehaviour.times:
            await wait_out(misbehaviour.delay, request)
    except ClientDisconnect:
        _log_delivery(delivery, "left", traceparent)
        await _note_answered(store, delivery.id, arrived_at, "left")
        raise
    _log_delivery(delivery, delivery.fault, traceparent)
    answered = (
        BrokenAnswer(delivery.fault, stopping_of(request), request.app.state.drip_seconds)
        if delivery.fault and delivery.fault != "left"
        else answer(delivery.status, misbehaviour.retry_after)
    )
    answered.background = BackgroundTask(_note_answered, store, delivery.id, arrived_at)
    return answered


@router.get("/callbacks", summary="List delivery attempts", response_model=Callbacks)
async def list_callbacks(
    store: StoreOfApp,
    task_id: Annotated[str | None, Query(description="Only this task's; empty: only those of no task")] = None,
    limit: Limit = 1000,
) -> Response:
    """The newest `limit` delivery attempts of a task, or of all, listed oldest first."""
    deliveries = await store.deliveries(task_id=task_id, limit=limit)
    return ExactJSONResponse({"callbacks": [listed(delivery) for delivery in reversed(deliveries)]})


@router.get("/tasks", summary="List the tasks that were heard of")
async def list_tasks(
    store: StoreOfApp,
    text: Annotated[
        str | None, Query(description="Only those with this text in their id, a body, or why a signature is invalid")
    ] = None,
    state: Annotated[TaskState | None, Query(description="Only those in this state")] = None,
    before: Annotated[
        int, Query(ge=1, le=ALWAYS, description="Only those whose newest delivery has a lower id: the next page")
    ] = ALWAYS,
    limit: Limit = 100,
) -> InboxTasks:
    """The newest `limit` tasks by their newest delivery, newest first; `states` counts all that have the text."""
    tasks = await store.tasks(text=text, state=state, before=before, limit=limit)
    states = await store.count_tasks(text=text)
    return InboxTasks(tasks=[_inbox_task(task) for task in tasks], states=states)


@router.get("/callbacks/summary", summary="Sum up all tasks")
async def summarize_callbacks(store: StoreOfApp) -> Summary:
    """What came of every task, in the order of their first deliveries; deliveries of no task are one entry."""
    return Summary(tasks=[TaskSummary(**task) for task in await store.summary()])


@router.delete("/callbacks", summary="Empty the inbox", status_code=204)
async def delete_callbacks(store: StoreOfApp) -> None:
    """Forget every delivery; attempts are counted from 1 again."""
    await store.delete_deliveries()


def task_id_in(body: Any) -> str | None:
    """The task_id that a body has."""
    match body:
        case {"task_id": str(task_id)}:
            # SQLite's text cannot hold the lone surrogates that JSON can
            return task_id.encode(errors="replace").decode() or None
    return None


def outcome_in(body: Any) -> Outcome | None:
    """Whether a body reports a task's success or its failure for good; None where it is no outcome."""
    match body:
        case {"results": [], "errors": [dict(error)]} if error.keys() == FAILURE_KEYS:
            return "failure"
        case {"results": list(), "errors": list()}:
            return "success"
    return None


def answer(status: int, retry_after: int | None) -> Response:
    """The answer to a delivery: `ok` with a 2xx status, else a refusal."""
    refused = is_refusal(status)
    headers = {"Retry-After": str(retry_after)} if refused and retry_after is not None else {}
    if status in STATUSES_WITHOUT_BODY:
        return Response(status_code=status, headers=headers)
    return ExactJSONResponse({"status": "refused" if refused else "ok"}, status, headers)


def is_refusal(status: int) -> bool:
    """Whether a status says that the delivery was not taken."""
    return status >= HTTPStatus.MULTIPLE_CHOICES


def listed(delivery: Delivery) -> dict[str, Any]:
    """The delivery in the shape of `Callback`."""
    return {
        **head_of(delivery),
        "headers": joined(delivery.headers),
        "body": exact_json.verbatim(delivery.raw_body),
        "raw_body": delivery.raw_body.decode(errors="replace"),
    }


def head_of(delivery: DeliveryHead) -> dict[str, Any]:
    """The delivery in the shape of `CallbackHead`."""
    return {
        "id": delivery.id,
        "task_id": delivery.task_id,
        "received_at": delivery.received_at,
        "attempt": delivery.attempt,
        "status": delivery.status,
        "fault": delivery.fault,
        "outcome": delivery.outcome,
        "answered_after_ms": delivery.answered_after_ms,
        "signature": {"verdict": delivery.verdict, "reason": delivery.reason},
    }


def joined(headers: Any) -> dict[str, str]:
    """Headers by name, the values of a repeated one joined by comma (RFC 9110, section 5.3)."""
    values: dict[str, str] = {}
    for name, value in headers:
        values[name] = f"{values[name]}, {value}" if name in values else value
    return values


def trace_id_in(traceparent: str) -> str | None:
    """The trace that a delivery belongs to, by its traceparent header."""
    match = TRACEPARENT.fullmatch(traceparent)
    return match[1] if match else None


def _inbox_task(task: Task) -> InboxTask:
    newest = CallbackHead(**head_of(task.newest))
    return InboxTask(task_id=newest.task_id, state=task.state, deliveries=task.deliveries, newest=newest)


def _log_delivery(delivery: Delivery, fault: DeliveryFault | None, traceparent: str) -> None:
    answered = {"fault": fault} if fault else {"status": delivery.status}
    trace_id = trace_id_in(traceparent)
    trace = {} if trace_id is None else {"trace_id": trace_id}
    fields = {"task_id": delivery.task_id, "attempt": delivery.attempt, **answered, "outcome": delivery.outcome}
    log.info(log_events.CALLBACK_RECEIVED, **fields, **trace)


async def _note_answered(store: Store, delivery_id: int, arrived_at: float, fault: DeliveryFault | None = None) -> None:
    after_ms = round((time.monotonic() - arrived_at) * 1000, 1)
    try:
        await store.set_answered(delivery_id, after_ms=after_ms, fault=fault)
    except sqlite3.OperationalError as error:  # the disk is full: the delivery itself is stored
        log.warning("time of the answer not stored", delivery=delivery_id, error=str(error))
