"""The page that shows callbacks and alerts to a person."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from receiver import exact_json
from receiver.callbacks import is_refusal, outcome_in
from receiver.dependencies import StoreOfApp
from receiver.store import Delivery, SlackMessage

SHOWN = 50  # newest of each kind; the API lists the rest
SHOWN_CHARACTERS = 20_000  # of a body
SUCCESS_SUFFIXES = {0: "", 1: ", 1 item failed"}

router = APIRouter(tags=["page"])
templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@router.get("/", summary="Callbacks and alerts on a page", response_class=HTMLResponse)
async def page(store: StoreOfApp) -> HTMLResponse:
    """The newest callbacks and alerts, newest first."""
    html = templates.get_template("index.html").render(
        callbacks=[callback_row(delivery) for delivery in await store.deliveries(limit=SHOWN)],
        alerts=[alert_row(message) for message in await store.slack_messages(limit=SHOWN)],
        shown=SHOWN,
    )
    # JSON can carry lone surrogates, which UTF-8 cannot
    return HTMLResponse(html.encode(errors="replace"))


def callback_row(delivery: Delivery) -> dict[str, Any]:
    """What the page tells of a delivery."""
    body = exact_json.parse(delivery.raw_body)
    return {
        "received_at": _for_people(delivery.received_at),
        "task_id": delivery.task_id,
        "attempt": delivery.attempt,
        "answered": answered(delivery),
        "outcome": outcome(body),
        "verdict": delivery.verdict,
        "reason": delivery.reason,
        "body": _shortened(delivery.raw_body.decode(errors="replace") if body is None else exact_json.pretty(body)),
    }


def answered(delivery: Delivery) -> str:
    """How a delivery was answered, in words."""
    if delivery.fault:
        return delivery.fault
    return f"{delivery.status}, refused" if is_refusal(delivery.status) else str(delivery.status)


def alert_row(message: SlackMessage) -> dict[str, Any]:
    """What the page tells of an alert."""
    return {
        "received_at": _for_people(message.received_at),
        "channel": message.arguments["channel"],
        "text": message.arguments.get("text", ""),
        "arguments": _shortened(exact_json.pretty(message.arguments)),
    }


def outcome(body: Any) -> str:
    """A task's outcome in words."""
    match outcome_in(body):
        case None:
            return "not an outcome"
        case "failure":
            return "failure"
        case "success":
            failed = len(body["errors"])
            return f"success{SUCCESS_SUFFIXES.get(failed, f', {failed} items failed')}"


def _for_people(received_at: str) -> str:
    day, _, moment = received_at.removesuffix("+00:00").partition("T")
    return f"{day} {moment} UTC"


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}\n… ({len(text)} characters)"
