"""Task types that block threads for long: what they hold up, shown with the real worker."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from services.messages import decode_outcome, encode_task
from stack.ports import free_port
from tests.integration.services.conftest import Broker
from tests.integration.services.running_program import running_program

# More than asyncio's default executor has threads.
BLOCKING = 40

# It blocks on a connection: what is read from it comes when the test says so.
TASK_TYPES = """
    import asyncio, socket
    from services.task_types.task_type import TaskItem, TaskType

    class Item(TaskItem):
        blocks_on: int | None = None

    def block(port):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.recv(1)

    async def run(item, _context):
        if item.blocks_on:
            await asyncio.to_thread(block, item.blocks_on)
        return "done"

    TASK_TYPE = TaskType(
        name="calculation", route="/", summary="Block", item=Item, run=run, example=[], max_attempts=1
    )
"""


@dataclass
class Obstacle:
    """What threads block on, until the end of the block."""

    port: int
    blocked: int = 0


@asynccontextmanager
async def obstacle() -> AsyncIterator[Obstacle]:
    writers = []

    def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        found.blocked += 1

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    found = Obstacle(server.sockets[0].getsockname()[1])
    try:
        yield found
    finally:
        for writer in writers:
            writer.close()
        server.close()


def settings() -> dict[str, str]:
    return {
        "ALLOWED_PRIVATE_TARGETS": "127.0.0.1",
        "CALLBACK_IN_PLACE_RETRY_SECONDS": "0",
        "CALLBACK_RETRY_SCHEDULE_SECONDS": "0",
        "HEALTH_PORT": str(free_port()),
        "LOG_FORMAT": "json",
        "SQS_WAIT_TIME_SECONDS": "1",
        "TASK_PACKAGES": "blocking",
        "TASK_TIMEOUT_SECONDS": "3",
        "WORKER_CONCURRENCY": str(BLOCKING),
    }


async def test_threads_that_block_hold_up_neither_an_outcome_that_must_wait_nor_the_end_of_the_worker(
    broker: Broker, tmp_path: Path, closed_port: int
) -> None:
    package = tmp_path / "blocking"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "calculation.py").write_text(dedent(TASK_TYPES))
    log = tmp_path / "log"

    async def submit(task_id: str, item: str) -> None:
        # By its name: it has to be looked up.
        request = f'{{"callback_url":"http://localhost:{closed_port}/","message":[{{"name":"a"{item}}}]}}'
        await broker.queues["calculation"].send(encode_task(task_id, "calculation", request))

    async with obstacle() as blocked:
        with log.open("wb") as stream:
            async with running_program(
                broker, tmp_path, ("services.worker", "calculation"), settings(), logs_to=stream
            ):
                await asyncio.gather(*(submit(f"{n}", f',"blocks_on":{blocked.port}') for n in range(BLOCKING)))
                await broker.take("calculation-dlq", BLOCKING)
                await submit("after", "")

                [waiting] = await broker.take("callbacks")

        # The worker has ended.
        assert blocked.blocked == BLOCKING
        assert decode_outcome(waiting.body).task_id == "after"
        *_, warning, last = (json.loads(line) for line in log.read_text().splitlines())
        assert (warning["level"], warning["threads"]) == ("warning", BLOCKING)
        assert last["event"] == "stopped"
