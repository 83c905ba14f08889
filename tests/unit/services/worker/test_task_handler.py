"""How one task message is worked: its items, its time, its outcome."""

import asyncio
import dataclasses
import json
import weakref
from contextlib import suppress
from decimal import Decimal
from typing import Annotated, Any, cast

import httpx2
import pytest
from aiohttp import web
from pydantic import BaseModel, Field
from structlog.testing import capture_logs

from services.delivery.outcome_delivery import OutcomeDelivery
from services.messages import OutcomeMessage, UnusableMessageError, encode_task
from services.queueing.cut_short import TaskTimeoutError
from services.queueing.message import ReceivedMessage
from services.settings import Settings
from services.task_types.task_type import ItemError, TaskContext, TaskItem, TaskType
from services.tasks import data
from services.worker.settings import WorkerSettings
from services.worker.task_handler import TaskHandler, run_items
from tests.service_fixtures import Serve
from tests.virtual_time import in_virtual_time


class FakeDelivery:
    """Keeps the outcomes that it is given."""

    def __init__(self) -> None:
        self.outcomes: list[OutcomeMessage] = []
        self.message_group_ids: list[str | None] = []

    async def deliver(self, outcome: OutcomeMessage, message_group_id: str | None = None) -> None:
        self.outcomes.append(outcome)
        self.message_group_ids.append(message_group_id)


class Work:
    """What a task type does with an item: its name says what."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.contexts: list[TaskContext] = []
        self.begun_all = asyncio.Event()
        self.has_begun = asyncio.Event()
        self.let_go = asyncio.Event()

    async def run(self, item: TaskItem, context: TaskContext) -> Any:
        self.begun.append(item.name)
        self.has_begun.set()
        self.contexts.append(context)
        try:
            return await self._do(item.name)
        finally:
            self.ended.append(item.name)

    async def _do(self, name: str) -> str:
        match name:
            case "item error":
                raise ItemError("the item's reason")
            case "bug":
                raise ZeroDivisionError("the task's reason")
            case "own timeout":
                raise TimeoutError("the task's own")
            case "swallow two cancellations":
                await swallow(2, until=self.let_go)
            case "swallow one cancellation":
                await swallow(1, until=self.let_go)
            case "own cancellation":
                raise asyncio.CancelledError
            case "hang":
                self.begun_all.set()
                await asyncio.Event().wait()
            case "bug when the others hang":
                await self.begun_all.wait()
                raise ZeroDivisionError("the task's reason")
        return name.upper()


async def swallow(cancellations: int, until: asyncio.Event) -> None:
    """Wait for the event, and take so many cancellations for nothing."""
    for _ in range(cancellations):
        with suppress(asyncio.CancelledError):
            await until.wait()
    await until.wait()


@pytest.fixture
def work() -> Work:
    return Work()


def type_of(work: Work, *, item_concurrency: int = 1) -> TaskType[TaskItem]:
    return TaskType(
        name="echo",
        route="/v1/echo",
        summary="Echo",
        item=TaskItem,
        run=work.run,
        example=[],
        item_concurrency=item_concurrency,
    )


def handler_of(
    work: Work, http: httpx2.AsyncClient, *, item_concurrency: int = 1, **settings: Any
) -> tuple[TaskHandler, FakeDelivery]:
    delivery = FakeDelivery()
    task_type = type_of(work, item_concurrency=item_concurrency)
    handler = TaskHandler(task_type, Settings(), http, cast("OutcomeDelivery", delivery), WorkerSettings(**settings))
    return handler, delivery


def message_of(*names: str, task_type: str = "echo", receive_count: int = 1) -> ReceivedMessage:
    request = json.dumps({"callback_url": "http://receiver/", "message": [{"name": name} for name in names]})
    body = encode_task("task-id", task_type, request)
    return ReceivedMessage("message-id", body, "handle", receive_count, sent_at=0, attributes={})


@pytest.mark.parametrize("item_concurrency", [1, 3])
async def test_an_item_that_fails_is_an_entry_in_errors_and_the_order_is_the_requests(
    work: Work, http: httpx2.AsyncClient, item_concurrency: int
) -> None:
    handler, delivery = handler_of(work, http, item_concurrency=item_concurrency)

    await handler(message_of("a", "item error", "b", "a"))

    [outcome] = delivery.outcomes
    assert json.loads(outcome.body) == {
        "results": [{"a": "A"}, {"b": "B"}, {"a": "A"}],
        "errors": [{"item error": "the item's reason"}],
        "task_id": "task-id",
    }


class Weight(BaseModel):
    weight: Annotated[Decimal, Field(serialization_alias="inGrams")]


class Large(dict[str, int]):
    """Something that an item holds, of which it can be known whether it still exists."""


@pytest.mark.parametrize("item_concurrency", [1, 3])
async def test_a_result_is_written_as_its_declared_type_is_documented(
    http: httpx2.AsyncClient, item_concurrency: int
) -> None:
    async def weigh(_item: TaskItem, _context: TaskContext) -> Weight:
        return Weight(weight=Decimal("0.1000000000000000000000001"))

    task_type = dataclasses.replace(type_of(Work(), item_concurrency=item_concurrency), run=weigh)

    results, _ = await run_items(task_type, [TaskItem(name="a")], TaskContext("id", 1, http))

    assert results == [{"a": {"inGrams": Decimal("0.1000000000000000000000001")}}]


async def test_what_an_item_held_when_it_failed_is_let_go(http: httpx2.AsyncClient) -> None:
    held: list[weakref.ref[Large]] = []
    still_held: list[Large | None] = []

    async def fail(_item: TaskItem, _context: TaskContext) -> None:
        still_held.extend(each() for each in held)
        in_flight = Large()
        held.append(weakref.ref(in_flight))
        raise ItemError("the item's reason") from ValueError("cause")

    task_type = dataclasses.replace(type_of(Work()), run=fail)

    _, errors = await run_items(task_type, [TaskItem(name="a")] * 3, TaskContext("id", 1, http))

    assert errors == [{"a": "the item's reason"}] * 3
    # What the second item saw of the first, the third of both.
    assert still_held == [None] * 3


async def test_the_results_are_let_go_while_the_outcome_is_delivered(http: httpx2.AsyncClient) -> None:
    held: list[weakref.ref[Large]] = []

    class LargeWork(Work):
        async def _do(self, _name: str) -> Any:
            result = Large(a=1)
            held.append(weakref.ref(result))
            return result

    class Looking(FakeDelivery):
        async def deliver(self, outcome: OutcomeMessage, message_group_id: str | None = None) -> None:
            assert [each() for each in held] == [None]
            await super().deliver(outcome, message_group_id)

    delivery = Looking()
    await TaskHandler(type_of(LargeWork()), Settings(), http, cast("OutcomeDelivery", delivery), WorkerSettings())(
        message_of("a")
    )

    assert '"results":[{"a":{"a":1}}]' in delivery.outcomes[0].body


async def test_what_an_earlier_release_accepted_and_this_one_refuses_is_worked(
    http: httpx2.AsyncClient, serve: Serve
) -> None:
    async def echo(request: web.Request) -> web.Response:
        return web.json_response([request.method, request.raw_path, (await request.read()).decode()])

    delivery = FakeDelivery()
    handler = TaskHandler(
        data.TASK_TYPE, data.DataSettings(), http, cast("OutcomeDelivery", delivery), WorkerSettings()
    )
    async with serve(echo) as url:
        items = [{"name": "a", "url": f" {url}/\u00e9 b", "payload": {"not": "sent"}}]
        request = json.dumps({"callback_url": "http:receiver/\u00e9", "message": items})
        await handler(ReceivedMessage("message-id", encode_task("task-id", "data", request), "handle", 1, 0, {}))

    [outcome] = delivery.outcomes
    assert outcome.callback_url == "http://receiver/%C3%A9"
    assert json.loads(outcome.body)["results"] == [{"a": ["GET", "/%C3%A9%20b", ""]}]


@pytest.mark.parametrize("item_concurrency", [1, 3])
async def test_any_other_error_of_an_item_fails_the_attempt_with_its_own_type(
    work: Work, http: httpx2.AsyncClient, item_concurrency: int
) -> None:
    handler, delivery = handler_of(work, http, item_concurrency=item_concurrency)

    with pytest.raises(ZeroDivisionError, match="the task's reason"):
        await handler(message_of("a", "bug"))

    assert delivery.outcomes == []


async def test_an_attempt_that_fails_ends_the_items_that_are_under_way(work: Work, http: httpx2.AsyncClient) -> None:
    items = [TaskItem(name="hang"), TaskItem(name="bug when the others hang")]

    with pytest.raises(ZeroDivisionError):
        await run_items(type_of(work, item_concurrency=2), items, TaskContext("id", 1, http))

    assert sorted(work.ended) == sorted(work.begun) == ["bug when the others hang", "hang"]


@pytest.mark.parametrize("item_concurrency", [1, 3])
async def test_an_attempt_that_takes_too_long_fails_with_the_time_it_had(
    work: Work, http: httpx2.AsyncClient, item_concurrency: int
) -> None:
    handler, delivery = handler_of(work, http, item_concurrency=item_concurrency, task_timeout_seconds=0.05)

    with pytest.raises(TaskTimeoutError, match=r"^the attempt took longer than 0\.05 seconds$"):
        await handler(message_of("hang"))

    assert work.ended == ["hang"]
    assert delivery.outcomes == []


@in_virtual_time
async def test_a_task_that_ignores_its_timeout_is_cancelled_again_and_then_left_running_for_nothing(
    work: Work, http: httpx2.AsyncClient
) -> None:
    handler, delivery = handler_of(work, http, task_timeout_seconds=0.05)

    with capture_logs() as lines, pytest.raises(TaskTimeoutError, match="ignored its cancellation") as failed:
        await handler(message_of("swallow two cancellations"))
    left_running = failed.value.left_running
    assert left_running is not None
    assert not left_running.done()
    assert [line["event"] for line in lines] == [
        "the task ignores its cancellation, and is cancelled again",
        "the task ignores its cancellation, and is left running",
    ]

    work.let_go.set()
    await asyncio.wait({left_running})
    assert delivery.outcomes == [], "it was reported as failed"


@in_virtual_time
async def test_a_task_that_ends_when_it_is_cancelled_again_has_taken_too_long(
    work: Work, http: httpx2.AsyncClient
) -> None:
    handler, delivery = handler_of(work, http, task_timeout_seconds=0.05)

    with pytest.raises(TaskTimeoutError, match=r"^the attempt took longer than 0\.05 seconds$") as failed:
        await handler(message_of("swallow one cancellation"))

    assert failed.value.left_running is None
    assert work.ended == ["swallow one cancellation"]
    assert delivery.outcomes == []


@in_virtual_time
async def test_a_worker_that_stops_waits_for_no_task_that_ignores_its_cancellation(
    work: Work, http: httpx2.AsyncClient
) -> None:
    handler, delivery = handler_of(work, http)
    attempt = asyncio.ensure_future(handler(message_of("swallow two cancellations")))
    await work.has_begun.wait()

    attempt.cancel()
    await asyncio.wait({attempt})

    assert attempt.cancelled()
    assert work.ended == []
    work.let_go.set()
    assert delivery.outcomes == []


async def test_a_task_that_is_cancelled_by_its_own_code_is_not_said_to_be_stopped_with_the_worker(
    work: Work, http: httpx2.AsyncClient
) -> None:
    handler, _ = handler_of(work, http)

    with pytest.raises(RuntimeError, match="cancelled by its own code"):
        await handler(message_of("own cancellation"))


@pytest.mark.parametrize("item_concurrency", [1, 3])
async def test_a_timeout_of_the_task_type_itself_stays_what_it_is(
    work: Work, http: httpx2.AsyncClient, item_concurrency: int
) -> None:
    handler, _ = handler_of(work, http, item_concurrency=item_concurrency)

    with pytest.raises(TimeoutError, match="the task's own") as failed:
        await handler(message_of("own timeout"))

    assert type(failed.value) is TimeoutError


async def test_a_task_type_is_given_the_task_and_the_attempt(work: Work, http: httpx2.AsyncClient) -> None:
    handler, _ = handler_of(work, http)

    await handler(message_of("a", receive_count=2))

    assert work.contexts == [TaskContext("task-id", 2, http, Settings())]


@in_virtual_time
async def test_the_delay_goes_before_the_work(work: Work, http: httpx2.AsyncClient) -> None:
    handler, delivery = handler_of(work, http, task_delay_seconds=7)

    attempt = asyncio.ensure_future(handler(message_of("a")))
    await asyncio.sleep(6.9)
    assert work.begun == []

    await attempt
    assert asyncio.get_running_loop().time() == 7
    assert len(delivery.outcomes) == 1


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (message_of("a", task_type="other"), "the message is a task of type other, not echo"),
        (message_of(), "the task does not fit its type echo: message: List should have at least 1 item"),
        (ReceivedMessage("id", "garbage", "handle", 1, 0, {}), "the message is no JSON"),
    ],
)
async def test_what_is_no_task_of_this_type_is_refused_and_not_worked(
    work: Work, http: httpx2.AsyncClient, message: ReceivedMessage, reason: str
) -> None:
    handler, delivery = handler_of(work, http)

    with pytest.raises(UnusableMessageError, match=reason):
        await handler(message)

    assert work.begun == []
    assert delivery.outcomes == []


async def test_a_result_that_json_cannot_carry_fails_the_attempt(http: httpx2.AsyncClient) -> None:
    class Unwritable(Work):
        async def _do(self, _name: str) -> Any:
            return object()

    handler, delivery = handler_of(Unwritable(), http)

    with pytest.raises(TypeError, match="not JSON serializable"):
        await handler(message_of("a"))

    assert delivery.outcomes == []


async def test_a_result_of_another_type_than_the_declared_one_fails_the_attempt_and_its_item_is_named(
    http: httpx2.AsyncClient,
) -> None:
    class Mistaken(Work):
        async def run(self, _item: TaskItem, _context: TaskContext) -> int:
            return "1"  # type: ignore[return-value]  # the mistake

    handler, delivery = handler_of(Mistaken(), http)

    with pytest.raises(TypeError, match=r"^the item 'a': `run` has returned what it does not declare to return: "):
        await handler(message_of("a"))

    assert delivery.outcomes == []


async def test_the_outcome_is_delivered_in_the_message_group_of_its_task(work: Work, http: httpx2.AsyncClient) -> None:
    handler, delivery = handler_of(work, http)

    await handler(dataclasses.replace(message_of("a"), message_group_id="tenant-7"))
    await handler(message_of("a"))

    assert delivery.message_group_ids == ["tenant-7", None]


@pytest.mark.parametrize("item_concurrency", [1, 3])
@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()], ids=repr)
async def test_what_would_end_the_program_fails_the_attempt(
    http: httpx2.AsyncClient, error: BaseException, item_concurrency: int
) -> None:
    async def exits(_item: TaskItem, _context: TaskContext) -> None:
        raise error

    task_type = dataclasses.replace(type_of(Work(), item_concurrency=item_concurrency), run=exits)

    with pytest.raises(RuntimeError, match=f"^`run` has raised {type(error).__name__}"):
        await run_items(task_type, [TaskItem(name="a")], TaskContext("id", 1, http))
