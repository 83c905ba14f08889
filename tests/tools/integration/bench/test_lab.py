"""The lab with a real LocalStack: this project's worker and the bound, at tiny sizes."""

from collections.abc import Iterator

import pytest

from bench.functions import API, WORKER, measure_function
from bench.lab import Lab, open_lab
from bench.loads import drain, latency
from bench.steps import whole_path_step
from bench.systems import BOUND, PROJECT, PROJECT_OVER_HTTP, System
from stack.native.localstack import localstack_python


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A broker and a receiver."""
    if not localstack_python().exists():
        pytest.fail(f"{localstack_python()} is missing: run `make test`, or set LOCALSTACK_PYTHON", pytrace=False)
    with open_lab(tmp_path_factory.mktemp("bench")) as opened:
        yield opened


@pytest.mark.parametrize(("system", "workers"), [(PROJECT, 2), (BOUND, 1)])
def test_workers_drain_a_queue_and_each_request_is_counted(lab: Lab, system: System, workers: int) -> None:
    with lab.running(system, workers=workers) as run:
        figures = drain(run, 100)
        idle = latency(run, "idle", 5, per_second=20)
    assert figures["lost"] == figures["duplicated"] == 0
    assert figures["requests_per_task.SendMessageBatch"] == 0.1
    # How full the batches of a hundred tasks get is the machine's pace: the benchmark says it, here each is counted.
    assert figures["requests_per_task.ReceiveMessage"] >= 0.1
    assert figures["requests_per_task.DeleteMessageBatch"] >= 0.1
    assert 0.3 <= figures["requests_per_task"] < 1
    assert figures["cpu_s_per_1000.worker"] > 0
    assert 0 < idle["idle_p50_ms"] <= idle["idle_p99_ms"]


def test_the_whole_path_is_measured_over_http(lab: Lab) -> None:
    figures = whole_path_step(PROJECT_OVER_HTTP, tasks=50, latency_seconds=0.2).run(lab)
    assert figures["lost"] == 0
    assert figures["cpu_s_per_1000.API"] > 0
    assert figures["round_trip_p50_ms"] > 0


def test_a_function_is_measured_by_its_requests_or_by_batches_whose_tasks_are_all_heard_of(lab: Lab) -> None:
    api = measure_function(lab, API, {0: 5})
    worker = measure_function(lab, WORKER, {1: 5, 10: 5})
    assert api.keys() == {"API, INIT", "API, 1 request"}
    assert worker.keys() == {"worker, INIT", "worker, 1 message", "worker, 10 messages"}
    assert api["API, INIT"]["init_cpu_s"] > 0
    assert api["API, 1 request"]["duration_ms"] > 0
    assert worker["worker, 10 messages"]["duration_ms"] > 0
