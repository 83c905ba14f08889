"""A program of the services whose log is read while it runs."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.forked_program import ForkedProgram
from tests.integration.services.conftest import PATIENCE_SECONDS, Broker
from tests.integration.services.running_program import running_program


@dataclass(frozen=True, slots=True)
class LoggedProgram:
    """A program that runs, and its log."""

    process: ForkedProgram
    log: Path

    def lines(self) -> list[dict[str, Any]]:
        """What it has logged."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def events(self) -> list[str]:
        """What has happened in it."""
        return [line["event"] for line in self.lines()]

    async def has_logged(self, event: str) -> None:
        """Wait until it has."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while event not in self.events():  # noqa: ASYNC110  # another process writes it
                await asyncio.sleep(0.05)


@asynccontextmanager
async def logged_program(
    broker: Broker, directory: Path, module: Sequence[str], settings: Mapping[str, str]
) -> AsyncIterator[LoggedProgram]:
    """Run it on the broker's queues, as `running_program` does, with `LOG_FORMAT=json`."""
    log = directory / f"{module[0]}-{uuid4()}.log"
    with log.open("wb") as lines:
        own = {"LOG_FORMAT": "json", **settings}
        async with running_program(broker, directory, module, own, logs_to=lines) as process:
            yield LoggedProgram(process, log)
