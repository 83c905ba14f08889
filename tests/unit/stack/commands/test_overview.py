"""What `ps` shows of the console's state; the document is as its contract has it."""

from typing import Any

import pytest
from rich.console import Console

from stack.commands.overview import Overview, look, overview_text
from stack.config import StackSettings
from stack.ports import free_port
from stack.status import ServiceStatus
from stack.terminal import show_table
from tests.unit.stack.conftest import Serve

SERVICES = [ServiceStatus("api", "running", "healthy", 12, 65), ServiceStatus("receiver", "exited", "unhealthy")]


NOW = "t-1 (2s, attempt 3), m-1 (0s, settling), t-3 (0s), 1 more"


def queue(name: str, kind: str = "source", **given: Any) -> dict[str, Any]:
    return {
        "name": name,
        "consumer": "worker",
        "kind": kind,
        "dead_letter_queue": None,
        "source_queue": None,
        "max_attempts": 3,
        "error": None,
        "waiting": 0,
        "in_flight": 0,
        "delayed": 0,
        "oldest_seconds": None,
        "oldest_is_at_least": False,
        "history": {"waiting": [0, 1], "in_flight": [0, 1]},
        **given,
    }


def worker(name: str, *consumers: dict[str, Any], **given: Any) -> dict[str, Any]:
    return {
        "name": name,
        "url": f"http://{name}:8081",
        "alive": True,
        "ready": True,
        "reasons": [],
        "error": None,
        "consumers": [*consumers],
        **given,
    }


def in_flight(task_id: str | None, seconds: float, attempt: int = 1, *, settling: bool = False) -> dict[str, Any]:
    return {
        "task_id": task_id,
        "message_id": "m-1",
        "attempt": attempt,
        "since_seconds": seconds,
        "settling": settling,
    }


STATE = {
    "queues": [
        queue(
            "calculation",
            dead_letter_queue="calculation-dlq",
            waiting=1200,
            in_flight=3,
            oldest_seconds=75,
            oldest_is_at_least=True,
        ),
        queue("calculation-dlq", "dlq", source_queue="calculation", waiting=1, in_flight=1),
        queue("callbacks", error="SQS does not answer"),
        queue("alerts", consumer="dlq_watcher", dead_letter_queue="undelivered"),
        queue("undelivered", "other", consumer=None, waiting=2),
    ],
    "services": [
        worker("api"),
        worker(
            "worker-calculation",
            {
                "queue": "calculation",
                "slots": 50,
                "busy": 3,
                "last_receive_seconds_ago": 0.1,
                "in_flight": [
                    in_flight("t-1", 2.5, 3),
                    in_flight(None, 0.4, settling=True),
                    in_flight("t-3", 0),
                    in_flight("t-4", 0),
                ],
            },
            reasons=["calculation: no successful receive yet"],
        ),
        worker("worker-data", error="connection refused"),
    ],
}


def looked(port: int) -> Overview:
    return look(StackSettings("native", console_port=port), SERVICES)


def shown(overview: Overview, width: int = 200) -> str:
    console = Console(width=width, record=True, quiet=True)
    with console.capture() as capture:
        console.quiet = False
        console.print(overview_text(overview))
    return capture.get()


@pytest.fixture
def overview(serve: Serve) -> Overview:
    return looked(serve(lambda request, _body: (200, STATE) if request == "GET /api/state" else (404, {})))


def test_services_queues_and_workers_are_three_tables(overview: Overview) -> None:
    lines = [line.split() for line in shown(overview).splitlines()]

    assert lines == [
        ["service", "state", "health", "pid", "uptime"],
        ["api", "running", "healthy", "12", "0:01:05"],
        ["receiver", "exited", "unhealthy"],
        [],
        ["queue", "waiting", "in", "flight", "delayed", "oldest", "in", "its", "DLQ"],
        ["calculation", "1,200", "3", "0", "≥", "1m", "15s", "2"],
        ["callbacks"],
        ["alerts", "0", "0", "0"],
        ["undelivered", "2", "0", "0"],
        ["callbacks:", "SQS", "does", "not", "answer"],
        [],
        ["worker", "queue", "busy", "works", "on", "now"],
        ["worker-calculation", "calculation", "3/50", *NOW.split()],
        ["calculation:", "no", "successful", "receive", "yet"],
        ["worker-data", "connection", "refused"],
    ]


def test_a_queue_that_no_task_type_claims_is_shown_as_such_and_why_others_are_not_known(serve: Serve) -> None:
    queues = [
        queue("word-count", "unclaimed", consumer=None, dead_letter_queue="word-count-dlq", waiting=2),
        queue("word-count-dlq", "dlq", consumer=None, source_queue="word-count", waiting=1),
    ]
    state = {**STATE, "queues": queues, "unclaimed_problem": "ListQueues is not allowed."}

    overview = looked(serve(lambda *_: (200, state)))

    lines = [line.split() for line in shown(overview).splitlines()]
    assert ["word-count", "(no", "task", "type", "claims", "it)", "2", "0", "0", "1"] in lines
    assert "ListQueues is not allowed." in shown(overview)
    assert overview.as_json()["unclaimed_problem"] == "ListQueues is not allowed."


def test_the_json_has_all_that_the_console_shows_of_queues_and_workers_but_their_history(overview: Overview) -> None:
    given = overview.as_json()

    assert [service["name"] for service in given["services"]] == ["api", "receiver"]
    assert [each["name"] for each in given["queues"]] == [each["name"] for each in STATE["queues"]]
    assert "history" not in given["queues"][0]
    assert [each["name"] for each in given["workers"]] == ["worker-calculation", "worker-data"]
    assert (given["console_problem"], given["made_anew"]) == (None, None)


def test_a_broker_that_answers_nothing_is_one_line_on_a_narrow_terminal_too(serve: Serve) -> None:
    silent = [queue(name, error="SQS does not answer: no answer within 3 seconds") for name in ("calculation", "data")]
    overview = looked(serve(lambda *_: (200, {"queues": silent, "services": []})))

    lines = [line.rstrip() for line in shown(overview, width=60).splitlines()]

    assert lines[-4:] == [
        "queue        waiting  in flight  delayed  oldest  in its DLQ",
        "calculation",
        "data",
        "SQS does not answer: no answer within 3 seconds",
    ]


def test_what_is_no_terminal_has_no_width_to_cut_a_table_to(
    overview: Overview, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")

    show_table(overview_text(overview))

    assert f"worker-calculation  calculation  3/50  {NOW}" in capsys.readouterr().out


def test_queues_that_lost_what_they_held_are_shown_below_the_tables(serve: Serve) -> None:
    anew = {"at": 0, "queues": ["data"], "messages": 3, "text": "the queue data was made anew: gone"}

    overview = looked(serve(lambda *_: (200, {**STATE, "made_anew": anew})))

    *_, last = shown(overview).splitlines()
    assert last.startswith("At ")
    assert last.rstrip().endswith(" the queue data was made anew: gone.")
    assert overview.as_json()["made_anew"] == anew


def test_where_the_console_does_not_answer_the_services_are_shown_and_a_line_says_why() -> None:
    overview = looked(port := free_port())

    text = shown(overview)

    assert f"The console does not answer at http://localhost:{port}" in text
    assert "receiver" in text
    assert (overview.as_json()["queues"], overview.as_json()["workers"]) == ([], [])


@pytest.mark.parametrize("answer", [(500, {"detail": "no"}), (200, "no JSON"), (200, {"other": 1}), (200, [])])
def test_where_something_else_answers_that_is_said(serve: Serve, answer: Any) -> None:
    assert "queues and workers are not shown" in str(looked(serve(lambda *_: answer)).console_problem)


def test_the_copies_of_a_worker_have_the_names_that_they_have_among_the_services(serve: Serve) -> None:
    copies = [
        worker("worker-data", {"queue": "data", "slots": 50, "busy": 0, "in_flight": []}, url="http://172.18.0.4:8081"),
        worker("worker-data", url="http://172.18.0.9:8081", error="connection refused"),
    ]
    services = [
        ServiceStatus("worker-data", "running", "healthy", address="172.18.0.9"),
        ServiceStatus("worker-data-2", "running", "healthy", address="172.18.0.4"),
    ]
    port = serve(lambda *_: (200, {**STATE, "services": copies}))

    overview = look(StackSettings("containers", console_port=port), services)

    assert [each["name"] for each in overview.workers] == ["worker-data-2", "worker-data"]
    lines = [line.split()[:2] for line in shown(overview).splitlines()[-2:]]
    assert lines == [["worker-data-2", "data"], ["worker-data", "connection"]]
