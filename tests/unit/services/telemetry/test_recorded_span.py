"""To whoever uses OpenTelemetry's API, a span of ours is one of OpenTelemetry's, whose limits it keeps."""

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from typing_extensions import override

from services.telemetry.recorded_span import Pipeline, RecordedSpan

PARENT = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
OTHER = SpanContext(3, 4, is_remote=True)
LINKS = [Link(PARENT), Link(OTHER)]
ATTRIBUTES: dict[str, str | int] = {"queue": "calculation", "port": 4566}


class Ended(SpanProcessor):
    """Keeps what has ended."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    @override
    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


def ours(limits: SpanLimits, use: Callable[[trace.Span], object]) -> ReadableSpan:
    ended = Ended()
    pipeline = Pipeline(ended, Resource({}), InstrumentationScope("tests"), limits)
    context = SpanContext(1, 5, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    span = RecordedSpan(pipeline, "run", SpanKind.INTERNAL, context, PARENT, dict(ATTRIBUTES), LINKS)
    use(span)
    span.end()
    [recorded] = ended.spans
    return recorded


def opentelemetrys(limits: SpanLimits, use: Callable[[trace.Span], object]) -> ReadableSpan:
    ended = Ended()
    provider = TracerProvider(shutdown_on_exit=False, span_limits=limits, resource=Resource({}))
    provider.add_span_processor(ended)
    within = trace.set_span_in_context(trace.NonRecordingSpan(PARENT))
    span = provider.get_tracer("tests").start_span("run", within, SpanKind.INTERNAL, ATTRIBUTES, LINKS)
    use(span)
    span.end()
    [recorded] = ended.spans
    return recorded


def seen(span: ReadableSpan) -> dict[str, Any]:
    return {
        "name": span.name,
        "kind": span.kind,
        "parent": span.parent,
        "attributes": dict(span.attributes or {}),
        "events": [(event.name, dict(event.attributes or {})) for event in span.events],
        "links": [(link.context, dict(link.attributes or {})) for link in span.links],
        "status": (span.status.status_code, span.status.description),
        "scope": span.instrumentation_scope and span.instrumentation_scope.name,
        "left out": (span.dropped_attributes, span.dropped_events, span.dropped_links),
    }


def raised() -> Exception:
    try:
        return Exception(int("not a number"))
    except ValueError as error:
        return error


def add_links(span: trace.Span, links: int) -> None:
    for number in range(links):
        span.add_link(OTHER, {"number": number})


def use_late(span: trace.Span) -> None:
    span.end()
    span.set_attribute("late", 1)
    span.add_event("late")
    span.add_link(OTHER)
    span.update_name("late")
    span.set_status(StatusCode.ERROR)
    span.end()


USES: dict[str, Callable[[trace.Span], object]] = {
    "nothing": lambda _span: None,
    "a text": lambda span: span.set_attribute("task", "7"),
    "another value": lambda span: span.set_attribute("queue", "other"),
    "several": lambda span: span.set_attributes({"a": 1, "b": 2.5, "c": True, "d": ["x", "y"]}),
    "a value that is none": lambda span: (span.set_attribute("a", "1"), span.set_attribute("b", object())),  # type: ignore[arg-type]  # what a task type may do
    "a long text": lambda span: span.set_attribute("text", "x" * 100),
    "many": lambda span: [span.set_attribute(f"a{number}", number) for number in range(200)],
    "events": lambda span: [span.add_event("e", {"number": number, "text": "x" * 100}) for number in range(200)],
    "an exception": lambda span: span.record_exception(raised(), {"more": 1}),
    "links": lambda span: add_links(span, 200),
    "a link to nothing": lambda span: span.add_link(trace.INVALID_SPAN_CONTEXT),
    "a name": lambda span: span.update_name("run it"),
    "an error": lambda span: span.set_status(Status(StatusCode.ERROR, "it failed")),
    "an error in two words": lambda span: span.set_status(StatusCode.ERROR, "it failed"),
    "a success that stays": lambda span: (span.set_status(StatusCode.OK), span.set_status(StatusCode.ERROR, "late")),
    "an error that is not unset": lambda span: (span.set_status(StatusCode.ERROR), span.set_status(StatusCode.UNSET)),
    "what comes after its end": use_late,
}
LIMITS = {
    "by default": SpanLimits(),
    "few": SpanLimits(max_span_attributes=1, max_events=1, max_links=1, max_event_attributes=1, max_link_attributes=0),
    "none": SpanLimits(max_events=0, max_links=0, max_attributes=0),
    "short": SpanLimits(max_attribute_length=3),
}


@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_it_records_what_opentelemetrys_would(use: Callable[[trace.Span], object], limits: SpanLimits) -> None:
    assert seen(ours(limits, use)) == seen(opentelemetrys(limits, use))


def test_it_is_recording_until_it_ends() -> None:
    def use(span: trace.Span) -> None:
        assert span.is_recording()
        span.end(7)
        assert not span.is_recording()

    assert ours(SpanLimits(), use).end_time == 7
