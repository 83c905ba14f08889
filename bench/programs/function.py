"""A function of this project, run by AWS's own runtime: `python -m bench.programs.function HANDLER`.

It reads a line of JSON from standard input for each job, `{"messages": 10, "invocations": 50}`: how often to invoke the
function, one invocation after the other, each with so many new messages of the task queue; with none, each is a request
of the API. It answers with a line of what the function's process has used, or with `{"init_cpu_s": …}` for `null`.
"""

import json
import os
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import psutil
from function_log import FunctionLog
from function_runtime import FunctionCode, FunctionRuntime

from bench.programs.http_producer import ROUTE, make_request
from bench.programs.work import callback_url, queue_name
from services.messages import encode_task
from stack.config import ROOT

_TIMEOUT_SECONDS = 360
_TASK_TYPE = "calculation"
_NAME = "measured"

_REQUEST_ID = "00000000-0000-0000-0000-000000000000"


def run(handler: str) -> None:
    """Answer each job until standard input ends. Raises RuntimeError where an invocation fails."""
    with tempfile.TemporaryDirectory() as directory:
        code = FunctionCode(
            _NAME, handler, Path(directory), Path(sys.executable), _TIMEOUT_SECONDS, {**os.environ, **_lambdas()}
        )
        runtime = FunctionRuntime(code, FunctionLog(Path(directory) / "function.log"))
        runtime.start()
        try:
            init = _cpu_seconds(runtime)
            for line in sys.stdin:
                job = json.loads(line)
                figures = {"init_cpu_s": init} if job is None else _invoke(runtime, **job)
                sys.stdout.write(json.dumps(figures) + "\n")
                sys.stdout.flush()
        finally:
            runtime.stop()


def _lambdas() -> dict[str, str]:
    """Return what Lambda sets besides, as far as anything reads it."""
    return {"PYTHONPATH": str(ROOT), "AWS_LAMBDA_FUNCTION_NAME": _NAME, "AWS_REGION": os.environ["AWS_DEFAULT_REGION"]}


def _invoke(runtime: FunctionRuntime, messages: int, invocations: int) -> dict[str, float]:
    events = [json.dumps(queue_event(messages) if messages else request_event()) for _ in range(invocations)]
    cpu, begun = _cpu_seconds(runtime), time.monotonic()
    for event in events:
        answer = runtime.invoke(event.encode(), request_id=_REQUEST_ID, function_arn=_NAME)
        if answer.is_error or json.loads(answer.body) not in ({"batchItemFailures": []}, _accepted(answer.body)):
            raise RuntimeError(answer.body.decode())
    seconds = time.monotonic() - begun
    return {
        "cpu_ms": 1000 * (_cpu_seconds(runtime) - cpu) / invocations,
        "duration_ms": 1000 * seconds / invocations,
    }


def _accepted(body: bytes) -> Any:
    """Return the answer itself where it is that of a request that was accepted."""
    answer = json.loads(body)
    return answer if answer.get("statusCode") == 200 else None  # noqa: PLR2004


def queue_event(messages: int) -> dict[str, Any]:
    """Return the event of a batch of new tasks. https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html."""
    return {"Records": [_record() for _ in range(messages)]}


def _record() -> dict[str, Any]:
    now = str(round(time.time() * 1000))
    return {
        "messageId": str(uuid.uuid4()),
        "receiptHandle": "none is needed: a task that is done is Lambda's to delete",
        "body": encode_task(str(uuid.uuid4()), _TASK_TYPE, make_request(callback_url()).decode()),
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": now,
            "ApproximateFirstReceiveTimestamp": now,
        },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{queue_name()}",
    }


def request_event() -> dict[str, Any]:
    """Return the event of a request. https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html."""
    return {
        "version": "2.0",
        "rawPath": ROUTE,
        "rawQueryString": "",
        "headers": {"host": "api.lambda-url.us-east-1.on.aws", "content-type": "application/json"},
        "requestContext": {
            "domainName": "api.lambda-url.us-east-1.on.aws",
            "http": {"method": "POST", "path": ROUTE, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
            "stage": "$default",
        },
        "body": make_request(callback_url()).decode(),
        "isBase64Encoded": False,
    }


def _cpu_seconds(runtime: FunctionRuntime) -> float:
    times = psutil.Process(runtime.pid).cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    run(sys.argv[1])
