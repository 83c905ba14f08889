"""What the real programs cost, counted and never timed: requests at SQS, calls of functions, memory that is kept."""

import asyncio
import json
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.integration.services.conftest import PATIENCE_SECONDS, Broker
from tests.integration.services.running_program import ended_behind, environment_of

ITEMS = (
    '[{"name":"calc_0","num_1":123,"num_2":0.75647,"operation":"+","result_rounding":2},'
    '{"name":"calc_1","num_1":785687256,"num_2":0.75647,"operation":"-","result_rounding":4}]'
)

_COUNTED_PROGRAM = str(Path(__file__).with_name("counted_program.py"))
_ANSWERED = re.compile(rb"AWS sqs\.(\w+) => 200")


class BrokerLog:
    """Counts the requests that LocalStack has answered: what SQS would bill, however they were made."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "localstack.log"
        self._begin = self._path.stat().st_size

    def counts(self) -> Counter[str]:
        """How many of each operation since the begin."""
        return Counter(name.decode() for name in _ANSWERED.findall(self._path.read_bytes()[self._begin :]))

    async def reach(self, operation: str, count: int) -> None:
        """Wait until so many of the operation were answered."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.counts()[operation] < count:  # noqa: ASYNC110  # nothing announces a file's growth
                await asyncio.sleep(0.01)


@asynccontextmanager
async def counted_program(
    broker: Broker, directory: Path, module: Sequence[str], settings: Mapping[str, str]
) -> AsyncIterator[Process]:
    """A program of the services on the broker's queues that can be asked what it has cost, ended behind the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        _COUNTED_PROGRAM,
        *module,
        cwd=directory,
        env={**environment_of(broker), **settings},
        stdin=PIPE,
        stdout=PIPE,
    )
    async with ended_behind(process):
        yield process


@dataclass(frozen=True, slots=True)
class Cost:
    """What a program has used up to a moment."""

    calls: int
    blocks: int


async def cost_so_far(program: Process) -> Cost:
    """Ask a counted program."""
    assert program.stdin
    assert program.stdout
    program.stdin.write(b"\n")
    return Cost(**json.loads(await asyncio.wait_for(program.stdout.readline(), PATIENCE_SECONDS)))
