"""How concurrent callers' entries are gathered into batches, and how each caller hears of its own."""

import asyncio
import gc
import weakref
from collections.abc import Collection, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

from services.primitives.sqs_limits import MAX_BATCH_ENTRIES
from services.queueing.batcher import Batcher
from services.queueing.errors import SqsEntryError

MAX_BYTES = 100
NEVER_SECONDS = 3600.0
"""A linger that no test waits for: what is sent is sent for another reason."""


class Refused(Exception):  # noqa: N818
    """The error of one entry."""


def client_error(code: str, status: int = 400) -> ClientError:
    metadata: Any = {"HTTPStatusCode": status}
    return ClientError({"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": metadata}, "SendMessageBatch")


class FakeQueue:
    """Keeps the batches that it is sent, and holds each one back until it is let go."""

    def __init__(self, *, held: bool = False) -> None:
        self.batches: list[list[str]] = []
        self.under_way = 0
        self.most_under_way = 0
        self.refused: set[str] = set()
        self.broken: Exception | None = None
        self.let_go = asyncio.Event()
        if not held:
            self.let_go.set()
        self._changed = asyncio.Condition()

    async def send(self, entries: Sequence[str]) -> list[Exception | None]:
        async with self._changed:
            self.batches.append(list(entries))
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            self._changed.notify_all()
        await self.let_go.wait()
        self.under_way -= 1
        if self.broken:
            raise self.broken
        return [Refused(entry) if entry in self.refused else None for entry in entries]

    async def has_batches(self, count: int) -> None:
        """Wait until so many batches have been sent."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.batches) >= count)


def batcher_of(queue: FakeQueue, *, linger_seconds: float = NEVER_SECONDS, in_flight: int = 8) -> Batcher[str]:
    return Batcher(
        queue.send,
        size_of=len,
        max_bytes=lambda: MAX_BYTES,
        linger_seconds=linger_seconds,
        max_batches_in_flight=in_flight,
    )


def patient_batcher_of(queue: FakeQueue, *, linger_seconds: float = NEVER_SECONDS) -> Batcher[str]:
    return Batcher(queue.send, linger_seconds=linger_seconds, is_eager=False)


def submit_all(batcher: Batcher[str], entries: Sequence[str]) -> list[asyncio.Task[None]]:
    return [asyncio.create_task(batcher.submit(entry)) for entry in entries]


async def turn_of_the_loop() -> None:
    """Let everything run that can run now."""
    for _ in range(5):
        await asyncio.sleep(0)


def numbered(count: int) -> list[str]:
    return [f"entry-{number}" for number in range(count)]


async def test_an_entry_goes_at_once_when_no_batch_is_under_way() -> None:
    queue = FakeQueue()

    await batcher_of(queue).submit("alone")

    assert queue.batches == [["alone"]]


async def test_an_entry_that_is_alone_starts_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    timers: list[float] = []
    monkeypatch.setattr(asyncio.get_running_loop(), "call_later", lambda delay, *_: timers.append(delay))
    batcher = batcher_of(FakeQueue())

    for entry in numbered(3):
        await batcher.submit(entry)
        await turn_of_the_loop()

    assert timers == []


@pytest.mark.parametrize(("callers", "most"), [(10, 0.2), (64, 0.13), (256, 0.11)])
async def test_callers_that_submit_all_the_time_fill_the_batches(callers: int, most: float) -> None:
    queue = FakeQueue()
    batcher = batcher_of(queue)

    async def submit_often() -> None:
        for entry in numbered(20):
            await batcher.submit(entry)

    await asyncio.gather(*(submit_often() for _ in range(callers)))

    assert len(queue.batches) <= most * callers * 20


async def test_callers_that_come_together_go_together() -> None:
    queue = FakeQueue()

    await asyncio.gather(*submit_all(batcher_of(queue), numbered(7)))

    assert queue.batches == [numbered(7)]


async def test_more_than_a_batch_goes_in_full_batches_and_the_rest() -> None:
    queue = FakeQueue()

    await asyncio.gather(*submit_all(batcher_of(queue), numbered(25)))

    assert [len(batch) for batch in queue.batches] == [MAX_BATCH_ENTRIES, MAX_BATCH_ENTRIES, 5]
    assert [entry for batch in queue.batches for entry in batch] == numbered(25)


async def test_callers_that_come_while_a_batch_is_under_way_wait_for_company() -> None:
    queue = FakeQueue(held=True)
    batcher = batcher_of(queue)
    callers = submit_all(batcher, ["first"])
    await queue.has_batches(1)

    callers += submit_all(batcher, numbered(3))
    await turn_of_the_loop()
    assert queue.batches == [["first"]]

    queue.let_go.set()
    await asyncio.gather(*callers)
    assert queue.batches == [["first"], numbered(3)]


async def test_the_wait_for_company_ends_with_the_linger() -> None:
    queue = FakeQueue(held=True)
    batcher = batcher_of(queue, linger_seconds=0.001)
    callers = submit_all(batcher, ["first"])
    await queue.has_batches(1)

    callers += submit_all(batcher, numbered(3))
    await queue.has_batches(2)

    assert queue.batches == [["first"], numbered(3)]
    queue.let_go.set()
    await asyncio.gather(*callers)


async def test_a_batch_is_as_large_as_it_may_be_when_it_goes() -> None:
    queue = FakeQueue(held=True)
    limits = [MAX_BYTES]
    batcher = Batcher(queue.send, size_of=len, max_bytes=lambda: limits[-1], linger_seconds=NEVER_SECONDS)
    callers = submit_all(batcher, ["first"])
    await queue.has_batches(1)

    callers += submit_all(batcher, numbered(4))
    await turn_of_the_loop()
    limits.append(2 * len("entry-0"))
    queue.let_go.set()
    await asyncio.gather(*callers)

    assert queue.batches == [["first"], ["entry-0", "entry-1"], ["entry-2", "entry-3"]]


async def test_a_full_batch_goes_at_once_while_another_is_under_way() -> None:
    queue = FakeQueue(held=True)
    batcher = batcher_of(queue)
    callers = submit_all(batcher, ["first"])
    await queue.has_batches(1)

    callers += submit_all(batcher, numbered(MAX_BATCH_ENTRIES))
    await queue.has_batches(2)

    assert queue.batches == [["first"], numbered(MAX_BATCH_ENTRIES)]
    queue.let_go.set()
    await asyncio.gather(*callers)


async def test_a_caller_is_not_put_off_by_those_that_come_after_it() -> None:
    queue = FakeQueue()
    batcher = batcher_of(queue)

    async def submit_after(turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        await batcher.submit(str(turns))

    # Each turn of the loop has a caller that comes before what the turn before has scheduled.
    callers = [asyncio.create_task(submit_after(turns)) for turns in reversed(range(8))]
    await asyncio.gather(*callers)

    assert len(queue.batches[0]) <= 2


async def test_the_entry_of_a_caller_that_gave_up_takes_up_no_memory_until_a_batch_can_go() -> None:
    class Large:
        pass

    let_go = asyncio.Event()

    async def never_before(entries: Sequence[Large]) -> list[None]:
        await let_go.wait()
        return [None] * len(entries)

    batcher = Batcher(never_before, linger_seconds=NEVER_SECONDS, max_batches_in_flight=1)
    under_way = asyncio.create_task(batcher.submit(Large()))
    await turn_of_the_loop()
    entry = Large()
    seen = weakref.ref(entry)
    gives_up = asyncio.create_task(batcher.submit(entry))
    del entry
    await turn_of_the_loop()
    assert seen()

    gives_up.cancel()
    await asyncio.wait({gives_up})
    del gives_up
    gc.collect()

    assert seen() is None
    let_go.set()
    await under_way


class ChoosyQueue(FakeQueue):
    """Refuses a batch as a whole, as some brokers do, for its size or for one of its entries."""

    def __init__(self, *, most: int = MAX_BATCH_ENTRIES, odd: Collection[str] = ()) -> None:
        super().__init__()
        self.most = most
        self.odd = odd

    async def send(self, entries: Sequence[str]) -> list[Exception | None]:
        results = await super().send(entries)
        if len(entries) > self.most:
            raise client_error("AWS.SimpleQueueService.BatchRequestTooLong")
        if set(self.odd) & set(entries):
            raise client_error("InvalidMessageContents")
        return results


async def results_of(queue: FakeQueue, entries: Sequence[str]) -> list[BaseException | None]:
    return list(await asyncio.gather(*submit_all(batcher_of(queue), entries), return_exceptions=True))


async def test_a_batch_that_is_refused_as_too_long_is_sent_in_halves() -> None:
    queue = ChoosyQueue(most=3)

    assert await results_of(queue, numbered(10)) == [None] * 10
    assert [len(batch) for batch in queue.batches] == [10, 5, 2, 3, 5, 2, 3]
    assert queue.most_under_way == 1


async def test_an_odd_entry_for_which_its_whole_batch_is_refused_fails_its_own_caller_alone() -> None:
    queue = ChoosyQueue(odd=["entry-4"])

    results = await results_of(queue, numbered(10))

    assert [result for result in results if result is None] == [None] * 9
    refused = results[4]
    assert isinstance(refused, SqsEntryError)
    assert (refused.code, refused.text, refused.is_final) == ("InvalidMessageContents", "no", True)


async def test_a_batch_whose_entries_are_all_refused_takes_less_than_two_requests_for_each() -> None:
    queue = ChoosyQueue(odd=numbered(10))

    results = await results_of(queue, numbered(10))

    assert [type(result) for result in results] == [SqsEntryError] * 10
    assert len(queue.batches) == 2 * 10 - 1


@pytest.mark.parametrize(
    "error",
    [
        client_error("RequestThrottled"),
        client_error("AccessDeniedException"),
        client_error("AWS.SimpleQueueService.NonExistentQueue"),
        client_error("InvalidParameterValue", 500),
        TimeoutError(),
        ConnectionError(),
    ],
)
async def test_what_says_nothing_of_the_entries_is_heard_by_all_callers_after_one_request(error: Exception) -> None:
    queue = FakeQueue()
    queue.broken = error

    assert await results_of(queue, numbered(10)) == [error] * 10
    assert len(queue.batches) == 1


async def test_that_one_half_was_taken_is_known_whatever_becomes_of_the_other() -> None:
    throttled = client_error("RequestThrottled")

    async def take_the_first_half(entries: Sequence[str]) -> list[None]:
        if len(entries) > 5:
            raise client_error("BatchRequestTooLong")
        if entries[0] != "entry-0":
            raise throttled
        return [None] * len(entries)

    batcher = Batcher(take_the_first_half, linger_seconds=NEVER_SECONDS, max_bytes=lambda: MAX_BYTES)

    results = await asyncio.gather(*submit_all(batcher, numbered(10)), return_exceptions=True)

    assert results == [None] * 5 + [throttled] * 5


@pytest.mark.parametrize("count", [0, 2, 4])
async def test_every_caller_hears_of_a_batch_whose_results_are_not_one_for_each(count: int) -> None:
    async def answer(_entries: Sequence[str]) -> list[None]:
        return [None] * count

    results = await asyncio.gather(*submit_all(Batcher(answer), numbered(3)), return_exceptions=True)

    assert {str(result) for result in results} == {f"a batch of 3 entries came back with {count} results"}


async def test_a_batcher_that_is_not_eager_gathers_a_full_batch_even_where_none_is_under_way() -> None:
    queue = FakeQueue()
    batcher = patient_batcher_of(queue)

    callers = submit_all(batcher, numbered(MAX_BATCH_ENTRIES - 1))
    await turn_of_the_loop()
    assert queue.batches == []

    callers += submit_all(batcher, ["last"])
    await asyncio.gather(*callers)
    assert [len(batch) for batch in queue.batches] == [MAX_BATCH_ENTRIES]


async def test_it_sends_what_has_lingered() -> None:
    queue = FakeQueue()

    await asyncio.gather(*submit_all(patient_batcher_of(queue, linger_seconds=0.001), numbered(3)))

    assert queue.batches == [numbered(3)]


async def test_what_lingers_goes_when_nobody_is_to_wait_for_others_any_more_and_what_comes_then_at_once() -> None:
    queue = FakeQueue()
    batcher = patient_batcher_of(queue)
    callers = submit_all(batcher, numbered(3))
    await turn_of_the_loop()

    batcher.be_eager()
    await asyncio.gather(*callers)
    await asyncio.gather(*submit_all(batcher, ["later"]))

    assert queue.batches == [numbered(3), ["later"]]


async def test_it_keeps_nothing_back_when_it_closes() -> None:
    queue = FakeQueue()
    batcher = patient_batcher_of(queue)
    callers = submit_all(batcher, numbered(3))
    await turn_of_the_loop()

    await batcher.close()

    await asyncio.gather(*callers)
    assert queue.batches == [numbered(3)]
