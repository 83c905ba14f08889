"""The callback inbox: stores every delivery attempt, and misbehaves when asked to."""

from http import HTTPStatus
from typing import Annotated, Any, Self

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field, model_validator
from starlette.datastructures import Headers

from receiver import exact_json
from receiver.dependencies import Delay, Limit, RequestBody, SettingsOfApp, StoreOfApp, wait_out
from receiver.exact_json import ExactJSONResponse
from receiver.signatures import Signature, judge_signature
from receiver.store import ALWAYS, Delivery, NewDelivery

# RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5
STATUSES_WITHOUT_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.RESET_CONTENT, HTTPStatus.NOT_MODIFIED}

router = APIRouter(tags=["callbacks"])


class Misbehaviour(BaseModel):
    """How a delivery is to be answered, for demonstration."""

    status: int = Field(default=200, ge=200, le=599, description="Answer with this status")
    times: int = Field(
        default=ALWAYS, ge=0, le=ALWAYS, description="Only the first so many deliveries of each task; left out: all"
    )
    delay: Delay = 0
    retry_after: int | None = Field(default=None, ge=0, description="Seconds for a refusal's Retry-After header")

    @model_validator(mode="after")
    def _names_the_status(self) -> Self:
        if {"times", "retry_after"} & self.model_fields_set and "status" not in self.model_fields_set:
            raise ValueError("times and retry_after need a status")
        return self


class Callback(BaseModel):
    """One delivery attempt of a callback."""

    id: int
    task_id: str | None = Field(description="The webhook-id header, else the body's task_id")
    received_at: str = Field(description="ISO 8601, UTC")
    attempt: int = Field(description="1 for the first delivery of the task; those of no task are counted together")
    status: int = Field(description="The status answered")
    headers: dict[str, str] = Field(description="Names in lower case; values of a repeated header joined by comma")
    body: Any = Field(description="The JSON that came, digit by digit, or null where it is none")
    raw_body: str = Field(description="The body as received; bytes that are not UTF-8 show as U+FFFD")
    signature: Signature


class Callbacks(BaseModel):
    """Delivery attempts, oldest first."""

    callbacks: list[Callback]


@router.post(
    "/callback",
    summary="Receive a callback",
    responses={413: {"description": "The body is too large"}},
    openapi_extra={
        "requestBody": {
            "content": {"application/json": {"example": {"results": [{"calc_0": 3}], "errors": [], "task_id": "t-1"}}}
        }
    },
)
async def receive(
    request: Request,
    body: RequestBody,
    asked: Annotated[Misbehaviour, Query()],
    settings: SettingsOfApp,
    store: StoreOfApp,
) -> Response:
    """Store the delivery, then answer 200, or as the query parameters ask.

    It is stored before any delay, so that the delivery of a client that gave up is seen too.
    """
    new = new_delivery(body, request.headers, settings.signing_secrets)
    delivery = await store.add_delivery(new, status=asked.status, times=asked.times)
    await wait_out(asked.delay, request)
    return answer(delivery.status, asked.retry_after)


@router.get("/callbacks", summary="List delivery attempts", response_model=Callbacks)
async def list_callbacks(store: StoreOfApp, task_id: str | None = None, limit: Limit = 1000) -> Response:
    """The newest `limit` delivery attempts of a task, or of all, listed oldest first."""
    deliveries = await store.deliveries(task_id=task_id, limit=limit)
    return ExactJSONResponse({"callbacks": [listed(delivery) for delivery in reversed(deliveries)]})


@router.delete("/callbacks", summary="Empty the inbox", status_code=204)
async def delete_callbacks(store: StoreOfApp) -> None:
    """Forget every delivery; attempts are counted from 1 again."""
    await store.delete_deliveries()


def new_delivery(body: bytes, headers: Headers, secrets: list[str]) -> NewDelivery:
    """What is to be stored of a delivery."""
    signature = judge_signature(body, joined(headers.items()), secrets)
    return NewDelivery(
        task_id=headers.get("webhook-id") or task_id_in(body),
        headers=headers.items(),
        raw_body=body,
        verdict=signature.verdict,
        reason=signature.reason,
    )


def task_id_in(body: bytes) -> str | None:
    """The task_id that a body tells."""
    match exact_json.parse(body):
        case {"task_id": str(task_id)}:
            # SQLite's text cannot hold the lone surrogates that JSON can
            return task_id.encode(errors="replace").decode()
    return None


def answer(status: int, retry_after: int | None) -> Response:
    """The answer to a delivery: `ok` with a 2xx status, else a refusal."""
    refused = status >= HTTPStatus.MULTIPLE_CHOICES
    headers = {"Retry-After": str(retry_after)} if refused and retry_after is not None else {}
    if status in STATUSES_WITHOUT_BODY:
        return Response(status_code=status, headers=headers)
    return ExactJSONResponse({"status": "refused" if refused else "ok"}, status, headers)


def listed(delivery: Delivery) -> dict[str, Any]:
    """The delivery in the shape of `Callback`."""
    return {
        "id": delivery.id,
        "task_id": delivery.task_id,
        "received_at": delivery.received_at,
        "attempt": delivery.attempt,
        "status": delivery.status,
        "headers": joined(delivery.headers),
        "body": exact_json.verbatim(delivery.raw_body),
        "raw_body": delivery.raw_body.decode(errors="replace"),
        "signature": {"verdict": delivery.verdict, "reason": delivery.reason},
    }


def joined(headers: Any) -> dict[str, str]:
    """Headers by name, the values of a repeated one joined by comma (RFC 9110, section 5.3)."""
    values: dict[str, str] = {}
    for name, value in headers:
        values[name] = f"{values[name]}, {value}" if name in values else value
    return values
