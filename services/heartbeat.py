"""Keeps the messages in hand hidden for as long as they are being worked."""

import asyncio
import time
from contextvars import Context, copy_context
from dataclasses import dataclass, field

import structlog

from services.sqs import MessageGoneError, Queue, ReceivedMessage

log = structlog.get_logger(__name__)


@dataclass(eq=False, slots=True)
class InHand:
    """A message that is being worked.

    SQS may deliver it once more meanwhile. Then `message` is the newer one: its receipt handle is the one that counts.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html
    """

    message: ReceivedMessage
    since: float = field(default_factory=time.monotonic)
    """When it was received, by the monotonic clock."""
    context: Context = field(default_factory=copy_context)
    """In which it is worked: a line logged there tells of its task."""
    is_suspect: bool = False
    """Whether it was received before, and nothing is known of what became of it."""
    settling_since: float | None = None
    """Since when its attempt is over and SQS is being told what was decided, by the monotonic clock."""


class Heartbeat:
    """Extends the visibility of all held messages every `interval_seconds`, in batches."""

    def __init__(self, queue: Queue, *, interval_seconds: float, visibility_timeout_seconds: int) -> None:
        self._queue = queue
        self._interval_seconds = interval_seconds
        self._visibility_timeout_seconds = visibility_timeout_seconds
        # In the order of their coming, as is not so in a set: the oldest first, and in a simulation every time alike.
        self._held: dict[InHand, None] = {}
        self._beats: dict[InHand, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            await asyncio.sleep(self._interval_seconds)
            for in_hand in self._held:
                # A beat that is still on its way needs no second one behind it.
                if in_hand not in self._beats:
                    self._beats[in_hand] = asyncio.create_task(self._beat(in_hand), context=in_hand.context)

    def hold(self, in_hand: InHand) -> None:
        """Keep the message hidden from now on."""
        self._held[in_hand] = None

    async def let_go(self, in_hand: InHand) -> None:
        """Beat for the message no more; return when no beat for it is under way.

        A late one would overwrite the wait of a retry, and fail behind a delete.
        """
        self._held.pop(in_hand, None)
        beat = self._beats.get(in_hand)
        if beat is not None:
            await asyncio.wait({beat})

    def abandon(self, in_hand: InHand) -> None:
        """Beat for the message no more, and wait for no beat that is under way."""
        self._held.pop(in_hand, None)
        beat = self._beats.get(in_hand)
        if beat is not None:
            beat.cancel()

    async def _beat(self, in_hand: InHand) -> None:
        message = in_hand.message
        try:
            await self._queue.change_visibility(message, self._visibility_timeout_seconds)
        except MessageGoneError as error:
            # Unless it was received again meanwhile.
            if in_hand.message is message:
                self._held.pop(in_hand, None)
                log.warning("the message is not in hand any more; its work goes on", error=str(error))
        except Exception as error:  # noqa: BLE001  # the next beat may succeed; the work goes on either way
            log.warning("heartbeat failed", error=repr(error))
        finally:
            self._beats.pop(in_hand, None)
