"""An error answer whose text does not come; what it says is tested where it is reported (see test_data.py)."""

import asyncio
from collections.abc import AsyncIterator

import httpx2

from services.outbound.problem_details import read_problem
from tests.virtual_time import in_virtual_time


class BegunAndSilent(httpx2.AsyncByteStream):
    """A body that begins, and never ends."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()


@in_virtual_time
async def test_a_problem_that_does_not_come_is_waited_for_a_moment_and_says_nothing() -> None:
    headers = {"content-type": "application/problem+json"}

    assert await read_problem(httpx2.Response(503, headers=headers, stream=BegunAndSilent())) == []

    assert asyncio.get_running_loop().time() == 1
