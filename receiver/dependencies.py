"""What the routes ask of the application and of a request."""

import asyncio
from typing import Annotated

from fastapi import Depends, Query, Request
from starlette.requests import ClientDisconnect

from receiver.settings import Settings
from receiver.store import Store
from receiver.waiting import client_left


async def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _body(request: Request) -> bytes:
    return await request.body()


async def _can_stream(request: Request) -> bool:
    can_stream: bool = request.app.state.can_stream
    return can_stream


StoreOfApp = Annotated[Store, Depends(_store)]
SettingsOfApp = Annotated[Settings, Depends(_settings)]
CanStream = Annotated[bool, Depends(_can_stream)]
RequestBody = Annotated[bytes, Depends(_body)]
Limit = Annotated[int, Query(ge=1, le=1_000_000, description="At most so many, the newest")]
Delay = Annotated[float, Query(ge=0, le=300, description="Answer after so many seconds")]


def stopping_of(request: Request) -> asyncio.Event:
    """What is set when the receiver begins to stop."""
    stopping: asyncio.Event = request.app.state.stopping
    return stopping


async def wait_out(delay: float, request: Request) -> None:
    """Wait so many seconds, or until the receiver stops: a late answer must not hold up the stop.

    Raises ClientDisconnect where the client leaves meanwhile.
    """
    if not delay:
        return
    left = asyncio.create_task(client_left(request.receive))
    stopping = asyncio.create_task(stopping_of(request).wait())
    try:
        await asyncio.wait({left, stopping}, timeout=delay, return_when=asyncio.FIRST_COMPLETED)
        if left.done():
            raise ClientDisconnect
    finally:
        left.cancel()
        stopping.cancel()
