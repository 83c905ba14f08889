"""The command `submit`: posts a task to the running stack, and waits for its callback where that is wanted."""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from services.primitives import exact_json
from services.task_types.example import make_example
from services.task_types.loading import TaskTypes
from services.telemetry.redaction import without_url_secrets
from stack.config import StackSettings
from stack.errors import StackError
from stack.task_types import task_types_of
from stack.terminal import errors, json_view, show, show_json
from stack.tryout.inbox import Delivery, Inbox, answer_text, leads_to_inbox, open_client, was_taken
from stack.tryout.task_request import TaskRequest, make_request, named, places


@dataclass(frozen=True)
class Submission:
    """A task that was accepted, and what was heard of it."""

    task_id: str
    request: TaskRequest
    deliveries: tuple[Delivery, ...] = ()

    @property
    def taken(self) -> Delivery | None:
        """The delivery that was taken, None where none was yet."""
        return next(filter(was_taken, self.deliveries), None)

    @property
    def is_success(self) -> bool:
        """Whether the callback heard that the task was done."""
        return self.taken is not None and self.taken["outcome"] == "success"

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "task_id": self.task_id,
            "task_type": self.request.task_type.name,
            "callback_url": self.request.callback_url,
            "outcome": self.taken and self.taken["outcome"],
            "callback": self.taken and self.taken["body"],
            "deliveries": [
                {name: each[name] for name in ("attempt", "received_at", "status", "fault")} for each in self.deliveries
            ],
        }


def submit(request: TaskRequest, settings: StackSettings, wait_seconds: float | None, *, as_json: bool) -> bool:
    """Post the task and say what came of it; return whether all went well.

    `wait_seconds` is how long to wait for its callback once its delay is over, None: not at all. Raises `StackError`.
    """
    if wait_seconds is not None:
        require_visible(request, settings)
    with open_client() as client:
        task_id = post(client, settings, request.task_type.route, request.body, request.headers)
        submission = Submission(task_id, request)
        if not as_json:
            _show_accepted(submission)
        began = time.monotonic()
        if wait_seconds is not None:
            submission = _wait(Inbox(settings, client), submission, request.delay_seconds + wait_seconds)
    if as_json:
        show_json(submission.as_json())
    elif wait_seconds is not None:
        _show_outcome(submission, time.monotonic() - began)
    return wait_seconds is None or submission.is_success


def read_request(
    file: str, settings: StackSettings, task_type: str | None = None, callback_url: str | None = None
) -> TaskRequest:
    """The request of a file, `-` for standard input; its callback_url where it has none is the receiver's.

    Raises `StackError` where it holds none.
    """
    task_types = task_types_of(settings.environment)
    if not file and task_type:
        text = _example(task_type, task_types, settings)
        return make_request(text, task_types, task_type, callback_url, settings.callback_url)
    if not file:
        raise StackError(
            "Say what to post: `make submit FILE=task.json` (- is standard input), or `make submit TYPE=calculation`,"
            " which posts the example of a task type."
        )
    try:
        given = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise StackError(f"{file} cannot be read: {error.strerror}.") from error
    return make_request(given, task_types, task_type, callback_url, settings.callback_url)


def _example(name: str, task_types: TaskTypes, settings: StackSettings) -> str:
    return exact_json.dumps(make_example(named(name, task_types), settings.callback_url))


def post(
    client: httpx.Client, settings: StackSettings, path: str, body: str, headers: Mapping[str, str] | None = None
) -> str:
    """Post a task; return its id. Raises `StackError` with what is wrong where it is not accepted."""
    all_headers = {**request_headers(settings), **(headers or {})}
    try:
        answer = client.post(f"{settings.api_url}{path}", content=body, headers=all_headers)
    except httpx.TransportError as error:
        raise StackError(f"The API does not answer at {settings.api_url}: start it with `make up`.") from error
    if answer.status_code == httpx.codes.OK:
        return str(answer.json()["task_id"])
    raise refusal(answer)


def request_headers(settings: StackSettings) -> dict[str, str]:
    """The headers of a task: with the first of the API keys, where there are some."""
    key = settings.environment.get("API_KEYS", "").partition(",")[0].strip()
    return {"Content-Type": "application/json", **({"X-API-Key": key} if key else {})}


def require_visible(request: TaskRequest, settings: StackSettings) -> None:
    """Raise `StackError` where nobody here can see the callback, before anything is submitted."""
    if not leads_to_inbox(request.callback_url, settings):
        raise StackError(
            f"--wait looks into the receiver's inbox, and cannot see what comes to"
            f" {without_url_secrets(request.callback_url)}:"
            f" leave out --wait and look with `make trace`, or the callback_url, which is {settings.callback_url} then."
        )


def _wait(inbox: Inbox, submission: Submission, seconds: float) -> Submission:
    """Wait until a delivery is taken, no more will come, or the time is over; show each that was not taken."""
    deliveries = []
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        progress.add_task("waiting for the callback")
        for delivery in inbox.watch(submission.task_id, seconds):
            deliveries.append(delivery)
            if not was_taken(delivery):
                text = f"↻ delivery {delivery['attempt']} was {answer_text(delivery)}"
                progress.console.print(text, style="yellow", markup=False)
    return replace(submission, deliveries=tuple(deliveries))


def _show_accepted(submission: Submission) -> None:
    show(
        Text.assemble(
            ("✓", "green"), f" accepted as {submission.request.task_type.name} task ", (submission.task_id, "bold")
        )
    )


def _show_outcome(submission: Submission, seconds: float) -> None:
    taken = submission.taken
    if taken is None:
        last = next(reversed(submission.deliveries), None)
        heard = f"its callback was not taken ({answer_text(last)})" if last else "no callback came"
        show(Text(f"✗ {heard} in {seconds:.1f} s; why: make trace TASK={submission.task_id}", style="bold red"))
        return
    style, sign = ("green", "✓") if submission.is_success else ("bold red", "✗")
    show(Text(f"{sign} callback received after {seconds:.1f} s: {taken['outcome'] or 'no outcome'}", style=style))
    show(json_view(taken["body"]))
    if not submission.is_success:
        show(Text(f"Its story: make trace TASK={submission.task_id}"))


def refusal(answer: httpx.Response) -> StackError:
    """What the API says of a request that it does not accept: by place, where it names places."""
    status = f"{answer.status_code} {answer.reason_phrase}"
    detail = _detail(answer)
    if isinstance(detail, list):
        return StackError(f"The API answered {status}: correct what stands above.", "\n".join(places(detail)))
    wait_seconds = answer.headers.get("retry-after")
    return StackError(
        f"The API answered {status}: {detail}" + (f" (again in {wait_seconds} s)" if wait_seconds else "")
    )


def _detail(answer: httpx.Response) -> Any:
    try:
        return answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return answer.text[:500]
