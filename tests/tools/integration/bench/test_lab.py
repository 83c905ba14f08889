"""The lab with a real LocalStack: this project's worker and the bound, at tiny sizes."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.api import Endpoint, measure_endpoint
from bench.builds import at_commit
from bench.functions.package import Code
from bench.functions.steps import WORKER, measure_batches, measure_cold_start, measure_imports, measure_requests
from bench.lab import Lab, open_lab
from bench.loads import drain, latency
from bench.steps import whole_path_step
from bench.systems import BOUND, PROJECT, PROJECT_OVER_HTTP, PROJECT_PYTHON, System, project_over_http
from stack.aws.package import PACKAGES
from stack.config import ROOT
from stack.native.localstack import localstack_python


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A broker and a receiver."""
    if not localstack_python().exists():
        pytest.fail(f"{localstack_python()} is missing: run `make test`, or set LOCALSTACK_PYTHON", pytrace=False)
    assert PROJECT.environment is not None
    PROJECT.environment.install()
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
    # The system counts CPU time in hundredths of a second: fifty tasks take an API that is quick hardly one.
    figures = whole_path_step(PROJECT_OVER_HTTP, tasks=300, latency_seconds=0.2).run(lab)
    assert figures["lost"] == 0
    assert figures["cpu_s_per_1000.API"] > 0
    assert figures["round_trip_p50_ms"] > 0


@pytest.fixture
def baseline(tmp_path: Path) -> System:
    """This project as it was at the last commit, with the libraries of the tests."""
    return replace(at_commit("HEAD", ROOT, tmp_path / "kept"), environment=None)


def leave_traces(tree: Path, program: str) -> Path:
    """Let a program of the tree leave a file behind; returns which."""
    file = tree / program
    trace = file.with_suffix(".ran")
    file.write_text(f"open({str(trace)!r}, 'w').close()\n{file.read_text()}")
    return trace


def test_a_baseline_is_measured_as_this_project_is_by_its_own_code(lab: Lab, baseline: System) -> None:
    programs = ("services/worker/__main__.py", "services/api/__main__.py", "bench/programs/envelope_producer.py")
    worker, api, producer = (leave_traces(baseline.tree, program) for program in programs)

    with lab.running(baseline) as run:
        assert drain(run, 100)["lost"] == 0
    assert worker.exists()
    assert producer.exists()

    figures = measure_endpoint(lab, Endpoint.of(baseline), connections=4, seconds=0.2)
    assert figures["lost"] == figures["duplicated"] == 0
    assert api.exists()


def test_its_whole_path_is_measured_by_the_same_client_over_http(lab: Lab, baseline: System) -> None:
    producer = leave_traces(baseline.tree, "bench/programs/http_producer.py")
    assert whole_path_step(project_over_http(baseline), tasks=50, latency_seconds=0.2).run(lab)["lost"] == 0
    assert not producer.exists()


@pytest.fixture
def code(tmp_path: Path) -> Code:
    """What is here, with the runtime of the tests: as the package, but for the libraries."""
    for package in PACKAGES:
        (tmp_path / package).symlink_to(ROOT / package)
    return Code(tmp_path, PROJECT_PYTHON)


def test_requests_are_measured_one_by_one_and_each_of_them_sends(lab: Lab, code: Code) -> None:
    figures = measure_requests(lab, code, requests=10)
    assert figures["requests_per_task"] == 1
    assert 0 < figures["cpu_ms_p50"] <= figures["cpu_ms_p95"]
    assert 0 < figures["ms_p50"] <= figures["ms_p95"]
    assert figures["rss_mb.init"] <= figures["rss_mb.end"]


def test_batches_are_measured_beside_the_worker_that_polls_and_ask_sqs_for_nothing(lab: Lab, code: Code) -> None:
    figures = measure_batches(lab, code, records=10, tasks=50, rounds=1)
    assert figures["requests_per_task"] == 0
    assert figures["cpu_ms_per_task"] > 0
    assert figures["of_poller"] == pytest.approx(figures["cpu_ms_per_task"] / figures["poller_cpu_ms_per_task"])


def test_a_cold_start_is_measured_to_where_the_function_waits_and_so_is_what_it_loads(lab: Lab, code: Code) -> None:
    assert measure_cold_start(lab, code, WORKER)["init_cpu_ms"] > 0
    loaded = measure_imports(lab, code, WORKER)
    assert loaded["ms.botocore"] > 0
    assert loaded["ms"] == pytest.approx(sum(loaded.values()) - loaded["ms"])
