"""What the routes ask of the application and of a request."""

from typing import Annotated

from fastapi import Depends, HTTPException, Query, Request, status

from receiver.settings import Settings
from receiver.store import Store

MAX_BODY_BYTES = 64 * 1024 * 1024


def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _body(request: Request) -> bytes:
    """The body as received, refused as soon as it is over the limit, so that memory stays bounded."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise HTTPException(status.HTTP_413_CONTENT_TOO_LARGE, f"The body is over {MAX_BODY_BYTES} bytes")
    return bytes(body)


StoreOfApp = Annotated[Store, Depends(_store)]
SettingsOfApp = Annotated[Settings, Depends(_settings)]
RequestBody = Annotated[bytes, Depends(_body)]
Limit = Annotated[int, Query(ge=1, le=1_000_000, description="At most so many, the newest")]
Delay = Annotated[float, Query(ge=0, le=300, description="Answer after so many seconds")]
