"""Traces by OpenTelemetry: what a task went through is one trace, from the client's request to its callback or alert.

Off unless `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is set: then a span costs three calls
of functions that do nothing, nothing of OpenTelemetry is imported, and no message carries anything of it. Where it is
on, spans.py says what is recorded; OpenTelemetry's SDK reads the other `OTEL_…` variables of the environment
(https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables).
"""

import os
from collections.abc import Mapping, MutableMapping, Sequence
from contextvars import Context
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from starlette.types import Scope, Send

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class Destination(NamedTuple):
    """Where a message is sent, or comes from."""

    name: str
    """The queue's name in SQS."""
    template: str
    """Its name without the prefix that it has there: the same in every stack."""
    server_url: str


class Span:
    """A span inside a `with` block, or, as here, none; what the block raises is recorded as its failure."""

    headers: Mapping[str, str] = MappingProxyType({})
    """What a request or a message takes along so that the trace goes on where it arrives."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """End the span."""

    def answered(self, _status: int) -> None:
        """Record the status of the HTTP response."""

    def watched(self, send: "Send") -> "Send":
        """Return an ASGI `send` that records the status of the response which passes through it."""
        return send


NO_SPAN = Span()


class Tracer:
    """Makes spans, or, as here, none."""

    def request_span(self, _scope: "Scope", _route: str) -> Span:
        """Return the span of a client's HTTP request to a route, in the client's own trace where it has one."""
        return NO_SPAN

    def send_span(
        self,
        _destination: Destination,
        _reason: str | None,
        _stack_trace: str | None,
        _message_group_id: str | None,
    ) -> Span:
        """Return the span of sending a message, whose attributes `headers` are.

        It is sent with the reason and the stack trace of a failure where it is a dead message.
        """
        return NO_SPAN

    def process_span(
        self,
        _source: Destination,
        _message_id: str,
        _receive_count: int,
        _attributes: Mapping[str, str],
        _message_group_id: str | None,
    ) -> Span:
        """Return the span of one attempt at a message, in the trace of its sender, which its attributes name.

        It stays the current one behind its block, in the same asyncio task: what is done then is its consequence.
        """
        return NO_SPAN

    def run_span(self, _task_type: str) -> Span:
        """Return the span of a task type's own work."""
        return NO_SPAN

    def delivery_span(self, _url: object, _task_id: str, _attempt: int) -> Span:
        """Return the span of a delivery attempt (1 is the first that its caller makes)."""
        return NO_SPAN

    def fetch_span(self, _method: str, _url: object) -> Span:
        """Return the span of an HTTP request that a task type makes."""
        return NO_SPAN

    def alert_span(self, _url: str, _raised_in: Sequence[Context]) -> Span:
        """Return the span of a request that posts alerts, each of which was raised in one of these contexts.

        A single one is posted in its own trace; several have a new one, with a link to each.
        """
        return NO_SPAN

    def of_task(self, task_id: str) -> None:
        """Note on the current span which task it is of."""

    def failed(self, error: BaseException) -> None:
        """Record on the current span that the attempt failed, and why."""

    def ids(self) -> Mapping[str, str]:
        """Return `trace_id` and `span_id` of the current span, by which a log line is found from its trace."""
        return {}

    def flush(self) -> None:
        """Send what is recorded and not sent yet, for a moment at the most, and go on recording."""

    def stop(self) -> None:
        """Send what is recorded and not sent yet, for a moment at the most."""


tracer = Tracer()
"""That of this program."""


def is_wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether the environment asks for traces."""
    disabled = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    return any(environment.get(name) for name in _ENDPOINTS) and not disabled and exporter != "none"


def use(another: Tracer) -> None:
    """Let this program's spans be made by another tracer from now on."""
    global tracer  # noqa: PLW0603  # there is one for a program, as there is one log
    tracer = another


def add_ids(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add the current span's ids to a log line: a processor of structlog."""
    line.update(tracer.ids())
    return line
