"""LocalStack's plug-in that runs functions as processes of this machine, where it would have containers by itself.

LocalStack finds it by the entry point beside this file. `FUNCTION_PYTHON` names an interpreter that has awslambdaric,
`FUNCTION_LOGS` the folder of the functions' logs, each of which has its function's name; at the path
`FUNCTION_POLLERS_PATH` it says which event source mappings poll, and which have a batch worked.
"""

import json
import os
import threading
import time
from collections.abc import Mapping
from hashlib import md5
from pathlib import Path
from typing import Any, ClassVar

from event_pollers import EventPollers
from function_log import FunctionLog
from function_runtime import FunctionCode, FunctionRuntime
from localstack.services.edge import ROUTER  # type: ignore[import-not-found]
from localstack.services.lambda_.event_source_mapping.pollers.sqs_poller import (  # type: ignore[import-not-found]
    SqsPoller,
)
from localstack.services.lambda_.invocation.lambda_models import (  # type: ignore[import-not-found]
    FunctionVersion,
    InvocationResult,
)
from localstack.services.lambda_.invocation.plugins import (  # type: ignore[import-not-found]
    RuntimeExecutorPlugin,
)
from localstack.services.lambda_.invocation.runtime_executor import (  # type: ignore[import-not-found]
    RuntimeExecutor,
)
from localstack.services.sqs.models import SqsMessage, sqs_stores  # type: ignore[import-not-found]

LOOPBACK = "127.0.0.1"


class ProcessExecutor(RuntimeExecutor):  # type: ignore[misc]  # LocalStack has no types
    """One execution environment of a function."""

    _logs: ClassVar[dict[str, FunctionLog]] = {}
    _unzipped: ClassVar[dict[str, Path]] = {}
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, id: str, function_version: FunctionVersion) -> None:  # noqa: A002  # as LocalStack calls it
        super().__init__(id, function_version)
        self._runtime: FunctionRuntime | None = None

    def start(self, env_vars: dict[str, Any]) -> None:
        """Begin the process. Raises InitError."""
        config = self.function_version.config
        code = FunctionCode(
            name=self._name,
            handler=config.handler,
            directory=self._unzipped_code(self.function_version),
            python=Path(os.environ["FUNCTION_PYTHON"]),
            timeout_seconds=config.timeout,
            environment={name: str(value) for name, value in env_vars.items()},
        )
        self._runtime = FunctionRuntime(code, self._log, hidden_seconds)
        self._runtime.start()

    def stop(self) -> None:
        """End the process."""
        if self._runtime is not None:
            self._runtime.stop()

    def get_address(self) -> str:
        """Return where the process is."""
        return LOOPBACK

    def get_endpoint_from_executor(self) -> str:
        """Return where the process finds LocalStack."""
        return LOOPBACK

    def get_runtime_endpoint(self) -> str:
        """Return where LocalStack's own runtime would report, which does not run here."""
        return f"http://{LOOPBACK}"

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        """Have the process work an event."""
        assert self._runtime is not None  # noqa: S101  # LocalStack has started it
        request_id = payload["invoke-id"]
        answer = self._runtime.invoke(
            with_bodies_as_sent(payload["payload"]).encode(),
            request_id=request_id,
            function_arn=payload["invoked-function-arn"],
            trace_id=payload["trace-id"],
        )
        return InvocationResult(request_id, answer.body, answer.is_error, logs=self.get_logs())

    def get_logs(self) -> str:
        """Return what LocalStack shows where the process could not start."""
        return f"see {self._log.path}"

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        """Unzip the code."""
        cls._unzipped_code(function_version)

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """Do nothing: LocalStack itself removes what it has unzipped."""

    @property
    def _name(self) -> str:
        return str(self.function_version.id.function_name)

    @property
    def _log(self) -> FunctionLog:
        with self._lock:
            path = Path(os.environ["FUNCTION_LOGS"]) / f"{self._name}.log"
            return self._logs.setdefault(self._name, FunctionLog(path))

    @classmethod
    def _unzipped_code(cls, function_version: FunctionVersion) -> Path:
        """Return where the code is; all functions of a stack have the same one, which is unzipped once."""
        code = function_version.config.code
        with cls._lock:
            known = cls._unzipped.get(code.code_sha256)
            if known is None or not known.is_dir():
                code.prepare_for_execution()
                known = cls._unzipped[code.code_sha256] = Path(code.get_unzipped_code_location())
            return known


class ProcessExecutorPlugin(RuntimeExecutorPlugin):  # type: ignore[misc]  # the same
    """What `LAMBDA_RUNTIME_EXECUTOR=process` names."""

    name = "process"

    def load(self, *_arguments: Any, **_named: Any) -> type[ProcessExecutor]:
        """Return the executor."""
        pollers = EventPollers()
        SqsPoller.handle_messages = pollers.noting(SqsPoller.handle_messages)
        ROUTER.add(os.environ["FUNCTION_POLLERS_PATH"], lambda _request: pollers.state())
        return ProcessExecutor


def with_bodies_as_sent(payload: str) -> str:
    """Return an event in which the bodies of SQS's messages are those that were sent, as they are in AWS's events.

    LocalStack reads each body that is JSON, and writes it anew: numbers lose digits, and spaces go. The sum that comes
    with a body is still that of the one that was sent.
    """
    if '"aws:sqs"' not in payload:
        return payload
    # A request may have it too, as a parameter.
    event = json.loads(payload)
    for record in event.get("Records", ()):
        if md5(record["body"].encode(), usedforsecurity=False).hexdigest() != record["md5OfBody"]:
            message = _message_of(record)
            record["body"] = str(message.message["Body"]) if message else record["body"]
    return json.dumps(event)


def hidden_seconds(record: Mapping[str, Any]) -> float | None:
    """Return how long the message of a record is hidden from now on, in seconds; None where it was deleted."""
    message = _message_of(record)
    return max(0.0, message.visibility_deadline - time.time()) if message else None


def _message_of(record: Mapping[str, Any]) -> SqsMessage | None:
    """Return LocalStack's own message of a record, which it has until that is deleted."""
    _, _, _, region, account, queue_name = record["eventSourceARN"].split(":")
    queue = sqs_stores[account][region].queues.get(queue_name)
    return queue.receipts.get(record["receiptHandle"]) if queue else None
