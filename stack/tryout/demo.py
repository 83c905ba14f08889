"""Tries a running stack: what goes well, what is retried, what fails for good; each is checked, and left to be seen."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpx

from services.messages import encode_task
from services.primitives import exact_json
from services.queues import UNDELIVERED
from stack.broker.api import Sqs, connect
from stack.config import StackSettings
from stack.errors import StackError
from stack.task_types import OWN_PACKAGE, task_types_of
from stack.tryout.inbox import Delivery, Inbox, answer_text, open_client
from stack.tryout.submit import post

PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.1

CALCULATION = "calculation"
PATHS = {CALCULATION: "/v1/calculation/basic", "data": "/v1/data/from-api"}

# As text, so that every digit is sent.
CALCULATIONS = """\
[
    {"name": "calc_0", "num_1": 123, "num_2": 0.75647, "operation": "+", "result_rounding": 2},
    {"name": "calc_1", "num_1": 785687256, "num_2": 0.75647, "operation": "-", "result_rounding": 4},
    {"name": "calc_2", "num_1": 0.877666663555222222, "num_2": 1000, "operation": "*", "result_rounding": -1},
    {"name": "calc_3", "num_1": 1, "num_2": 0, "operation": "/", "result_rounding": 0}
  ]"""
CALCULATION_RESULTS = '[{"calc_0": 123.76}, {"calc_1": 785687255.2435}, {"calc_2": 880}]'
CALCULATION_ERRORS = '[{"calc_3": "division by zero"}]'

SUM = '[{"name": "sum", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 0}]'
# As a release that knew other fields would have queued it: the API of today refuses it.
OUTDATED = '[{"name": "sum", "first": 1, "second": 2}]'

Body = dict[str, Any]


@dataclass(frozen=True)
class Trial:
    """A task, what it is to show, and how to see that it has."""

    title: str
    task_type: str
    message: str
    """As JSON."""
    shows: str
    is_expected: Callable[[Body], bool]
    """Of the body that the callback hears."""
    callback_query: str = ""
    """How the receiver is to misbehave."""
    answers: tuple[int, ...] = (200,)
    """How it answers each delivery."""
    past_the_api: bool = False
    """Whether it is put on its queue by itself."""
    ends_undelivered: bool = False


@dataclass(frozen=True)
class Tried:
    """What came of a trial."""

    trial: Trial
    task_id: str
    checks: list[tuple[str, bool]]
    """What was looked at, and whether it is as it should be."""
    callback: Body | None

    @property
    def passed(self) -> bool:
        """Whether all is as it should be."""
        return all(passed for _text, passed in self.checks)

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        checks = [{"text": text, "passed": passed} for text, passed in self.checks]
        return {
            "title": self.trial.title,
            "task_id": self.task_id,
            "passed": self.passed,
            "undelivered": self.trial.ends_undelivered,
            "checks": checks,
            "callback": self.callback,
        }


def trials(settings: StackSettings) -> list[Trial]:
    """One of each kind: done, done in part, delivered late, failed for good, delivered to nobody."""
    sources = [
        {"name": "source", "url": settings.source_url},
        {"name": "missing", "url": f"{settings.source_url}?status=404"},
    ]
    return [
        Trial(
            "Four calculations, one of which divides by zero",
            CALCULATION,
            CALCULATIONS,
            "an item that fails is an entry in `errors`, not the failure of its task",
            _is_calculated,
        ),
        Trial(
            "Two data sources, one of which answers 404",
            "data",
            json.dumps(sources),
            "the same for what is fetched",
            _is_fetched,
        ),
        Trial(
            "A callback that is refused twice, then taken",
            CALCULATION,
            SUM,
            "the delivery is retried, the work is not",
            _is_sum,
            callback_query="?status=503&times=2",
            answers=(503, 503, 200),
        ),
        Trial(
            "A task of a form that its worker does not know",
            CALCULATION,
            OUTDATED,
            "it fails for good: the callback hears the reason, and an alert is sent",
            _is_failure,
            past_the_api=True,
        ),
        Trial(
            "A callback that wants no more (410 Gone)",
            "data",
            json.dumps(sources[:1]),
            "the outcome reaches nobody: it is kept in `undelivered`, and an alert is sent",
            lambda body: bool(body["results"]),
            callback_query="?status=410&times=1",
            answers=(410,),
            ends_undelivered=True,
        ),
    ]


def demo(settings: StackSettings) -> Iterator[Tried]:
    """Submit every trial, then see what came of each, in turn. Raises `StackError` where one is not accepted."""
    _require_types(settings)
    planned = trials(settings)
    with open_client() as client, connect(settings) as sqs:
        task_ids = [_submit(client, sqs, settings, trial) for trial in planned]
        deadline = time.monotonic() + PATIENCE_SECONDS
        inbox = Inbox(settings, client)
        for trial, task_id in zip(planned, task_ids, strict=True):
            deliveries = list(inbox.watch(task_id, deadline - time.monotonic()))
            checks = _checks(trial, deliveries)
            if trial.ends_undelivered:
                kept = _is_kept(sqs, settings, task_id, deadline)
                checks.append(("kept in undelivered" if kept else "not found in undelivered", kept))
            yield Tried(trial, task_id, checks, deliveries[-1]["body"] if deliveries else None)


def _require_types(settings: StackSettings) -> None:
    task_types = task_types_of(settings.environment)
    if not PATHS.keys() <= task_types.keys():
        raise StackError(
            f"The demo's tasks are of the types {' and '.join(PATHS)}, which TASK_PACKAGES leaves out: add"
            f" {OWN_PACKAGE}, or post a task of yours, `make submit TYPE={next(iter(task_types), '…')} WAIT=1`."
        )


def curl(settings: StackSettings) -> str:
    """The calculations as a command to paste into a shell, whose proxy has no part in it."""
    request = _request(settings.callback_url, CALCULATIONS)
    command = "curl --noproxy localhost" if "http" in getproxies() and not proxy_bypass("localhost") else "curl"
    url = f"{settings.api_url}{PATHS[CALCULATION]}"
    return f"{command} -X POST {url} -H 'Content-Type: application/json' -d '{request}'"


def _submit(client: httpx.Client, sqs: Sqs, settings: StackSettings, trial: Trial) -> str:
    request = _request(f"{settings.callback_url}{trial.callback_query}", trial.message)
    if not trial.past_the_api:
        return post(client, settings, PATHS[trial.task_type], request)
    task_id = str(uuid.uuid4())
    entry = {"Id": "0", "MessageBody": encode_task(task_id, trial.task_type, request)}
    sqs.send_batch(sqs.queue_urls()[_queue_name(settings, trial.task_type)], [entry])
    return task_id


def _checks(trial: Trial, deliveries: list[Delivery]) -> list[tuple[str, bool]]:
    if not deliveries:
        return [(f"no callback within {PATIENCE_SECONDS:.0f} s", False)]
    answers = ", then ".join(map(answer_text, deliveries))
    signature = deliveries[-1]["signature"]["verdict"]
    came = (f"callback {answers}, signature {signature}", tuple(each["status"] for each in deliveries) == trial.answers)
    is_expected = trial.is_expected(deliveries[-1]["body"])
    return [came, ("it says what it should" if is_expected else "it does not say what it should", is_expected)]


def _is_kept(sqs: Sqs, settings: StackSettings, task_id: str, deadline: float) -> bool:
    """Whether the task's outcome comes to `undelivered`, where it stays."""
    url = sqs.queue_urls()[_queue_name(settings, UNDELIVERED)]
    while time.monotonic() < deadline:
        with sqs.look_through(url) as messages:
            in_time = takewhile(lambda _message: time.monotonic() < deadline, messages)
            if any(task_id in message["Body"] for message in in_time):
                return True
        time.sleep(POLL_SECONDS)
    return False


def _queue_name(settings: StackSettings, name: str) -> str:
    return settings.environment.get("QUEUE_NAME_PREFIX", "") + name


def _is_calculated(body: Body) -> bool:
    expected = (exact_json.loads(CALCULATION_RESULTS), exact_json.loads(CALCULATION_ERRORS))
    return (body["results"], body["errors"]) == expected


def _is_fetched(body: Body) -> bool:
    """One result, what the source says of itself; one error, which names the status."""
    return (
        [list(result) for result in body["results"]] == [["source"]]
        and body["results"][0]["source"]["source"] == "receiver"
        and [list(error) for error in body["errors"]] == [["missing"]]
        and "404" in body["errors"][0]["missing"]
    )


def _is_sum(body: Body) -> bool:
    return bool(body["results"] == [{"sum": 3}])


def _is_failure(body: Body) -> bool:
    """The reason, which names the place, and the request as it was."""
    return (
        body["results"] == []
        and "message.0.num_1" in body["errors"][0]["details"]
        and body["errors"][0]["message"]["message"] == json.loads(OUTDATED)
    )


def _request(callback_url: str, message: str) -> str:
    return f'{{\n  "callback_url": "{callback_url}",\n  "message": {message}\n}}'
