"""Which trace a request or a message belongs to, as W3C Trace Context writes it: https://www.w3.org/TR/trace-context.

A message carries it in attributes of these names, as OpenTelemetry's own instrumentations do. What is malformed is as
if it were not there.
"""

import re
from collections.abc import Iterable, Mapping

from opentelemetry.context import Context
from opentelemetry.trace import SpanContext, TraceFlags, TraceState
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from services.telemetry.trace_attributes import MAX_TRACESTATE_BYTES, TRACEPARENT_ATTRIBUTE, TRACESTATE_ATTRIBUTE

_LONGEST_SPARED_MEMBER = 128
# The others are set to zero in what is sent (section 3.2.2.5).
_KNOWN_FLAGS = TraceFlags.SAMPLED | TraceFlags.RANDOM_TRACE_ID

_PLAINLY_UNSAMPLED = re.compile("00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[02]")

_propagator = TraceContextTextMapPropagator()


def read_headers(headers: Iterable[tuple[bytes, bytes]]) -> Context:
    """Return the context that an HTTP request came with, as ASGI has its headers; an empty one where it had none."""
    names = {TRACEPARENT_ATTRIBUTE.encode(), TRACESTATE_ATTRIBUTE.encode()}
    found: dict[str, list[str]] = {}
    for name, value in headers:
        if name in names:
            found.setdefault(name.decode(), []).append(value.decode("latin-1"))
    # More than one traceparent is none (section 3.2.1).
    if len(found.get(TRACEPARENT_ATTRIBUTE, ())) > 1:
        return Context()
    return _propagator.extract(found, Context())


def read_attributes(attributes: Mapping[str, str]) -> Context:
    """Return the context that a message came with; an empty one where it had none."""
    return _propagator.extract(attributes, Context())


def unsampled_headers(attributes: Mapping[str, str]) -> dict[str, str] | None:
    """Return what is to be passed on of a message whose context is at a glance that of a trace which is not sampled.

    None: its context is to be read as a whole. Most messages are of such traces where traces are sampled.
    """
    traceparent = attributes.get(TRACEPARENT_ATTRIBUTE, "")
    if TRACESTATE_ATTRIBUTE in attributes or not _PLAINLY_UNSAMPLED.fullmatch(traceparent):
        return None
    return {TRACEPARENT_ATTRIBUTE: traceparent}


def headers_of(context: SpanContext) -> dict[str, str]:
    """Return what a request or a message carries to be of this trace, in a bounded number of bytes."""
    trace_id, span_id, _is_remote, flags, state, is_valid = context
    if not is_valid:
        return {}
    # As the propagator writes it, which would ask for it in a context made for that.
    headers = {TRACEPARENT_ATTRIBUTE: f"00-{trace_id:032x}-{span_id:016x}-{flags & _KNOWN_FLAGS:02x}"}
    if state:
        header = state.to_header()
        is_short = len(header) <= MAX_TRACESTATE_BYTES
        headers[TRACESTATE_ATTRIBUTE] = header if is_short else bounded(state).to_header()
    return headers


def bounded(state: TraceState) -> TraceState:
    """Return as much of the state as fits: without its long members, then without its last ones (section 3.3.1.5).

    Every single member that is not long fits.
    """
    members = list(state.items())
    for index, (name, value) in reversed(list(enumerate(members))):
        if _size_of(members) > MAX_TRACESTATE_BYTES and _size_of([(name, value)]) > _LONGEST_SPARED_MEMBER:
            del members[index]
    while _size_of(members) > MAX_TRACESTATE_BYTES:
        members.pop()
    return TraceState(members)


def _size_of(members: Iterable[tuple[str, str]]) -> int:
    """Return the length of the members as a header: ASCII, so that characters are bytes."""
    return len(",".join(f"{name}={value}" for name, value in members))
