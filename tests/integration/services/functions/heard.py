"""The receiver of these tests."""

import asyncio

from aiohttp import web


class Heard:
    """A receiver that takes everything, but at certain paths."""

    def __init__(self) -> None:
        self.outcomes: asyncio.Queue[bytes] = asyncio.Queue()

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.path == "/refuses":
            return web.Response(status=410)
        if request.path == "/busy":
            return web.Response(status=503, headers={"Retry-After": "7"})
        await self.outcomes.put(body)
        return web.Response()
