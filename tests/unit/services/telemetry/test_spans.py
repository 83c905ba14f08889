"""What cannot be recorded in a trace changes nothing of what is done."""

from typing import Any

import pytest
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import INVALID_SPAN, get_current_span
from structlog.testing import capture_logs

from services.telemetry.spans import RecordingTracer


class Breaking(SpanProcessor):
    """A part of OpenTelemetry that fails: when a span begins, or when it ends."""

    def __init__(self, when: str) -> None:
        self._when = when

    def on_start(self, *_arguments: Any, **_named: Any) -> None:
        if self._when == "begin":
            raise ConnectionError("cannot begin")

    def on_end(self, *_arguments: Any) -> None:
        if self._when == "end":
            raise ConnectionError("cannot end")


class ShyError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def tracer_of(when: str, seconds_between_complaints: float = 0) -> RecordingTracer:
    provider = TracerProvider(shutdown_on_exit=False)
    breaking = Breaking(when)
    provider.add_span_processor(breaking)
    return RecordingTracer(provider, breaking, seconds_between_complaints)


@pytest.mark.parametrize("when", ["begin", "end"])
def test_a_span_that_cannot_be_recorded_is_logged_and_its_block_goes_on(when: str) -> None:
    done = []

    with capture_logs() as logs, tracer_of(when).delivery_span("http://receiver/callback", "id", 1) as span:
        span.answered(200)
        done.append(dict(span.headers).keys())

    assert len(done) == 1
    assert [line["event"] for line in logs] == ["not recorded in the trace"]
    assert get_current_span() is INVALID_SPAN


@pytest.mark.parametrize("when", ["begin", "end", "never"])
@pytest.mark.parametrize("error", [ValueError("no"), ShyError()])
def test_what_the_block_raises_is_raised_whatever_becomes_of_its_span(when: str, error: Exception) -> None:
    with pytest.raises(type(error)) as raised, tracer_of(when).run_span("calculation"):
        raise error

    assert raised.value is error


def test_what_is_no_url_is_logged_and_recorded_as_nothing() -> None:
    with capture_logs() as logs, tracer_of("never").fetch_span("GET", "http://[") as span:
        assert span.headers == {}

    assert [line["event"] for line in logs] == ["not recorded in the trace"]


def test_it_is_logged_now_and_then() -> None:
    tracer = tracer_of("begin", seconds_between_complaints=3600)

    with capture_logs() as logs:
        for _ in range(3):
            with tracer.run_span("calculation"):
                pass

    assert len(logs) == 1
