"""Validates large bodies in a process of its own: a megabyte of tiny values takes a third of a second of one.

Nothing of that can be interrupted in between; on the event loop, nobody else would be answered meanwhile.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys

import structlog
from fastapi import HTTPException, status

from services.api.settings import ValidationSettings
from services.api.validation import RequestModel, faults_of_body
from services.runtime.garbage_collection import freeze_gc
from services.task_types.loading import load_task_types

log = structlog.get_logger(__name__)

LARGE_BODY_BYTES = 16_384
"""A body of more is validated there; one of less takes a few milliseconds at most."""

LONGEST_VALIDATION_SECONDS = 30
"""With the start of the process, on a busy machine. Longer, and it has failed."""

_RETRY_AFTER_SECONDS = 1

_TOO_BUSY = "The API is too busy to check a task as large as this. It was not accepted: send it again later."

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class ValidationProcess:
    """The process and the way to it. It starts with the first large body, and ends with its end of the connection.

    One body goes there at a time; the others wait for their turn, in their order.
    """

    def __init__(
        self,
        settings: ValidationSettings,
        longest_wait_seconds: float,
        *,
        longest_validation_seconds: float = LONGEST_VALIDATION_SECONDS,
        large_body_bytes: int = LARGE_BODY_BYTES,
    ) -> None:
        self._settings = settings.model_dump_json(include=set(ValidationSettings.model_fields))
        self._longest_wait_seconds = longest_wait_seconds
        self._longest_validation_seconds = longest_validation_seconds
        self._large_body_bytes = large_body_bytes
        self._turn = asyncio.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._streams: Streams | None = None

    def is_for(self, body: bytes) -> bool:
        """Tell whether a body is to be validated there."""
        return len(body) > self._large_body_bytes

    async def faults_of_body(self, task_type: str, body: bytes) -> bytes | None:
        """Return what is wrong with a body of the task type, as `validation.faults_of_body` does.

        Raises the 503 where the turn does not come in time, or the process fails.
        """
        try:
            async with asyncio.timeout(self._longest_wait_seconds):
                await self._turn.acquire()
        except TimeoutError as error:
            raise _too_busy() from error
        try:
            return await self._ask(task_type, body) or None
        finally:
            self._turn.release()

    async def close(self) -> None:
        """End the process."""
        streams, self._streams = self._streams, None
        process, self._process = self._process, None
        if streams is not None:
            streams[1].close()
        if process is not None:
            process.kill()
            await asyncio.to_thread(process.wait)

    async def _ask(self, task_type: str, body: bytes) -> bytes:
        is_done = False
        try:
            async with asyncio.timeout(self._longest_validation_seconds):
                reader, writer = self._streams = self._streams or await self._start()
                writer.write(b"%s %d\n%s" % (task_type.encode(), len(body), body))
                await writer.drain()
                answer = await reader.readexactly(int(await reader.readline()))
                is_done = True
                return answer
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            _log_failure(task_type, len(body), error)
            raise _too_busy() from error
        finally:
            # What is under way there would be taken for the answer to the next one.
            if not is_done:
                await self.close()

    async def _start(self) -> Streams:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: ASYNC220, S603  # it takes milliseconds; nothing of it is a user's
                [sys.executable, "-m", __name__, str(theirs.fileno()), self._settings],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        return await asyncio.open_unix_connection(sock=ours)


def _too_busy() -> HTTPException:
    headers = {"Retry-After": str(_RETRY_AFTER_SECONDS)}
    return HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, _TOO_BUSY, headers)


def _log_failure(task_type: str, size: int, error: Exception) -> None:
    log.error("a large task could not be validated", task_type=task_type, size=size, cause=repr(error))


def serve(connection: socket.socket, settings: ValidationSettings) -> None:
    """Answer until the other end is closed: to `<task type> <size>`, a line end and the body, with size and faults."""
    rules, task_types = settings.target_rules, load_task_types(settings.task_packages)
    models = {name: RequestModel.of(each, rules) for name, each in task_types.items()}
    freeze_gc()
    with connection, connection.makefile("rwb") as stream:
        for line in stream:
            task_type, size = line.split()
            faults = faults_of_body(models[task_type.decode()], stream.read(int(size))) or b""
            stream.write(b"%d\n%s" % (len(faults), faults))
            stream.flush()


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), ValidationSettings(**json.loads(sys.argv[2])))
