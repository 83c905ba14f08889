"""What the console shows of real queues and of real services."""

import asyncio
import json
from pathlib import Path

import httpx
from pydantic import HttpUrl, SecretStr

from services.console.settings import ServiceAddress
from services.messages import encode_task
from stack.ports import free_port
from stack.readiness import http_probe, wait_until_ready
from tests.integration.services.conftest import PATIENCE_SECONDS, Broker
from tests.integration.services.console.conftest import Console, console_settings, queue, running_console, service
from tests.integration.services.running_program import running_program

TASK = encode_task("task-1", "calculation", '{"callback_url":"http://receiver/","message":[]}')
REQUEST = {
    "callback_url": "http://127.0.0.1:9/callback",
    "message": [{"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 0}],
}


async def test_a_queue_is_shown_as_sqs_counts_it(broker: Broker, console: Console) -> None:
    await asyncio.gather(*(broker.queues["data"].send(TASK) for _ in range(3)))
    await broker.queues["data"].send(TASK, delay_seconds=900)
    await broker.queues["data"].receive(1, wait_seconds=5, visibility_timeout_seconds=600)

    state = await console.state_when(lambda state: queue(state, "data")["in_flight"])

    data = queue(state, "data")
    assert (data["waiting"], data["in_flight"], data["delayed"]) == (2, 1, 1)
    assert data["oldest_seconds"] is not None
    assert data["history"]["waiting"][-1] == 2
    assert (queue(state, "calculation")["waiting"], queue(state, "calculation")["oldest_seconds"]) == (0, None)


async def test_the_state_is_the_same_at_once_and_as_an_event(console: Console) -> None:
    answer = await console.state_when(lambda state: state)
    asked = (await console.http.get("/api/state")).json()

    fields = {"at", "sample_seconds", "links", "queues", "unclaimed_problem", "made_anew", "services", "series"}
    assert answer.keys() == asked.keys() == fields


async def test_a_queue_that_is_gone_has_its_error_and_the_others_go_on(broker: Broker, console: Console) -> None:
    await console.state_when(lambda state: queue(state, "data-dlq")["error"] is None)
    await broker.delete("data-dlq")

    state = await console.state_when(
        lambda state: "there is no queue data-dlq" in (queue(state, "data-dlq")["error"] or "")
    )

    assert (queue(state, "data-dlq")["waiting"], queue(state, "data")["waiting"]) == (None, 0)


async def test_a_worker_is_shown_with_what_it_does_and_its_death_is_seen(broker: Broker, tmp_path: Path) -> None:
    port = free_port()
    services = [ServiceAddress("worker-calculation", f"http://127.0.0.1:{port}")]
    worker_settings = {
        "HEALTH_PORT": str(port),
        "SQS_WAIT_TIME_SECONDS": "1",
        # It is in flight until it is seen, and at the stop it is given back.
        "TASK_DELAY_SECONDS": "600",
        "DRAIN_TIMEOUT_SECONDS": "0",
        "ALLOWED_PRIVATE_TARGETS": "127.0.0.1",
    }
    async with running_console(console_settings(broker.environment, console_services=services)) as console:
        async with running_program(broker, tmp_path, ["services.worker", "calculation"], worker_settings) as process:
            await console.state_when(lambda state: service(state, "worker-calculation")["ready"])
            await broker.queues["calculation"].send(encode_task("task-7", "calculation", json.dumps(REQUEST)))
            busy = await console.state_when(
                # One that does not answer in time has none for now.
                lambda state: any(each["in_flight"] for each in service(state, "worker-calculation")["consumers"])
            )
        # While it was stopping it may have had another error.
        dead = await console.state_when(
            lambda state: service(state, "worker-calculation")["error"] == "connection refused"
        )

    worker = service(busy, "worker-calculation")
    [consumer] = worker["consumers"]
    assert worker["pid"] == process.pid
    assert (consumer["queue"], consumer["busy"], consumer["in_flight"][0]["task_id"]) == ("calculation", 1, "task-7")
    assert not service(dead, "worker-calculation")["alive"]


async def test_a_submitted_task_goes_through_the_api_and_is_seen_in_the_rates(broker: Broker, tmp_path: Path) -> None:
    api_port, health_port = free_port(), free_port()
    api_settings = {
        "API_PORT": str(api_port),
        "HEALTH_PORT": str(health_port),
        "API_KEYS": "a-key-of-the-api-itself",
        "ALLOWED_PRIVATE_TARGETS": "127.0.0.1",
    }
    api_url = f"http://127.0.0.1:{api_port}"
    settings = console_settings(
        broker.environment,
        console_api_url=HttpUrl(api_url),
        console_services=[ServiceAddress("api", f"http://127.0.0.1:{health_port}")],
        api_keys=[SecretStr("a-key-of-the-api-itself")],
    )
    async with (
        running_program(broker, tmp_path, ["services.api"], api_settings),
        running_console(settings) as console,
    ):
        await asyncio.to_thread(wait_until_ready, "The API", http_probe(f"{api_url}/readyz"), PATIENCE_SECONDS)
        # Without an error, its metrics are known too: what is accepted from now on is more than that.
        await console.state_when(lambda state: service(state, "api")["ready"] and not service(state, "api")["error"])
        [calculation, _data] = (await console.http.get("/api/task-types")).json()
        answered = await console.http.post("/api/submit", json={"route": calculation["route"], "request": REQUEST})
        refused = await console.http.post("/api/submit", json={"route": calculation["route"], "request": {}})
        state = await console.state_when(lambda state: queue(state, "calculation")["waiting"])
        await console.state_when(lambda state: any(state["series"]["accepted"]))

    assert answered.json()["status"] == 200, answered.text
    assert (refused.status_code, refused.json()["status"]) == (200, 422)
    assert queue(state, "calculation")["waiting"] == 1
    [message] = await broker.take("calculation")
    assert answered.json()["body"]["task_id"] in message.body


async def test_a_stop_ends_the_events_of_every_viewer(broker: Broker, tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    begun = [asyncio.Event() for _ in range(3)]
    # The viewers' connections outlive the console.
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS, trust_env=False) as http:
        async with running_program(broker, tmp_path, ["services.console"], {"CONSOLE_PORT": str(port)}):
            await asyncio.to_thread(wait_until_ready, "The console", http_probe(f"{url}/healthcheck"), PATIENCE_SECONDS)
            viewers = [asyncio.create_task(count_states(Console(http), begins)) for begins in begun]
            await asyncio.gather(*(begins.wait() for begins in begun))
        assert all(await asyncio.gather(*viewers))


async def count_states(console: Console, begins: asyncio.Event) -> int:
    """Follow to the end, which must be an orderly one."""
    count = 0
    async for _state in console.states():
        count += 1
        begins.set()
    return count
