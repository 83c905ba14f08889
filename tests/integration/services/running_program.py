"""The real programs of the services, on the queues of a test."""

import asyncio
import os
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

from stack.config import ROOT
from tests.forked_program import ForkedProgram, start_program
from tests.integration.services.conftest import PATIENCE_SECONDS, Broker


def environment_of(broker: Broker) -> dict[str, str]:
    """The variables with which a program finds the broker's queues, beside those of this process."""
    queues = {name.upper(): str(value) for name, value in broker.environment.items()}
    return {**os.environ, **queues, "PYTHONPATH": str(ROOT)}


@asynccontextmanager
async def running_program(  # noqa: PLR0913  # a program has as many circumstances
    broker: Broker,
    directory: Path,
    module: Sequence[str],
    settings: Mapping[str, str],
    *,
    logs_to: int | IO[bytes] | None = None,
    errors_to: int | IO[bytes] = 2,
) -> AsyncIterator[ForkedProgram]:
    """A program on the broker's queues, ended behind the block."""
    process = start_program(module, directory, {**environment_of(broker), **settings}, logs_to, errors_to)
    async with ended_behind(process):
        yield process


@asynccontextmanager
async def ended_behind(process: ForkedProgram | Process) -> AsyncIterator[None]:
    """Stop it at the end of the block, and see that it ends well. One that was stopped or killed meanwhile stays so."""
    try:
        yield
        if process.returncode in {0, -signal.SIGKILL}:
            return
        process.send_signal(signal.SIGTERM)
        # uvicorn ends as by the signal when it has stopped.
        assert await asyncio.wait_for(process.wait(), PATIENCE_SECONDS) in {0, -signal.SIGTERM}
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
