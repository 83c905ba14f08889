"""The instruments: what dashboards, alert rules and the console rely on."""

import logging
import sys
from collections.abc import Iterator

import pytest
import structlog
from prometheus_client import Counter, Gauge, Histogram, generate_latest

from services.runtime.boot import boot
from services.runtime.settings import ServiceSettings
from services.streams import output
from services.telemetry import metrics
from services.telemetry.metrics import REGISTRY, child
from tests.service_fixtures import Growth

INSTRUMENTS = {
    "async_tasks_accepted": ("counter", ("task_type",)),
    "async_tasks_refused": ("counter", ("task_type", "status")),
    "async_tasks_http_request_seconds": ("histogram", ("task_type",)),
    "async_tasks_attempts": ("counter", ("queue", "result")),
    "async_tasks_deliveries": ("counter", ("result",)),
    "async_tasks_queue_wait_seconds": ("histogram", ("queue",)),
    "async_tasks_work_seconds": ("histogram", ("queue",)),
    "async_tasks_delivery_seconds": ("histogram", ()),
    "async_tasks_end_to_end_seconds": ("histogram", ("task_type",)),
    "async_tasks_in_flight": ("gauge", ("queue",)),
    "async_tasks_slots": ("gauge", ("queue",)),
    "async_tasks_queue_last_received_sent_timestamp_seconds": ("gauge", ("queue",)),
    "async_tasks_sqs_batch_entries": ("histogram", ("operation",)),
    "async_tasks_sqs_requests": ("counter", ("operation",)),
    "async_tasks_alerts": ("counter", ("result",)),
    "async_tasks_queue_messages": ("gauge", ("queue", "state")),
    "async_tasks_queue_last_empty_timestamp_seconds": ("gauge", ("queue",)),
}


@pytest.fixture
def switched_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a program sets at its boot is as it was."""
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    before = list(output.outputs)
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    metrics.switch(on=True)
    output.outputs[:] = before
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


def test_each_instrument_has_the_name_type_and_labels_that_its_readers_know() -> None:
    declared = {
        each._name: (each._type, each._labelnames)  # noqa: SLF001  # a registry shows no labels of what has no child
        for each in vars(metrics).values()
        if isinstance(each, Counter | Gauge | Histogram)
    }

    assert declared == INSTRUMENTS


def test_a_child_counts_in_the_instrument() -> None:
    growth = Growth.begin()

    child(metrics.ATTEMPTS, "mine", "done").inc()

    assert growth.of("async_tasks_attempts_total", queue="mine", result="done") == 1


@pytest.mark.usefixtures("switched_back")
def test_a_service_that_measures_nothing_uses_its_instruments_without_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_ENABLED", "false")

    boot(ServiceSettings)
    child(metrics.ATTEMPTS, "none", "done").inc()
    child(metrics.WORK_SECONDS, "none").observe(1)
    child(metrics.IN_FLIGHT, "none").set_function(lambda: 1)
    child(metrics.SLOTS, "none").set(1)
    child(metrics.END_TO_END_SECONDS).labels("none").observe(1)

    assert not [
        sample for family in REGISTRY.collect() for sample in family.samples if "none" in sample.labels.values()
    ]


@pytest.mark.usefixtures("switched_back")
def test_a_service_measures_unless_set_otherwise() -> None:
    boot(ServiceSettings)

    assert child(metrics.DELIVERY_SECONDS) is metrics.DELIVERY_SECONDS


@pytest.mark.parametrize("task_type", ["\ud800", "a\nb", "ä", "x" * 101])
def test_what_is_no_name_breaks_no_metric(task_type: str) -> None:
    child(metrics.END_TO_END_SECONDS, metrics.label_of(task_type)).observe(1)

    assert b'async_tasks_end_to_end_seconds_count{task_type="unknown"}' in generate_latest(REGISTRY)
    assert metrics.label_of("word-count") == "word-count"
