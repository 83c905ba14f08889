"""A stand-in for Slack's Web API: what an alert would be in Slack can be seen offline.

Arguments, answers and errors are those of https://docs.slack.dev/reference/methods/chat.postMessage
"""

import re
from typing import Annotated, Any
from urllib.parse import parse_qsl

import simplejson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from receiver import exact_json
from receiver.dependencies import Limit, RequestBody, StoreOfApp
from receiver.exact_json import ExactJSONResponse
from receiver.store import SlackMessage

TOKEN_PREFIXES = ("xoxb-", "xoxp-")  # of a bot and of a user
FORM = "application/x-www-form-urlencoded"
LIST_ERRORS = {"blocks": "invalid_blocks", "attachments": "invalid_attachments"}

router = APIRouter(prefix="/slack", tags=["Slack stand-in"])


class PostedMessage(BaseModel):
    """A message as it was posted, with every argument given."""

    model_config = ConfigDict(extra="allow")

    ts: str = Field(description="Slack's key of the message: unix time in seconds, unique and increasing")
    channel: str
    text: str
    blocks: list[Any]
    received_at: str = Field(description="ISO 8601, UTC")


class PostedMessages(BaseModel):
    """Messages, oldest first."""

    messages: list[PostedMessage]


class RateLimit(BaseModel):
    """Refuse the next calls."""

    times: int = Field(ge=0, le=1_000_000, description="How many of the next calls are answered 429; 0 lifts the limit")
    retry_after: int = Field(default=1, ge=0, le=86_400, description="Seconds in their Retry-After header")


@router.post(
    "/api/chat.postMessage",
    summary="Post a message",
    openapi_extra={
        "requestBody": {
            "content": {
                "application/json": {"example": {"channel": "#alerts", "text": "A task failed"}},
                FORM: {"example": {"channel": "#alerts", "text": "A task failed"}},
            }
        }
    },
)
async def post_message(request: Request, body: RequestBody, store: StoreOfApp) -> Response:
    """Answer as Slack does: 200 with `ok`, true or false with an `error`; 429 while a rate limit is set.

    The token is the Authorization header's or the `token` argument: any that starts with xoxb- or xoxp- will do.
    """
    retry_after = await store.use_rate_limit()
    if retry_after is not None:
        return ExactJSONResponse(failed("ratelimited"), 429, {"Retry-After": str(retry_after)})
    arguments = arguments_in(body, request.headers.get("content-type", ""))
    if arguments is None:
        return ExactJSONResponse(failed("invalid_json"))
    token = bearer_token(request.headers.get("authorization", "")) or arguments.pop("token", "")
    error = error_of(str(token), arguments)
    if error is not None:
        return ExactJSONResponse(failed(error))
    return ExactJSONResponse(posted(await store.add_slack_message(arguments)))


@router.get("/messages", summary="List messages", response_model=PostedMessages)
async def list_messages(
    store: StoreOfApp,
    task_id: Annotated[str | None, Query(description="Only those that name this task")] = None,
    limit: Limit = 1000,
) -> Response:
    """The newest `limit` messages, listed oldest first."""
    messages = await store.slack_messages(text=task_id, limit=limit)
    chosen = [message for message in reversed(messages) if task_id is None or names_task(message, task_id)]
    return ExactJSONResponse({"messages": [listed(message) for message in chosen]})


@router.delete("/messages", summary="Empty the channel", status_code=204)
async def delete_messages(store: StoreOfApp) -> None:
    """Forget every message."""
    await store.delete_slack_messages()


@router.put("/rate-limit", summary="Refuse the next calls")
async def set_rate_limit(rate_limit: RateLimit, store: StoreOfApp) -> RateLimit:
    """Answer the next `times` calls with 429 and Retry-After, as Slack does at more than a message a second."""
    await store.set_rate_limit(times=rate_limit.times, retry_after=rate_limit.retry_after)
    return rate_limit


def arguments_in(body: bytes, content_type: str) -> dict[str, Any] | None:
    """The arguments of a call, a form's or a JSON object's; None where the body is neither."""
    is_form = content_type.startswith(FORM)
    arguments = dict(parse_qsl(body.decode(errors="replace"))) if is_form else exact_json.parse(body)
    if not isinstance(arguments, dict):
        return None
    return {name: _structured(name, value) for name, value in arguments.items()}


def bearer_token(authorization: str) -> str:
    """The token of an Authorization header, empty where there is none."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def error_of(token: str, arguments: dict[str, Any]) -> str | None:
    """The error that Slack answers this call with, None for a good call."""
    if not token:
        return "not_authed"
    if not token.startswith(TOKEN_PREFIXES):
        return "invalid_auth"
    if not isinstance(arguments.get("channel"), str) or not arguments["channel"]:
        return "channel_not_found"
    for name, error in LIST_ERRORS.items():
        if not isinstance(arguments.get(name, []), list):
            return error
    if not any(arguments.get(name) for name in ("text", *LIST_ERRORS)):
        return "no_text"
    return None


def failed(error: str) -> dict[str, Any]:
    """Slack's answer to a call that it refuses."""
    return {"ok": False, "error": error}


def posted(message: SlackMessage) -> dict[str, Any]:
    """Slack's answer to a message that it posted."""
    content = {name: value for name, value in message.arguments.items() if name != "channel"}
    return {
        "ok": True,
        "channel": message.arguments["channel"],
        "ts": message.ts,
        "message": {"type": "message", "subtype": "bot_message", "text": "", **content, "ts": message.ts},
    }


def listed(message: SlackMessage) -> dict[str, Any]:
    """The message in the shape of `PostedMessage`."""
    return {"text": "", "blocks": [], **message.arguments, "ts": message.ts, "received_at": message.received_at}


def names_task(message: SlackMessage, task_id: str) -> bool:
    """Whether a message names this task: its id, and not one that only begins or ends like it."""
    whole_id = rf"(?<![\w-]){re.escape(task_id)}(?![\w-])"
    return re.search(whole_id, simplejson.dumps(message.arguments, ensure_ascii=False)) is not None


def _structured(name: str, value: Any) -> Any:
    """Blocks and attachments may come as a string of JSON; one that is no JSON stays, for `error_of` to refuse."""
    if name not in LIST_ERRORS or not isinstance(value, str):
        return value
    parsed = exact_json.parse(value.encode(errors="replace"))
    return value if parsed is None else parsed
