"""What is sent to a collector is what OpenTelemetry's own encoder would send."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from services.telemetry.span_encoding import encoded

RESOURCE = Resource({"service.name": "worker-calculation"}, "https://opentelemetry.io/schemas/1.44.0")
SCOPES = (
    InstrumentationScope("services", "", "https://opentelemetry.io/schemas/1.44.0"),
    InstrumentationScope("a task type", "7", attributes={"key": "value"}),
)

ids = st.integers(1, 2**64 - 1)
words = st.text("ab é\u2192", min_size=1, max_size=5)
contexts = st.builds(
    SpanContext,
    st.integers(1, 2**128 - 1),
    ids,
    st.booleans(),
    st.just(TraceFlags(TraceFlags.SAMPLED)),
    st.sampled_from([TraceState(), TraceState([("vendor", "value"), ("other", "1")])]),
)
plain = words | st.integers(-(2**63), 2**63 - 1)
values: st.SearchStrategy[Any] = plain | st.booleans() | st.floats(allow_nan=False) | st.lists(words, max_size=2)
spans = st.builds(
    ReadableSpan,
    name=words,
    context=contexts,
    parent=st.none() | contexts,
    resource=st.just(RESOURCE),
    attributes=st.dictionaries(words, plain, max_size=4) | st.dictionaries(words, values, max_size=2),
    events=st.lists(st.builds(Event, words, st.dictionaries(words, plain, max_size=2), ids), max_size=1),
    links=st.lists(st.builds(Link, contexts, st.none() | st.dictionaries(words, plain, max_size=1)), max_size=2),
    kind=st.sampled_from(SpanKind),
    status=st.sampled_from([Status(), Status(StatusCode.OK), Status(StatusCode.ERROR, "it failed")]),
    start_time=ids,
    end_time=ids,
    instrumentation_scope=st.sampled_from(SCOPES),
)


def sent(request: ExportTraceServiceRequest) -> dict[str, list[str]]:
    """The spans by what has made them, each as text; that a status is not set is said by both, each in its way."""
    found: dict[str, list[str]] = {}
    for of_resource in request.resource_spans:
        for of_scope in of_resource.scope_spans:
            origin = f"{of_resource.resource} {of_resource.schema_url} {of_scope.scope} {of_scope.schema_url}"
            for span in of_scope.spans:
                if not (span.status.code or span.status.message):
                    span.ClearField("status")
                found.setdefault(origin, []).append(str(span))
    return found


@given(st.lists(spans, max_size=8))
def test_it_is_what_opentelemetry_would_send(batch: Sequence[ReadableSpan]) -> None:
    assert sent(ExportTraceServiceRequest.FromString(encoded(batch))) == sent(encode_spans(batch))
