"""The steps of `make bench-functions`: requests, batches beside the worker that polls, cold starts, what is loaded."""

import subprocess
from collections.abc import Mapping, Sequence
from statistics import fmean, median

from bench.errors import BenchError
from bench.functions.events import queue_event, request_event
from bench.functions.import_time import milliseconds_by_part
from bench.functions.package import FUNCTIONS_ENVIRONMENT, Code, packed, size_of, unpacked
from bench.functions.process import HANDLERS, Function, function_environment, running_function
from bench.functions.usage import Invoked
from bench.lab import Lab, Running
from bench.loads import Figures, drain
from bench.statistics import percentile
from bench.steps import ONCE, Step
from bench.systems import PROJECT, Place
from stack.ports import free_port

API_REQUESTS, WORKER_BATCHES = "api-function", "worker-function"
COLD_START, IMPORTS, PACKAGE = "cold-start", "imports", "package"

API, WORKER = "api", "worker"
RUNTIME_ALONE = "AWS's runtime, a handler that does nothing"
WITH_BYTECODE, WITHOUT_BYTECODE = "with bytecode", "without bytecode"

BATCHES = (1, 10, 100)

_WARM_UP = 20
_LOADS = 3
# Nobody works the tasks that the API has accepted.
_CALLBACK_URL = "http://127.0.0.1:9/callback"
_NOTHING = "def handler(event, context):\n    return None\n"
_CPU_OF_POLLER = "cpu_s_per_1000.worker"


def batch_case(records: int) -> str:
    """Return the name of the case of batches of so many records."""
    return f"{records} record{'s' if records > 1 else ''}"


def functions_steps(*, quick: bool) -> Sequence[Step]:
    """Return all steps of one repetition."""
    requests, tasks, rounds = (50, 100, 1) if quick else (1000, 600, 2)
    batches, loaded = (BATCHES[1:2], [WORKER]) if quick else (BATCHES, list(HANDLERS))
    started = [WORKER] if quick else [*HANDLERS, RUNTIME_ALONE]
    return [
        *(_batches_step(records, tasks, rounds) for records in batches),
        _requests_step(requests),
        *(_cold_start_step(name, case) for name in started for case in (WITH_BYTECODE, WITHOUT_BYTECODE)),
        *(_imports_step(name) for name in loaded),
        Step(PACKAGE, PROJECT.name, "", _measure_package, FUNCTIONS_ENVIRONMENT, ONCE),
    ]


def _requests_step(requests: int) -> Step:
    def measure(lab: Lab) -> Figures:
        return measure_requests(lab, unpacked(lab.directory), requests)

    return Step(API_REQUESTS, PROJECT.name, "", measure, FUNCTIONS_ENVIRONMENT)


def measure_requests(lab: Lab, code: Code, requests: int) -> Figures:
    """POST so many tasks, one after the other, by the function of the API."""
    place = _place(lab, _CALLBACK_URL)
    with running_function(lab, HANDLERS[API], code, place) as function:
        warm = function.invoke([request_event(place.callback_url)] * _WARM_UP)
        asked = lab.broker.requests()
        invoked = function.invoke([request_event(place.callback_url)] * requests)
        asked = lab.broker.requests() - asked
    lab.broker.delete_queues(place.prefix)
    return {
        **_spread_of(invoked),
        "requests_per_task": asked.total() / requests,
        "rss_mb.init": function.init.resident_bytes / 1e6,
        "rss_mb.warm": warm.resident_bytes / 1e6,
        "rss_mb.end": invoked.resident_bytes / 1e6,
    }


def _batches_step(records: int, tasks: int, rounds: int) -> Step:
    def measure(lab: Lab) -> Figures:
        return measure_batches(lab, unpacked(lab.directory), records, tasks, rounds)

    return Step(WORKER_BATCHES, PROJECT.name, batch_case(records), measure, FUNCTIONS_ENVIRONMENT)


def measure_batches(lab: Lab, code: Code, records: int, tasks: int, rounds: int) -> Figures:
    """Work so many tasks by the worker that polls and, right beside it, by the function, again and again.

    Raises BenchError where a task is lost.
    """
    place = _place(lab, lab.receiver.callback_url)
    invocations = tasks // records
    polled: list[Figures] = []
    invoked: list[Invoked] = []
    asked = 0
    with lab.running(PROJECT) as run, running_function(lab, HANDLERS[WORKER], code, place) as function:
        _work(lab, function, place, _WARM_UP, 1)
        for _ in range(rounds):
            polled.append(drain(run, tasks))
            _pause(run)
            before = lab.broker.requests()
            invoked.append(_work(lab, function, place, invocations, records))
            # A long poll of the worker beside it may end meanwhile; to receive is not the function's.
            asked += sum(count for name, count in (lab.broker.requests() - before).items() if name != "ReceiveMessage")
    lab.broker.delete_queues(place.prefix)
    return sum_up_batches(polled, invoked, records) | {"requests_per_task": asked / (rounds * invocations * records)}


def _pause(run: Running) -> None:
    for worker in run.workers:
        worker.pause()


def _work(lab: Lab, function: Function, place: Place, invocations: int, records: int) -> Invoked:
    lab.receiver.forget()
    events = [queue_event(place.queue, place.callback_url, records) for _ in range(invocations)]
    invoked = function.invoke(events)
    if (heard := lab.receiver.count()) != invocations * records:
        raise BenchError(f"the function LOST {invocations * records - heard} of {invocations * records} tasks")
    lab.receiver.forget()
    return invoked


def sum_up_batches(polled: Sequence[Figures], invoked: Sequence[Invoked], records: int) -> Figures:
    """Return what a batch and a task take, and of the CPU of a task the median of its ratios within a round."""
    of_function = [1000 * fmean(each.cpu_seconds) / records for each in invoked]
    # One second for a thousand tasks is a millisecond for each.
    of_poller = [figures[_CPU_OF_POLLER] for figures in polled]
    every = Invoked(
        [seconds for each in invoked for seconds in each.seconds],
        [seconds for each in invoked for seconds in each.cpu_seconds],
        invoked[-1].resident_bytes,
    )
    return {
        **_spread_of(every),
        "cpu_ms_per_task": median(of_function),
        "poller_cpu_ms_per_task": median(of_poller),
        "of_poller": median(own / other for own, other in zip(of_function, of_poller, strict=True)),
        "rss_mb.end": every.resident_bytes / 1e6,
    }


def _spread_of(invoked: Invoked) -> Figures:
    taken = {"ms": invoked.seconds, "cpu_ms": invoked.cpu_seconds}
    spread = {
        f"{name}_p{percent}": 1000 * percentile(seconds, percent)
        for name, seconds in taken.items()
        for percent in (50, 95)
    }
    # A bill is of their sum.
    return {**spread, "cpu_ms": 1000 * fmean(invoked.cpu_seconds)}


def _cold_start_step(name: str, case: str) -> Step:
    def measure(lab: Lab) -> Figures:
        code = unpacked(lab.directory, has_bytecode=case == WITH_BYTECODE)
        return measure_cold_start(lab, code, name)

    return Step(COLD_START, name, case, measure, FUNCTIONS_ENVIRONMENT)


def measure_cold_start(lab: Lab, code: Code, name: str) -> Figures:
    """Start a function, until it waits for its first event."""
    if name == RUNTIME_ALONE:
        (code.directory / "nothing.py").write_text(_NOTHING)
    place = _place(lab, _CALLBACK_URL)
    with running_function(lab, HANDLERS.get(name, "nothing.handler"), code, place) as function:
        init = function.init
    lab.broker.delete_queues(place.prefix)
    return {
        "init_ms": 1000 * init.seconds,
        "init_cpu_ms": 1000 * init.cpu_seconds,
        "rss_mb": init.resident_bytes / 1e6,
    }


def _imports_step(name: str) -> Step:
    def measure(lab: Lab) -> Figures:
        return measure_imports(lab, unpacked(lab.directory), name)

    return Step(IMPORTS, name, "", measure, FUNCTIONS_ENVIRONMENT)


def measure_imports(lab: Lab, code: Code, name: str) -> Figures:
    """Load the module of a handler, which sets the function up. Raises BenchError where that fails.

    Python measures it by the clock, so it is the time of the fastest of a few: the others were disturbed.
    """
    place = _place(lab, _CALLBACK_URL)
    parts = min((_load(lab, code, name, place) for _ in range(_LOADS)), key=lambda parts: sum(parts.values()))
    lab.broker.delete_queues(place.prefix)
    return {"ms": sum(parts.values())} | {f"ms.{part}": milliseconds for part, milliseconds in parts.items()}


def _load(lab: Lab, code: Code, name: str, place: Place) -> Mapping[str, float]:
    module = HANDLERS[name].rpartition(".")[0]
    done = subprocess.run(  # noqa: S603  # our own code
        [str(code.python), "-X", "importtime", "-c", f"import {module}"],
        cwd=code.directory,
        # As Lambda's copy of the code cannot be written.
        env={**function_environment(lab, place), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BenchError(f"{module} could not be loaded: {done.stdout}{done.stderr[-1000:]}")
    return milliseconds_by_part(done.stderr.splitlines(), module)


def _measure_package(_lab: Lab) -> Figures:
    size = size_of(packed())
    return {
        "zipped_mb": size.zipped / 1e6,
        "unzipped_mb": size.unzipped / 1e6,
        "bytecode_mb": size.bytecode / 1e6,
    }


def _place(lab: Lab, callback_url: str) -> Place:
    place = Place(f"function-{free_port()}-", callback_url, free_port())
    lab.broker.make_queues(place.prefix)
    return place
