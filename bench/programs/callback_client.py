"""POSTs callbacks with one HTTP client: `python -m bench.programs.callback_client CLIENT CALLBACKS URL`.

64 are under way at a time, over one client. Prints as JSON how long that took, and the CPU.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

import aiohttp
import httpx
import httpx2
import uvloop

from bench.programs.work import CALLBACK_HEADERS, ITEMS, outcome
from services.outbound.http_client import open_http_client, open_target_sessions
from services.outbound.target_url import target_of
from services.outbound.targets import AllowedTarget, TargetPolicy

AT_ONCE = 64
WARM_UP = 200

_NO_TIMEOUT = aiohttp.ClientTimeout(total=None)
_BAD_REQUEST = 400

Post = Callable[[bytes], Awaitable[None]]


@asynccontextmanager
async def callbacks_client(url: str) -> AsyncIterator[Post]:
    """POST as callbacks are: short bodies on aiohttp's connections, without its request objects."""
    target = target_of(url)
    async with open_target_sessions(policy=_policy()) as sessions:

        async def post(body: bytes) -> None:
            async with sessions.post(target, headers=CALLBACK_HEADERS, body=body, timeout=_NO_TIMEOUT) as answer:
                assert answer.status < _BAD_REQUEST  # noqa: S101  # the receiver takes all

        yield post


@asynccontextmanager
async def aiohttp_client(url: str) -> AsyncIterator[Post]:
    """POST with aiohttp's own API."""
    async with aiohttp.ClientSession() as session:

        async def post(body: bytes) -> None:
            async with session.post(url, data=body, headers=CALLBACK_HEADERS) as response:
                response.raise_for_status()

        yield post


@asynccontextmanager
async def httpx_client(url: str) -> AsyncIterator[Post]:
    """POST with httpx."""
    async with httpx.AsyncClient(trust_env=False) as client:
        yield partial(_post_with, client, url)


@asynccontextmanager
async def httpx2_client(url: str) -> AsyncIterator[Post]:
    """POST with httpx2."""
    async with httpx2.AsyncClient(trust_env=False) as client:
        yield partial(_post_with, client, url)


@asynccontextmanager
async def task_types_client(url: str) -> AsyncIterator[Post]:
    """POST with `context.http`, the client of task types: httpx2's API on aiohttp, a connection for each POST."""
    async with (
        open_target_sessions(policy=_policy()) as sessions,
        open_http_client(sessions, connect_timeout_seconds=5) as client,
    ):
        yield partial(_post_with, client, url)


def _policy() -> TargetPolicy:
    return TargetPolicy([AllowedTarget.parse("127.0.0.1"), AllowedTarget.parse("localhost")])


async def _post_with(client: httpx.AsyncClient | httpx2.AsyncClient, url: str, body: bytes) -> None:
    response = await client.post(url, content=body, headers=CALLBACK_HEADERS)
    response.raise_for_status()


CLIENTS: dict[str, Callable[[str], AbstractAsyncContextManager[Post]]] = {
    "callbacks": callbacks_client,
    "aiohttp": aiohttp_client,
    "context.http": task_types_client,
    "httpx2": httpx2_client,
    "httpx": httpx_client,
}


async def run(client: str, callbacks: int, url: str) -> dict[str, float]:
    """Warm up, then POST so many."""
    bodies = [outcome(f"callback-{number}", ITEMS) for number in range(callbacks)]
    async with CLIENTS[client](url) as post:
        await _post_all(post, bodies[:WARM_UP])
        began, cpu = time.perf_counter(), time.process_time()
        await _post_all(post, bodies)
        return {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu}


async def _post_all(post: Post, bodies: Sequence[bytes]) -> None:
    left = iter(bodies)
    await asyncio.gather(*(_post_each(post, left) for _ in range(AT_ONCE)))


async def _post_each(post: Post, left: Iterator[bytes]) -> None:
    # It is shared: each body is taken once.
    for body in left:
        await post(body)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(uvloop.run(run(sys.argv[1], int(sys.argv[2]), sys.argv[3]))) + "\n")
