"""Large bodies are validated in another process: whatever it does, the API answers the others."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import httpx
import psutil
import pytest
from fastapi import FastAPI, HTTPException
from structlog.testing import capture_logs

from services.api import validation_process
from services.api.app import create_app
from services.api.enqueue import TaskQueue
from services.api.settings import ApiSettings, ValidationSettings
from services.api.validation_process import LARGE_BODY_BYTES, ValidationProcess
from services.messages import MAX_BODY_BYTES
from services.task_types.loading import load_task_types

CALCULATION = "/v1/calculation/basic"
TASK_TYPES = load_task_types(["services.tasks"])
ITEM = {"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 2}
LARGE = {"callback_url": "http://receiver:9000/callback", "message": [ITEM] * 500}
LARGE_BODY = json.dumps(LARGE).encode()
WRONG_BODY = LARGE_BODY.replace(b'"+"', b'"%"')
PATIENCE_SECONDS = 60


class TakingTaskQueue:
    """Takes everything."""

    max_body_bytes = MAX_BODY_BYTES

    async def enqueue(self, task_id: str, body: str, **_queued: Any) -> None:
        pass


@pytest.fixture
async def validation() -> AsyncIterator[ValidationProcess]:
    validation = ValidationProcess(ValidationSettings(), longest_wait_seconds=PATIENCE_SECONDS)
    yield validation
    await validation.close()


@pytest.fixture
async def app(validation: ValidationProcess) -> FastAPI:
    app = create_app(ApiSettings(), TASK_TYPES)
    app.state.validation = validation
    app.state.task_queues = dict.fromkeys(TASK_TYPES, cast("TaskQueue", TakingTaskQueue()))
    return app


@pytest.fixture
async def api(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api", timeout=60) as client:
        yield client


def processes() -> list[psutil.Process]:
    """Those that validate for this process."""
    children = psutil.Process().children()
    return [each for each in children if validation_process.__name__ in each.cmdline()]


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not holds():  # noqa: ASYNC110  # nothing announces it
            await asyncio.sleep(0.01)


async def refusal_of(answer: Awaitable[Any]) -> tuple[int, str]:
    with pytest.raises(HTTPException) as caught:
        await answer
    assert caught.value.headers is not None
    return caught.value.status_code, caught.value.headers["Retry-After"]


async def test_it_says_what_is_wrong_with_a_body(validation: ValidationProcess) -> None:
    assert await validation.faults_of_body("calculation", LARGE_BODY) is None
    content = await validation.faults_of_body("calculation", WRONG_BODY)
    assert content is not None
    assert json.loads(content)["more_errors"] == 400
    assert await validation.faults_of_body("calculation", LARGE_BODY) is None


async def test_a_large_task_is_answered_as_a_small_one_is(api: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json"}
    for body, status in ((LARGE_BODY, 200), (WRONG_BODY, 422), (b"x" * (LARGE_BODY_BYTES + 1), 422)):
        assert (await api.post(CALCULATION, content=body, headers=headers)).status_code == status


async def test_no_process_is_started_for_small_tasks(api: httpx.AsyncClient) -> None:
    assert (await api.post(CALCULATION, json=LARGE | {"message": [ITEM]})).status_code == 200
    assert processes() == []


async def test_others_are_answered_between_two_large_tasks(api: httpx.AsyncClient) -> None:
    await api.post(CALCULATION, json=LARGE)
    [process] = processes()
    process.suspend()
    large = [asyncio.create_task(api.post(CALCULATION, json=LARGE)) for _ in range(2)]

    assert (await api.get("/healthcheck")).status_code == 200
    assert (await api.post(CALCULATION, json=LARGE | {"message": [ITEM]})).status_code == 200

    assert not any(each.done() for each in large)
    process.resume()
    assert [answer.status_code for answer in await asyncio.gather(*large)] == [200, 200]


async def test_a_body_whose_turn_does_not_come_in_time_is_answered_503(app: FastAPI, api: httpx.AsyncClient) -> None:
    app.state.validation = validation = ValidationProcess(ValidationSettings(), longest_wait_seconds=0.01)
    await api.post(CALCULATION, json=LARGE)
    [process] = processes()
    process.suspend()
    large = [asyncio.create_task(api.post(CALCULATION, json=LARGE)) for _ in range(2)]

    [refused], [under_way] = await asyncio.wait(large, return_when=asyncio.FIRST_COMPLETED)

    answer = await refused
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "too busy" in answer.json()["detail"]
    process.resume()
    assert (await under_way).status_code == 200
    await validation.close()


async def test_a_body_whose_process_is_lost_is_answered_503_and_the_next_one_has_another(
    validation: ValidationProcess,
) -> None:
    await validation.faults_of_body("calculation", LARGE_BODY)
    [process] = processes()
    process.kill()

    with capture_logs() as lines:
        assert await refusal_of(validation.faults_of_body("calculation", LARGE_BODY)) == (503, "1")

    assert [line["event"] for line in lines] == ["a large task could not be validated"]
    assert await validation.faults_of_body("calculation", WRONG_BODY) is not None


async def test_a_process_that_does_not_answer_in_time_is_ended() -> None:
    validation = ValidationProcess(ValidationSettings(), PATIENCE_SECONDS, longest_validation_seconds=0.01)

    assert await refusal_of(validation.faults_of_body("calculation", LARGE_BODY)) == (503, "1")

    assert processes() == []


async def test_the_answer_of_a_request_that_was_given_up_is_nobody_elses(validation: ValidationProcess) -> None:
    await validation.faults_of_body("calculation", LARGE_BODY)
    [process] = processes()
    process.suspend()
    given_up = asyncio.create_task(validation.faults_of_body("calculation", WRONG_BODY))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.wait({given_up})

    assert await validation.faults_of_body("calculation", LARGE_BODY) is None


async def test_it_ends_when_it_is_closed(validation: ValidationProcess) -> None:
    await validation.faults_of_body("calculation", LARGE_BODY)
    [process] = processes()

    await validation.close()

    assert not process.is_running()


PARENT = """
import asyncio
from services.api.settings import ValidationSettings
from services.api.validation_process import ValidationProcess

async def main():
    await ValidationProcess(ValidationSettings(), 60).faults_of_body("calculation", b"{}")
    print("started", flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_it_ends_with_an_api_that_is_killed() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen([sys.executable, "-c", PARENT], env=environment, stdout=subprocess.PIPE) as parent:  # noqa: ASYNC220, S603  # nothing of it is a user's
        assert parent.stdout is not None
        assert await asyncio.to_thread(parent.stdout.readline) == b"started\n"
        [process] = psutil.Process(parent.pid).children()
        parent.send_signal(signal.SIGKILL)

        await eventually(lambda: not process.is_running())
