"""What the tests of a task type see of a running stack, and what they are told where it does not do as they ask."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stack.config import StackSettings
from stack.errors import StackError
from stack.ports import free_port
from stack.testing import NoOutcomeError, RunningStack, TaskRefusedError
from tests.end_to_end.worked_example import word_count
from tests.unit.stack.conftest import Answer, Serve

ITEMS = [{"name": "a", "text": "x"}]
ACCEPTED = {"task_id": "the-task"}


def delivery(status: int, outcome: str | None = "success", fault: str | None = None) -> dict[str, Any]:
    body = {"results": [{"a": 1}], "errors": [], "task_id": "the-task"}
    return {
        "status": status,
        "outcome": outcome,
        "fault": fault,
        "attempt": 1,
        "body": body,
        "raw_body": json.dumps(body),
    }


@pytest.fixture
def stack_answering(serve: Serve) -> Callable[..., RunningStack]:
    """A stack whose API and receiver answer so."""

    def make(api: Answer = (200, ACCEPTED), deliveries: tuple[dict[str, Any], ...] = ()) -> RunningStack:
        def answer(line: str, _body: bytes) -> Answer:
            return api if line.startswith("POST ") else (200, {"callbacks": list(deliveries)})

        port = serve(answer)
        environment = {"TASK_PACKAGES": "acme.tasks"}
        return RunningStack(StackSettings("native", api_port=port, receiver_port=port, environment=environment))

    return make


StackAnswering = Callable[..., RunningStack]


def test_the_outcome_of_a_task_is_that_of_the_delivery_that_was_taken(stack_answering: StackAnswering) -> None:
    stack = stack_answering(deliveries=(delivery(503), delivery(200)))

    done = stack.run(word_count, ITEMS)

    assert (done.task_id, done.is_success, done.results, done.errors) == ("the-task", True, [{"a": 1}], [])
    assert [each["status"] for each in done.deliveries] == [503, 200]
    assert stack.submitted == ["the-task"]


@pytest.mark.parametrize(
    ("deliveries", "reason"),
    [
        ((), r"^No callback of the task the-task came within 0\.5 seconds\.$"),
        ((delivery(503),), r"was answered 503, and it was not taken within 0\.5 seconds"),
        ((delivery(200, fault="close"),), r"was broken on purpose \(close\), and it was not taken"),
        ((delivery(410),), "was answered 410, which is final"),
    ],
)
def test_a_callback_that_does_not_take_the_outcome_is_an_error_that_says_what_was_heard(
    stack_answering: StackAnswering, deliveries: tuple[dict[str, Any], ...], reason: str
) -> None:
    with pytest.raises(NoOutcomeError, match=reason):
        stack_answering(deliveries=deliveries).run(word_count, ITEMS, timeout_seconds=0.5)


def test_a_task_that_is_refused_is_an_error_that_names_the_places(stack_answering: StackAnswering) -> None:
    detail = [{"loc": ["body", "message", 0, "text"], "msg": "Field required", "type": "missing"}]
    stack = stack_answering(api=(422, {"detail": detail}))

    with pytest.raises(TaskRefusedError, match="422") as refused:
        stack.run(word_count, ITEMS)

    assert (refused.value.status, refused.value.reasons) == (422, ["message.0.text: Field required"])
    assert stack.submitted == []


def test_a_task_that_is_refused_as_a_whole_is_an_error_that_says_why(stack_answering: StackAnswering) -> None:
    with pytest.raises(TaskRefusedError, match="No valid API key"):
        stack_answering(api=(401, {"detail": "No valid API key"})).run(word_count, ITEMS)


def test_a_task_type_that_the_stack_does_not_have_is_an_error_that_names_its_packages(
    stack_answering: StackAnswering,
) -> None:
    with pytest.raises(
        StackError, match=r"has no task type word-count: is its package in TASK_PACKAGES, .* acme\.tasks"
    ):
        stack_answering(api=(404, {"detail": "Not Found"})).run(word_count, ITEMS)


def test_an_api_that_does_not_answer_is_said_not_to() -> None:
    port = free_port()

    with pytest.raises(StackError, match=f"The API does not answer at http://localhost:{port} "):
        RunningStack(StackSettings("native", api_port=port)).run(word_count, ITEMS)


def test_a_callback_that_cannot_be_heard_is_refused_before_anything_is_posted(stack_answering: StackAnswering) -> None:
    stack = stack_answering()

    with pytest.raises(NoOutcomeError, match=r"What comes to https://client\.example/ cannot be heard here"):
        stack.run(word_count, {"callback_url": "https://client.example/", "message": ITEMS})

    assert stack.submitted == []


def test_the_story_of_a_task_that_no_log_has_says_so(tmp_path: Path) -> None:
    text = RunningStack(StackSettings("native", directory=tmp_path)).story("the-task")

    assert text.startswith("No log has a task the-task.")
