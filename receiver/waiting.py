"""Waiting for the first of several things to happen."""

import asyncio

from starlette.types import Receive


async def first_of(*events: asyncio.Event, seconds: float | None = None) -> None:
    """Return when one of the events is set, or after so many seconds."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def client_left(receive: Receive) -> None:
    """Return when the client has left; its body must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass
