"""Tasks that are worked in the test's own process: what comes of them is what comes of them on a stack."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from services.errors import PermanentError, RetryLaterError
from services.task_types import ItemError, Settings, TaskContext, TaskItem, TaskType
from services.tasks import calculation, data
from services.telemetry import log_context
from stack.errors import StackError
from stack.testing import (
    BrokenTaskTypeError,
    TaskRefusedError,
    TaskTimeoutError,
    UnfitSettingsError,
    run_item,
    run_task,
)
from tests.service_fixtures import Serve, plain_environment, serve  # noqa: F401  # fixtures


@pytest.fixture(autouse=True)
def _without_drawn_tracebacks() -> Iterator[None]:
    """Without the plugin, structlog takes half a second to draw one."""
    with capture_logs():
        yield


ITEMS = [{"name": "a"}, {"name": "b"}]


class ShopSettings(Settings):
    shop_factor: int = 1
    shop_names: str = ""


Run = Callable[[TaskItem, TaskContext[ShopSettings]], Awaitable[Any]]


def type_of(run: Run, *, name: str = "shop", max_attempts: int = 3) -> TaskType[TaskItem, ShopSettings]:
    return TaskType(
        name=name,
        route="/v1/shop",
        summary="Shop",
        item=TaskItem,
        run=run,
        example=[],
        max_attempts=max_attempts,
        retry_delay_seconds=5,
        settings=ShopSettings,
    )


def returning(result: Any) -> TaskType[TaskItem, ShopSettings]:
    async def run(_item: TaskItem, _context: TaskContext[ShopSettings]) -> Any:
        return result

    return type_of(run)


def raising(error: Exception, *, until_attempt: int = 1000) -> TaskType[TaskItem, ShopSettings]:
    async def run(_item: TaskItem, context: TaskContext[ShopSettings]) -> Any:
        if context.attempt < until_attempt:
            raise error
        return context.attempt

    return type_of(run)


async def hang(_item: TaskItem, _context: TaskContext[ShopSettings]) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("result", "heard"), [(1, 1), (None, None), ({"a": [Decimal("1.10")]}, {"a": [1.1]}), ("é", "é")]
)
async def test_the_result_of_an_item_is_what_who_hears_the_callback_reads(result: Any, heard: Any) -> None:
    assert await run_item(returning(result), {}) == heard


async def test_an_item_that_fails_raises_its_error() -> None:
    with pytest.raises(ItemError, match=r"^division by zero$"):
        await run_item(calculation, {"num_1": 1, "num_2": 0, "operation": "/", "result_rounding": 0})


async def test_what_else_an_item_raises_is_raised_as_it_is() -> None:
    error = ZeroDivisionError("the task's reason")

    with pytest.raises(ZeroDivisionError) as raised:
        await run_item(raising(error), {})

    assert raised.value is error


async def test_an_item_is_run_in_the_attempt_that_the_test_says() -> None:
    assert await run_item(raising(RuntimeError(), until_attempt=2), {}, attempt=3) == 3


async def test_an_item_has_the_time_that_a_task_has() -> None:
    with pytest.raises(TaskTimeoutError, match=r"longer than 0\.01 seconds"):
        await run_item(type_of(hang), {}, settings={"TASK_TIMEOUT_SECONDS": 0.01})


async def test_the_callback_of_a_task_that_is_done_has_its_results_and_errors_in_the_order_of_the_request() -> None:
    done = await run_task(
        calculation,
        [
            {"name": "sum", "num_1": 1, "num_2": Decimal("0.10"), "operation": "+", "result_rounding": 2},
            {"name": "none", "num_1": 1, "num_2": 0, "operation": "/", "result_rounding": 0},
        ],
    )

    assert done.body == (
        f'{{"results":[{{"sum":1.1}}],"errors":[{{"none":"division by zero"}}],"task_id":"{done.task_id}"}}'
    )
    assert (done.results, done.errors) == ([{"sum": 1.1}], [{"none": "division by zero"}])
    assert (done.is_success, done.reason, done.trace, done.attempts, done.delays_seconds) == (True, None, None, 1, [])


async def test_an_attempt_that_fails_is_followed_by_another_whose_delay_is_told_and_not_waited_for() -> None:
    done = await run_task(raising(RuntimeError("not yet"), until_attempt=3), ITEMS)

    assert done.results == [{"a": 3}, {"b": 3}]
    assert done.attempts == 3
    first, second = done.delays_seconds
    assert 4 <= first <= 6
    assert 8 <= second <= 12


async def test_the_callback_of_a_task_that_fails_for_good_has_the_reason_that_the_dlq_watcher_sends() -> None:
    failed = await run_task(
        raising(RuntimeError("down")), {"message": ITEMS, "callback_url": "https://client.example/"}
    )

    assert not failed.is_success
    assert failed.reason == "RuntimeError: down (failed for good after 3 attempts)"
    assert json.loads(failed.body) == {
        "results": [],
        "errors": [
            {"details": failed.reason, "message": {"message": ITEMS, "callback_url": "https://client.example/"}},
        ],
        "task_id": failed.task_id,
    }
    assert failed.attempts == 3
    assert failed.trace is not None
    assert "raise error" in failed.trace


async def test_what_can_never_succeed_is_not_tried_again() -> None:
    failed = await run_task(raising(PermanentError("no such shop")), ITEMS)

    assert (failed.reason, failed.attempts) == ("no such shop (failed for good after 1 attempt)", 1)


async def test_what_asks_for_a_later_attempt_has_no_earlier_one() -> None:
    done = await run_task(raising(RetryLaterError("busy", 90), until_attempt=2), ITEMS)

    assert done.delays_seconds == [90]


async def test_a_task_whose_attempts_take_too_long_fails_for_good_with_that_reason() -> None:
    failed = await run_task(type_of(hang), ITEMS, settings={"TASK_TIMEOUT_SECONDS": "0.01"})

    assert failed.reason == (
        "TaskTimeoutError: the attempt took longer than 0.01 seconds (failed for good after 3 attempts)"
    )


async def test_a_task_of_a_single_attempt_has_one() -> None:
    async def fail(_item: TaskItem, _context: TaskContext[ShopSettings]) -> None:
        raise RuntimeError("down")

    failed = await run_task(type_of(fail, max_attempts=1), ITEMS)

    assert (failed.attempts, failed.delays_seconds) == (1, [])


async def test_a_result_that_is_no_json_is_a_reason_that_names_its_item() -> None:
    async def run(item: TaskItem, _context: TaskContext[ShopSettings]) -> Any:
        return {1} if item.name == "b" else 1

    failed = await run_task(type_of(run), ITEMS)

    assert failed.reason is not None
    assert "the result of the item 'b' is no JSON: Object of type set" in failed.reason


async def test_how_a_task_ended_is_seen_at_a_glance() -> None:
    done, failed = await run_task(returning(1), ITEMS[:1]), await run_task(raising(RuntimeError("down")), ITEMS)

    assert repr(done) == "<task that is done: results [{'a': 1}], errors []>"
    assert repr(failed) == "<task that failed for good: RuntimeError: down (failed for good after 3 attempts)>"


async def test_no_callback_is_called(serve: Serve) -> None:  # noqa: F811  # the fixture
    calls: list[str] = []

    async def hear(request: web.Request) -> web.Response:
        calls.append(request.path)
        return web.Response()

    async with serve(hear) as url:
        request = {"callback_url": url, "message": ITEMS}
        await run_task(returning(1), request, settings={"ALLOWED_PRIVATE_TARGETS": "127.0.0.1"})

    assert calls == []


async def test_a_task_may_be_json_whose_numbers_are_posted_digit_by_digit() -> None:
    task = '[{"name":"a","num_1":0.877666663555222222,"num_2":1,"operation":"*","result_rounding":12}]'

    assert '{"a":0.877666663555}' in (await run_task(calculation, task)).body


async def test_its_http_client_reaches_what_the_settings_allow_and_nothing_else(
    serve: Serve,  # noqa: F811  # the fixture
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response([1])

    async with serve(answer) as url:
        assert await run_item(data, {"url": url}, settings={"ALLOWED_PRIVATE_TARGETS": "127.0.0.1"}) == [1]
        with pytest.raises(TaskRefusedError, match="is not public, and ALLOWED_PRIVATE_TARGETS does not list it"):
            await run_item(data, {"url": url})


@pytest.fixture
def settings_of_a_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set in the shell, and in `.env`."""
    monkeypatch.setenv("SHOP_NAMES", "of the shell")
    monkeypatch.setenv("shop_factor", "3")
    Path(".env").write_text("SHOP_NAMES=of the file\n")


@pytest.mark.usefixtures("settings_of_a_developer")
async def test_the_settings_of_the_task_type_are_those_of_the_test_and_else_the_defaults() -> None:
    async def run(_item: TaskItem, context: TaskContext[ShopSettings]) -> Any:
        return [context.settings.shop_factor, context.settings.shop_names]

    before = dict(os.environ)

    assert await run_item(type_of(run), {}) == [1, ""]
    assert await run_item(type_of(run), {}, settings={"SHOP_FACTOR": 2, "SHOP_NAMES": "mine"}) == [2, "mine"]
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"SHOP_FACTOR": "many"}, "cannot start: SHOP_FACTOR: Input should be a valid integer"),
        ({"TASK_TIMEOUT_SECONDS": -1}, "cannot start: TASK_TIMEOUT_SECONDS: Input should be greater than 0"),
        ({"ALLOWED_PRIVATE_TARGETS": "a b"}, "cannot start: ALLOWED_PRIVATE_TARGETS"),
        ({"SHOP_FACTR": 2}, "SHOP_FACTR is no setting of the task type or of its worker: is it SHOP_FACTOR?"),
        ({"shop_factor": 2}, "shop_factor is no setting of the task type or of its worker: is it SHOP_FACTOR?"),
        ({"ZZZ": 2}, "ZZZ is no setting of the task type or of its worker"),
        ({"SHOP_NAMES": ["a", "b"]}, "give it as the environment has it, which is text, several values with commas"),
    ],
)
async def test_settings_with_which_no_worker_would_start_are_refused_as_it_refuses_them(
    settings: dict[str, Any], line: str
) -> None:
    with pytest.raises(UnfitSettingsError) as refused:
        await run_task(returning(1), ITEMS, settings=settings)

    assert line in str(refused.value)


@pytest.mark.parametrize(
    ("task", "status", "reason"),
    [
        ([], 422, "message: List should have at least 1 item after validation, not 0"),
        ([{"name": "a", "colour": 1}], 422, "message.0.colour: Extra inputs are not permitted"),
        ({"callback_url": "nowhere", "message": ITEMS}, 422, "callback_url: the URL is not of the form"),
        ('[{"name": NaN}]', None, "This is no JSON"),
        ([{"name": float("nan")}], None, "The task cannot be posted, as it is no JSON"),
        ([{"name": {1}}], None, "The task cannot be posted, as it is no JSON"),
        ({"name": "a"}, None, 'A task is {"callback_url": …, "message": [<item>, …]}, or the list of its items alone.'),
    ],
)
async def test_a_task_that_the_api_would_not_accept_is_refused_with_the_places(
    task: Any, status: int | None, reason: str
) -> None:
    with pytest.raises(StackError) as refused:
        await run_task(returning(1), task)

    assert reason in str(refused.value)
    assert getattr(refused.value, "status", None) == status


async def test_a_task_that_does_not_fit_into_a_message_is_refused() -> None:
    with pytest.raises(TaskRefusedError, match=r"413:\n +The task takes \d+ bytes as an SQS message") as refused:
        # Each of these characters is six bytes of JSON.
        await run_task(returning(1), [{"name": "é" * 256}] * 1000)

    assert refused.value.status == 413


async def test_a_run_that_is_no_async_def_is_said_to_be_none() -> None:
    def run(_item: TaskItem, _context: TaskContext[ShopSettings]) -> Any:
        return 1

    with pytest.raises(BrokenTaskTypeError, match="returned int, which is nothing to await: write `async def run`"):
        await run_item(type_of(run), {})
    with pytest.raises(BrokenTaskTypeError, match="returned int, which is nothing to await: write `async def run`"):
        await run_task(type_of(run), ITEMS)


async def test_a_module_without_a_task_type_is_said_to_have_none() -> None:
    with pytest.raises(BrokenTaskTypeError, match=r"^acme\.tasks\.shop defines no TASK_TYPE, so no service finds"):
        await run_task(ModuleType("acme.tasks.shop"), ITEMS)


async def test_what_is_no_task_type_is_said_to_be_none() -> None:
    not_one: Any = hang
    with pytest.raises(BrokenTaskTypeError, match="is no task type: give TASK_TYPE"):
        await run_task(not_one, ITEMS)


async def test_a_task_type_with_the_name_of_another_queue_is_refused() -> None:
    with pytest.raises(BrokenTaskTypeError, match="the name is taken"):
        await run_task(type_of(hang, name="callbacks"), ITEMS)


async def test_what_is_bound_for_the_log_lines_of_a_task_does_not_stay_in_the_test() -> None:
    await run_item(returning(1), {})
    await run_task(raising(RuntimeError("down")), ITEMS)

    assert log_context.bound() == {}
