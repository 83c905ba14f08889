"""Which trace a message or a request says that it is of, and what is sent along."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.trace import SpanContext, TraceFlags, TraceState

from services.telemetry.trace_attributes import MAX_TRACESTATE_BYTES
from services.telemetry.trace_context import bounded, headers_of, read_attributes, read_headers

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def span_context(state: TraceState | None = None) -> SpanContext:
    return SpanContext(
        0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7, True, TraceFlags(TraceFlags.SAMPLED), state  # noqa: FBT003
    )  # fmt: skip


def test_what_is_sent_along_is_read_again() -> None:
    headers = headers_of(span_context(TraceState([("vendor", "value")])))

    assert headers == {"traceparent": TRACEPARENT, "tracestate": "vendor=value"}
    read = trace.get_current_span(read_attributes(headers)).get_span_context()
    assert (read.trace_id, read.span_id) == (span_context().trace_id, span_context().span_id)
    assert read.trace_state.to_header() == "vendor=value"


def test_two_traceparents_are_none() -> None:
    headers = [(b"traceparent", TRACEPARENT.encode()), (b"traceparent", TRACEPARENT.encode())]

    assert not trace.get_current_span(read_headers(headers)).get_span_context().is_valid
    assert trace.get_current_span(read_headers(headers[:1])).get_span_context().is_valid


@given(st.text(), st.text())
def test_whatever_an_attribute_holds_it_breaks_nothing(traceparent: str, tracestate: str) -> None:
    read_attributes({"traceparent": traceparent, "tracestate": tracestate})
    read_attributes({"traceparent": TRACEPARENT, "tracestate": tracestate})


@given(st.binary(), st.binary())
def test_whatever_a_header_holds_it_breaks_nothing(traceparent: bytes, tracestate: bytes) -> None:
    read_headers([(b"traceparent", traceparent), (b"tracestate", tracestate)])
    read_headers([(b"traceparent", TRACEPARENT.encode()), (b"tracestate", tracestate)])


@pytest.mark.parametrize(
    ("lengths", "kept"),
    [
        ([100, 100], ["a", "b"]),
        # The long ones go first, the last of them before the others.
        ([50, 250, 250], ["a", "b"]),
        ([250, 50, 250, 50], ["a", "b", "d"]),
        # Then the last ones.
        ([120, 120, 120, 120, 120], ["a", "b", "c", "d"]),
    ],
)
def test_a_state_that_is_too_long_loses_its_long_members_and_then_its_last(lengths: list[int], kept: list[str]) -> None:
    state = TraceState([(name, "x" * (length - 2)) for name, length in zip("abcde", lengths, strict=False)])

    assert list(bounded(state)) == kept


members = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9_*/-]{0,30}", fullmatch=True), st.from_regex(r"[!-+\--<>-~]{1,255}", fullmatch=True),
    max_size=32,
)  # fmt: skip


@given(members)
def test_what_is_sent_along_is_bounded(state: dict[str, str]) -> None:
    headers = headers_of(span_context(TraceState(list(state.items()))))

    assert headers["traceparent"] == TRACEPARENT
    assert len(headers.get("tracestate", "")) <= MAX_TRACESTATE_BYTES
