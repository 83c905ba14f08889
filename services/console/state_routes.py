"""The routes of what the stack is doing now."""

from collections.abc import AsyncIterator

from fastapi import APIRouter, HTTPException, Request, Response, status
from fastapi.sse import EventSourceResponse, format_sse_event

from services.console.answers import json_answer
from services.console.broadcast import Broadcast

router = APIRouter()


@router.get("/api/state")
async def state(request: Request) -> Response:
    """Answer all of the last sample."""
    newest = await _broadcast_of(request).newest()
    if newest is None:
        raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, "The console is stopping.")
    return json_answer(newest)


@router.get("/api/events")
async def events(request: Request) -> Response:
    """Send the same now, and at each sample, as server-sent events."""
    # Without proxies' buffering; what was read is never to be read again.
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return EventSourceResponse(_events(_broadcast_of(request)), headers=headers)


async def _events(broadcast: Broadcast) -> AsyncIterator[bytes]:
    async for text in broadcast.stream():
        yield format_sse_event(event="state", data_str=text)


def _broadcast_of(request: Request) -> Broadcast:
    broadcast: Broadcast = request.app.state.broadcast
    return broadcast
