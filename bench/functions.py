"""`python -m bench.functions`, or shorter `make bench-functions`: what an invocation of each function takes of a CPU.

The functions run by AWS's own runtime, each in a process as on Lambda, on the LocalStack and the receiver of `make
bench`. Lambda bills by the time of an invocation, and a function has its share of a core: the model (bench/scaling)
makes the one of the other.
"""

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from bench.errors import BenchError
from bench.lab import Lab, open_lab
from bench.measurements import FUNCTIONS_RESULTS, Measurement, Results
from bench.processes import running
from bench.surroundings import describe_surroundings
from bench.systems import PROJECT, PROJECT_PYTHON, QUEUE, SETTINGS, Place
from services.streams.standard_streams import run_command
from stack.config import ROOT
from stack.native.localstack import install_localstack
from stack.ports import free_port

API, WORKER = "API", "worker"
SCENARIO = "functions"

_HANDLERS = {API: "services.api.aws_lambda.handler", WORKER: "services.worker.aws_lambda.handler"}
_JOBS: Mapping[str, Mapping[int, int]] = {API: {0: 500}, WORKER: {1: 1000, 10: 200}}

_REPETITIONS = 3
_WARM_UP = 20

_FUNCTION_SETTINGS = {
    "FUNCTION_TIMEOUT_SECONDS": "360",
    "VISIBILITY_TIMEOUT_SECONDS": "2160",
    "METRICS_ENABLED": "false",
    "WORKER_QUEUE": QUEUE,
}


def case_of(function: str, messages: int = 0) -> str:
    """Return the name of the case of a request, or of a batch of so many messages."""
    if not messages:
        return f"{function}, 1 request"
    return f"{function}, {messages} {'message' if messages == 1 else 'messages'}"


def init_of(function: str) -> str:
    """Return the name of the case of its INIT."""
    return f"{function}, INIT"


def main() -> None:
    """Measure, and keep what was measured. Raises BenchError where a task is lost."""
    install_localstack()
    begun = time.monotonic()
    directory = Path(tempfile.mkdtemp(prefix="bench-functions-"))
    with open_lab(directory) as lab:
        measurements = [
            Measurement(SCENARIO, PROJECT.name, case, repetition, figures)
            for repetition in range(_REPETITIONS)
            for function, jobs in _JOBS.items()
            for case, figures in measure_function(lab, function, jobs).items()
        ]
    shutil.rmtree(directory)
    results = Results(describe_surroundings(time.monotonic() - begun, peers=()), tuple(measurements))
    results.save(FUNCTIONS_RESULTS)
    for measurement in measurements:
        sys.stdout.write(f"{measurement.case}: {measurement.figures}\n")


def measure_function(lab: Lab, function: str, jobs: Mapping[int, int]) -> Mapping[str, Mapping[str, float]]:
    """Return the figures by case, of one process of the function. Raises BenchError where a task is lost.

    `jobs`: how many invocations, by the messages of each; 0 is a request of the API.
    """
    place = Place(f"functions-{free_port()}-", lab.receiver.callback_url, free_port())
    lab.broker.make_queues(place.prefix)
    environment = {
        **lab.broker.environment(),
        **place.environment(),
        **SETTINGS,
        **_FUNCTION_SETTINGS,
        "PYTHONPATH": f"{ROOT}:{ROOT / 'aws' / 'localstack'}",
    }
    command = [PROJECT_PYTHON, "-m", "bench.programs.function", _HANDLERS[function]]
    log = lab.directory / f"{place.prefix}{function}.log"
    with running(function, command, environment, log, pipes=True) as process:
        figures = {init_of(function): json.loads(process.ask("null"))}
        for messages, invocations in jobs.items():
            process.ask(json.dumps({"messages": messages, "invocations": _WARM_UP}))
            lab.receiver.forget()
            answer = process.ask(json.dumps({"messages": messages, "invocations": invocations}))
            figures[case_of(function, messages)] = json.loads(answer)
            # Nobody works the tasks of the API.
            if (heard := lab.receiver.count()) != messages * invocations:
                raise BenchError(f"{function}: of {messages * invocations} tasks the receiver has heard of {heard}")
    lab.broker.delete_queues(place.prefix)
    return figures


if __name__ == "__main__":
    run_command(main)
