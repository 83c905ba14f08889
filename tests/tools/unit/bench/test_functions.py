"""What is computed of the functions' measurements: by which events, of which processes, and how it is summed up."""

import zipfile
from pathlib import Path

import pytest

from bench.functions.events import is_done, queue_event, request_event
from bench.functions.import_time import OWN_CODE, SETTING_UP, STANDARD_LIBRARY, milliseconds_by_part
from bench.functions.package import Size, size_of, unzip
from bench.functions.report import functions_targets, loaded_parts
from bench.functions.steps import batch_case, sum_up_batches
from bench.functions.usage import Invoked
from bench.loads import Figures
from bench.systems import PROJECT
from services.messages import decode_task
from services.runtime.lambda_events import read_event
from tests.tools.unit.bench.records import measured, results_of

CALLBACK_URL = "https://receiver.example/callback"
HANDLER = "services.worker.aws_lambda"

REPORT = """\
import time: self [us] | cumulative | imported package
import time:      1500 |       1500 |         botocore.loaders
a line of a log
import time:       500 |       2000 |       botocore
import time:      1000 |       1000 |     json.decoder
import time:      2000 |       5000 |   services.runtime.boot
import time:       250 |        250 |   web.docs
import time:      4000 |       9250 | services.worker.aws_lambda
"""


def invoked(*cpu_seconds: float) -> Invoked:
    return Invoked([2 * each for each in cpu_seconds], list(cpu_seconds), 80_000_000)


def polled(milliseconds: float) -> Figures:
    return {"cpu_s_per_1000.worker": milliseconds}


def test_each_batch_has_new_tasks() -> None:
    messages = [
        message
        for _ in range(2)
        for message in read_event(queue_event("run-calculation", CALLBACK_URL, 10)).messages["run-calculation"]
    ]

    assert len({message.message_id for message in messages}) == 20
    tasks = [decode_task(message.body) for message in messages]
    assert len({task.task_id for task in tasks}) == 20
    assert {message.receive_count for message in messages} == {1}


def test_a_request_that_is_refused_and_a_message_that_comes_again_are_not_measured() -> None:
    assert CALLBACK_URL in request_event(CALLBACK_URL)["body"]
    assert is_done(b'{"statusCode": 200, "body": "{}"}')
    assert is_done(b'{"batchItemFailures": []}')
    assert not is_done(b'{"statusCode": 401, "body": "{}"}')
    assert not is_done(b'{"batchItemFailures": [{"itemIdentifier": "id"}]}')


def test_time_is_summed_up_by_library_and_apart_from_that_of_setting_up() -> None:
    assert milliseconds_by_part(REPORT.splitlines(), HANDLER) == {
        "botocore": 2.0,
        STANDARD_LIBRARY: 1.0,
        OWN_CODE: 2.25,
        SETTING_UP: 4.0,
    }


def test_the_cpu_of_a_task_is_compared_with_the_pollers_within_a_round() -> None:
    # A machine of which others take half after the first round.
    figures = sum_up_batches(
        [polled(0.5), polled(1.0), polled(1.0)],
        [invoked(0.003, 0.005), invoked(0.008, 0.010), invoked(0.008, 0.009)],
        records=10,
    )
    assert figures["of_poller"] == pytest.approx(0.85)
    assert figures["cpu_ms_per_task"] == pytest.approx(0.85)
    assert figures["poller_cpu_ms_per_task"] == 1.0
    assert figures["cpu_ms"] == pytest.approx(43 / 6)
    assert figures["cpu_ms_p50"] == 8
    assert figures["cpu_ms_p95"] == 10
    assert figures["ms_p95"] == 20


def test_a_package_is_unzipped_with_its_bytecode_or_without(tmp_path: Path) -> None:
    package = tmp_path / "package.zip"
    with zipfile.ZipFile(package, "w") as file:
        file.writestr("library/__init__.py", "pass")
        file.writestr("library/__pycache__/__init__.cpython-313.pyc", b"bytes")

    assert size_of(package) == Size(package.stat().st_size, unzipped=9, bytecode=5)
    for has_bytecode in (True, False):
        unzip(package, tmp_path / str(has_bytecode), has_bytecode=has_bytecode)
        assert (tmp_path / str(has_bytecode) / "library" / "__init__.py").exists()
        assert (tmp_path / str(has_bytecode) / "library" / "__pycache__").exists() == has_bytecode


def test_the_targets_are_batches_of_ten_and_a_memory_that_does_not_grow() -> None:
    batches = [
        measured("worker-function", PROJECT.name, {"of_poller": ratio}, batch_case(records))
        for records, ratio in ((1, 2.5), (10, 1.4))
    ]
    memory = measured("api-function", PROJECT.name, {"rss_mb.warm": 80.0, "rss_mb.end": 96.0})

    assert [(target.value, target.met) for target in functions_targets(results_of(*batches, memory))] == [
        (1.4, True),
        (1.2, False),
    ]


def test_the_parts_that_are_small_in_every_handler_are_shown_together() -> None:
    of_api = {f"ms.part {number}": 100.0 - number for number in range(12)}
    results = results_of(
        measured("imports", "api", {"ms": 1.0, **of_api}),
        measured("imports", "worker", {"ms": 1.0, "ms.part 11": 50.0}),
    )

    table = loaded_parts(results.of("imports"))

    assert table.columns == ["part", "api", "worker"]
    assert table.rows[0] == ["part 0", "100", ""]
    assert [row[0] for row in table.rows] == [*(f"part {number}" for number in (*range(10), 11)), "others", "all"]
    assert table.rows[-2:] == [["others", "90", "0"], ["all", "1 134", "50"]]
