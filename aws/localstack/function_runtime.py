"""Runs a function's code as AWS Lambda does: in a process of its own, by AWS's runtime; one that ends is begun anew.

What the process prints goes to a file, as it would to CloudWatch Logs, with a line for each of its ends: one for each
task that it had in flight.
"""

import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from function_log import FunctionLog
from runtime_api import Answer, Invocation, RuntimeApi
from tasks_in_flight import HiddenSeconds, tasks_in_flight

LONGEST_INIT_SECONDS = 60.0
"""AWS gives an INIT 10 seconds; a machine that runs all functions at a time is slower."""

_STOP_SECONDS = 5.0
_LOOK_SECONDS = 0.02

PASSED_ON = ("PATH", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""What the process has of this one's environment: how it finds its interpreter, and whom this machine trusts."""


class InitError(Exception):
    """The process could not start; the text is Lambda's own, or the last lines that it has printed."""


@dataclass(frozen=True, slots=True)
class FunctionCode:
    """What is run, and how."""

    name: str
    handler: str
    directory: Path
    python: Path
    """An interpreter that has awslambdaric."""
    timeout_seconds: float
    environment: Mapping[str, str] = field(default_factory=dict)


class FunctionRuntime:
    """One execution environment of a function: a process, and the Runtime API that it has for itself."""

    def __init__(
        self, code: FunctionCode, log: FunctionLog, hidden_seconds: HiddenSeconds = lambda _record: None
    ) -> None:
        self._code = code
        self._log = log
        self._hidden_seconds = hidden_seconds
        self._api: RuntimeApi | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        """The id of the process; None where none runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Begin the process, and return when it waits for an invocation. Raises InitError."""
        self.stop()
        api = self._api = RuntimeApi()
        process = self._process = self._begin(api.address)
        until = time.monotonic() + LONGEST_INIT_SECONDS
        while not api.is_ready.wait(_LOOK_SECONDS):
            if process.poll() is not None or time.monotonic() > until:
                how = _ended(process) if process.poll() is not None else "Error: the INIT took too long"
                self.stop()
                self._note("function could not start", reason=how)
                raise InitError(f"{how}. Its log: {self._log.path}")
        if api.init_error is not None:
            error = api.init_error.decode(errors="replace")
            self.stop()
            self._note("function could not start", reason=error)
            raise InitError(error)

    def kill(self) -> None:
        """End the process by SIGKILL, as Lambda ends one that has used up its memory."""
        if self._process is not None:
            self._process.kill()

    def stop(self) -> None:
        """End the process; what it has printed is in its log then."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process is not None:
            self._copying.join(_STOP_SECONDS)
        if self._api is not None:
            self._api.close()

    def invoke(self, event: bytes, *, request_id: str, function_arn: str, trace_id: str = "") -> Answer:
        """Have the process work an event. A process that has ended is begun anew first. Raises InitError.

        An event that takes longer than the function's timeout ends the process. Where the process ends before it has
        answered, the answer is Lambda's own error.
        """
        with self._lock:
            if self.pid is None:
                self.start()
            assert self._api is not None  # noqa: S101  # it has been started
            timeout_seconds = self._code.timeout_seconds
            invocation = Invocation(request_id, event, time.time() + timeout_seconds, function_arn, trace_id)
            self._api.give(invocation)
            return self._answer_to(invocation)

    def _answer_to(self, invocation: Invocation) -> Answer:
        process = self._process
        assert process is not None  # noqa: S101  # the same
        while True:
            try:
                return invocation.answer.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                pass
            if process.poll() is not None:
                return self._failed(invocation, "Runtime.ExitError", _ended(process))
            if time.time() > invocation.deadline:
                process.kill()
                process.wait()
                late = f"Task timed out after {self._code.timeout_seconds:.2f} seconds"
                return self._failed(invocation, "Sandbox.Timedout", late)

    def _failed(self, invocation: Invocation, kind: str, message: str) -> Answer:
        # A process that is killed has no last words: what it had in flight is known here alone.
        for task in tasks_in_flight(invocation.event, self._hidden_seconds) or [{}]:
            self._note("function ended", reason=message, error_type=kind, **task)
        error = {"errorType": kind, "errorMessage": f"RequestId: {invocation.request_id} {message}"}
        return Answer(json.dumps(error).encode(), is_error=True)

    def _begin(self, api_address: str) -> "subprocess.Popen[bytes]":
        code = self._code
        passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        environment = {
            **passed_on,
            **code.environment,
            "AWS_LAMBDA_RUNTIME_API": api_address,
            "LAMBDA_TASK_ROOT": str(code.directory),
            "_HANDLER": code.handler,
            "HOME": "/tmp",  # noqa: S108  # as Lambda has it
            "PYTHONUNBUFFERED": "1",
            # Lambda's copy of the code cannot be written.
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        process = subprocess.Popen(  # noqa: S603  # the function's own code
            [str(code.python), "-m", "awslambdaric", code.handler],
            cwd=code.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert process.stdout is not None  # noqa: S101  # it is a pipe
        self._copying = self._log.follow(process.stdout)
        return process

    def _note(self, event: str, **values: Any) -> None:
        # Behind the last words of the process.
        self._copying.join(_STOP_SECONDS)
        self._log.note(event, function=self._code.name, **values)


def _ended(process: "subprocess.Popen[bytes]") -> str:
    """Say how the process has ended, as Lambda does."""
    code = process.returncode
    how = f"signal: {-code}" if code < 0 else f"exit status {code}"
    return f"Error: Runtime exited with error: {how}"
