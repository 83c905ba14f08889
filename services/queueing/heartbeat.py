"""Keeps the messages in flight hidden for as long as they are being worked."""

import asyncio
import math

import structlog

from services.primitives.clock import Clock, seconds_between, this_moment
from services.queueing.errors import MessageGoneError
from services.queueing.in_flight import InFlight
from services.queueing.queue import Queue

log = structlog.get_logger(__name__)

# So soon after a suspend of the machine, in which no timer of the loop goes on, it shows that a beat is due.
_LOOK_SECONDS = 1.0


class Heartbeat:
    """Extends the visibility of all held messages every `interval_seconds`, in batches."""

    def __init__(
        self,
        queue: Queue,
        *,
        interval_seconds: float,
        visibility_timeout_seconds: int,
        clock: Clock = this_moment,
    ) -> None:
        self._queue = queue
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._visibility_timeout_seconds = visibility_timeout_seconds
        # In the order of their coming, as is not so in a set: the oldest first, and in a simulation every time alike.
        self._held: dict[InFlight, None] = {}
        self._beats: dict[InFlight, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            await self._until_due()
            for in_flight in self._held:
                # A beat that is still on its way needs no second one behind it; one that is too late does no good, and
                # may keep the message from being received again.
                if in_flight not in self._beats and in_flight.is_ours:
                    self._beats[in_flight] = asyncio.create_task(self._beat(in_flight), context=in_flight.context)

    async def _until_due(self) -> None:
        begun = self._clock()
        looks = math.ceil(self._interval_seconds / _LOOK_SECONDS)
        for _ in range(looks):
            await asyncio.sleep(self._interval_seconds / looks)
            if seconds_between(begun, self._clock()) >= self._interval_seconds:
                return

    def hold(self, in_flight: InFlight) -> None:
        """Keep the message hidden from now on."""
        self._held[in_flight] = None

    async def let_go(self, in_flight: InFlight) -> None:
        """Beat for the message no more; return when no beat for it is under way.

        A late one would overwrite the wait of a retry, and fail behind a delete.
        """
        self._held.pop(in_flight, None)
        beat = self._beats.get(in_flight)
        if beat is not None:
            await asyncio.wait({beat})

    def abandon(self, in_flight: InFlight) -> None:
        """Beat for the message no more, and wait for no beat that is under way."""
        self._held.pop(in_flight, None)
        beat = self._beats.get(in_flight)
        if beat is not None:
            beat.cancel()

    async def _beat(self, in_flight: InFlight) -> None:
        message, asked_at = in_flight.message, self._clock()
        try:
            await self._queue.change_visibility(message, self._visibility_timeout_seconds)
            if in_flight.message is message and in_flight.is_ours:
                in_flight.hidden_since = asked_at
        except MessageGoneError as error:
            # Unless it was received again meanwhile.
            if in_flight.message is message:
                self._held.pop(in_flight, None)
                in_flight.is_gone = in_flight.is_ours
                log.warning("the message is not in flight any more; its work goes on", error=str(error))
        except Exception as error:  # noqa: BLE001  # the next beat may succeed; the work goes on either way
            log.warning("heartbeat failed", error=repr(error))
        finally:
            self._beats.pop(in_flight, None)
