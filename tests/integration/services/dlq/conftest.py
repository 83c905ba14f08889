"""The end of the line of a test's own queues, looked at in this process or by the real program."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol
from uuid import uuid4

import httpx
import pytest
from aiohttp import web
from pydantic import HttpUrl

from services.messages import OutcomeMessage, encode_outcome
from stack.broker.api import connect
from stack.config import ROOT, StackSettings
from tests.forked_program import ForkedProgram, start_program
from tests.integration.services.conftest import PATIENCE_SECONDS, Broker
from tests.service_fixtures import Serve

INTERRUPTED_AT = 3
"""After so many batches: some are done, and many are left."""

_JSON = "application/x-amz-json-1.0"

REFUSED = {"reason": "the receiver answered 503", "attempts": "7", "trace": "Traceback …", "source_queue": "callbacks"}


def outcome(number: int = 1, task_type: str = "calculation", *, filler: str = "") -> str:
    """The message body of an outcome whose task id has its number."""
    return encode_outcome(
        OutcomeMessage(f"task-{number:04}", task_type, "http://receiver/callback", f'{{"a":"{filler}"}}')
    )


async def fill(broker: Broker, queue: str, bodies: Sequence[str], attributes: Mapping[str, str]) -> None:
    """Send the bodies to the queue, all with the same attributes."""
    await asyncio.gather(*(broker.queues[queue].send(body, attributes) for body in bodies))


@dataclass(frozen=True)
class Done:
    """What a run of the program left."""

    exit_code: int
    output: str
    errors: str


class Commands:
    """Runs `python -m services.dlq` on the queues of a test."""

    def __init__(self, environment: Mapping[str, Any], directory: Path) -> None:
        settings = {name.upper(): str(value) for name, value in environment.items()}
        self._environment = {**os.environ, **settings, "PYTHONPATH": str(ROOT)}
        self._directory = directory

    def start(
        self, *arguments: str, output: int | IO[bytes] | None = None, errors: int | IO[bytes] | None = None
    ) -> "RunningCommand":
        """Start it; what it prints goes to these files, or is read at its end."""
        printed, complained = (self._directory / f"{uuid4()}.txt" for _ in range(2))
        with printed.open("wb") as kept_output, complained.open("wb") as kept_errors:
            program = start_program(
                ["services.dlq", *arguments],
                self._directory,
                self._environment,
                kept_output if output is None else output,
                kept_errors if errors is None else errors,
            )
        return RunningCommand(program, printed, complained)

    async def run(
        self, *arguments: str, output: int | IO[bytes] | None = None, errors: int | IO[bytes] | None = None
    ) -> Done:
        return await self.start(*arguments, output=output, errors=errors).end()


@dataclass(frozen=True)
class RunningCommand:
    """A command that was started, and the files with what it prints."""

    program: ForkedProgram
    output: Path
    errors: Path

    async def end(self) -> Done:
        """Wait for its end."""
        exit_code = await asyncio.wait_for(self.program.wait(), PATIENCE_SECONDS)
        return Done(exit_code, self.output.read_text(), self.errors.read_text())


Intercept = Callable[[str, bool], web.Response | None]
"""Called with each SQS operation before it is done, False, and after it, True; it may return another answer."""


@asynccontextmanager
async def intercepted(broker: Broker, serve: Serve, intercept: Intercept) -> AsyncIterator[dict[str, Any]]:
    """Give settings for the broker's queues with which every request passes by `intercept`."""

    async def forward(request: web.Request) -> web.Response:
        operation = request.headers["x-amz-target"].rpartition(".")[2]
        if answer := intercept(operation, False):  # noqa: FBT003  # it has no keywords
            return answer
        headers = {name: request.headers[name] for name in ("x-amz-target", "content-type", "authorization")}
        done = await http.post("/", content=await request.read(), headers=headers)
        answer = intercept(operation, True)  # noqa: FBT003
        return answer or web.Response(body=done.content, status=done.status_code, headers={"content-type": _JSON})

    url = str(broker.environment["aws_endpoint_url"])
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS) as http, serve(forward) as endpoint:
        yield {**broker.environment, "aws_endpoint_url": HttpUrl(endpoint)}


def deny(operation: str) -> Intercept:
    """Answer an operation as SQS answers a role that may not make it."""
    text = f"User: arn:aws:iam::000000000000:role/worker is not authorized to perform: sqs:{operation}"
    body = {"__type": "com.amazon.coral.service#AccessDeniedException", "Message": text}

    def answer(called: str, is_done: bool) -> web.Response | None:  # noqa: FBT001  # as it is called
        return web.json_response(body, status=400) if called == operation and not is_done else None

    return answer


class RunAndInterrupt(Protocol):
    """Runs the program in the directory with these arguments, to its end."""

    async def __call__(self, directory: Path, *arguments: str) -> Done: ...


@asynccontextmanager
async def interrupted(
    broker: Broker, serve: Serve, number: signal.Signals, operation: str
) -> AsyncIterator[RunAndInterrupt]:
    """Give what runs the program, which is sent the signal when SQS has done the operation a few times.

    It hears of that before it hears SQS's answer, however slow or quick it is.
    """
    running: asyncio.Future[RunningCommand] = asyncio.get_running_loop().create_future()
    done = 0

    def interrupt(called: str, is_done: bool) -> None:  # noqa: FBT001  # as it is called
        nonlocal done
        if not is_done or called != operation:
            return
        done += 1
        if done == INTERRUPTED_AT:
            running.result().program.send_signal(number)

    async with intercepted(broker, serve, interrupt) as environment:

        async def run(directory: Path, *arguments: str) -> Done:
            running.set_result(Commands(environment, directory).start(*arguments))
            return await running.result().end()

        yield run


@pytest.fixture
def commands(broker: Broker, tmp_path: Path) -> Commands:
    return Commands(broker.environment, tmp_path)


def bodies_in(broker: Broker, queue: str) -> list[str]:
    """The bodies of all messages of the queue, those that are hidden among them; none is received."""
    port = broker.environment["aws_endpoint_url"].port
    with connect(StackSettings("native", localstack_port=port, environment=os.environ)) as sqs:
        url = sqs.queue_urls()[broker.queues[queue].name]
        return sorted(message["Body"] for message in sqs.show_messages(url))
