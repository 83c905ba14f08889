"""What the console tells again and again, whatever becomes of one sample."""

import asyncio
import json
from collections.abc import Mapping
from typing import ClassVar, cast

import aiohttp
from structlog.testing import capture_logs

from services.console.broadcast import Broadcast
from services.console.instances import Instances
from services.console.settings import ConsoleSettings
from services.console.state import State
from services.console.unclaimed_queues import UnclaimedQueues
from services.queueing.definition import QueueDefinition
from services.queueing.samples import QueueSample, QueueSampler
from tests.virtual_time import in_virtual_time


class FailingOnce(QueueSampler):
    """A sampler of no queues."""

    def __init__(self) -> None:
        super().__init__(())
        self._failures = iter([RuntimeError("once")])

    async def sample(self) -> Mapping[str, QueueSample | Exception]:
        for failure in self._failures:
            raise failure
        return await super().sample()


class NoneUnclaimed:
    definitions: ClassVar[Mapping[str, QueueDefinition]] = {}
    problem = None

    async def sample(self) -> Mapping[str, QueueSample | Exception]:
        return {}


@in_virtual_time
async def test_a_sample_that_fails_is_logged_and_followed_by_the_next() -> None:
    broadcast = Broadcast()
    with capture_logs() as lines:
        async with aiohttp.ClientSession() as http:
            unclaimed, instances = cast(UnclaimedQueues, NoneUnclaimed()), Instances(http, [], {})
            state = State(ConsoleSettings(console_sample_seconds=5), {}, FailingOnce(), unclaimed, instances)
            sampling = asyncio.create_task(state.run(broadcast))
            newest = await broadcast.newest()
            sampling.cancel()

    assert [line["event"] for line in lines] == ["sample failed"]
    assert asyncio.get_running_loop().time() == 5
    assert json.loads(newest or "")["queues"] == []
