"""A function of Lambda: one process with one event loop, in which all that is open stays open between invocations.

Everything is set up when the module of the handler is imported, which is the function's INIT. Between two invocations
the process is frozen, and it is ended without a word: whatever is to last is done when a handler returns.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, Protocol, TypeVar

import structlog

from services.queueing.batch_consumer import BatchConsumer
from services.queueing.queue_check import QueueCheck
from services.queueing.queues import Queues
from services.queues import OUTCOME_QUEUES
from services.runtime.garbage_collection import freeze_gc
from services.runtime.lambda_events import answer_of, read_event
from services.runtime.settings import ANSWER_SECONDS
from services.telemetry import tracing

log = structlog.get_logger(__name__)

ResultT = TypeVar("ResultT")


class LambdaContext(Protocol):
    """What Lambda says of an invocation.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    def get_remaining_time_in_millis(self) -> int:
        """Return how much time the invocation has left."""


Handler = Callable[[Any, LambdaContext], Any]
"""What Lambda calls: a plain function, as it would answer with the coroutine of another one."""


class FunctionProcess:
    """The process of a function. There is one, made before anything asks for an event loop."""

    _opened = AsyncExitStack()
    """Of the class: whoever makes a handler may forget its process, and what is garbage is closed."""

    def __init__(self) -> None:
        # Whoever runs another one by asyncio.run leaves the thread without any (asyncio.Runner does not).
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        self._background: set[asyncio.Task[None]] = set()

    def open(self, resource: AbstractAsyncContextManager[ResultT]) -> ResultT:
        """Open what stays open for as long as the process lives: nobody closes it."""
        return self.run(self._opened.enter_async_context(resource))

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Start what goes on during each invocation."""
        self._background.add(self._loop.create_task(work))

    def run(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Run something to its end."""
        return self._loop.run_until_complete(work)

    def queue_handler(self, queues: Queues, consumers: Mapping[str, BatchConsumer]) -> Handler:
        """Return the handler of a function that these queues trigger, by the names of their definitions."""
        by_name = {queues[name].name: consumer for name, consumer in consumers.items()}
        watched = {name for queue in consumers for name in (queue, queues[queue].definition.dead_letter_queue) if name}
        watched.update(OUTCOME_QUEUES)
        # The first attempt at a message may be the last one that its queue allows, and its outcome a large one.
        self.run(QueueCheck(queues[name] for name in sorted(watched)).look())
        freeze_gc()
        log.info("started")

        def handle(event: Any, context: LambdaContext) -> Any:
            try:
                return self.run(_work(event, context, by_name))
            finally:
                tracing.tracer.flush()

        return handle


async def _work(event: Any, context: LambdaContext, consumers: Mapping[str, BatchConsumer]) -> Mapping[str, Any]:
    ends_at = asyncio.get_running_loop().time() + context.get_remaining_time_in_millis() / 1000 - ANSWER_SECONDS
    batches, unreadable = read_event(event)
    for message_id, fault in unreadable.items():
        log.error("a message cannot be read, and is left to SQS", message_id=message_id, fault=fault)
    to_come_again = [
        message.message_id for queue, messages in batches.items() if queue not in consumers for message in messages
    ]
    if to_come_again:
        strange = sorted(batches.keys() - consumers.keys())
        log.error("messages of queues that this function does not consume are left to them", queues=strange)
    works = [consumers[queue].work(messages, ends_at) for queue, messages in batches.items() if queue in consumers]
    return answer_of([*unreadable, *to_come_again, *(each for ids in await asyncio.gather(*works) for each in ids)])
