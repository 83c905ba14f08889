"""A function that runs, to be invoked and measured."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from bench.functions.events import API_KEY
from bench.functions.package import Code
from bench.functions.usage import Init, Invoked
from bench.lab import Lab
from bench.processes import Process, running
from bench.systems import PROJECT_PYTHON, QUEUE, SETTINGS, Place
from stack.config import ROOT
from stack.functions.workforce import PLUGIN

HANDLERS = {name: f"services.{name}.aws_lambda.handler" for name in ("api", "worker", "dlq_watcher")}
"""The handlers by the rooms of their services."""

# As the template sets them; no attempt of what is measured comes near the timeouts.
_FUNCTION_SETTINGS = {
    "FUNCTION_TIMEOUT_SECONDS": "360",
    "VISIBILITY_TIMEOUT_SECONDS": "2160",
    "METRICS_ENABLED": "false",
    "WORKER_QUEUE": QUEUE,
    "API_KEYS": API_KEY,
}


class Function:
    """One process of a function. Its invocations raise BenchError where one fails."""

    def __init__(self, process: Process, init: Init) -> None:
        self.init = init
        self._process = process

    def invoke(self, events: Sequence[Any]) -> Invoked:
        """Invoke it with each event, one after the other."""
        return Invoked(**json.loads(self._process.ask(json.dumps(events))))


@contextmanager
def running_function(lab: Lab, handler: str, code: Code, place: Place) -> Iterator[Function]:
    """Run a function inside the block, on the queues of a place."""
    log = lab.directory / f"{place.prefix}function.log"
    arguments = [handler, code.directory, code.python, log.with_suffix(".lines.log")]
    environment = {**function_environment(lab, place), "PYTHONPATH": f"{ROOT}:{PLUGIN}"}
    command = [PROJECT_PYTHON, "-m", "bench.programs.function", *arguments]
    with running(handler, command, environment, log, pipes=True) as process:
        yield Function(process, Init(**json.loads(process.hear())))


def function_environment(lab: Lab, place: Place) -> Mapping[str, str]:
    """Return what a function has in its environment.

    Where SQS is it does not say, as on AWS: the SDK finds it, here in its configuration file.
    """
    file = lab.directory / "aws-config"
    file.write_text(f"[default]\nendpoint_url = {lab.broker.url}\n")
    broker = {
        name: value for name, value in lab.broker.environment().items() if not name.startswith("AWS_ENDPOINT_URL")
    }
    region = broker["AWS_DEFAULT_REGION"]
    lambdas = {"AWS_LAMBDA_FUNCTION_NAME": "measured", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_REGION": region}
    return {**broker, **place.environment(), **SETTINGS, **_FUNCTION_SETTINGS, **lambdas, "AWS_CONFIG_FILE": str(file)}
