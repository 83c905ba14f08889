"""Gathers what concurrent callers send into SQS batches, and gives each caller the result of its own entry."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.primitives.sqs_limits import MAX_BATCH_ENTRIES
from services.queueing.errors import refusal_of_entries

EntryT = TypeVar("EntryT")

LINGER_SECONDS = 0.02
"""How long an entry waits for others while a batch is under way: about the time of a request to SQS."""

MAX_BATCHES_IN_FLIGHT = 8
"""Of one batcher: what more comes waits for one of them."""


class BatchCancelledError(Exception):
    """The sending of the batch was cut off: whether its entries were taken is not known."""


@dataclass(eq=False, slots=True)
class _Pending(Generic[EntryT]):
    entry: EntryT
    size: int
    result: asyncio.Future[None]


class Batcher(Generic[EntryT]):
    """Coalesces entries into batches of at most 10 and `max_bytes`, which may change.

    A batch goes when it is full, or its oldest entry has waited `linger_seconds`; an eager one goes at once when none
    is under way, so that an idle caller waits for nobody. `send` carries a batch out and returns, for each entry, None
    or its error. A batch that SQS refuses as a whole for what may be one entry's fault is sent again in halves, those
    that it refuses again in theirs: one that is refused alone has that for its own error.
    """

    def __init__(  # noqa: PLR0913  # each bounds a batch in its own way
        self,
        send: Callable[[Sequence[EntryT]], Awaitable[Sequence[Exception | None]]],
        *,
        size_of: Callable[[EntryT], int] = lambda _entry: 0,
        max_bytes: Callable[[], int] = lambda: 0,
        linger_seconds: float = LINGER_SECONDS,
        is_eager: bool = True,
        max_batches_in_flight: int = MAX_BATCHES_IN_FLIGHT,
    ) -> None:
        self._send = send
        self._size_of = size_of
        self._max_bytes = max_bytes
        self._linger_seconds = linger_seconds
        self._is_eager = is_eager
        self._max_batches_in_flight = max_batches_in_flight
        self._pending: deque[_Pending[EntryT]] = deque()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._timer: asyncio.Handle | None = None

    async def submit(self, entry: EntryT) -> None:
        """Send the entry with the next batch, and return when it is confirmed.

        Raises the entry's own error, or that of its whole batch. A caller that is cancelled takes its entry back, as
        long as it is not under way.
        """
        pending = _Pending(entry, self._size_of(entry), asyncio.get_running_loop().create_future())
        self._pending.append(pending)
        self._schedule()
        try:
            await pending.result
        except asyncio.CancelledError:
            # Nobody waits for it any more, so it must not take up memory until a batch could have gone.
            with suppress(ValueError):
                self._pending.remove(pending)
            raise

    async def close(self) -> None:
        """Wait until everything that was submitted has its result."""
        while self._in_flight or self._pending:
            self._flush()
            if self._in_flight:
                await asyncio.wait(self._in_flight)

    def be_eager(self) -> None:
        """From now on let nobody wait for others: a batch goes at once when none is under way."""
        self._is_eager = True
        self._cancel_timer()
        self._schedule()

    def _schedule(self) -> None:
        if not self._pending or len(self._in_flight) >= self._max_batches_in_flight:
            return
        goes_at_once = self._is_eager and not self._in_flight
        if len(self._pending) >= MAX_BATCH_ENTRIES and not goes_at_once:
            self._flush()
        elif self._timer is None:
            # At once is after this turn of the loop, so that callers that come together go together.
            self._set_timer(0 if goes_at_once else self._linger_seconds)

    def _set_timer(self, delay_seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(delay_seconds, self._flush) if delay_seconds else loop.call_soon(self._flush)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _flush(self) -> None:
        self._cancel_timer()
        while self._pending and len(self._in_flight) < self._max_batches_in_flight:
            task = asyncio.create_task(self._carry_out(self._take_batch()))
            self._in_flight.add(task)
            task.add_done_callback(self._batch_done)

    def _take_batch(self) -> list[_Pending[EntryT]]:
        batch: list[_Pending[EntryT]] = []
        size, most = 0, self._max_bytes()
        while self._pending and len(batch) < MAX_BATCH_ENTRIES:
            pending = self._pending[0]
            if batch and size + pending.size > most:
                break
            batch.append(self._pending.popleft())
            size += pending.size
        return batch

    async def _carry_out(self, taken: list[_Pending[EntryT]]) -> None:
        # A caller that gave up since has cancelled its future.
        batch = [pending for pending in taken if not pending.result.cancelled()]
        if not batch:
            return
        errors: Sequence[Exception | None] = [BatchCancelledError("the batch was cancelled")] * len(batch)
        try:
            errors = await self._errors_of([pending.entry for pending in batch])
        finally:
            for pending, entry_error in zip(batch, errors, strict=True):
                _set_result(pending.result, entry_error)

    async def _errors_of(self, entries: Sequence[EntryT]) -> Sequence[Exception | None]:
        try:
            return await self._send_all(entries)
        except Exception as error:  # noqa: BLE001  # it belongs to the callers: each of them raises its own
            refusal = refusal_of_entries(error)
            if refusal is None:
                return [error] * len(entries)
            if len(entries) == 1:
                return [refusal]
        half = len(entries) // 2
        return [*await self._errors_of(entries[:half]), *await self._errors_of(entries[half:])]

    async def _send_all(self, entries: Sequence[EntryT]) -> Sequence[Exception | None]:
        errors = await self._send(entries)
        if len(errors) != len(entries):
            raise ValueError(f"a batch of {len(entries)} entries came back with {len(errors)} results")
        return errors

    def _batch_done(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        if self._is_eager and not self._in_flight:
            self._cancel_timer()
        self._schedule()


def _set_result(result: asyncio.Future[None], error: Exception | None) -> None:
    if result.cancelled():
        return
    if error is None:
        result.set_result(None)
    else:
        result.set_exception(error)
