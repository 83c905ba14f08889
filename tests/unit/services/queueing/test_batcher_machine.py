"""Whatever callers, batches and the clock do, in whatever order: each entry goes once, and its caller hears of it."""

import asyncio
import dataclasses
from collections.abc import Sequence
from typing import Literal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from services.primitives.sqs_limits import MAX_BATCH_ENTRIES
from services.queueing.batcher import BatchCancelledError, Batcher

MAX_BYTES = 100
LINGER_SECONDS = 5.0

Ending = Literal["confirmed", "raised", "cancelled", "too few results"]
ERRORS: dict[Ending | None, type[Exception]] = {
    "raised": ConnectionError,
    "cancelled": BatchCancelledError,
    "too few results": ValueError,
}
"""What the callers of a batch that ended so hear."""


class Refused(Exception):  # noqa: N818
    """The error of one entry."""


class Clockwork(asyncio.SelectorEventLoop):
    """A loop whose time passes when a test lets it."""

    now = 0.0

    def time(self) -> float:
        return self.now

    def turn(self, times: int = 10) -> None:
        """Run what can run now, and, with as many times as by default, all that follows from it."""
        for _ in range(times):
            self.call_soon(self.stop)
            self.run_forever()


@dataclasses.dataclass(eq=False)
class Entry:
    number: int
    size: int
    refused: bool
    caller: "asyncio.Task[None] | None" = None
    taken_back: bool = False
    """Its caller was cancelled before the entry was sent."""


@dataclasses.dataclass(eq=False)
class Batch:
    entries: Sequence[Entry]
    results: "asyncio.Future[list[Exception | None]]"
    ending: Ending | None = None


class BatcherMachine(RuleBasedStateMachine):
    """Callers that come and give up, batches that end in every way, and time that passes."""

    entries = Bundle("entries")

    def __init__(self) -> None:
        super().__init__()
        self.loop = Clockwork()
        self.submitted: list[Entry] = []
        self.batches: list[Batch] = []

    @initialize(in_flight=st.integers(1, 3))
    def make(self, in_flight: int) -> None:
        self.most_in_flight = in_flight
        self.batcher = Batcher(
            self.send,
            size_of=lambda entry: entry.size,
            max_bytes=lambda: MAX_BYTES,
            linger_seconds=LINGER_SECONDS,
            max_batches_in_flight=in_flight,
        )

    async def send(self, entries: Sequence[Entry]) -> list[Exception | None]:
        batch = Batch(entries, self.loop.create_future())
        self.batches.append(batch)
        return await batch.results

    @rule(target=entries, size=st.integers(0, MAX_BYTES + 20), refused=st.booleans())
    def submit(self, size: int, refused: bool) -> Entry:  # noqa: FBT001
        entry = Entry(len(self.submitted), size, refused)
        self.submitted.append(entry)
        entry.caller = self.loop.create_task(self.batcher.submit(entry))
        return entry

    @rule(count=st.integers(2, 25))
    def submit_many(self, count: int) -> None:
        for _ in range(count):
            self.submit(size=1, refused=False)

    @rule(times=st.sampled_from([1, 2, 10]))
    def turn(self, times: int) -> None:
        self.loop.turn(times)

    @rule(entry=consumes(entries))
    def give_up(self, entry: Entry) -> None:
        assert entry.caller
        if entry.caller.cancel():
            entry.taken_back = entry not in self.sent()

    @rule(data=st.data(), ending=st.sampled_from(["confirmed", "raised", "cancelled", "too few results"]))
    def end_a_batch(self, data: st.DataObject, ending: Ending) -> None:
        if under_way := self.under_way():
            self.end(data.draw(st.sampled_from(under_way)), ending)

    @rule()
    def linger(self) -> None:
        self.loop.turn()
        self.loop.now += LINGER_SECONDS
        self.loop.turn()
        assert len(self.under_way()) == self.most_in_flight or not self.waiting()

    @invariant()
    def batches_are_within_their_limits(self) -> None:
        assert len(self.under_way()) <= getattr(self, "most_in_flight", 0)
        for batch in self.batches:
            assert 1 <= len(batch.entries) <= MAX_BATCH_ENTRIES
            assert len(batch.entries) == 1 or sum(entry.size for entry in batch.entries) <= MAX_BYTES

    @invariant()
    def entries_are_sent_once_in_order_and_none_that_was_taken_back(self) -> None:
        numbers = [entry.number for entry in self.sent()]
        assert numbers == sorted(set(numbers))
        assert not any(entry.taken_back for entry in self.sent())

    def teardown(self) -> None:
        if hasattr(self, "batcher"):
            self.loop.turn()
            closing = self.loop.create_task(self.batcher.close())
            self.loop.turn()
            while under_way := self.under_way():
                assert not closing.done()
                self.end(under_way[0], "confirmed")
                self.loop.turn()
            assert closing.done()
            self.batches_are_within_their_limits()
            self.everybody_has_the_right_result()
        self.loop.close()

    def everybody_has_the_right_result(self) -> None:
        endings = {entry: batch.ending for batch in self.batches for entry in batch.entries}
        for entry in self.submitted:
            assert entry.caller
            assert entry.caller.done()
            if entry.caller.cancelled():
                continue
            error = entry.caller.exception()
            if endings[entry] == "confirmed":
                assert isinstance(error, Refused) is entry.refused
                assert (error is None) is not entry.refused
            else:
                assert type(error) is ERRORS[endings[entry]]

    def sent(self) -> list[Entry]:
        return [entry for batch in self.batches for entry in batch.entries]

    def waiting(self) -> list[Entry]:
        return [entry for entry in self.submitted if entry not in self.sent() and not entry.taken_back]

    def under_way(self) -> list[Batch]:
        return [batch for batch in self.batches if batch.ending is None]

    def end(self, batch: Batch, ending: Ending) -> None:
        batch.ending = ending
        match ending:
            case "confirmed":
                batch.results.set_result([Refused() if entry.refused else None for entry in batch.entries])
            case "raised":
                batch.results.set_exception(ConnectionError("gone"))
            case "cancelled":
                batch.results.cancel()
            case "too few results":
                batch.results.set_result([None] * (len(batch.entries) - 1))


TestBatcher = BatcherMachine.TestCase
TestBatcher.settings = settings(stateful_step_count=40)
