"""Tries a running stack: submits one task of each type and shows the callbacks that come."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
from rich.json import JSON

from stack.config import StackSettings
from stack.console import console
from stack.errors import StackError

CALLBACK_SECONDS = 60.0
POLL_SECONDS = 0.1

# As text, so that every digit is sent.
CALCULATIONS = """\
[
    {"name": "calc_0", "num_1": 123, "num_2": 0.75647, "operation": "+", "result_rounding": 2},
    {"name": "calc_1", "num_1": 785687256, "num_2": 0.75647, "operation": "-", "result_rounding": 4},
    {"name": "calc_2", "num_1": 0.877666663555222222, "num_2": 1000, "operation": "*", "result_rounding": -1},
    {"name": "calc_3", "num_1": 1, "num_2": 0, "operation": "/", "result_rounding": 0}
  ]"""
CALCULATION_RESULTS = [{"calc_0": 123.76}, {"calc_1": 785687255.2435}, {"calc_2": 880}]
CALCULATION_ERRORS = [{"calc_3": "division by zero"}]

Body = dict[str, Any]


@dataclass(frozen=True)
class Trial:
    """A task to submit, and whether the callback's body is what it should be."""

    title: str
    path: str
    message: str
    """As JSON."""
    is_expected: Callable[[Body], bool]


def trials(settings: StackSettings) -> list[Trial]:
    """The design's calculations, and a data task of which one source answers and one does not."""
    sources = [
        {"name": "source", "url": settings.source_url},
        {"name": "missing", "url": f"{settings.source_url}?status=404"},
    ]
    return [
        Trial("Four calculations, one of which divides by zero", "/v1/calculation/basic", CALCULATIONS, _calculated),
        Trial("Two data sources, one of which answers 404", "/v1/data/from-api", json.dumps(sources), _fetched),
    ]


def demo(settings: StackSettings) -> bool:
    """Run every trial, printing each step; return whether all came out as they should."""
    with httpx.Client(trust_env=False, timeout=10) as client:
        outcomes = [_try(client, settings, trial) for trial in trials(settings)]
    return all(outcomes)


def curl(settings: StackSettings) -> str:
    """The calculations as a command to paste into a shell."""
    request = _request(settings, CALCULATIONS)
    return f"curl -X POST {settings.api_url}/v1/calculation/basic -H 'Content-Type: application/json' -d '{request}'"


def request_headers(settings: StackSettings) -> dict[str, str]:
    """The headers of a task: with the first of the API keys, where there are some."""
    key = settings.environment.get("API_KEYS", "").partition(",")[0].strip()
    return {"Content-Type": "application/json", **({"X-API-Key": key} if key else {})}


def _try(client: httpx.Client, settings: StackSettings, trial: Trial) -> bool:
    console.print(f"\n[bold]{trial.title}[/bold]")
    task_id = _submit(client, settings, trial)
    _step(f"accepted as task {task_id}", passed=True)
    with console.status("waiting for the callback"):
        callback = next(_callbacks(client, settings, task_id), None)
    if callback is None:
        return _step(f"no callback within {CALLBACK_SECONDS:.0f} s: `make logs` may say why", passed=False)
    body = callback["body"]
    _step(f"callback received, signature {callback['signature']['verdict']}", passed=True)
    expected = _step("results and errors are the expected ones", passed=trial.is_expected(body))
    console.print(JSON.from_data(body))
    return expected


def _submit(client: httpx.Client, settings: StackSettings, trial: Trial) -> str:
    request = _request(settings, trial.message)
    try:
        response = client.post(f"{settings.api_url}{trial.path}", content=request, headers=request_headers(settings))
    except httpx.TransportError as error:
        raise StackError(f"The API does not answer at {settings.api_url}: start it with `make up`.") from error
    if response.status_code != httpx.codes.OK:
        raise StackError(f"The API answered {response.status_code}: {response.text}")
    return str(response.json()["task_id"])


def _callbacks(client: httpx.Client, settings: StackSettings, task_id: str) -> Iterator[dict[str, Any]]:
    """The callbacks of a task as they come, until it has waited long enough."""
    deadline = time.monotonic() + CALLBACK_SECONDS
    while time.monotonic() < deadline:
        answer = client.get(f"{settings.receiver_url}/callbacks", params={"task_id": task_id})
        yield from answer.raise_for_status().json()["callbacks"]
        time.sleep(POLL_SECONDS)


def _calculated(body: Body) -> bool:
    return (body["results"], body["errors"]) == (CALCULATION_RESULTS, CALCULATION_ERRORS)


def _fetched(body: Body) -> bool:
    """One result, what the source says of itself; one error, which names the status."""
    return (
        [list(result) for result in body["results"]] == [["source"]]
        and body["results"][0]["source"]["source"] == "receiver"
        and [list(error) for error in body["errors"]] == [["missing"]]
        and "404" in body["errors"][0]["missing"]
    )


def _step(text: str, *, passed: bool) -> bool:
    console.print("[green]✓[/green]" if passed else "[red]✗[/red]", text)
    return passed


def _request(settings: StackSettings, message: str) -> str:
    return f'{{\n  "callback_url": "{settings.callback_url}",\n  "message": {message}\n}}'
