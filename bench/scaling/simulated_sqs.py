"""SQS as a discrete-event model, behind the calls of an aiobotocore client that `services.queueing.queue.Queue` makes.

What it models: every call takes the same round trip, and takes effect half-way; a receive gives all that is visible, at
most as many as asked for; a message ends one of the long polls that wait, whichever; visibility timeouts, delays,
receive counts, a redrive policy, and the quota of messages in flight, at which a long poll finds nothing, without an
error (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html).

What it leaves out: failures, duplicates, and that a receive of AWS may give fewer messages than there are.
"""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from types import SimpleNamespace
from typing import Any

from bench.scaling.aws import MOST_IN_FLIGHT

Entries = Sequence[dict[str, Any]]


@dataclass(eq=False, slots=True)
class _Message:
    message_id: str
    body: str
    sent_at: float
    receive_count: int = 0
    received_at: float = 0
    hidden_until: float | None = None
    """None while it is visible or deleted."""


@dataclass(eq=False)
class SimulatedSqs:
    """One standard queue, and what it counts."""

    round_trip_seconds: float
    chance: random.Random
    most_in_flight: int = MOST_IN_FLIGHT
    max_receives: int | None = None
    """After so many receives a message goes to the dead-letter queue instead; None: it never does."""
    requests: Counter[str] = field(default_factory=Counter)
    """By operation."""
    empty_receives: int = 0
    moved: list[str] = field(default_factory=list)
    """The bodies of the messages that went to the dead-letter queue."""
    deletions: list[float] = field(default_factory=list)
    """When each message was deleted, in seconds since the start."""
    highest_in_flight: int = 0
    in_flight_seconds: float = 0
    """Of all deleted messages together, from their last receive."""
    ages_at_receive: list[float] = field(default_factory=list)
    """Seconds from send to first receive."""

    meta = SimpleNamespace(endpoint_url="http://sqs.invalid")
    """As a client of botocore names it."""

    def __post_init__(self) -> None:
        self._visible: deque[_Message] = deque()
        self._in_flight: dict[str, _Message] = {}
        self._waiting: list[asyncio.Future[None]] = []
        self._deletion = asyncio.Event()
        self._numbers = count()

    def fill(self, number: int) -> None:
        """Put so many messages on the queue, without requests."""
        now = asyncio.get_running_loop().time()
        for _ in range(number):
            self._show(_Message(str(next(self._numbers)), "", now))

    async def until_deleted(self, number: int) -> None:
        """Wait until so many messages were deleted."""
        while len(self.deletions) < number:
            self._deletion.clear()
            await self._deletion.wait()

    async def get_queue_url(self, **_request: Any) -> dict[str, Any]:
        """Not counted: it is asked once in a process's life."""
        return {"QueueUrl": "simulated"}

    async def get_queue_attributes(self, **_request: Any) -> dict[str, Any]:
        """Return how many messages there are. Not counted: a process asks once in its life."""
        await self._half_a_round_trip()
        await self._half_a_round_trip()
        return {
            "Attributes": {
                "QueueArn": "simulated",
                "ApproximateNumberOfMessages": str(len(self._visible)),
                "ApproximateNumberOfMessagesNotVisible": str(len(self._in_flight)),
                "ApproximateNumberOfMessagesDelayed": "0",
            }
        }

    async def send_message_batch(self, *, Entries: Entries, **_request: Any) -> dict[str, Any]:  # noqa: N803  # boto's
        """Make the messages visible, each after its delay."""
        await self._request("SendMessageBatch")
        now = asyncio.get_running_loop().time()
        for entry in Entries:
            message = _Message(str(next(self._numbers)), entry["MessageBody"], now)
            self._show_after(message, entry.get("DelaySeconds", 0))
        return await self._confirm(Entries)

    async def receive_message(
        self,
        *,
        MaxNumberOfMessages: int,  # noqa: N803
        WaitTimeSeconds: float,  # noqa: N803
        VisibilityTimeout: float,  # noqa: N803
        **_request: Any,
    ) -> dict[str, Any]:
        """Give what is visible, or wait for the first message up to `WaitTimeSeconds`."""
        await self._request("ReceiveMessage")
        until = asyncio.get_running_loop().time() + WaitTimeSeconds
        while not (messages := self._take(MaxNumberOfMessages, VisibilityTimeout)):
            if not await self._woken(until):
                self.empty_receives += 1
                break
        await self._half_a_round_trip()
        return {"Messages": [_as_received(message) for message in messages]}

    async def delete_message_batch(self, *, Entries: Entries, **_request: Any) -> dict[str, Any]:  # noqa: N803
        """Delete the messages that are in flight."""
        await self._request("DeleteMessageBatch")
        now = asyncio.get_running_loop().time()
        for entry in Entries:
            message = self._in_flight.pop(entry["ReceiptHandle"], None)
            if message is not None:
                message.hidden_until = None
                self.deletions.append(now)
                self.in_flight_seconds += now - message.received_at
        self._deletion.set()
        return await self._confirm(Entries)

    async def change_message_visibility_batch(self, *, Entries: Entries, **_request: Any) -> dict[str, Any]:  # noqa: N803
        """Hide the messages that are in flight for so long from now on."""
        await self._request("ChangeMessageVisibilityBatch")
        for entry in Entries:
            message = self._in_flight.get(entry["ReceiptHandle"])
            if message is not None:
                self._hide(message, entry["VisibilityTimeout"])
        return await self._confirm(Entries)

    async def _request(self, operation: str) -> None:
        self.requests[operation] += 1
        await self._half_a_round_trip()

    async def _confirm(self, entries: Entries) -> dict[str, Any]:
        await self._half_a_round_trip()
        return {"Successful": [{"Id": entry["Id"]} for entry in entries]}

    async def _half_a_round_trip(self) -> None:
        await asyncio.sleep(self.round_trip_seconds / 2)

    async def _woken(self, until: float) -> bool:
        """Wait for a message; return False when the time is over."""
        woken = asyncio.get_running_loop().create_future()
        self._waiting.append(woken)
        try:
            async with asyncio.timeout_at(until):
                await woken
        except TimeoutError:
            # A message may have come at this very moment: the next receive gets it.
            with suppress(ValueError):
                self._waiting.remove(woken)
            return False
        return True

    def _take(self, most: int, visibility_timeout: float) -> list[_Message]:
        room = self.most_in_flight - len(self._in_flight)
        taken: list[_Message] = []
        while self._visible and len(taken) < min(most, room):
            message = self._visible.popleft()
            if message.receive_count == self.max_receives:
                self.moved.append(message.body)
            else:
                taken.append(message)
        now = asyncio.get_running_loop().time()
        for message in taken:
            message.receive_count += 1
            message.received_at = now
            if message.receive_count == 1:
                self.ages_at_receive.append(now - message.sent_at)
            self._in_flight[message.message_id] = message
            self._hide(message, visibility_timeout)
        self.highest_in_flight = max(self.highest_in_flight, len(self._in_flight))
        return taken

    def _hide(self, message: _Message, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        message.hidden_until = loop.time() + seconds
        loop.call_at(message.hidden_until, self._end_of_visibility_timeout, message, message.hidden_until)

    def _end_of_visibility_timeout(self, message: _Message, hidden_until: float) -> None:
        # Deleted, or hidden anew, meanwhile.
        if message.hidden_until != hidden_until:
            return
        del self._in_flight[message.message_id]
        message.hidden_until = None
        self._show(message)

    def _show_after(self, message: _Message, seconds: float) -> None:
        if seconds:
            asyncio.get_running_loop().call_later(seconds, self._show, message)
        else:
            self._show(message)

    def _show(self, message: _Message) -> None:
        self._visible.append(message)
        while self._waiting:
            woken = self._waiting.pop(self.chance.randrange(len(self._waiting)))
            if not woken.done():
                woken.set_result(None)
                return


def _as_received(message: _Message) -> dict[str, Any]:
    return {
        "MessageId": message.message_id,
        "ReceiptHandle": message.message_id,
        "Body": message.body,
        "Attributes": {
            "ApproximateReceiveCount": str(message.receive_count),
            "SentTimestamp": str(int(message.sent_at * 1000)),
            "ApproximateFirstReceiveTimestamp": "0",
        },
    }
