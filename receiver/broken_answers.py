"""Answers that never become whole, as a failing receiver or network gives them."""

import asyncio
from typing import Any, Literal

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from receiver.waiting import client_left

Fault = Literal["hang", "close", "drip"]

DRIP_SECONDS = 1.0

RESET = "receiver.reset"
"""The scope's extension by which an application resets its connection; a server that cannot do that has none."""

_BODY = b'{"status": "ok"}'


class BrokenAnswer(Response):
    """A 200 with a fault.

    `hang` sends nothing, `close` the head and half of the body, `drip` the head and then a space every so often; the
    connection is reset: by `close` at once, else when the receiver stops, where the client has not left before.
    """

    def __init__(self, fault: Fault, stopping: asyncio.Event, drip_seconds: float) -> None:
        super().__init__(_BODY, media_type="application/json")
        if fault == "drip":
            del self.headers["content-length"]
        self._fault = fault
        self._stopping = stopping
        self._drip_seconds = drip_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the fault has it, and return when the connection is gone."""
        left = asyncio.create_task(client_left(receive))
        stopping = asyncio.create_task(self._stopping.wait())
        over = {left, stopping}
        match self._fault:
            case "hang":
                await _first_of(over)
            case "close":
                await self._begin(send)
                await send({"type": "http.response.body", "body": _BODY[: len(_BODY) // 2], "more_body": True})
            case "drip":
                await self._begin(send)
                while not await _first_of(over, self._drip_seconds):
                    await send({"type": "http.response.body", "body": b" ", "more_body": True})
        await scope["extensions"][RESET]()
        stopping.cancel()
        await left
        if self.background:
            await self.background()

    async def _begin(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})


async def _first_of(tasks: set[asyncio.Task[Any]], timeout_seconds: float | None = None) -> set[asyncio.Task[Any]]:
    """Return what is done when something is; nothing where that takes too long."""
    done, _pending = await asyncio.wait(tasks, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
    return done
