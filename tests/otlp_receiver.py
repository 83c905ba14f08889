"""A real OTLP receiver: an HTTP server for what OpenTelemetry's exporter sends, read by the protocol's own definitions.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as OtlpSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status


@dataclass(frozen=True)
class SpanEvent:
    """What happened in a span."""

    name: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class ReceivedSpan:
    """A span as it arrived; ids are hexadecimal."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    """Empty where it has none."""
    links: Sequence[str]
    """The ids of the spans that it is linked to."""
    attributes: Mapping[str, Any]
    events: Sequence[SpanEvent]
    is_error: bool
    error: str
    resource: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.service}: {self.name}"


@dataclass
class OtlpReceiver:
    """Keeps the spans that it is sent."""

    url: str = ""
    spans: list[ReceivedSpan] = field(default_factory=list)
    requests: int = 0
    status: int = 200
    """With which it answers."""
    refusal: str = ""
    """Why it rejects every span, where it does: with a partial success that is none."""
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def has(self, enough: Callable[[Sequence[ReceivedSpan]], bool]) -> None:
        """Wait until it has what is wanted. Raises TimeoutError where the caller has set a time."""
        async with self._changed:
            await self._changed.wait_for(lambda: enough(self.spans))

    async def take(self, request: web.Request) -> web.Response:
        """Answer an export."""
        assert request.headers["content-type"] == "application/x-protobuf"
        export = ExportTraceServiceRequest.FromString(await request.read())
        async with self._changed:
            self.requests += 1
            if self.status < 300 and not self.refusal:
                self.spans += _spans_of(export)
            self._changed.notify_all()
        answer = ExportTraceServiceResponse()
        if self.refusal:
            answer.partial_success.rejected_spans = len(_spans_of(export))
            answer.partial_success.error_message = self.refusal
        return web.Response(
            status=self.status,
            headers={"Location": f"{self.url}/elsewhere"} if 300 <= self.status < 400 else {},
            body=answer.SerializeToString(),
            content_type="application/x-protobuf",
        )


@asynccontextmanager
async def running_otlp_receiver() -> AsyncIterator[OtlpReceiver]:
    """Run a receiver on a free port of this machine."""
    receiver = OtlpReceiver()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/v1/traces", receiver.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield receiver
    finally:
        await runner.cleanup()


def _spans_of(export: ExportTraceServiceRequest) -> list[ReceivedSpan]:
    return [
        _read(_attributes(of_resource.resource.attributes), span)
        for of_resource in export.resource_spans
        for of_scope in of_resource.scope_spans
        for span in of_scope.spans
    ]


def _read(resource: Mapping[str, Any], span: OtlpSpan) -> ReceivedSpan:
    return ReceivedSpan(
        service=resource["service.name"],
        name=span.name,
        kind=OtlpSpan.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        links=[link.span_id.hex() for link in span.links],
        attributes=_attributes(span.attributes),
        events=[SpanEvent(event.name, _attributes(event.attributes)) for event in span.events],
        is_error=span.status.code == Status.STATUS_CODE_ERROR,
        error=span.status.message,
        resource=resource,
    )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs if isinstance(pair, KeyValue)}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    return None if kind is None else getattr(value, kind)
