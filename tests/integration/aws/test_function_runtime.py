"""A function's process under our Runtime API: AWS's own runtime, and every way in which an invocation ends."""

import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from function_log import FunctionLog
from function_runtime import FunctionCode, FunctionRuntime, InitError
from runtime_api import Invocation

from stack.functions.log_events import FUNCTION_ENDED
from stack.logs.line import LineReader, RawLine
from stack.stories.fields import due_at

ARN = "arn:aws:lambda:us-east-1:000000000000:function:tested"

HANDLERS = """
import os, signal, sys, time

print("begun")
count = 0

def answers(event, context):
    global count
    count += 1
    return {"event": event, "id": context.aws_request_id, "arn": context.invoked_function_arn, "count": count,
            "left": context.get_remaining_time_in_millis(), "pid": os.getpid()}

def raises(event, context):
    raise ValueError("no")

def raises_at_length(event, context):
    raise ValueError("n" * event)

def exits(event, context):
    sys.exit(event)

def is_killed(event, context):
    os.kill(os.getpid(), event)

def hangs(event, context):
    time.sleep(60)

def is_killed_in_mid_batch(event, context):
    os.kill(os.getpid(), signal.SIGKILL)

async def is_asynchronous(event, context):
    return 1

def prints(event, context):
    print(event)

def prints_lines(event, context):
    print("line\\n" * event, end="")
"""
HIDDEN_SECONDS = {"done": None, "hidden": 2157.0}


class Functions:
    """Functions of one module, each with a process of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        (directory / "handlers.py").write_text(HANDLERS)
        self.log = FunctionLog(directory / "logs" / "tested.log")
        self._started: list[FunctionRuntime] = []

    def runtime(self, handler: str, timeout_seconds: float = 10) -> FunctionRuntime:
        environment = {"AWS_LAMBDA_FUNCTION_NAME": "tested", "AWS_REGION": "us-east-1"}
        code = FunctionCode("tested", handler, self._directory, Path(sys.executable), timeout_seconds, environment)
        self._started.append(
            FunctionRuntime(code, self.log, lambda record: HIDDEN_SECONDS.get(record["receiptHandle"]))
        )
        return self._started[-1]

    def stop(self) -> None:
        for runtime in self._started:
            runtime.stop()

    def events(self) -> list[str]:
        return [json.loads(line)["event"] for line in self.log.path.read_text().splitlines() if line.startswith("{")]


@pytest.fixture
def functions(tmp_path: Path) -> Iterator[Functions]:
    functions = Functions(tmp_path)
    yield functions
    functions.stop()


def invoke(runtime: FunctionRuntime, event: Any, request_id: str = "id") -> tuple[Any, bool]:
    answer = runtime.invoke(json.dumps(event).encode(), request_id=request_id, function_arn=ARN)
    return json.loads(answer.body), answer.is_error


def test_an_event_is_answered_and_the_process_lives(functions: Functions) -> None:
    runtime = functions.runtime("handlers.answers")

    first, is_error = invoke(runtime, {"a": [1]}, "one")
    second, _ = invoke(runtime, {}, "two")

    assert not is_error
    assert (first["event"], first["id"], first["arn"], first["count"]) == ({"a": [1]}, "one", ARN, 1)
    assert 0 < first["left"] <= 10_000
    assert (second["id"], second["count"], second["pid"]) == ("two", 2, first["pid"])
    assert runtime.pid == first["pid"]


def test_an_event_of_megabytes_goes_there_and_back(functions: Functions) -> None:
    answer, is_error = invoke(functions.runtime("handlers.answers"), "x" * 6_000_000)

    assert (len(answer["event"]), is_error) == (6_000_000, False)


def test_an_exception_is_an_error_and_the_process_lives(functions: Functions) -> None:
    runtime = functions.runtime("handlers.raises")

    error, is_error = invoke(runtime, {})

    assert (is_error, error["errorType"], error["errorMessage"]) == (True, "ValueError", "no")
    assert runtime.pid is not None


def test_an_error_whose_cause_is_a_megabyte_of_headers_is_one_too(functions: Functions) -> None:
    error, is_error = invoke(functions.runtime("handlers.raises_at_length"), 900_000)

    assert (is_error, len(error["errorMessage"])) == (True, 900_000)


@pytest.mark.parametrize("code", [0, 1, 78])
def test_a_process_that_exits_is_lambdas_error_and_is_begun_anew(functions: Functions, code: int) -> None:
    runtime = functions.runtime("handlers.exits")

    error, is_error = invoke(runtime, code, "one")

    assert (is_error, error["errorType"]) == (True, "Runtime.ExitError")
    assert error["errorMessage"] == f"RequestId: one Error: Runtime exited with error: exit status {code}"
    assert runtime.pid is None
    assert invoke(runtime, code)[0]["errorType"] == "Runtime.ExitError"
    assert functions.events() == ["function ended", "function ended"]


def test_a_process_that_is_killed_is_lambdas_error_and_is_begun_anew(functions: Functions) -> None:
    error, is_error = invoke(functions.runtime("handlers.is_killed"), 9)

    assert (is_error, error["errorMessage"]) == (True, "RequestId: id Error: Runtime exited with error: signal: 9")


def batch(**receipt_handles: str) -> dict[str, Any]:
    """An event of SQS with a message of each task, by its id."""
    arn = "arn:aws:sqs:us-east-1:000000000000:data"
    return {
        "Records": [
            {
                "body": json.dumps({"task_id": task_id}),
                "receiptHandle": each,
                "eventSource": "aws:sqs",
                "eventSourceARN": arn,
            }
            for task_id, each in receipt_handles.items()
        ]
    }


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        ("handlers.is_killed_in_mid_batch", "Error: Runtime exited with error: signal: 9"),
        ("handlers.hangs", "Task timed out after 1.00 seconds"),
    ],
)
def test_a_process_that_ends_with_tasks_in_flight_has_a_line_of_each_that_comes_again(
    functions: Functions, handler: str, reason: str
) -> None:
    runtime = functions.runtime(handler, timeout_seconds=1 if handler == "handlers.hangs" else 10)

    invoke(runtime, batch(one="done", two="hidden", three="hidden"))

    lines = list(
        LineReader().read([RawLine("worker-data", line) for line in functions.log.path.read_text().splitlines()])
    )
    ended = [line for line in lines if line.event == FUNCTION_ENDED]
    assert [line.task_id for line in ended] == ["two", "three"]
    assert [due_at(line) for line in ended] == [line.at + 2157 for line in ended]
    assert {line.fields["reason"] for line in ended} == {reason}


def test_an_event_that_takes_too_long_ends_the_process(functions: Functions) -> None:
    runtime = functions.runtime("handlers.hangs", timeout_seconds=1)

    error, is_error = invoke(runtime, {})

    assert (is_error, error["errorType"]) == (True, "Sandbox.Timedout")
    assert error["errorMessage"] == "RequestId: id Task timed out after 1.00 seconds"
    assert runtime.pid is None


def test_an_asynchronous_handler_is_an_error_as_it_is_on_aws(functions: Functions) -> None:
    error, is_error = invoke(functions.runtime("handlers.is_asynchronous"), {})

    assert (is_error, error["errorType"]) == (True, "Runtime.MarshalError")


def test_what_is_printed_is_in_the_log_before_the_line_of_the_end(functions: Functions) -> None:
    printing = functions.runtime("handlers.prints")
    invoke(printing, "hello")
    printing.stop()
    invoke(functions.runtime("handlers.is_killed"), 9)

    lines = functions.log.path.read_text().splitlines()
    assert lines[:3] == ["begun", "hello", "begun"]
    assert json.loads(lines[3])["reason"] == "Error: Runtime exited with error: signal: 9"


def test_all_that_was_printed_is_in_the_log_when_the_process_has_been_stopped(functions: Functions) -> None:
    runtime = functions.runtime("handlers.prints_lines")
    invoke(runtime, 5_000)

    runtime.stop()

    assert functions.log.path.read_text().count("line\n") == 5_000


def test_a_deadline_is_told_no_later_than_it_is() -> None:
    headers = dict(Invocation("id", b"", deadline=10.0009, function_arn=ARN).headers)

    assert headers["Lambda-Runtime-Deadline-Ms"] == "10000"


@pytest.mark.parametrize(
    ("handler", "kind"),
    [("missing.handler", "Runtime.ImportModuleError"), ("handlers.nothing", "Runtime.HandlerNotFound")],
)
def test_a_handler_that_is_not_there_is_what_the_runtime_says_of_it(
    functions: Functions, handler: str, kind: str
) -> None:
    with pytest.raises(InitError) as raised:
        invoke(functions.runtime(handler), {})

    assert json.loads(str(raised.value))["errorType"] == kind
    assert functions.events() == ["function could not start"]


def test_a_process_that_ends_while_it_starts_says_where_its_log_is(functions: Functions, tmp_path: Path) -> None:
    (tmp_path / "ends.py").write_text("raise SystemExit(78)")

    with pytest.raises(InitError) as raised:
        invoke(functions.runtime("ends.handler"), {})

    assert str(raised.value) == f"Error: Runtime exited with error: exit status 78. Its log: {functions.log.path}"


def test_events_that_come_at_a_time_are_worked_one_after_the_other(functions: Functions) -> None:
    runtime = functions.runtime("handlers.answers")
    runtime.start()
    answers: list[int] = []

    threads = [
        threading.Thread(target=lambda n=n: answers.append(invoke(runtime, {}, str(n))[0]["count"])) for n in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [1, 2, 3, 4, 5]


def test_a_process_is_stopped(functions: Functions) -> None:
    runtime = functions.runtime("handlers.answers")
    runtime.start()
    pid = runtime.pid
    assert pid is not None

    runtime.stop()

    assert runtime.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
