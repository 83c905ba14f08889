"""Tracing that is off costs next to nothing and imports nothing; and when it is on."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from services.telemetry import tracing
from stack.config import ROOT
from tests.service_fixtures import without_collector

MOST_CALLS_OF_A_SPAN = 3
"""Making it, entering it, leaving it."""

MOST_CALLS_OF_A_NOTE = 1


def calls_of(code: Callable[[], None]) -> int:
    """How many functions the code calls, besides itself."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    with without_collector():
        sys.setprofile(count)
        try:
            code()
        finally:
            sys.setprofile(None)
    # Those of the code and of what ends the count.
    return calls - 2


SPANS: list[tuple[str, tuple[Any, ...]]] = [
    ("request_span", ({}, "/")),
    ("send_span", (None, None, None, None)),
    ("process_span", (None, "id", 1, {}, None)),
    ("run_span", ("calculation",)),
    ("delivery_span", ("http://receiver", "id", 1)),
    ("fetch_span", ("GET", "http://source")),
    ("alert_span", ("http://slack", [])),
]


@pytest.mark.parametrize(("name", "arguments"), SPANS)
def test_a_span_that_is_off_takes_three_calls(name: str, arguments: tuple[Any, ...]) -> None:
    def make() -> None:
        with getattr_once(*arguments) as span:
            _ = span.headers

    getattr_once = getattr(tracing.tracer, name)
    assert calls_of(make) <= MOST_CALLS_OF_A_SPAN


def test_what_is_noted_of_no_span_takes_one_call() -> None:
    assert calls_of(lambda: tracing.tracer.of_task("id")) <= MOST_CALLS_OF_A_NOTE
    assert calls_of(lambda: tracing.tracer.failed(ValueError)) <= MOST_CALLS_OF_A_NOTE  # type: ignore[arg-type]  # making one would be a call


def test_a_program_that_is_not_traced_imports_nothing_of_opentelemetry() -> None:
    program = (
        "import sys, services.api.__main__, services.worker.__main__, services.dlq_watcher.__main__\n"
        "from services.runtime.boot import start_tracing\n"
        "start_tracing('api')\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    environment = {"PYTHONPATH": str(ROOT), "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run(  # noqa: S603  # the program above
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=60
    )

    imported = done.stdout.strip()
    assert "opentelemetry.sdk" not in imported
    assert "opentelemetry.exporter" not in imported


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_SDK_DISABLED": "TRUE"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_SDK_DISABLED": "false"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_traces_are_made_where_an_endpoint_is_set_and_the_sdk_is_not_disabled(
    environment: dict[str, str], *, wanted: bool
) -> None:
    assert tracing.is_wanted(environment) is wanted
