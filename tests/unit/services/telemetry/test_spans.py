"""Which spans are recorded, and that what cannot be recorded in a trace changes nothing of what is done."""

from collections.abc import Sequence
from contextvars import copy_context
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    DEFAULT_OFF,
    DEFAULT_ON,
    ParentBasedTraceIdRatio,
    Sampler,
    TraceIdRatioBased,
)
from opentelemetry.trace import INVALID_SPAN, get_current_span
from structlog.testing import capture_logs

from services.telemetry.spans import RecordingTracer
from services.telemetry.tracing import Destination

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00"
QUEUE = Destination("run-calculation", "calculation", "http://127.0.0.1:4566")


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


class Ended(SpanProcessor):
    """Keeps the names of what has ended."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.names.append(span.name)


def worked(sampler: Sampler, **attributes: str) -> tuple[Sequence[str], str]:
    """Work a message with these attributes; the names of what is recorded, and the `traceparent` of the callback."""
    ended = Ended()
    provider = TracerProvider(sampler, shutdown_on_exit=False)
    provider.add_span_processor(ended)
    tracer = RecordingTracer(provider, ended)

    def work() -> str:
        with tracer.process_span(QUEUE, "message", 1, attributes, None):
            tracer.of_task("task")
            with tracer.run_span("calculation"):
                provider.get_tracer("a task type").start_span("its own").end()
            with tracer.delivery_span("http://receiver/callback", "task", 1) as span:
                span.answered(503)
                return span.headers["traceparent"]

    return ended.names, copy_context().run(work)


WHOLE = ["its own", "run calculation", "POST", "process calculation"]


@pytest.mark.parametrize(
    ("sampler", "attributes", "recorded"),
    [
        (DEFAULT_ON, {}, WHOLE),
        (DEFAULT_ON, {"traceparent": SAMPLED}, WHOLE),
        (DEFAULT_ON, {"traceparent": UNSAMPLED}, []),
        (DEFAULT_ON, {"traceparent": UNSAMPLED, "tracestate": "vendor=value"}, []),
        (ParentBasedTraceIdRatio(0), {}, []),
        (ParentBasedTraceIdRatio(0), {"traceparent": SAMPLED}, WHOLE),
        (ParentBasedTraceIdRatio(1), {"traceparent": UNSAMPLED}, []),
        (DEFAULT_OFF, {"traceparent": SAMPLED}, WHOLE),
        (DEFAULT_OFF, {}, []),
        (ALWAYS_ON, {"traceparent": UNSAMPLED}, WHOLE),
        (ALWAYS_OFF, {"traceparent": SAMPLED}, []),
    ],
)
def test_the_sampler_of_the_environment_decides(
    sampler: Sampler, attributes: dict[str, str], recorded: list[str]
) -> None:
    names, traceparent = worked(sampler, **attributes)

    assert names == recorded
    # The one that is called is to decide alike, in the same trace.
    assert traceparent.endswith("-01" if recorded else "-00") or not attributes
    assert (TRACE in traceparent) == bool(attributes)


@pytest.mark.parametrize(
    "traceparent", [UNSAMPLED, f" {UNSAMPLED} ", f"01-{TRACE}-{PARENT}-00-more", f"{UNSAMPLED[:-1]}2"]
)
def test_a_message_that_is_not_sampled_is_passed_on_as_it_came(traceparent: str) -> None:
    assert worked(DEFAULT_ON, traceparent=traceparent) == ([], f"{UNSAMPLED[:-2]}{traceparent.strip()[53:55]}")


@pytest.mark.parametrize("sampler", [DEFAULT_ON, TraceIdRatioBased(0)])
def test_a_log_line_names_the_trace_that_is_recorded_alone_also_when_its_span_has_ended(sampler: Sampler) -> None:
    tracer = RecordingTracer(TracerProvider(sampler, shutdown_on_exit=False), Ended())

    def ids(traceparent: str) -> Any:
        with tracer.process_span(QUEUE, "message", 1, {"traceparent": traceparent}, None):
            within = tracer.ids()
        assert tracer.ids() == within
        return within

    assert copy_context().run(ids, UNSAMPLED) == {}
    assert copy_context().run(ids, SAMPLED).get("trace_id") == (TRACE if sampler is DEFAULT_ON else None)


def test_a_request_that_is_not_sampled_sends_a_message_that_is_not() -> None:
    ended = Ended()
    tracer = RecordingTracer(TracerProvider(DEFAULT_ON, shutdown_on_exit=False), ended)
    scope = {"headers": [(b"traceparent", UNSAMPLED.encode())]}

    with tracer.request_span(scope, "/v1/calculation/basic") as request:
        assert request.watched(print) is print  # type: ignore[arg-type, comparison-overlap]  # it is not called
        with tracer.send_span(QUEUE, "it failed", "Traceback …", None) as sent:
            assert sent.headers == {"traceparent": UNSAMPLED}
    assert trace.get_current_span() is INVALID_SPAN
    assert ended.names == []
