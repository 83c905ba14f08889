"""What a service's /metrics answers is read by name and labels."""

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from services.console.metrics_text import matching, read_metrics


def test_the_services_own_metrics_are_read_as_prometheus_client_writes_them() -> None:
    registry = CollectorRegistry()
    Counter("async_tasks_attempts", "…", ["queue", "result"], registry=registry).labels("data", 'a "b"\n').inc(3)
    Gauge("async_tasks_slots", "…", ["queue"], registry=registry).labels("data").set(50)
    Gauge("process_open_fds", "…", registry=registry).set(9)

    readings = read_metrics(generate_latest(registry).decode())

    assert readings[("async_tasks_attempts_total", frozenset({("queue", "data"), ("result", 'a "b"\n')}))] == 3
    assert matching(readings, "async_tasks_slots", queue="data") == {frozenset({("queue", "data")}): 50}
    assert not matching(readings, "process_open_fds")


def test_the_buckets_of_a_histogram_keep_their_bounds() -> None:
    registry = CollectorRegistry()
    Histogram("async_tasks_delivery_seconds", "…", registry=registry, buckets=(0.5, 1)).observe(0.7)

    readings = read_metrics(generate_latest(registry).decode())

    buckets = matching(readings, "async_tasks_delivery_seconds_bucket")
    assert {dict(labels)["le"]: count for labels, count in buckets.items()} == {"0.5": 0, "1.0": 1, "+Inf": 1}


def test_what_is_no_metrics_text_is_refused() -> None:
    with pytest.raises(ValueError, match="could not convert"):
        read_metrics("async_tasks_slots many")
