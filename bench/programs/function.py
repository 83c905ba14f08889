"""A function, run by AWS's own runtime: `python -m bench.programs.function HANDLER DIRECTORY PYTHON LOG`.

It begins the function's process with this one's environment, and writes a line of JSON when that is ready: what its
INIT has used. Then it reads a line of JSON for each job, a list of events, invokes the function with one after the
other, and writes a line of what each invocation has taken.
"""

import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
from function_log import FunctionLog
from function_runtime import FunctionCode, FunctionRuntime

from bench.functions.events import is_done
from bench.functions.usage import Init, Invoked
from bench.processes import cpu_seconds_of

_NAME = "measured"
_TIMEOUT_SECONDS = 360
_REQUEST_ID = "00000000-0000-0000-0000-000000000000"

_OWN = ("PYTHONPATH",)
"""What of the environment is this program's and not the function's."""


def run(code: FunctionCode, log: Path) -> None:
    """Answer each job until standard input ends. Raises RuntimeError where an invocation fails."""
    runtime = FunctionRuntime(code, FunctionLog(log))
    begun = time.perf_counter()
    runtime.start()
    seconds = time.perf_counter() - begun
    try:
        _answer(asdict(Init(seconds, _cpu_seconds(runtime), _resident_bytes(runtime))))
        for line in sys.stdin:
            _answer(asdict(_invoke_all(runtime, json.loads(line))))
    finally:
        runtime.stop()


def _invoke_all(runtime: FunctionRuntime, events: list[Any]) -> Invoked:
    taken = [_invoke(runtime, json.dumps(event).encode()) for event in events]
    return Invoked([seconds for seconds, _ in taken], [cpu for _, cpu in taken], _resident_bytes(runtime))


def _invoke(runtime: FunctionRuntime, event: bytes) -> tuple[float, float]:
    cpu, begun = _cpu_seconds(runtime), time.perf_counter()
    answer = runtime.invoke(event, request_id=_REQUEST_ID, function_arn=_NAME)
    seconds = time.perf_counter() - begun
    if answer.is_error or not is_done(answer.body):
        raise RuntimeError(answer.body.decode())
    return seconds, _cpu_seconds(runtime) - cpu


def _cpu_seconds(runtime: FunctionRuntime) -> float:
    return cpu_seconds_of(_pid_of(runtime))


def _resident_bytes(runtime: FunctionRuntime) -> int:
    return int(psutil.Process(_pid_of(runtime)).memory_info().rss)


def _pid_of(runtime: FunctionRuntime) -> int:
    if runtime.pid is None:
        raise RuntimeError("the function's process has ended")
    return runtime.pid


def _answer(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Read the command line and run."""
    handler, directory, python, log = sys.argv[1:]
    environment = {name: value for name, value in os.environ.items() if name not in _OWN}
    run(FunctionCode(_NAME, handler, Path(directory), Path(python), _TIMEOUT_SECONDS, environment), Path(log))


if __name__ == "__main__":
    main()
