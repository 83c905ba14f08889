"""Posting a task, and waiting for its callback, at a real API's and a real receiver's HTTP."""

import io
import json
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from stack.config import StackSettings
from stack.errors import StackError
from stack.ports import free_port
from stack.tryout.submit import read_request, submit
from stack.tryout.task_request import TaskRequest
from tests.unit.stack.conftest import Answer, Serve

ITEMS = '[{"name": "a", "num_1": 1.50, "num_2": 2, "operation": "+", "result_rounding": 2}]'


def delivery(attempt: int, status: int, outcome: str = "success", fault: str | None = None) -> dict[str, Any]:
    return {
        "attempt": attempt,
        "status": status,
        "fault": fault,
        "outcome": outcome,
        "received_at": "2026-11-24T14:05:03.800+00:00",
        "body": {"results": [{"a": 3.5}], "errors": [], "task_id": "t-1"},
    }


class Stack:
    """An API that answers so, and an inbox that has the first delivery, and one more each time it is looked at."""

    def __init__(self, serve: Serve, accepted: Answer = (200, {"task_id": "t-1"}), *deliveries: dict[str, Any]) -> None:
        self.posted: list[tuple[str, bytes]] = []
        self._accepted = accepted
        self._growing = self._grow(deliveries)
        self.settings = StackSettings("native", api_port=serve(self._api), receiver_port=serve(self._receiver))

    def submit(
        self, *, wait_seconds: float | None = 30.0, callback_url: str | None = None, as_json: bool = True
    ) -> bool:
        return submit(self.request(callback_url), self.settings, wait_seconds, as_json=as_json)

    def request(self, callback_url: str | None = None) -> TaskRequest:
        return read_request("-", self.settings, None, callback_url)

    def _api(self, request: str, body: bytes) -> Answer:
        self.posted.append((request, body))
        return self._accepted

    def _receiver(self, request: str, _body: bytes) -> Answer:
        assert request == "GET /callbacks?task_id=t-1"
        return 200, {"callbacks": next(self._growing)}

    @staticmethod
    def _grow(deliveries: tuple[dict[str, Any], ...]) -> Iterator[list[dict[str, Any]]]:
        for count in range(1, len(deliveries)):
            yield list(deliveries[:count])
        while True:
            yield list(deliveries)


@pytest.fixture(autouse=True)
def items_on_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(ITEMS.encode())))


def test_a_task_is_posted_to_its_route_with_its_digits(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    stack = Stack(serve)

    assert stack.submit(wait_seconds=None)

    [(request, body)] = stack.posted
    assert request == "POST /v1/calculation/basic"
    assert b'"num_1":1.50' in body
    assert json.loads(capsys.readouterr().out)["task_id"] == "t-1"


def test_a_callback_that_is_refused_then_taken_is_waited_for_and_shown(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = Stack(serve, (200, {"task_id": "t-1"}), delivery(1, 503), delivery(2, 200, fault="close"), delivery(3, 200))

    assert stack.submit()

    printed = capsys.readouterr()
    shown = json.loads(printed.out)
    assert (shown["task_type"], shown["outcome"], shown["callback"]["results"]) == (
        "calculation",
        "success",
        [{"a": 3.5}],
    )
    assert [each["status"] for each in shown["deliveries"]] == [503, 200, 200]
    assert printed.err.splitlines() == [
        "↻ delivery 1 was answered 503",
        "↻ delivery 2 was broken on purpose (close)",
    ]


def test_a_task_that_failed_for_good_is_a_failure_and_the_callback_is_shown(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not Stack(serve, (200, {"task_id": "t-1"}), delivery(1, 200, "failure")).submit(as_json=False)

    printed = capsys.readouterr().out
    assert "failure" in printed
    assert "make trace TASK=t-1" in printed


def test_a_callback_that_wants_no_more_ends_the_wait(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    assert not Stack(serve, (200, {"task_id": "t-1"}), delivery(1, 410)).submit(as_json=False)

    assert "was not taken (answered 410)" in capsys.readouterr().out


def test_when_no_callback_comes_in_time_it_says_what_to_do(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    assert not Stack(serve).submit(wait_seconds=0.01, as_json=False)

    assert re.search(r"no callback came in \d+\.\d s; why: make trace TASK=t-1$", capsys.readouterr().out, re.MULTILINE)


def test_a_callback_that_nobody_here_can_see_is_not_waited_for_and_nothing_is_submitted(serve: Serve) -> None:
    stack = Stack(serve)

    with pytest.raises(StackError, match=r"cannot see what comes to http://example\.com/hook\?token=…:"):
        stack.submit(callback_url="http://user:pass@example.com/hook?token=secret")

    assert stack.posted == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_natively_the_inbox_is_seen_by_each_of_its_names(serve: Serve, host: str) -> None:
    stack = Stack(serve, (200, {"task_id": "t-1"}), delivery(1, 200))

    assert stack.submit(callback_url=f"http://{host}:{stack.settings.receiver_port}/callback?status=503&times=0")


@pytest.mark.parametrize(
    ("answer", "line", "evidence"),
    # A phrase is that of RFC 9110 as of Python 3.13, and of its forerunner before.
    [
        (
            (422, {"detail": [{"loc": ["body", "message", 0, "num_1"], "msg": "Input should be a number"}]}),
            f"The API answered 422 {HTTPStatus(422).phrase}: correct what stands above.",
            "message.0.num_1: Input should be a number",
        ),
        ((401, {"detail": "no valid API key"}), "The API answered 401 Unauthorized: no valid API key", ""),
        ((413, {"detail": "too large"}), f"The API answered 413 {HTTPStatus(413).phrase}: too large", ""),
        ((500, "odd"), "The API answered 500 Internal Server Error: odd", ""),
        ((502, [1]), "The API answered 502 Bad Gateway: [1]", ""),
    ],
)
def test_what_is_not_accepted_is_shown_by_its_place(serve: Serve, answer: Answer, line: str, evidence: str) -> None:
    with pytest.raises(StackError) as raised:
        Stack(serve, answer).submit()

    assert (str(raised.value), raised.value.evidence) == (line, evidence)


def test_a_stack_that_does_not_answer_is_one_line() -> None:
    settings = StackSettings("native", api_port=free_port())

    with pytest.raises(StackError, match=rf"^The API does not answer at http://localhost:{settings.api_port}"):
        submit(read_request("-", settings), settings, None, as_json=True)


def test_a_file_is_read_and_one_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "task.json").write_text(ITEMS)

    assert read_request(str(tmp_path / "task.json"), StackSettings("native")).task_type.name == "calculation"
    with pytest.raises(StackError, match="cannot be read: No such file"):
        read_request(str(tmp_path / "nothing.json"), StackSettings("native"))
    with pytest.raises(StackError, match=r"FILE=task\.json"):
        read_request("", StackSettings("native"))
