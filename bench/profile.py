"""`python -m bench.profile`, or shorter `make profile`: where the API and the worker spend their time under load."""

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.broker import running_broker
from bench.errors import BenchError
from bench.lab import Receiver, running_receiver
from bench.processes import Process, running
from bench.systems import PROJECT_OVER_HTTP, PROJECT_PYTHON, Place
from services.streams.standard_streams import run_command
from stack.config import ROOT
from stack.errors import StackError
from stack.native.localstack import install_localstack
from stack.ports import free_port
from stack.readiness import READY_SECONDS, Probe, Readiness, http_probe, wait_until_ready
from stack.terminal import console, errors, say

DIRECTORY = ROOT / ".profile"
TASKS = 5000

_SAMPLES_PER_SECOND = "400"
# The bound of a run that goes wrong; one takes about ten seconds for each program.
_LONGEST_SECONDS = 60.0
_POLL_SECONDS = 0.1
_PY_SPY = PROJECT_PYTHON.with_name("py-spy")


def main() -> None:
    """Fill a queue over the API, let a worker drain it, and write a flame graph of each.

    Exit status 1 where something could not be started or did not finish.
    """
    install_localstack()
    directory = Path(tempfile.mkdtemp(prefix="profile-"))
    DIRECTORY.mkdir(exist_ok=True)
    try:
        graphs = profile(directory)
    except (BenchError, StackError) as error:
        errors.print(str(error), markup=False, soft_wrap=True, style="bold red")
        errors.print(f"The logs are in {directory}", markup=False, soft_wrap=True)
        sys.exit(1)
    shutil.rmtree(directory)
    say("In a browser; a click on a frame, such as Runner.run, looks closer:")
    for svg in graphs:
        say(f"  {svg.as_uri()}")


def profile(directory: Path) -> list[Path]:
    """Profile the API and then the worker with the same tasks; return the flame graphs."""
    say("Starting LocalStack …")
    with running_broker(directory) as broker, running_receiver(directory) as receiver:
        place = Place("profile-", receiver.callback_url, free_port())
        broker.make_queues(place.prefix)
        environment = {**broker.environment(), **place.environment(), **PROJECT_OVER_HTTP.settings}
        say(f"POSTing {TASKS} tasks to the API …")
        with profiled("api", PROJECT_OVER_HTTP.api, environment, directory) as api:
            url = f"http://127.0.0.1:{place.api_port}/healthcheck"
            wait_until_ready("The API", probe(api, url), READY_SECONDS)
            submit(environment, directory)
        say("Letting a worker do them …")
        with profiled("worker", PROJECT_OVER_HTTP.worker, environment, directory) as worker:
            hear(receiver, worker)
    return [DIRECTORY / f"{name}.svg" for name in ("api", "worker")]


@contextmanager
def profiled(name: str, arguments: Sequence[str], environment: Mapping[str, str], directory: Path) -> Iterator[Process]:
    """Run a program of ours inside the block; behind it its flame graph is written.

    py-spy starts it, as a process may look into its children alone where the system has ptrace restricted (Yama's
    `ptrace_scope` 1: https://www.kernel.org/doc/html/latest/admin-guide/LSM/Yama.html).
    """
    spy = [_PY_SPY, "record", "--function", "--rate", _SAMPLES_PER_SECOND, "--output", DIRECTORY / f"{name}.svg"]
    command = [*spy, "--", PROJECT_PYTHON, *arguments]
    with running(f"{name} under py-spy", command, environment, directory / f"{name}.log") as program:
        yield program
        # py-spy writes its file.
        program.interrupt(_LONGEST_SECONDS)


def probe(program: Process, url: str) -> Probe:
    """Return what finds out whether it is ready: its URL answers 200."""

    def ask() -> Readiness:
        program.require_alive()
        return http_probe(url)()

    return ask


def submit(environment: Mapping[str, str], directory: Path) -> None:
    """POST all tasks, as many at a time as the measurements do."""
    command = [PROJECT_PYTHON, *PROJECT_OVER_HTTP.producer]
    with running("producer", command, environment, directory / "producer.log", pipes=True) as producer:
        producer.ask(json.dumps({"tasks": TASKS, "per_second": None}))


def hear(receiver: Receiver, worker: Process) -> None:
    """Wait for the callbacks of all tasks. Raises BenchError where they do not come."""
    deadline = time.monotonic() + _LONGEST_SECONDS
    with console.status(f"0 of {TASKS}") as status:
        while (heard := receiver.count()) < TASKS:
            worker.require_alive()
            if time.monotonic() > deadline:
                raise BenchError(f"the worker did {heard} of {TASKS} tasks within {_LONGEST_SECONDS:g} s")
            status.update(f"{heard} of {TASKS}")
            time.sleep(_POLL_SECONDS)


if __name__ == "__main__":
    run_command(main)
