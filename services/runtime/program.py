"""Runs a consuming program (worker, DLQ watcher): opens what it needs, consumes until asked to stop, drains, closes."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import NoReturn, Protocol

import structlog
import uvloop

from services.queueing.consumer import Consumer
from services.queueing.queue_check import QueueCheck
from services.runtime.garbage_collection import freeze_gc
from services.runtime.health import Service, serve_health
from services.runtime.open_files import allow_connections
from services.runtime.resources import Resources, open_resources
from services.runtime.settings import ConsumingServiceSettings
from services.runtime.threads import UnawaitedExecutor, end_process, threads_at_work
from services.task_types.loading import TaskTypes
from services.telemetry import tracing

log = structlog.get_logger(__name__)


class Component(Protocol):
    """What a program runs besides others, such as a Consumer."""

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, and finish what is in flight."""

    def unready_reason(self) -> str | None:
        """Return why it does not work, or None."""


def run_program(  # noqa: PLR0913  # what makes one program another
    name: str,
    settings: ConsumingServiceSettings,
    task_types: TaskTypes,
    make_components: Callable[[Resources], Sequence[Component]],
    queue_names: Iterable[str],
    *,
    most_connections: int,
    sqs_connections: int,
    samples_queues: bool = False,
) -> NoReturn:
    """Run the components until SIGTERM or SIGINT, and end the process, whatever tasks and threads are left.

    `queue_names` are the queues that it keeps an eye on: they are to be as declared. `most_connections` are those that
    it may have at a time to users' addresses, `sqs_connections` those to SQS. One program of the stack samples all
    queues, for the metrics of them.
    """
    allow_connections(most_connections, sqs_connections)
    # Not by uvloop.run, which waits for every task that is left: one of a task type may not want to end.
    loop = uvloop.new_event_loop()
    try:
        loop.run_until_complete(
            _run(name, settings, task_types, make_components, queue_names, samples_queues=samples_queues)
        )
    except Exception:
        log.exception("ended by an error")
    _end(1)


def _end(exit_code: int) -> NoReturn:
    tracing.tracer.stop()
    if left := threads_at_work():
        log.warning("threads are at work that nobody can stop: they end with the process", threads=len(left))
    log.info("stopped")
    end_process(exit_code)


async def _run(  # noqa: PLR0913  # the same
    name: str,
    settings: ConsumingServiceSettings,
    task_types: TaskTypes,
    make_components: Callable[[Resources], Sequence[Component]],
    queue_names: Iterable[str],
    *,
    samples_queues: bool,
) -> NoReturn:
    stop = _stop_on_signal()
    async with _default_executor(settings), open_resources(settings, task_types) as resources:
        check = QueueCheck(resources.queues[queue_name] for queue_name in queue_names)
        components = [check, *make_components(resources)]
        service = Service(
            name,
            checks=[part.unready_reason for part in components],
            consumers=[part.describe_work for part in components if isinstance(part, Consumer)],
            sampler=resources.sampler if samples_queues else None,
        )
        async with serve_health(settings, service):
            freeze_gc()
            log.info("started")
            # Before the first message is received: its first attempt may be the last one that the queue allows.
            await check.look()
            async with asyncio.TaskGroup() as group:
                for part in components:
                    group.create_task(part.run(stop))
    # Here, as the loop does not close before the last name lookup has ended, which may take long.
    _end(0)


@asynccontextmanager
async def _default_executor(settings: ConsumingServiceSettings) -> AsyncIterator[None]:
    """Give the loop a thread for each slot: the blocking work of one task waits for that of no other."""
    with UnawaitedExecutor(settings.worker_concurrency) as executor:
        asyncio.get_running_loop().set_default_executor(executor)
        yield


def _stop_on_signal() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
