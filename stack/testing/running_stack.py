"""A running stack, as the tests of a task type use it: they post tasks, and hear what the callback heard."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import httpx

from services.telemetry.redaction import without_url_secrets
from stack.config import StackSettings
from stack.errors import StackError
from stack.mode import mode_of_running
from stack.stories.story_view import story_lines
from stack.stories.trace import find_true_story
from stack.testing.errors import NoOutcomeError, TaskRefusedError
from stack.testing.outcome import Outcome
from stack.testing.subject import Task, TaskTypeOrModule, request_of, task_type_of
from stack.tryout.inbox import (
    POLL_SECONDS,
    Delivery,
    Inbox,
    answer_text,
    is_final,
    leads_to_inbox,
    open_client,
    was_taken,
)
from stack.tryout.submit import refusal, request_headers

# What is wrong is shown where the test calls (https://docs.pytest.org/en/stable/example/simple.html).
__tracebackhide__ = True

PATIENCE_SECONDS = 120.0
"""How long an outcome is waited for unless a test says otherwise: a machine that is short of breath included."""

_SOON_LOGGED_SECONDS = 2.0

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, repr=False)
class HeardTask(Outcome):
    """A task whose outcome the callback has taken."""

    deliveries: Sequence[Delivery]
    """All delivery attempts until then, the oldest first, as `GET /callbacks` of the receiver lists them."""


class RunningStack:
    """A stack that is up. Its calls block: they are for tests that are plain functions."""

    def __init__(self, settings: StackSettings) -> None:
        self.settings = settings
        """Its ports, and the addresses that follow from them."""
        self.submitted: list[str] = []
        """The tasks of the test that runs, whose stories its report has where it fails."""

    @property
    def callback_url(self) -> str:
        """The callback of a task that names none. With a query, as `?status=503&times=2`, the receiver misbehaves."""
        return self.settings.callback_url

    def run(
        self,
        task_type: TaskTypeOrModule,
        task: Task,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        timeout_seconds: float = PATIENCE_SECONDS,
    ) -> HeardTask:
        """Submit the task and return its outcome. Raises as `submit` and `outcome` do."""
        return self.outcome(self.submit(task_type, task, headers=headers), timeout_seconds=timeout_seconds)

    def submit(self, task_type: TaskTypeOrModule, task: Task, *, headers: Mapping[str, str] = _NO_HEADERS) -> str:
        """Post the task, a request or its items alone, with these headers too; return its task_id.

        Raises TaskRefusedError where the API answers otherwise than 200, StackError where it does not answer or has no
        such task type, and NoOutcomeError where its callback is not the receiver's, so that nobody could hear it here.
        """
        known = task_type_of(task_type)
        request = request_of(known, task, self.callback_url)
        if not leads_to_inbox(request.callback_url, self.settings):
            raise NoOutcomeError(
                f"What comes to {without_url_secrets(request.callback_url)} cannot be heard here: leave the"
                f" callback_url out, or give {self.callback_url}"
            )
        url = f"{self.settings.api_url}{known.route}"
        with open_client() as client:
            try:
                answer = client.post(url, content=request.body, headers={**request_headers(self.settings), **headers})
            except httpx.TransportError as error:
                raise StackError(f"The API does not answer at {self.settings.api_url} ({error}).") from error
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise StackError(
                f"The stack at {self.settings.api_url} has no task type {known.name}: is its package in TASK_PACKAGES,"
                f" which is {self.settings.environment.get('TASK_PACKAGES') or 'unset'} here?"
            )
        if answer.status_code != httpx.codes.OK:
            refused = refusal(answer)
            raise TaskRefusedError(answer.status_code, refused.evidence.splitlines() or [str(refused)])
        task_id = str(answer.json()["task_id"])
        self.submitted.append(task_id)
        return task_id

    def outcome(self, task_id: str, *, timeout_seconds: float = PATIENCE_SECONDS) -> HeardTask:
        """Wait until the callback takes the outcome of the task, and return it.

        Raises NoOutcomeError where it does not in time, or refuses it for good.
        """
        with open_client() as client:
            deliveries = list(Inbox(self.settings, client).watch(task_id, timeout_seconds))
        last = deliveries[-1] if deliveries else None
        if last is None:
            raise NoOutcomeError(f"No callback of the task {task_id} came within {timeout_seconds:g} seconds.")
        if was_taken(last):
            is_success = last["outcome"] == "success"
            return HeardTask(task_id=task_id, body=last["raw_body"], is_success=is_success, deliveries=deliveries)
        late = "which is final" if is_final(last) else f"and it was not taken within {timeout_seconds:g} seconds"
        raise NoOutcomeError(f"The callback of the task {task_id} was {answer_text(last)}, {late}.")

    def story(self, task_id: str) -> str:
        """Return what the logs of all services say of the task, as `make trace` shows it, or why they do not.

        For a task that is not at its end yet, two seconds are given to what is just being done and logged.
        """
        deadline = time.monotonic() + _SOON_LOGGED_SECONDS
        text, is_settled = self._look_at(task_id)
        while not is_settled and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            text, is_settled = self._look_at(task_id)
        return text

    def _look_at(self, task_id: str) -> tuple[str, bool]:
        """Return the story as it is now, and whether it is at its end."""
        read_logs = partial(mode_of_running(self.settings.mode).log_lines, self.settings, None, last=None, follow=False)
        try:
            story = find_true_story(task_id, read_logs, self.settings)
        except StackError as error:
            return str(error), False
        return "\n".join(line.plain for line in story_lines(story, time.time())), story.standing.is_settled
