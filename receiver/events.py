"""What happens in the inbox, as server-sent events.

A client holds no memory but its place in the store's changes: it reads on from there when something has changed, so
that one that is slow, or was away, misses nothing and costs nothing.
https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import simplejson
from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from receiver import slack
from receiver.callbacks import head_of
from receiver.dependencies import CanStream, StoreOfApp, stopping_of
from receiver.misbehaviour import Standing, StandingOfApp
from receiver.store import Change
from receiver.waiting import first_of
from services.primitives.counts import read_count

RECONNECT_AFTER_MS = 1000
ASK_AGAIN_AFTER_MS = 3000  # where nothing can be streamed
MOST_AT_ONCE = 100  # changes that are read for one client
GATHER_SECONDS = 0.05  # a stream of changes is read that often, not for each of them

router = APIRouter(tags=["events"])


async def _stopping(request: Request) -> asyncio.Event:
    return stopping_of(request)


async def _start(
    store: StoreOfApp,
    last_event_id: Annotated[str | None, Header(description="Go on behind this event; else only what comes")] = None,
) -> int:
    newest = await store.newest_change()
    return start_of(last_event_id, newest)


@router.get("/events", summary="Hear what happens", response_class=EventSourceResponse)
async def events(  # noqa: PLR0913, PLR0917  # what FastAPI gives
    # A dependency: it is known before the answer begins, so that what comes from then on is sent.
    start: Annotated[int, Depends(_start)],
    store: StoreOfApp,
    standing: StandingOfApp,
    stopping: Annotated[asyncio.Event, Depends(_stopping)],
    can_stream: CanStream,
    task_id: Annotated[str | None, Query(description="Only what concerns this task")] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Send each event from now on, or behind `Last-Event-ID`, until the receiver stops.

    - `callback`: a delivery came; it is listed as by `GET /callbacks`, without `headers`, `body` and `raw_body`
    - `answered`: `{"id", "task_id", "answered_after_ms", "fault"}` of a delivery
    - `alert`: a message came for Slack, as listed by `GET /slack/messages`
    - `cleared`: `{"cleared": "callbacks"}` or `{"cleared": "alerts"}`
    - `misbehaviour`: what `GET /misbehaviour` answers, when it was ordered or lifted
    - `over`: null; the receiver cannot stream, and ends the answer: the inbox is to be read again after `retry`
    """
    if not can_stream:
        yield ServerSentEvent(event="over", retry=ASK_AGAIN_AFTER_MS, raw_data="null")
        return
    yield ServerSentEvent(id=str(start), retry=RECONNECT_AFTER_MS)
    place = start
    while not stopping.is_set():
        changed = store.changed  # before what is there is read
        changes = await store.changes(after=place, limit=MOST_AT_ONCE)
        for change in changes:
            if task_id is None or concerns(change, task_id):
                yield _event(change, standing)
        if changes:
            place = changes[-1].id
            await first_of(stopping, seconds=GATHER_SECONDS)
        else:
            await first_of(changed, stopping)


def start_of(last_event_id: str | None, newest: int) -> int:
    """The change behind which a client goes on. An id from beyond the newest is another database's: all is sent."""
    last = read_count(last_event_id or "")
    if last is None:
        return newest
    return last if last <= newest else 0


def concerns(change: Change, task_id: str) -> bool:
    """Whether a change is one of this task: of its deliveries, of an alert that names it, or of all there is."""
    if change.delivery is not None:
        return change.delivery.task_id == (task_id or None)
    if change.message is not None:
        return slack.names_task(change.message, task_id)
    return True


def _event(change: Change, standing: Standing) -> ServerSentEvent:
    name, data = named(change, standing)
    return ServerSentEvent(event=name, id=str(change.id), raw_data=simplejson.dumps(data))


def named(change: Change, standing: Standing) -> tuple[str, Any]:
    """The name and the data of a change's event."""
    if change.kind == "callback" and change.delivery:
        return "callback", head_of(change.delivery)
    if change.kind == "answered" and change.delivery:
        head = head_of(change.delivery)
        return "answered", {name: head[name] for name in ("id", "task_id", "answered_after_ms", "fault")}
    if change.message:
        return "alert", slack.listed(change.message)
    if change.kind == "misbehaviour":
        current = standing.current()
        return "misbehaviour", current and current.model_dump(exclude_unset=True)
    return "cleared", {"cleared": change.kind.partition(" ")[0]}
