"""Keeps an eye on the queues of a program: whether they are as declared, when it starts and while it runs."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import suppress

import structlog
from botocore.exceptions import ClientError

from services.queueing.errors import is_denied
from services.queueing.provisioning import Disagreement, describe_smaller_messages
from services.queueing.queue import Queue

log = structlog.get_logger(__name__)

SECONDS_BETWEEN_LOOKS = 600.0
"""A look takes a request for each queue; a change takes SQS itself up to a minute, that of a retention 15 of them.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html"""

SECONDS_UNTIL_SECOND_LOOK = 30.0
"""Where a queue is not as declared, or did not answer: somebody is about to put it right."""

_TIMEOUT_SECONDS = 3


_BESIDE_OTHERS = "beside others"
"""What is found of no queue alone; blanks are in no queue's name."""


def too_small_for_dead_messages(queues: Iterable[Queue]) -> Iterator[Disagreement]:
    """Yield the queue, as last checked, that cannot take all that is given up on in the DLQs among these.

    What it refused for its size would come again until its retention ends, and be lost then.
    """
    by_name = {queue.definition.name: queue for queue in queues}
    wanted: dict[str, int] = {}
    for queue in by_name.values():
        source, keeper = queue.definition.source_queue, queue.definition.dead_letter_queue
        if source is None or keeper not in by_name:
            continue
        largest = min(queue.max_message_bytes, by_name.get(source, queue).max_message_bytes)
        wanted[keeper] = max(largest, wanted.get(keeper, 0))
    for keeper, most in wanted.items():
        actual = by_name[keeper].max_message_bytes
        if actual < most:
            yield Disagreement(by_name[keeper].name, "MaximumMessageSize", str(actual), f"{most} or more, as its DLQs")


class QueueCheck:
    """Compares queues with their definitions, and has each know its own number of receives, and its largest message."""

    def __init__(
        self,
        queues: Iterable[Queue],
        *,
        seconds_between_looks: float = SECONDS_BETWEEN_LOOKS,
        seconds_until_second_look: float = SECONDS_UNTIL_SECOND_LOOK,
    ) -> None:
        self._queues = list(queues)
        self._seconds_between_looks = seconds_between_looks
        self._seconds_until_second_look = seconds_until_second_look
        self._found: dict[str, list[Disagreement]] = {}
        self._smaller: dict[str, str | None] = {}
        self._silent: set[str] = set()
        self._denied: set[str] = set()

    async def look(self) -> None:
        """Ask all of the queues, for seconds at the most; it raises nothing."""
        await asyncio.gather(*(self._look_at(queue) for queue in self._queues))
        known = [queue for queue in self._queues if queue.name in self._found]
        self._note_found(_BESIDE_OTHERS, list(too_small_for_dead_messages(known)))

    async def run(self, stop: asyncio.Event) -> None:
        """Look again and again until `stop` is set."""
        while True:
            is_well = not (self._silent or any(self._found.values()))
            with suppress(TimeoutError):
                async with asyncio.timeout(self._seconds_between_looks if is_well else self._seconds_until_second_look):
                    await stop.wait()
                    return
            await self.look()

    def unready_reason(self) -> str | None:
        """Return what is not as declared, or None. Whether the queues answer is for their consumers to say."""
        return "; ".join(str(each) for found in self._found.values() for each in found) or None

    async def _look_at(self, queue: Queue) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                found = list(await queue.check())
        except ClientError as error:
            self._note_silence(queue, error, is_denied=is_denied(error))
        except Exception as error:  # noqa: BLE001  # whatever it is, it keeps nothing from being worked
            self._note_silence(queue, error, is_denied=False)
        else:
            self._note(queue, found)

    def _note(self, queue: Queue, found: list[Disagreement]) -> None:
        self._note_found(queue.name, found)
        self._note_largest_message(queue)
        self._silent.discard(queue.name)
        self._denied.discard(queue.name)

    def _note_found(self, part: str, found: list[Disagreement]) -> None:
        known = self._found.get(part, [])
        for each in found:
            if each not in known:
                log.error(
                    "queue is not as declared",
                    queue=each.queue,
                    attribute=each.attribute,
                    value=each.value,
                    wanted=each.wanted,
                )
        for name in {each.queue for each in known} - {each.queue for each in found}:
            log.info("queue is as declared again", queue=name)
        self._found[part] = found

    def _note_largest_message(self, queue: Queue) -> None:
        """Say once that it is smaller than that of SQS, which is no fault of a queue: its broker may do no more."""
        meaning = describe_smaller_messages(queue.max_message_bytes)
        if meaning and meaning != self._smaller.get(queue.name):
            log.warning("queue takes smaller messages than SQS allows", queue=queue.name, meaning=meaning)
        self._smaller[queue.name] = meaning

    def _note_silence(self, queue: Queue, error: Exception, *, is_denied: bool) -> None:
        noted = self._denied if is_denied else self._silent
        if queue.name not in noted:
            log.warning("queue cannot be compared with its declaration", queue=queue.name, error=repr(error))
        noted.add(queue.name)
