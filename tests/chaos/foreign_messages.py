"""Messages that are none of ours, as they get into queues by mistake, by a bug or with another version."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from services.messages import VERSION


@dataclass(frozen=True, slots=True)
class ForeignMessage:
    """What is sent; its `marker` stands in the body, by which it is found wherever it goes."""

    kind: str
    marker: str
    body: str


def foreign_messages(new_marker: Callable[[], str], callback_url: str) -> list[ForeignMessage]:
    """Return one message of each kind, each with a marker of its own."""
    return [_make(kind, new_marker(), callback_url) for kind in _KINDS]


def _make(kind: str, marker: str, callback_url: str) -> ForeignMessage:
    return ForeignMessage(kind, marker, _KINDS[kind](marker, callback_url))


def _garbage(marker: str, _callback_url: str) -> str:
    return f"{marker} \u2603 }}{{ this is no JSON"


def _truncated(marker: str, callback_url: str) -> str:
    whole = json.dumps(_task(marker, callback_url))
    return whole[: len(whole) * 2 // 3]


def _no_object(marker: str, _callback_url: str) -> str:
    return json.dumps([marker])


def _from_elsewhere(marker: str, _callback_url: str) -> str:
    """What S3 sends to a queue that a bucket's notifications were pointed to."""
    record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {"object": {"key": marker}}}
    return json.dumps({"Records": [record]})


def _of_the_future(marker: str, callback_url: str) -> str:
    return json.dumps({**_task(marker, callback_url), "version": VERSION + 98})


def _of_another_type(marker: str, callback_url: str) -> str:
    return json.dumps(_task(marker, callback_url))


def _with_nothing_in_it(marker: str, _callback_url: str) -> str:
    return json.dumps({"version": VERSION, "task_id": marker})


def _without_a_usable_callback(marker: str, _callback_url: str) -> str:
    """Read as a task or as an outcome, its callback is nowhere."""
    outcome = {"callback_url": "gopher://nowhere", "body": "{}"}
    return json.dumps({**_task(marker, "gopher://nowhere"), **outcome})


def _task(marker: str, callback_url: str) -> dict[str, Any]:
    request = {"callback_url": callback_url, "message": [{"name": "foreign"}]}
    return {"version": VERSION, "task_id": marker, "task_type": "unheard-of", "accepted_at": 0, "request": request}


_KINDS: dict[str, Callable[[str, str], str]] = {
    "garbage": _garbage,
    "truncated": _truncated,
    "no object": _no_object,
    "from elsewhere": _from_elsewhere,
    "of the future": _of_the_future,
    "of another type": _of_another_type,
    "with nothing in it": _with_nothing_in_it,
    "without a usable callback": _without_a_usable_callback,
}
