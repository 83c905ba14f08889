"""How carefully a queue is consumed, so that what kills its worker does not use up the attempts of its neighbours.

SQS counts a receive when it gives a message away, whatever becomes of it then. A worker that is killed costs each
message that it has in flight one of its receives, and its successor knows nothing but that count. A message that was
received before, and of which nobody knows why it came back, is a suspect.
"""

import asyncio
import math
from collections.abc import Callable

from services.primitives.sqs_limits import MAX_RECEIVED_MESSAGES


class Caution:
    """What one process knows of lost workers, and what it may therefore receive and begin.

    - A receive that brings a suspect is followed by receives of one message, and these by larger ones only as they
      bring none.
    - Suspects are begun one by one, and several at a time only as others have ended and the process still lives. While
      one waits for its turn nothing is received.
    - A suspect on its last attempt is begun when no other is under way, and nothing is received until it has ended:
      beside another one of them it would be lost for good.
    - Where messages are in flight when the process starts, nobody may be working them. For as long as they can still
      be hidden, messages are received one by one, and few are under way at first.

    When `trust_after` suspects have ended, all this is over: they are what other workers have failed at and returned. A
    process that is killed begins again without trust.
    """

    def __init__(self, *, trust_after: int = 0, return_seconds: float = 0) -> None:
        """`return_seconds`: after so long, what a lost process had in flight is visible again."""
        self._trust_after = trust_after
        self._return_seconds = return_seconds
        self._wary_until = math.inf
        self._most = 1
        self._suspects_waiting = 0
        self._suspects_under_way = 0
        self._is_last_under_way = False
        self._suspects_ended = 0
        self._attempts_ended = 0
        self._turn = asyncio.Event()

    @property
    def must_look(self) -> bool:
        """Whether it needs to know what was in flight at the start."""
        return self._wary_until == math.inf and not self._is_trusting

    def looked(self, in_flight: int, now: float) -> float:
        """Note how many messages were in flight at the start; return for how many seconds that calls for care."""
        seconds = self._return_seconds if in_flight else 0
        self._wary_until = now + seconds
        return seconds

    def most_to_receive(self, in_flight: int, now: float) -> int:
        """Return how many messages a receive may bring, 0 for none to be made; where it is no batch, it goes alone."""
        if self._is_trusting:
            return MAX_RECEIVED_MESSAGES
        if self._suspects_waiting or self._is_last_under_way:
            return 0
        if now < self._wary_until:
            return 1 if in_flight <= self._attempts_ended else 0
        return self._most

    def received(self, messages: int, suspects: int) -> None:
        """Note what a receive has brought."""
        if suspects:
            self._most = 1
        elif messages:
            self._most = min(2 * self._most, MAX_RECEIVED_MESSAGES)

    async def wait_for_turn(self, is_last: Callable[[], bool]) -> None:
        """Return when a suspect may be begun, which it then is; `is_last` says whether it has no further attempt."""
        self._suspects_waiting += 1
        try:
            while not self._may_begin(is_last=is_last()):
                self._turn.clear()
                await self._turn.wait()
        finally:
            self._suspects_waiting -= 1
        self._suspects_under_way += 1
        self._is_last_under_way |= is_last()

    def ended(self, *, is_suspect: bool) -> None:
        """Note that an attempt has ended, however it did: the process lives."""
        self._attempts_ended += 1
        if is_suspect:
            self._suspects_under_way -= 1
            self._suspects_ended += 1
            # Where one of them was on its last attempt, no other was under way.
            self._is_last_under_way &= self._suspects_under_way > 0
            self._turn.set()

    @property
    def _is_trusting(self) -> bool:
        return self._suspects_ended >= self._trust_after

    def _may_begin(self, *, is_last: bool) -> bool:
        if self._is_trusting:
            return True
        if is_last:
            return not self._suspects_under_way
        return not self._is_last_under_way and self._suspects_under_way <= self._suspects_ended
