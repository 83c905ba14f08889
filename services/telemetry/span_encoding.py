"""Spans as the body of an export: https://opentelemetry.io/docs/specs/otlp/#otlphttp-request.

OpenTelemetry's own encoder copies each attribute five times, from one message into the next larger one, which would be
half of what a recorded task costs. Here nearly every span is written where it is sent from. What only few have is left
to that encoder, and so is what is said once for many of them: the resource, and who has made them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, SpanFlags
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, SpanKind

_KINDS = {kind: Span.SpanKind.Value(f"SPAN_KIND_{kind.name}") for kind in SpanKind}
_NOT_REMOTE = SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK
_REMOTE = _NOT_REMOTE | SpanFlags.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK
_PLAIN_VALUES = frozenset({str, int})


def encoded(spans: Sequence[ReadableSpan]) -> bytes:
    """Return the body of a request that exports the spans. Raises what Protobuf raises for what it cannot hold."""
    request = ExportTraceServiceRequest()
    # Told apart by identity: to compare two resources takes longer than to write a span.
    written: dict[tuple[int, int], Any] = {}
    for span in spans:
        origin = id(span.resource), id(span.instrumentation_scope)
        attributes = dict(span.attributes or {})
        if origin not in written:
            request.MergeFrom(encode_spans([span]))
            written[origin] = request.resource_spans[-1].scope_spans[-1].spans
        elif _is_plain(span, attributes):
            _write(span, attributes, written[origin])
        else:
            written[origin].append(encode_spans([span]).resource_spans[0].scope_spans[0].spans[0])
    return bytes(request.SerializeToString())


def _is_plain(span: ReadableSpan, attributes: Mapping[str, Any]) -> bool:
    """Return whether it has what nearly all have: it has not failed, and its attributes are texts and whole numbers."""
    return (
        span.status.is_unset
        and _PLAIN_VALUES.issuperset(map(type, attributes.values()))
        and not (span.events or span.dropped_attributes or span.dropped_events or span.dropped_links)
        and not any(link.attributes for link in span.links)
    )


def _write(span: ReadableSpan, attributes: Mapping[str, Any], spans: Any) -> None:
    context, parent = cast("SpanContext", span.get_span_context()), span.parent
    written = spans.add(
        trace_id=_trace_id(context),
        span_id=_span_id(context),
        trace_state=context.trace_state.to_header(),
        parent_span_id=b"" if parent is None else _span_id(parent),
        name=span.name,
        kind=_KINDS[span.kind],
        start_time_unix_nano=span.start_time,
        end_time_unix_nano=span.end_time,
        flags=_flags(parent),
    )
    for name, value in attributes.items():
        written_value = written.attributes.add(key=name).value
        if value.__class__ is str:
            written_value.string_value = value
        else:
            written_value.int_value = value
    for link in span.links:
        to = link.context
        written.links.add(trace_id=_trace_id(to), span_id=_span_id(to), flags=_flags(to))


def _trace_id(context: SpanContext) -> bytes:
    return context.trace_id.to_bytes(16, "big")


def _span_id(context: SpanContext) -> bytes:
    return context.span_id.to_bytes(8, "big")


def _flags(context: SpanContext | None) -> int:
    """Return what tells whether a parent, or what is linked to, is of another process."""
    return _REMOTE if context is not None and context.is_remote else _NOT_REMOTE
